//! Rows of a list: compared with each other and with what the ledger knows.

use sha2::{Digest as _, Sha256};

use crate::ledger::history::event;
use crate::ledger::storage::tables::{Tables, TokenRow};
use crate::ledger::{Import, LedgerError, TokenState, UnitState};
use crate::pool::Row;
use crate::unit::{Digest, Fingerprint, QrToken, Serial};

/// What an import has seen so far.
pub struct Tally {
    pub counts: Import,
    pub pictures: u64,
    /// Whether the list's tokens are on devices that the ledger does not know.
    pub used: bool,
    pub rows: Sha256,
    /// Known free tokens that the list calls claimed.
    pub turned: Vec<Fingerprint>,
    /// Which rows are new.
    pub new: Vec<bool>,
    /// Rows that tell more of known tokens.
    pub lacking: Vec<usize>,
    /// The contradiction of the first row that has one.
    pub conflict: Option<(usize, String)>,
}

impl Tally {
    /// Notes a contradiction; the first row's counts.
    pub fn contradict(&mut self, row: usize, what: String) {
        if self.conflict.as_ref().is_none_or(|(first, _)| row < *first) {
            self.conflict = Some((row, what));
        }
    }
}

/// One print of a row: its first bytes to sort by, the row, and which print it is.
pub type Print = (u64, usize, Side);

/// Which print of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Token,
    Qr,
}

/// Lists all prints in their own order; equal ones in the order of their rows.
pub fn sorted(rows: &[Row]) -> Vec<Print> {
    let mut prints = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        for side in [Side::Token, Side::Qr] {
            if let Some(print) = print_of(row, side) {
                let first = print.first_chunk().copied().unwrap_or_default();
                prints.push((u64::from_be_bytes(first), index, side));
            }
        }
    }
    prints.sort_unstable();
    prints
}

pub fn print_of(row: &Row, side: Side) -> Option<[u8; 32]> {
    match side {
        Side::Token => Some(*row.token.fingerprint().as_bytes()),
        Side::Qr => row.qr.as_ref().map(|qr| *event::qr_print(qr).as_bytes()),
    }
}

/// Returns the row before, if it has the same print.
fn twin(rows: &[Row], before: Option<Print>, print: Print) -> Option<&Row> {
    let (first, index, side) = before?;
    let row = rows.get(index)?;
    let same = first == print.0
        && side == print.2
        && print_of(row, side) == print_of(rows.get(print.1)?, side);
    same.then_some(row)
}

/// Looks a row's token up.
pub fn look(
    tables: &dyn Tables,
    rows: &[Row],
    (before, print): (Option<Print>, Print),
    tally: &mut Tally,
) -> Result<(), LedgerError> {
    let index = print.1;
    let Some(row) = rows.get(index) else {
        return Ok(());
    };
    let fingerprint = row.token.fingerprint();
    let known = tables.token(&fingerprint)?;
    if let Some(known) = &known {
        if let Some(what) = contradicts(tables, row, known)? {
            tally.contradict(index, what);
        }
        if tally.used && known.state == TokenState::Bound {
            let holder = tables.unit_with(known.id)?;
            let holder = holder.map_or_else(String::new, |unit| unit.serial.to_string());
            let what = format!("{holder} of this ledger has it: it is not on another device too");
            tally.contradict(index, what);
        }
        if tally.used && known.state == TokenState::CheckedOut {
            let what = "it is away in a part: a device that has it is that station's".to_owned();
            tally.contradict(index, what);
        }
        if row.claimed && is_loose(tables, known)? {
            tally.turned.push(fingerprint);
        }
        if known.ours {
            let news = crate::ledger::rules::complete::news(tables, row, known)?;
            tally.counts.kept += usize::from(news.otherwise);
            if news.more.is_some() {
                tally.counts.completed += 1;
                tally.lacking.push(index);
            }
        }
    }
    let twin = twin(rows, before, print);
    if twin.is_some_and(|twin| !same_row(twin, row)) {
        tally.contradict(
            index,
            "the list says something else of it before".to_owned(),
        );
    }
    if known.is_some() || twin.is_some() {
        tally.counts.known += 1;
        if let Some(new) = tally.new.get_mut(index) {
            *new = false;
        }
    }
    Ok(())
}

/// Returns whether a token could be on no unit of this ledger: free, or set aside without one.
pub fn is_loose(tables: &dyn Tables, token: &TokenRow) -> Result<bool, LedgerError> {
    Ok(match token.state {
        TokenState::Free => true,
        TokenState::Quarantined => {
            let unit = tables.unit_with(token.id)?;
            unit.is_none_or(|unit| unit.state == UnitState::Superseded)
        }
        _ => false,
    })
}

/// Returns whether two rows of a token say the same; what one leaves out is no difference.
fn same_row(one: &Row, other: &Row) -> bool {
    let qr = match (&one.qr, &other.qr) {
        (Some(one), Some(other)) => same_qr(one, other),
        _ => true,
    };
    let serial = match (&one.bound, &other.bound) {
        (Some(one), Some(other)) => one.folded() == other.folded(),
        _ => true,
    };
    qr && serial && one.claimed == other.claimed
}

/// Looks a row's QR Token up.
pub fn look_qr(
    tables: &dyn Tables,
    rows: &[Row],
    (before, print): (Option<Print>, Print),
    tally: &mut Tally,
) -> Result<(), LedgerError> {
    let Some(row) = rows.get(print.1) else {
        return Ok(());
    };
    let fingerprint = row.token.fingerprint();
    let known = match &row.qr {
        Some(qr) => tables.token_of_qr(&event::qr_print(qr))?,
        None => None,
    };
    let known = known.map(|known| known.fingerprint);
    let twin = twin(rows, before, print).map(|twin| twin.token.fingerprint());
    if let Some(other) = known.or(twin).filter(|other| *other != fingerprint) {
        let what = format!("its QR Token belongs to token {other}");
        tally.contradict(print.1, what);
    }
    Ok(())
}

/// Says how a row differs from what is known of its token.
fn contradicts(
    tables: &dyn Tables,
    row: &Row,
    known: &TokenRow,
) -> Result<Option<String>, LedgerError> {
    if !known.ours {
        return Ok(Some(
            "it is known for another product or template".to_owned(),
        ));
    }
    let list = row.bound.as_ref().map(Serial::folded);
    let has = known.fixed.as_ref().map(Serial::folded);
    if list.is_some() && list != has {
        let has = known.fixed.as_ref().map_or("no serial", Serial::as_str);
        return Ok(Some(format!("it is known with {has} as its serial")));
    }
    let Some(qr) = &row.qr else {
        return Ok(None);
    };
    let same = match tables.secrets(known.id)?.qr {
        Some(known) => same_qr(qr, &known),
        None => true,
    };
    Ok((!same).then(|| "it is known with another QR Token".to_owned()))
}

/// Returns whether two QR Tokens are one; an organisation that one does not know is no difference.
fn same_qr(one: &QrToken, other: &QrToken) -> bool {
    let organisation = match (one.organisation(), other.organisation()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.token() == other.token() && organisation
}

/// Says which other token a serial has already.
pub fn fixed_already(tables: &dyn Tables, serial: &Serial) -> Result<Option<String>, LedgerError> {
    let folded = serial.folded();
    if let Some(other) = tables.fixed_any(&folded)? {
        let other = other.fingerprint;
        return Ok(Some(format!("{serial} is fixed to token {other} already")));
    }
    Ok(tables
        .unit_of(&folded)?
        .filter(|unit| unit.state != UnitState::Superseded)
        .map(|unit| format!("{serial} has token {} already", unit.fingerprint)))
}

/// Returns what an import's digest counts of one row.
pub fn row_digest(
    (fingerprint, qr): (&Fingerprint, Option<&Digest>),
    fixed: Option<&Serial>,
    claimed: bool,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(fingerprint.as_bytes());
    hash.update(qr.map_or([0; 32], |qr| *qr.as_bytes()));
    hash.update([u8::from(claimed)]);
    hash.update(fixed.map(Serial::folded).unwrap_or_default());
    hash.finalize().into()
}
