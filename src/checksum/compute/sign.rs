//! Signatures that are made again with a given key.
//!
//! A unit's image is a function of Master and token alone, so every signature here is too:
//! Ed25519 (RFC 8032) is by itself, ECDSA takes its nonce from key and digest (RFC 6979), and
//! RSA-PSS (RFC 8017) takes salt and blinding from a generator that key and digest seed.
//! A new signature has the length of the old one. A DER-encoded ECDSA signature has 70 to 72
//! bytes as its numbers fall, so nonces are drawn, each with a counter as additional input
//! (RFC 6979, section 3.6), until the length is right: two to four on average.

use std::convert::Infallible;
use std::sync::Arc;

use p256::ecdsa;
use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner as _;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::crc::Source;
use super::digest::Hash;
use super::key::{Key, KeyKind, Private, Public};
use crate::image::Span;

/// Most nonces that are drawn for one signature: far more than the shortest length takes.
const MOST_NONCES: u32 = 100_000;
/// Bytes of a DER sequence's tag and length.
const DER_HEAD: usize = 2;

/// What is signed, with which kind of key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) kind: KeyKind,
    pub(crate) message: Message,
    pub(crate) named: Option<Named>,
}

/// What goes into the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// The digest of the covered bytes.
    Digest(Hash),
    /// The covered bytes themselves.
    Whole,
}

/// The public key that an image says it is signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Where it says so.
    pub(crate) at: Span,
    /// The digest that names it; none where the key itself stands there.
    pub(crate) hash: Option<Hash>,
}

impl Named {
    /// Returns what the image would store for `key`.
    pub(crate) fn of(&self, key: &Key) -> Option<Vec<u8>> {
        let key = key.embedded()?;
        match self.hash {
            None => Some(key),
            Some(hash) => Some(hash.of(&key)),
        }
    }
}

/// Makes and checks one signature of an image.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) scheme: Scheme,
    pub(crate) key: Arc<Key>,
    /// Bytes of the field.
    pub(crate) len: usize,
    /// Whether the field holds zeros behind a shorter signature.
    pub(crate) padded: bool,
}

impl Signature {
    /// Signs what `source` gives; none without the private key, or where the key cannot.
    pub(crate) fn make<E>(&self, source: Source<'_, E>) -> Result<Option<Vec<u8>>, E> {
        let message = self.message(source)?;
        Ok(self.sign(&message))
    }

    /// Returns whether `stored` is a signature of what `source` gives.
    pub(crate) fn verifies<E>(&self, source: Source<'_, E>, stored: &[u8]) -> Result<bool, E> {
        let message = self.message(source)?;
        Ok(self.verify(&message, stored))
    }

    /// Returns whether the private key is here.
    pub(crate) fn signs(&self) -> bool {
        self.key.private.is_some()
    }

    fn message<E>(&self, source: Source<'_, E>) -> Result<Zeroizing<Vec<u8>>, E> {
        match self.scheme.message {
            Message::Digest(hash) => hash.value(source).map(Zeroizing::new),
            Message::Whole => {
                let mut all = Zeroizing::new(Vec::new());
                source(&mut |bytes| all.extend_from_slice(bytes))?;
                Ok(all)
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self.key.private.as_ref()? {
            Private::Ed25519(key) => Some(key.sign(message).to_bytes().to_vec()),
            Private::P256(key) => self.sign_der(key, message),
            Private::Rsa(key, seed) => {
                let mut drawn = Drawn::new(seed.as_slice(), message);
                key.pss_sign_prehash_with_rng::<Sha256, _>(&mut drawn, message)
                    .ok()
            }
        }
    }

    /// Draws nonces until the signature has the field's length.
    fn sign_der(&self, key: &ecdsa::SigningKey, digest: &[u8]) -> Option<Vec<u8>> {
        for counter in 0..MOST_NONCES {
            let signature: ecdsa::Signature = match counter {
                0 => key.sign_prehash(digest).ok()?,
                _ => key
                    .sign_prehash_with_rng(&mut Counter(counter), digest)
                    .ok()?,
            };
            let mut der = signature.to_der().as_bytes().to_vec();
            if self.padded && der.len() <= self.len {
                der.resize(self.len, 0);
            }
            if der.len() == self.len {
                return Some(der);
            }
        }
        None
    }

    fn verify(&self, message: &[u8], stored: &[u8]) -> bool {
        match &self.key.public {
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(stored)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P256(key) => der_of(stored)
                .and_then(|der| ecdsa::Signature::from_der(der).ok())
                .is_some_and(|signature| key.verify_prehash(message, &signature).is_ok()),
            Public::Rsa(key) => key.pss_verify_prehash::<Sha256>(message, stored).is_ok(),
        }
    }
}

/// Returns a DER signature without the zeros behind it; none for anything but zeros there.
pub(crate) fn der_of(stored: &[u8]) -> Option<&[u8]> {
    let [0x30, len, ..] = *stored else {
        return None;
    };
    let (der, rest) = stored.split_at_checked(usize::from(len).checked_add(DER_HEAD)?)?;
    rest.iter().all(|byte| *byte == 0).then_some(der)
}

/// Gives a counter as the additional input of RFC 6979, section 3.6.
struct Counter(u32);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.into())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        for (byte, value) in bytes.iter_mut().zip(self.0.to_be_bytes()) {
            *byte = value;
        }
        Ok(())
    }
}

/// It is no chance: the nonce stays secret through the key (RFC 6979).
impl TryCryptoRng for Counter {}

/// Bytes that follow from a secret and a message: SHA-256 over both and a counter.
struct Drawn {
    seed: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Drawn {
    fn new(secret: &[u8], message: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(secret);
        hash.update(message);
        Self {
            seed: Zeroizing::new(hash.finalize().into()),
            counter: 0,
        }
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for block in bytes.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(self.seed.as_slice());
            hash.update(self.counter.to_le_bytes());
            self.counter = self.counter.wrapping_add(1);
            let mut drawn: [u8; 32] = hash.finalize().into();
            for (byte, value) in block.iter_mut().zip(drawn) {
                *byte = value;
            }
            drawn.zeroize();
        }
        Ok(())
    }
}

/// Only who has the key can tell what comes out.
impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = include_str!("../../../fixtures/images/mcuboot-demo-key.pem");
    const P256: &str = include_str!("../../../fixtures/images/mcuboot-p256-key.pem");
    const RSA: &str = include_str!("../../../fixtures/images/mcuboot-rsa2048-key.pem");

    fn signature(pem: &str, len: usize, padded: bool) -> Signature {
        let key = Key::read(pem.as_bytes()).unwrap();
        Signature {
            scheme: Scheme {
                kind: key.kind,
                message: Message::Digest(Hash::Sha256),
                named: None,
            },
            key: Arc::new(key),
            len,
            padded,
        }
    }

    fn made(signature: &Signature, text: &[u8]) -> Vec<u8> {
        let source: Source<'_, Infallible> = &mut |take| {
            take(text);
            Ok(())
        };
        signature.make(source).unwrap().unwrap()
    }

    fn holds(signature: &Signature, text: &[u8], stored: &[u8]) -> bool {
        let source: Source<'_, Infallible> = &mut |take| {
            take(text);
            Ok(())
        };
        signature.verifies(source, stored).unwrap()
    }

    #[test]
    fn an_ecdsa_signature_has_the_length_of_the_old_one() {
        for len in [69, 70, 71, 72] {
            let signature = signature(P256, len, false);
            for number in 0..if len == 69 { 1u8 } else { 20 } {
                let text = [number; 40];
                let one = made(&signature, &text);
                assert_eq!(one.len(), len);
                assert!(holds(&signature, &text, &one));
                assert!(!holds(&signature, b"other", &one));
                assert_eq!(made(&signature, &text), one, "the same again");
            }
        }
        let padded = signature(P256, 72, true);
        let one = made(&padded, b"text");
        assert!(one.len() == 72 && holds(&padded, b"text", &one));
    }

    #[test]
    fn the_first_nonce_is_that_of_rfc_6979() {
        // RFC 6979, appendix A.2.5, message "sample", SHA-256.
        let secret: [u8; 32] = [
            0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1,
            0xD6, 0x93, 0x4E, 0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B,
            0x12, 0x0F, 0x67, 0x21,
        ];
        let key = ecdsa::SigningKey::from_bytes(&secret.into()).unwrap();
        // Both numbers of that signature have their highest bit set.
        let signature = signature(P256, 72, false);
        let digest = Hash::Sha256.of(b"sample");
        let der = signature.sign_der(&key, &digest).unwrap();
        assert_eq!(der[4..9], [0x00, 0xEF, 0xD4, 0x8B, 0x2A]);
        assert_eq!(der[68..], [0x84, 0x3A, 0xCD, 0xA8]);
    }

    #[test]
    fn every_kind_of_key_signs_the_same_again() {
        for (pem, len) in [(ED25519, 64), (RSA, 256)] {
            let signature = signature(pem, len, false);
            let one = made(&signature, b"text");
            assert_eq!(one.len(), len);
            assert_eq!(made(&signature, b"text"), one);
            assert_ne!(made(&signature, b"text2"), one);
            assert!(holds(&signature, b"text", &one));
            assert!(!holds(&signature, b"text2", &one));
            assert!(!holds(&signature, b"text", &one[1..]));
        }
    }

    #[test]
    fn what_a_key_shows_is_its_kind() {
        let key = Key::read(P256.as_bytes()).unwrap();
        assert_eq!(format!("{key:?}"), "Key(ECDSA P-256, private)");
        for (text, reason) in [
            ("", "it is no PEM text with a private or public key"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "it holds no Ed25519, ECDSA P-256, RSA-2048 or RSA-3072 key",
            ),
        ] {
            assert_eq!(Key::read(text.as_bytes()).err(), Some(reason));
        }
        assert_eq!(Key::read(b"\xFF").err(), Some("it is no PEM text"));
    }
}
