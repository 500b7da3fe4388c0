//! After a loss: what a backup and a mirror do not tell.

use std::path::PathBuf;
use thiserror::Error;

use crate::unit::Fingerprint;

/// Why a ledger is not brought back, or its mirror not told.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum RestoreError {
    /// A restored ledger does not know which numbers were handed out since its backup.
    #[error(
        "numbers of {format} below {known} were handed out before the backup, and nobody knows how many since{}: say where new ones begin",
        given.map(|given| format!("; {given} is below that")).unwrap_or_default()
    )]
    NextNumber {
        /// The format.
        format: String,
        /// The next number, as the backup has it.
        known: u64,
        /// The number that was given.
        given: Option<u64>,
    },
    /// No such token.
    #[error("the ledger has no token {fingerprint}")]
    NoToken {
        /// The token.
        fingerprint: Fingerprint,
    },
    /// Units have tokens that no list brought.
    #[error(
        "{count} units have tokens that the token lists lack, the first {first}: give all lists"
    )]
    TokensMissing {
        /// How many units.
        count: usize,
        /// The first such token.
        first: Fingerprint,
    },
    /// The mirror cannot be written.
    #[error("the mirror {path} cannot be written; what was recorded is in the ledger", path = path.display())]
    Mirror {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The mirror knows what the ledger does not.
    #[error(
        "the mirror {path} has event {seq}, which this ledger lacks: an older copy of the ledger is in use",
        path = path.display()
    )]
    MirrorAhead {
        /// The mirror's file.
        path: PathBuf,
        /// The event.
        seq: i64,
    },
    /// A mirror that was told is not there any more.
    #[error(
        "the mirror {path} is gone: is its disk mounted? To begin it anew, make that file, empty, and call again",
        path = path.display()
    )]
    MirrorGone {
        /// The mirror's file.
        path: PathBuf,
    },
    /// No mirror is there.
    #[error("there is no mirror of the ledger in {path}", path = path.display())]
    MirrorAbsent {
        /// The folder.
        path: PathBuf,
    },
    /// The mirror is of another ledger.
    #[error("the mirror {path} is of another ledger than {has}", path = path.display())]
    MirrorOther {
        /// The mirror's file or folder.
        path: PathBuf,
        /// The ledger, first digits.
        has: String,
    },
    /// The mirror holds units of another product.
    #[error("the mirror holds units of {product}, the recipe is for {wanted}")]
    MirrorProduct {
        /// The other product.
        product: String,
        /// The recipe's.
        wanted: String,
    },
    /// The mirror is damaged.
    #[error("the mirror {path} is damaged: {what}", path = path.display())]
    MirrorDamaged {
        /// The mirror's file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A list came after the backup, and its tokens are not in it.
    #[error(
        "{lists} token lists were taken in since the backup: rebuild the ledger from mirror and lists"
    )]
    ListsSince {
        /// How many.
        lists: u64,
    },
}
