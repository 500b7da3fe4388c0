//! Marks: what each row of a ledger carries so that nobody without its key can write one.
//!
//! HMAC-SHA256 (RFC 2104) under a key that comes from the ledger's own seed. Hashes of events tell a
//! change to whoever kept a later one; marks tell it to whoever has the key. Nothing here knows tables.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::rows::Mark;
use super::sql::Value;
use crate::ledger::LedgerError;
use crate::vault::crypto::keyed;
use crate::vault::seed::Seed;

/// Domain of the key that marks are made with.
const MARKS: &[u8] = b"eol-inject/marks/1\0";
/// Stands in place of a length for nothing at all: no value is that long.
const NULL: u64 = u64::MAX;

/// Marks the rows of one ledger, and knows its own marks again.
#[derive(Clone)]
pub struct Notary(Hmac<Sha256>);

impl Notary {
    /// Takes what marks the rows of the ledger with this number.
    pub fn of(seed: &Seed, ledger: &str) -> Result<Self, LedgerError> {
        let mut hmac = keyed(seed.derive(MARKS)?.as_ref())?;
        part(&mut hmac, ledger.as_bytes());
        Ok(Self(hmac))
    }

    /// Makes the mark of a row of a kind.
    pub fn mark(&self, kind: &str, row: &[Value<'_>]) -> Mark {
        self.over(kind, row).finalize().into_bytes().into()
    }

    /// Returns whether a mark is the row's.
    #[must_use]
    pub fn knows(&self, kind: &str, row: &[Value<'_>], mark: &[u8]) -> bool {
        self.over(kind, row).verify_slice(mark).is_ok()
    }

    fn over(&self, kind: &str, row: &[Value<'_>]) -> Hmac<Sha256> {
        let mut hmac = self.0.clone();
        part(&mut hmac, kind.as_bytes());
        for value in row {
            // A flag or a short number is read back as a number like any other.
            match value {
                Value::Int(value) => part(&mut hmac, &value.to_be_bytes()),
                Value::Small(value) => part(&mut hmac, &i64::from(*value).to_be_bytes()),
                Value::Flag(value) => part(&mut hmac, &i64::from(*value).to_be_bytes()),
                Value::Text(value) => part(&mut hmac, value.as_bytes()),
                Value::Bytes(value) => part(&mut hmac, value),
                Value::Null | Value::Many(_) => hmac.update(&NULL.to_be_bytes()),
            }
        }
        hmac
    }
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notary(<secret>)")
    }
}

/// Adds a part behind its length, so that no two lists of parts look alike.
fn part(hmac: &mut Hmac<Sha256>, bytes: &[u8]) {
    // No text is longer than 2^64 bytes.
    hmac.update(&u64::try_from(bytes.len()).unwrap_or(NULL).to_be_bytes());
    hmac.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::sql::values;
    use super::*;

    #[test]
    fn a_mark_is_of_one_row_of_one_ledger() {
        let seed = Seed::make().unwrap();
        let notary = Notary::of(&seed, "a").unwrap();
        let row = values![1_i64, "simulated", "real"];
        let mark = notary.mark("fact", row);
        assert!(notary.knows("fact", row, &mark));
        let others: [&[Value<'_>]; 4] = [
            values![2_i64, "simulated", "real"],
            values![1_i64, "simulated", "simulated"],
            values![1_i64, "simulatedreal", ""],
            values![1_i64, "simulatedreal", Value::Null],
        ];
        for other in others {
            assert!(!notary.knows("fact", other, &mark), "{other:?}");
        }
        assert!(!notary.knows("counter", row, &mark));
        assert!(!Notary::of(&seed, "b").unwrap().knows("fact", row, &mark));
        let stranger = Notary::of(&Seed::make().unwrap(), "a").unwrap();
        assert!(!stranger.knows("fact", row, &mark));
        assert!(!notary.knows("fact", row, &mark[..31]));
    }
}
