//! Serials that the ledger hands out by itself.

use crate::ledger::part::PartOf;
use crate::ledger::rules::parts;
use crate::ledger::storage::tables::Tables;
use crate::ledger::{Ledger, LedgerError, PartError, UnitError};
use crate::recipe::SerialFormat;
use crate::unit::Serial;

impl Ledger {
    /// Hands out `count` numbers of `format` that no unit had, one after the other; they are
    /// never handed out again, used or not, but for one that is given back.
    ///
    /// # Errors
    /// [`UnitError::SerialsUsedUp`] when fewer are left, with how many; none is handed out then.
    pub fn next_serials(
        &mut self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.write(|tables| {
            let (serials, next) = numbers(tables, format, count)?;
            tables.set_counter(&format.to_string(), next)?;
            Ok(serials)
        })
    }

    /// Takes back the number that was handed out last, if no unit has it: it is the next one again.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn give_back(&mut self, format: &SerialFormat, serial: &Serial) -> Result<(), LedgerError> {
        self.write(|tables| {
            let name = format.to_string();
            let Some(number) = format.number(serial) else {
                return Ok(());
            };
            let last = number.checked_add(1) == Some(tables.counter(&name)?);
            if last && tables.unit_of(&serial.folded())?.is_none() {
                tables.set_counter(&name, number)?;
            }
            Ok(())
        })
    }

    /// Returns the serials that [`next_serials`](Self::next_serials) would hand out; none is handed
    /// out.
    ///
    /// # Errors
    /// Those of [`next_serials`](Self::next_serials)
    pub fn coming_serials(
        &self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| Ok(numbers(tables, format, count)?.0))
    }
}

/// Returns where the numbers end that a part was given.
fn own_numbers(of: &PartOf, format: &str) -> Result<u64, LedgerError> {
    if of.closed {
        return Err(LedgerError::Part(PartError::PartState {
            part: of.part.number,
            state: "closed",
            what: "it gives no serial and no token any more",
        }));
    }
    match &of.part.numbers {
        Some((own, _, end)) if own == format => Ok(*end),
        _ => Err(LedgerError::Part(PartError::IsPart {
            part: of.part.number,
            what: "it was given no numbers of this format",
        })),
    }
}

/// Returns the next numbers that no unit had, and the one behind them.
fn numbers(
    tables: &dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<(Vec<Serial>, u64), LedgerError> {
    let name = format.to_string();
    let mut next = tables.counter(&name)?;
    let of = parts::part_of(tables)?;
    let end = of.as_ref().map(|of| own_numbers(of, &name)).transpose()?;
    let part = of.map(|of| of.part.number);
    let mut serials = Vec::with_capacity(count.min(1 << 16));
    while serials.len() < count {
        let made = format.serial(next).map_err(|source| {
            LedgerError::Unit(UnitError::SerialFormat {
                format: name.clone(),
                source,
            })
        })?;
        let left = serials.len();
        let used_up = || {
            LedgerError::Unit(UnitError::SerialsUsedUp {
                format: name.clone(),
                part,
                left,
            })
        };
        let serial = made.ok_or_else(used_up)?;
        if end.is_some_and(|end| next >= end) {
            return Err(used_up());
        }
        next = next.checked_add(1).ok_or_else(used_up)?;
        if tables.unit_of(&serial.folded())?.is_none() {
            serials.push(serial);
        }
    }
    Ok((serials, next))
}
