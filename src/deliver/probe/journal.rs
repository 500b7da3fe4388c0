//! What an erase would lose, kept on the host until the board has it again.
//!
//! A sector that holds a slot may hold bytes that the shared image does not store. They are made
//! durable here before the sector is erased, readable by their owner only. Nothing here talks to
//! a board.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ProbeError;
use crate::atomic_file::{self, Readers, Sync};
use crate::image::{Address, Edits, Span};
use crate::unit::Digest;

/// The journals of a station, one file for each board in hand.
#[derive(Debug, Clone)]
pub struct Journals {
    folder: PathBuf,
}

/// An interrupted delivery.
#[derive(Debug)]
pub struct Interrupted {
    /// The sectors that may have been erased.
    pub sectors: Vec<Span>,
    /// What they held beside the shared image's bytes.
    pub kept: Edits,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    image: String,
    sectors: Vec<(u64, u64)>,
    kept: Vec<(u64, String)>,
}

const FORMAT: u32 = 1;

impl Journals {
    /// Uses `folder`, which is made when it is needed.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the file of the board with this number.
    fn file(&self, uid: &str) -> PathBuf {
        self.folder.join(format!("{uid}.journal"))
    }

    /// Makes durable what the erase of `sectors` would lose.
    pub fn write(
        &self,
        uid: &str,
        image: Digest,
        (sectors, kept): (&[Span], &Edits),
    ) -> Result<(), ProbeError> {
        let stored = Stored {
            format: FORMAT,
            image: image.to_string(),
            sectors: sectors
                .iter()
                .map(|span| (span.start().get(), span.len()))
                .collect(),
            kept: kept
                .iter()
                .map(|(start, bytes)| (start.get(), hex(bytes)))
                .collect(),
        };
        let file = self.file(uid);
        let write = || {
            let text = Zeroizing::new(serde_json::to_vec(&stored)?);
            atomic_file::make_folder(&self.folder)?;
            atomic_file::write(&file, uid, &text, (Readers::Owner, Sync::Durable))
        };
        write().map_err(failed(&file))
    }

    /// Returns what an interrupted delivery to this board left, if one was interrupted.
    pub fn read(&self, uid: &str, image: Digest) -> Result<Option<Interrupted>, ProbeError> {
        let file = self.file(uid);
        let text = match fs::read(&file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(&file)(source)),
        };
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|error| failed(&file)(error.into()))?;
        if stored.format != FORMAT {
            let what = format!("format {} is not known", stored.format);
            return Err(failed(&file)(io::Error::other(what)));
        }
        if stored.image != image.to_string() {
            return Err(ProbeError::OtherJournal { file });
        }
        let damaged = || failed(&file)(io::Error::other("it is damaged"));
        let mut kept = Edits::new();
        for (start, text) in &stored.kept {
            let bytes = Zeroizing::new(unhex(text).ok_or_else(damaged)?);
            kept.put(Address::new(*start), &bytes);
        }
        let sectors: Option<Vec<Span>> = stored
            .sectors
            .iter()
            .map(|(start, len)| Span::new(Address::new(*start), *len))
            .collect();
        let sectors = sectors.ok_or_else(damaged)?;
        Ok(Some(Interrupted { sectors, kept }))
    }

    /// Forgets the journal of a board that has everything again.
    pub fn remove(&self, uid: &str) -> Result<(), ProbeError> {
        let file = self.file(uid);
        match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed
                .and_then(|()| atomic_file::sync_folder(&self.folder))
                .map_err(failed(&file)),
        }
    }
}

fn failed(file: &Path) -> impl FnOnce(io::Error) -> ProbeError {
    let file = file.to_owned();
    move |source| ProbeError::Journal { file, source }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xF] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
