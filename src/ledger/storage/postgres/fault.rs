//! What a fault of the server means: try again, reconnect, or tell.

use postgres::error::SqlState;
use std::io;

use crate::ledger::{LedgerError, StorageError};

/// How long a lock is waited for, in seconds, as each session is set up.
pub const PATIENCE_WITH_LOCKS: u64 = 20;

/// What helps against a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Another connection: this one is gone, or its server takes no writes.
    Reconnect,
    /// The same transaction once more: another one came in between.
    Repeat,
    /// Nothing.
    None,
}

/// Rules by which one of two transactions loses a race; done anew, it sees what the other did.
const RACES: [&str; 15] = [
    "facts_pkey",
    "facts_number_key",
    "keys_name_key",
    "products_name_key",
    "scopes_product_template_key",
    "stations_name_key",
    "imports_pending",
    "tokens_pkey",
    "tokens_fixed",
    "units_serial",
    "units_token",
    "units_board",
    "events_chain",
    "parts_pkey",
    "generations_pkey",
];

/// Says what helps.
pub fn cure(error: &postgres::Error) -> Cure {
    let Some(answer) = error.as_db_error() else {
        let gone = error.is_closed() || has_io_cause(error);
        return if gone { Cure::Reconnect } else { Cure::None };
    };
    let code = answer.code();
    // Class 08: connections. Class 57: somebody shuts the server down or starts it.
    let gone = code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code);
    if gone {
        return Cure::Reconnect;
    }
    let raced = *code == SqlState::UNIQUE_VIOLATION
        && answer
            .constraint()
            .is_some_and(|name| RACES.contains(&name));
    let serial =
        *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED;
    if raced || serial {
        Cure::Repeat
    } else {
        Cure::None
    }
}

fn has_io_cause(error: &postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // A certificate that is not believed is no better the next time.
            return error.kind() != io::ErrorKind::InvalidData;
        }
        cause = error.source();
    }
    false
}

/// Says what a fault means for a ledger.
pub fn meaning(error: postgres::Error) -> LedgerError {
    let Some(code) = error.code().cloned() else {
        return LedgerError::storage(error);
    };
    if code == SqlState::LOCK_NOT_AVAILABLE {
        return LedgerError::Storage(StorageError::Busy {
            seconds: PATIENCE_WITH_LOCKS,
        });
    }
    if code == SqlState::DISK_FULL {
        return LedgerError::Storage(StorageError::Full {
            source: error.into(),
        });
    }
    if code == SqlState::INSUFFICIENT_PRIVILEGE {
        return LedgerError::Storage(StorageError::NoRights {
            source: error.into(),
        });
    }
    // Class 23: constraints. Class XX: the server's own files.
    let what = match code.code().get(..2) {
        Some("23") => "a rule of its tables refused a row",
        Some("XX") => "the server found its files damaged",
        _ => {
            return LedgerError::storage(error);
        }
    };
    LedgerError::Storage(StorageError::Damaged {
        what: what.to_owned(),
        source: Some(error.into()),
    })
}
