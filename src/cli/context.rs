//! What several commands begin with: recipe, image, Master, ledger, station.

use std::path::Path;
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use eol_inject::ledger::{Actor, Claim, Finished, Ledger, LedgerError, Scope, Seated, Target};
use eol_inject::master::Master;
use eol_inject::pool::{self, Note, Pool};
use eol_inject::recipe::{Organisation, PoolSpec, Recipe, When};
use eol_inject::target::Sync;
use eol_inject::unit::{AuthToken, Digest, Serial};

pub(crate) use super::books::{Missing, ledger, ledger_file, ledger_for, records};
use super::error::{CliError, exit};
pub(crate) use super::file::{Existing, NewFile, Writable, read, vacant, write};
pub(crate) use super::firmware::{
    Need, extension, image_name, master, read_image, shared, with_keys,
};
use super::gate::Misfits;
use super::output::{self, Output, count};
use super::{DecisionArgs, StationArgs, found};

/// How long an import of another station is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a recipe.
pub(crate) fn recipe(path: &Path) -> Result<Recipe, CliError> {
    if found::is_missing(path) {
        return Err(no_recipe());
    }
    if found::is_above(path) {
        static TOLD: Once = Once::new();
        TOLD.call_once(|| output::aside(format_args!("recipe {}", path.display())));
    }
    let bytes = read(path, exit::RECIPE, "the recipe")?;
    let text = String::from_utf8(bytes).map_err(|_| {
        CliError::new(
            exit::RECIPE,
            "recipe-syntax",
            format!("{} is not UTF-8 text", path.display()),
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let recipe =
        Recipe::parse(&text, folder).map_err(|error| CliError::from(error).about_file(path))?;
    no_token(&recipe.product, "the recipe's product")?;
    no_token(
        recipe.template.as_deref().unwrap_or_default(),
        "the recipe's template",
    )?;
    Ok(recipe)
}

fn no_recipe() -> CliError {
    let (name, message) = match found::foreign() {
        Some(path) => (
            "recipe-foreign",
            format!(
                "there is no recipe.toml in this folder, and {} is another user's",
                path.display()
            ),
        ),
        None => (
            "recipe-absent",
            "there is no recipe.toml in this folder, nor in one above it".to_owned(),
        ),
    };
    CliError::new(exit::RECIPE, name, message)
}

/// Returns the station's name: as given, else the computer's.
pub(crate) fn station(given: Option<&str>) -> String {
    given.map_or_else(
        || gethostname::gethostname().to_string_lossy().into_owned(),
        str::to_owned,
    )
}

/// Refuses a name that is recorded or handed on and looks like a token.
pub(crate) fn no_token(text: &str, what: &str) -> Result<(), CliError> {
    if AuthToken::stands_in(text) {
        return Err(CliError::usage(format!(
            "{what} looks like a token; it is not recorded nor repeated here"
        )));
    }
    Ok(())
}

/// Refuses words for the record that hold a token: the record is read by many, and for ever.
pub(crate) fn plain(actor: Actor) -> Result<Actor, CliError> {
    let words = [
        Some(&actor.station),
        actor.by.as_ref(),
        actor.reason.as_ref(),
    ];
    if words
        .into_iter()
        .flatten()
        .any(|text| AuthToken::stands_in(text))
    {
        return Err(CliError::usage(
            "a name or reason holds what looks like a token; it is not recorded nor repeated here",
        ));
    }
    Ok(actor)
}

impl StationArgs {
    /// Returns who is at work, for the record.
    ///
    /// # Errors
    /// A token is no name.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        plain(Actor {
            station: station(self.station.as_deref()),
            by: self.operator.clone(),
            reason: None,
        })
    }
}

impl DecisionArgs {
    /// Returns who decides, and why.
    ///
    /// # Errors
    /// Neither may be empty: the record would be worth nothing.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        if self.by.trim().is_empty() || self.reason.trim().is_empty() {
            return Err(CliError::usage("--by and --reason must not be empty"));
        }
        plain(Actor {
            station: station(self.station.as_deref()),
            by: Some(self.by.clone()),
            reason: Some(self.reason.clone()),
        })
    }
}

/// Returns which tokens and units the recipe means.
pub(crate) fn scope(recipe: &Recipe) -> Scope {
    Scope {
        product: recipe.product.clone(),
        template: recipe.template.clone(),
    }
}

/// Reads a list of tokens that are used elsewhere, whatever its columns are called.
pub(crate) fn used_list(path: &Path) -> Result<Pool, CliError> {
    let list = pool::folder::open(path, &PoolSpec::default());
    let list = list.map_err(|error| CliError::from(error).about_file(path))?;
    Ok(list.used())
}

/// Reads a token list: a file, or the folder of an unpacked export.
pub(crate) fn token_list(path: &Path, recipe: &Recipe) -> Result<Pool, CliError> {
    let spec = recipe.pool.clone().unwrap_or_default();
    let failed = |error| CliError::from(error).about_file(path);
    let mut pool = pool::folder::open(path, &spec).map_err(failed)?;
    pool.source = Some(list_source(path, recipe)?);
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
pub(crate) fn list_source(path: &Path, recipe: &Recipe) -> Result<Digest, CliError> {
    let spec = recipe.pool.clone().unwrap_or_default();
    let source = pool::folder::source(path, &spec)
        .map_err(|error| CliError::from(error).about_file(path))?;
    let scope = scope(recipe);
    let template = scope.template.unwrap_or_default();
    let text = format!("{source}\0{}\0{template}", scope.product);
    Ok(Digest::of(text.as_bytes()))
}

/// Waits for another station's import: stations are switched on together.
fn patiently<T>(mut act: impl FnMut() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match act() {
            Err(LedgerError::ImportBusy { .. }) if Instant::now() < until => {
                thread::sleep(PATIENCE / 100);
            }
            outcome => return outcome,
        }
    }
}

/// Takes the recipe's token list in, where it lies and is not known yet; not one whose rows do not
/// go into the slots.
pub(crate) fn import_pool(
    (recipe, master): (&Recipe, &Master),
    ledger: &mut dyn Ledger,
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
    if ledger.knows(&list_source(&path, recipe)?)? {
        return Ok(());
    }
    let pool = token_list(&path, recipe)?;
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

/// Returns the serial of a unit on record that `text` names, whatever the recipe says of serials
/// today; of one that is not on record, what the recipe makes of it.
pub(crate) fn on_record(
    recipe: &Recipe,
    ledger: &dyn Ledger,
    text: &str,
) -> Result<Serial, CliError> {
    let [plain, shaped] = recipe.serial.known(text)?;
    match ledger.find(&plain)? {
        Some(_) => Ok(plain),
        None => Ok(shaped),
    }
}

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
