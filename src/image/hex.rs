//! x
#[derive(Debug, Clone)]
pub(super) struct Records;
