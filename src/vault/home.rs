//! Who signs: the identity of a ledger, by which stations know that a part is from home.
//!
//! Ed25519 (RFC 8032), checked strictly: a weak key or a second form of a signature is none.

#[cfg(feature = "seal")]
use sha2::{Digest as _, Sha256};
#[cfg(feature = "seal")]
use zeroize::Zeroizing;

#[cfg(feature = "seal")]
use crate::recipe::HomeId;

/// Domain of an identity's id.
#[cfg(feature = "seal")]
const ID: &[u8] = b"eol-inject/home/1\0";

/// What a ledger signs its parts with. Zeroed on drop.
#[cfg(feature = "seal")]
#[derive(Clone)]
pub struct HomeKey(ed25519_dalek::SigningKey);

#[cfg(feature = "seal")]
impl HomeKey {
    /// Takes the secret of a ledger.
    pub fn from_secret(secret: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Returns the public half.
    pub fn home(&self) -> Home {
        Home::of(&self.0)
    }

    #[cfg(feature = "sqlite")]
    pub fn sign(&self, message: &[u8]) -> Signature {
        use ed25519_dalek::Signer as _;
        Signature::from(self.0.sign(message))
    }
}

#[cfg(feature = "seal")]
impl std::fmt::Debug for HomeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HomeKey(<secret>)")
    }
}

/// The public half of what signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home([u8; 32]);

impl Home {
    #[cfg(feature = "seal")]
    pub fn of(key: &ed25519_dalek::SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns what people compare and recipes name.
    #[cfg(feature = "seal")]
    pub fn id(&self) -> HomeId {
        let mut hash = Sha256::new();
        hash.update(ID);
        hash.update(self.0);
        let digest: [u8; 32] = hash.finalize().into();
        HomeId::of(&digest)
    }

    /// Returns whether it signed a message.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(&self.0) else {
            return false;
        };
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).is_ok()
    }
}

/// A signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Reads its hex digits.
    pub fn parse(digits: &str) -> Option<Self> {
        crate::unit::parse_hex(digits).map(Self)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::unit::hex(&self.0))
    }
}

impl From<ed25519_dalek::Signature> for Signature {
    fn from(signature: ed25519_dalek::Signature) -> Self {
        Self(signature.to_bytes())
    }
}
