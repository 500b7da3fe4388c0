//! What several commands begin with: recipe, image, Master, ledger, station.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use eol_inject::deliver::Sync;
use eol_inject::image::{Conversion, Edits, Hint, Image};
use eol_inject::ledger::{
    Actor, Claim, Finished, Identity, Ledger, LedgerError, Scope, Simulated, Sqlite, Target,
};
use eol_inject::nvs;
use eol_inject::patch::{Master, MasterError};
use eol_inject::pool::{self, Pool};
use eol_inject::recipe::{LedgerUrl, Recipe};
use eol_inject::unit::{AuthToken, Digest, Serial};
use zeroize::Zeroizing;

use super::error::{CliError, exit};
use super::output::{Output, count};
use super::{DecisionArgs, StationArgs};

/// Largest file that is read whole: far above any microcontroller's flash.
const LARGEST: u64 = 1 << 30;

/// How long an import of another station is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a file that a person names.
pub(crate) fn read(path: &Path, code: u8, what: &str) -> Result<Vec<u8>, CliError> {
    load(path).map_err(|reason| {
        let message = format!("cannot read {what} {}: {reason}", path.display());
        CliError::new(code, "file", message)
    })
}

/// Reads a file whole, or says why not.
fn load(path: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LARGEST {
        return Err(format!("it has {length} bytes, at most {LARGEST} are read"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    /// Its owner: it holds secrets.
    Owner,
    /// Anybody the system lets.
    Anybody,
}

/// Writes a file that a person names.
pub(crate) fn write(path: &Path, bytes: &[u8], who: Writable) -> Result<(), CliError> {
    create(path, who)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(|error| CliError::file("cannot write", path, &error))
}

/// Makes a file, or empties one.
pub(crate) fn create(path: &Path, who: Writable) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if who == Writable::Owner {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        // The mode above counts for a new file only.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        return Ok(file);
    }
    let _ = who;
    options.open(path)
}

/// Reads a recipe.
pub(crate) fn recipe(path: &Path) -> Result<Recipe, CliError> {
    let bytes = read(path, exit::RECIPE, "the recipe")?;
    let text = String::from_utf8(bytes).map_err(|_| {
        CliError::new(
            exit::RECIPE,
            "recipe-syntax",
            format!("{} is not UTF-8 text", path.display()),
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Recipe::parse(&text, folder).map_err(|error| CliError::from(error).about_file(path))
}

/// Reads the shared image, with the names that the recipe gives it.
pub(crate) fn image(recipe: &Recipe) -> Result<Image, CliError> {
    let bytes = shared(recipe)?;
    let image = Image::read(bytes, recipe.image.hint())
        .map_err(|error| CliError::from(error).about_file(&image_name(recipe)))?;
    match &recipe.image.symbols {
        Some(names) => {
            let names = recipe.path(names);
            let program = read_image(&names, Hint::default())?;
            image
                .with_names(&program)
                .map_err(|error| CliError::from(error).about(names.display()))
        }
        None => Ok(image),
    }
}

/// Reads the shared image's bytes, or makes them, as the recipe says.
pub(crate) fn shared(recipe: &Recipe) -> Result<Vec<u8>, CliError> {
    let file = recipe.image_file();
    let bytes = file
        .map(|file| read(&file, exit::IMAGE, "the image"))
        .transpose()?;
    let mut beside = |file: &Path| load(&recipe.path(file));
    nvs::shared(recipe, bytes, &mut beside)
        .map_err(|error| CliError::from(error).about_file(&image_name(recipe)))
}

/// Returns how people call the shared image.
pub(crate) fn image_name(recipe: &Recipe) -> PathBuf {
    let file = recipe.image_file();
    file.unwrap_or_else(|| recipe.image_name().into())
}

/// Reads an image file.
pub(crate) fn read_image(path: &Path, hint: Hint) -> Result<Image, CliError> {
    let bytes = read(path, exit::IMAGE, "the image")?;
    Image::read(bytes, hint).map_err(|error| CliError::from(error).about_file(path))
}

/// What keys are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// To sign: private keys.
    Sign,
    /// To check signatures: public keys, as far as the recipe names them.
    Check,
}

/// Reads the key files that the recipe names.
pub(crate) fn with_keys(recipe: &Recipe, need: Need) -> Result<Recipe, CliError> {
    let mut keyed = recipe.clone();
    for spec in &recipe.checksums {
        let file = match need {
            Need::Sign => spec.key.as_ref().or(spec.public_key.as_ref()),
            Need::Check => spec.public_key.as_ref().or(spec.key.as_ref()),
        };
        if let Some(file) = file {
            let bytes = read(&recipe.path(file), exit::RECIPE, "the key")?;
            keyed.keys.put(file, Zeroizing::new(bytes));
        }
    }
    Ok(keyed)
}

/// Proves the recipe on the shared image; every checksum can then be made.
pub(crate) fn master(recipe: &Recipe) -> Result<Master, CliError> {
    let file = image_name(recipe);
    let recipe = with_keys(recipe, Need::Sign)?;
    let master = Master::prove(image(&recipe)?, &recipe)
        .map_err(|error| CliError::from(error).about_file(&file))?;
    let checksums = master.plan().checksums().iter();
    for checksum in checksums.filter(|checksum| !checksum.can_be_made()) {
        // It says why not, before a unit costs a token.
        checksum
            .compute(master.image(), &Edits::new())
            .map_err(|error| CliError::from(MasterError::from(error)).about_file(&file))?;
    }
    Ok(master)
}

/// Returns the extension that images of this recipe get.
pub(crate) fn extension(recipe: &Recipe, image: &Image, form: Option<Conversion>) -> String {
    if let Some(form) = form {
        return form.extension().to_owned();
    }
    recipe.image_extension().map_or_else(
        || image.format().to_string(),
        |extension| extension.to_string_lossy().into_owned(),
    )
}

/// Returns the station's name: as given, else the computer's.
pub(crate) fn station(given: Option<&str>) -> String {
    given.map_or_else(
        || gethostname::gethostname().to_string_lossy().into_owned(),
        str::to_owned,
    )
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

/// Whether a ledger that is not there yet is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made, with its key.
    Create,
    /// That is an error.
    Refuse,
}

/// Returns the file of a recipe's ledger, or what stands for it beside the recipe.
pub(crate) fn ledger_file(recipe: &Recipe) -> PathBuf {
    recipe.ledger_base()
}

/// Returns the file of a ledger that is one.
fn sqlite_file(recipe: &Recipe) -> Result<PathBuf, CliError> {
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => Ok(recipe.path(&file)),
        url @ LedgerUrl::Postgres(_) => Err(CliError::new(
            exit::LEDGER,
            "ledger-kind",
            format!("{url}: this program was built without PostgreSQL"),
        )),
    }
}

/// Opens the recipe's ledger to work with tokens and records, of whichever kind its units are.
pub(crate) fn ledger(
    recipe: &Recipe,
    actor: &Actor,
    missing: Missing,
) -> Result<Box<dyn Ledger>, CliError> {
    // What cannot be looked into is told when it is opened.
    let stock = records(recipe).ok().and_then(|ledger| ledger.stock().ok());
    let kind = stock.and_then(|stock| stock.simulated).unwrap_or_default();
    ledger_for(recipe, actor, (missing, kind))
}

/// Opens the recipe's ledger to make real or simulated units.
pub(crate) fn ledger_for(
    recipe: &Recipe,
    actor: &Actor,
    (missing, simulated): (Missing, Simulated),
) -> Result<Box<dyn Ledger>, CliError> {
    let file = sqlite_file(recipe)?;
    let identity = Identity {
        station: actor.station.clone(),
        simulated,
    };
    let opened = match missing {
        Missing::Create => Sqlite::open(&file, &scope(recipe), identity),
        Missing::Refuse => Sqlite::open_existing(&file, &scope(recipe), identity),
    };
    match opened {
        Ok(ledger) => Ok(Box::new(ledger)),
        Err(error) => Err(CliError::from(error).about_file(&file)),
    }
}

/// Opens the recipe's ledger, to look into it: nothing is written.
pub(crate) fn records(recipe: &Recipe) -> Result<Box<dyn Ledger>, CliError> {
    let file = sqlite_file(recipe)?;
    match Sqlite::inspect(&file, &scope(recipe)) {
        Ok(ledger) => Ok(Box::new(ledger)),
        Err(error) => Err(CliError::from(error).about_file(&file)),
    }
}

/// Reads a token list: a file, or the folder of an unpacked export.
pub(crate) fn token_list(path: &Path, recipe: &Recipe) -> Result<Pool, CliError> {
    let spec = recipe.pool.clone().unwrap_or_default();
    let failed = |error| CliError::from(error).about_file(path);
    let mut pool = pool::folder::open(path, &spec).map_err(failed)?;
    pool.source = Some(list_source(path, recipe)?);
    Ok(pool)
}

/// Digests where a token list comes from, how it is read, and for whom.
fn list_source(path: &Path, recipe: &Recipe) -> Result<Digest, CliError> {
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

/// Takes the recipe's token list in, where it lies and is not known yet.
pub(crate) fn import_pool(
    recipe: &Recipe,
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
    let import = patiently(|| ledger.import(&pool, actor))?;
    if import.added > 0 {
        output.note(format_args!(
            "{} taken in from {}",
            count(import.added, "token"),
            path.display()
        ));
    }
    Ok(())
}

/// Makes the claim of one unit.
pub(crate) fn claim(serial: Serial, master: &Master, recipe: &Recipe, sync: Sync) -> Claim {
    Claim {
        serial,
        uid: None,
        image: master.digest(),
        recipe: recipe.digest,
        target: Target::File,
        finished: match sync {
            Sync::Durable => Finished::Durable,
            Sync::Written => Finished::Written,
        },
    }
}

/// Returns a flag that Ctrl-C sets: units in hand are finished, and no further one is begun.
pub(crate) fn interrupted() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    // Without the handler Ctrl-C ends the program at once, and the units in hand are resumed.
    let _ = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::SeqCst) {
            std::process::exit(exit::INTERRUPTED.into());
        }
    });
    flag
}
