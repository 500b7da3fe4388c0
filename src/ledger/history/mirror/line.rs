//! The lines of a mirror.

use serde::{Deserialize, Serialize};

use crate::ledger::Event;
use crate::ledger::storage::tables::EventRow;
use crate::unit::Digest;

/// What the first line says the file is.
const KIND: &str = "mirror";

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    v: u32,
    kind: String,
    pub ledger: String,
    pub generation: u64,
}

impl Header {
    pub fn new(ledger: String, generation: u64) -> Self {
        Self {
            v: 1,
            kind: KIND.to_owned(),
            ledger,
            generation,
        }
    }

    /// Returns whether a file that begins so is a mirror.
    pub fn is_mirror(&self) -> bool {
        self.kind == KIND
    }
}

/// One event. `body` is text: its bytes are what the hash covers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    v: u32,
    pub seq: i64,
    station: String,
    link: i64,
    at: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<i64>,
    body: String,
    pub event: String,
}

impl Line {
    pub fn of(row: &EventRow) -> Self {
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

    pub fn row(self) -> Option<EventRow> {
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
            mark: None,
        })
    }
}
