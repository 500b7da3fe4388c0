//! Rotation on a server: everything sealed again with another key, by one station while no other
//! one works, in short steps that a cut may end anywhere.
//!
//! Order: the next key is durable beside the ledger's own files here; the ledger has both; rows are
//! sealed anew; the old key goes from the ledger, and the tables are written anew without what it
//! sealed. Who opens the ledger in between needs both keys. Rows are changed only while they are
//! sealed as they were read, so a step that is done twice is done once.

use super::fault::meaning;
use super::link::Link;
use super::{Postgres, UNSYNCED, liveness};
use crate::ledger::rules::facts;
use crate::ledger::storage::rotate;
use crate::ledger::storage::rotate::{Next, Rotating, Step};
use crate::ledger::storage::sql::values;
use crate::ledger::storage::view::{Mode, View};
use crate::ledger::storage::{keys as rows, tables};
use crate::ledger::traces;
use crate::ledger::{Actor, KeyError, LedgerError};
use crate::vault::crypto::Key;
use crate::vault::key_source;
use crate::vault::keyring::{self, Rotation};

/// Only the owner takes keys out, and has tables written anew.
const OWNER: &str = "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class \
     WHERE oid IN ('keys'::regclass, 'tokens'::regclass, 'pictures'::regclass)";
const OTHERS: &str = "SELECT id, station FROM runs WHERE NOT ended AND id <> ?1";
/// Boards whose attempt has no outcome, or failed: their bytes are kept for the next one.
const BOARDS: &str = "SELECT 1 FROM units u WHERE state = 0 AND target = 'probe' AND (pending OR touched \
     AND EXISTS (SELECT 1 FROM events e WHERE e.unit = u.id AND e.hash = u.event AND e.kind = 'failed')) LIMIT 1";
const REWRITE: [&str; 2] = ["VACUUM FULL tokens", "VACUUM FULL pictures"];

impl Rotating for Postgres {
    /// Rows are changed without waiting for the disk: the commit that takes the old key out waits for
    /// all before it.
    fn seal(&mut self, work: Step<'_>) -> Result<u64, LedgerError> {
        self.patiently(|session| {
            session.batch(UNSYNCED)?;
            work(&mut View::new(session, &self.opened, Mode::Stage))
        })
    }

    fn decide(&mut self, work: Step<'_>) -> Result<u64, LedgerError> {
        self.numbered(work)
    }
}

/// Seals everything in the ledger with another key; goes on with what was begun.
///
/// The next key is `<base>.key.next`, made now unless it waits there; it stays there for whoever puts
/// it where the stations take theirs from. In another role than the owner's it is refused.
pub fn rotate(
    ledger: &mut Postgres,
    by: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<Rotation, LedgerError> {
    let server = ledger.server.clone();
    traces::no_board_in_hand(&server.base)?;
    let names = ledger.numbered(alone)?;
    let source = key_source::read(&server.key, &server.folder)?;
    let key = keyring::next_or_new(&server.base, &names, Some(&source))?;
    tables::read(ledger, |tables| {
        facts::not_retired(tables, &server.base, &key)
    })?;
    let was = names.iter().find(|name| **name != key.id()).cloned();
    let mut rows = 0;
    if let Some(was) = &was {
        if *was == source.id() {
            // Boards of this station may have their bytes sealed with it.
            keyring::keep(&server.base, &source)?;
        }
        ledger.numbered(|view| begin(view, &names, &key))?;
        rows = rotate::rotate(ledger, &Next { key: &key, was }, by, step)?;
    }
    // Also after a rotation that was cut here.
    ledger.written_anew()?;
    Ok(Rotation {
        id: key.id(),
        was,
        rows,
        placed: key.id() == source.id(),
    })
}

impl Postgres {
    /// Has the server write the tables anew: what rows were before is gone from their files.
    fn written_anew(&self) -> Result<(), LedgerError> {
        let mut link = self.link.borrow_mut();
        let all = |link: &mut Link| {
            let (client, _) = link.connected()?;
            REWRITE.iter().try_for_each(|sql| client.batch_execute(sql))
        };
        all(&mut link).map_err(meaning)
    }
}

/// Refuses while others work, or a board's bytes are sealed with the key; no run begins from here
/// to the transaction's end. Returns the names of the ledger's keys, the current one first.
fn alone(view: &mut View<'_>) -> Result<Vec<String>, LedgerError> {
    no_other_run(view)?;
    let names = rows::names(view.sql)?.into_iter();
    if view.sql.value(OWNER, &[])? != Some(true) {
        return Err(LedgerError::Key(KeyError::KeyInUse {
            what: "only the role that owns the ledger's tables can do it",
        }));
    }
    match view.sql.value::<i64>(BOARDS, &[])? {
        None => Ok(names.map(|(_, name)| name).collect()),
        Some(_) => Err(LedgerError::Key(KeyError::KeyInUse {
            what: "a board was in hand at some station, and its bytes are sealed with it: finish that first",
        })),
    }
}

/// Refuses while another run lives; none begins from here to the transaction's end.
pub fn no_other_run(view: &View<'_>) -> Result<(), LedgerError> {
    rows::hold(view.sql)?;
    let own = values![&view.opened.frame.run];
    let others = view
        .sql
        .all(OTHERS, own, |row| Ok((row.get::<String>(0)?, row.get(1)?)))?;
    for (run, station) in others {
        if liveness::alive(view, &run)? {
            return Err(LedgerError::Key(KeyError::RunsLive { station }));
        }
    }
    Ok(())
}

/// Gives the ledger the next key beside the one that it has, unless it has it.
fn begin(view: &mut View<'_>, names: &[String], key: &Key) -> Result<(), LedgerError> {
    if alone(view)? != names {
        return Err(LedgerError::Key(KeyError::Rotated));
    }
    let ring = view
        .opened
        .key
        .as_ref()
        .map_err(|_| LedgerError::Key(KeyError::Rotated))?;
    match names.contains(&key.id()) {
        true => Ok(()),
        false => rows::enter(view.sql, key, ring.seed()),
    }
}
