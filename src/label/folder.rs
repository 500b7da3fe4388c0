//! The label folder: `<serial>.png` and `<serial>.svg`.

#![expect(
    clippy::disallowed_methods,
    reason = "the folder is the label's edge to the outside"
)]

use std::fs;
use std::path::{Path, PathBuf};

use super::{Format, Label, LabelError, Labels, file};
use crate::atomic_file::{self, Readers, Sync};
use crate::ledger::Entry;
use crate::unit::Serial;

/// A folder of label pictures, named by serial.
#[derive(Debug, Clone)]
pub struct LabelFolder {
    folder: PathBuf,
}

impl LabelFolder {
    /// Takes the folder; it is made with the first label.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Returns the file of a unit's label picture.
    #[must_use]
    pub fn picture(&self, serial: &Serial) -> PathBuf {
        self.folder.join(file(serial, Format::Png))
    }

    /// Writes a file unless it holds exactly `bytes` already.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LabelError> {
        let path = self.folder.join(name);
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        // A label is read by whoever prints it: no secret of the device is in it.
        atomic_file::make_folder(&self.folder)
            .and_then(|()| atomic_file::write(&path, name, bytes, (Readers::All, Sync::Written)))
            .map_err(|error| LabelError::Write {
                file: path.clone(),
                reason: error.to_string(),
            })
    }
}

impl Labels for LabelFolder {
    fn put(&self, entry: &Entry) -> Result<(), LabelError> {
        let label = Label::for_entry(entry)?;
        self.write(&label.file(Format::Png), label.png())?;
        self.write(&label.file(Format::Svg), label.svg()?.as_bytes())
    }
}
