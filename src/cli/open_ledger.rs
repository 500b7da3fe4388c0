//! Which ledger a recipe means, and how it is opened.

use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "probe")]
use eol_inject::ledger::SealedJournal;
use eol_inject::ledger::{
    Actor, History, Identity, KeyError, KeyPlace, Ledger, LedgerError, OpenError, Remaking, Scope,
    Simulated, Sqlite, StorageError,
};
#[cfg(feature = "postgres")]
use eol_inject::ledger::{Postgres, Server};
#[cfg(any(feature = "postgres", feature = "probe"))]
use eol_inject::recipe::LedgerSpec;
use eol_inject::recipe::{HomeId, LedgerUrl, Recipe};
use eol_inject::unit::Serial;

use super::args::station;
use super::error::{CliError, exit};
use super::ledger_key;

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

/// Returns the folder of the ledger's mirror.
pub(crate) fn mirror(recipe: &Recipe) -> Option<PathBuf> {
    let mirror = recipe.ledger.as_ref()?.mirror.as_ref()?;
    Some(recipe.path(mirror))
}

/// Returns whether it is certain that the recipe's ledger is not there yet.
fn is_new(recipe: &Recipe) -> bool {
    matches!(records_if_any(recipe), Ok(None))
}

/// Where a recipe's ledger is: what opens it, whichever server or file that is.
struct Place<'r> {
    recipe: &'r Recipe,
    scope: Scope,
    at: At,
}

enum At {
    File(PathBuf, KeyPlace),
    #[cfg(feature = "postgres")]
    Server,
}

impl<'r> Place<'r> {
    fn of(recipe: &'r Recipe) -> Result<Self, CliError> {
        let at = match recipe.ledger_url() {
            LedgerUrl::Sqlite(file) => At::File(recipe.path(&file), ledger_key::place(recipe)),
            #[cfg(feature = "postgres")]
            LedgerUrl::Postgres(_) => At::Server,
            #[cfg(not(feature = "postgres"))]
            url @ LedgerUrl::Postgres(_) => return Err(unknown(&url)),
        };
        let scope = scope(recipe);
        Ok(Self { recipe, scope, at })
    }

    /// Says which ledger an error is of.
    fn about(&self, error: LedgerError) -> CliError {
        match &self.at {
            At::File(file, _) => CliError::from(error).about_file(file),
            #[cfg(feature = "postgres")]
            At::Server => CliError::from(error).about(self.recipe.ledger_url()),
        }
    }

    /// Opens it, without its mirror.
    fn existing(&self, identity: Identity) -> Result<Ledger, LedgerError> {
        match &self.at {
            At::File(file, key) => Sqlite::open_keyed(file, &self.scope, identity, key),
            #[cfg(feature = "postgres")]
            At::Server => {
                let server = server(self.recipe, Server::PATIENCE);
                Postgres::open_existing(&server, &self.scope, identity)
            }
        }
    }

    fn make(&self, identity: Identity) -> Result<Ledger, LedgerError> {
        match &self.at {
            At::File(file, key) => Sqlite::create_keyed(file, &self.scope, identity, key),
            #[cfg(feature = "postgres")]
            At::Server => {
                let server = server(self.recipe, Server::PATIENCE);
                Postgres::open(&server, &self.scope, identity)
            }
        }
    }

    /// Opens it to look into it, whether its mirror knows more or not.
    fn inspect(&self) -> Result<Ledger, LedgerError> {
        match &self.at {
            At::File(file, key) => Sqlite::inspect_keyed(file, &self.scope, key),
            #[cfg(feature = "postgres")]
            At::Server => Postgres::inspect(&server(self.recipe, GLANCE), &self.scope),
        }
    }

    /// Opens it to look into it; one that is not there is lost where this station's mirror knows it.
    fn records(&self) -> Result<Ledger, LedgerError> {
        match self.inspect() {
            Err(error) if is_absent(&error) => Err(self.lost(&here(), error)?),
            opened => opened,
        }
    }

    /// Opens it, or makes it where there was none: neither its files nor its mirror know of it.
    fn open(&self, identity: Identity, missing: Missing) -> Result<Ledger, LedgerError> {
        let absent = match self.existing(identity.clone()) {
            Err(error) if is_absent(&error) => error,
            opened => return opened,
        };
        let lost = self.lost(&identity.station, absent)?;
        match (missing, is_absent(&lost)) {
            (Missing::Create, true) => self.make(identity),
            (Missing::Refuse, true) => Err(lost),
            // Another program may have made both meanwhile, the ledger first.
            (_, false) => self
                .existing(identity)
                .map_err(|error| if is_absent(&error) { lost } else { error }),
        }
    }

    /// Says of a ledger that is not there whether its mirror knows it.
    fn lost(&self, station: &str, absent: LedgerError) -> Result<LedgerError, LedgerError> {
        let Some(folder) = mirror(self.recipe) else {
            return Ok(absent);
        };
        let told = History::of_station(&folder, station, &self.recipe.product)?;
        Ok(match told {
            Some(trace) => LedgerError::Open(OpenError::Lost {
                path: self.recipe.ledger_base(),
                traces: vec![trace],
            }),
            None => absent,
        })
    }
}

/// Opens the recipe's ledger to work with tokens and records, of whichever kind its units are.
pub(crate) fn ledger(recipe: &Recipe, actor: &Actor, missing: Missing) -> Result<Ledger, CliError> {
    let place = Place::of(recipe)?;
    let kind = match place.records() {
        Ok(ledger) => ledger.simulated().ok().flatten(),
        // It was waited for already.
        Err(error @ LedgerError::Storage(StorageError::Unreachable { .. })) => {
            return Err(place.about(error));
        }
        // What cannot be looked into is told when it is opened.
        Err(_) => None,
    };
    ledger_for(recipe, actor, missing, kind.unwrap_or_default())
}

/// Opens the recipe's ledger to make real or simulated units.
pub(crate) fn ledger_for(
    recipe: &Recipe,
    actor: &Actor,
    missing: Missing,
    simulated: Simulated,
) -> Result<Ledger, CliError> {
    let place = Place::of(recipe)?;
    let opened = place.open(identity(actor, simulated), missing);
    let opened = opened.and_then(|ledger| match mirror(recipe) {
        Some(folder) => ledger.mirrored(&folder),
        None => Ok(ledger),
    });
    opened.map_err(|error| {
        // One that is there opens with its own key only.
        let unread =
            matches!(error, LedgerError::Key(KeyError::KeyUnread { .. })) && is_new(recipe);
        let error = place.about(error);
        match unread {
            true => error.with_hint(Some(ledger_key::help_for_new(recipe))),
            false => error,
        }
    })
}

/// Opens the recipe's ledger for what is done to it as a whole, without its mirror.
pub(crate) fn whole_ledger(recipe: &Recipe, actor: &Actor) -> Result<Ledger, CliError> {
    let place = Place::of(recipe)?;
    let simulated = records(recipe)?.simulated()?.unwrap_or_default();
    let opened = place.existing(identity(actor, simulated));
    opened.map_err(|error| place.about(error))
}

/// Opens the recipe's ledger, to look into it: nothing is written.
pub(crate) fn records(recipe: &Recipe) -> Result<Ledger, CliError> {
    let place = Place::of(recipe)?;
    place.records().map_err(|error| place.about(error))
}

/// Opens the recipe's ledger like [`records`]; `None` when there is none yet.
pub(crate) fn records_if_any(recipe: &Recipe) -> Result<Option<Ledger>, CliError> {
    let place = Place::of(recipe)?;
    match place.records() {
        Ok(ledger) => Ok(Some(ledger)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(place.about(error)),
    }
}

fn identity(actor: &Actor, simulated: Simulated) -> Identity {
    Identity {
        station: actor.station.clone(),
        simulated,
    }
}

/// Begins a ledger in the place of a lost one, by decision; returns what was set aside.
pub(crate) fn afresh(recipe: &Recipe, actor: &Actor) -> Result<Vec<PathBuf>, CliError> {
    let place = Place::of(recipe)?;
    let identity = identity(actor, Simulated::No);
    let begun = match &place.at {
        At::File(path, key) => {
            let (scope, place) = (&place.scope, key);
            let remaking = Remaking {
                path,
                scope,
                identity,
                place,
            };
            remaking.afresh(|ledger, traces| ledger.begun(traces, actor))
        }
        #[cfg(feature = "postgres")]
        At::Server => {
            let server = server(recipe, Server::PATIENCE);
            Postgres::afresh(&server, &place.scope, (identity, actor))
        }
    };
    begun.map_err(|error| place.about(error))
}

/// Returns the ids of the ledger's keys, the current one first, and the ledger's identity where its
/// key is at hand.
pub(crate) fn keys(recipe: &Recipe) -> Result<(Vec<String>, Identified), CliError> {
    let place = Place::of(recipe)?;
    let held = place.inspect().and_then(|ledger| ledger.home());
    let ids = match &place.at {
        At::File(file, _) => Sqlite::key_ids(file)?,
        #[cfg(feature = "postgres")]
        At::Server => {
            let ids = Postgres::key_ids(&server(recipe, GLANCE));
            ids.map_err(|error| place.about(error))?
        }
    };
    Ok((ids, held.map_err(CliError::from)))
}

const fn is_absent(error: &LedgerError) -> bool {
    matches!(
        error,
        LedgerError::Open(OpenError::Absent { .. })
            | LedgerError::Storage(StorageError::NoSchema { .. })
    )
}

/// Returns the name that this station has where nobody says another one.
fn here() -> String {
    station(std::env::var("EOL_STATION").ok().as_deref())
}

/// Returns where boards in hand keep what is their own.
#[cfg(feature = "probe")]
pub(crate) fn journal(recipe: &Recipe) -> SealedJournal {
    let base = recipe.ledger_base();
    match recipe.ledger_url() {
        LedgerUrl::Sqlite(_) => SealedJournal::of(&base, ledger_key::place(recipe)),
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
