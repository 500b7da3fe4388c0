//! What must hold before a command makes its first unit: each is refused before it costs a token.
//!
//! `check` asks the same, and all of it at once.

use std::path::Path;

use eol_inject::deliver::{self, Folder};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{ReadyToken, TokenState};
use eol_inject::patch::Master;
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::{Recipe, SerialSource};

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

/// How many faulty rows are named.
const NAMED: usize = 10;

/// What a token list says that does not go into the slots, each kind of fault once, with the rows that
/// have it.
#[derive(Default)]
pub(crate) struct Misfits(Vec<Misfit>);

/// One kind of fault.
struct Misfit {
    error: CliError,
    /// The first rows that have it.
    places: Vec<String>,
    /// How many more there are.
    more: usize,
}

impl Misfits {
    /// Looks through a list that is not taken in yet; tokens that a device has are given to no unit.
    pub(crate) fn of(recipe: &Recipe, master: &Master, list: &Pool) -> Self {
        let mut found = Self::default();
        for (index, row) in list.rows.iter().enumerate().filter(|(_, row)| !row.claimed) {
            if let Err(error) = fits(recipe, master, row) {
                found.note(list.place(index).to_string(), error);
            }
        }
        found
    }

    /// Looks through a list for serials that this recipe makes no unit of, whatever its slots are.
    pub(crate) fn serials(recipe: &Recipe, list: &Pool) -> Self {
        let mut found = Self::default();
        for (index, row) in list.rows.iter().enumerate().filter(|(_, row)| !row.claimed) {
            if let Some(Err(error)) = row
                .bound
                .as_ref()
                .map(|one| recipe.serial.read(one.as_str()))
            {
                found.note(list.place(index).to_string(), error.into());
            }
        }
        found
    }

    /// Looks at a token of the ledger; a serial that is not claimed yet is held against the recipe too.
    pub(crate) fn look(
        &mut self,
        (recipe, master): (&Recipe, Option<&Master>),
        token: &ReadyToken,
    ) {
        let place = || format!("token {}", token.fingerprint);
        if let Err(error) = own_serial(recipe, token) {
            self.note(place(), error);
        }
        let Some(master) = master else {
            return;
        };
        let listed = master.accept_listed(&token.token, &token.columns);
        let bound = token.bound.as_ref().map(|serial| master.accept(serial));
        if let Err(error) = listed.and(bound.unwrap_or(Ok(()))) {
            self.note(place(), error.into());
        }
    }

    fn note(&mut self, place: String, error: CliError) {
        match self
            .0
            .iter_mut()
            .find(|known| known.error.name == error.name)
        {
            Some(known) if known.places.len() < NAMED => known.places.push(place),
            Some(known) => known.more += 1,
            None => self.0.push(Misfit {
                error,
                places: vec![place],
                more: 0,
            }),
        }
    }

    /// Returns the faults in the order of their first rows.
    pub(crate) fn errors(self) -> impl Iterator<Item = CliError> {
        self.0.into_iter().map(
            |Misfit {
                 error,
                 places,
                 more,
             }| {
                let rows = match more {
                    0 => places.join(", "),
                    more => format!("{} and {more} more", places.join(", ")),
                };
                let hint = error.hint.is_none().then_some(ROW);
                let error = error.about(rows);
                match hint {
                    Some(hint) => error.with_hint(Some(hint)),
                    None => error,
                }
            },
        )
    }
}

/// What helps where a row does not go with the recipe.
const ROW: &str = "put these rows of the list right, or the recipe that they do not go with";

/// Holds the serial that a free token is fixed to against the recipe, where that is where serials come
/// from: such a unit would be made, and then refused everywhere else.
fn own_serial(recipe: &Recipe, token: &ReadyToken) -> Result<(), CliError> {
    let source = recipe.serial.source == SerialSource::Pool && token.state == TokenState::Free;
    if let Some(serial) = token.bound.as_ref().filter(|_| source) {
        recipe.serial.read(serial.as_str())?;
    }
    Ok(())
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
