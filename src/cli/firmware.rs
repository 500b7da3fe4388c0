//! The shared image of a recipe: read or made, and proved.

use std::path::{Path, PathBuf};

use eol_inject::checksum::fields;
use eol_inject::image::{Conversion, Edits, Hint, Image};
use eol_inject::master::{Master, MasterError};
use eol_inject::nvs;
use eol_inject::recipe::Recipe;
use eol_inject::verify::Judge;
use zeroize::Zeroizing;

use super::error::{CliError, exit};
use super::file::{load, read};

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
                .with_names_but(&program, |image| fields(image, &recipe.checksums))
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
            if spec.key.as_ref() == Some(file) {
                warn_of_readers(&recipe.path(file));
            }
            let bytes = read(&recipe.path(file), exit::RECIPE, "the key")?;
            keyed.keys.put(file, Zeroizing::new(bytes));
        }
    }
    Ok(keyed)
}

/// Warns that others can read the private key that images are signed with.
#[cfg(unix)]
fn warn_of_readers(file: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let mode = std::fs::metadata(file).map_or(0, |meta| meta.mode() & 0o7777);
    if mode & 0o077 != 0 {
        super::output::aside(format_args!(
            "warning: {} has mode {mode:04o}, and whoever reads it signs images: make it owner-only",
            file.display()
        ));
    }
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}

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

/// Returns who judges images by the recipe.
pub(crate) fn judge(recipe: &Recipe) -> Result<Judge, CliError> {
    let shared = shared(recipe)?;
    let names = recipe
        .image
        .symbols
        .as_ref()
        .map(|names| read(&recipe.path(names), exit::IMAGE, "the image"));
    let keyed = with_keys(recipe, Need::Check)?;
    Judge::new(shared, names.transpose()?, &keyed).map_err(|error| {
        // The shared image is at fault, not a unit's.
        CliError::from(error).about(image_name(recipe).display())
    })
}

/// Returns the extension that images of this recipe get.
///
/// # Errors
/// The shared image's own extension names another format than it has.
pub(crate) fn extension(
    recipe: &Recipe,
    image: &Image,
    form: Option<Conversion>,
) -> Result<String, CliError> {
    if let Some(form) = form {
        return Ok(form.extension().to_owned());
    }
    super::form::fits(&image_name(recipe), image, None)?;
    Ok(recipe.image_extension().map_or_else(
        || image.format().to_string(),
        |extension| extension.to_string_lossy().into_owned(),
    ))
}
