//! Folders that a unit's traces go to: each must be writable before the first unit is begun.

use eol_inject::label::LabelFolder;
use eol_inject::recipe::{LedgerUrl, Recipe};
use eol_inject::target::Sync;

use super::sheet::{Sheet, Stage};
use crate::cli::gate;

/// Tries the folders of labels, of the ledger with all that stands beside it, and of its mirror.
pub(super) fn try_write(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    let labels = LabelFolder::of(recipe, Sync::Durable);
    sheet.take(Stage::Folders, gate::labels(recipe, &labels));
    let stage = match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => Stage::Ledger,
        LedgerUrl::Postgres(_) => Stage::Folders,
    };
    sheet.take(stage, gate::ledger(recipe));
    // A mirror that is gone is no folder that has to be put right.
    if !sheet.has("ledger-mirror-gone") {
        sheet.take(Stage::Ledger, gate::mirror(recipe));
    }
}
