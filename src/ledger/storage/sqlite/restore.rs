//! A ledger's file made anew: from a backup, or empty to be filled from a mirror.
//!
//! It is made whole under a hidden name and gets its name last, so that a cut leaves either
//! nothing or a ledger in which everything is settled.

use std::fs;
use std::path::{Path, PathBuf};

use super::keys::{self, KeyPlace};
use super::part::{clear, free, give_name, single};
use super::{Sqlite, backup, connect, schema};
use crate::ledger::error::about;
use crate::ledger::runs::Runs;
use crate::ledger::traces::{self, Base};
use crate::ledger::{Identity, KeyError, Ledger, LedgerError, OpenError, Scope};
use crate::recipe::KeySource;
use crate::vault::files::{beside, create};

/// Who makes a ledger's file anew, and for what.
#[derive(Debug, Clone)]
pub struct Remaking<'a> {
    /// Where the ledger will be; nothing may be there.
    pub path: &'a Path,
    /// Its tokens and units.
    pub scope: &'a Scope,
    /// Who does it.
    pub identity: Identity,
    /// Where its key comes from.
    pub place: &'a KeyPlace,
}

impl Remaking<'_> {
    /// Makes the ledger from a backup, settled by `act` before it gets its name.
    ///
    /// # Errors
    /// [`LedgerError`]; then no ledger is there. Its key must be at hand.
    pub fn from_backup<T>(
        &self,
        from: &Path,
        act: impl FnOnce(&mut Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let hidden = self.begin()?;
        if *self.place == KeyPlace::Beside && !keys::path(self.path).exists() {
            return Err(LedgerError::Key(KeyError::KeyMissing {
                path: keys::path(self.path),
            }));
        }
        let made = backup::fill(from, &hidden).and_then(|()| self.settle(&hidden, act));
        self.end(&hidden, made)
    }

    /// Makes an empty ledger with the number of a lost one, filled by `act` before it gets its
    /// name. Its key is made if none lies there.
    ///
    /// # Errors
    /// [`LedgerError`]; then no ledger is there.
    pub fn anew<T>(
        &self,
        number: &str,
        act: impl FnOnce(&mut Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let hidden = self.begin()?;
        let made = self
            .empty(&hidden, Some(number))
            .and_then(|()| self.settle(&hidden, act));
        self.end(&hidden, made)
    }

    /// Begins another ledger in the place of one that is lost. What that left is set aside, and
    /// given to `act`, which records it before the new ledger gets its name.
    ///
    /// # Errors
    /// [`OpenError::Begun`] where a ledger is, [`OpenError::StillOpen`] while a program has the
    /// lost one open. A cut leaves no ledger, and a trace of the old one.
    pub fn afresh(
        &self,
        act: impl FnOnce(&mut Ledger, &[PathBuf]) -> Result<(), LedgerError>,
    ) -> Result<Vec<PathBuf>, LedgerError> {
        let own = self.place.file();
        let mut traces = traces::of(self.path, Base::Gone, own.as_deref())?;
        if self.path.try_exists().map_err(about(self.path))? {
            let conn = connect::read(self.path)?;
            match schema::known_to_us(&conn, self.path, self.place) {
                Ok(()) => return Err(LedgerError::Open(OpenError::Begun)),
                Err(
                    LedgerError::Open(OpenError::Absent { .. })
                    | LedgerError::Open(OpenError::Lost { .. }),
                ) => {}
                Err(error) => return Err(error),
            }
            traces.push(self.path.to_owned());
        }
        let runs = beside(self.path, ".runs");
        if Runs::at(runs).others("")? {
            return Err(LedgerError::Open(OpenError::StillOpen {
                path: self.path.to_owned(),
            }));
        }
        let aside = traces::set_aside(self.path, &traces)?;
        let hidden = self.begin()?;
        let made = self
            .empty(&hidden, None)
            .and_then(|()| self.settle(&hidden, |ledger| act(ledger, &aside)));
        self.end(&hidden, made)?;
        Ok(aside)
    }

    /// Clears away what an earlier try left.
    fn begin(&self) -> Result<PathBuf, LedgerError> {
        for suffix in ["", "-wal", "-journal"] {
            free(&beside(self.path, suffix))?;
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = self.path.with_file_name(format!(".{name}.part"));
        clear(&hidden)?;
        Ok(hidden)
    }

    fn empty(&self, hidden: &Path, number: Option<&str>) -> Result<(), LedgerError> {
        let key = keys::make(self.path, self.place)?;
        drop(create(hidden).map_err(about(hidden))?);
        let mut conn = connect::write(hidden)?;
        schema::make_with(&mut conn, hidden, (&key, number))
    }

    fn settle<T>(
        &self,
        hidden: &Path,
        act: impl FnOnce(&mut Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let place = match self.place {
            KeyPlace::Beside => {
                KeyPlace::From(KeySource::File(keys::path(self.path)), PathBuf::new())
            }
            other => other.clone(),
        };
        let mut ledger = Sqlite::open_keyed(hidden, self.scope, self.identity.clone(), &place)?;
        let answer = act(&mut ledger)?;
        drop(ledger);
        single(hidden)?;
        let runs = beside(hidden, ".runs");
        fs::remove_dir_all(&runs).map_err(about(&runs))?;
        give_name(hidden, self.path)?;
        Ok(answer)
    }

    fn end<T>(&self, hidden: &Path, made: Result<T, LedgerError>) -> Result<T, LedgerError> {
        if made.is_err() {
            // What stays is cleared by the next try.
            let _ = clear(hidden);
        }
        made
    }
}
