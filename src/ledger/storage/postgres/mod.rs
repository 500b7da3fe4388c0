//! The ledger on a PostgreSQL server, for many stations at once.
//!
//! Rules are not in here: this stores and finds rows for `rules`. What makes many
//! writers safe is in here: `docs/ledger.md`, "PostgreSQL", says why it is enough.

mod address;
mod audit;
mod events;
mod fault;
mod imports;
mod keys;
mod lease;
mod link;
mod liveness;
mod load;
mod open;
mod password;
mod patience;
mod rotate;
mod rows;
mod schema;
mod secrets;
mod tls;
mod tokens;
mod units;
mod view;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::{IsolationLevel, Transaction};

use self::fault::{Cure, cure, meaning};
use self::lease::Keeper;
use self::link::Link;
use self::patience::Patience;
use self::rows::get;
use self::view::{Mode, Shop, Trouble, View};
use crate::ledger::runs::Run;
use crate::ledger::storage::tables::{Frame, Look, Store, Work};
use crate::ledger::{Actor, LedgerError, Rotation};
use crate::recipe::{KeySource, SchemaName};

/// Counts a write of the run and takes its station's chain; no row where one of both is missing.
const FENCE: &str = "WITH fence AS (UPDATE runs SET writes = $2 \
         WHERE id = $1 AND writes < $2 AND NOT ended RETURNING 1) \
     SELECT s.id FROM stations s, fence WHERE s.name = $3 FOR UPDATE OF s";
const WRITES: &str = "SELECT writes, ended FROM runs WHERE id = $1 FOR UPDATE";
/// A commit waits until all commits before it are where it has to be.
const TOUCH: &str = "UPDATE runs SET writes = writes WHERE id = $1";
const UNSYNCED: &str = "SET LOCAL synchronous_commit = off";
/// It changes nothing that would have to last. What it holds while it waits, others wait for: it lets
/// go soon and begins again.
const SETTLING: &str = "SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '500ms'";
/// How often. Who takes longer than that adopts or merges more than a ledger has ever had.
const SETTLES: u32 = 1200;
/// It holds no row of anybody.
const UNHURRIED: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";
/// Waits for whoever is in the middle of adding events, under a new station's name too.
const SETTLE: &str = "SELECT 1 FROM facts WHERE name = 'ledger' FOR UPDATE";
const SETTLE_STATIONS: &str = "SELECT 1 FROM stations FOR SHARE";
const STANDBY: &str = "SELECT pg_is_in_recovery()";
const LAST: &str = "SELECT coalesce(max(seq), 0) FROM events";

/// Where a ledger on a server is, and what this program needs for it.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address; it may hold a password.
    pub url: crate::recipe::LedgerUrl,
    /// The schema.
    pub schema: SchemaName,
    /// Where the key comes from.
    pub key: KeySource,
    /// What paths are relative to, and where commands work.
    pub folder: PathBuf,
    /// What names of this program's own files begin with.
    pub base: PathBuf,
    /// How long a lost server is waited for before a call fails.
    pub patience: Duration,
    /// Is told once in a call that waits, how long at most.
    pub waiting: fn(Duration),
}

impl Server {
    /// How long a lost server is waited for, where nothing else is said.
    pub const PATIENCE: Duration = Duration::from_secs(30);
}

/// A ledger in a schema of a PostgreSQL database. Every opening for writing is a run of its own.
pub struct Postgres {
    link: RefCell<Link>,
    shop: Shop,
    server: Server,
    /// Transactions of this run so far.
    writes: i64,
    /// Dropped before the file lock: as long as that is held, the run's claims are in work.
    _keeper: Option<Keeper>,
    _run: Option<Run>,
}

/// What one attempt at a transaction came to.
enum Attempt<T> {
    Done(T),
    /// It was done before: an earlier attempt's commit went through, though nobody heard of it.
    DoneBefore,
    /// Nothing of it is there.
    Again(Trouble),
    /// Whether it is there shows when it is done anew.
    Unknown(T, ::postgres::Error),
}

impl Postgres {
    /// Does `work` in one transaction of this run, once, however often the line is cut.
    fn numbered<T>(
        &mut self,
        mut work: impl FnMut(&mut View<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.writes += 1;
        let number = self.writes;
        let mut patience = Patience::new(self.server.patience, self.server.waiting);
        let mut unheard = None;
        loop {
            match self.attempt(number, &mut work)? {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::DoneBefore => {
                    return unheard
                        .ok_or_else(|| LedgerError::damaged("a run's writes are not its own"));
                }
                Attempt::Again(trouble) => self.rest(&mut patience, trouble)?,
                Attempt::Unknown(answer, error) => {
                    unheard = Some(answer);
                    self.rest(&mut patience, Trouble::Server(error))?;
                }
            }
        }
    }

    /// Does a numbered transaction of this run, unless it was done.
    fn attempt<T>(
        &self,
        number: i64,
        work: &mut impl FnMut(&mut View<'_>) -> Result<T, LedgerError>,
    ) -> Result<Attempt<T>, LedgerError> {
        let mut link = self.link.borrow_mut();
        let lost = |error| Ok(Attempt::Again(Trouble::Server(error)));
        let begun = link
            .connected()
            .and_then(|(client, statements)| Ok((client.transaction()?, statements)));
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => return lost(error),
        };
        let mut view = View::new(begun, &self.shop, Mode::Write);
        let answer = match self.enter(&view, number) {
            Ok(true) => work(&mut view),
            Ok(false) => return self.settled(view),
            Err(error) => Err(error),
        };
        if let Some(trouble) = view.trouble() {
            return Ok(Attempt::Again(trouble));
        }
        let answer = answer?;
        match view.into_transaction()?.commit() {
            Ok(()) => Ok(Attempt::Done(answer)),
            Err(error) => match cure(&error) {
                Cure::Reconnect => Ok(Attempt::Unknown(answer, error)),
                Cure::Repeat => lost(error),
                Cure::None => Err(meaning(error)),
            },
        }
    }

    /// Notes the transaction's number in itself; returns whether it is new.
    ///
    /// An attempt before it whose commit is still under way is waited for here: it holds the row.
    fn enter(&self, view: &View<'_>, number: i64) -> Result<bool, LedgerError> {
        let frame = &self.shop.frame;
        let station = &frame.identity.station;
        if view
            .first(FENCE, &[&frame.run, &number, station])?
            .is_some()
        {
            return Ok(true);
        }
        let row = view.first(WRITES, &[&frame.run])?;
        let row = row.ok_or(LedgerError::Overtaken)?;
        if get::<i64>(&row, 0)? >= number {
            return Ok(false);
        }
        match get(&row, 1)? {
            true => Err(LedgerError::Overtaken),
            false => Err(LedgerError::damaged("its station is missing")),
        }
    }

    /// Makes sure that what was committed unheard is where a commit has to be, on standbys too.
    fn settled<T>(&self, view: View<'_>) -> Result<Attempt<T>, LedgerError> {
        let touched = view.change(TOUCH, &[&self.shop.frame.run]);
        if let Some(trouble) = view.trouble() {
            return Ok(Attempt::Again(trouble));
        }
        touched?;
        match view.into_transaction()?.commit() {
            Ok(()) => Ok(Attempt::DoneBefore),
            Err(error) => Ok(Attempt::Again(Trouble::Server(error))),
        }
    }

    /// Waits before the next try, on another connection if this one is gone.
    fn rest(&self, patience: &mut Patience, trouble: Trouble) -> Result<(), LedgerError> {
        match trouble {
            Trouble::Raced => patience.again(),
            Trouble::Server(error) => {
                tracing::debug!(%error, "a transaction is done anew");
                if cure(&error) == Cure::Reconnect {
                    self.link.borrow_mut().lose();
                }
                patience.after(error).map(drop)
            }
        }
    }

    /// Does `work` in one transaction that only looks; one that hands rows on may be held up by
    /// whoever reads them.
    fn look(&self, hands_on: bool, work: Look<'_>) -> Result<Result<(), Trouble>, LedgerError> {
        let mut link = self.link.borrow_mut();
        let begun = link.connected().and_then(|(client, statements)| {
            let mut transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()?;
            if hands_on {
                transaction.batch_execute(UNHURRIED)?;
            }
            Ok((transaction, statements))
        });
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => return Ok(Err(Trouble::Server(error))),
        };
        let view = View::new(begun, &self.shop, Mode::Read);
        let answer = work(&view);
        match view.trouble() {
            Some(trouble) => Ok(Err(trouble)),
            None => answer.map(Ok),
        }
    }

    /// Does `act` on the connection until it is done.
    fn patiently<T>(
        &self,
        mut act: impl FnMut(&mut Transaction<'_>) -> Result<T, ::postgres::Error>,
    ) -> Result<T, LedgerError> {
        let mut patience = Patience::new(self.server.patience, self.server.waiting);
        loop {
            let mut link = self.link.borrow_mut();
            let done = link.connected().and_then(|(client, _)| {
                let mut transaction = client.transaction()?;
                let answer = act(&mut transaction)?;
                transaction.commit()?;
                Ok(answer)
            });
            drop(link);
            match done {
                Ok(answer) => return Ok(answer),
                Err(error) => self.rest(&mut patience, Trouble::Server(error))?,
            }
        }
    }
}

impl Store for Postgres {
    fn frame(&self) -> &Arc<Frame> {
        &self.shop.frame
    }

    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        self.numbered(|view| work(view))
    }

    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        let mut link = self.link.borrow_mut();
        let begun = link.connected().and_then(|(client, statements)| {
            let mut transaction = client.transaction()?;
            transaction.batch_execute(UNSYNCED)?;
            Ok((transaction, statements))
        });
        let mut view = View::new(begun.map_err(meaning)?, &self.shop, Mode::Stage);
        let done = work(&mut view).and_then(|()| secrets::flush(&view));
        match view.trouble() {
            Some(Trouble::Server(error)) => return Err(meaning(error)),
            Some(Trouble::Raced) => return Err(LedgerError::damaged("a list met another one")),
            None => {}
        }
        done?;
        view.into_transaction()?.commit().map_err(meaning)
    }

    fn read(&self, work: Look<'_>) -> Result<(), LedgerError> {
        let mut patience = Patience::new(self.server.patience, self.server.waiting);
        loop {
            match self.look(false, &mut *work)? {
                Ok(()) => return Ok(()),
                Err(trouble) => self.rest(&mut patience, trouble)?,
            }
        }
    }

    fn scan(&self, work: Look<'_>) -> Result<(), LedgerError> {
        // A connection that died unseen is told here, before a row is handed on.
        self.read(&mut |_| Ok(()))?;
        match self.look(true, work)? {
            Ok(()) => Ok(()),
            Err(Trouble::Server(error)) => Err(meaning(error)),
            Err(Trouble::Raced) => Err(LedgerError::damaged("one state was two")),
        }
    }

    fn settle(&self) -> Result<(), LedgerError> {
        let looking = self.shop.frame.run.is_empty();
        let mut look = |transaction: &mut Transaction<'_>| {
            // On a standby nothing is in the middle of anything, and no row can be held.
            if looking && transaction.query_one(STANDBY, &[])?.try_get(0)? {
                return Ok(None);
            }
            transaction.batch_execute(SETTLING)?;
            transaction.query(SETTLE, &[])?;
            transaction.query(SETTLE_STATIONS, &[])?;
            transaction.query_one(LAST, &[])?.try_get(0).map(Some)
        };
        let mut tries = 0;
        let last = loop {
            match self.patiently(&mut look) {
                Err(LedgerError::Busy { .. }) if tries < SETTLES => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => break other?,
            }
        };
        if let Some(last) = last {
            self.shop.settled.set(last);
        }
        Ok(())
    }

    fn rotate(&mut self, by: &Actor, step: &mut dyn FnMut(u64)) -> Result<Rotation, LedgerError> {
        rotate::rotate(self, by, step)
    }
}
