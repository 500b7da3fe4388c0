//! Where the key of a recipe's ledger comes from.

use eol_inject::ledger::KeyPlace;
use eol_inject::recipe::{KeySource, LedgerUrl, Recipe};

use super::error::CliError;

/// Returns where the key of a ledger in a file comes from.
pub(crate) fn place(recipe: &Recipe) -> KeyPlace {
    let spec = recipe.ledger.as_ref();
    let source = spec.and_then(|ledger| ledger.key.clone());
    let folder = recipe.folder().to_owned();
    match (source, spec.and_then(|ledger| ledger.home.clone())) {
        (source, Some(home)) => KeyPlace::Part(source.unwrap_or_default(), folder, home),
        (Some(source), None) => KeyPlace::From(source, folder),
        (None, None) => KeyPlace::Beside,
    }
}

/// What helps where a ledger that is not there yet finds no key.
const NEW_KEY: &str = "eol-inject ledger key new -o FILE makes a key: eol-inject help ledger";

/// What helps where the command that brings its key fails.
const KEY_COMMAND: &str = "run the command of key in [ledger] by hand, as this user and in the recipe's \
    folder: it must end well and print the key alone";

/// Says what helps where a new ledger finds no key: a command that fails is no key that is missing.
pub(crate) fn help_for_new(recipe: &Recipe) -> &'static str {
    let source = recipe
        .ledger
        .as_ref()
        .and_then(|ledger| ledger.key.as_ref());
    match source {
        Some(KeySource::Command(_)) => KEY_COMMAND,
        _ => NEW_KEY,
    }
}

/// Makes sure that a key can be had for a ledger that is not there yet.
pub(crate) fn try_for_new(recipe: &Recipe) -> Result<(), CliError> {
    try_read(recipe).map_err(|error| error.with_hint(Some(help_for_new(recipe))))
}

/// Makes sure that a key can be had from where the recipe says.
pub(crate) fn try_read(recipe: &Recipe) -> Result<(), CliError> {
    let place = match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => place(recipe),
        LedgerUrl::Postgres(_) => {
            let source = recipe.ledger.as_ref().and_then(|ledger| ledger.key.clone());
            KeyPlace::From(source.unwrap_or_default(), recipe.folder().to_owned())
        }
    };
    Ok(place.try_read(&recipe.ledger_base())?)
}
