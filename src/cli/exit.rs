//! Exit codes; the README lists them.

/// Usage.
pub(crate) const USAGE: u8 = 2;
/// Recipe, serial or pool file rejected.
pub(crate) const RECIPE: u8 = 10;
/// Image rejected.
pub(crate) const IMAGE: u8 = 20;
/// Slot or checksum refused.
pub(crate) const SLOT: u8 = 30;
/// Delivery failed.
pub(crate) const DELIVERY: u8 = 40;
/// Read-back or verification differs.
pub(crate) const DIFFERS: u8 = 41;
/// This unit refused.
pub(crate) const REFUSED: u8 = 50;
/// Ledger unreachable.
pub(crate) const LEDGER: u8 = 51;
/// Unit in doubt, or its claim belongs to another board.
pub(crate) const IN_DOUBT: u8 = 52;
/// Pool empty.
pub(crate) const POOL_EMPTY: u8 = 53;
/// The factory's system refused the unit.
pub(crate) const MES: u8 = 54;
/// Recorded, but not labelled.
pub(crate) const UNLABELLED: u8 = 60;
/// Label does not match.
pub(crate) const LABEL: u8 = 61;
/// Interrupted.
pub(crate) const INTERRUPTED: u8 = 130;
/// Whoever read standard output went away; as a shell tells SIGPIPE of other programs.
pub(crate) const CLOSED_PIPE: u8 = 141;
