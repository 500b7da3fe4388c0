//! Files: a part file, sync, rename, folder sync, read back.
//!
//! Nothing here knows what it writes.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{Deliver, DeliverError};
use crate::atomic_file::{self, Sync};
use crate::checksum::Sealed;
use crate::image::Conversion;
use crate::ledger::Receipt;
use crate::unit::{Digest, Serial};

/// A folder that takes one image per unit, owner-only.
#[derive(Debug, Clone)]
pub struct Folder {
    name: Name,
    sync: Sync,
    digest: bool,
    form: Option<Conversion>,
}

#[derive(Debug, Clone)]
enum Name {
    /// One file, whatever the serial.
    Fixed(PathBuf),
    /// In this folder, the serial with this extension.
    Serial { folder: PathBuf, extension: String },
}

impl Folder {
    /// Takes `folder` for files named `<serial>.<extension>`.
    ///
    /// With [`Sync::Durable`] each file is synced and read back before it is vouched for;
    /// with [`Sync::Written`] the receipt says that it was not.
    #[must_use]
    pub fn new(folder: &Path, extension: &str, sync: Sync) -> Self {
        Self {
            name: Name::Serial {
                folder: folder.to_owned(),
                extension: extension.to_owned(),
            },
            sync,
            digest: false,
            form: None,
        }
    }

    /// Takes exactly the file `path`, for one unit; always durable.
    #[must_use]
    pub fn exactly(path: &Path) -> Self {
        Self {
            name: Name::Fixed(path.to_owned()),
            sync: Sync::Durable,
            digest: false,
            form: None,
        }
    }

    /// Also takes the SHA-256 of each unit's own file into its record.
    #[must_use]
    pub const fn with_digest(mut self) -> Self {
        self.digest = true;
        self
    }

    /// Writes images in another form than the shared one's.
    #[must_use]
    pub const fn converted(mut self, form: Option<Conversion>) -> Self {
        self.form = form;
        self
    }

    /// Returns what the file of a unit holds.
    fn content(&self, sealed: &Sealed<'_>) -> Result<Vec<u8>, DeliverError> {
        Ok(match self.form {
            Some(form) => sealed.master().image().convert(sealed.edits(), form)?,
            None => sealed.container()?,
        })
    }

    /// Returns the file of a unit.
    #[must_use]
    pub fn path(&self, serial: &Serial) -> PathBuf {
        match &self.name {
            Name::Fixed(path) => path.clone(),
            Name::Serial { folder, extension } if extension.is_empty() => {
                folder.join(serial.as_str())
            }
            Name::Serial { folder, extension } => folder.join(format!("{serial}.{extension}")),
        }
    }
}

impl Deliver for Folder {
    fn deliver(&self, sealed: &Sealed<'_>) -> Result<Receipt, DeliverError> {
        let bytes = self.content(sealed)?;
        let path = self.path(sealed.serial());
        let folder = atomic_file::folder_of(&path);
        atomic_file::make_folder(folder).map_err(|source| DeliverError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let stem = sealed.serial().as_str();
        atomic_file::write(&path, stem, &bytes, self.sync).map_err(|source| {
            DeliverError::Write {
                file: path.clone(),
                source,
            }
        })?;
        if self.sync == Sync::Durable {
            compare(&path, &bytes)?;
        }
        tracing::debug!(serial = %sealed.serial(), file = %path.display(), sync = ?self.sync, "written");
        Ok(Receipt {
            serial: sealed.serial().clone(),
            fingerprint: sealed.fingerprint(),
            digest: self.digest.then(|| Digest::of(&bytes)),
            durable: self.sync == Sync::Durable,
        })
    }

    fn holds(&self, sealed: &Sealed<'_>) -> Result<bool, DeliverError> {
        let path = self.path(sealed.serial());
        match compare(&path, &self.content(sealed)?) {
            Ok(()) => Ok(true),
            Err(DeliverError::Differs { .. }) => Ok(false),
            Err(DeliverError::ReadBack { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Compares a file with `bytes`.
fn compare(path: &Path, bytes: &[u8]) -> Result<(), DeliverError> {
    let mut found = Vec::with_capacity(bytes.len().saturating_add(1));
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut found))
        .map_err(|source| DeliverError::ReadBack {
            file: path.to_owned(),
            source,
        })?;
    if found == bytes {
        return Ok(());
    }
    let same = found.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(DeliverError::Differs {
        file: path.to_owned(),
        offset: same,
    })
}
