//! The mirror: what happened, told again on another disk after each commit.
//!
//! One file for a ledger and each of its generations, append-only, one event a line, without
//! secrets. Nothing that a caller acts upon is missing in it: a call returns after its events are
//! synced here. What a cut left untold is told by the next call. Rules are not in here.

mod history;
mod line;

use crate::ledger::RestoreError;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

pub use self::history::History;
use self::line::{Header, Line};
use crate::ledger::rules::facts::{generation, ledger_number};
use crate::ledger::storage::tables::{self, Order, Store};
use crate::ledger::{Ledger, LedgerError};
use crate::regular;
use crate::unit::Digest;
use crate::vault::files::{create, create_folder, sync_folder};

/// How many bytes at the end of the file are read at first to find its last line.
const TAIL: u64 = 1 << 16;
/// How much is written at once.
const CHUNK: usize = 1 << 20;

impl Ledger {
    /// Compares the ledger with a station's mirror of it in `folder`; nothing is written.
    ///
    /// # Errors
    /// [`RestoreError::Mirror`] when it cannot be read.
    #[cfg(feature = "seal")]
    pub fn mirror_state(
        &self,
        station: &str,
        folder: &std::path::Path,
    ) -> Result<crate::ledger::MirrorState, LedgerError> {
        crate::ledger::history::mirror::state(self, station, folder)
    }
}

/// Where a ledger tells what happened.
#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    path: PathBuf,
    header: String,
}

impl Mirror {
    /// Ties a ledger to the mirror in `folder`, and tells what is not told yet.
    ///
    /// # Errors
    /// [`RestoreError::Mirror`] when it cannot be written, [`RestoreError::MirrorAhead`] when it
    /// knows more than the ledger.
    pub fn begin(store: &mut dyn Store, folder: &Path) -> Result<Self, LedgerError> {
        let (ledger, generation) = tables::read(store, |tables| {
            Ok((ledger_number(tables)?, generation(tables)?))
        })?;
        let path = folder.join(file_name(&ledger, generation));
        let header = Header::new(ledger, generation);
        let header = serde_json::to_string(&header).map_err(LedgerError::storage)?;
        let this = Self {
            folder: folder.to_owned(),
            path,
            header,
        };
        let fact = told_fact(&store.frame().identity.station, &this.path);
        let begun = tables::read(store, |tables| tables.fact(&fact))?.is_some();
        this.make(begun)?;
        this.follow(store)?;
        if !begun {
            store.write(&mut |tables| match tables.fact(&fact)? {
                None => tables.set_fact(&fact, ""),
                Some(_) => Ok(()),
            })?;
        }
        Ok(this)
    }

    /// Makes the mirror's file, unless it was there before and is gone: then its disk is not where
    /// it was, and whatever lies in its place is no other disk.
    fn make(&self, begun: bool) -> Result<(), LedgerError> {
        if self.path.exists() {
            return Ok(());
        }
        if begun {
            return Err(LedgerError::Restore(RestoreError::MirrorGone {
                path: self.path.clone(),
            }));
        }
        create_folder(&self.folder).map_err(|source| {
            LedgerError::Restore(RestoreError::Mirror {
                path: self.folder.clone(),
                source,
            })
        })?;
        match create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(self.unwritable(error))
            }
            _ => sync_folder(&self.path).map_err(|source| self.unwritable(source)),
        }
    }

    /// Refuses to change anything while the mirror cannot be written.
    pub fn ready(&self) -> Result<(), LedgerError> {
        self.open()
            .map(drop)
            .map_err(|source| self.unwritable(source))
    }

    fn unwritable(&self, source: io::Error) -> LedgerError {
        LedgerError::Restore(RestoreError::Mirror {
            path: self.path.clone(),
            source,
        })
    }

    fn open(&self) -> io::Result<File> {
        regular::open_with(&self.path, OpenOptions::new().read(true).append(true))
    }

    /// Tells the mirror all that it does not have yet; durable when it returns.
    pub fn follow(&self, store: &dyn Store) -> Result<(), LedgerError> {
        let failed = |source| self.unwritable(source);
        let mut file = self.open().map_err(failed)?;
        // Others of this computer tell the same file; closing it lets go.
        file.lock().map_err(failed)?;
        let told = tail(&mut file).map_err(failed)?;
        if let Some(keep) = told.cut {
            file.set_len(keep).map_err(failed)?;
        }
        // A server hands out numbers before commits: nothing below what is told here comes later.
        store.settle()?;
        let mut text = String::new();
        if told.empty {
            text.push_str(&self.header);
            text.push('\n');
        }
        let last = told.last;
        let mut known = last.is_none();
        let mut wrote = false;
        // With the last one that was told: it must be there, and the same.
        let after = last.map_or(0, |(seq, _)| (seq - 1).max(0));
        store.scan(&mut |tables| {
            tables.scan_events(Order::After(after), &mut |row| {
                if last.is_some_and(|(seq, _)| row.event.seq <= seq) {
                    known = Some((row.event.seq, row.event.hash)) == last;
                    return Ok(());
                }
                let line = serde_json::to_string(&Line::of(&row));
                text.push_str(&line.map_err(LedgerError::storage)?);
                text.push('\n');
                if text.len() > CHUNK {
                    file.write_all(text.as_bytes())
                        .map_err(|source| self.unwritable(source))?;
                    text.clear();
                    wrote = true;
                }
                Ok(())
            })
        })?;
        if let (false, Some((seq, _))) = (known, last) {
            return Err(LedgerError::Restore(RestoreError::MirrorAhead {
                path: self.path.clone(),
                seq,
            }));
        }
        if text.is_empty() && !wrote {
            return Ok(());
        }
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(failed)
    }
}

/// Returns the fact that a station told the mirror: from then on its file is there, by whatever
/// path.
fn told_fact(station: &str, path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("mirror of {station}: {name}")
}

/// Compares a station's mirror of a ledger in `folder` with it; nothing is written.
pub fn state(ledger: &Ledger, station: &str, folder: &Path) -> Result<MirrorState, LedgerError> {
    let (number, generation) =
        ledger.read(|tables| Ok((ledger_number(tables)?, generation(tables)?)))?;
    let path = folder.join(file_name(&number, generation));
    let unread = |source| {
        LedgerError::Restore(RestoreError::Mirror {
            path: path.clone(),
            source,
        })
    };
    let told = match regular::open(&path) {
        Ok(mut file) => tail(&mut file).map_err(unread)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let told = ledger.read(|tables| tables.fact(&told_fact(station, &path)))?;
            return Ok(match told {
                Some(_) => MirrorState::Gone,
                None => MirrorState::New,
            });
        }
        Err(error) => return Err(unread(error)),
    };
    let after = told.last.map_or(0, |(seq, _)| (seq - 1).max(0));
    let mut known = told.last.is_none();
    let mut behind = 0;
    ledger.scan(|tables| {
        tables.scan_events(Order::After(after), &mut |row| {
            if told.last.is_some_and(|(seq, _)| row.event.seq <= seq) {
                known = Some((row.event.seq, row.event.hash)) == told.last;
            } else {
                behind += 1;
            }
            Ok(())
        })
    })?;
    Ok(match known {
        true => MirrorState::Behind(behind),
        false => MirrorState::Ahead,
    })
}

/// How a mirror stands to its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorState {
    /// Nothing was told to it yet; the next call begins it.
    New,
    /// Its file was there and is gone: the line stops.
    Gone,
    /// It lacks so many of the last events; the next call tells them.
    Behind(u64),
    /// It has an event that the ledger lacks: an older copy of the ledger is in use.
    Ahead,
}

/// Reads the last line, and where half a line begins, which a cut left.
fn tail(file: &mut File) -> io::Result<Told> {
    let length = file.metadata()?.len();
    let mut reach = TAIL;
    loop {
        let start = length.saturating_sub(reach);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = end(&bytes).map_or(0, |end| end + 1);
        let lines = bytes.get(..whole.saturating_sub(1)).unwrap_or_default();
        let last = end(lines).map(|end| end + 1);
        // One event may be long: why something was done is free text.
        if last.is_none() && start > 0 {
            reach = reach.saturating_mul(4);
            continue;
        }
        // The first line says what the file is.
        let event = match last {
            Some(from) => {
                let event = told(lines.get(from..).unwrap_or_default());
                let changed = || io::Error::other("its last line was changed");
                Some(event.ok_or_else(changed)?)
            }
            None => None,
        };
        let keep = start + u64::try_from(whole).unwrap_or(0);
        return Ok(Told {
            empty: whole == 0,
            cut: (whole < bytes.len()).then_some(keep),
            last: event,
        });
    }
}

/// Reads which event a line tells.
fn told(line: &[u8]) -> Option<(i64, Digest)> {
    let line: Line = serde_json::from_slice(line).ok()?;
    Some((line.seq, line.event.parse().ok()?))
}

/// The end of a file.
struct Told {
    empty: bool,
    /// Where half a line begins, if there is one.
    cut: Option<u64>,
    /// The last event.
    last: Option<(i64, Digest)>,
}

fn file_name(ledger: &str, generation: u64) -> String {
    let digits: String = ledger.chars().take(16).collect();
    format!("{digits}-{generation}.jsonl")
}
