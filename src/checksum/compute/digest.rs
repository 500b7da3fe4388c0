//! Cryptographic digests, used as checksums.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::crc::Source;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// MD5 (RFC 1321).
    Md5,
}

/// A digest of what came so far; a copy goes on from there.
#[derive(Debug, Clone)]
pub(crate) enum Running {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
    Sha1(Sha1),
    Md5(Md5),
}

impl Running {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
            Self::Md5(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha384(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Md5(hash) => hash.finalize().to_vec(),
        }
    }
}

impl Hash {
    /// Returns the length of the result in bytes.
    pub(crate) const fn len(self) -> u8 {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
            Self::Md5 => 16,
        }
    }

    /// Computes the digest of all that `source` gives.
    pub(crate) fn value<E>(self, source: Source<'_, E>) -> Result<Vec<u8>, E> {
        let mut running = self.start();
        source(&mut |bytes| running.update(bytes))?;
        Ok(running.finish())
    }

    /// Starts a digest.
    pub(crate) fn start(self) -> Running {
        match self {
            Self::Sha256 => Running::Sha256(Sha256::new()),
            Self::Sha384 => Running::Sha384(Sha384::new()),
            Self::Sha512 => Running::Sha512(Sha512::new()),
            Self::Sha1 => Running::Sha1(Sha1::new()),
            Self::Md5 => Running::Md5(Md5::new()),
        }
    }

    /// Computes the digest of `bytes`.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut running = self.start();
        running.update(bytes);
        running.finish()
    }

    /// Returns its usual name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::hex;

    fn value(hash: Hash) -> String {
        let source: Source<'_, ()> = &mut |take| {
            take(b"12345");
            take(b"6789");
            Ok(())
        };
        hex(&hash.value(source).unwrap())
    }

    #[test]
    fn digests_give_their_check_values() {
        // printf 123456789 | sha256sum; the same by md5sum and sha1sum
        assert_eq!(
            value(Hash::Sha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(value(Hash::Md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(
            value(Hash::Sha1),
            "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
        );
    }
}
