//! Evidence from outside that a board carries what was prepared for it.

use super::record::Entry;
use crate::unit::{AuthToken, Digest, Fingerprint, Serial};

/// What is said of a board's number that may be a secret.
pub(super) const SECRET: &str =
    "what stands for its board looks like a token; it is not repeated here";

/// What says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Witness {
    /// The board's flash, read and judged.
    Dump,
    /// The log of a programmer.
    Log,
    /// A list of units that passed.
    List,
}

/// Whether one board carries one unit's image, as far as the witness tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The line of the list or of the log, from 1.
    pub line: u32,
    /// The unit.
    pub serial: Serial,
    /// The token's fingerprint, where the witness saw it.
    pub fingerprint: Option<Fingerprint>,
    /// The chip's own number, where the witness tells.
    pub uid: Option<String>,
    /// SHA-256 of the shared image, where the witness tells.
    pub image: Option<Digest>,
    /// What says so.
    pub witness: Witness,
    /// Whether the unit passed; of one that did not nothing is recorded.
    pub passed: bool,
}

/// Returns whether what is given as a board's number may be a secret: it is neither recorded nor
/// repeated. Some chips have 32 hex digits.
pub(super) fn is_secret(uid: &str) -> bool {
    let digits = uid.bytes().all(|byte| byte.is_ascii_hexdigit());
    !digits && AuthToken::stands_in(uid)
}

/// A unit that a witness spoke of: delivered, where it passed.
#[derive(Debug)]
pub struct Attested {
    /// The record.
    pub entry: Entry,
    /// Whether it had been delivered before; then nothing was written.
    pub already: bool,
    /// Whether the witness says that it passed; if not it is as it was.
    pub passed: bool,
}
