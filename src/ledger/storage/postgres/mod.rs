//! The ledger on a PostgreSQL server, for many stations at once.
//!
//! Rules are not in here: this stores and finds rows for [`book`](crate::ledger::book). What makes many
//! writers safe is in here: `docs/guarantees.md`, "Stations on one server", says why it is enough.

mod address;
mod audit;
mod fault;
mod keys;
mod lease;
mod link;
mod liveness;
mod load;
mod open;
mod password;
mod patience;
mod rotate;
mod schema;
mod session;
mod tls;

use crate::ledger::StorageError;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::IsolationLevel;

use self::fault::{Cure, cure, meaning};
use self::lease::Keeper;
use self::link::Link;
use self::patience::Patience;
use self::session::{Sending, Session, Trouble};
use crate::ledger::runs::Run;
use crate::ledger::storage::events::HOLD_LEDGER;
use crate::ledger::storage::sql::{Query, Sql, values};
use crate::ledger::storage::tables::{Frame, Look, Store, Work};
use crate::ledger::storage::tokens;
use crate::ledger::storage::view::{Backend, Mode, Opened, View};
use crate::ledger::{Actor, LedgerError, Rotation};
use crate::recipe::{KeySource, SchemaName};

/// Many stations write at the same time, each question takes a round trip, and leases tell who lives.
static BACKEND: Backend = Backend {
    shared: true,
    step: 2000,
    next_unit: "SELECT nextval('unit_numbers')",
    next_scope: "SELECT nextval(pg_get_serial_sequence('scopes', 'id'))",
    drawing: tokens::BY_RULE,
    alive: liveness::alive,
    refuse_other_runs: rotate::no_other_run,
    skip_unit_numbers: Some(
        "SELECT setval('unit_numbers', greatest(max(id), (SELECT last_value FROM unit_numbers))) \
         FROM units",
    ),
    integrity: audit::integrity,
};

/// Counts a write of the run and takes its station's chain; no row where one of both is missing.
const FENCE: &str = "WITH fence AS (UPDATE runs SET writes = ?2 \
         WHERE id = ?1 AND writes < ?2 AND NOT ended RETURNING 1) \
     SELECT s.id FROM stations s, fence WHERE s.name = ?3 FOR UPDATE OF s";
const WRITES: &str = "SELECT writes, ended FROM runs WHERE id = ?1 FOR UPDATE";
/// A commit waits until all commits before it are where it has to be.
const TOUCH: &str = "UPDATE runs SET writes = writes WHERE id = ?1";
const UNSYNCED: &str = "SET LOCAL synchronous_commit = off";
/// It changes nothing that would have to last. What it holds while it waits, others wait for: it lets
/// go soon and begins again.
const SETTLING: &str = "SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '500ms'";
/// How often. Who takes longer than that adopts or merges more than a ledger has ever had.
const SETTLES: u32 = 1200;
/// It holds no row of anybody.
const UNHURRIED: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";
/// Waits for whoever is in the middle of adding events, under a new station's name too.
const SETTLE: Query = Query::holding(HOLD_LEDGER.text, " FOR UPDATE");
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
    opened: Opened,
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
        let session = match link.begin(Sending::AtOnce) {
            Ok(session) => session,
            Err(error) => return Ok(Attempt::Again(Trouble::Server(error))),
        };
        let answer = match self.enter(&session, number) {
            Ok(true) => work(&mut View::new(&session, &self.opened, Mode::Write)),
            Ok(false) => return self.settled(session),
            Err(error) => Err(error),
        };
        if let Some(trouble) = session.trouble() {
            return Ok(Attempt::Again(trouble));
        }
        let answer = answer?;
        match session.into_transaction()?.commit() {
            Ok(()) => Ok(Attempt::Done(answer)),
            Err(error) => match cure(&error) {
                Cure::Reconnect => Ok(Attempt::Unknown(answer, error)),
                Cure::Repeat => Ok(Attempt::Again(Trouble::Server(error))),
                Cure::None => Err(meaning(error)),
            },
        }
    }

    /// Notes the transaction's number in itself; returns whether it is new.
    ///
    /// An attempt before it whose commit is still under way is waited for here: it holds the row.
    fn enter(&self, sql: &dyn Sql, number: i64) -> Result<bool, LedgerError> {
        let frame = &self.opened.frame;
        let fence = values![&frame.run, number, &frame.identity.station];
        let station: Option<i64> = sql.value(FENCE, fence)?;
        if station.is_some() {
            return Ok(true);
        }
        let writes: Option<(i64, bool)> = sql.first(WRITES, values![&frame.run], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        match writes {
            Some((writes, _)) if writes >= number => Ok(false),
            None | Some((_, true)) => Err(LedgerError::Storage(StorageError::Overtaken)),
            Some((_, false)) => Err(LedgerError::damaged("its station is missing")),
        }
    }

    /// Makes sure that what was committed unheard is where a commit has to be, on standbys too.
    fn settled<T>(&self, session: Session<'_>) -> Result<Attempt<T>, LedgerError> {
        let touched = session.change(TOUCH, values![&self.opened.frame.run]);
        if let Some(trouble) = session.trouble() {
            return Ok(Attempt::Again(trouble));
        }
        touched?;
        match session.into_transaction()?.commit() {
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
            Ok(Session::new((transaction, statements), Sending::AtOnce))
        });
        let session = match begun {
            Ok(session) => session,
            Err(error) => return Ok(Err(Trouble::Server(error))),
        };
        let answer = work(&View::new(&session, &self.opened, Mode::Read));
        match session.trouble() {
            Some(trouble) => Ok(Err(trouble)),
            None => answer.map(Ok),
        }
    }

    /// Does `act` in one transaction until it is done; once more does no harm.
    fn patiently<T>(
        &self,
        mut act: impl FnMut(&Session<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut patience = Patience::new(self.server.patience, self.server.waiting);
        loop {
            let done = self.link.borrow_mut().act(&mut act)?;
            match done {
                Ok(answer) => return Ok(answer),
                Err(trouble) => self.rest(&mut patience, trouble)?,
            }
        }
    }
}

impl Store for Postgres {
    fn frame(&self) -> &Arc<Frame> {
        &self.opened.frame
    }

    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        self.numbered(|view| work(view))
    }

    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        let mut link = self.link.borrow_mut();
        let session = link.begin(Sending::Later).map_err(meaning)?;
        let done = session.batch(UNSYNCED).and_then(|()| {
            work(&mut View::new(&session, &self.opened, Mode::Stage))?;
            session.flush()
        });
        match session.trouble() {
            Some(Trouble::Server(error)) => return Err(meaning(error)),
            Some(Trouble::Raced) => return Err(LedgerError::damaged("a list met another one")),
            None => {}
        }
        done?;
        session.into_transaction()?.commit().map_err(meaning)
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
        self.look(true, work)?.map_err(Trouble::meaning)
    }

    fn settle(&self) -> Result<(), LedgerError> {
        let looking = self.opened.frame.run.is_empty();
        let mut look = |session: &Session<'_>| {
            let sql: &dyn Sql = session;
            // On a standby nothing is in the middle of anything, and no row can be held.
            if looking && sql.value(STANDBY, &[])? == Some(true) {
                return Ok(None);
            }
            session.batch(SETTLING)?;
            sql.rows(SETTLE, &[], &mut |_| Ok(()))?;
            sql.rows(SETTLE_STATIONS.into(), &[], &mut |_| Ok(()))?;
            sql.value(LAST, &[])
        };
        let mut tries = 0;
        let last = loop {
            match self.patiently(&mut look) {
                Err(LedgerError::Storage(StorageError::Busy { .. })) if tries < SETTLES => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => break other?,
            }
        };
        if let Some(last) = last {
            self.opened.settled.set(last);
        }
        Ok(())
    }
    fn rotate(&mut self, by: &Actor, step: &mut dyn FnMut(u64)) -> Result<Rotation, LedgerError> {
        rotate::rotate(self, by, step)
    }
}
