//! Proof: what is handed out was left so by somebody who had the ledger's key.
//!
//! The audit looks at every row; this looks at those that a claim rests on, at the moment when it does. It
//! costs one mark for a new unit, and the unit's own events for one that is claimed again.

use crate::ledger::history::replay::Expected;
use crate::ledger::storage::tables::{Tables, TokenRow, UnitRow};
use crate::ledger::{LedgerError, TokenState, UnitState};

/// Refuses a token that was made free without the key.
pub fn of_token(tables: &dyn Tables, token: &TokenRow) -> Result<(), LedgerError> {
    match tables.vouches_token(token) {
        Some(false) => Err(LedgerError::forged(format!("token {}", token.fingerprint))),
        _ => Ok(()),
    }
}

/// Refuses a unit whose record or token is not what its events say, or whose events were written without
/// the key.
pub fn of_unit(tables: &dyn Tables, unit: &UnitRow) -> Result<(), LedgerError> {
    let forged = || LedgerError::forged(format!("unit {}", unit.serial));
    let token = tables.token(&unit.fingerprint)?.ok_or_else(forged)?;
    of_token(tables, &token)?;
    let holds = match unit.state {
        UnitState::Void => token.state == TokenState::Void,
        _ => matches!(token.state, TokenState::Bound | TokenState::Quarantined),
    };
    let mut expected = Expected::default();
    for row in tables.events_by(unit.id)? {
        if tables.vouches(&row) == Some(false) {
            return Err(forged());
        }
        expected.apply(&row)?;
    }
    let same = expected.wrong.is_empty() && expected.differences(unit).is_empty();
    if holds && same && token.id == unit.token {
        Ok(())
    } else {
        Err(forged())
    }
}
