//! `verify`: offline quality assurance, without any secret.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use clap::{ArgGroup, Args};
use eol_inject::image::{Address, Conversion};
use eol_inject::ledger::{Ledger as _, UnitState};
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Fingerprint, Serial};
use eol_inject::verify::{Examined, Expected, Judge};
use serde_json::json;

use super::context;
use super::error::{CliError, exit};
use super::export;
use super::output::{BAD, Output, count};
use super::{FormArgs, RecipeArg};

/// What to judge, and by what.
#[derive(Args)]
#[command(group(ArgGroup::new("records").args(["mapping", "ledger"])))]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// An image, or a folder of images named by serial
    #[arg(value_name = "IMAGE|DIR")]
    path: PathBuf,

    /// The serial that the image must carry [default: the file's name]
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,

    /// Compare with the records in this CSV, as `ledger export` writes it
    #[arg(long, value_name = "CSV")]
    mapping: Option<PathBuf>,

    /// Compare with the records of the recipe's ledger
    #[arg(long)]
    ledger: bool,

    /// The file is a dump of the unit's flash from this address on
    #[arg(long, value_name = "BASE", conflicts_with_all = ["format", "gap_fill"])]
    dump: Option<Address>,

    #[command(flatten)]
    form: FormArgs,
}

/// The records to compare with, by folded serial.
type Records = BTreeMap<String, (Serial, Fingerprint)>;

/// One file and what it was found to be.
struct Judged {
    file: PathBuf,
    serial: Option<Serial>,
    examined: Examined,
    /// What only the whole folder or the records can tell.
    problems: Vec<(&'static str, String)>,
}

pub(crate) fn run(args: &VerifyArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let judge = judge(&recipe)?;
    let form = form(args, &recipe, &judge)?;
    let records = records(args, &recipe)?;
    let folder = args.path.is_dir();
    if folder && (args.serial.is_some() || args.dump.is_some()) {
        return Err(CliError::usage(
            "--serial and --dump judge one file, and this is a folder",
        ));
    }
    let (files, parts) = if folder {
        list(&args.path, &recipe, form)?
    } else {
        (vec![args.path.clone()], Vec::new())
    };
    output.bar(u64::try_from(files.len()).unwrap_or(u64::MAX), "images");
    let judging = Judging {
        judge: &judge,
        args,
        form,
        records: records.as_ref(),
    };
    let mut judged = judging.all(files, output)?;
    output.done();
    for part in parts {
        judged.push(left_over(part));
    }
    twice(&mut judged);
    if let Some(records) = records.as_ref().filter(|_| folder) {
        missing(records, &mut judged, &args.path);
    }
    Ok(report(&judged, output))
}

/// Returns what the images were converted to: as asked, else as one file's name says.
fn form(args: &VerifyArgs, recipe: &Recipe, judge: &Judge) -> Result<Option<Conversion>, CliError> {
    let asked = args.form.conversion(judge.format())?;
    let extension = args.path.extension().filter(|_| args.dump.is_none());
    if asked.is_some() || args.path.is_dir() || extension == recipe.image.file.extension() {
        return Ok(asked);
    }
    let named = extension.and_then(|text| text.to_str()?.parse().ok());
    let named = FormArgs {
        format: named,
        gap_fill: None,
    };
    named.conversion(judge.format())
}

fn judge(recipe: &Recipe) -> Result<Judge, CliError> {
    let file = recipe.path(&recipe.image.file);
    let shared = context::read(&file, exit::IMAGE, "the image")?;
    let names = recipe
        .image
        .symbols
        .as_ref()
        .map(|names| context::read(&recipe.path(names), exit::IMAGE, "the image"));
    let keyed = context::with_keys(recipe, context::Need::Check)?;
    Judge::new(shared, names.transpose()?, &keyed).map_err(|error| {
        // The shared image is at fault, not a unit's.
        CliError::from(error).about(file.display())
    })
}

/// Reads the records that the caller names.
fn records(args: &VerifyArgs, recipe: &Recipe) -> Result<Option<Records>, CliError> {
    if let Some(file) = &args.mapping {
        let bytes = context::read(file, exit::RECIPE, "the mapping")?;
        return export::read_mapping(&bytes)
            .map_err(|error| error.about(file.display()))
            .map(Some);
    }
    if !args.ledger {
        return Ok(None);
    }
    let ledger = context::records(recipe)?;
    let mut records = Records::new();
    ledger.units(&mut |unit| {
        if is_made(unit.state) {
            records.insert(unit.serial.folded(), (unit.serial, unit.fingerprint));
        }
    })?;
    Ok(Some(records))
}

/// Returns whether a unit in this state has an image.
pub(crate) const fn is_made(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// Lists the images of a folder, and the files that interrupted runs left.
fn list(
    folder: &Path,
    recipe: &Recipe,
    form: Option<Conversion>,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), CliError> {
    let failed = |error: std::io::Error| {
        CliError::file("cannot list", folder, &error).with_code(exit::DIFFERS)
    };
    let wanted = match form {
        Some(form) => Some(OsStr::new(form.extension())),
        None => recipe.image.file.extension(),
    };
    let (mut files, mut parts) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            continue;
        }
        if name.starts_with('.') {
            if name.ends_with(".part") {
                parts.push(path);
            }
        } else if wanted.is_none() || path.extension() == wanted {
            files.push(path);
        }
    }
    files.sort();
    parts.sort();
    if files.is_empty() {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-image",
            format!("{} holds no image", folder.display()),
        ));
    }
    Ok((files, parts))
}

/// What every file is judged by.
#[derive(Clone, Copy)]
struct Judging<'j> {
    judge: &'j Judge,
    args: &'j VerifyArgs,
    form: Option<Conversion>,
    records: Option<&'j Records>,
}

impl Judging<'_> {
    /// Judges every file, on all cores; the order stays.
    fn all(self, files: Vec<PathBuf>, output: &Output) -> Result<Vec<Judged>, CliError> {
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
                        let Some(file) = files.get(index) else { return };
                        let one = self.one(file);
                        if results.send((index, one)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(results);
            for (index, one) in done {
                output.step();
                judged.insert(index, one?);
            }
            Ok::<_, CliError>(())
        })?;
        Ok(judged.into_values().collect())
    }

    fn one(self, file: &Path) -> Result<Judged, CliError> {
        let Self {
            judge,
            args,
            form,
            records,
        } = self;
        let bytes = context::read(file, exit::DIFFERS, "the image")?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut problems = Vec::new();
        let serial: Option<Serial> = match &args.serial {
            Some(serial) => Some(
                serial
                    .parse()
                    .map_err(|error| CliError::usage(format!("--serial: {error}")))?,
            ),
            // A dump is named as its maker likes.
            None if args.dump.is_some() && records.is_none() => None,
            None => stem.parse().ok(),
        };
        let record = serial
            .as_ref()
            .zip(records)
            .and_then(|(serial, records)| records.get(&serial.folded()));
        if records.is_some() && record.is_none() {
            problems.push(("verify-no-record", "no record names this image".to_owned()));
        }
        let expected = serial.clone().map(|serial| Expected {
            serial,
            fingerprint: record.map(|(_, fingerprint)| *fingerprint),
        });
        let expected = expected.as_ref();
        let examined = match (args.dump, form) {
            (Some(base), _) => judge.examine_dump(base, bytes, expected),
            (_, Some(form)) => judge.examine_converted(form, bytes, expected),
            _ => judge.examine(bytes, expected),
        };
        Ok(Judged {
            file: file.to_owned(),
            serial,
            examined,
            problems,
        })
    }
}

/// A part file holds a token under a name that nobody looks for.
fn left_over(file: PathBuf) -> Judged {
    Judged {
        file,
        serial: None,
        examined: Examined {
            fingerprint: None,
            serial: None,
            findings: Vec::new(),
        },
        problems: vec![(
            "verify-left-over",
            "an interrupted run left it, and it may hold a token: run the batch again".to_owned(),
        )],
    }
}

/// Names every file whose token another file holds too.
fn twice(judged: &mut [Judged]) {
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
fn missing(records: &Records, judged: &mut Vec<Judged>, folder: &Path) {
    let seen: BTreeSet<String> = judged
        .iter()
        .filter_map(|one| one.serial.as_ref().map(Serial::folded))
        .collect();
    for (folded, (serial, _)) in records {
        if !seen.contains(folded) {
            judged.push(Judged {
                file: folder.join(serial.as_str()),
                serial: Some(serial.clone()),
                examined: Examined {
                    fingerprint: None,
                    serial: None,
                    findings: Vec::new(),
                },
                problems: vec![(
                    "verify-no-image",
                    "the record has no image in this folder".to_owned(),
                )],
            });
        }
    }
}

fn report(judged: &[Judged], output: &Output) -> u8 {
    let mut wrong = 0usize;
    for one in judged {
        let mut lines: Vec<(&str, String)> = one
            .examined
            .findings
            .iter()
            .map(|finding| (finding.name(), finding.to_string()))
            .collect();
        lines.extend(one.problems.iter().cloned());
        let findings: Vec<_> = lines
            .iter()
            .map(|(name, message)| json!({ "name": name, "message": message }))
            .collect();
        output.object(&json!({
            "v": 1,
            "file": one.file.display().to_string(),
            "serial": one.serial.as_ref().map(Serial::as_str),
            "outcome": if lines.is_empty() { "pass" } else { "fail" },
            "fingerprint": one.examined.fingerprint.map(|print| print.to_string()),
            "findings": findings,
        }));
        if !lines.is_empty() {
            wrong += 1;
        }
        let name = one.file.file_name().unwrap_or_default().to_string_lossy();
        for (_, message) in lines {
            output.line(format_args!(
                "{BAD}{name}{BAD:#}  {message}   ({})",
                exit::DIFFERS
            ));
        }
    }
    let right = judged.len().saturating_sub(wrong);
    output.line(format_args!(
        "{}   {right} right, {wrong} wrong",
        count(judged.len(), "image")
    ));
    if wrong > 0 { exit::DIFFERS } else { 0 }
}
