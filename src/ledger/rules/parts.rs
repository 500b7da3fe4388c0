//! Parts: which there are, what they have, and what a part may not do itself.

use crate::ledger::PartError;
use serde::{Deserialize, Serialize};

use crate::ledger::history::event::{Body, Kind};
use crate::ledger::part::{Part, PartOf, PartState};
use crate::ledger::storage::tables::{Frame, Order, PartRow, Tables};
use crate::ledger::{Ledger, LedgerError, Refusal};
use crate::unit::{Fingerprint, Serial};
use crate::vault::recipient::Recipient;

/// Fact of a part: which part of which ledger it is.
pub const PART_OF: &str = "part of";
/// Fact of a part that comes back: its station's signature.
pub const SIGNATURE: &str = "return signature";
/// Fact of a part: it goes back.
const RETURNED: &str = "part returned";

impl Ledger {
    /// Returns all parts, oldest first.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn parts(&self) -> Result<Vec<Part>, LedgerError> {
        self.read(|tables| {
            let parts = all(tables)?.into_iter();
            Ok(parts.map(|row| row.part).collect())
        })
    }

    /// Returns which part of which ledger this one is.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn part_of(&self) -> Result<Option<PartOf>, LedgerError> {
        self.read(|tables| part_of(tables))
    }
}

/// What a part stores of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    ledger: String,
    number: i64,
    part: Stored,
}

/// What of a part's row it takes along.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    id: String,
    station: String,
    /// The station's public key.
    to: Option<String>,
    tokens: usize,
    numbers: Option<(String, u64, u64)>,
    listed: bool,
    at: String,
}

/// Returns a part's row, which must be there.
pub fn row(tables: &dyn Tables, number: i64) -> Result<PartRow, LedgerError> {
    let row = tables.part(number)?;
    row.ok_or(LedgerError::Part(PartError::NoPart { part: number }))
}

/// Returns a part that must be there.
pub fn must(tables: &dyn Tables, number: i64) -> Result<Part, LedgerError> {
    Ok(row(tables, number)?.part)
}

/// Returns all parts.
pub fn all(tables: &dyn Tables) -> Result<Vec<PartRow>, LedgerError> {
    tables.parts_after(0)
}

/// Notes how far a part came, and when; one that came further stays where it is.
pub fn advance(
    tables: &mut dyn Tables,
    row: PartRow,
    state: PartState,
    since: &str,
) -> Result<Part, LedgerError> {
    if rank(row.part.state) >= rank(state) {
        return Ok(row.part);
    }
    let part = Part {
        state,
        since: since.to_owned(),
        ..row.part
    };
    let row = PartRow { part, ..row };
    tables.set_part(&row)?;
    Ok(row.part)
}

/// Returns how far a state is in a part's life.
pub const fn rank(state: PartState) -> u8 {
    match state {
        PartState::Begun => 0,
        PartState::Handed => 1,
        PartState::Merged | PartState::Void => 2,
    }
}

/// Lists the tokens that went to a part, in the order in which they were given.
pub fn tokens(tables: &dyn Tables, number: i64) -> Result<Vec<Fingerprint>, LedgerError> {
    let mut tokens = Vec::new();
    let kind: &str = Kind::Split.into();
    tables.scan_events(Order::After(0), &mut |row| {
        if row.event.kind != kind {
            return Ok(());
        }
        let body = Body::read(&row.event)?;
        if body.part == Some(number) {
            for name in body.fingerprints.unwrap_or_default() {
                let print = name.parse();
                tokens.push(print.map_err(|_| LedgerError::damaged("a split names no token"))?);
            }
        }
        Ok(())
    })?;
    Ok(tokens)
}

/// Returns the part that a serial is away in, if it is; one that came back open has it still.
pub fn away(
    tables: &dyn Tables,
    frame: &Frame,
    serial: &Serial,
) -> Result<Option<Part>, LedgerError> {
    // From here on no part leaves with it.
    tables.share_serials()?;
    let mut ended = frame.ended();
    for PartRow { part, .. } in tables.parts_after(ended)? {
        if rank(part.state) == 2 && !part.open {
            if part.number == ended.saturating_add(1) {
                ended = part.number;
            }
        } else if has(tables, &part, serial)? {
            frame.note_ended(ended);
            return Ok(Some(part));
        }
    }
    frame.note_ended(ended);
    Ok(None)
}

/// Returns whether a part has a serial and nobody cleared it.
fn has(tables: &dyn Tables, part: &Part, serial: &Serial) -> Result<bool, LedgerError> {
    let numbered = is_numbered(part, serial);
    if !numbered && !part.listed {
        return Ok(false);
    }
    let named = tables.part_serial(part.number, &serial.folded())?;
    let is_cleared = part.open && named.is_some_and(|named| named.is_cleared);
    Ok((numbered || named.is_some()) && !is_cleared)
}

/// Lists the parts that came back open and were not cleared.
pub fn open(tables: &dyn Tables) -> Result<Vec<Part>, LedgerError> {
    let parts = all(tables)?.into_iter().map(|row| row.part);
    Ok(parts.filter(|part| part.open).collect())
}

/// Returns the open part that has a serial.
pub fn open_with(tables: &dyn Tables, serial: &Serial) -> Result<Option<Part>, LedgerError> {
    for part in open(tables)? {
        if has(tables, &part, serial)? {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

/// Clears all that open parts may have made; returns how many parts that were.
pub fn clear(tables: &mut dyn Tables) -> Result<usize, LedgerError> {
    let open = open(tables)?;
    for part in &open {
        let mut row = row(tables, part.number)?;
        row.part.open = false;
        tables.set_part(&row)?;
    }
    Ok(open.len())
}

/// Returns whether a serial is one of the numbers of a part.
fn is_numbered(part: &Part, serial: &Serial) -> bool {
    let Some((format, first, end)) = &part.numbers else {
        return false;
    };
    let format = crate::recipe::SerialFormat::try_from(format.clone());
    let number = format.ok().and_then(|format| format.number(serial));
    number.is_some_and(|number| (*first..*end).contains(&number))
}

/// Makes a fresh ledger a part of another one.
pub fn found(
    tables: &mut dyn Tables,
    (ledger, part): (&str, &Part),
    next: Option<(&str, u64)>,
) -> Result<(), LedgerError> {
    let origin = Origin {
        ledger: ledger.to_owned(),
        number: part.number,
        part: Stored {
            id: part.id.clone(),
            station: part.station.clone(),
            to: part.to.as_ref().map(Recipient::to_hex),
            tokens: part.tokens,
            numbers: part.numbers.clone(),
            listed: part.listed,
            at: part.at.clone(),
        },
    };
    let text = serde_json::to_string(&origin).map_err(LedgerError::storage)?;
    tables.set_fact(PART_OF, &text)?;
    if let Some((format, next)) = next {
        // A counter is read before it is set: a server locks its row then.
        tables.counter(format)?;
        tables.set_counter(format, next)?;
    }
    Ok(())
}

/// Returns which part of which ledger this one is.
pub fn part_of(tables: &dyn Tables) -> Result<Option<PartOf>, LedgerError> {
    let Some(text) = tables.fact(PART_OF)? else {
        return Ok(None);
    };
    let odd = |error| LedgerError::damaged(format!("a fact: {error}"));
    let origin: Origin = serde_json::from_str(&text).map_err(odd)?;
    let stored = origin.part;
    Ok(Some(PartOf {
        part: Part {
            number: origin.number,
            id: stored.id,
            station: stored.station,
            to: stored.to.as_deref().and_then(Recipient::from_hex),
            tokens: stored.tokens,
            numbers: stored.numbers,
            listed: stored.listed,
            state: PartState::Handed,
            since: stored.at.clone(),
            at: stored.at,
            open: false,
        },
        ledger: origin.ledger,
        closed: tables.fact(RETURNED)?.is_some(),
    }))
}

/// Notes in a part that it goes back.
pub fn close(tables: &mut dyn Tables, at: &str) -> Result<(), LedgerError> {
    tables.set_fact(RETURNED, at)
}

/// Refuses what a part does not do.
pub fn refuse_part(tables: &dyn Tables, what: &'static str) -> Result<(), LedgerError> {
    match part_of(tables)? {
        Some(of) => Err(LedgerError::Part(PartError::IsPart {
            part: of.part.number,
            what,
        })),
        None => Ok(()),
    }
}

/// Says why a part gives a serial no token.
pub fn refused(of: &PartOf, serial: &Serial) -> Option<Refusal> {
    let part = of.part.number;
    if of.closed {
        let serial = serial.clone();
        return Some(Refusal::Closed { serial, part });
    }
    // Serials that were named have their tokens fixed to them, and no token is loose.
    let foreign = of.part.numbers.is_some() && !is_numbered(&of.part, serial);
    foreign.then(|| Refusal::NotOfPart {
        serial: serial.clone(),
        part,
    })
}
