//! Storage: what a back end says, and what was found in it.

use std::path::PathBuf;
use thiserror::Error;

/// What a back end's own library says.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a ledger's storage does not answer, or is not what the ledger wrote.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum StorageError {
    /// The address of a server cannot be used.
    #[error("the ledger's address cannot be used: {what}")]
    Address {
        /// What is wrong with it; never a password.
        what: String,
    },
    /// A database holds no ledger.
    #[error("the database has no ledger in schema {schema}")]
    NoSchema {
        /// The schema.
        schema: String,
    },
    /// The server is not there, and was waited for.
    #[error("the ledger's server was not reached for {seconds} s: nothing further was begun")]
    Unreachable {
        /// How long was waited.
        seconds: u64,
        /// What the client says.
        source: Cause,
    },
    /// The run was silent for so long that others took it for dead.
    #[error("this run was out of touch for so long that its units were given to others")]
    Overtaken,
    /// Others write, and did not stop in time.
    #[error("the ledger was busy for {seconds} s: another program holds it")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// No space is left.
    #[error("no space is left for the ledger: what it was to record just now is not recorded")]
    Full {
        /// What the back end says.
        source: Cause,
    },
    /// It cannot be written.
    #[error("the ledger cannot be written: check its folder's and its file's permissions")]
    ReadOnly {
        /// What the back end says.
        source: Cause,
    },
    /// A server lets the role do too little.
    #[error("the server does not let this role do in the ledger's schema what it must")]
    NoRights {
        /// What the server says.
        source: Cause,
    },
    /// What would be a ledger's file is there.
    #[error(
        "{path} is there already, and nothing is written over: name another file, or move it away",
        path = path.display()
    )]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("the ledger is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
        /// What the back end says, if it was that which found it.
        source: Option<Cause>,
    },
    /// A row was written by somebody who lacks the key.
    #[error("the ledger was changed without its key: {what}")]
    Forged {
        /// Which row.
        what: String,
    },
    /// Any other fault of the back end.
    #[error("the ledger does not answer")]
    Storage {
        /// What the back end says.
        source: Cause,
    },
    /// A file beside the ledger cannot be made or read.
    #[error("cannot use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
