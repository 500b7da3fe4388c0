//! What must hold before a command makes its first unit: each is refused before it costs a token.
//!
//! `check` asks the same, and all of it at once.

use std::path::Path;

use eol_inject::deliver::{self, Folder};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::ReadyToken;
use eol_inject::patch::Master;
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::Recipe;

use super::context;
use super::error::CliError;

/// Room that a label takes, at least.
const LABEL: u64 = 4096;

/// Reads a recipe that units are to be made by.
pub(crate) fn recipe(path: &Path) -> Result<Recipe, CliError> {
    let recipe = context::recipe(path)?;
    match recipe.hindrances().into_iter().next() {
        Some(error) => Err(CliError::from(error).about_file(path)),
        None => Ok(recipe),
    }
}

/// Makes sure that images and labels can be written where they go.
pub(crate) fn outputs(
    target: Option<&Folder>,
    labels: &LabelFolder,
    master: &Master,
) -> Result<(), CliError> {
    if let Some(target) = target {
        target.writable(master.image())?;
    }
    self::labels(labels)
}

/// Makes sure that labels can be written, where there are to be any.
pub(crate) fn labels(labels: &LabelFolder) -> Result<(), CliError> {
    match labels.wanted() {
        Some(folder) => Ok(deliver::writable(folder, LABEL)?),
        None => Ok(()),
    }
}

/// What a token list says that does not go into the slots, each kind of fault once.
#[derive(Default)]
pub(crate) struct Misfits(Vec<(String, CliError, usize)>);

impl Misfits {
    /// Looks through a list that is not taken in yet; tokens that a device has are given to no unit.
    pub(crate) fn of(recipe: &Recipe, master: &Master, list: &Pool) -> Self {
        let mut found = Self::default();
        let rows = (1usize..).zip(&list.rows);
        for (number, row) in rows.filter(|(_, row)| !row.claimed) {
            if let Err(error) = fits(recipe, master, row) {
                let place = format!("row {number} (token {})", row.token.fingerprint());
                found.note(place, error);
            }
        }
        found
    }

    /// Looks at a token of the ledger.
    pub(crate) fn look(&mut self, master: &Master, token: &ReadyToken) {
        let listed = master.accept_listed(&token.token, &token.columns);
        let bound = token.bound.as_ref().map(|serial| master.accept(serial));
        if let Err(error) = listed.and(bound.unwrap_or(Ok(()))) {
            self.note(format!("token {}", token.fingerprint), error.into());
        }
    }

    fn note(&mut self, place: String, error: CliError) {
        let same = |(_, known, _): &&mut (String, CliError, usize)| known.name == error.name;
        match self.0.iter_mut().find(same) {
            Some((_, _, more)) => *more += 1,
            None => self.0.push((place, error, 0)),
        }
    }

    /// Returns the faults in the order of their first rows.
    pub(crate) fn errors(self) -> impl Iterator<Item = CliError> {
        self.0.into_iter().map(|(place, error, more)| match more {
            0 => error.about(place),
            more => error.about(format_args!("{place} and {more} more")),
        })
    }
}

/// Refuses a row that no unit could be made of.
fn fits(recipe: &Recipe, master: &Master, row: &Row) -> Result<(), CliError> {
    master.accept_listed(&row.token, &row.columns)?;
    if let Some(serial) = &row.bound {
        recipe.serial.read(serial.as_str())?;
        master.accept(serial)?;
    }
    Ok(())
}
