//! Import: a token list goes in whole or not at all, and holds nobody up.
//!
//! Rows are stored unseen, in short transactions; one cheap last one makes all of them seen.

use sha2::{Digest as _, Sha256};

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::complete;
use crate::ledger::rules::facts::{BEGUN, NAMED, ORGANISATION, ORIGIN, UNUSED, source_fact};
use crate::ledger::rules::rows::{
    Print, Side, Tally, fixed_already, is_loose, look, look_qr, print_of, row_digest, sorted,
};
use crate::ledger::rules::steps::{Access, PAUSE, Reach, in_steps};
use crate::ledger::storage::tables::{Frame, NewToken, Order, Pending, Tables, TokenRow};
use crate::ledger::{
    Actor, Import, Ledger, LedgerError, ListError, OpenError, Preview, TokenState,
};
use crate::pool::{Elsewhere, Place, Pool, Row};
use crate::unit::{Digest, Fingerprint, QrToken, Serial};

impl Ledger {
    /// Takes the rows of a token list in; rows that are known already change nothing.
    ///
    /// A row whose token is known with another QR Token, serial or origin is refused with
    /// everything else in the list. Claimed rows become `gone`.
    ///
    /// # Errors
    /// [`LedgerError::List`] with what contradicts, [`OpenError::ImportBusy`](crate::ledger::OpenError::ImportBusy) while another import goes
    /// on, [`PartError::IsPart`](crate::ledger::PartError::IsPart) in a part; then nothing was taken in.
    pub fn import(&mut self, pool: &Pool, by: &Actor) -> Result<Import, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let what = "its tokens come from that one only, by split";
            crate::ledger::rules::parts::refuse_part(tables, what)?;
            check_organisation(pool, known_organisation(tables, &frame)?)
        })?;
        discard_dead(self, &frame)?;
        let pending = self.write(|tables| {
            check_origin(tables, pool)?;
            tables.begin_import(&by.station, &frame.run)
        })?;
        let taken = stage(self, pool, &pending).and_then(|tally| {
            let done = (&pending, &tally);
            let import = self.write(|tables| finish(tables, (&frame, pool), done, by))?;
            Ok((import, tally.lacking))
        });
        match taken {
            Ok((import, lacking)) => {
                complete::complete(self, (pool, &lacking), &pending, by)?;
                Ok(import)
            }
            Err(error) => {
                // What cannot be cleared away now is cleared by the next import.
                let _ = discard(self, &pending);
                Err(error)
            }
        }
    }

    /// Finds out what [`import`](Self::import) would do; nothing is written.
    ///
    /// # Errors
    /// Those of [`import`](Self::import)
    pub fn preview(&self, pool: &Pool) -> Result<Preview, LedgerError> {
        self.read(|tables| {
            let what = "its tokens come from that one only, by split";
            crate::ledger::rules::parts::refuse_part(tables, what)?;
            check_organisation(pool, known_organisation(tables, &self.frame())?)?;
            check_origin(tables, pool)
        })?;
        let (_, mut tally) = compare(self, pool)?;
        let numbered: Vec<usize> = (0..pool.rows.len()).collect();
        let work = |tables: &mut Reach<'_>, index: &usize| {
            let new = tally.new.get(*index) == Some(&true);
            let Some(row) = pool.rows.get(*index).filter(|_| new) else {
                return Ok(());
            };
            if let Some(serial) = row.bound.as_ref().filter(|_| !row.claimed)
                && let Some(what) = fixed_already(tables.get(), serial)?
            {
                tally.contradict(*index, what);
            }
            Ok(())
        };
        in_steps(
            Access::Read(self),
            &numbered,
            (|_: &dyn Tables, _: &[usize]| Ok(()), work),
        )?;
        refuse(pool, &tally)?;
        Ok(Preview { new: tally.new })
    }

    /// Returns whether a list with this [`source`](Pool::source) was taken in whole.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn knows(&self, source: &Digest) -> Result<bool, LedgerError> {
        self.read(|tables| Ok(tables.fact(&source_fact(source))?.is_some()))
    }
}

/// Clears away an import whose run died.
fn discard_dead(ledger: &mut Ledger, frame: &Frame) -> Result<(), LedgerError> {
    let found = ledger.read(|tables| {
        let pending = tables.pending()?;
        Ok(pending.map(|pending| {
            let alive = pending.run != frame.run && tables.alive(&pending.run);
            (pending, alive)
        }))
    })?;
    match found {
        Some((pending, true)) => Err(LedgerError::Open(OpenError::ImportBusy {
            station: pending.station,
        })),
        Some((pending, false)) => {
            ledger.read(|tables| unfinished(tables, &pending))?;
            discard(ledger, &pending)
        }
        None => Ok(()),
    }
}

/// Makes sure that no event tells of an import: its tokens may be on units, and a list of them
/// would be taken in as new.
fn unfinished(tables: &dyn Tables, pending: &Pending) -> Result<(), LedgerError> {
    let mut told = false;
    tables.scan_events(Order::After(0), &mut |row| {
        match row.event.kind.parse::<Kind>() {
            Ok(Kind::Imported) => told |= Body::read(&row.event)?.import == Some(pending.id),
            // After it numbers begin again.
            Ok(Kind::Rebuilt) => told = false,
            _ => {}
        }
        Ok(())
    })?;
    match told {
        false => Ok(()),
        true => Err(LedgerError::forged(format!(
            "import {} was complete, and is said to be unfinished",
            pending.id
        ))),
    }
}

/// Drops an unfinished import, a few rows at a time.
fn discard(ledger: &mut Ledger, pending: &Pending) -> Result<(), LedgerError> {
    while ledger.stage(|tables| tables.drop_tokens(pending, 1000))? {
        std::thread::sleep(PAUSE);
    }
    ledger.write(|tables| tables.drop_import(pending))
}

/// Refuses to mix exported and generated tokens; the first list decides.
fn check_origin(tables: &dyn Tables, pool: &Pool) -> Result<(), LedgerError> {
    let list = pool.origin.to_string();
    match tables.fact(ORIGIN)? {
        Some(has) if has != list => Err(LedgerError::List(ListError::OriginMixed { has, list })),
        _ => Ok(()),
    }
}

/// Returns the fact that says whose tokens those of a product and template are.
fn organisation_fact(frame: &Frame) -> String {
    let template = frame.scope.template.as_deref();
    let scope = (&frame.scope.product, template.unwrap_or_default());
    format!("{ORGANISATION} {}", serde_json::json!(scope))
}

/// Returns whose tokens are here; of lists that were taken in before that was noted, by one token.
fn known_organisation(tables: &dyn Tables, frame: &Frame) -> Result<Option<String>, LedgerError> {
    if let Some(known) = tables.fact(&organisation_fact(frame))? {
        return Ok(Some(known));
    }
    let qr = match tables.draw()? {
        Some(token) => tables.secrets(token.id)?.qr,
        None => None,
    };
    Ok(qr.and_then(|qr| qr.organisation().map(str::to_owned)))
}

/// Refuses a list of another organisation; the first list that names one decides.
fn check_organisation(pool: &Pool, known: Option<String>) -> Result<(), LedgerError> {
    match (known, organisation(pool)) {
        (Some(has), Some(list)) if has != list => {
            Err(LedgerError::List(ListError::OrganisationMixed {
                has,
                list: list.to_owned(),
            }))
        }
        _ => Ok(()),
    }
}

/// Returns whose tokens a list holds: all that say so say the same.
fn organisation(pool: &Pool) -> Option<&str> {
    let mut codes = pool.rows.iter().filter_map(|row| row.qr.as_ref());
    codes.find_map(QrToken::organisation)
}

/// Compares the rows with one another and with what the ledger knows; returns the prints, sorted.
fn compare(ledger: &Ledger, pool: &Pool) -> Result<(Vec<Print>, Tally), LedgerError> {
    let rows = pool.rows.as_slice();
    let mut tally = Tally {
        counts: Import::default(),
        pictures: 0,
        used: pool.elsewhere == Elsewhere::Used,
        rows: Sha256::new(),
        turned: Vec::new(),
        new: vec![true; rows.len()],
        lacking: Vec::new(),
        conflict: None,
    };
    let prints = sorted(rows);
    let mut before: Option<Print> = None;
    let ahead = |tables: &dyn Tables, prints: &[Print]| {
        let next = prints.iter().filter_map(|(_, index, side)| {
            let row = rows.get(*index)?;
            print_of(row, *side)
        });
        tables.expect_prints(&next.collect::<Vec<_>>())
    };
    let work = |tables: &mut Reach<'_>, print: &Print| {
        match print.2 {
            Side::Token => look(tables.get(), rows, (before, *print), &mut tally)?,
            Side::Qr => look_qr(tables.get(), rows, (before, *print), &mut tally)?,
        }
        before = Some(*print);
        Ok(())
    };
    in_steps(Access::Read(ledger), &prints, (ahead, work))?;
    refuse(pool, &tally)?;
    ledger.read(|tables| decided(tables, pool, &tally))?;
    tally.lacking.sort_unstable();
    Ok((prints, tally))
}

/// Refuses tokens that may be on units of a lost ledger, until somebody says that they are not.
fn decided(tables: &dyn Tables, pool: &Pool, tally: &Tally) -> Result<(), LedgerError> {
    if pool.elsewhere != Elsewhere::Unsaid || tables.fact(BEGUN)?.is_none() {
        return Ok(());
    }
    let new = || {
        let rows = pool.rows.iter().zip(&tally.new);
        rows.filter_map(|(row, new)| new.then_some(row))
    };
    let tokens = new().filter(|row| !row.claimed).count();
    if tokens == 0 || told(tables, new())? {
        return Ok(());
    }
    Err(LedgerError::List(ListError::ListUndecided { tokens }))
}

/// Returns whether an event tells that these rows were taken in: that was decided then, and the
/// ledger is made anew from its mirror.
fn told<'r>(tables: &dyn Tables, rows: impl Iterator<Item = &'r Row>) -> Result<bool, LedgerError> {
    let mut digest = Sha256::new();
    for row in rows {
        digest.update(digest_of(row));
    }
    let digest = Digest::from_bytes(digest.finalize().into()).to_string();
    let mut told = false;
    tables.scan_events(Order::After(0), &mut |row| {
        if row.event.kind == Kind::Imported.to_string() {
            told |= Body::read(&row.event)?.rows.as_ref() == Some(&digest);
        }
        Ok(())
    })?;
    Ok(told)
}

/// Stores all rows unseen.
///
/// Prints are looked up and added in their own order, rows in the list's: each page of an index
/// is touched once, however long the list.
fn stage(ledger: &mut Ledger, pool: &Pool, pending: &Pending) -> Result<Tally, LedgerError> {
    let rows = pool.rows.as_slice();
    let (mut prints, mut tally) = compare(ledger, pool)?;
    let mut ids = vec![0; rows.len()];
    let mut next = pending.first;
    let numbered: Vec<usize> = (0..rows.len()).collect();
    let ahead = |tables: &dyn Tables, numbers: &[usize]| {
        let bound = numbers
            .iter()
            .filter_map(|index| rows.get(*index)?.bound.as_ref());
        let folded: Vec<String> = bound.map(Serial::folded).collect();
        match folded.is_empty() {
            true => Ok(()),
            false => tables.expect_serials(&folded),
        }
    };
    let work = |tables: &mut Reach<'_>, index: &usize| {
        let (Some(row), Some(id)) = (rows.get(*index), ids.get_mut(*index)) else {
            return Ok(());
        };
        if tally.new.get(*index) == Some(&true) {
            *id = next;
            next += 1;
            take(tables.get_mut()?, pending, (*index, *id, row), &mut tally)?;
        }
        Ok(())
    };
    in_steps(Access::Stage(ledger), &numbered, (ahead, work))?;
    refuse(pool, &tally)?;
    prints.retain(|(_, index, _)| tally.new.get(*index) == Some(&true));
    let work = |tables: &mut Reach<'_>, (_, index, side): &Print| {
        if let (Some(row), Some(id)) = (rows.get(*index), ids.get(*index))
            && let Some(print) = print_of(row, *side)
        {
            tables.get_mut()?.add_print(&print, *id)?;
        }
        Ok(())
    };
    in_steps(
        Access::Stage(ledger),
        &prints,
        (|_: &dyn Tables, _: &[Print]| Ok(()), work),
    )?;
    Ok(tally)
}

/// Refuses a list with a contradiction.
fn refuse(pool: &Pool, tally: &Tally) -> Result<(), LedgerError> {
    let Some((index, what)) = &tally.conflict else {
        return Ok(());
    };
    Err(LedgerError::List(ListError::ListConflict {
        place: pool.place(*index),
        what: what.clone(),
    }))
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
    tally.rows.update(digest_of(row));
    Ok(())
}

/// Makes all rows seen, in one short transaction.
fn finish(
    tables: &mut dyn Tables,
    (frame, pool): (&Frame, &Pool),
    (pending, tally): (&Pending, &Tally),
    by: &Actor,
) -> Result<Import, LedgerError> {
    if let Some((serial, fingerprint)) = tables.overtaken(pending)? {
        return Err(LedgerError::List(ListError::ListConflict {
            place: place_of(pool, &fingerprint),
            what: format!("{serial} was claimed with another token in the meantime"),
        }));
    }
    if tables.fact(ORIGIN)?.is_none() {
        tables.set_fact(ORIGIN, &pool.origin.to_string())?;
    }
    check_origin(tables, pool)?;
    let whose = organisation_fact(frame);
    let known = tables.fact(&whose)?;
    if let (None, Some(organisation)) = (&known, organisation(pool)) {
        tables.set_fact(&whose, organisation)?;
    }
    check_organisation(pool, known)?;
    if let (Some(source), true) = (&pool.source, tally.lacking.is_empty()) {
        complete::know(tables, source, pending)?;
    }
    let mut turned = Vec::new();
    for fingerprint in &tally.turned {
        let Some(token) = tables.token(fingerprint)? else {
            continue;
        };
        if is_loose(tables, &token)? {
            tables.set_token(&token, TokenState::ClaimedElsewhere)?;
            turned.push(fingerprint.to_hex());
        } else if pool.elsewhere == Elsewhere::Used
            && matches!(token.state, TokenState::Bound | TokenState::CheckedOut)
        {
            return Err(taken(tables, pool, &token)?);
        }
    }
    let counts = Import {
        turned: turned.len(),
        ..tally.counts
    };
    let decided = pool.elsewhere == Elsewhere::Unused;
    if decided && tables.fact(UNUSED)?.is_none() {
        tables.set_fact(UNUSED, "")?;
    }
    let nothing = counts.added == 0 && turned.is_empty() && tally.lacking.is_empty();
    // Who decided is told, whatever came of it.
    if nothing && !decided {
        tables.drop_import(pending)?;
        return Ok(counts);
    }
    let body = Body {
        import: Some(pending.id),
        origin: Some(pool.origin.to_string()),
        added: Some(counts.added),
        known: Some(counts.known),
        gone: Some(counts.gone),
        used: (pool.elsewhere == Elsewhere::Used).then_some(true),
        mode: decided.then(|| UNUSED.to_owned()),
        rows: Some(Digest::from_bytes(tally.rows.clone().finalize().into()).to_string()),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Imported, None), body.by(by))?;
    // That a list is used elsewhere its rows do not say: whoever makes the ledger anew reads them as free.
    if pool.elsewhere == Elsewhere::Used {
        let new = pool.rows.iter().zip(&tally.new).filter(|(_, new)| **new);
        turned.extend(new.map(|(row, _)| row.token.fingerprint().to_hex()));
    }
    for names in turned.chunks(NAMED) {
        let body = Body {
            import: Some(pending.id),
            fingerprints: Some(names.to_vec()),
            ..Body::default()
        };
        event::append(tables, &by.station, (Kind::Gone, None), body.by(by))?;
    }
    tables.end_import(pending, tally.pictures)?;
    Ok(counts)
}

/// Names the row of a token.
fn place_of(pool: &Pool, fingerprint: &Fingerprint) -> Place {
    let is_it = |row: &Row| row.token.fingerprint() == *fingerprint;
    pool.place(pool.rows.iter().position(is_it).unwrap_or_default())
}

/// Makes the error of a list that says a token is on a device, which a unit or a part got in the meantime.
fn taken(tables: &dyn Tables, pool: &Pool, token: &TokenRow) -> Result<LedgerError, LedgerError> {
    // A token that is away may have been a released unit's before.
    let unit = match token.state {
        TokenState::CheckedOut => None,
        _ => tables.unit_with(token.id)?,
    };
    let unit = unit.map_or_else(|| "a part".to_owned(), |unit| unit.serial.to_string());
    Ok(LedgerError::List(ListError::ListConflict {
        place: place_of(pool, &token.fingerprint),
        what: format!("{unit} got it in the meantime: one of both devices needs another token"),
    }))
}

fn digest_of(row: &Row) -> [u8; 32] {
    let qr = row.qr.as_ref().map(event::qr_print);
    let prints = (&row.token.fingerprint(), qr.as_ref());
    row_digest(prints, row.bound.as_ref(), row.claimed)
}
