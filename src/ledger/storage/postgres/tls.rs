//! TLS to the server: its certificate and name are checked, always.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::{LedgerError, StorageError};

/// Makes what starts TLS; `roots` is a PEM file, without one the system's roots count.
pub fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, LedgerError> {
    let store = match roots {
        Some(path) => from_file(path)?,
        None => from_system()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(LedgerError::storage)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn unusable(path: &Path, what: impl std::fmt::Display) -> LedgerError {
    LedgerError::Storage(StorageError::Address {
        what: format!("sslrootcert {}: {what}", path.display()),
    })
}

fn from_file(path: &Path) -> Result<RootCertStore, LedgerError> {
    let mut store = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, error))?;
    for root in found {
        let root = root.map_err(|error| unusable(path, error))?;
        store.add(root).map_err(|error| unusable(path, error))?;
    }
    if store.is_empty() {
        return Err(unusable(path, "no certificate is in it"));
    }
    Ok(store)
}

fn from_system() -> Result<RootCertStore, LedgerError> {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        return Err(LedgerError::Storage(StorageError::Address {
            what: "this system has no root certificates: name a file with sslrootcert".to_owned(),
        }));
    }
    Ok(store)
}
