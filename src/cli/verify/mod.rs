//! `verify`: offline quality assurance, without any secret.

mod judging;
mod records;
mod verdicts;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use eol_inject::image::{Address, Conversion, Span};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;
use eol_inject::verify::{Expected, Judge};

use self::judging::{Judging, Listing};
use self::records::{RecordArgs, Records};
use super::args::{FormArgs, RecipeArg};
use super::board::Verified;
use super::error::{CliError, exit};
use super::output::Output;
use super::{firmware, recipe};

#[derive(Args)]
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

    #[command(flatten)]
    records: RecordArgs,

    /// The file is a dump of the unit's flash from this address on
    #[arg(long, value_name = "BASE", conflicts_with_all = ["format", "gap_fill"])]
    dump: Option<Address>,

    #[command(flatten)]
    form: FormArgs,
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
    let recipe = recipe::read(&args.recipe.recipe)?;
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
    let judge = firmware::judge(&recipe)?;
    let records = Records::of(&args.records, &recipe)?;
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
        verdicts::compared(&recipe, &judge, &records, output);
        return Ok(code);
    }
    output.only_looks();
    let mut found = Listing::default();
    for path in &args.paths {
        let form = form(args, path, &recipe, &judge)?;
        match path.is_dir() {
            true => found.list(path, form, &recipe)?,
            false => found.files.push((path.clone(), form)),
        }
    }
    in_range(args, &judge, &found)?;
    let total = u64::try_from(found.files.len()).unwrap_or(u64::MAX);
    output.bar(total, "images");
    let judging = Judging {
        judge: &judge,
        dump: args.dump,
        recipe: &recipe,
        serial,
        records: &records,
    };
    let mut judged = judging.all(found.files, output);
    output.done();
    judged.extend(found.parts.into_iter().map(judging::left_over));
    judging::unseen(&found.others, output);
    judging::twice(&mut judged);
    if let Some(folder) = args.paths.iter().find(|path| path.is_dir()) {
        judging::missing(&records, &mut judged, folder);
    }
    let code = verdicts::tell(&judged, output);
    verdicts::compared(&recipe, &judge, &records, output);
    Ok(code)
}

/// Returns what the board on a probe must be, where the caller names it.
fn expected(serial: Serial, records: &Records) -> Result<Expected, CliError> {
    if records.are_asked() && records.get(&serial).is_none() {
        return Err(CliError::new(
            exit::DIFFERS,
            "verify-no-record",
            format!("no record names {serial}"),
        ));
    }
    Ok(records.expected(serial))
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
    path: &Path,
    recipe: &Recipe,
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
