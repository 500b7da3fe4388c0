//! What must hold before a command makes its first unit: each is refused before it costs a token.
//!
//! `check` asks the same, and all of it at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use eol_inject::label::LabelFolder;
use eol_inject::ledger::{
    Claim, Finished, LedgerError, RestoreError, Seated, StorageError, Target,
};
use eol_inject::master::Master;
use eol_inject::recipe::{LedgerUrl, Recipe};
use eol_inject::target::{self, Folder, Sync, TargetError};
use eol_inject::unit::Serial;

use super::error::CliError;
use super::{guard, open_ledger};

/// Room that a label takes, at least.
const LABEL: u64 = 4096;

/// Room that a ledger or mirror needs to go on: one page of a database, or a few events.
const PAGE: u64 = 4096;

/// Room that a new ledger needs with its log, as measured: its tables take half of it.
const NEW: u64 = 1 << 20;

/// How much more of the ledger a list takes than of its own file: six times, as measured.
const A_ROW: u64 = 6;

/// More is not tried for a list: it would take too long, and an import that finds no room takes
/// nothing in.
const MOST: u64 = 16 << 20;

/// Makes the claim of one unit.
pub(crate) fn claim(serial: Serial, master: &Master, recipe: &Recipe, sync: Sync) -> Claim {
    Claim {
        serial,
        uid: None,
        seated: Seated::Unknown,
        image: master.digest(),
        recipe: recipe.digest,
        target: Target::File,
        finished: match sync {
            Sync::Durable => Finished::Durable,
            Sync::Written => Finished::Written,
        },
    }
}

/// Makes sure that images and labels can be written where they go, and that records can be kept.
pub(crate) fn outputs(
    recipe: &Recipe,
    master: &Master,
    target: Option<&Folder>,
    labels: &LabelFolder,
) -> Result<(), CliError> {
    if let Some(target) = target {
        target.writable(master.image())?;
    }
    self::labels(recipe, labels)?;
    ledger(recipe)?;
    // The mirror of a ledger that is there is looked at when it is opened.
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) if !recipe.path(&file).exists() => mirror(recipe),
        _ => Ok(()),
    }
}

/// Makes sure that labels can be written, where there are to be any.
pub(crate) fn labels(recipe: &Recipe, labels: &LabelFolder) -> Result<(), CliError> {
    let Some(folder) = labels.wanted() else {
        return Ok(());
    };
    if guard::is_of_ledger(folder, recipe) {
        return Err(TargetError::Folder {
            folder: folder.to_owned(),
            source: io::Error::other("the ledger keeps something of this name"),
        }
        .into());
    }
    Ok(target::writable(folder, LABEL)?)
}

/// Makes sure that a ledger can be kept, or made, with all that stands beside it.
pub(crate) fn ledger(recipe: &Recipe) -> Result<(), CliError> {
    let base = recipe.ledger_base();
    // Its folder is not made: a disk that is not mounted would get a ledger of its own.
    let folder = base
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let kept = fs::metadata(folder.unwrap_or(Path::new(".")))
        .and_then(|_| room(folder.unwrap_or(Path::new("")), needed(recipe, &base)))
        .and_then(|()| may_write(&base));
    kept.map_err(|source| match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => unwritable(base, source),
        // A server keeps the records; outbox, journal and boards stay here.
        LedgerUrl::Postgres(_) => {
            let folder = base;
            TargetError::Folder { folder, source }.into()
        }
    })
}

/// Makes sure that the mirror can be written, or begun: the disk that it is on must be there.
pub(crate) fn mirror(recipe: &Recipe) -> Result<(), CliError> {
    let Some(mirror) = open_ledger::mirror(recipe) else {
        return Ok(());
    };
    let above = mirror
        .parent()
        .filter(|above| !above.as_os_str().is_empty());
    let there = match mirror.is_dir() {
        true => Ok(()),
        false => fs::metadata(above.unwrap_or(Path::new("."))).map(drop),
    };
    there.and_then(|()| room(&mirror, PAGE)).map_err(|source| {
        let path = mirror;
        LedgerError::Restore(RestoreError::Mirror { path, source }).into()
    })
}

/// Returns what a ledger takes of its disk before its first unit is claimed.
fn needed(recipe: &Recipe, base: &Path) -> u64 {
    let is_new = matches!(recipe.ledger_url(), LedgerUrl::Sqlite(_))
        && fs::metadata(base).map_or(true, |found| found.len() == 0);
    if !is_new {
        return PAGE;
    }
    let list = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    let list = list.and_then(|file| fs::metadata(recipe.path(file)).ok());
    let rows = list.map_or(0, |list| list.len().saturating_mul(A_ROW));
    NEW.saturating_add(rows.min(MOST))
}

fn room(folder: &Path, bytes: u64) -> io::Result<()> {
    match target::writable(folder, bytes) {
        Err(TargetError::Folder { source, .. }) => Err(source),
        _ => Ok(()),
    }
}

/// Returns whether a file may be written, where it is there.
fn may_write(file: &Path) -> io::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    // It is not opened: closing it would drop the database's own locks (fcntl(2)).
    #[cfg(unix)]
    {
        Ok(rustix::fs::access(file, rustix::fs::Access::WRITE_OK)?)
    }
    #[cfg(not(unix))]
    {
        match file.metadata()?.permissions().readonly() {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        }
    }
}

/// Returns the error of a ledger that cannot be made or written where it is.
fn unwritable(path: PathBuf, source: io::Error) -> CliError {
    let error = match (source.kind(), path.exists()) {
        (io::ErrorKind::StorageFull, _) => LedgerError::Storage(StorageError::Full {
            source: source.into(),
        }),
        (_, true) => LedgerError::Storage(StorageError::ReadOnly {
            source: source.into(),
        }),
        (_, false) => LedgerError::Storage(StorageError::File { path, source }),
    };
    error.into()
}
