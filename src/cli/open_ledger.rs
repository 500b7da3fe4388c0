//! Which ledger a recipe means, and how it is opened.

use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "probe")]
use eol_inject::ledger::SealedJournal;
use eol_inject::ledger::{
    Actor, History, Identity, KeyPlace, Ledger, LedgerError, OpenError, Remaking, Rotation, Scope,
    Simulated, Sqlite, StorageError,
};
#[cfg(feature = "postgres")]
use eol_inject::ledger::{Postgres, Server};
#[cfg(any(feature = "postgres", feature = "probe"))]
use eol_inject::recipe::LedgerSpec;
use eol_inject::recipe::{HomeId, KeySource, LedgerUrl, Recipe};
use eol_inject::unit::Serial;

use super::args::station;
use super::error::{CliError, exit};

/// How long somebody who only looks waits for a server.
#[cfg(feature = "postgres")]
const GLANCE: Duration = Duration::from_secs(5);

/// The identity of a ledger, where its key is at hand.
pub(crate) type Identified = Result<Option<HomeId>, CliError>;

/// Whether a ledger that is not there yet is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made, a file with its key.
    Create,
    /// That is an error.
    Refuse,
}

/// Returns the file of a recipe's ledger, or what stands for it beside the recipe.
pub(crate) fn ledger_file(recipe: &Recipe) -> PathBuf {
    recipe.ledger_base()
}

/// Returns the file of a ledger that is one; others have means of their own server.
pub(crate) fn file(recipe: &Recipe) -> Result<PathBuf, CliError> {
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => Ok(recipe.path(&file)),
        url @ LedgerUrl::Postgres(_) => Err(CliError::new(
            exit::USAGE,
            "ledger-kind",
            format!("{url} is no file: its server has tools of its own for that"),
        )
        .with_hint(Some(ON_SERVER))),
    }
}

/// How a ledger on a server is kept.
pub(crate) const ON_SERVER: &str =
    "back it up by pg_dump or a snapshot, and record that: eol-inject ledger backup --elsewhere";

/// Returns where the key of a ledger in a file comes from.
pub(crate) fn key_place(recipe: &Recipe) -> KeyPlace {
    let spec = recipe.ledger.as_ref();
    let source = spec.and_then(|ledger| ledger.key.clone());
    let folder = recipe.folder().to_owned();
    match (source, spec.and_then(|ledger| ledger.home.clone())) {
        (source, Some(home)) => KeyPlace::Part(source.unwrap_or_default(), folder, home),
        (Some(source), None) => KeyPlace::From(source, folder),
        (None, None) => KeyPlace::Beside,
    }
}

/// Returns the folder of the ledger's mirror.
pub(crate) fn mirror(recipe: &Recipe) -> Option<PathBuf> {
    let mirror = recipe.ledger.as_ref()?.mirror.as_ref()?;
    Some(recipe.path(mirror))
}

/// Ties an open ledger to its mirror, where the recipe names one.
fn mirrored(recipe: &Recipe, opened: Result<Ledger, LedgerError>) -> Result<Ledger, LedgerError> {
    match mirror(recipe) {
        Some(folder) => opened?.mirrored(&folder),
        None => opened,
    }
}

/// Opens the recipe's ledger to work with tokens and records, of whichever kind its units are.
pub(crate) fn ledger(recipe: &Recipe, actor: &Actor, missing: Missing) -> Result<Ledger, CliError> {
    let kind = match records(recipe) {
        Ok(ledger) => ledger.simulated().ok().flatten(),
        // It was waited for already.
        Err(error) if error.name == "ledger-unreachable" => return Err(error),
        // What cannot be looked into is told when it is opened.
        Err(_) => None,
    };
    ledger_for(recipe, actor, (missing, kind.unwrap_or_default()))
}

/// Opens the recipe's ledger to make real or simulated units.
pub(crate) fn ledger_for(
    recipe: &Recipe,
    actor: &Actor,
    how: (Missing, Simulated),
) -> Result<Ledger, CliError> {
    open(recipe, actor, how).map_err(|error| match error.name {
        // One that is there opens with its own key only.
        "ledger-key-unread" if is_new(recipe) => error.with_hint(Some(new_key(recipe))),
        _ => error,
    })
}

/// What helps where a ledger that is not there yet finds no key.
const NEW_KEY: &str = "eol-inject ledger key new -o FILE makes a key: eol-inject help ledger";

/// What helps where the command that brings its key fails.
const KEY_COMMAND: &str = "run the command of key in [ledger] by hand, as this user and in the recipe's \
    folder: it must end well and print the key alone";

/// Says what helps where a new ledger finds no key: a command that fails is no key that is missing.
fn new_key(recipe: &Recipe) -> &'static str {
    let source = recipe
        .ledger
        .as_ref()
        .and_then(|ledger| ledger.key.as_ref());
    match source {
        Some(KeySource::Command(_)) => KEY_COMMAND,
        _ => NEW_KEY,
    }
}

/// Returns whether it is certain that the recipe's ledger is not there yet.
fn is_new(recipe: &Recipe) -> bool {
    matches!(records_if_any(recipe), Ok(None))
}

/// Makes sure that a key can be had for a ledger that is not there yet.
pub(crate) fn key_for_new(recipe: &Recipe) -> Result<(), CliError> {
    key_tried(recipe).map_err(|error| error.with_hint(Some(new_key(recipe))))
}

/// Makes sure that a key can be had from where the recipe says.
pub(crate) fn key_tried(recipe: &Recipe) -> Result<(), CliError> {
    let place = match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => key_place(recipe),
        LedgerUrl::Postgres(_) => {
            let source = recipe.ledger.as_ref().and_then(|ledger| ledger.key.clone());
            KeyPlace::From(source.unwrap_or_default(), recipe.folder().to_owned())
        }
    };
    Ok(place.try_read(&recipe.ledger_base())?)
}

fn open(
    recipe: &Recipe,
    actor: &Actor,
    (missing, simulated): (Missing, Simulated),
) -> Result<Ledger, CliError> {
    let scope = scope(recipe);
    let identity = Identity {
        station: actor.station.clone(),
        simulated,
    };
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            let place = key_place(recipe);
            let there = || Sqlite::open_keyed(&file, &scope, identity.clone(), &place);
            let make = || Sqlite::create_keyed(&file, &scope, identity.clone(), &place);
            let opened = open_or_make(recipe, (missing, &identity.station), there, make);
            mirrored(recipe, opened).map_err(|error| CliError::from(error).about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, Server::PATIENCE);
            let there = || Postgres::open_existing(&server, &scope, identity.clone());
            let make = || Postgres::open(&server, &scope, identity.clone());
            let opened = open_or_make(recipe, (missing, &identity.station), there, make);
            mirrored(recipe, opened).map_err(|error| CliError::from(error).about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens a ledger, or makes one where there was none: neither its files nor its mirror know of it.
fn open_or_make<L>(
    recipe: &Recipe,
    (missing, station): (Missing, &str),
    there: impl Fn() -> Result<L, LedgerError>,
    make: impl Fn() -> Result<L, LedgerError>,
) -> Result<L, LedgerError> {
    let absent = match there() {
        Err(error) if is_absent(&error) => error,
        opened => return opened,
    };
    let lost = lost(recipe, station, absent)?;
    match (missing, is_absent(&lost)) {
        (Missing::Create, true) => make(),
        (Missing::Refuse, true) => Err(lost),
        // Another program may have made both meanwhile, the ledger first.
        (_, false) => there().map_err(|error| if is_absent(&error) { lost } else { error }),
    }
}

const fn is_absent(error: &LedgerError) -> bool {
    matches!(
        error,
        LedgerError::Open(OpenError::Absent { .. })
            | LedgerError::Storage(StorageError::NoSchema { .. })
    )
}

/// Says of a ledger that is not there whether its mirror knows it.
fn lost(recipe: &Recipe, station: &str, absent: LedgerError) -> Result<LedgerError, LedgerError> {
    let Some(folder) = mirror(recipe) else {
        return Ok(absent);
    };
    let told = History::of_station(&folder, station, &recipe.product)?;
    Ok(match told {
        Some(trace) => LedgerError::Open(OpenError::Lost {
            path: recipe.ledger_base(),
            traces: vec![trace],
        }),
        None => absent,
    })
}

/// Tells a ledger that is not there and that this computer's mirror knows.
fn or_lost<L>(recipe: &Recipe, opened: Result<L, LedgerError>) -> Result<L, LedgerError> {
    match opened {
        Err(error) if is_absent(&error) => Err(lost(recipe, &here(), error)?),
        opened => opened,
    }
}

/// Returns the name that this station has where nobody says another one.
fn here() -> String {
    station(std::env::var("EOL_STATION").ok().as_deref())
}

/// Begins a ledger in the place of a lost one, by decision; returns what was set aside.
pub(crate) fn afresh(recipe: &Recipe, actor: &Actor) -> Result<Vec<PathBuf>, CliError> {
    let (scope, identity) = (
        scope(recipe),
        Identity {
            station: actor.station.clone(),
            simulated: Simulated::No,
        },
    );
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            let remaking = Remaking {
                path: &file,
                scope: &scope,
                identity,
                place: &key_place(recipe),
            };
            let made = remaking.afresh(|ledger, traces| ledger.begun(traces, actor));
            made.map_err(|error| CliError::from(error).about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, Server::PATIENCE);
            Postgres::afresh(&server, &scope, (identity, actor))
                .map_err(|error| CliError::from(error).about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens the recipe's ledger, to look into it: nothing is written.
pub(crate) fn records(recipe: &Recipe) -> Result<Ledger, CliError> {
    let scope = scope(recipe);
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            let opened = Sqlite::inspect_keyed(&file, &scope, &key_place(recipe));
            or_lost(recipe, opened).map_err(|error| CliError::from(error).about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let opened = Postgres::inspect(&server(recipe, GLANCE), &scope);
            or_lost(recipe, opened).map_err(|error| CliError::from(error).about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens a ledger on a server for what is done to it as a whole, without its mirror.
#[cfg(feature = "postgres")]
pub(crate) fn server_ledger(recipe: &Recipe, actor: &Actor) -> Result<Ledger, CliError> {
    let identity = Identity {
        station: actor.station.clone(),
        simulated: records(recipe)?.simulated()?.unwrap_or_default(),
    };
    let server = server(recipe, Server::PATIENCE);
    Postgres::open_existing(&server, &scope(recipe), identity)
        .map_err(|error| CliError::from(error).about(recipe.ledger_url()))
}

/// Changes the key of the recipe's ledger; `step` is told how many values are left.
pub(crate) fn rotate(
    recipe: &Recipe,
    actor: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<Rotation, CliError> {
    let scope = scope(recipe);
    let identity = Identity {
        station: actor.station.clone(),
        simulated: records(recipe)?.simulated()?.unwrap_or_default(),
    };
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            Sqlite::open_keyed(&file, &scope, identity, &key_place(recipe))
                .and_then(|mut ledger| ledger.rotate(actor, step))
                .map_err(|error| CliError::from(error).about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, Server::PATIENCE);
            Postgres::open_existing(&server, &scope, identity)
                .and_then(|mut ledger| ledger.rotate(actor, step))
                .map_err(|error| CliError::from(error).about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Returns the ids of the ledger's keys, the current one first, and the ledger's identity where its
/// key is at hand.
pub(crate) fn keys(recipe: &Recipe) -> Result<(Vec<String>, Identified), CliError> {
    let scope = scope(recipe);
    let at_hand = |held: Result<Option<HomeId>, LedgerError>| held.map_err(CliError::from);
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            let held = Sqlite::inspect_keyed(&file, &scope, &key_place(recipe));
            let held = at_hand(held.and_then(|ledger| ledger.home()));
            Ok((Sqlite::key_ids(&file)?, held))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, GLANCE);
            let ids = Postgres::key_ids(&server).map_err(|error| CliError::from(error).about(url));
            let held = Postgres::inspect(&server, &scope);
            Ok((ids?, at_hand(held.and_then(|ledger| ledger.home()))))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens the recipe's ledger like [`records`]; `None` when there is none yet.
pub(crate) fn records_if_any(recipe: &Recipe) -> Result<Option<Ledger>, CliError> {
    match records(recipe) {
        Ok(ledger) => Ok(Some(ledger)),
        Err(error) if matches!(error.name, "ledger-absent" | "ledger-no-schema") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns where boards in hand keep what is their own.
#[cfg(feature = "probe")]
pub(crate) fn journal(recipe: &Recipe) -> SealedJournal {
    let base = recipe.ledger_base();
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => SealedJournal::of(&base, key_place(recipe)),
        LedgerUrl::Postgres(_) => {
            let key = spec(recipe).and_then(|ledger| ledger.key.clone());
            SealedJournal::keyed(&base, key.unwrap_or_default(), recipe.folder())
        }
    }
}

#[cfg(any(feature = "postgres", feature = "probe"))]
fn spec(recipe: &Recipe) -> Option<&LedgerSpec> {
    recipe.ledger.as_ref()
}

/// Returns what is needed for a ledger on a server.
#[cfg(feature = "postgres")]
fn server(recipe: &Recipe, patience: Duration) -> Server {
    let spec = spec(recipe);
    Server {
        url: recipe.ledger_url(),
        schema: spec
            .and_then(|ledger| ledger.schema.clone())
            .unwrap_or_default(),
        key: spec
            .and_then(|ledger| ledger.key.clone())
            .unwrap_or_default(),
        folder: recipe.folder().to_owned(),
        base: recipe.ledger_base(),
        patience,
        waiting: |limit| {
            super::output::aside(format_args!(
                "the ledger's server does not answer: waiting for it, {} s at most",
                limit.as_secs()
            ));
        },
    }
}

/// Returns which tokens and units the recipe means.
pub(crate) fn scope(recipe: &Recipe) -> Scope {
    Scope {
        product: recipe.product.clone(),
        template: recipe.template.clone(),
    }
}

/// Returns the serial of a unit on record that `text` names, whatever the recipe says of serials
/// today; of one that is not on record, what the recipe makes of it.
pub(crate) fn on_record(recipe: &Recipe, ledger: &Ledger, text: &str) -> Result<Serial, CliError> {
    let [plain, shaped] = recipe.serial.known(text)?;
    match ledger.find(&plain)? {
        Some(_) => Ok(plain),
        None => Ok(shaped),
    }
}

#[cfg(not(feature = "postgres"))]
pub(crate) fn unknown(url: &LedgerUrl) -> CliError {
    CliError::new(
        exit::LEDGER,
        "ledger-kind",
        format!("{url}: this program was built without PostgreSQL"),
    )
}
