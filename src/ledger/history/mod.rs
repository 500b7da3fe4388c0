//! What happened: the chain of events, and what is told from it.

pub(super) mod audit;
pub(super) mod event;
#[cfg(feature = "seal")]
pub(super) mod mirror;
pub(super) mod places;
#[cfg(feature = "seal")]
pub(super) mod rebuild;
pub(super) mod reconcile;
pub(super) mod replay;
pub(super) mod restore;
pub(super) mod sites;
pub(super) mod witness;
