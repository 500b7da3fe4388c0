//! Token lists: read as the recipe says, held against its slots, and taken into the ledger.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use eol_inject::ledger::{Actor, Ledger, LedgerError, OpenError, ReadyToken, TokenState};
use eol_inject::master::Master;
use eol_inject::pool::{self, Note, Pool, Row};
use eol_inject::recipe::{Organisation, PoolSpec, Recipe, SerialSource, When};
use eol_inject::unit::Digest;

use super::error::CliError;
use super::open_ledger::scope;
use super::output::{Output, count};

/// How long an import of another station is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a list of tokens that are used elsewhere, whatever its columns are called.
pub(crate) fn used(path: &Path) -> Result<Pool, CliError> {
    let list = pool::folder::open(path, &PoolSpec::default());
    let list = list.map_err(|error| CliError::from(error).about_file(path))?;
    Ok(list.used())
}

/// Reads a token list: a file, or the folder of an unpacked export.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Pool, CliError> {
    let spec = recipe.pool.clone().unwrap_or_default();
    let failed = |error| CliError::from(error).about_file(path);
    let mut pool = pool::folder::open(path, &spec).map_err(failed)?;
    pool.source = Some(source(path, recipe)?);
    // A serial of the list has the shape of one that is scanned; one that has none is told with the
    // other faults of its row.
    for serial in pool.rows.iter_mut().filter_map(|row| row.bound.as_mut()) {
        if let Ok(shaped) = recipe.serial.read(serial.as_str()) {
            *serial = shaped;
        }
    }
    Ok(pool)
}

/// Returns what a person should know about a list, as far as this recipe cares: what is wrong with
/// labels that nobody wants is nothing.
pub(crate) fn notes<'p>(recipe: &Recipe, pool: &'p Pool) -> impl Iterator<Item = &'p Note> {
    let label = (recipe.label.when, recipe.label.organisation);
    pool.notes.iter().filter(move |note| {
        !matches!(
            (note, label),
            (Note::NoQr | Note::NoOrganisation, (When::None, _))
                | (Note::NoOrganisation, (_, Organisation::Optional))
        )
    })
}

/// Digests where a token list comes from, how it is read, and for whom.
pub(crate) fn source(path: &Path, recipe: &Recipe) -> Result<Digest, CliError> {
    let spec = recipe.pool.clone().unwrap_or_default();
    let file = pool::folder::source(path, &spec)
        .map_err(|error| CliError::from(error).about_file(path))?;
    let scope = scope(recipe);
    let template = scope.template.unwrap_or_default();
    let text = format!("{file}\0{}\0{template}", scope.product);
    Ok(Digest::of(text.as_bytes()))
}

/// Waits for another station's import: stations are switched on together.
fn patiently<T>(mut act: impl FnMut() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match act() {
            Err(LedgerError::Open(OpenError::ImportBusy { .. })) if Instant::now() < until => {
                thread::sleep(PATIENCE / 100);
            }
            outcome => return outcome,
        }
    }
}

/// Takes the recipe's token list in, where it lies and is not known yet; not one whose rows do not
/// go into the slots.
pub(crate) fn import(
    recipe: &Recipe,
    master: &Master,
    ledger: &mut Ledger,
    actor: &Actor,
    output: &Output,
) -> Result<(), CliError> {
    let Some(file) = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref()) else {
        return Ok(());
    };
    let path = recipe.path(file);
    if !path.exists() {
        return Ok(());
    }
    if ledger.knows(&source(&path, recipe)?)? {
        return Ok(());
    }
    let pool = read(&path, recipe)?;
    if let Some(error) = Misfits::of(recipe, master, &pool).errors().next() {
        return Err(error.about_file(&path));
    }
    let import = patiently(|| ledger.import(&pool, actor))?;
    for note in notes(recipe, &pool) {
        output.warning(note);
    }
    if import.completed > 0 {
        output.note(format_args!(
            "{} completed from {}",
            count(import.completed, "known token"),
            path.display()
        ));
    }
    if import.added > 0 {
        output.note(format_args!(
            "{} taken in from {}",
            count(import.added, "token"),
            path.display()
        ));
    }
    Ok(())
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
    pub(crate) fn add_token(
        &mut self,
        recipe: &Recipe,
        master: Option<&Master>,
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
