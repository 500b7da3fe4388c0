//! Folders that a unit's traces go to: each must be writable before the first unit is begun.

use std::io;
use std::path::Path;

use eol_inject::deliver::{self, DeliverError, Sync};
use eol_inject::label::LabelFolder;
use eol_inject::recipe::{LedgerUrl, Recipe};

use super::ledger::{unmirrored, unwritable};
use super::{Sheet, Stage};
use crate::cli::books;
use crate::cli::gate;

/// Tries the folders of labels, of the ledger with all that stands beside it, and of its mirror.
pub(super) fn look(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    let labels = LabelFolder::of(recipe, Sync::Durable);
    sheet.take(Stage::Folders, gate::labels(&labels));
    // A server keeps the records; outbox, journal and boards stay here.
    let base = books::ledger_file(recipe);
    let beside = room(base.parent().unwrap_or(Path::new("")));
    match (beside.and_then(|()| may_write(&base)), recipe.ledger_url()) {
        (Ok(()), _) => {}
        (Err(error), LedgerUrl::Sqlite(_)) => {
            sheet.find(Stage::Ledger, unwritable(base, error));
        }
        (Err(source), LedgerUrl::Postgres(_)) => {
            let folder = base;
            sheet.find(
                Stage::Folders,
                DeliverError::Folder { folder, source }.into(),
            );
        }
    }
    if let Some(mirror) = books::mirror(recipe)
        && let Err(error) = room(&mirror)
    {
        sheet.find(Stage::Ledger, unmirrored(mirror, error));
    }
}

fn room(folder: &Path) -> io::Result<()> {
    // One page of a database, or a few events.
    match deliver::writable(folder, 4096) {
        Err(DeliverError::Folder { source, .. }) => Err(source),
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
