//! Files that a person names: read up to a limit, and written new, whole or not at all.
//!
//! What is there already is somebody's: it is replaced where that is asked for, and nothing is ever
//! written through a link.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read as _, Stdout, Write};
use std::path::{Path, PathBuf};

use eol_inject::regular;

use super::error::{CliError, exit};

/// Largest file that is read whole: far above any microcontroller's flash.
const LARGEST: u64 = 1 << 30;

/// Most bytes of serials on standard input: millions of them.
const SERIALS: u64 = 64 << 20;

/// Reads a file that a person names.
pub(crate) fn read(path: &Path, code: u8, what: &str) -> Result<Vec<u8>, CliError> {
    load(path).map_err(|reason| {
        let message = format!("cannot read {what} {}: {reason}", path.display());
        CliError::new(code, "file", message)
    })
}

/// Reads a file whole, or says why not.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, String> {
    regular::read(path, LARGEST).map_err(|error| error.to_string())
}

/// Lists what is in a folder, by name.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(|error| CliError::file("cannot list", folder, &error))?;
    paths.sort();
    Ok(paths)
}

/// Reads standard input whole.
pub(crate) fn standard_input() -> io::Result<Vec<u8>> {
    let (mut bytes, most) = (Vec::new(), SERIALS);
    io::stdin().lock().take(most + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= most => Ok(bytes),
        _ => Err(io::Error::other(format!("at most {most} bytes are read"))),
    }
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    /// Its owner: it holds secrets.
    Owner,
    /// Anybody the system lets.
    Anybody,
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays.
    Stays,
    /// It is replaced.
    Replaced,
}

/// Refuses to write where something is that must stay.
pub(crate) fn vacant(path: &Path, existing: Existing) -> Result<(), CliError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        // What else stands in the way is told when it is written.
        Err(_) => return Ok(()),
    };
    if !found.is_file() && !found.is_symlink() {
        let message = format!("{} is no file that could be replaced", path.display());
        return Err(CliError::new(exit::USAGE, "file-exists", message).with_hint(None));
    }
    match existing {
        Existing::Replaced => Ok(()),
        Existing::Stays => Err(taken(path)),
    }
}

fn taken(path: &Path) -> CliError {
    let message = format!("{} is there already, and is not replaced", path.display());
    CliError::new(exit::USAGE, "file-exists", message)
}

/// Returns what becomes of a file where `bytes` go, or refuses to write them there.
///
/// The same once more, after a cut or by mistake, takes nothing from anybody.
pub(crate) fn judged(path: &Path, bytes: &[u8], existing: Existing) -> Result<Existing, CliError> {
    let same = fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && regular::read(path, LARGEST).is_ok_and(|found| found == bytes);
    let existing = if same { Existing::Replaced } else { existing };
    vacant(path, existing).map(|()| existing)
}

/// Writes a file that a person names; one that holds exactly `bytes` is made anew.
pub(crate) fn write(
    path: &Path,
    bytes: &[u8],
    who: Writable,
    existing: Existing,
) -> Result<(), CliError> {
    let existing = judged(path, bytes, existing)?;
    let mut file = NewFile::create(path, who, existing)?;
    file.write_all(bytes).map_err(|error| file.failed(&error))?;
    file.finish()
}

/// A file on its way: it appears under its name whole, or not at all.
pub(crate) struct NewFile {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    existing: Existing,
}

impl NewFile {
    /// Begins a file.
    pub(crate) fn create(path: &Path, who: Writable, existing: Existing) -> Result<Self, CliError> {
        vacant(path, existing)?;
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".part");
        let part = path.with_file_name(name);
        let file =
            begin(&part, who).map_err(|error| CliError::file("cannot write", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            file: BufWriter::new(file),
            existing,
        })
    }

    /// Says that the file could not be written.
    pub(crate) fn failed(&self, error: &io::Error) -> CliError {
        CliError::file("cannot write", &self.path, error)
    }

    /// Gives the file its name; it survives a power cut from then on.
    pub(crate) fn finish(mut self) -> Result<(), CliError> {
        let whole = self.file.flush();
        whole
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(|error| self.failed(&error))?;
        // A rename would replace what came meanwhile; a link does not, where there are links.
        let linked = match self.existing {
            Existing::Stays => fs::hard_link(&self.part, &self.path),
            Existing::Replaced => Err(io::ErrorKind::Unsupported.into()),
        };
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(taken(&self.path));
            }
            Err(_) => {
                vacant(&self.path, self.existing)?;
                let part = std::mem::take(&mut self.part);
                fs::rename(part, &self.path).map_err(|error| self.failed(&error))?;
            }
        }
        sync_folder(&self.path).map_err(|error| self.failed(&error))
    }
}

/// Nothing stays of a file that was not finished, nor a second name of one that was.
impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.part);
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Seek for NewFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Where a table goes: to a new file, or to whoever reads standard output.
pub(crate) enum Out {
    File(NewFile),
    Standard(BufWriter<Stdout>),
}

impl Out {
    /// Begins a file, where one is named.
    pub(crate) fn new(file: Option<&Path>, existing: Existing) -> Result<Self, CliError> {
        Ok(match file {
            Some(file) => Self::File(NewFile::create(file, Writable::Anybody, existing)?),
            None => Self::Standard(BufWriter::new(io::stdout())),
        })
    }

    /// Writes some of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match self {
            Self::File(file) => file.write_all(bytes).map_err(|error| file.failed(&error)),
            Self::Standard(out) => out.write_all(bytes).map_err(|error| standard(&error)),
        }
    }

    /// Ends it: a file appears.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::File(file) => file.finish(),
            Self::Standard(mut out) => out.flush().map_err(|error| standard(&error)),
        }
    }
}

/// Says that standard output took no more.
fn standard(error: &io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::closed_pipe(),
        _ => CliError::file("cannot write", Path::new("-"), error),
    }
}

/// Makes a part file, in place of one that a cut left; the lock says that its writer lives.
fn begin(part: &Path, who: Writable) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if who == Writable::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let _ = who;
    let file = match options.open(part) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let left = fs::symlink_metadata(part)?.is_file();
            if left && matches!(File::open(part)?.try_lock(), Err(TryLockError::WouldBlock)) {
                return Err(io::Error::other("another program is writing it"));
            }
            fs::remove_file(part)?;
            options.open(part)?
        }
        opened => opened?,
    };
    // Where a file system has no locks, nobody is told that this one is being written.
    let _ = file.try_lock();
    Ok(file)
}

/// Makes the name of a file survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows cannot open a folder as a file, and makes names durable with the file.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
