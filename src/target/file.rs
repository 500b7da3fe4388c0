//! Files: a part file, sync, rename, folder sync, read back.
//!
//! Nothing of the shared container is copied for a unit: it is written from where it lies, and
//! read back piece by piece. Nothing here knows what it writes.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{Target, TargetError, Watch, own};
use crate::atomic_file::{self, Names, Sync};
use crate::image::{Conversion, Edits, Hint, Image, ImageError, Rendered};
use crate::receipt::{Receipt, difference};
use crate::seal::Sealed;
use crate::unit::{Digest, Serial};
use crate::{own_file, regular};

/// A folder that takes one image per unit, owner-only.
#[derive(Debug, Clone)]
pub struct Folder {
    name: Name,
    sync: Sync,
    digest: bool,
    form: Option<Conversion>,
    others: Others,
    shared: Arc<Shared>,
}

/// What becomes of a file that stands where a unit's image goes and is not the unit's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// It stays, and the unit is refused.
    #[default]
    Stay,
    /// It is replaced.
    Go,
}

/// What the files of one folder have in common.
#[derive(Default)]
struct Shared {
    /// The Master in another form, with the digest of what it was made from.
    converted: OnceLock<(Digest, Image)>,
    names: Names,
}

/// Shows nothing of an image.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
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
            others: Others::default(),
            shared: Arc::default(),
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
            others: Others::default(),
            shared: Arc::default(),
        }
    }

    /// Also takes the SHA-256 of each unit's own file into its record.
    #[must_use]
    pub const fn with_digest(mut self) -> Self {
        self.digest = true;
        self
    }

    /// Says what becomes of files that are not the units' own.
    #[must_use]
    pub const fn with_others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }

    /// Writes images in another form than the shared one's.
    #[must_use]
    pub const fn converted(mut self, form: Option<Conversion>) -> Self {
        self.form = form;
        self
    }

    /// Returns what the file of a unit holds.
    fn content<'s>(&'s self, sealed: &'s Sealed<'_>) -> Result<Rendered<'s>, TargetError> {
        let image = sealed.master().image();
        let image = match self.form {
            Some(form) => self.converted_image(sealed, image, form)?,
            None => image,
        };
        Ok(image.rendered(sealed.edits())?)
    }

    /// Converts the shared image, once: a unit changes the same addresses in any form.
    fn converted_image(
        &self,
        sealed: &Sealed<'_>,
        image: &Image,
        form: Conversion,
    ) -> Result<&Image, ImageError> {
        let digest = sealed.master().digest();
        if self.shared.converted.get().is_none() {
            let hint = Hint {
                format: Some(form.format()),
                base: match form {
                    Conversion::Bin { .. } => image.runs().first().map(|run| run.start()),
                    Conversion::Hex => None,
                },
                family: None,
            };
            let bytes = image.convert(&Edits::new(), form)?;
            let made = (digest, Image::read(bytes, hint)?);
            // Threads that start at once may each make it; all make the same.
            let _ = self.shared.converted.set(made);
        }
        match self.shared.converted.get() {
            Some((of, image)) if *of == digest => Ok(image),
            // One folder serves one batch, and a batch has one Master.
            _ => Err(ImageError::ReadOnly),
        }
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

impl Folder {
    /// Makes sure that files as long as `image` can be written, before a unit costs a token.
    ///
    /// # Errors
    /// [`TargetError::Folder`]
    pub fn writable(&self, image: &Image) -> Result<(), TargetError> {
        let folder = match &self.name {
            Name::Fixed(path) => atomic_file::folder_of(path),
            Name::Serial { folder, .. } => folder,
        };
        straight(folder)?;
        let len = image.container().len();
        writable(folder, u64::try_from(len).unwrap_or(u64::MAX))
    }

    /// Refuses to replace what is not the unit's own.
    fn allow(
        &self,
        path: &Path,
        content: &Rendered<'_>,
        sealed: &Sealed<'_>,
    ) -> Result<(), TargetError> {
        if self.others == Others::Go {
            return Ok(());
        }
        let file = || path.to_owned();
        match own::may_go(path, content, &sealed.fingerprint()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TargetError::Foreign { file: file() }),
            Err(source) => Err(TargetError::ReadBack {
                file: file(),
                source,
            }),
        }
    }

    /// Writes a unit's file, unless exactly it is there.
    fn put(&self, path: &Path, stem: &str, content: &Rendered<'_>) -> io::Result<()> {
        let folder = atomic_file::folder_of(path);
        if stands(path, content) {
            atomic_file::remove_part(folder, stem)?;
            if self.sync == Sync::Durable {
                // Whoever wrote it may not have synced it.
                File::open(path)?.sync_all()?;
            }
        } else {
            let part = atomic_file::part(path, stem)?;
            atomic_file::finish(part, path, self.sync, &mut |file| {
                write_parts(file, content)
            })?;
        }
        match self.sync {
            Sync::Durable => self.shared.names.sync(folder),
            Sync::Written => Ok(()),
        }
    }
}

/// Makes sure that files of `len` bytes can be written into a folder, before a unit costs a token.
///
/// # Errors
/// [`TargetError::Folder`]
pub fn writable(folder: &Path, len: u64) -> Result<(), TargetError> {
    atomic_file::try_room(folder, len).map_err(|source| TargetError::Folder {
        folder: folder.to_owned(),
        source,
    })
}

/// Refuses a folder that leads images away.
fn straight(folder: &Path) -> Result<(), TargetError> {
    own_file::straight(folder).map_err(|source| TargetError::Folder {
        folder: folder.to_owned(),
        source,
    })
}

impl Target for Folder {
    fn deliver(&mut self, sealed: &Sealed<'_>, _: &mut dyn Watch) -> Result<Receipt, TargetError> {
        let content = self.content(sealed)?;
        let path = self.path(sealed.serial());
        let folder = atomic_file::folder_of(&path);
        straight(folder)?;
        atomic_file::make_folder(folder).map_err(|source| TargetError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let stem = sealed.serial().as_str();
        if !stands(&path, &content) {
            self.allow(&path, &content, sealed)?;
        }
        self.put(&path, stem, &content)
            .map_err(|source| TargetError::Write {
                file: path.clone(),
                source,
            })?;
        let receipt = match self.sync {
            Sync::Durable => read_back(&path, |file| Receipt::of_content(sealed, &content, file))?,
            Sync::Written => Receipt::written(sealed),
        };
        tracing::debug!(serial = %sealed.serial(), file = %path.display(), sync = ?self.sync, "written");
        Ok(match self.digest {
            true => receipt.with_digest(Digest::of_parts(content.parts())),
            false => receipt,
        })
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        _: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        let (path, content) = (self.path(sealed.serial()), self.content(sealed)?);
        // What others may read too, or under another name, is made anew: so is a link, if it may go.
        if stands(&path, &content) || (cfg!(not(unix)) && is_same(&path, &content)) {
            return Ok(Some(Receipt::written(sealed)));
        }
        self.allow(&path, &content, sealed).map(|()| None)
    }
}

/// Writes all parts in as few calls as the system takes them.
fn write_parts(file: &mut File, content: &Rendered<'_>) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = content.parts().map(IoSlice::new).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns whether `path` is a file as this program makes them, with exactly `content`.
///
/// What cannot be told is written anew.
#[cfg(unix)]
fn stands(path: &Path, content: &Rendered<'_>) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(found) = fs::symlink_metadata(path) else {
        return false;
    };
    let owner = rustix::process::geteuid().as_raw();
    let ours = found.is_file() && found.nlink() == 1 && found.uid() == owner;
    let alike = found.mode() & 0o777 == 0o600 && usize::try_from(found.len()) == Ok(content.len());
    ours && alike && is_same(path, content)
}

/// Elsewhere nothing tells who else may read a file: it is written anew.
#[cfg(not(unix))]
fn stands(_: &Path, _: &Rendered<'_>) -> bool {
    false
}

/// Returns whether a file holds exactly `content`; what cannot be read does not.
fn is_same(path: &Path, content: &Rendered<'_>) -> bool {
    let compared = regular::open(path).and_then(|file| difference(file, content));
    matches!(compared, Ok(None))
}

/// Reads a file back; what compares it gives the first offset that differs as its inner error.
fn read_back(
    path: &Path,
    compare: impl FnOnce(File) -> io::Result<Result<Receipt, usize>>,
) -> Result<Receipt, TargetError> {
    let file = || path.to_owned();
    match regular::open(path).and_then(compare) {
        Ok(Ok(receipt)) => Ok(receipt),
        Ok(Err(offset)) => Err(TargetError::Differs {
            file: file(),
            offset,
        }),
        Err(source) => Err(TargetError::ReadBack {
            file: file(),
            source,
        }),
    }
}
