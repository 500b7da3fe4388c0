//! Import: a token list goes in whole or not at all, and holds nobody up.
//!
//! Rows are stored unseen, in short transactions; one cheap last one makes all of them seen.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::super::event::{self, Body, Kind};
use super::super::tables::{Frame, NewToken, Pending, Store, Tables, TokenState};
use super::super::{Actor, Import, LedgerError};
use super::ORIGIN;
use crate::pool::{Pool, Row};
use crate::unit::{Digest, Fingerprint, QrToken, Serial};

/// How long one transaction may hold others up.
const HOLD: Duration = Duration::from_millis(30);
/// How long others get in between.
const PAUSE: Duration = Duration::from_millis(4);
/// How many rows are stored between two looks at the clock.
const STEP: usize = 64;
/// How many tokens one `gone` event names.
const NAMED: usize = 256;

/// What an import has seen so far.
struct Tally {
    counts: Import,
    pictures: u64,
    rows: Sha256,
    /// Known free tokens that the list calls claimed.
    turned: Vec<Fingerprint>,
    /// Which rows are new.
    new: Vec<bool>,
    /// The contradiction of the first row that has one.
    conflict: Option<(usize, String)>,
}

impl Tally {
    /// Notes a contradiction; the first row's counts.
    fn contradict(&mut self, row: usize, what: String) {
        if self.conflict.as_ref().is_none_or(|(first, _)| row < *first) {
            self.conflict = Some((row, what));
        }
    }
}

/// One print of a row: its first bytes to sort by, the row, and which print it is.
type Print = (u64, usize, Side);

/// Which print of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Token,
    Qr,
}

/// Takes a token list in.
pub fn import<S: Store>(store: &mut S, pool: &Pool, by: &Actor) -> Result<Import, LedgerError> {
    let frame = store.frame().clone();
    discard_dead(store, &frame)?;
    let pending = store.write(|tables| {
        check_origin(tables, pool)?;
        tables.begin_import(&by.station, &frame.run)
    })?;
    match stage(store, &pool.rows, &pending)
        .and_then(|tally| store.write(|tables| finish(tables, pool, (&pending, tally), by)))
    {
        Ok(import) => Ok(import),
        Err(error) => {
            // What cannot be cleared away now is cleared by the next import.
            let _ = discard(store, &pending);
            Err(error)
        }
    }
}

/// Clears away an import whose run died.
fn discard_dead<S: Store>(store: &mut S, frame: &Frame) -> Result<(), LedgerError> {
    let found = store.read(|tables| {
        let pending = tables.pending()?;
        Ok(pending.map(|pending| {
            let alive = pending.run != frame.run && tables.alive(&pending.run);
            (pending, alive)
        }))
    })?;
    match found {
        Some((pending, true)) => Err(LedgerError::ImportBusy {
            station: pending.station,
        }),
        Some((pending, false)) => discard(store, &pending),
        None => Ok(()),
    }
}

/// Drops an unfinished import, a few rows at a time.
fn discard<S: Store>(store: &mut S, pending: &Pending) -> Result<(), LedgerError> {
    while store.stage(|tables| tables.drop_tokens(pending, 1000))? {
        std::thread::sleep(PAUSE);
    }
    store.write(|tables| tables.drop_import(pending))
}

/// Refuses to mix exported and generated tokens; the first list decides.
fn check_origin(tables: &mut dyn Tables, pool: &Pool) -> Result<(), LedgerError> {
    let list = pool.origin.to_string();
    match tables.fact(ORIGIN)? {
        Some(has) if has != list => Err(LedgerError::OriginMixed { has, list }),
        _ => Ok(()),
    }
}

/// Stores all rows unseen.
///
/// Prints are looked up and added in their own order, rows in the list's: each page of an index
/// is touched once, however long the list.
fn stage<S: Store>(store: &mut S, rows: &[Row], pending: &Pending) -> Result<Tally, LedgerError> {
    let mut tally = Tally {
        counts: Import::default(),
        pictures: 0,
        rows: Sha256::new(),
        turned: Vec::new(),
        new: vec![true; rows.len()],
        conflict: None,
    };
    let mut prints = sorted(rows);
    let mut before: Option<Print> = None;
    in_steps(store, Access::Read, &prints, |tables, print| {
        match print.2 {
            Side::Token => look(tables.get(), rows, (before, *print), &mut tally)?,
            Side::Qr => look_qr(tables.get(), rows, (before, *print), &mut tally)?,
        }
        before = Some(*print);
        Ok(())
    })?;
    refuse(rows, &tally)?;
    let mut ids = vec![0; rows.len()];
    let mut next = pending.first;
    let numbered: Vec<usize> = (0..rows.len()).collect();
    in_steps(store, Access::Stage, &numbered, |tables, index| {
        let (Some(row), Some(id)) = (rows.get(*index), ids.get_mut(*index)) else {
            return Ok(());
        };
        if tally.new.get(*index) == Some(&true) {
            *id = next;
            next += 1;
            take(tables.get_mut()?, pending, (*index, *id, row), &mut tally)?;
        }
        Ok(())
    })?;
    refuse(rows, &tally)?;
    prints.retain(|(_, index, _)| tally.new.get(*index) == Some(&true));
    in_steps(store, Access::Stage, &prints, |tables, (_, index, side)| {
        if let (Some(row), Some(id)) = (rows.get(*index), ids.get(*index))
            && let Some(print) = print_of(row, *side)
        {
            tables.get_mut()?.add_print(&print, *id)?;
        }
        Ok(())
    })?;
    Ok(tally)
}

/// How steps reach the tables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Stage,
}

/// The tables in one step.
enum Reach<'a> {
    Read(&'a dyn Tables),
    Stage(&'a mut dyn Tables),
}

impl Reach<'_> {
    fn get(&self) -> &dyn Tables {
        match self {
            Self::Read(tables) => *tables,
            Self::Stage(tables) => *tables,
        }
    }

    fn get_mut(&mut self) -> Result<&mut dyn Tables, LedgerError> {
        match self {
            Self::Read(_) => Err(LedgerError::damaged("a look tried to write")),
            Self::Stage(tables) => Ok(*tables),
        }
    }
}

/// Does `work` for each item, in short transactions with pauses in between.
fn in_steps<S: Store, T>(
    store: &mut S,
    access: Access,
    items: &[T],
    mut work: impl FnMut(&mut Reach<'_>, &T) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut items = items.iter().peekable();
    let mut step = |mut tables: Reach<'_>| {
        let began = Instant::now();
        while items.peek().is_some() && began.elapsed() < HOLD {
            for item in items.by_ref().take(STEP) {
                work(&mut tables, item)?;
            }
        }
        Ok(items.peek().is_some())
    };
    loop {
        let more = match access {
            Access::Read => store.read(|tables| step(Reach::Read(tables)))?,
            Access::Stage => store.stage(|tables| step(Reach::Stage(tables)))?,
        };
        if !more {
            return Ok(());
        }
        if access == Access::Stage {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Lists all prints in their own order; equal ones in the order of their rows.
fn sorted(rows: &[Row]) -> Vec<Print> {
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

fn print_of(row: &Row, side: Side) -> Option<[u8; 32]> {
    match side {
        Side::Token => Some(*row.token.fingerprint().as_bytes()),
        Side::Qr => row.qr.as_ref().map(|qr| *event::qr_print(qr).as_bytes()),
    }
}

/// Returns the row before, if it has the same print.
fn twin<'a>(rows: &'a [Row], before: Option<Print>, print: Print) -> Option<&'a Row> {
    let (first, index, side) = before?;
    let row = rows.get(index)?;
    let same = first == print.0
        && side == print.2
        && print_of(row, side) == print_of(rows.get(print.1)?, side);
    same.then_some(row)
}

/// Looks a row's token up.
fn look(
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
        if row.claimed && known.state == TokenState::Free {
            tally.turned.push(fingerprint);
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
fn look_qr(
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

/// Refuses a list with a contradiction.
fn refuse(rows: &[Row], tally: &Tally) -> Result<(), LedgerError> {
    let Some((index, what)) = &tally.conflict else {
        return Ok(());
    };
    let Some(row) = rows.get(*index) else {
        return Ok(());
    };
    Err(LedgerError::ListConflict {
        row: index + 1,
        fingerprint: row.token.fingerprint(),
        what: what.clone(),
    })
}

/// Stores one new row unseen.
fn take(
    tables: &mut dyn Tables,
    pending: &Pending,
    (index, id, row): (usize, i64, &Row),
    tally: &mut Tally,
) -> Result<(), LedgerError> {
    if let Some(serial) = &row.bound
        && !row.claimed
        && let Some(what) = fixed_already(tables, serial)?
    {
        tally.contradict(index, what);
        // Whatever follows is not stored: the list is refused.
        return Ok(());
    }
    let fingerprint = row.token.fingerprint();
    let qr = row.qr.as_ref().map(event::qr_print);
    tables.add_token(&NewToken {
        id,
        import: pending.id,
        fingerprint,
        qr,
        row,
    })?;
    tally.counts.added += 1;
    tally.counts.gone += usize::from(row.claimed);
    tally.pictures += u64::from(row.picture.is_some());
    tally.rows.update(row_digest(
        (&fingerprint, qr.as_ref()),
        row.bound.as_ref(),
        row.claimed,
    ));
    Ok(())
}

/// Says how a row differs from what is known of its token.
fn contradicts(
    tables: &dyn Tables,
    row: &Row,
    known: &super::super::tables::TokenRow,
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
fn fixed_already(tables: &dyn Tables, serial: &Serial) -> Result<Option<String>, LedgerError> {
    let folded = serial.folded();
    if let Some(other) = tables.fixed_any(&folded)? {
        let other = other.fingerprint;
        return Ok(Some(format!("{serial} is fixed to token {other} already")));
    }
    Ok(tables
        .unit_of(&folded)?
        .filter(|unit| unit.state != super::UnitState::Superseded)
        .map(|unit| format!("{serial} has token {} already", unit.fingerprint)))
}

/// Makes all rows seen, in one short transaction.
fn finish(
    tables: &mut dyn Tables,
    pool: &Pool,
    (pending, mut tally): (&Pending, Tally),
    by: &Actor,
) -> Result<Import, LedgerError> {
    if let Some((serial, fingerprint)) = tables.overtaken(pending)? {
        let row = pool
            .rows
            .iter()
            .position(|row| row.token.fingerprint() == fingerprint);
        return Err(LedgerError::ListConflict {
            row: row.map_or(0, |row| row + 1),
            fingerprint,
            what: format!("{serial} was claimed with another token in the meantime"),
        });
    }
    if tables.fact(ORIGIN)?.is_none() {
        tables.set_fact(ORIGIN, &pool.origin.to_string())?;
    }
    check_origin(tables, pool)?;
    let mut turned = Vec::new();
    for fingerprint in std::mem::take(&mut tally.turned) {
        if let Some(token) = tables.token(&fingerprint)?
            && token.state == TokenState::Free
        {
            tables.set_token(token.id, TokenState::Gone)?;
            turned.push(fingerprint.to_hex());
        }
    }
    tally.counts.turned = turned.len();
    if tally.counts.added == 0 && turned.is_empty() {
        tables.drop_import(pending)?;
        return Ok(tally.counts);
    }
    let body = Body {
        import: Some(pending.id),
        origin: Some(pool.origin.to_string()),
        added: Some(tally.counts.added),
        known: Some(tally.counts.known),
        gone: Some(tally.counts.gone),
        rows: Some(Digest::from_bytes(tally.rows.finalize().into()).to_string()),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Imported, None), body.by(by))?;
    for names in turned.chunks(NAMED) {
        let body = Body {
            import: Some(pending.id),
            fingerprints: Some(names.to_vec()),
            ..Body::default()
        };
        event::append(tables, &by.station, (Kind::Gone, None), body.by(by))?;
    }
    tables.end_import(pending, tally.pictures)?;
    Ok(tally.counts)
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
