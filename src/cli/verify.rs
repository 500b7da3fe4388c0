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
use eol_inject::ledger::UnitState;
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
    #[arg(value_name = "IMAGE|DIR", required_unless_present = "probe")]
    path: Option<PathBuf>,

    /// Read the board on this probe instead, and judge that
    #[arg(long, value_name = "PROBE", conflicts_with_all = ["path", "dump", "format", "gap_fill"])]
    probe: Option<String>,

    /// The serial that the image must carry [default: the file's name]
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,

    /// Compare with the records in this CSV, as `ledger export` writes it
    #[arg(long, value_name = "CSV")]
    mapping: Option<PathBuf>,

    /// Compare with the records of the recipe's ledger
    #[arg(long)]
    ledger: bool,

    /// Miss in the folder only images of units that this station made
    #[arg(long, value_name = "NAME", requires = "ledger")]
    station: Option<String>,

    /// The file is a dump of the unit's flash from this address on
    #[arg(long, value_name = "BASE", conflicts_with_all = ["format", "gap_fill"])]
    dump: Option<Address>,

    #[command(flatten)]
    form: FormArgs,
}

/// The records to compare with, by folded serial.
type Records = BTreeMap<String, (Serial, Fingerprint)>;

/// Folded serials of units that other stations made than the one in question.
type Elsewhere = BTreeSet<String>;

/// One file and what it was found to be.
struct Judged {
    file: PathBuf,
    serial: Option<Serial>,
    examined: Examined,
    /// What only the whole folder or the records can tell.
    problems: Vec<(&'static str, String)>,
}

impl VerifyArgs {
    /// Returns the file or folder to judge; empty where a board is.
    fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

pub(crate) fn run(args: &VerifyArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let judge = judge(&recipe)?;
    if let Some(probe) = &args.probe {
        let (records, _) = records(args, &recipe)?;
        let expected = expected(args, &recipe, records.as_ref())?;
        return super::board::verify(&recipe, &judge, (probe, expected), output);
    }
    output.only_looks();
    let form = form(args, &recipe, &judge)?;
    let (records, elsewhere) = records(args, &recipe)?;
    let folder = args.path().is_dir();
    if folder && (args.serial.is_some() || args.dump.is_some()) {
        return Err(CliError::usage(
            "--serial and --dump judge one file, and this is a folder",
        ));
    }
    let found = if folder {
        list(args.path(), &recipe, form)?
    } else {
        Listing {
            files: vec![args.path().to_owned()],
            ..Listing::default()
        }
    };
    let total = u64::try_from(found.files.len()).unwrap_or(u64::MAX);
    output.bar(total, "images");
    let serial = args.serial.as_deref();
    let judging = Judging {
        judge: &judge,
        args,
        serial: serial.map(|text| recipe.serial.read(text)).transpose()?,
        form,
        records: records.as_ref(),
    };
    let mut judged = judging.all(found.files, output);
    output.done();
    judged.extend(found.parts.into_iter().map(left_over));
    unseen(&found.others, output);
    twice(&mut judged);
    if let Some(records) = records.as_ref().filter(|_| folder) {
        missing((records, &elsewhere), &mut judged, args.path());
    }
    Ok(report(&judged, output))
}

/// Returns what the board on a probe must be, where the caller names it.
fn expected(
    args: &VerifyArgs,
    recipe: &Recipe,
    records: Option<&Records>,
) -> Result<Option<Expected>, CliError> {
    let Some(serial) = &args.serial else {
        return Ok(None);
    };
    let serial = recipe.serial.read(serial)?;
    let record = records.and_then(|records| records.get(&serial.folded()));
    if records.is_some() && record.is_none() {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-record",
            format!("no record names {serial}"),
        ));
    }
    let fingerprint = record.map(|(_, fingerprint)| *fingerprint);
    Ok(Some(Expected {
        serial,
        fingerprint,
    }))
}

/// Returns what the images were converted to: as asked, else as one file's name says.
fn form(args: &VerifyArgs, recipe: &Recipe, judge: &Judge) -> Result<Option<Conversion>, CliError> {
    let asked = args.form.conversion(judge.format())?;
    let extension = args.path().extension().filter(|_| args.dump.is_none());
    if asked.is_some() || args.path().is_dir() || extension == recipe.image_extension() {
        return Ok(asked);
    }
    let named = extension.and_then(|text| text.to_str()?.parse().ok());
    let named = FormArgs {
        format: named,
        gap_fill: None,
    };
    named.conversion(judge.format())
}

pub(crate) fn judge(recipe: &Recipe) -> Result<Judge, CliError> {
    let shared = context::shared(recipe)?;
    let names = recipe
        .image
        .symbols
        .as_ref()
        .map(|names| context::read(&recipe.path(names), exit::IMAGE, "the image"));
    let keyed = context::with_keys(recipe, context::Need::Check)?;
    Judge::new(shared, names.transpose()?, &keyed).map_err(|error| {
        // The shared image is at fault, not a unit's.
        CliError::from(error).about(context::image_name(recipe).display())
    })
}

/// Reads the records that the caller names.
fn records(args: &VerifyArgs, recipe: &Recipe) -> Result<(Option<Records>, Elsewhere), CliError> {
    let mut elsewhere = Elsewhere::new();
    if let Some(file) = &args.mapping {
        let bytes = context::read(file, exit::RECIPE, "the mapping")?;
        return export::read_mapping(&bytes)
            .map_err(|error| error.about(file.display()))
            .map(|records| (Some(records), elsewhere));
    }
    if !args.ledger {
        return Ok((None, elsewhere));
    }
    let ledger = context::records(recipe)?;
    let mut records = Records::new();
    ledger.units(&mut |unit| {
        if is_made(unit.state) {
            let asked = args.station.as_ref();
            if asked.is_some_and(|station| *station != unit.station) {
                elsewhere.insert(unit.serial.folded());
            }
            records.insert(unit.serial.folded(), (unit.serial, unit.fingerprint));
        }
    })?;
    Ok((Some(records), elsewhere))
}

/// Returns whether a unit in this state has an image.
pub(crate) const fn is_made(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// What a folder holds.
#[derive(Default)]
struct Listing {
    /// Images, by their names.
    files: Vec<PathBuf>,
    /// What interrupted runs left.
    parts: Vec<PathBuf>,
    /// Everything else.
    others: Vec<PathBuf>,
}

/// Lists the images of a folder, and the files that interrupted runs left.
fn list(folder: &Path, recipe: &Recipe, form: Option<Conversion>) -> Result<Listing, CliError> {
    let failed = |error: std::io::Error| {
        CliError::file("cannot list", folder, &error).with_code(exit::DIFFERS)
    };
    let wanted = match form {
        Some(form) => Some(OsStr::new(form.extension())),
        None => recipe.image_extension(),
    };
    let mut found = Listing::default();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".part") {
            found.parts.push(path);
        } else if !path.is_dir() && (wanted.is_none() || path.extension() == wanted) {
            found.files.push(path);
        } else {
            found.others.push(path);
        }
    }
    found.files.sort();
    found.parts.sort();
    found.others.sort();
    if found.files.is_empty() {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-image",
            format!("{} holds no image", folder.display()),
        ));
    }
    Ok(found)
}

/// Names what stands in the folder and was not judged: each may hold a token too.
fn unseen(others: &[PathBuf], output: &Output) {
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
struct Judging<'j> {
    judge: &'j Judge,
    args: &'j VerifyArgs,
    /// The serial that the caller names.
    serial: Option<Serial>,
    form: Option<Conversion>,
    records: Option<&'j Records>,
}

impl Judging<'_> {
    /// Judges every file, on all cores; the order stays.
    fn all(&self, files: Vec<PathBuf>, output: &Output) -> Vec<Judged> {
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
                judged.insert(index, one);
            }
        });
        judged.into_values().collect()
    }

    fn one(&self, file: &Path) -> Judged {
        let (judge, args, records) = (self.judge, self.args, self.records);
        let bytes = match context::read(file, exit::DIFFERS, "the image") {
            Ok(bytes) => bytes,
            Err(error) => {
                return Judged::unexamined(file, None, ("verify-unreadable", error.message));
            }
        };
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut problems = Vec::new();
        let serial: Option<Serial> = match &self.serial {
            Some(serial) => Some(serial.clone()),
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
        let examined = match (args.dump, self.form) {
            (Some(base), _) => judge.examine_dump(base, bytes, expected),
            (_, Some(form)) => judge.examine_converted(form, bytes, expected),
            _ => judge.examine(bytes, expected),
        };
        Judged {
            file: file.to_owned(),
            serial,
            examined,
            problems,
        }
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
fn left_over(file: PathBuf) -> Judged {
    let what = "an interrupted run left it, and it may hold a token: run the batch again";
    Judged::unexamined(&file, None, ("verify-left-over", what.to_owned()))
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
fn missing((records, elsewhere): (&Records, &Elsewhere), judged: &mut Vec<Judged>, folder: &Path) {
    let seen: BTreeSet<String> = judged
        .iter()
        .filter_map(|one| one.serial.as_ref().map(Serial::folded))
        .collect();
    for (folded, (serial, _)) in records {
        if !seen.contains(folded) && !elsewhere.contains(folded) {
            let what = "the record has no image in this folder".to_owned();
            let file = folder.join(serial.as_str());
            let problem = ("verify-no-image", what);
            judged.push(Judged::unexamined(&file, Some(serial.clone()), problem));
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
    let missing = |one: &&Judged| {
        one.problems
            .iter()
            .any(|(name, _)| *name == "verify-no-image")
    };
    let missing = judged.iter().filter(missing).count();
    let images = judged.len().saturating_sub(missing);
    let right = judged.len().saturating_sub(wrong);
    let wrong_images = wrong.saturating_sub(missing);
    let without = if missing > 0 {
        format!(", {} without an image", count(missing, "record"))
    } else {
        String::new()
    };
    output.line(format_args!(
        "{}   {right} right, {wrong_images} wrong{without}",
        count(images, "image")
    ));
    if wrong > 0 { exit::DIFFERS } else { 0 }
}
