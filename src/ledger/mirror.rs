//! The mirror: what happened, told again on another disk after each commit.
//!
//! One file for a ledger and each of its generations, append-only, one event a line, without
//! secrets. Nothing that a caller acts upon is missing in it: a call returns after its events are
//! synced here. What a cut left untold is told by the next call. Rules are not in here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::book::{generation, ledger_number};
use super::files::{create, create_folder, sync_folder};
use super::tables::{Each, EventRow, Frame, Order, Store, Tables};
use super::{Event, LedgerError};
use crate::unit::Digest;

/// What the first line says the file is.
const KIND: &str = "mirror";
/// Most bytes at the end of the file that are read to find its last line.
const TAIL: u64 = 1 << 16;
/// How much is written at once.
const CHUNK: usize = 1 << 20;
/// How many events before the last one are looked at again: where a server hands out sequence
/// numbers before commits, a lower one may come later.
const WINDOW: i64 = 64;

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    v: u32,
    kind: String,
    ledger: String,
    generation: u64,
}

/// One event. `body` is text: its bytes are what the hash covers.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    v: u32,
    seq: i64,
    station: String,
    link: i64,
    at: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<i64>,
    body: String,
    event: String,
}

impl Line {
    fn of(row: &EventRow) -> Self {
        Self {
            v: 1,
            seq: row.event.seq,
            station: row.event.station.clone(),
            link: row.link,
            at: row.event.at.clone(),
            kind: row.event.kind.clone(),
            unit: row.unit,
            body: row.event.body.clone(),
            event: row.event.hash.to_string(),
        }
    }

    fn row(self) -> Option<EventRow> {
        let hash: Digest = self.event.parse().ok()?;
        Some(EventRow {
            event: Event {
                seq: self.seq,
                at: self.at,
                station: self.station,
                kind: self.kind,
                body: self.body,
                hash,
            },
            unit: self.unit,
            link: self.link,
        })
    }
}

/// A ledger that tells its mirror.
#[derive(Debug)]
pub struct Mirrored<S> {
    store: S,
    folder: PathBuf,
    path: PathBuf,
    header: String,
}

impl<S: Store> Mirrored<S> {
    /// Ties a ledger to the mirror in `folder`, and tells what is not told yet.
    ///
    /// # Errors
    /// [`LedgerError::Mirror`] when it cannot be written, [`LedgerError::MirrorAhead`] when it
    /// knows more than the ledger.
    pub fn new(store: S, folder: &Path) -> Result<Self, LedgerError> {
        let (ledger, generation) =
            store.read(|tables| Ok((ledger_number(tables)?, generation(tables)?)))?;
        let path = folder.join(file_name(&ledger, generation));
        let header = Header {
            v: 1,
            kind: KIND.to_owned(),
            ledger,
            generation,
        };
        let header = serde_json::to_string(&header).map_err(|error| LedgerError::Storage {
            source: error.into(),
        })?;
        let this = Self {
            store,
            folder: folder.to_owned(),
            path,
            header,
        };
        this.ready()?;
        this.follow()?;
        Ok(this)
    }

    /// Refuses to change anything while the mirror cannot be written.
    fn ready(&self) -> Result<(), LedgerError> {
        create_folder(&self.folder).map_err(|source| LedgerError::Mirror {
            path: self.folder.clone(),
            source,
        })?;
        self.open()
            .map(drop)
            .map_err(|source| self.unwritable(source))
    }

    fn unwritable(&self, source: io::Error) -> LedgerError {
        LedgerError::Mirror {
            path: self.path.clone(),
            source,
        }
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match create(&self.path) {
                    Ok(_) => sync_folder(&self.path)?,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
                options.open(&self.path)
            }
            other => other,
        }
    }

    /// Tells the mirror all that it does not have yet; durable when it returns.
    fn follow(&self) -> Result<(), LedgerError> {
        let failed = |source| self.unwritable(source);
        let mut file = self.open().map_err(failed)?;
        // Others of this computer tell the same file; closing it lets go.
        file.lock().map_err(failed)?;
        let told = self.tail(&mut file).map_err(failed)?;
        let mut text = String::new();
        if told.empty {
            text.push_str(&self.header);
            text.push('\n');
        }
        let last = told.seqs.last().copied();
        let mut known = last.is_none();
        let mut wrote = false;
        let after = last.map_or(0, |(seq, _)| (seq - WINDOW).max(0));
        self.store.scan(|tables| {
            tables.scan_events(Order::After(after), &mut |row| {
                if Some((row.event.seq, row.event.hash)) == last {
                    known = true;
                }
                let floor = told.seqs.first().map_or(0, |(seq, _)| *seq);
                let new = row.event.seq > floor || last.is_none();
                if new && !told.seqs.iter().any(|(seq, _)| *seq == row.event.seq) {
                    let line = serde_json::to_string(&Line::of(&row));
                    text.push_str(&line.map_err(|error| LedgerError::Storage {
                        source: error.into(),
                    })?);
                    text.push('\n');
                }
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
            return Err(LedgerError::MirrorAhead {
                path: self.path.clone(),
                seq,
            });
        }
        if text.is_empty() && !wrote {
            return Ok(());
        }
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(failed)
    }

    /// Reads the last lines; half a line, which a cut left, is taken away.
    fn tail(&self, file: &mut File) -> io::Result<Told> {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let keep = start + u64::try_from(whole).unwrap_or(0);
            file.set_len(keep)?;
            bytes.truncate(whole);
        }
        let lines = bytes.split(|byte| *byte == b'\n');
        // Where reading began in the middle of a line, that one does not parse.
        let mut seqs: Vec<(i64, Digest)> = lines
            .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
            .filter_map(|line| Some((line.seq, line.event.parse().ok()?)))
            .collect();
        seqs.sort_by_key(|(seq, _)| *seq);
        let from = seqs
            .len()
            .saturating_sub(usize::try_from(WINDOW).unwrap_or(0));
        Ok(Told {
            empty: start == 0 && bytes.is_empty(),
            seqs: seqs.split_off(from),
        })
    }
}

/// The end of a file.
struct Told {
    empty: bool,
    /// The last events, in order.
    seqs: Vec<(i64, Digest)>,
}

impl<S: Store> Store for Mirrored<S> {
    fn frame(&self) -> &Arc<Frame> {
        self.store.frame()
    }

    fn write<T>(
        &mut self,
        work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.ready()?;
        let answer = self.store.write(work)?;
        self.follow()?;
        Ok(answer)
    }

    fn stage<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.store.stage(work)
    }

    fn read<T>(
        &self,
        work: impl FnMut(&dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.store.read(work)
    }

    fn scan<T>(
        &self,
        work: impl FnOnce(&dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.store.scan(work)
    }
}

fn file_name(ledger: &str, generation: u64) -> String {
    let digits: String = ledger.chars().take(16).collect();
    format!("{digits}-{generation}.jsonl")
}

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
    /// [`LedgerError::MirrorAbsent`], [`LedgerError::MirrorOther`] when there are several,
    /// [`LedgerError::MirrorDamaged`], [`LedgerError::File`]
    pub fn find(folder: &Path, ledger: Option<&str>) -> Result<Self, LedgerError> {
        let failed = super::files::about;
        let absent = || LedgerError::MirrorAbsent {
            path: folder.to_owned(),
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(absent()),
            Err(error) => return Err(failed(folder)(error)),
        };
        let mut found: Vec<Self> = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed(folder))?.path();
            if path.extension().is_some_and(|end| end == "jsonl")
                && let Some(header) = header(&path).map_err(failed(&path))?
                && ledger.is_none_or(|digits| header.ledger.starts_with(digits))
            {
                found.push(Self { path, header });
            }
        }
        found.sort_by_key(|history| history.header.generation);
        let newest = found.pop().ok_or_else(absent)?;
        match found
            .iter()
            .find(|other| other.header.ledger != newest.header.ledger)
        {
            Some(other) => Err(LedgerError::MirrorOther {
                path: other.path.clone(),
                has: newest.header.ledger.chars().take(12).collect(),
            }),
            None => Ok(newest),
        }
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

    pub(super) fn damaged(&self, what: String) -> LedgerError {
        LedgerError::MirrorDamaged {
            path: self.path.clone(),
            what,
        }
    }

    /// Reads all events in their order.
    pub(super) fn each(&self, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
        let failed = super::files::about;
        let file = File::open(&self.path).map_err(failed(&self.path))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        for number in 1.. {
            line.clear();
            let length = reader.read_line(&mut line).map_err(failed(&self.path))?;
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

/// Reads the first line of a file; `None` when it is no mirror.
fn header(path: &Path) -> io::Result<Option<Header>> {
    let mut line = String::new();
    match BufReader::new(File::open(path)?)
        .take(4096)
        .read_line(&mut line)
    {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        Err(error) => return Err(error),
    }
    let header: Option<Header> = serde_json::from_str(&line).ok();
    Ok(header.filter(|header| header.kind == KIND))
}
