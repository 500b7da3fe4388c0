//! What a mirror has told, read again.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::line::{Header, Line};
use crate::ledger::error::about;
use crate::ledger::history::event::Body;
use crate::ledger::storage::tables::{Each, EventRow};
use crate::ledger::{LedgerError, RestoreError};
use crate::regular;

/// All that a mirror has of one ledger.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    header: Header,
}

impl History {
    /// Finds the newest mirror of the ledger that begins with these digits in `folder`; with no
    /// digits, of the only ledger that has one there.
    ///
    /// # Errors
    /// [`RestoreError::MirrorAbsent`], [`RestoreError::MirrorOther`] when there are several,
    /// [`RestoreError::MirrorDamaged`], [`StorageError::File`](crate::ledger::StorageError::File)
    pub fn find(folder: &Path, ledger: Option<&str>) -> Result<Self, LedgerError> {
        let absent = || {
            LedgerError::Restore(RestoreError::MirrorAbsent {
                path: folder.to_owned(),
            })
        };
        let mut found = mirrors(folder)?;
        found.retain(|one| ledger.is_none_or(|digits| one.header.ledger.starts_with(digits)));
        found.sort_by_key(|history| history.header.generation);
        let newest = found.pop().ok_or_else(absent)?;
        match found
            .iter()
            .find(|other| other.header.ledger != newest.header.ledger)
        {
            Some(other) => Err(LedgerError::Restore(RestoreError::MirrorOther {
                path: other.path.clone(),
                has: newest.header.ledger.chars().take(12).collect(),
            })),
            None => Ok(newest),
        }
    }

    /// Returns a mirror in `folder` in which `station` told of real units of `product`; a folder that is not there
    /// has none.
    ///
    /// # Errors
    /// [`StorageError::File`](crate::ledger::StorageError::File)
    pub fn of_station(
        folder: &Path,
        station: &str,
        product: &str,
    ) -> Result<Option<PathBuf>, LedgerError> {
        for Self { path, .. } in mirrors(folder)? {
            let file = regular::open(&path).map_err(about(&path))?;
            let lines = BufReader::new(file).lines();
            let rows = lines.map_while(Result::ok).filter_map(|line| {
                let line: Option<Line> = serde_json::from_str(&line).ok();
                line.and_then(Line::row)
            });
            let told = rows.filter(|row| row.event.station == station).any(|row| {
                Body::read(&row.event).is_ok_and(|body| {
                    body.product.as_deref() == Some(product) && body.simulated != Some(true)
                })
            });
            if told {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Returns the number of the ledger.
    #[must_use]
    pub fn ledger(&self) -> &str {
        &self.header.ledger
    }

    /// Returns how often the ledger had been restored or made anew.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.header.generation
    }

    /// Returns the mirror's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::ledger) fn damaged(&self, what: String) -> LedgerError {
        LedgerError::Restore(RestoreError::MirrorDamaged {
            path: self.path.clone(),
            what,
        })
    }

    /// Reads all events in their order.
    pub(in crate::ledger) fn each(&self, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
        let file = regular::open(&self.path).map_err(about(&self.path))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        for number in 1.. {
            line.clear();
            let length = reader.read_line(&mut line).map_err(about(&self.path))?;
            // Half a line is what a cut left: its call never returned.
            if length == 0 || !line.ends_with('\n') {
                return Ok(());
            }
            if number == 1 {
                continue;
            }
            let row = serde_json::from_str::<Line>(&line).ok().and_then(Line::row);
            each(row.ok_or_else(|| self.damaged(format!("line {number} is no event")))?)?;
        }
        Ok(())
    }
}

/// Finds all mirrors in a folder; one that is not there has none.
fn mirrors(folder: &Path) -> Result<Vec<History>, LedgerError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(about(folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(about(folder))?.path();
        if path.extension().is_some_and(|end| end == "jsonl")
            && let Some(header) = header(&path).map_err(about(&path))?
        {
            found.push(History { path, header });
        }
    }
    Ok(found)
}

/// Reads the first line of a file; `None` when it is no mirror.
fn header(path: &Path) -> io::Result<Option<Header>> {
    let mut line = String::new();
    match BufReader::new(regular::open(path)?)
        .take(4096)
        .read_line(&mut line)
    {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        Err(error) => return Err(error),
    }
    let header: Option<Header> = serde_json::from_str(&line).ok();
    Ok(header.filter(|header| header.is_mirror()))
}
