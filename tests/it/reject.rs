//! Every file in `fixtures/reject` gives the error that it is named after.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use eol_inject::image::{Hint, Image};
use eol_inject::master::Master;
use eol_inject::pool;
use eol_inject::recipe::{PoolSpec, Recipe};

use crate::support::fixtures;

/// Name and text of an error with its causes.
fn told(name: &str, error: &dyn std::error::Error) -> (String, String) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " | {error}").unwrap();
        cause = error.source();
    }
    (name.to_owned(), text)
}

/// What becomes of a recipe: it is read, its image is read, and it is proved.
fn by_recipe(path: &Path) -> Option<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let recipe = match Recipe::parse(&text, path.parent().unwrap()) {
        Ok(recipe) => recipe,
        Err(error) => return Some(told(error.name(), &error)),
    };
    let file = recipe.image_file().unwrap();
    let Ok(bytes) = fs::read(&file) else {
        return Some(("file".to_owned(), "the image cannot be read".to_owned()));
    };
    let hint = recipe.image.hint();
    let image = match Image::read(bytes, hint) {
        Ok(image) => image,
        Err(error) => return Some(told(error.name(), &error)),
    };
    let image = match &recipe.image.symbols {
        Some(names) => {
            let names = fs::read(recipe.path(names)).unwrap();
            let program = Image::read(names, Hint::default()).unwrap();
            match image.with_names(&program) {
                Ok(image) => image,
                Err(error) => return Some(told(error.name(), &error)),
            }
        }
        None => image,
    };
    let error = Master::prove(image, &recipe).err()?;
    Some(told(error.name(), &error))
}

fn by_image(path: &Path) -> Option<(String, String)> {
    let error = Image::read(fs::read(path).unwrap(), Hint::default()).err()?;
    Some(told(error.name(), &error))
}

fn by_pool(path: &Path) -> Option<(String, String)> {
    let spec = PoolSpec {
        file: None,
        token: None,
        qr: None,
        bind: fs::read(path)
            .unwrap()
            .windows(13)
            .any(|part| part == b"Serial Number")
            .then(|| "Serial Number".to_owned()),
    };
    let error = pool::folder::open(path, &spec).err()?;
    Some(told(error.name(), &error))
}

/// Lists every file of a folder with its error; a file that is accepted fails the test.
fn listing(folder: &str) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(fixtures().join("reject").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut text = String::new();
    let mut accepted = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let error = match (folder, path.extension().and_then(|end| end.to_str())) {
            (_, Some("toml")) => by_recipe(&path),
            ("image", _) => by_image(&path),
            ("pool", _) => by_pool(&path),
            // What the recipes of this folder point at.
            _ => continue,
        };
        match error {
            Some((error, message)) => {
                // `<error>.toml`, or `<error>.<defect>.toml` where several defects give it.
                let named = name.split('.').next().unwrap();
                assert_eq!(
                    named, error,
                    "{name} is named after another error: {message}"
                );
                writeln!(text, "{name}\n    {error}: {message}").unwrap();
            }
            None => accepted.push(name),
        }
    }
    assert_eq!(accepted, Vec::<String>::new(), "accepted");
    text
}

#[test]
fn images() {
    insta::assert_snapshot!(listing("image"));
}

#[test]
fn recipes() {
    insta::assert_snapshot!(listing("recipe"));
}

#[test]
fn slots() {
    insta::assert_snapshot!(listing("slot"));
}

#[test]
fn checksums() {
    insta::assert_snapshot!(listing("checksum"));
}

#[cfg(feature = "label")]
#[test]
fn pools() {
    insta::assert_snapshot!(listing("pool"));
}
