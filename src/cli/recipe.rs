//! The recipe: read from where it is named, else from this folder or one above it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

use eol_inject::recipe::Recipe;

use super::error::{self, CliError, exit};
use super::{file, output};

/// How a recipe is called.
const NAME: &str = "recipe.toml";

/// Where there is one.
enum Place {
    Here,
    /// In a folder above this one.
    Above(PathBuf),
    /// In a folder above this one, and another user's: a recipe names programs that are run, so
    /// that one is not taken unasked.
    Foreign(PathBuf),
    Nowhere,
}

/// Reads a recipe.
pub(crate) fn read(path: &Path) -> Result<Recipe, CliError> {
    if is_missing(path) {
        return Err(no_recipe());
    }
    if is_above(path) {
        static TOLD: Once = Once::new();
        TOLD.call_once(|| output::aside(format_args!("recipe {}", path.display())));
    }
    let bytes = file::read(path, exit::RECIPE, "the recipe")?;
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
    error::no_token(&recipe.product, "the recipe's product")?;
    error::no_token(
        recipe.template.as_deref().unwrap_or_default(),
        "the recipe's template",
    )?;
    Ok(recipe)
}

fn no_recipe() -> CliError {
    let (name, message) = match foreign() {
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

/// Reads a recipe that units are to be made by.
pub(crate) fn of_units(path: &Path) -> Result<Recipe, CliError> {
    let recipe = read(path)?;
    match recipe.hindrances().into_iter().next() {
        Some(error) => Err(CliError::from(error).about_file(path)),
        None => Ok(recipe),
    }
}

/// Returns the recipe that is meant.
pub(crate) fn usual() -> PathBuf {
    match place() {
        Place::Above(path) => path.clone(),
        _ => PathBuf::from(NAME),
    }
}

/// Returns whether a recipe was found in a folder above this one.
fn is_above(path: &Path) -> bool {
    matches!(place(), Place::Above(found) if found == path)
}

/// Returns whether the recipe was looked for, and there is none.
fn is_missing(path: &Path) -> bool {
    path == Path::new(NAME) && !matches!(place(), Place::Here)
}

/// Returns another user's recipe that was passed by.
fn foreign() -> Option<&'static Path> {
    match place() {
        Place::Foreign(path) => Some(path),
        _ => None,
    }
}

/// Looks once: every command asks.
fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(search)
}

fn search() -> Place {
    if fs::symlink_metadata(NAME).is_ok() {
        return Place::Here;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let mut way = PathBuf::new();
    for folder in here.ancestors().skip(1) {
        way.push("..");
        let file = folder.join(NAME);
        if file.is_file() {
            let path = way.join(NAME);
            return match is_ours(folder, &file) {
                true => Place::Above(path),
                false => Place::Foreign(path),
            };
        }
    }
    Place::Nowhere
}

/// Returns whether a file belongs to who is at work, or to the system: the link that it may be,
/// what that leads to, and the folder, from which programs of the recipe are started.
#[cfg(unix)]
fn is_ours(folder: &Path, file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let all = [
        fs::metadata(folder),
        fs::symlink_metadata(file),
        fs::metadata(file),
    ];
    let ours = [rustix::process::geteuid().as_raw(), 0];
    all.into_iter()
        .all(|found| found.is_ok_and(|found| ours.contains(&found.uid())))
}

/// Returns whether a file belongs to who is at work: nothing tells here.
#[cfg(not(unix))]
const fn is_ours(_: &Path, _: &Path) -> bool {
    true
}
