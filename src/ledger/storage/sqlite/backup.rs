//! Copies of a ledger that is in use, consistent and whole or not there.

use rusqlite::backup::{Backup, StepResult};
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use super::connect::{self, fault};
use super::{KeyPlace, MAKING, Sqlite, part, present, schema};
use crate::ledger::LedgerError;
use crate::ledger::error::about;
use crate::vault::files::{beside, create, sync_folder};

/// How many pages are copied at once: others write in between.
const PAGES: i32 = 2048;
/// How long others get in between.
const PAUSE: Duration = Duration::from_millis(2);

impl Sqlite {
    /// Copies the ledger at `from` to the new file `to`, owner-only and synced, while others may
    /// write to it: the copy is the ledger at one moment. Its key is not in it.
    ///
    /// # Errors
    /// [`LedgerError`]; then `to` is not there.
    pub fn copy(from: &Path, to: &Path) -> Result<(), LedgerError> {
        Self::copy_with(from, to, |_| Ok(()))
    }

    /// Copies the ledger, and has `act` finish the copy before it gets its name.
    pub(super) fn copy_with(
        from: &Path,
        to: &Path,
        act: impl FnOnce(&Path) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        present(from, &KeyPlace::Beside)?;
        let hidden = hidden(to);
        part::clear(&hidden)?;
        part::free(to)?;
        let made = fill(from, &hidden).and_then(|()| {
            act(&hidden)?;
            part::give_name(&hidden, to)
        });
        if made.is_err() {
            // What stays is cleared by the next try.
            let _ = part::clear(&hidden);
        }
        made
    }
}

fn hidden(to: &Path) -> std::path::PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.part"))
}

/// Fills a copy and syncs it.
pub fn fill(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let source = connect::read(from)?;
    schema::known_to_us(&source, from, &KeyPlace::Beside)?;
    {
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        drop(create(to).map_err(about(to))?);
    }
    let mut target = connect::write(to)?;
    // One read transaction: however others write, it is one moment that is copied, and the
    // copy never begins anew.
    let moment = source.unchecked_transaction().map_err(fault)?;
    moment
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .map_err(fault)?;
    let backup = Backup::new(&moment, &mut target).map_err(fault)?;
    loop {
        match backup.step(PAGES).map_err(fault)? {
            StepResult::Done => break,
            _ => std::thread::sleep(PAUSE),
        }
    }
    drop(backup);
    drop(target);
    part::single(to)?;
    sync_folder(&beside(to, "")).map_err(about(to))
}
