//! Station keys: what is sealed to one opens at that station only, and what one signed is from there.
//!
//! HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! ChaCha20-Poly1305. A part's own key is sealed to its station's public half, which may lie
//! anywhere: nothing secret travels beside the part. Returns are signed by Ed25519 (RFC 8032), with a
//! key that comes from the same secret. Nothing here knows tables.

use ed25519_dalek::Signer as _;
#[cfg(feature = "seal")]
use hpke::aead::ChaCha20Poly1305;
#[cfg(feature = "seal")]
use hpke::kdf::HkdfSha256;
#[cfg(feature = "seal")]
use hpke::kem::X25519HkdfSha256;
#[cfg(feature = "seal")]
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

#[cfg(feature = "seal")]
use super::error::KeyError;
use crate::unit::Digest;
#[cfg(feature = "seal")]
use crate::vault::crypto::{Key, random};
use crate::vault::home::{Home, Signature};

/// What a sealed key is for.
#[cfg(feature = "seal")]
const INFO: &[u8] = b"eol-inject/part/1\0";
/// Domain of the secret that a station signs with.
const SIGNS: &[u8] = b"eol-inject/station signs/1\0";
/// Domain of what a station signs.
const RETURN: &[u8] = b"eol-inject/return/1\0";
/// Domain of a station key's id.
const ID: &[u8] = b"eol-inject/station/2\0";
/// First line of a station's secret key.
const SECRET: &str = "eol-inject station key 1";
/// First line of a station's public key.
const PUBLIC: &str = "eol-inject station public key 2";
/// Hex digits of one half of a public key.
const HALF: usize = 64;
/// Length of an encapsulated key in bytes (RFC 9180, section 7.1, Nenc).
#[cfg(feature = "seal")]
const ENCAPSULATED: usize = 32;

/// A station's secret key. Zeroed on drop.
pub struct StationKey(Zeroizing<[u8; 32]>);

/// A station's public key: whoever has it can seal for the station and knows its signature, and
/// opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    seals: [u8; 32],
    signs: Home,
}

impl StationKey {
    /// Makes a key from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Storage`] when the system has none.
    #[cfg(feature = "seal")]
    pub fn make() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        random(seed.as_mut())?;
        let (secret, _) = X25519HkdfSha256::derive_keypair(seed.as_ref());
        let mut bytes = Zeroizing::new([0; 32]);
        secret.write_exact(bytes.as_mut());
        Ok(Self(bytes))
    }

    /// Reads the text of a key file; `None` when it holds no station's secret key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(SECRET)?.trim();
        crate::unit::parse_hex(digits).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Returns the text of a key file, for its owner only.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(crate::unit::hex(self.0.as_ref()));
        let mut text = Zeroizing::new(String::with_capacity(96));
        for part in [SECRET, "\n", &digits, "\n"] {
            text.push_str(part);
        }
        text
    }

    /// Returns what signs.
    fn signer(&self) -> ed25519_dalek::SigningKey {
        let mut hash = Sha256::new();
        hash.update(SIGNS);
        hash.update(self.0.as_ref());
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
        ed25519_dalek::SigningKey::from_bytes(&seed)
    }

    /// Signs what a part brings back.
    pub(crate) fn sign(&self, back: &Digest) -> Signature {
        let signature = self.signer().sign(&[RETURN, back.as_bytes()].concat());
        Signature::from(signature)
    }

    /// Returns the public half.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] when the key is none.
    #[cfg(feature = "seal")]
    pub fn recipient(&self) -> Result<Recipient, KeyError> {
        let public = X25519HkdfSha256::sk_to_pk(&self.secret()?);
        let mut bytes = [0; 32];
        public.write_exact(&mut bytes);
        Ok(Recipient {
            seals: bytes,
            signs: Home::of(&self.signer()),
        })
    }

    #[cfg(feature = "seal")]
    fn secret(&self) -> Result<<X25519HkdfSha256 as Kem>::PrivateKey, KeyError> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.as_ref())
            .map_err(|_| KeyError::damaged("the station's key is none"))
    }

    /// Opens a ledger key that was sealed for this station and that ledger; `None` when it was
    /// not.
    #[cfg(feature = "sqlite")]
    pub(crate) fn open(&self, sealed: &str, ledger: &str) -> Result<Option<Key>, KeyError> {
        let odd = || KeyError::damaged("the sealed key of the part is not whole");
        let bytes = unhex(sealed).ok_or_else(odd)?;
        let (capsule, cipher) = bytes.split_at_checked(ENCAPSULATED).ok_or_else(odd)?;
        let capsule = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(capsule);
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret()?,
            &capsule.map_err(|_| odd())?,
            INFO,
            cipher,
            ledger.as_bytes(),
        );
        let plain = plain.map(Zeroizing::new).ok();
        Ok(plain.and_then(|plain| Key::from_slice(&plain)))
    }
}

impl std::fmt::Debug for StationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StationKey(<secret>)")
    }
}

impl Recipient {
    /// Reads the text of a public key file; `None` when it holds none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PUBLIC)?.trim();
        Self::from_hex(digits)
    }

    /// Reads what [`to_hex`](Self::to_hex) returns.
    pub(crate) fn from_hex(digits: &str) -> Option<Self> {
        let (seals, signs) = digits.split_at_checked(HALF)?;
        Some(Self {
            seals: crate::unit::parse_hex(seals)?,
            signs: Home::from_bytes(crate::unit::parse_hex(signs)?),
        })
    }

    /// Returns both halves as hex digits.
    pub(crate) fn to_hex(&self) -> String {
        crate::unit::hex(&self.seals) + &crate::unit::hex(self.signs.as_bytes())
    }

    /// Returns whether the station signed what a part brings back.
    #[must_use]
    pub(crate) fn signed(&self, back: &Digest, signature: &Signature) -> bool {
        let message = [RETURN, back.as_bytes()].concat();
        self.signs.signed(&message, signature)
    }

    /// Returns the text of a public key file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}\n{}\n", self.to_hex())
    }

    /// Returns what people compare: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(ID);
        hash.update(self.seals);
        hash.update(self.signs.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        crate::unit::hex(&digest).chars().take(16).collect()
    }

    /// Seals the key of the ledger with this number for the station, as hex digits.
    #[cfg(feature = "sqlite")]
    pub(crate) fn seal(&self, key: &Key, ledger: &str) -> Result<String, KeyError> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.seals);
        let public = public.map_err(|_| KeyError::damaged("the station's public key is none"))?;
        let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            INFO,
            key.as_bytes(),
            ledger.as_bytes(),
        );
        // A public key of low order makes no shared secret (RFC 9180, section 7.1.4).
        let (capsule, cipher) =
            sealed.map_err(|_| KeyError::damaged("the station's public key is none"))?;
        let mut bytes = vec![0; ENCAPSULATED];
        capsule.write_exact(&mut bytes);
        bytes.extend_from_slice(&cipher);
        Ok(crate::unit::hex(&bytes))
    }
}

#[cfg(feature = "sqlite")]
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_at_its_station_and_for_its_ledger_only() {
        let (one, two) = (StationKey::make().unwrap(), StationKey::make().unwrap());
        let key = Key::make().unwrap();
        let sealed = one.recipient().unwrap().seal(&key, "ledger").unwrap();
        assert!(!sealed.contains(&crate::unit::hex(key.as_bytes())));
        let opened = one.open(&sealed, "ledger").unwrap().unwrap();
        assert_eq!(opened.id(), key.id());
        assert!(one.open(&sealed, "other").unwrap().is_none());
        assert!(two.open(&sealed, "ledger").unwrap().is_none());
        assert!(one.open(&sealed[..40], "ledger").is_err());
        assert!(one.open("no hex", "ledger").is_err());
    }

    #[test]
    fn keys_read_back_and_are_not_mistaken_for_one_another() {
        let key = StationKey::make().unwrap();
        let public = key.recipient().unwrap();
        let again = StationKey::parse(&key.to_text()).unwrap();
        assert_eq!(again.recipient().unwrap(), public);
        assert_eq!(Recipient::parse(&public.to_text()), Some(public.clone()));
        assert!(Recipient::parse(&key.to_text()).is_none());
        assert!(StationKey::parse(&public.to_text()).is_none());
        assert!(Key::parse(&key.to_text()).is_none());
        assert!(Key::parse(&public.to_text()).is_none());
        assert_eq!(public.id().len(), 16);
        assert_eq!(format!("{key:?}"), "StationKey(<secret>)");
    }

    #[test]
    fn a_return_is_signed_by_one_station() {
        let (one, two) = (StationKey::make().unwrap(), StationKey::make().unwrap());
        let back = Digest::of(b"units and tokens");
        let signature = one.sign(&back);
        assert!(one.recipient().unwrap().signed(&back, &signature));
        assert!(!two.recipient().unwrap().signed(&back, &signature));
        let other = Digest::of(b"one unit less");
        assert!(!one.recipient().unwrap().signed(&other, &signature));
    }

    #[test]
    fn a_public_key_of_low_order_is_refused() {
        let signs = StationKey::make().unwrap().recipient().unwrap().signs;
        let seals = [0; 32];
        let zero = Recipient { seals, signs };
        assert!(zero.seal(&Key::make().unwrap(), "ledger").is_err());
    }
}
