//! Folders that a unit's traces go to: each must be writable before the first unit is begun.

use std::path::Path;

use eol_inject::deliver::{self, DeliverError, Sync};
use eol_inject::label::LabelFolder;
use eol_inject::recipe::{LedgerUrl, Recipe};

use super::ledger::unwritable;
use super::{Sheet, Stage};
use crate::cli::context;
use crate::cli::gate;

/// Tries the label folder, and the folder of the ledger with all that stands beside it.
pub(super) fn look(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    let labels = LabelFolder::of(recipe, Sync::Durable);
    sheet.take(Stage::Folders, gate::labels(&labels));
    // A server keeps the records; outbox, journal and boards stay here.
    let base = context::ledger_file(recipe);
    let beside = base.parent().unwrap_or(Path::new(""));
    match (deliver::writable(beside, 0), recipe.ledger_url()) {
        (Ok(()), _) => {}
        (Err(DeliverError::Folder { source, .. }), LedgerUrl::Sqlite(_)) => {
            sheet.find(Stage::Ledger, unwritable(recipe, source));
        }
        (Err(error), _) => sheet.find(Stage::Folders, error.into()),
    }
}
