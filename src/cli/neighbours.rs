//! Other ledgers beside the recipe's own: a list that went into two of them gives its tokens twice.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use eol_inject::ledger::{Ledger, Simulated, Sqlite};
use eol_inject::recipe::Recipe;
use eol_inject::regular;
use eol_inject::unit::Fingerprint;

use super::context;
use super::output::{Output, count};

/// What a file of SQLite begins with, and `EOLJ` behind it (sqlite.org/fileformat.html, 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
const OWNER: (usize, &[u8]) = (68, b"EOLJ");
const HEAD: u64 = 72;

/// Warns where units of another ledger have tokens that this one may hand out too; `own` is the
/// recipe's ledger, and without one its list counts.
pub(super) fn warn(recipe: &Recipe, own: Option<&dyn Ledger>, output: &Output) {
    let number = own.and_then(|_| number(recipe, &recipe.ledger_base()));
    for file in beside(recipe) {
        let Some(used) = used(recipe, &file, number.as_deref()) else {
            continue;
        };
        let both = match own {
            Some(ledger) => shared(ledger, &used),
            None => listed(recipe, &used),
        };
        if both > 0 {
            output.warning(format_args!(
                "{} is another ledger of this product: its units have {} that this one may hand out \
                 as well. Work with that ledger, or take the tokens out here: eol-inject pool import --used FILE",
                file.display(),
                count(both, "token"),
            ));
        }
    }
}

/// Returns all other ledgers in the folders of the recipe and of its ledger.
fn beside(recipe: &Recipe) -> Vec<PathBuf> {
    let base = recipe.ledger_base();
    let own = base.canonicalize().ok();
    let folder = |path: &Path| match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path.to_owned(),
    };
    let mut folders = vec![folder(recipe.folder())];
    folders.extend(base.parent().map(folder));
    let mut places = HashSet::new();
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let files = files.flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = files
        .filter(|path| is_ledger(path).unwrap_or(false))
        .filter(|path| {
            let place = path.canonicalize().ok();
            place != own && place.is_some_and(|place| places.insert(place))
        })
        .collect();
    found.sort();
    found
}

fn is_ledger(path: &Path) -> std::io::Result<bool> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    regular::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let (at, owner) = OWNER;
    Ok(head.starts_with(MAGIC) && head.get(at..) == Some(owner))
}

/// Returns the number of the ledger in a file.
fn number(recipe: &Recipe, file: &Path) -> Option<String> {
    let ledger = Sqlite::inspect_sealed(file, &context::scope(recipe)).ok()?;
    ledger.number().ok()
}

/// Returns the tokens of a ledger's real units; a backup of the own one and parts are none of it.
fn used(recipe: &Recipe, file: &Path, number: Option<&str>) -> Option<HashSet<Fingerprint>> {
    let ledger = Sqlite::inspect_sealed(file, &context::scope(recipe)).ok()?;
    if ledger.number().ok().as_deref() == number
        || ledger.part_of().ok()?.is_some()
        || ledger.simulated().ok()? != Some(Simulated::No)
    {
        return None;
    }
    let mut used = HashSet::new();
    ledger
        .units(&mut |unit| {
            used.insert(unit.fingerprint);
        })
        .ok()?;
    Some(used)
}

/// Counts tokens of a ledger that are used elsewhere, and are not known here as used.
fn shared(ledger: &dyn Ledger, used: &HashSet<Fingerprint>) -> usize {
    use eol_inject::ledger::TokenState;
    let mut both = 0;
    let told = ledger.tokens(&mut |token| {
        let out = !matches!(token.state, TokenState::Gone | TokenState::Void);
        both += usize::from(out && used.contains(&token.fingerprint));
    });
    told.map_or(0, |()| both)
}

/// Counts tokens of the recipe's list that are used elsewhere.
fn listed(recipe: &Recipe, used: &HashSet<Fingerprint>) -> usize {
    if used.is_empty() {
        return 0;
    }
    let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    let list = file.map(|file| context::token_list(&recipe.path(file), recipe));
    let Some(Ok(list)) = list else {
        return 0;
    };
    let prints = list.rows.iter().map(|row| row.token.fingerprint());
    prints.filter(|print| used.contains(print)).count()
}
