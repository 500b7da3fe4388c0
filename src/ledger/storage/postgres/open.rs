//! Opening: tables, key, run and lease, in this order.

use std::cell::RefCell;
use std::sync::Arc;

use super::address::{Address, Purpose};
use super::fault::meaning;
use super::lease::{self, Keeper, LEASE};
use super::link::Link;
use super::patience::Patience;
use super::schema::{self, Prepared};
use super::{BACKEND, Postgres, Server, keys};
use crate::ledger::rules::facts::check_simulated;
use crate::ledger::runs::{Run, Runs};
use crate::ledger::storage::events::HOLD_LEDGER;
use crate::ledger::storage::keys as rows;
use crate::ledger::storage::schema::Past;
use crate::ledger::storage::sql::{Query, Sql, values};
use crate::ledger::storage::tables::Frame;
use crate::ledger::storage::view::{NoKey, Opened};
use crate::ledger::traces::{self, Base};
use crate::ledger::{
    Actor, Identity, KeyError, Ledger, LedgerError, OpenError, Scope, StorageError,
};
use crate::recipe::LedgerUrl;
use crate::vault::crypto::Key;
use crate::vault::files::beside;
use crate::vault::keyring::Ring;

const ADD_STATION: &str = "INSERT INTO stations (name) VALUES (?1) ON CONFLICT (name) DO NOTHING";
const ADD_RUN: &str = "INSERT INTO runs (id, station, place) VALUES (?1, ?2, ?3) \
     ON CONFLICT (id) DO NOTHING";
// Two statements: what the first waited for is seen by the second.
const SHARE_KEYS: Query = Query::holding("SELECT id FROM keys", " FOR SHARE");
const NEWEST_KEY: &str = "SELECT max(id) FROM keys";
const ADD_LEASE: &str = "INSERT INTO leases (run, till) \
     VALUES (?1, clock_timestamp() + make_interval(secs => ?2::bigint)) ON CONFLICT (run) DO NOTHING";

impl Server {
    fn link(&self, purpose: Purpose) -> Result<Link, LedgerError> {
        let LedgerUrl::Postgres(url) = &self.url else {
            return Err(LedgerError::Storage(StorageError::Address {
                what: "it is none of a server".to_owned(),
            }));
        };
        let address = Address::parse(url, &self.folder, purpose)?;
        Ok(Link::to(address, self.schema.clone()))
    }

    /// Connects to a ledger that is there.
    fn look(&self) -> Result<Link, LedgerError> {
        let mut link = self.link(Purpose::Look)?;
        reach(&mut link, self)?;
        present(&mut link, self)?;
        Ok(link)
    }

    fn runs(&self) -> std::path::PathBuf {
        beside(&self.base, ".runs")
    }

    fn absent(&self) -> LedgerError {
        LedgerError::Storage(StorageError::NoSchema {
            schema: self.schema.as_str().to_owned(),
        })
    }
}

/// Connects, and waits for a server that is not there.
fn reach(link: &mut Link, server: &Server) -> Result<(), LedgerError> {
    let mut patience = Patience::new(server.patience, server.waiting);
    loop {
        match link.connected() {
            Ok(_) => return Ok(()),
            Err(error) => {
                link.lose();
                patience.after(error)?;
            }
        }
    }
}

impl Postgres {
    /// Opens the ledger as a new run; makes its tables if there are none.
    ///
    /// The key is never made here.
    ///
    /// # Errors
    /// [`LedgerError`]; a missing or wrong key is said with nothing written.
    pub fn open(server: &Server, scope: &Scope, identity: Identity) -> Result<Ledger, LedgerError> {
        let mut link = server.link(Purpose::Work)?;
        let keys = keys::bring(server)?;
        reach(&mut link, server)?;
        match present(&mut link, server) {
            Err(LedgerError::Storage(StorageError::NoSchema { .. })) => {}
            other => other?,
        }
        make(&mut link, server, (&keys, Past::None))?;
        Self::enter_as_run((link, &keys), server, (scope, identity))
    }

    /// Begins another ledger in the place of one that is lost, and records that first. What the
    /// old one left at this station is set aside then, but for its runs.
    ///
    /// # Errors
    /// [`OpenError::Begun`] where a ledger is that has events, [`OpenError::StillOpen`] while a
    /// program of this station has the lost one open.
    pub fn afresh(
        server: &Server,
        scope: &Scope,
        (identity, by): (Identity, &Actor),
    ) -> Result<Vec<std::path::PathBuf>, LedgerError> {
        let mut link = server.link(Purpose::Work)?;
        let keys = keys::bring(server)?;
        reach(&mut link, server)?;
        let traces = traces::of(&server.base, Base::Empty, None)?;
        if Runs::at(server.runs()).others("")? {
            return Err(LedgerError::Open(OpenError::StillOpen {
                path: server.base.clone(),
            }));
        }
        make(&mut link, server, (&keys, Past::Lost))?;
        let mut ledger = Self::enter_as_run((link, &keys), server, (scope, identity))?;
        ledger.begun(&traces, by)?;
        // This run lives in their folder.
        let runs = server.runs();
        let traces: Vec<_> = traces.into_iter().filter(|path| *path != runs).collect();
        traces::set_aside(&server.base, &traces)
    }

    /// Opens the ledger as a new run; there must be one.
    ///
    /// # Errors
    /// [`StorageError::NoSchema`], and those of [`open`](Self::open)
    pub fn open_existing(
        server: &Server,
        scope: &Scope,
        identity: Identity,
    ) -> Result<Ledger, LedgerError> {
        let mut link = server.link(Purpose::Work)?;
        reach(&mut link, server)?;
        present(&mut link, server)?;
        let keys = keys::bring(server)?;
        make(&mut link, server, (&keys, Past::None))?;
        Self::enter_as_run((link, &keys), server, (scope, identity))
    }

    /// Opens the ledger to look at it: nothing is made, no claim is held, a standby will do.
    ///
    /// Without its key all but secrets, pictures and the audit can be seen.
    ///
    /// # Errors
    /// [`StorageError::NoSchema`], and those of [`open`](Self::open)
    pub fn inspect(server: &Server, scope: &Scope) -> Result<Ledger, LedgerError> {
        let mut link = server.look()?;
        let key = match keys::bring(server) {
            Ok(keys) => Ok(link.once(|session| keys::prove(session, &keys, server))?),
            Err(LedgerError::Key(KeyError::KeyUnread { from, what })) => {
                Err(NoKey::Unread { from, what })
            }
            Err(other) => return Err(other),
        };
        let frame = Arc::new(Frame::looking(scope));
        Self::assemble((link, key), server, (frame, None)).map(Ledger::over)
    }

    /// Returns the ids of the keys that the ledger is sealed with, the current one first; more than
    /// one while a rotation goes on.
    ///
    /// # Errors
    /// Those of [`inspect`](Self::inspect); no key is needed.
    pub fn key_ids(server: &Server) -> Result<Vec<String>, LedgerError> {
        let mut link = server.look()?;
        let names = link.once(|session| rows::names(session))?.into_iter();
        Ok(names.map(|(_, name)| name).collect())
    }

    /// Proves the key and begins a run.
    fn enter_as_run(
        (mut link, keys): (Link, &[Key]),
        server: &Server,
        (scope, identity): (&Scope, Identity),
    ) -> Result<Ledger, LedgerError> {
        let ring = link.once(|session| keys::prove(session, keys, server))?;
        let key = ring.current()?.id;
        let run = Run::start(&server.runs())?;
        let frame = Frame::new(scope, identity, run.id().to_owned());
        let frame = Arc::new(frame.with_lock(run.lock()));
        let other = link.another();
        let mut this = Self::assemble((link, Ok(ring)), server, (Arc::clone(&frame), Some(run)))?;
        this.begin(key)?;
        this._keeper = Some(Keeper::start(other, frame.run.clone(), LEASE));
        this.read_facts()?;
        let ledger = Ledger::over(this);
        ledger.read(|tables| {
            tables.proved("ledger")?;
            check_simulated(tables, &frame)
        })?;
        Ok(ledger)
    }

    fn assemble(
        (link, key): (Link, Result<Ring, NoKey>),
        server: &Server,
        (frame, run): (Arc<Frame>, Option<Run>),
    ) -> Result<Self, LedgerError> {
        let mut opened = Opened::new(&BACKEND, frame, Runs::at(server.runs()), key);
        opened.place = lease::place(&server.runs());
        let mut this = Self {
            link: RefCell::new(link),
            opened,
            server: server.clone(),
            writes: 0,
            _keeper: None,
            _run: run,
        };
        this.read_facts()?;
        Ok(this)
    }

    /// Gives the run, its station and its scope their rows; again changes nothing.
    ///
    /// No rotation begins meanwhile; one that began before is told: this run's key would be old.
    fn begin(&self, key: i64) -> Result<(), LedgerError> {
        let opened = &self.opened;
        let (run, station) = (&opened.frame.run, &opened.frame.identity.station);
        let newest: Option<i64> = self.patiently(|session| {
            let sql: &dyn Sql = session;
            sql.rows(SHARE_KEYS, &[], &mut |_| Ok(()))?;
            let newest = sql.value(NEWEST_KEY, &[])?;
            if newest != Some(key) {
                return Ok(newest);
            }
            sql.rows(HOLD_LEDGER, &[], &mut |_| Ok(()))?;
            opened.enter(sql)?;
            sql.change(ADD_STATION, values![station])?;
            sql.change(ADD_RUN, values![run, station, opened.place.as_ref()])?;
            sql.change(ADD_LEASE, values![run, LEASE.as_secs().cast_signed()])?;
            Ok(newest)
        })?;
        match newest == Some(key) {
            true => Ok(()),
            false => Err(LedgerError::Key(KeyError::Rotated)),
        }
    }

    /// Reads what stays the same.
    fn read_facts(&mut self) -> Result<(), LedgerError> {
        let place = self.patiently(|session| self.opened.look(session))?;
        self.opened.settle(place)
    }
}

/// Refuses a ledger that is not there, and tells one that was.
fn present(link: &mut Link, server: &Server) -> Result<(), LedgerError> {
    let schema = link.schema().clone();
    let (client, _) = link.connected().map_err(meaning)?;
    if schema::version(client, &schema)?.is_some() {
        return Ok(());
    }
    let lost = traces::refuse(&server.base, Base::Empty, None);
    // Another program may have made it meanwhile; its run came after.
    if schema::version(client, &schema)?.is_some() {
        return Ok(());
    }
    lost?;
    Err(server.absent())
}

/// Brings the tables up to date; of several programs that make them one does.
fn make(link: &mut Link, server: &Server, (keys, past): (&[Key], Past)) -> Result<(), LedgerError> {
    let mut patience = Patience::new(server.patience, server.waiting);
    let schema = link.schema().clone();
    loop {
        let (client, _) = link.connected().map_err(meaning)?;
        // A ledger that is there has its key: a wrong one makes no table anew.
        if schema::version(client, &schema)?.is_some() {
            link.once(|session| keys::prove(session, keys, server))?;
        }
        match schema::prepare(link, keys, past)? {
            Prepared::Done => return Ok(()),
            Prepared::Raced => patience.again()?,
        }
    }
}
