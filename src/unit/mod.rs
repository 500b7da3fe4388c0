//! Who a unit is: its serial, its secret and what its label says.
//!
//! Text becomes one of these types where it enters the program and is not
//! checked again. Nothing here knows files, images or ledgers.

mod auth_token;
mod digest;
mod name;
mod qr_token;
mod serial;

pub use auth_token::{AuthToken, AuthTokenError, Fingerprint, FingerprintError};
pub use digest::{Digest, DigestError};
pub(crate) use digest::{from_hex, hex, parse_hex};
pub(crate) use name::stable_name;
pub use qr_token::{QrToken, QrTokenError};
pub use serial::{Serial, SerialError};

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// What one unit gets: the values that its slots are filled with.
pub struct Values {
    /// The unit's name on the line.
    pub serial: Serial,
    /// The device's secret.
    pub token: AuthToken,
    /// The other columns of the token list, by header.
    pub columns: BTreeMap<String, Zeroizing<String>>,
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values")
            .field("serial", &self.serial)
            .field("token", &self.token.fingerprint())
            .finish_non_exhaustive()
    }
}
