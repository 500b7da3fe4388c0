//! Parts as facts: which there are, what they have, and what a part may not do itself.
//!
//! A fact never changes, so each step of a part's life is a fact of its own.

use serde::{Deserialize, Serialize};

use crate::ledger::history::event::{Body, Kind};
use crate::ledger::part::{Part, PartOf, PartState};
use crate::ledger::storage::tables::{Frame, Order, Tables};
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
    /// [`LedgerError`]
    pub fn parts(&self) -> Result<Vec<Part>, LedgerError> {
        self.read(|tables| {
            let parts = all(tables)?.into_iter();
            Ok(parts.map(|(part, _)| part).collect())
        })
    }

    /// Returns which part of which ledger this one is.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn part_of(&self) -> Result<Option<PartOf>, LedgerError> {
        self.read(|tables| part_of(tables))
    }
}

/// What is stored of a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stored {
    pub id: String,
    pub station: String,
    /// The station's public key.
    pub to: Option<String>,
    pub tokens: usize,
    /// The run that began it.
    pub run: String,
    pub numbers: Option<(String, u64, u64)>,
    pub listed: bool,
    pub at: String,
}

/// What a part stores of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    ledger: String,
    number: i64,
    part: Stored,
}

/// Heads of chains, as a fact has them.
pub type Heads = Vec<(String, i64, String)>;

/// What is stored of a part that came back.
#[derive(Debug, Serialize, Deserialize)]
pub struct Back {
    pub at: String,
    pub heads: Heads,
}

/// What becomes of a part, as the name of a fact.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Handed,
    Merged,
    Void,
    /// It came back without having been closed.
    Open,
    /// What an open one may have made is cleared.
    Cleared,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Handed => "handed",
            Self::Merged => "merged",
            Self::Void => "void",
            Self::Open => "open",
            Self::Cleared => "cleared",
        }
    }
}

fn fact(number: i64) -> String {
    format!("part {number}")
}

fn step_fact(number: i64, step: Step) -> String {
    format!("part {number} {}", step.name())
}

fn serial_fact(number: i64, folded: &str) -> String {
    format!("part {number} serial {folded}")
}

fn cleared_fact(number: i64, folded: &str) -> String {
    format!("part {number} cleared serial {folded}")
}

pub fn to_json(value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|error| LedgerError::Storage {
        source: error.into(),
    })
}

pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::damaged(format!("a fact: {error}")))
}

/// Returns a part with the run that began it.
pub fn part(tables: &dyn Tables, number: i64) -> Result<Option<(Part, String)>, LedgerError> {
    let Some(text) = tables.fact(&fact(number))? else {
        return Ok(None);
    };
    let stored: Stored = from_json(&text)?;
    let mut state = PartState::Begun;
    let mut since = stored.at.clone();
    for (step, next) in [
        (Step::Handed, PartState::Handed),
        (Step::Merged, PartState::Merged),
        (Step::Void, PartState::Void),
    ] {
        if let Some(value) = tables.fact(&step_fact(number, step))? {
            state = next;
            since = match step {
                Step::Merged => from_json::<Back>(&value)?.at,
                _ => value,
            };
        }
    }
    let run = stored.run.clone();
    let mut part = public(number, stored, state);
    part.since = since;
    if state == PartState::Merged {
        part.open = tables.fact(&step_fact(number, Step::Open))?.is_some()
            && tables.fact(&step_fact(number, Step::Cleared))?.is_none();
    }
    Ok(Some((part, run)))
}

fn public(number: i64, stored: Stored, state: PartState) -> Part {
    Part {
        since: stored.at.clone(),
        open: false,
        number,
        id: stored.id,
        station: stored.station,
        to: stored.to.as_deref().and_then(Recipient::from_hex),
        tokens: stored.tokens,
        numbers: stored.numbers,
        listed: stored.listed,
        state,
        at: stored.at,
    }
}

/// Returns a part that must be there.
pub fn must(tables: &dyn Tables, number: i64) -> Result<Part, LedgerError> {
    part(tables, number)?
        .map(|(part, _)| part)
        .ok_or(LedgerError::NoPart { part: number })
}

/// Returns all parts.
pub fn all(tables: &dyn Tables) -> Result<Vec<(Part, String)>, LedgerError> {
    let mut parts = Vec::new();
    for number in 1.. {
        match part(tables, number)? {
            Some(found) => parts.push(found),
            None => break,
        }
    }
    Ok(parts)
}

/// Stores a new part.
pub fn add(tables: &mut dyn Tables, number: i64, stored: &Stored) -> Result<(), LedgerError> {
    tables.set_fact(&fact(number), &to_json(stored)?)
}

/// Notes that a serial is in a part.
pub fn add_serial(
    tables: &mut dyn Tables,
    number: i64,
    serial: &Serial,
) -> Result<(), LedgerError> {
    tables.set_fact(&serial_fact(number, &serial.folded()), serial.as_str())
}

/// Notes a step of a part's life.
pub fn add_step(
    tables: &mut dyn Tables,
    (number, step): (i64, Step),
    value: &str,
) -> Result<(), LedgerError> {
    tables.set_fact(&step_fact(number, step), value)
}

/// Returns what was noted of a step.
pub fn step(
    tables: &dyn Tables,
    (number, step): (i64, Step),
) -> Result<Option<String>, LedgerError> {
    tables.fact(&step_fact(number, step))
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
    for number in 1.. {
        if frame.has_ended(number) {
            continue;
        }
        let Some((part, _)) = part(tables, number)? else {
            return Ok(None);
        };
        if matches!(part.state, PartState::Merged | PartState::Void) && !part.open {
            frame.note_ended(number);
        } else if has(tables, &part, serial)? {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

/// Returns whether a part has a serial and nobody cleared it.
fn has(tables: &dyn Tables, part: &Part, serial: &Serial) -> Result<bool, LedgerError> {
    if !is_in(tables, part, serial)? {
        return Ok(false);
    }
    let cleared = cleared_fact(part.number, &serial.folded());
    Ok(!part.open || tables.fact(&cleared)?.is_none())
}

/// Lists the parts that came back open and were not cleared.
pub fn open(tables: &dyn Tables) -> Result<Vec<Part>, LedgerError> {
    let parts = all(tables)?.into_iter().map(|(part, _)| part);
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
pub fn clear(tables: &mut dyn Tables, at: &str) -> Result<usize, LedgerError> {
    let open = open(tables)?;
    for part in &open {
        add_step(tables, (part.number, Step::Cleared), at)?;
    }
    Ok(open.len())
}

/// Clears one serial of an open part.
pub fn clear_serial(
    tables: &mut dyn Tables,
    (number, serial): (i64, &Serial),
    at: &str,
) -> Result<(), LedgerError> {
    tables.set_fact(&cleared_fact(number, &serial.folded()), at)
}

/// Returns whether a serial was given to a part.
fn is_in(tables: &dyn Tables, part: &Part, serial: &Serial) -> Result<bool, LedgerError> {
    if is_numbered(part, serial) {
        return Ok(true);
    }
    if !part.listed {
        return Ok(false);
    }
    let fact = tables.fact(&serial_fact(part.number, &serial.folded()))?;
    Ok(fact.is_some())
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
            run: String::new(),
            numbers: part.numbers.clone(),
            listed: part.listed,
            at: part.at.clone(),
        },
    };
    tables.set_fact(PART_OF, &to_json(&origin)?)?;
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
    let origin: Origin = from_json(&text)?;
    Ok(Some(PartOf {
        part: public(origin.number, origin.part, PartState::Handed),
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
        Some(of) => Err(LedgerError::IsPart {
            part: of.part.number,
            what,
        }),
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
