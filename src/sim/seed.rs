//! Repeatable chance and a stable hash: the same board and fault always end the same way.
//!
//! Neither is cryptographic, and nothing secret may depend on them.

/// A pseudo-random sequence (xorshift64*, Marsaglia 2003 and Vigna 2014).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Starts a sequence; any seed will do.
    pub fn new(seed: u64) -> Chance {
        Chance(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// Returns 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns 8 bits.
    pub fn byte(&mut self) -> u8 {
        (self.next() >> 56 & 0xff) as u8
    }
}

/// FNV-1a, 64 bits: spreads a name over a UID and finds accidental damage in a state file.
#[derive(Debug, Clone)]
pub(crate) struct Hash(u64);

impl Hash {
    /// Starts with the offset basis of FNV-1a.
    pub fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes.
    pub fn add(mut self, bytes: &[u8]) -> Hash {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// Returns the hash so far.
    pub fn value(&self) -> u64 {
        self.0
    }
}
