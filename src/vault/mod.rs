//! Keys: what seals, who signs, and the owner-only files that they lie in. Nothing here knows tables.

#[cfg(feature = "seal")]
pub(crate) mod crypto;
pub(crate) mod error;
#[cfg(feature = "seal")]
pub(crate) mod files;
pub(crate) mod home;
#[cfg(feature = "seal")]
pub(crate) mod key_source;
#[cfg(feature = "seal")]
pub(crate) mod keyring;
pub(crate) mod recipient;
#[cfg(feature = "seal")]
pub(crate) mod seed;
