//! `verify`: offline quality assurance, without any secret.

mod records;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use clap::{ArgGroup, Args};
use eol_inject::image::{Address, Conversion, Span};
use eol_inject::ledger::UnitState;
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Fingerprint, Serial};
use eol_inject::verify::{Examined, Expected, Judge};
use serde_json::json;

use self::records::Records;
use super::board::Verified;
use super::context;
use super::error::{CliError, exit};
use super::output::Output;
use super::{FormArgs, RecipeArg};

/// What to judge, and by what.
#[derive(Args)]
#[command(group(ArgGroup::new("records").args(["mapping", "ledger", "no_ledger"])))]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Images, and folders of images named by serial
    #[arg(value_name = "IMAGE|DIR", required_unless_present = "probe")]
    paths: Vec<PathBuf>,

    /// Read the board on this probe instead, and judge that; without a value, on the recipe's own
    #[arg(long, value_name = "PROBE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["paths", "dump", "format", "gap_fill"])]
    probe: Option<String>,

    /// The serial that the image must carry [default: the file's name]
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,

    /// Compare with the records in this CSV, as `ledger export` writes it
    #[arg(long, value_name = "CSV")]
    mapping: Option<PathBuf>,

    /// Compare with the records of the recipe's ledger, which must be there; a folder must hold an
    /// image for each [default: its records are asked where it is here]
    #[arg(long)]
    ledger: bool,

    /// Compare with no record, though the recipe's ledger is here
    #[arg(long)]
    no_ledger: bool,

    /// Miss in the folder only images of units that this station made
    #[arg(long, value_name = "NAME", requires = "ledger")]
    station: Option<String>,

    /// The file is a dump of the unit's flash from this address on
    #[arg(long, value_name = "BASE", conflicts_with_all = ["format", "gap_fill"])]
    dump: Option<Address>,

    #[command(flatten)]
    form: FormArgs,
}

/// One file and what it was found to be.
struct Judged {
    file: PathBuf,
    serial: Option<Serial>,
    examined: Examined,
    /// What only the whole folder or the records can tell.
    problems: Vec<(&'static str, String)>,
}

impl VerifyArgs {
    /// Returns the one file that is judged, where it is one.
    fn file(&self) -> Option<&Path> {
        match self.paths.as_slice() {
            [one] if !one.is_dir() => Some(one),
            _ => None,
        }
    }
}

pub(crate) fn run(args: &VerifyArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    if args.file().is_none()
        && (args.serial.is_some() || args.dump.is_some())
        && args.probe.is_none()
    {
        return Err(CliError::usage(
            "--serial and --dump judge one file, and this is a folder or several files",
        ));
    }
    for path in &args.paths {
        records::present(path)?;
    }
    let judge = judge(&recipe)?;
    let records = Records::of(args, &recipe)?;
    if records.simulated {
        output.warning("the record's units are SIMULATED: none of them is real");
    }
    let serial = args.serial.as_deref();
    let serial = serial.map(|text| named(&recipe, text, &records));
    let serial = serial.transpose()?;
    if let Some(probe) = &args.probe {
        let expected = serial
            .map(|serial| expected(serial, &records))
            .transpose()?;
        let board = Verified { probe, expected };
        let code = super::board::verify(&recipe, &judge, &board, output)?;
        report::compared(&recipe, &judge, &records, output);
        return Ok(code);
    }
    output.only_looks();
    let mut found = Listing::default();
    for path in &args.paths {
        let form = form(args, (path, &recipe), &judge)?;
        match path.is_dir() {
            true => list((path, form), &recipe, &mut found)?,
            false => found.files.push((path.clone(), form)),
        }
    }
    in_range(args, &judge, &found)?;
    let total = u64::try_from(found.files.len()).unwrap_or(u64::MAX);
    output.bar(total, "images");
    let judging = Judging {
        judge: &judge,
        args,
        recipe: &recipe,
        serial,
        records: &records,
    };
    let mut judged = judging.all(found.files, output);
    output.done();
    judged.extend(found.parts.into_iter().map(left_over));
    unseen(&found.others, output);
    twice(&mut judged);
    if let Some(folder) = args.paths.iter().find(|path| path.is_dir()) {
        missing(&records, &mut judged, folder);
    }
    let code = report::report(&judged, output);
    report::compared(&recipe, &judge, &records, output);
    Ok(code)
}

/// Returns what the board on a probe must be, where the caller names it.
fn expected(serial: Serial, records: &Records) -> Result<Expected, CliError> {
    let record = records.get(&serial);
    if records.are_asked() && record.is_none() {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-record",
            format!("no record names {serial}"),
        ));
    }
    let fingerprint = record.map(|(_, fingerprint)| *fingerprint);
    Ok(Expected {
        serial,
        fingerprint,
    })
}

/// Refuses a dump that meets no address of the image: an address without 0x is a decimal number.
fn in_range(args: &VerifyArgs, judge: &Judge, found: &Listing) -> Result<(), CliError> {
    let (Some(base), [(file, _)]) = (args.dump, found.files.as_slice()) else {
        return Ok(());
    };
    let runs = judge.runs();
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Ok(());
    };
    let size = fs::metadata(file).map_or(0, |data| data.len());
    let dump = Span::new(base, size.max(1));
    let image = Span::between(first.start(), last.end());
    let apart = dump
        .zip(image)
        .is_some_and(|(dump, image)| dump.intersection(image).is_none());
    if !apart {
        return Ok(());
    }
    let end = last.end();
    Err(CliError::usage(format!(
        "a dump from {base} on ({} in decimal digits) meets no address of the shared image, which lies at \
         {}..{end}; write the dump's base with 0x where it is a hex number",
        base.get(),
        first.start(),
    )))
}

/// Returns the serial that is named, whatever the recipe's pattern says today.
fn named(recipe: &Recipe, text: &str, records: &Records) -> Result<Serial, CliError> {
    let [plain, shaped] = recipe.serial.known(text)?;
    let known = records.get(&plain).is_some();
    Ok(if known { plain } else { shaped })
}

/// Returns what the images were converted to: as asked, else as one file's name says.
fn form(
    args: &VerifyArgs,
    (path, recipe): (&Path, &Recipe),
    judge: &Judge,
) -> Result<Option<Conversion>, CliError> {
    let asked = args.form.conversion(judge.format())?;
    let extension = path.extension().filter(|_| args.dump.is_none());
    if asked.is_some() || path.is_dir() || extension == recipe.image_extension() {
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
    /// Images, by their names, and what each was converted to.
    files: Vec<(PathBuf, Option<Conversion>)>,
    /// What interrupted runs left.
    parts: Vec<PathBuf>,
    /// Everything else.
    others: Vec<PathBuf>,
}

/// Lists the images of a folder, and the files that interrupted runs left.
fn list(
    (folder, form): (&Path, Option<Conversion>),
    recipe: &Recipe,
    found: &mut Listing,
) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        CliError::file("cannot list", folder, &error).with_code(exit::IMAGE)
    };
    let wanted = match form {
        Some(form) => Some(OsStr::new(form.extension())),
        None => recipe.image_extension(),
    };
    let mut paths = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.sort();
    let before = found.files.len();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".part") {
            found.parts.push(path);
        } else if !path.is_dir() && (wanted.is_none() || path.extension() == wanted) {
            found.files.push((path, form));
        } else {
            found.others.push(path);
        }
    }
    if found.files.len() == before {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-image",
            format!("{} holds no image", folder.display()),
        ));
    }
    Ok(())
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
    recipe: &'j Recipe,
    /// The serial that the caller names.
    serial: Option<Serial>,
    records: &'j Records,
}

impl Judging<'_> {
    /// Judges every file, on all cores; the order stays.
    fn all(&self, files: Vec<(PathBuf, Option<Conversion>)>, output: &Output) -> Vec<Judged> {
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
        let bytes = match context::read(file, exit::DIFFERS, "the image") {
            Ok(bytes) => bytes,
            Err(error) => {
                return Judged::unexamined(file, None, ("verify-unreadable", error.message));
            }
        };
        let claimed = self.claimed(file);
        let expected = claimed.map(|serial| self.expected(serial));
        let expected = expected.as_ref();
        let mut examined = match (self.args.dump, form) {
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
                examined.compare(&self.expected(own.clone()));
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
        let dump = self.args.dump.is_some();
        self.serial
            .clone()
            .or_else(|| if dump { None } else { named() })
    }

    /// Returns what the record says of a unit.
    fn expected(&self, serial: Serial) -> Expected {
        let record = self.records.get(&serial);
        Expected {
            fingerprint: record.map(|(_, fingerprint)| *fingerprint),
            serial,
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
fn missing(records: &Records, judged: &mut Vec<Judged>, folder: &Path) {
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
