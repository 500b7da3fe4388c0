//! What lies beside the recipe's own ledger and has tokens that this one may hand out: units of
//! another ledger, their labels and their images. A list that went into two ledgers gives its tokens
//! twice.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use eol_inject::image::Conversion;
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Ledger, Simulated, Sqlite, TokenState};
use eol_inject::recipe::Recipe;
use eol_inject::regular;
use eol_inject::target::Sync;
use eol_inject::unit::Fingerprint;

use super::error::{CliError, exit};
use super::output::{Output, count};
use super::{file, firmware, open_ledger, token_list};

/// What a file of SQLite begins with, and `EOLJ` behind it (sqlite.org/fileformat.html, 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
const OWNER: (usize, &[u8]) = (68, b"EOLJ");
const HEAD: u64 = 72;

/// A ledger's own files: the database, and what SQLite keeps beside it.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// How many labels or images of a folder are looked at: of a list that was used before, each is one
/// that tells.
const SAMPLE: usize = 64;
/// Images that are larger are not looked into.
const LARGEST: u64 = 64 << 20;

/// Tokens that something beside the ledger carries.
struct Carried {
    /// What carries them, up to where their number stands.
    what: String,
    marks: HashSet<Mark>,
}

/// What tells a token.
#[derive(PartialEq, Eq, Hash)]
enum Mark {
    Print(Fingerprint),
    /// What its label says.
    Code(String),
}

/// Where a command writes the images of units.
pub(super) struct Images<'a> {
    pub(super) folder: &'a Path,
    pub(super) extension: &'a str,
    pub(super) form: Option<Conversion>,
}

/// Refuses to begin with tokens that are on units beside a ledger without any; `images` is where
/// those of this command go.
pub(super) fn refuse(
    recipe: &Recipe,
    own: &Ledger,
    images: Option<&Images<'_>>,
) -> Result<(), CliError> {
    if !is_first(Some(own)) {
        return Ok(());
    }
    match found(recipe, Some(own), images).into_iter().next() {
        Some(what) => Err(undecided(what)),
        None => Ok(()),
    }
}

/// Tells the same of all that lies there: what stops the first unit, and what a warning is for once
/// there are units.
pub(super) fn judge(
    recipe: &Recipe,
    own: Option<&Ledger>,
    kind: Option<Simulated>,
    output: &Output,
) -> Vec<CliError> {
    let found = found(recipe, own, None);
    // A simulated unit does no other one harm.
    if kind != Some(Simulated::Yes) && is_first(own) {
        return found.into_iter().map(undecided).collect();
    }
    for what in found {
        output.warning(format_args!(
            "{what}. Work with that ledger, or take the tokens out here: eol-inject pool import --used FILE",
        ));
    }
    Vec::new()
}

fn undecided(what: String) -> CliError {
    CliError::new(exit::LEDGER, "ledger-list-undecided", what)
}

/// Returns whether a ledger has no unit yet, and nobody decided that tokens are on none.
fn is_first(own: Option<&Ledger>) -> bool {
    let Some(stock) = own.and_then(|ledger| ledger.stock().ok()) else {
        return own.is_none();
    };
    !stock.unused && stock.bound + stock.void + stock.away == 0
}

/// Says what beside the ledger has tokens that it may hand out.
fn found(recipe: &Recipe, own: Option<&Ledger>, images: Option<&Images<'_>>) -> Vec<String> {
    let mut carried = ledgers(recipe, own.is_some());
    if is_first(own) {
        carried.extend(labels(recipe));
        carried.extend(images.and_then(|images| in_folder(recipe, images)));
    }
    if carried.is_empty() {
        return Vec::new();
    }
    let mut counts = vec![0; carried.len()];
    offered(recipe, own, &mut |print, code| {
        for (carried, both) in carried.iter().zip(&mut counts) {
            let listed = carried.marks.contains(&Mark::Print(print));
            let of_labels = carried.marks.iter().next();
            let shown = matches!(of_labels, Some(Mark::Code(_)))
                && code().is_some_and(|code| carried.marks.contains(&Mark::Code(code)));
            *both += usize::from(listed || shown);
        }
    });
    let both = carried
        .into_iter()
        .zip(counts)
        .filter(|(_, both)| *both > 0);
    both.map(|(carried, both)| {
        let tokens = count(both, "token");
        format!(
            "{} {tokens} that this one may hand out as well",
            carried.what
        )
    })
    .collect()
}

/// What is told of each token: which it is, and how to learn what its label says.
type Offered<'a> = dyn FnMut(Fingerprint, &dyn Fn() -> Option<String>) + 'a;

/// Tells each token that the ledger has or takes in, and how to learn what its label says.
fn offered(recipe: &Recipe, own: Option<&Ledger>, each: &mut Offered<'_>) {
    let mut has = HashSet::new();
    if let Some(ledger) = own {
        let mut loose = Vec::new();
        // What cannot be read is told by who opens the ledger.
        let _ = ledger.tokens(&mut |token| {
            has.insert(token.fingerprint);
            if !matches!(token.state, TokenState::ClaimedElsewhere | TokenState::Void) {
                loose.push(token.fingerprint);
            }
        });
        for print in loose {
            each(print, &|| {
                Some(ledger.code(&print).ok()??.token().to_owned())
            });
        }
    }
    let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    let Some(path) = file.map(|file| recipe.path(file)) else {
        return;
    };
    let known = |ledger: &Ledger| {
        let source = token_list::source(&path, recipe).ok()?;
        ledger.knows(&source).ok()
    };
    if own.and_then(known) == Some(true) {
        return;
    }
    let Ok(list) = token_list::read(&path, recipe) else {
        return;
    };
    for row in list.rows.iter().filter(|row| !row.claimed) {
        let print = row.token.fingerprint();
        if !has.contains(&print) {
            each(print, &|| Some(row.qr.as_ref()?.token().to_owned()));
        }
    }
}

/// Returns what other ledgers' real units have.
fn ledgers(recipe: &Recipe, has_own: bool) -> Vec<Carried> {
    let number = has_own
        .then(|| number(recipe, &recipe.ledger_base()))
        .flatten();
    let used = beside(recipe).into_iter().filter_map(|file| {
        let marks = used(recipe, &file, number.as_deref())?;
        let what = format!(
            "{} is another ledger of this product: its units have",
            file.display()
        );
        Some(Carried { what, marks })
    });
    used.filter(|carried| !carried.marks.is_empty()).collect()
}

/// Returns what labels say that lie where this recipe's are made.
fn labels(recipe: &Recipe) -> Option<Carried> {
    let trials = trials(recipe);
    let labels = LabelFolder::of(recipe, Sync::Written).read(SAMPLE);
    let labels = labels.into_iter().filter(|(file, _)| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        !trials.contains(&stem.to_lowercase())
    });
    let mut first = None;
    let mut marks = HashSet::new();
    for (file, code) in labels {
        first.get_or_insert(file);
        marks.insert(Mark::Code(code.token().to_owned()));
    }
    let what = format!(
        "{} is the label of a unit that this ledger does not know; labels there have",
        first?.display()
    );
    Some(Carried { what, marks })
}

/// Returns the serials of simulated units: their labels are in no box.
fn trials(recipe: &Recipe) -> HashSet<String> {
    let mut serials = HashSet::new();
    for file in beside(recipe) {
        let Ok(ledger) = Sqlite::inspect_sealed(&file, &open_ledger::scope(recipe)) else {
            continue;
        };
        if matches!(ledger.simulated(), Ok(Some(Simulated::Yes))) {
            let _ = ledger.units(&mut |unit| {
                serials.insert(unit.serial.as_str().to_lowercase());
            });
        }
    }
    serials
}

/// Returns what images carry that lie where this command writes.
fn in_folder(recipe: &Recipe, images: &Images<'_>) -> Option<Carried> {
    let mut files = file::list(images.folder).ok()?;
    files.retain(|path| {
        path.extension().is_some_and(|end| end == images.extension)
            && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST)
    });
    if files.is_empty() {
        return None;
    }
    let judge = firmware::judge(recipe).ok()?;
    let shared = recipe
        .image_file()
        .and_then(|file| file.canonicalize().ok());
    let mut first = None;
    let mut marks = HashSet::new();
    for file in files
        .into_iter()
        .filter(|file| file.canonicalize().ok() != shared)
        .take(SAMPLE)
    {
        let bytes = file::read(&file, exit::IMAGE, "the image").ok()?;
        let examined = match images.form {
            Some(form) => judge.examine_converted(form, bytes, None),
            None => judge.examine(bytes, None),
        };
        if let Some(print) = examined.fingerprint {
            first.get_or_insert(file);
            marks.insert(Mark::Print(print));
        }
    }
    let what = format!(
        "{} is the image of a unit that this ledger does not know; images there have",
        first?.display()
    );
    Some(Carried { what, marks })
}

/// Returns all other ledgers in the folders of the recipe and of its ledger.
///
/// The own one is left closed, by whatever name it is met: closing any descriptor of its files would let
/// go of the locks that this program's database has on them (`fcntl(2)`, "Advisory record locking").
fn beside(recipe: &Recipe) -> Vec<PathBuf> {
    let base = recipe.ledger_base();
    let own = SUFFIXES.map(|suffix| {
        let mut name = base.as_os_str().to_owned();
        name.push(suffix);
        place(Path::new(&name))
    });
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
        .filter(|path| {
            let place = place(path);
            !own.contains(&place) && place.is_some_and(|place| places.insert(place))
        })
        .filter(|path| is_ledger(path).unwrap_or(false))
        .collect();
    found.sort();
    found
}

/// Returns which file a path leads to: the same for all its names.
#[cfg(unix)]
fn place(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Returns which file a path leads to.
#[cfg(not(unix))]
fn place(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
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
    let ledger = Sqlite::inspect_sealed(file, &open_ledger::scope(recipe)).ok()?;
    ledger.number().ok()
}

/// Returns the tokens of a ledger's real units; a backup of the own one and parts are none of it.
fn used(recipe: &Recipe, file: &Path, number: Option<&str>) -> Option<HashSet<Mark>> {
    let ledger = Sqlite::inspect_sealed(file, &open_ledger::scope(recipe)).ok()?;
    if ledger.number().ok().as_deref() == number
        || ledger.part_of().ok()?.is_some()
        || ledger.simulated().ok()? != Some(Simulated::No)
    {
        return None;
    }
    let mut used = HashSet::new();
    ledger
        .units(&mut |unit| {
            used.insert(Mark::Print(unit.fingerprint));
        })
        .ok()?;
    Some(used)
}
