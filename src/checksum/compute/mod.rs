//! From bytes to a value: CRCs, sums, digests and signatures. It knows neither images nor recipes' places.

mod catalogue;
pub(super) mod crc;
pub(super) mod digest;
pub(super) mod key;
pub(super) mod sign;
pub(super) mod sum;

#[cfg(test)]
pub(super) use catalogue::CATALOGUE;
