//! Which ledger a recipe means, and how it is opened.

use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "probe")]
use eol_inject::ledger::SealedJournal;
use eol_inject::ledger::{
    Actor, Identity, KeyPlace, Ledger, LedgerError, Mirrored, Rotation, Simulated, Sqlite,
};
#[cfg(feature = "postgres")]
use eol_inject::ledger::{Postgres, Server};
#[cfg(any(feature = "postgres", feature = "probe"))]
use eol_inject::recipe::LedgerSpec;
use eol_inject::recipe::{HomeId, LedgerUrl, Recipe};

use super::context::scope;
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
macro_rules! mirrored {
    ($recipe:expr, $opened:expr) => {
        match (mirror($recipe), $opened) {
            (Some(folder), Ok(ledger)) => boxed(Mirrored::new(ledger, &folder)),
            (_, opened) => boxed(opened),
        }
    };
}

/// Opens the recipe's ledger to work with tokens and records, of whichever kind its units are.
pub(crate) fn ledger(
    recipe: &Recipe,
    actor: &Actor,
    missing: Missing,
) -> Result<Box<dyn Ledger>, CliError> {
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
) -> Result<Box<dyn Ledger>, CliError> {
    open(recipe, actor, how).map_err(|error| match error.name {
        // One that is there opens with its own key only.
        "ledger-key-unread" if is_new(recipe) => error.with_hint(Some(NEW_KEY)),
        _ => error,
    })
}

/// What helps where a ledger that is not there yet finds no key.
const NEW_KEY: &str = "eol-inject ledger key new -o FILE makes a key: docs/ledger.md";

/// Returns whether it is certain that the recipe's ledger is not there yet.
fn is_new(recipe: &Recipe) -> bool {
    matches!(records_if_any(recipe), Ok(None))
}

/// Makes sure that a key can be had for a ledger that is not there yet.
pub(crate) fn key_for_new(recipe: &Recipe) -> Result<(), CliError> {
    let place = match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => key_place(recipe),
        LedgerUrl::Postgres(_) => {
            let source = recipe.ledger.as_ref().and_then(|ledger| ledger.key.clone());
            KeyPlace::From(source.unwrap_or_default(), recipe.folder().to_owned())
        }
    };
    let tried = place.try_read(&recipe.ledger_base());
    tried.map_err(|error| CliError::from(error).with_hint(Some(NEW_KEY)))
}

fn open(
    recipe: &Recipe,
    actor: &Actor,
    (missing, simulated): (Missing, Simulated),
) -> Result<Box<dyn Ledger>, CliError> {
    let scope = scope(recipe);
    let identity = Identity {
        station: actor.station.clone(),
        simulated,
    };
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            let place = key_place(recipe);
            let opened = match missing {
                Missing::Create => Sqlite::create_keyed(&file, &scope, identity, &place),
                Missing::Refuse => Sqlite::open_keyed(&file, &scope, identity, &place),
            };
            mirrored!(recipe, opened).map_err(|error| error.about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, Server::PATIENCE);
            let opened = match missing {
                Missing::Create => Postgres::open(&server, &scope, identity),
                Missing::Refuse => Postgres::open_existing(&server, &scope, identity),
            };
            mirrored!(recipe, opened).map_err(|error| error.about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens the recipe's ledger, to look into it: nothing is written.
pub(crate) fn records(recipe: &Recipe) -> Result<Box<dyn Ledger>, CliError> {
    let scope = scope(recipe);
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(file) => {
            let file = recipe.path(&file);
            boxed(Sqlite::inspect_keyed(&file, &scope, &key_place(recipe)))
                .map_err(|error| error.about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let opened = Postgres::inspect(&server(recipe, GLANCE), &scope);
            boxed(opened).map_err(|error| error.about(url))
        }
        #[cfg(not(feature = "postgres"))]
        url @ LedgerUrl::Postgres(_) => Err(unknown(&url)),
    }
}

/// Opens a ledger on a server for what is done to it as a whole, without its mirror.
#[cfg(feature = "postgres")]
pub(crate) fn server_ledger(recipe: &Recipe, actor: &Actor) -> Result<Postgres, CliError> {
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
                .and_then(|mut ledger| ledger.rotate(&file, actor, step))
                .map_err(|error| CliError::from(error).about_file(&file))
        }
        #[cfg(feature = "postgres")]
        url @ LedgerUrl::Postgres(_) => {
            let server = server(recipe, Server::PATIENCE);
            Postgres::open_existing(&server, &scope, identity)
                .and_then(|mut ledger| ledger.rotate(&server, actor, step))
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
pub(crate) fn records_if_any(recipe: &Recipe) -> Result<Option<Box<dyn Ledger>>, CliError> {
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

fn boxed<L: Ledger + 'static>(opened: Result<L, LedgerError>) -> Result<Box<dyn Ledger>, CliError> {
    match opened {
        Ok(ledger) => Ok(Box::new(ledger)),
        Err(error) => Err(error.into()),
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
