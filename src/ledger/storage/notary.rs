//! Marks: what each row of a ledger carries so that nobody without its key can write one.
//!
//! HMAC-SHA256 (RFC 2104) under a key that comes from the ledger's own seed. Hashes of events tell a
//! change to whoever kept a later one; marks tell it to whoever has the key. Nothing here knows tables.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::ledger::LedgerError;
use crate::ledger::TokenState;
use crate::ledger::storage::tables::{EventRow, Mark, PartRow, TokenRow};
use crate::unit::{Digest, Fingerprint, Serial};
use crate::vault::crypto::keyed;
use crate::vault::recipient::Recipient;
use crate::vault::seed::Seed;

/// Domain of the key that marks are made with.
const MARKS: &[u8] = b"eol-inject/marks/1\0";

/// Facts: which counters began. One that is missing later was removed.
pub const COUNTER: &str = "counter ";

/// Returns the fact that a counter of a product began.
pub fn counter_fact(product: &str, format: &str) -> String {
    format!("{COUNTER}{}", serde_json::json!((product, format)))
}

/// Marks the rows of one ledger, and knows its own marks again.
#[derive(Clone)]
pub struct Notary(Hmac<Sha256>);

/// A row, as it is marked.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// Facts are numbered without a gap, so that none goes unseen.
    Fact {
        number: i64,
        name: &'a str,
        value: &'a str,
    },
    /// The hash covers what is told, and all events of the station before.
    Event {
        station: &'a str,
        link: i64,
        unit: Option<i64>,
        hash: &'a Digest,
    },
    Counter {
        product: i64,
        format: &'a str,
        next: i64,
    },
    Scope {
        id: i64,
        product: (i64, &'a str),
        template: &'a str,
    },
    Import {
        id: i64,
        scope: i64,
        /// Its first token, and the last unit when it began.
        begins: (i64, i64),
        station: &'a str,
        pictures: i64,
    },
    Token {
        id: i64,
        fingerprint: &'a Fingerprint,
        state: TokenState,
        /// The serial that a list fixes it to, folded.
        folded: Option<&'a str>,
    },
    Part(&'a PartRow),
    PartSerial {
        part: i64,
        serial: &'a str,
        /// When it was cleared.
        cleared: Option<&'a str>,
    },
    Generation {
        number: i64,
    },
}

impl<'a> Row<'a> {
    /// Returns an event, as it is marked.
    pub fn event(row: &'a EventRow) -> Self {
        Self::Event {
            station: &row.event.station,
            link: row.link,
            unit: row.unit,
            hash: &row.event.hash,
        }
    }
}

impl Notary {
    /// Takes what marks the rows of the ledger with this number.
    pub fn of(seed: &Seed, ledger: &str) -> Result<Self, LedgerError> {
        let mut hmac = keyed(seed.derive(MARKS)?.as_ref())?;
        part(&mut hmac, ledger.as_bytes());
        Ok(Self(hmac))
    }

    /// Makes a row's mark.
    pub fn mark(&self, row: &Row<'_>) -> Mark {
        self.over(row).finalize().into_bytes().into()
    }

    /// Returns whether a mark is the row's.
    #[must_use]
    pub fn knows(&self, row: &Row<'_>, mark: &[u8]) -> bool {
        self.over(row).verify_slice(mark).is_ok()
    }

    /// Returns whether an event was marked by it.
    #[must_use]
    pub fn knows_event(&self, row: &EventRow) -> bool {
        row.mark
            .is_some_and(|mark| self.knows(&Row::event(row), &mark))
    }

    /// Makes the mark of a token in a state.
    pub fn mark_token(&self, token: &TokenRow, state: TokenState) -> Mark {
        let folded = token.fixed.as_ref().map(Serial::folded);
        self.mark(&token_row(token, state, folded.as_deref()))
    }

    /// Returns whether a token got its state by it.
    #[must_use]
    pub fn knows_token(&self, token: &TokenRow) -> bool {
        let folded = token.fixed.as_ref().map(Serial::folded);
        let row = token_row(token, token.state, folded.as_deref());
        token.mark.is_some_and(|mark| self.knows(&row, &mark))
    }

    fn over(&self, row: &Row<'_>) -> Hmac<Sha256> {
        let mut hmac = self.0.clone();
        let mut add = |bytes: &[u8]| part(&mut hmac, bytes);
        match row {
            Row::Fact {
                number,
                name,
                value,
            } => {
                add(b"fact");
                add(&number.to_be_bytes());
                add(name.as_bytes());
                add(value.as_bytes());
            }
            Row::Event {
                station,
                link,
                unit,
                hash,
            } => {
                add(b"event");
                add(station.as_bytes());
                add(&link.to_be_bytes());
                match unit {
                    Some(unit) => add(&unit.to_be_bytes()),
                    None => add(b""),
                }
                add(hash.as_bytes());
            }
            Row::Counter {
                product,
                format,
                next,
            } => {
                add(b"counter");
                add(&product.to_be_bytes());
                add(format.as_bytes());
                add(&next.to_be_bytes());
            }
            Row::Scope {
                id,
                product: (product, name),
                template,
            } => {
                add(b"scope");
                add(&id.to_be_bytes());
                add(&product.to_be_bytes());
                add(name.as_bytes());
                add(template.as_bytes());
            }
            Row::Import {
                id,
                scope,
                begins,
                station,
                pictures,
            } => {
                add(b"import");
                add(&id.to_be_bytes());
                add(&scope.to_be_bytes());
                add(&begins.0.to_be_bytes());
                add(&begins.1.to_be_bytes());
                add(station.as_bytes());
                add(&pictures.to_be_bytes());
            }
            Row::Token {
                id,
                fingerprint,
                state,
                folded,
            } => {
                add(b"token");
                add(&id.to_be_bytes());
                add(fingerprint.as_bytes());
                add(<&str>::from(state).as_bytes());
                add(folded.unwrap_or_default().as_bytes());
            }
            Row::Part(row) => over_part(row, &mut add),
            Row::PartSerial {
                part,
                serial,
                cleared,
            } => {
                add(b"part serial");
                add(&part.to_be_bytes());
                add(serial.as_bytes());
                add(cleared.unwrap_or_default().as_bytes());
            }
            Row::Generation { number } => {
                add(b"generation");
                add(&number.to_be_bytes());
            }
        }
        hmac
    }
}

/// Says all of a part.
fn over_part(row: &PartRow, add: &mut dyn FnMut(&[u8])) {
    let part = &row.part;
    add(b"part");
    add(&part.number.to_be_bytes());
    add(part.id.as_bytes());
    add(part.station.as_bytes());
    let to = part.to.as_ref().map(Recipient::to_hex);
    add(to.unwrap_or_default().as_bytes());
    add(part.tokens.to_string().as_bytes());
    add(row.run.as_bytes());
    match &part.numbers {
        Some((format, first, end)) => {
            add(format.as_bytes());
            add(&first.to_be_bytes());
            add(&end.to_be_bytes());
        }
        None => add(b""),
    }
    add(&[u8::from(part.listed), u8::from(part.open)]);
    add(<&str>::from(part.state).as_bytes());
    add(part.at.as_bytes());
    add(part.since.as_bytes());
    for (station, link, hash) in row.heads.iter().flatten() {
        add(station.as_bytes());
        add(&link.to_be_bytes());
        add(hash.as_bytes());
    }
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notary(<secret>)")
    }
}

const fn token_row<'a>(token: &'a TokenRow, state: TokenState, folded: Option<&'a str>) -> Row<'a> {
    Row::Token {
        id: token.id,
        fingerprint: &token.fingerprint,
        state,
        folded,
    }
}

/// Adds a part behind its length, so that no two lists of parts look alike.
fn part(hmac: &mut Hmac<Sha256>, bytes: &[u8]) {
    // No text is longer than 2^64 bytes.
    hmac.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hmac.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_row_of_one_ledger() {
        let seed = Seed::make().unwrap();
        let notary = Notary::of(&seed, "a").unwrap();
        let fact = |number, name, value| Row::Fact {
            number,
            name,
            value,
        };
        let row = fact(1, "simulated", "real");
        let mark = notary.mark(&row);
        assert!(notary.knows(&row, &mark));
        for other in [
            fact(2, "simulated", "real"),
            fact(1, "simulated", "simulated"),
            fact(1, "simulatedreal", ""),
            Row::Counter {
                product: 1,
                format: "simulated",
                next: 1,
            },
        ] {
            assert!(!notary.knows(&other, &mark), "{other:?}");
        }
        assert!(!Notary::of(&seed, "b").unwrap().knows(&row, &mark));
        let stranger = Notary::of(&Seed::make().unwrap(), "a").unwrap();
        assert!(!stranger.knows(&row, &mark));
        assert!(!notary.knows(&row, &mark[..31]));
    }
}
