//! Images judged one by one, and what only all of them together show.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use eol_inject::image::{Address, Conversion};
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Fingerprint, Serial};
use eol_inject::verify::{Examined, Judge};
use serde_json::json;

use super::records::Records;
use crate::cli::error::{CliError, exit};
use crate::cli::file;
use crate::cli::output::Output;

/// One file and what it was found to be.
pub(super) struct Judged {
    pub(super) file: PathBuf,
    pub(super) serial: Option<Serial>,
    pub(super) examined: Examined,
    /// What only the whole folder or the records can tell.
    pub(super) problems: Vec<(&'static str, String)>,
}

/// What a folder holds.
#[derive(Default)]
pub(super) struct Listing {
    /// Images, by their names, and what each was converted to.
    pub(super) files: Vec<(PathBuf, Option<Conversion>)>,
    /// What interrupted runs left.
    pub(super) parts: Vec<PathBuf>,
    /// Everything else.
    pub(super) others: Vec<PathBuf>,
}

impl Listing {
    /// Takes in the images of a folder, and the files that interrupted runs left.
    pub(super) fn list(
        &mut self,
        folder: &Path,
        form: Option<Conversion>,
        recipe: &Recipe,
    ) -> Result<(), CliError> {
        let wanted = match form {
            Some(form) => Some(OsStr::new(form.extension())),
            None => recipe.image_extension(),
        };
        let paths = file::list(folder).map_err(|error| error.with_code(exit::IMAGE))?;
        let before = self.files.len();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') && name.ends_with(".part") {
                self.parts.push(path);
            } else if !path.is_dir() && (wanted.is_none() || path.extension() == wanted) {
                self.files.push((path, form));
            } else {
                self.others.push(path);
            }
        }
        if self.files.len() == before {
            return Err(CliError::new(
                exit::DIFFERS,
                "verify-no-image",
                format!("{} holds no image", folder.display()),
            ));
        }
        Ok(())
    }
}

/// Names what stands in the folder and was not judged: each may hold a token too.
pub(super) fn unseen(others: &[PathBuf], output: &Output) {
    for other in others {
        output.object(&json!({
            "v": 1, "kind": "unseen", "file": other.display().to_string(),
        }));
        output.warning(format_args!(
            "{} is not judged: its name does not end as the images do",
            other.display()
        ));
    }
}

/// What every file is judged by.
pub(super) struct Judging<'j> {
    pub(super) judge: &'j Judge,
    /// The address that a dump begins at.
    pub(super) dump: Option<Address>,
    pub(super) recipe: &'j Recipe,
    /// The serial that the caller names.
    pub(super) serial: Option<Serial>,
    pub(super) records: &'j Records,
}

impl Judging<'_> {
    /// Judges every file, on all cores; the order stays.
    pub(super) fn all(
        &self,
        files: Vec<(PathBuf, Option<Conversion>)>,
        output: &Output,
    ) -> Vec<Judged> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let (results, done) = mpsc::channel();
        let mut judged: BTreeMap<usize, Judged> = BTreeMap::new();
        thread::scope(|scope| {
            for _ in 0..cores.min(files.len()) {
                let (results, next, files) = (results.clone(), &next, &files);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some((file, form)) = files.get(index) else {
                            return;
                        };
                        let one = self.one(file, *form);
                        if results.send((index, one)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(results);
            for (index, one) in done {
                output.step();
                judged.insert(index, one);
            }
        });
        judged.into_values().collect()
    }

    fn one(&self, file: &Path, form: Option<Conversion>) -> Judged {
        let (judge, records) = (self.judge, self.records);
        let bytes = match file::read(file, exit::DIFFERS, "the image") {
            Ok(bytes) => bytes,
            Err(error) => {
                return Judged::unexamined(file, None, ("verify-unreadable", error.message));
            }
        };
        let claimed = self.claimed(file);
        let expected = claimed.map(|serial| records.expected(serial));
        let expected = expected.as_ref();
        let mut examined = match (self.dump, form) {
            (Some(base), _) => judge.examine_dump(base, bytes, expected),
            (_, Some(form)) => judge.examine_converted(form, bytes, expected),
            _ => judge.examine(bytes, expected),
        };
        let mut problems = Vec::new();
        let mut serial = expected.map(|expected| expected.serial.clone());
        if serial.is_none() {
            // It says itself which unit it is: by its serial's slot, else by its token.
            let own = examined.serial.as_ref().and_then(|text| text.parse().ok());
            let token = examined.fingerprint;
            serial = own.or_else(|| records.holder(token?).cloned());
            if let Some(own) = &serial {
                examined.compare(&records.expected(own.clone()));
            }
        }
        let record = serial.as_ref().and_then(|serial| records.get(serial));
        if records.are_asked() && record.is_none() {
            let text = format!("no record names this image in {}", records.source);
            problems.push(("verify-no-record", text));
        }
        Judged {
            file: file.to_owned(),
            serial,
            examined,
            problems,
        }
    }

    /// Returns the serial that the caller names, or that the file's name claims.
    ///
    /// A dump is named as its maker likes.
    fn claimed(&self, file: &Path) -> Option<Serial> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let named = || self.recipe.serial.read(&stem).ok();
        let dump = self.dump.is_some();
        self.serial
            .clone()
            .or_else(|| if dump { None } else { named() })
    }
}

impl Judged {
    /// A file of which only a problem is known.
    fn unexamined(file: &Path, serial: Option<Serial>, problem: (&'static str, String)) -> Self {
        Self {
            file: file.to_owned(),
            serial,
            examined: Examined {
                fingerprint: None,
                serial: None,
                findings: Vec::new(),
            },
            problems: vec![problem],
        }
    }
}

/// A part file holds a token under a name that nobody looks for.
pub(super) fn left_over(file: PathBuf) -> Judged {
    let what = "an interrupted run left it, and it may hold a token: run the batch again";
    Judged::unexamined(&file, None, ("verify-left-over", what.to_owned()))
}

/// Names every file whose token another file holds too.
pub(super) fn twice(judged: &mut [Judged]) {
    let mut holders: BTreeMap<Fingerprint, Vec<PathBuf>> = BTreeMap::new();
    for one in judged.iter() {
        if let Some(fingerprint) = one.examined.fingerprint {
            holders
                .entry(fingerprint)
                .or_default()
                .push(one.file.clone());
        }
    }
    for one in judged {
        let Some(fingerprint) = one.examined.fingerprint else {
            continue;
        };
        let others: Vec<String> = holders
            .get(&fingerprint)
            .into_iter()
            .flatten()
            .filter(|file| **file != one.file)
            .map(|file| file.display().to_string())
            .collect();
        if !others.is_empty() {
            one.problems.push((
                "verify-token-twice",
                format!("token {fingerprint} is in {} too", others.join(", ")),
            ));
        }
    }
}

/// Names every record that has no image.
pub(super) fn missing(records: &Records, judged: &mut Vec<Judged>, folder: &Path) {
    let seen: BTreeSet<String> = judged
        .iter()
        .filter_map(|one| one.serial.as_ref().map(Serial::folded))
        .collect();
    for serial in records.missing(&seen) {
        let what = "the record has no image in this folder".to_owned();
        let file = folder.join(serial.as_str());
        let problem = ("verify-no-image", what);
        judged.push(Judged::unexamined(&file, Some(serial), problem));
    }
}
