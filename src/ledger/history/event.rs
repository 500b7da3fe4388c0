//! Events: what they say, and the chain that ties each to the one before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ledger::storage::tables::{EventRow, Frame, Head, Tables, UnitRow};
use crate::ledger::{Actor, Event, LedgerError};
use crate::unit::{Digest, QrToken};

/// Domain of an event's hash.
const EVENT: &[u8] = b"eol-inject/event/1\0";
/// Domain of what stands before a station's first event.
const CHAIN: &[u8] = b"eol-inject/chain/1\0";
/// Domain of a QR Token's digest.
const QR: &[u8] = b"eol-inject/qr/1\0";

/// What happened.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr, strum::EnumString,
)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// A token list was taken in.
    Imported,
    /// A later list told more of known tokens.
    Completed,
    /// Known free tokens are claimed, says a later list.
    Gone,
    /// A board shows a token that no unit has: it is spent.
    Met,
    /// A unit was claimed.
    Reserved,
    /// Its file was written.
    Prepared,
    /// Its board was read back.
    Delivered,
    /// A delivery failed.
    Failed,
    /// The right label was read.
    Labelled,
    /// A label was made again.
    Reprinted,
    /// The claim was taken back.
    Released,
    /// The token was burnt.
    Voided,
    /// Secrets left the ledger.
    Revealed,
    /// Tokens went to a part of the ledger.
    Split,
    /// The part's file is whole and leaves.
    Handed,
    /// In a part: it goes back, and gives no token out any more.
    Returned,
    /// A part came back: what was not used is here again.
    Merged,
    /// A unit came back with a part.
    Joined,
    /// A part is lost: its tokens are burnt.
    Burnt,
    /// The ledger stands in the place of a lost one.
    Begun,
    /// A backup was made.
    Saved,
    /// The ledger was restored from a backup: what that called free or reserved is set aside.
    Restored,
    /// What was set aside is used again.
    Cleared,
    /// The ledger was made anew from its mirror and a token list.
    Rebuilt,
    /// All secrets are sealed with another key.
    Rotated,
    /// A unit's record ended, to be worked on once more.
    Reworked,
    /// A unit's record began in the place of one that was reworked.
    Renewed,
    /// A unit that existed already was taken in.
    Adopted,
    /// A witness outside says that a prepared unit's board carries its image.
    Attested,
}

macro_rules! body {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// What an event says. No field holds a secret.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Body {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    };
}

body! {
    serial: String,
    product: String,
    template: String,
    fingerprint: String,
    state: String,
    epoch: i64,
    run: String,
    target: String,
    uid: String,
    image: String,
    recipe: String,
    digest: String,
    durable: bool,
    simulated: bool,
    name: String,
    message: String,
    touched: bool,
    /// Whether the board was changed under an attempt, so that no number is the unit's.
    swapped: bool,
    import: i64,
    origin: String,
    added: usize,
    known: usize,
    gone: usize,
    rows: String,
    fingerprints: Vec<String>,
    /// The digests of QR Tokens that the fingerprints' tokens lacked before, in their order; empty
    /// for one that had it.
    codes: Vec<String>,
    /// The number of a part.
    part: i64,
    /// What tells parts apart, whatever ledger they are of.
    part_id: String,
    /// The station that a part is for, or where a unit was made.
    partner: String,
    /// The public key of the station that a part is for.
    to: String,
    /// How many tokens or units.
    count: usize,
    /// The serials that go with the fingerprints, in their order.
    serials: Vec<String>,
    /// The numbers that a part has: format, first, and the one after the last.
    numbers: (String, u64, u64),
    /// Whether the last attempt on a unit has no outcome.
    pending: bool,
    /// When the right label was read.
    label: String,
    /// The hash of an event in another chain.
    was: String,
    /// Heads of chains: station, place, hash.
    heads: Vec<(String, i64, String)>,
    /// How a unit was reworked.
    mode: String,
    /// The serial that a unit got instead of its own.
    successor: String,
    /// The serial that a unit had before.
    predecessor: String,
    /// What says that a board carries the image.
    witness: String,
    /// Whether a list named tokens that are on devices already.
    used: bool,
    by: String,
    reason: String,
    /// The program that wrote it.
    version: String,
}

impl Body {
    /// Says which unit, in which state, under which claim.
    pub fn of(unit: &UnitRow) -> Self {
        Self {
            serial: Some(unit.serial.to_string()),
            fingerprint: Some(unit.fingerprint.to_hex()),
            state: Some(unit.state.to_string()),
            epoch: Some(unit.attempt),
            ..Self::default()
        }
    }

    /// Adds who did it and why.
    pub fn by(self, actor: &Actor) -> Self {
        Self {
            by: actor.by.clone(),
            reason: actor.reason.clone(),
            ..self
        }
    }

    /// Reads what an event says.
    pub fn read(event: &Event) -> Result<Self, LedgerError> {
        serde_json::from_str(&event.body)
            .map_err(|error| LedgerError::damaged(format!("event {}: {error}", event.seq)))
    }
}

impl Head {
    /// Returns what stands before the first event of a station.
    pub fn start(ledger: &str, station: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(CHAIN);
        part(&mut hash, ledger.as_bytes());
        part(&mut hash, station.as_bytes());
        Self {
            link: 0,
            hash: Digest::from_bytes(hash.finalize().into()),
        }
    }

    /// Returns the head after an event.
    pub fn next(&self, at: &str, kind: &str, body: &str) -> Self {
        let link = self.link.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update(EVENT);
        hash.update(self.hash.as_bytes());
        hash.update(link.to_be_bytes());
        for text in [at, kind, body] {
            part(&mut hash, text.as_bytes());
        }
        Self {
            link,
            hash: Digest::from_bytes(hash.finalize().into()),
        }
    }
}

/// Hashes a part behind its length, so that no two lists of parts look alike.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    // No text is longer than 2^64 bytes.
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

/// Returns what stands for a QR Token in the clear: with or without organisation the same.
pub fn qr_print(qr: &QrToken) -> Digest {
    let mut hash = Sha256::new();
    hash.update(QR);
    hash.update(qr.token().as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// When and as what an event was written.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub at: String,
    pub hash: Digest,
}

/// Appends an event to a station's chain.
pub fn append(
    tables: &mut dyn Tables,
    station: &str,
    (kind, unit): (Kind, Option<i64>),
    body: Body,
) -> Result<Stamp, LedgerError> {
    let body = Body {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..body
    };
    let body = serde_json::to_string(&body).map_err(LedgerError::storage)?;
    let at = format!("{:.3}", jiff::Timestamp::now());
    let head = tables.head(station)?.next(&at, kind.into(), &body);
    let event = Event {
        seq: 0,
        at: at.clone(),
        station: station.to_owned(),
        kind: kind.to_string(),
        body,
        hash: head.hash,
    };
    tables.add_event(&EventRow {
        event,
        unit,
        link: head.link,
        mark: None,
    })?;
    Ok(Stamp {
        at,
        hash: head.hash,
    })
}

/// Appends an event about a unit and notes it in the unit.
pub fn append_unit(
    tables: &mut dyn Tables,
    station: &str,
    kind: Kind,
    (unit, body): (&mut UnitRow, Body),
) -> Result<(), LedgerError> {
    let stamp = append(tables, station, (kind, Some(unit.id)), body)?;
    unit.at = stamp.at;
    unit.event = stamp.hash;
    Ok(())
}

/// Returns all that a unit's row says, for an event that begins its history here.
pub fn whole(unit: &UnitRow) -> Body {
    Body {
        run: Some(unit.run.clone()),
        target: Some(unit.target.to_string()),
        uid: unit.uid.clone(),
        image: Some(unit.image.to_string()),
        recipe: Some(unit.recipe.to_string()),
        digest: unit.digest.map(|digest| digest.to_string()),
        durable: Some(unit.durable),
        pending: Some(unit.pending),
        touched: Some(unit.touched),
        label: unit.labelled_at.clone(),
        ..Body::of(unit)
    }
}

/// Returns what a claim's event says.
pub fn claimed(frame: &Frame, unit: &UnitRow) -> Body {
    Body {
        product: Some(frame.scope.product.clone()),
        template: frame.scope.template.clone(),
        run: Some(unit.run.clone()),
        target: Some(unit.target.to_string()),
        uid: unit.uid.clone(),
        image: Some(unit.image.to_string()),
        recipe: Some(unit.recipe.to_string()),
        simulated: Some(frame.identity.simulated == crate::ledger::Simulated::Yes),
        ..Body::of(unit)
    }
}

/// Returns what the event says that begins a unit without a claim.
pub fn begun(frame: &Frame, unit: &UnitRow) -> Body {
    Body {
        digest: unit.digest.map(|digest| digest.to_string()),
        durable: Some(unit.durable),
        touched: Some(unit.touched),
        label: unit.labelled_at.clone(),
        ..claimed(frame, unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tied_to_its_place_and_to_every_word() {
        let start = Head::start("a", "L1");
        let one = start.next("t", "k", "b");
        assert_ne!(one, start.next("t", "kb", ""));
        assert_ne!(one.hash, one.next("t", "k", "b").hash);
        assert_ne!(one, Head::start("a", "L2").next("t", "k", "b"));
        assert_eq!(one, Head::start("a", "L1").next("t", "k", "b"));
    }

    #[test]
    fn a_body_reads_back_and_leaves_out_what_is_not_known() {
        let body = Body {
            serial: Some("GW1".to_owned()),
            ..Body::default()
        };
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(text, r#"{"serial":"GW1"}"#);
    }
}
