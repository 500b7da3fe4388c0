//! What an output must never replace: recipe, image, token list, and the ledger with its key; and
//! what others laid there, unless that is asked for.

use std::path::{Path, PathBuf};

use eol_inject::ledger::Ledger;
use eol_inject::recipe::{Recipe, When};
use eol_inject::target::{Others, TargetError};
use eol_inject::unit::Serial;

use super::error::{self, CliError};
use super::file::{self, Existing};
use super::open_ledger;

/// What stands beside a ledger and is lost with it.
const BESIDE: [&str; 11] = [
    "",
    ".key",
    ".key.next",
    "-wal",
    "-shm",
    "-journal",
    ".runs",
    ".outbox",
    ".journal",
    ".boards",
    ".before",
];

/// The files that the line itself needs.
pub(crate) struct Guard {
    /// As they are named, and where they are.
    inputs: Vec<(PathBuf, PathBuf)>,
}

impl Guard {
    /// Lists what the recipe in `file` needs.
    pub(crate) fn of(recipe: &Recipe, file: &Path) -> Self {
        let mut inputs = vec![file.to_owned()];
        inputs.extend(recipe.image_file());
        inputs.extend(recipe.image.symbols.as_ref().map(|file| recipe.path(file)));
        for checksum in &recipe.checksums {
            let keys = [&checksum.key, &checksum.public_key].into_iter().flatten();
            inputs.extend(keys.map(|file| recipe.path(file)));
        }
        let list = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
        inputs.extend(list.map(|file| recipe.path(file)));
        inputs.extend(ledger_files(recipe));
        inputs.extend(open_ledger::mirror(recipe));
        // A file of this name, and no label could be made.
        if recipe.label.when != When::None {
            inputs.push(recipe.path(&recipe.label.dir));
        }
        let placed = |path: PathBuf| {
            let place = place(&path);
            (path, place)
        };
        Self {
            inputs: inputs.into_iter().map(placed).collect(),
        }
    }

    /// Refuses to write `out` over one of them, or over a file that is somebody's.
    pub(crate) fn allow_new(&self, out: &Path, existing: Existing) -> Result<(), CliError> {
        self.allow(out)?;
        file::vacant(out, existing)
    }

    /// Refuses to write a unit's image over one of them, or to claim a unit that is new while
    /// something is there: that cannot be its own. What a claimed one finds, it judges itself.
    pub(crate) fn allow_unit(
        &self,
        out: &Path,
        serial: &Serial,
        ledger: &Ledger,
        others: Others,
    ) -> Result<(), CliError> {
        self.allow(out)?;
        let there = others == Others::Stay && out.symlink_metadata().is_ok();
        match there && ledger.find(serial)?.is_none() {
            true => Err(TargetError::Foreign {
                file: out.to_owned(),
            }
            .into()),
            false => Ok(()),
        }
    }

    /// Refuses to write `out` over one of them, whether it is there yet or not.
    pub(crate) fn allow(&self, out: &Path) -> Result<(), CliError> {
        let name = out.file_name().unwrap_or_default().to_string_lossy();
        error::no_token(&name, "the name of a file to write")?;
        let place = place(out);
        match self
            .inputs
            .iter()
            .find(|(_, input)| input.starts_with(&place))
        {
            Some((name, _)) => Err(CliError::usage(format!(
                "{} is needed by the line and is not written over",
                name.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Returns the files and folders of a ledger, whether they are there yet or not.
fn ledger_files(recipe: &Recipe) -> [PathBuf; 11] {
    let ledger = recipe.ledger_base();
    BESIDE.map(|suffix| {
        let mut name = ledger.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Returns whether a folder would stand where the recipe's ledger keeps something.
pub(crate) fn is_of_ledger(folder: &Path, recipe: &Recipe) -> bool {
    let folder = place(folder);
    ledger_files(recipe)
        .iter()
        .any(|file| folder.starts_with(place(file)))
}

/// Returns where a path leads: links are followed as far as it exists.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match path.file_name() {
        Some(name) => place(folder).join(name),
        None => path.to_owned(),
    }
}
