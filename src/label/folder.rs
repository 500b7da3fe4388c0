//! The label folder: `<serial>.png` and `<serial>.svg`.

#![expect(
    clippy::disallowed_methods,
    reason = "the folder is the label's edge to the outside"
)]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Format, Label, LabelError, Labels, file};
use crate::atomic_file::{self, Names, Sync};
use crate::ledger::Entry;
use crate::qr::picture;
use crate::recipe::{Organisation, Recipe, When};
use crate::regular;
use crate::unit::{QrToken, Serial};

/// A larger file is no label of this program.
const LARGEST: u64 = 1 << 20;

/// A folder of label pictures, named by serial.
#[derive(Debug, Clone)]
pub struct LabelFolder {
    folder: PathBuf,
    /// Whether labels are made; those of before are removed all the same.
    wanted: When,
    sync: Sync,
    organisation: Organisation,
    names: Arc<Names>,
}

impl LabelFolder {
    /// Takes the folder; it is made with the first label.
    #[must_use]
    pub fn new(folder: &Path, sync: Sync) -> Self {
        Self {
            folder: folder.to_owned(),
            wanted: When::After,
            sync,
            organisation: Organisation::default(),
            names: Arc::default(),
        }
    }

    /// Takes the folder that a recipe names, and whether labels are wanted.
    #[must_use]
    pub fn of(recipe: &Recipe, sync: Sync) -> Self {
        let this = Self::new(&recipe.path(&recipe.label.dir), sync);
        Self {
            wanted: recipe.label.when,
            organisation: recipe.label.organisation,
            ..this
        }
    }

    /// Returns the folder, where labels are made in it.
    #[must_use]
    pub fn wanted(&self) -> Option<&Path> {
        (self.wanted != When::None).then_some(&self.folder)
    }

    /// Says whether labels must name the organisation; unsaid, they must.
    #[must_use]
    pub const fn with_organisation(mut self, organisation: Organisation) -> Self {
        self.organisation = organisation;
        self
    }

    /// Returns the file of a unit's label picture.
    #[must_use]
    pub fn picture(&self, serial: &Serial) -> PathBuf {
        self.folder.join(file(serial, Format::Png))
    }

    /// Returns the file of a unit's label picture, where one is made.
    #[must_use]
    pub fn of_unit(&self, serial: &Serial) -> Option<PathBuf> {
        self.wanted().map(|_| self.picture(serial))
    }

    /// Reads what at most `most` of the label pictures in the folder say, in the order of their names;
    /// what cannot be read says nothing.
    #[must_use]
    pub fn read(&self, most: usize) -> Vec<(PathBuf, QrToken)> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "png"))
            .collect();
        files.sort();
        let read = files.into_iter().take(most).filter_map(|file| {
            let code = picture::read_symbol(&regular::read(&file, LARGEST).ok()?)
                .ok()?
                .0;
            Some((file, code))
        });
        read.collect()
    }

    /// Removes a unit's label files; returns whether there were any.
    ///
    /// # Errors
    /// [`LabelError::Remove`]
    pub fn discard(&self, serial: &Serial) -> Result<bool, LabelError> {
        let mut found = false;
        for format in [Format::Png, Format::Svg] {
            let path = self.folder.join(file(serial, format));
            match fs::remove_file(&path) {
                Ok(()) => found = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let reason = error.to_string();
                    return Err(LabelError::Remove { file: path, reason });
                }
            }
        }
        Ok(found)
    }

    /// Writes a file unless it holds exactly `bytes` already; returns whether it was written.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<bool, LabelError> {
        let path = self.folder.join(name);
        let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let found = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        // A link is replaced: what it leads to is not the label's.
        if found && regular::read(&path, most).is_ok_and(|found| found == bytes) {
            return Ok(false);
        }
        // A label is read by whoever prints it: no secret of the device is in it.
        atomic_file::make_folder(&self.folder)
            .and_then(|()| atomic_file::shared_part(&path))
            .and_then(|part| {
                atomic_file::finish(part, &path, self.sync, &mut |file| file.write_all(bytes))
            })
            .map(|()| true)
            .map_err(|error| refused(path, &error))
    }
}

fn refused(file: PathBuf, error: &io::Error) -> LabelError {
    LabelError::Write {
        file,
        reason: match error.kind() {
            io::ErrorKind::StorageFull => "its disk is full".to_owned(),
            _ => error.to_string(),
        },
    }
}

impl Labels for LabelFolder {
    fn put(&self, entry: &Entry) -> Result<bool, LabelError> {
        if self.wanted().is_none() {
            return Ok(false);
        }
        let label = Label::for_entry(entry, self.organisation)?;
        let picture = self.write(&label.file(Format::Png), label.png())?;
        let drawing = self.write(&label.file(Format::Svg), label.svg().as_bytes())?;
        let made = picture || drawing;
        if made && self.sync == Sync::Durable {
            let synced = self.names.sync(&self.folder);
            synced.map_err(|error| refused(self.folder.clone(), &error))?;
        }
        Ok(made)
    }
}
