//! Opening: tables, key, run and lease, in this order.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::address::{Address, Purpose};
use super::events::HOLD_LEDGER;
use super::fault::meaning;
use super::keys;
use super::lease::{self, Keeper, LEASE};
use super::link::Link;
use super::patience::Patience;
use super::rows::get;
use super::schema::{self, Past, Prepared};
use super::view::Shop;
use super::{Postgres, Server};
use crate::ledger::rules::facts::check_simulated;
use crate::ledger::runs::{Run, Runs};
use crate::ledger::storage::notary::{Notary, Row};
use crate::ledger::storage::tables::Frame;
use crate::ledger::traces::{self, Base};
use crate::ledger::{Actor, Identity, Ledger, LedgerError, Scope, Simulated};
use crate::recipe::LedgerUrl;
use crate::vault::crypto::Key;
use crate::vault::files::beside;
use crate::vault::keyring::Ring;

const LEDGER: &str = "SELECT value FROM facts WHERE name = 'ledger'";
const SCOPE: &str = "SELECT p.id, s.id, s.mark FROM products p \
     LEFT JOIN scopes s ON s.product = p.id AND s.template = $2 WHERE p.name = $1";
const ADD_PRODUCT: &str = "INSERT INTO products (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
const NEXT_SCOPE: &str = "SELECT nextval(pg_get_serial_sequence('scopes', 'id'))";
const ADD_SCOPE: &str = "INSERT INTO scopes (id, product, template, mark) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (product, template) DO NOTHING";
const ADD_STATION: &str = "INSERT INTO stations (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
const ADD_RUN: &str = "INSERT INTO runs (id, station, place) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO NOTHING";
// Two statements: what the first waited for is seen by the second.
const SHARE_KEYS: &str = "SELECT id FROM keys FOR SHARE";
const NEWEST_KEY: &str = "SELECT max(id) FROM keys";
const ADD_LEASE: &str = "INSERT INTO leases (run, till) \
     VALUES ($1, clock_timestamp() + make_interval(secs => $2)) ON CONFLICT (run) DO NOTHING";

impl Server {
    fn link(&self, purpose: Purpose) -> Result<Link, LedgerError> {
        let LedgerUrl::Postgres(url) = &self.url else {
            return Err(LedgerError::Address {
                what: "it is none of a server".to_owned(),
            });
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
        LedgerError::NoSchema {
            schema: self.schema.as_str().to_owned(),
        }
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
            Err(LedgerError::NoSchema { .. }) => {}
            other => other?,
        }
        make(&mut link, server, (&keys, Past::None))?;
        Self::enter_as_run((link, &keys), server, (scope, identity))
    }

    /// Begins another ledger in the place of one that is lost, and records that first. What the
    /// old one left at this station is set aside then, but for its runs.
    ///
    /// # Errors
    /// [`LedgerError::Begun`] where a ledger is that has events, [`LedgerError::StillOpen`] while a
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
            return Err(LedgerError::StillOpen {
                path: server.base.clone(),
            });
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
    /// [`LedgerError::NoSchema`], and those of [`open`](Self::open)
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
    /// [`LedgerError::NoSchema`], and those of [`open`](Self::open)
    pub fn inspect(server: &Server, scope: &Scope) -> Result<Ledger, LedgerError> {
        let mut link = server.look()?;
        let (client, _) = link.connected().map_err(meaning)?;
        let key = match keys::bring(server) {
            Ok(keys) => Ok(keys::prove(client, &keys, server)?),
            Err(LedgerError::KeyUnread { what, .. }) => Err(what),
            Err(other) => return Err(other),
        };
        let identity = Identity {
            station: String::new(),
            simulated: Simulated::No,
        };
        let frame = Arc::new(Frame::new(scope, identity, String::new()));
        Self::assemble((link, key), server, (frame, None)).map(Ledger::over)
    }

    /// Returns the ids of the keys that the ledger is sealed with, the current one first; more than
    /// one while a rotation goes on.
    ///
    /// # Errors
    /// Those of [`inspect`](Self::inspect); no key is needed.
    pub fn key_ids(server: &Server) -> Result<Vec<String>, LedgerError> {
        let mut link = server.look()?;
        let (client, _) = link.connected().map_err(meaning)?;
        keys::names(client)
    }

    /// Proves the key and begins a run.
    fn enter_as_run(
        (mut link, keys): (Link, &[Key]),
        server: &Server,
        (scope, identity): (&Scope, Identity),
    ) -> Result<Ledger, LedgerError> {
        let (client, _) = link.connected().map_err(meaning)?;
        let ring = keys::prove(client, keys, server)?;
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
        (link, key): (Link, Result<Ring, String>),
        server: &Server,
        (frame, run): (Arc<Frame>, Option<Run>),
    ) -> Result<Self, LedgerError> {
        let place = lease::place(&server.runs());
        let mut this = Self {
            link: RefCell::new(link),
            shop: Shop {
                frame,
                runs: Runs::at(server.runs()),
                place,
                key,
                notary: None,
                source: server.key.to_string(),
                ledger: String::new(),
                product: 0,
                scope: 0,
                settled: Cell::new(i64::MAX),
            },
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
        let (frame, place) = (&self.shop.frame, &self.shop.place);
        let (station, product) = (&frame.identity.station, &frame.scope.product);
        let template = frame.scope.template.as_deref().unwrap_or_default();
        let missing = || LedgerError::damaged("its key is not at hand");
        let notary = self.shop.notary.as_ref().ok_or_else(missing)?;
        let newest: i64 = self.patiently(|transaction| {
            transaction.query(SHARE_KEYS, &[])?;
            let newest = transaction.query_one(NEWEST_KEY, &[])?.try_get(0)?;
            if newest != key {
                return Ok(newest);
            }
            transaction.query(HOLD_LEDGER, &[])?;
            transaction.execute(ADD_PRODUCT, &[product])?;
            let row = transaction.query_one(SCOPE, &[product, &template])?;
            if row.try_get::<_, Option<i64>>(1)?.is_none() {
                let of = row.try_get(0)?;
                let id = transaction.query_one(NEXT_SCOPE, &[])?.try_get(0)?;
                let mark = notary.mark(&scope_row(id, (of, product), template));
                transaction.execute(ADD_SCOPE, &[&id, &of, &template, &&mark[..]])?;
            }
            transaction.execute(ADD_STATION, &[station])?;
            transaction.execute(ADD_RUN, &[&frame.run, station, place])?;
            transaction.execute(ADD_LEASE, &[&frame.run, &LEASE.as_secs_f64()])?;
            Ok(newest)
        })?;
        match newest == key {
            true => Ok(()),
            false => Err(LedgerError::Rotated),
        }
    }

    /// Reads what stays the same.
    fn read_facts(&mut self) -> Result<(), LedgerError> {
        let scope = self.shop.frame.scope.clone();
        let template = scope.template.unwrap_or_default();
        let (ledger, ids) = self.patiently(|transaction| {
            let ledger: String = transaction.query_one(LEDGER, &[])?.try_get(0)?;
            let ids = transaction.query_opt(SCOPE, &[&scope.product, &template])?;
            Ok((ledger, ids))
        })?;
        let shop = &mut self.shop;
        shop.notary = match &shop.key {
            Ok(ring) => Some(Notary::of(ring.seed(), &ledger)?),
            Err(_) => None,
        };
        shop.ledger = ledger;
        let Some(row) = ids else {
            return Ok(());
        };
        shop.product = get(&row, 0)?;
        let Some(id) = get::<Option<i64>>(&row, 1)? else {
            return Ok(());
        };
        shop.scope = id;
        let marked = scope_row(id, (shop.product, &scope.product), &template);
        match &shop.notary {
            // Who only looks is told by the audit.
            Some(notary) if !shop.frame.run.is_empty() && !notary.knows(&marked, get(&row, 2)?) => {
                Err(LedgerError::Forged {
                    what: format!("product {}", scope.product),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Returns a scope's row, as it is marked.
const fn scope_row<'a>(id: i64, product: (i64, &'a str), template: &'a str) -> Row<'a> {
    Row::Scope {
        id,
        product,
        template,
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
            keys::prove(client, keys, server)?;
        }
        match schema::prepare(client, &schema, keys, past)? {
            Prepared::Done => return Ok(()),
            Prepared::Raced => patience.again()?,
        }
    }
}
