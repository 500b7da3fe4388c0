//! What only a ledger on a server promises: many writers, lost connections, lost servers.

pub mod cluster;
mod crowd;
#[cfg(feature = "cli")]
mod encrypted;
mod grants;
mod leases;
mod lost;
mod outages;
#[cfg(feature = "cli")]
mod program;
mod proxy;
#[cfg(feature = "cli")]
mod restored;
#[cfg(feature = "cli")]
mod rotation;
mod rules;
mod tamper;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use eol_inject::ledger::{Identity, Ledger, LedgerError, Postgres, Scope, Server, make_key_file};
use eol_inject::recipe::{KeySource, LedgerUrl, SchemaName};

use self::cluster::Cluster;
use super::*;

/// In a schema of its own.
pub struct OnServer {
    pub server: Server,
    _folder: tempfile::TempDir,
}

impl OnServer {
    /// `None` where no server is installed.
    pub fn new() -> Option<Self> {
        Some(Self::at(&Cluster::shared()?.url()))
    }

    /// In a new schema at an address, with a key of its own.
    pub fn at(url: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let folder = tempfile::tempdir().unwrap();
        make_key_file(&folder.path().join("key")).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let schema = format!("test_{number}");
        Self {
            server: server(url, &schema, folder.path()),
            _folder: folder,
        }
    }

    pub fn try_open(&self, station: &str) -> Result<Ledger, LedgerError> {
        Postgres::open(&self.server, &scope(), identity(station))
    }

    pub fn inspect(&self) -> Ledger {
        Postgres::inspect(&self.server, &scope()).unwrap()
    }

    pub fn schema(&self) -> &str {
        self.server.schema.as_str()
    }
}

impl OnServer {
    /// Says to another process where the ledger is.
    pub fn place(&self) -> String {
        let url = self.server.url.clone();
        let LedgerUrl::Postgres(url) = url else {
            panic!("{url}")
        };
        let folder = self.server.folder.display();
        format!("postgres {url} {} {folder}", self.schema())
    }
}

/// Opens a ledger as another process was told.
pub fn open_from(place: &str, station: &str) -> Ledger {
    let parts: Vec<&str> = place.split(' ').collect();
    let server = server(parts[0], parts[1], Path::new(parts[2]));
    Postgres::open_existing(&server, &scope(), identity(station)).unwrap()
}

/// Returns a place with the key in a folder.
pub fn server(url: &str, schema: &str, folder: &Path) -> Server {
    Server {
        url: LedgerUrl::try_from(url.to_owned()).unwrap(),
        schema: SchemaName::try_from(schema.to_owned()).unwrap(),
        key: KeySource::File("key".into()),
        folder: folder.to_owned(),
        base: folder.join("line"),
        patience: Server::PATIENCE,
        waiting: |_| {},
    }
}

impl Bench for OnServer {
    fn open_for(&self, scope: &Scope, identity: Identity) -> Ledger {
        Postgres::open(&self.server, scope, identity).unwrap()
    }

    #[cfg(feature = "sqlite")]
    fn mirrored(&self, folder: &Path, station: &str) -> Ledger {
        let ledger = self.try_open(station).unwrap();
        ledger.mirrored(folder).unwrap()
    }

    fn another(&self) -> Box<dyn Bench> {
        Box::new(Self::new().unwrap())
    }
}
