//! Opening: why there is no ledger to work with.

use std::path::PathBuf;
use thiserror::Error;

/// Why a ledger is not worked with.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum OpenError {
    /// Another import is going on.
    #[error("station {station} is importing a token list: wait for it, then import again")]
    ImportBusy {
        /// Who imports.
        station: String,
    },
    /// Real and simulated units are never mixed.
    #[error("the ledger holds {has} units, this run makes {asked} ones: use another ledger")]
    SimulatedMixed {
        /// What the ledger holds.
        has: &'static str,
        /// What the run makes.
        asked: &'static str,
    },
    /// No ledger is there.
    #[error("there is no ledger at {path}", path = path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// What lies beside it says that it was there: its tokens may be on units.
    #[error(
        "the ledger {path} is gone{}: no other one is begun in its place",
        left(traces)
    )]
    Lost {
        /// Where it was.
        path: PathBuf,
        /// What says so.
        traces: Vec<PathBuf>,
    },
    /// A program still writes to it, though its file has no name any more.
    #[error("a program has the lost ledger {path} open: end it first", path = path.display())]
    StillOpen {
        /// Where it was.
        path: PathBuf,
    },
    /// It has events, so it stands in no other ledger's place.
    #[error("there is a ledger already, with what happened in it")]
    Begun,
    /// The file is something else.
    #[error("{path} is no ledger", path = path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error("the ledger has schema {found}, this version knows up to {known}: update it")]
    SchemaNewer {
        /// The ledger's schema.
        found: i64,
        /// The newest known schema.
        known: i64,
    },
    /// An earlier build wrote it, before any release.
    #[error(
        "the ledger has schema {found}, made by an earlier build that did not mark every row: this one knows {oldest} and later"
    )]
    SchemaOlder {
        /// The ledger's schema.
        found: i64,
        /// The oldest schema that can be read.
        oldest: i64,
    },
}

/// Says what a lost ledger left: the first of it, and how much more.
fn left(traces: &[PathBuf]) -> String {
    let Some((first, more)) = traces.split_first() else {
        return String::new();
    };
    match more.len() {
        0 => format!(", and {} says that there was one", first.display()),
        more => format!(
            ", and {} and {more} more say that there was one",
            first.display()
        ),
    }
}
