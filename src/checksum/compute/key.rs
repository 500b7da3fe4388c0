//! Key files: PEM text to keys that sign and verify.
//!
//! Private keys are zeroed on drop by their types, and no text shows more of one than its
//! kind. Source of the layouts: RFC 5958 (PKCS #8), RFC 5915 (SEC 1), RFC 8017 (PKCS #1),
//! RFC 5280 (public keys).

use std::fmt;

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use p256::ecdsa;
use rsa::pkcs1::{
    DecodeRsaPrivateKey as _, DecodeRsaPublicKey as _, EncodeRsaPrivateKey as _,
    EncodeRsaPublicKey as _,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Labels of PEM text that holds a key.
const PKCS8: &str = "-----BEGIN PRIVATE KEY-----";
const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----";
const PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----";
const PKCS1_PUBLIC: &str = "-----BEGIN RSA PUBLIC KEY-----";

/// Which keys can make and check a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub(crate) enum KeyKind {
    Ed25519,
    #[strum(serialize = "ECDSA P-256")]
    EcdsaP256,
    #[strum(serialize = "RSA-2048")]
    Rsa2048,
    #[strum(serialize = "RSA-3072")]
    Rsa3072,
}

/// A key: the public half always, the private one where the file has it.
pub(crate) struct Key {
    pub(crate) kind: KeyKind,
    pub(crate) public: Public,
    pub(crate) private: Option<Private>,
}

/// What checks signatures.
pub(crate) enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(ecdsa::VerifyingKey),
    Rsa(Box<rsa::PublicKey>),
}

/// What makes signatures.
pub(crate) enum Private {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    P256(Box<ecdsa::SigningKey>),
    /// The key, and a secret that follows from it: where salts come from.
    Rsa(Box<rsa::PrivateKey>, Zeroizing<[u8; 32]>),
}

/// Shows which kind of key it is.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = self.private.as_ref().map_or("public", |_| "private");
        write!(f, "Key({}, {half})", self.kind)
    }
}

impl Key {
    /// Reads a key file.
    ///
    /// # Errors
    /// What is wrong, without a byte of it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no PEM text")?;
        if text.contains("ENCRYPTED") {
            return Err("it is protected by a passphrase: give the key without one");
        }
        let key = if text.contains(PKCS8) {
            pkcs8(text)
        } else if text.contains(SEC1) {
            let key = p256::SecretKey::from_sec1_pem(text).ok();
            key.map(|key| p256_key(key.into()))
        } else if text.contains(PKCS1) {
            rsa::PrivateKey::from_pkcs1_pem(text).ok().and_then(rsa_key)
        } else if text.contains(PUBLIC) {
            public(text)
        } else if text.contains(PKCS1_PUBLIC) {
            let key = rsa::PublicKey::from_pkcs1_pem(text).ok();
            key.and_then(rsa_public)
        } else {
            return Err("it is no PEM text with a private or public key");
        };
        key.ok_or("it holds no Ed25519, ECDSA P-256, RSA-2048 or RSA-3072 key")
    }

    /// Returns the public key as MCUboot embeds it: an RSA key as PKCS #1, others with their
    /// algorithm's identifier.
    pub(crate) fn embedded(&self) -> Option<Vec<u8>> {
        match &self.public {
            Public::Ed25519(key) => key.to_public_key_der().ok().map(|der| der.into_vec()),
            Public::P256(key) => key.to_public_key_der().ok().map(|der| der.into_vec()),
            Public::Rsa(key) => key.to_pkcs1_der().ok().map(|der| der.into_vec()),
        }
    }
}

/// Reads PKCS #8: whose key it is, its algorithm says.
fn pkcs8(text: &str) -> Option<Key> {
    if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(text) {
        return Some(Key {
            kind: KeyKind::Ed25519,
            public: Public::Ed25519(key.verifying_key()),
            private: Some(Private::Ed25519(Box::new(key))),
        });
    }
    if let Ok(key) = ecdsa::SigningKey::from_pkcs8_pem(text) {
        return Some(p256_key(key));
    }
    rsa::PrivateKey::from_pkcs8_pem(text).ok().and_then(rsa_key)
}

/// Reads a public key with its algorithm's identifier.
fn public(text: &str) -> Option<Key> {
    if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_pem(text) {
        return Some(Key {
            kind: KeyKind::Ed25519,
            public: Public::Ed25519(key),
            private: None,
        });
    }
    if let Ok(key) = ecdsa::VerifyingKey::from_public_key_pem(text) {
        return Some(Key {
            kind: KeyKind::EcdsaP256,
            public: Public::P256(key),
            private: None,
        });
    }
    let key = rsa::PublicKey::from_public_key_pem(text).ok();
    key.and_then(rsa_public)
}

fn p256_key(key: ecdsa::SigningKey) -> Key {
    Key {
        kind: KeyKind::EcdsaP256,
        public: Public::P256(*key.verifying_key()),
        private: Some(Private::P256(Box::new(key))),
    }
}

fn rsa_key(key: rsa::PrivateKey) -> Option<Key> {
    let whole = rsa_public(key.to_public_key())?;
    let mut hash = Sha256::new();
    hash.update(b"eol-inject/pss/1\0");
    hash.update(key.to_pkcs1_der().ok()?.as_bytes());
    let seed = Zeroizing::new(hash.finalize().into());
    Some(Key {
        private: Some(Private::Rsa(Box::new(key), seed)),
        ..whole
    })
}

fn rsa_public(key: rsa::PublicKey) -> Option<Key> {
    use rsa::traits::PublicKeyParts as _;
    let kind = match key.size() {
        256 => KeyKind::Rsa2048,
        384 => KeyKind::Rsa3072,
        _ => return None,
    };
    Some(Key {
        kind,
        public: Public::Rsa(Box::new(key)),
        private: None,
    })
}
