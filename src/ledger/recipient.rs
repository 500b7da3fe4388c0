//! Station keys: what is sealed to one opens at that station only.
//!
//! HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! ChaCha20-Poly1305. A part's own key is sealed to its station's public half, which may lie
//! anywhere: nothing secret travels beside the part. Nothing here knows tables.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::LedgerError;
use super::crypto::{Key, random};

/// What a sealed key is for.
const INFO: &[u8] = b"eol-inject/part/1\0";
/// Domain of a station key's id.
const ID: &[u8] = b"eol-inject/station/1\0";
/// First line of a station's secret key.
const SECRET: &str = "eol-inject station key 1";
/// First line of a station's public key.
const PUBLIC: &str = "eol-inject station public key 1";
/// Length of an encapsulated key in bytes (RFC 9180, section 7.1, Nenc).
const ENCAPSULATED: usize = 32;

/// A station's secret key. Zeroed on drop.
pub struct StationKey(Zeroizing<[u8; 32]>);

/// A station's public key: whoever has it can seal for the station, and open nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl StationKey {
    /// Makes a key from the system's random numbers.
    ///
    /// # Errors
    /// [`LedgerError::Storage`] when the system has none.
    pub fn make() -> Result<Self, LedgerError> {
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

    /// Returns the public half.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when the key is none.
    pub fn recipient(&self) -> Result<Recipient, LedgerError> {
        let public = X25519HkdfSha256::sk_to_pk(&self.secret()?);
        let mut bytes = [0; 32];
        public.write_exact(&mut bytes);
        Ok(Recipient(bytes))
    }

    fn secret(&self) -> Result<<X25519HkdfSha256 as Kem>::PrivateKey, LedgerError> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.as_ref())
            .map_err(|_| LedgerError::damaged("the station's key is none"))
    }

    /// Opens a ledger key that was sealed for this station and that ledger; `None` when it was
    /// not.
    pub(super) fn open(&self, sealed: &str, ledger: &str) -> Result<Option<Key>, LedgerError> {
        let odd = || LedgerError::damaged("the sealed key of the part is not whole");
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
        crate::unit::parse_hex(digits).map(Self)
    }

    /// Returns the text of a public key file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}\n{}\n", crate::unit::hex(&self.0))
    }

    /// Returns what people compare: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(ID);
        hash.update(self.0);
        let digest: [u8; 32] = hash.finalize().into();
        crate::unit::hex(&digest).chars().take(16).collect()
    }

    /// Seals the key of the ledger with this number for the station, as hex digits.
    pub(super) fn seal(&self, key: &Key, ledger: &str) -> Result<String, LedgerError> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0);
        let public =
            public.map_err(|_| LedgerError::damaged("the station's public key is none"))?;
        let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            INFO,
            key.as_bytes(),
            ledger.as_bytes(),
        );
        // A public key of low order makes no shared secret (RFC 9180, section 7.1.4).
        let (capsule, cipher) =
            sealed.map_err(|_| LedgerError::damaged("the station's public key is none"))?;
        let mut bytes = vec![0; ENCAPSULATED];
        capsule.write_exact(&mut bytes);
        bytes.extend_from_slice(&cipher);
        Ok(crate::unit::hex(&bytes))
    }
}

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

#[cfg(test)]
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
    fn a_public_key_of_low_order_is_refused() {
        let zero = Recipient([0; 32]);
        assert!(zero.seal(&Key::make().unwrap(), "ledger").is_err());
    }
}
