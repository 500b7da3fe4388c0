//! Keys: why one is not used.

use std::path::PathBuf;
use thiserror::Error;

use crate::unit::Fingerprint;

/// Why a key, or what was sealed with it, cannot be used.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum KeyError {
    /// The key can be read by others.
    #[error(
        "{path} has mode {mode:04o}, wanted 0600: others may have read the key; make it owner-only",
        path = path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key's file is somebody else's.
    #[error(
        "{path} belongs to user {owner}, this program runs as {own}: who owns the key can read and change it; make the file yours",
        path = path.display()
    )]
    KeyForeign {
        /// The key file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// The number of who runs this program.
        own: u32,
    },
    /// The key's file is a link.
    #[error(
        "{path} is a link, and whoever can change it can put another key there: put the file itself there, or name it",
        path = path.display()
    )]
    KeyLink {
        /// The link.
        path: PathBuf,
    },
    /// Nobody who has the key put the next one there.
    #[error(
        "{path} holds the key {id}, and nobody who has the ledger's key put it there: it is not used; remove that file, and call again",
        path = path.display()
    )]
    KeyPlanted {
        /// The file of the next key.
        path: PathBuf,
        /// The id of the key in it.
        id: String,
    },
    /// The ledger holds rows, its key is not there.
    #[error(
        "the ledger's key {path} is missing and its tokens cannot be read: put the key back",
        path = path.display()
    )]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The key file is not whole.
    #[error("{path} holds no key: put the ledger's key back", path = path.display())]
    KeyDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// The key cannot be had from where it should come.
    #[error("the ledger's key cannot be had from {from}: {what}")]
    KeyUnread {
        /// Where it should come from.
        from: String,
        /// Why not.
        what: String,
    },
    /// The key belongs to another ledger.
    #[error(
        "{path} holds the key {has}, the ledger was sealed with {wants}",
        path = path.display()
    )]
    KeyWrong {
        /// The key file.
        path: PathBuf,
        /// The id of the key in it.
        has: String,
        /// The id of the ledger's key.
        wants: String,
    },
    /// The key cannot be changed now.
    #[error("the ledger's key cannot be changed now: {what}")]
    KeyInUse {
        /// Why not.
        what: &'static str,
    },
    /// Others work with the ledger, at whichever station.
    #[error(
        "station {station} has the ledger open: end its program, or wait a minute if that one died, and call again"
    )]
    RunsLive {
        /// Whose run it is.
        station: String,
    },
    /// A rotation was begun, and rows are sealed with the key before, which nobody brought.
    #[error(
        "a change of the key is not finished, and values are sealed with the one before, {id}: put that one back \
         where the ledger's key comes from, the next one beside the ledger as .key.next, and call: \
         eol-inject ledger key rotate"
    )]
    KeyBefore {
        /// The id of the key before.
        id: String,
    },
    /// The key that waits was the ledger's before.
    #[error(
        "{path} holds the key {id}, which this ledger had before and gave up: remove that file, and call again",
        path = path.display()
    )]
    KeyRetired {
        /// The file of the next key.
        path: PathBuf,
        /// The id of the key in it.
        id: String,
    },
    /// The ledger got another key while this run was at work.
    #[error("the ledger got another key meanwhile: start again")]
    Rotated,
    /// A sealed value does not open: the row was changed.
    #[error("the {column} of token {fingerprint} does not open: its row was changed")]
    Unsealed {
        /// The token.
        fingerprint: Fingerprint,
        /// Which value.
        column: &'static str,
    },
    /// A file beside the ledger cannot be made or read.
    #[error("cannot use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The system has no random numbers.
    #[error("the ledger does not answer")]
    Storage {
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is sealed, or who signed, is not what a ledger writes.
    #[error("the ledger is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
}

#[cfg(feature = "seal")]
impl KeyError {
    /// Makes the error of what no program seals or signs.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
