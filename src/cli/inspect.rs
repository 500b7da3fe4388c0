//! `inspect`: what an image is, before anybody writes a recipe for it.

use std::path::PathBuf;

use clap::Args;
use eol_inject::checksum;
use eol_inject::image::{Address, Hint, Image, ImageError, Md5, Span, partitions};
use eol_inject::master::Master;
use eol_inject::recipe::{Recipe, SlotSpec};
use eol_inject::slot::{self, Slot};
use serde_json::json;

use super::error::{CliError, exit};
use super::map::{self, Mark};
use super::output::{BAD, DIM, GOOD, Output, count};
use super::report::{dead_slot, describe, grouped, second_firmware, stored};
use super::{file, firmware, holds, proposals, recipe, wrap};

#[derive(Args)]
pub(crate) struct InspectArgs {
    /// The image: ELF, BIN, HEX, S-record or UF2, by its content
    image: PathBuf,

    /// Load address of a BIN's first byte [default: 0x00000000]
    #[arg(long, value_name = "ADDRESS")]
    base: Option<Address>,

    /// Which family of a UF2 is meant, where it holds several
    #[arg(long, value_name = "NUMBER", value_parser = family)]
    family: Option<u32>,

    /// Show this recipe's slots in it
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
}

pub(crate) fn run(args: &InspectArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = args.recipe.as_deref().map(recipe::read).transpose()?;
    let image = read(args, recipe.as_ref())?;
    headline(args, &image, output);
    second_firmware(&image, output);
    runs(&image, output);
    let mut marks = Vec::new();
    if let Some(recipe) = &recipe {
        recipe_slots(&image, recipe, &mut marks, output);
    } else {
        slots(&image, &mut marks, output);
        proposals::show(&image, &mut marks, output);
    }
    tags(&image, output);
    findings(&image, &mut marks, output);
    md5s(&image, output);
    for (index, line) in map::picture(&image, &marks).iter().enumerate() {
        let head = if index == 0 { "  map       " } else { "" };
        output.line(format_args!("{head}{line}"));
    }
    Ok(0)
}

/// Reads a family as UF2 tools write it.
fn family(text: &str) -> Result<u32, String> {
    let number: Option<Address> = text.parse().ok();
    let number = number.and_then(|number| u32::try_from(number.get()).ok());
    number.ok_or_else(|| "write 0xADA52840, for example".to_owned())
}

fn read(args: &InspectArgs, recipe: Option<&Recipe>) -> Result<Image, CliError> {
    let bytes = file::read(&args.image, exit::IMAGE, "the image")?;
    let given = args
        .base
        .or_else(|| recipe.and_then(|recipe| recipe.image.base));
    let family = args.family;
    let family = family.or_else(|| recipe.and_then(|recipe| recipe.image.family));
    let read = |base| {
        let hint = Hint {
            format: None,
            base,
            family,
        };
        Image::read(bytes.clone(), hint)
    };
    let image = match read(given) {
        // Without a base a BIN is shown from 0 on: offsets, until somebody says better.
        Err(ImageError::NoBase) => read(Some(Address::new(0))),
        read => read,
    };
    let image = image.map_err(|error| CliError::from(error).about(args.image.display()))?;
    let named = recipe.and_then(|recipe| Some((recipe, recipe.image.symbols.as_ref()?)));
    let Some((recipe, names)) = named else {
        return Ok(image);
    };
    let names = recipe.path(names);
    let program = firmware::read_image(&names, Hint::default())?;
    image
        .with_names_but(&program, |image| checksum::fields(image, &recipe.checksums))
        .map_err(|error| CliError::from(error).about(names.display()))
}

fn headline(args: &InspectArgs, image: &Image, output: &Output) {
    let runs = image.runs();
    let digest = eol_inject::unit::Digest::of(image.container());
    output.object(&json!({
        "v": 1, "kind": "image", "file": args.image.display().to_string(),
        "format": image.format().to_string(),
        "machine": image.machine().map(|machine| json!({
            "bits": machine.bits, "endian": machine.endian.to_string(), "name": machine.name,
        })),
        "bytes": image.container().len(), "stored": stored(&runs), "sha256": digest.to_string(),
        "sections": image.names().sections.len(), "symbols": image.names().symbols.len(),
    }));
    output.line(format_args!("{}", args.image.display()));
    output.line(format_args!(
        "  format    {}, {} bytes, {} loaded",
        describe(image),
        grouped(image.container().len()),
        grouped(stored(&runs)),
    ));
    output.line(format_args!("  sha-256   {digest}"));
    let names = image.names();
    if !names.sections.is_empty() || !names.symbols.is_empty() {
        output.line(format_args!(
            "  names     {} sections, {} symbols",
            names.sections.len(),
            names.symbols.len()
        ));
    }
}

fn runs(image: &Image, output: &Output) {
    for run in image.runs() {
        output.object(&json!({
            "v": 1, "kind": "run", "start": run.start().to_string(), "end": run.end().to_string(),
            "bytes": run.len(),
        }));
        output.line(format_args!(
            "  run       {run}  {} bytes",
            grouped(run.len())
        ));
        let names = image.names().sections.iter();
        let names = names.filter(|section| section.stored && section.lma.is_some());
        let width = names.map(|section| section.name.len()).max();
        let width = width.unwrap_or_default().min(24);
        for section in &image.names().sections {
            let Some(span) = section
                .lma
                .filter(|_| section.stored)
                .and_then(|lma| Span::new(lma, section.size))
            else {
                continue;
            };
            if run.contains(span) {
                let runs_at = if section.vma == span.start().get() {
                    String::new()
                } else {
                    format!("  runs at {}", Address::new(section.vma))
                };
                output.line(format_args!(
                    "    {DIM}{:<width$}  {span}  {} bytes{runs_at}{DIM:#}",
                    section.name,
                    grouped(span.len()),
                ));
            }
        }
    }
}

/// Shows the slots that a recipe describes; where all of it fits, its checksums are marked too.
fn recipe_slots(image: &Image, recipe: &Recipe, marks: &mut Vec<(Span, Mark)>, output: &Output) {
    let specs = recipe.slots.iter();
    let found: Vec<Slot> = specs
        .filter_map(|spec| recipe_slot(image, spec, output))
        .collect();
    marks.extend(found.iter().map(|slot| (slot.span(), Mark::Slot)));
    if let Err((_, error)) = slot::alone(image, &found) {
        output.warning(error);
    }
    for (index, at) in slot::suspects(image, &found) {
        if let Some(slot) = found.get(index) {
            output.warning(dead_slot(slot, &at));
        }
    }
    if let Ok(master) = Master::prove(image.clone(), recipe) {
        let fields = master.plan().checksums().iter();
        marks.extend(fields.map(|field| (field.at(), Mark::Integrity)));
    }
}

/// Shows one slot that a recipe describes.
fn recipe_slot(image: &Image, spec: &SlotSpec, output: &Output) -> Option<Slot> {
    match slot::locate(image, spec) {
        Ok(slot) => {
            described(&slot, "blank", output);
            Some(slot)
        }
        Err(error) => {
            let error = CliError::from(error);
            output.object(&json!({
                "v": 1, "kind": "slot", "value": spec.value.to_string(), "error": error.json(),
            }));
            output.line(format_args!(
                "  slot      {}  {BAD}{error}{BAD:#}",
                spec.value
            ));
            None
        }
    }
}

fn described(slot: &Slot, state: &str, output: &Output) {
    output.object(&json!({
        "v": 1, "kind": "slot", "value": slot.value().to_string(),
        "at": slot.span().start().to_string(), "bytes": slot.span().len(), "state": state,
    }));
    output.line(format_args!(
        "  slot      {}  {}  {} bytes  {state}",
        slot.value(),
        slot.span().start(),
        slot.span().len(),
    ));
}

/// Shows the slots that tell themselves: eolslot and blnkopt.
fn slots(image: &Image, marks: &mut Vec<(Span, Mark)>, output: &Output) {
    for found in slot::found(image) {
        marks.push((found.span, Mark::Slot));
        // What it holds may be a secret.
        let state = if found.filled { "filled" } else { "blank" };
        output.object(&json!({
            "v": 1, "kind": "slot", "what": found.text, "at": found.span.start().to_string(),
            "bytes": found.span.len(), "state": state,
        }));
        output.line(format_args!(
            "  slot      {}  {}  {} bytes  {state}",
            found.text,
            found.span.start(),
            found.span.len(),
        ));
    }
}

fn tags(image: &Image, output: &Output) {
    let tag = match image.blnkinf() {
        Ok(tag) => tag,
        Err(error) => {
            output.line(format_args!("  blnkinf   {BAD}{error}{BAD:#}"));
            return;
        }
    };
    if let Some(tag) = tag {
        let pairs: Vec<String> = tag
            .pairs
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        output.object(&json!({
            "v": 1, "kind": "blnkinf", "at": tag.at.to_string(),
            "pairs": tag.pairs.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        }));
        let lines = wrap::parts(&format!("{}  {}", tag.at, pairs.join("  ")), holds::ROOM);
        holds::headed("blnkinf", &lines, output);
    }
}

/// Shows the MD5s of a UF2: in one line where all are right.
fn md5s(image: &Image, output: &Output) {
    let (right, wrong): (Vec<&Md5>, Vec<&Md5>) = image.md5s().iter().partition(|md5| md5.right);
    for md5 in image.md5s() {
        output.object(&json!({
            "v": 1, "kind": "integrity", "what": "UF2 MD5", "right": md5.right, "signed": false,
            "offset": md5.at, "covers": md5.over.map(|span| [span.to_string()]),
        }));
    }
    if !right.is_empty() {
        output.line(format_args!(
            "  integrity UF2: {}  {GOOD}right{GOOD:#}",
            count(right.len(), "MD5")
        ));
    }
    for md5 in wrong {
        let over = md5
            .over
            .map(|span| format!(" over {span}"))
            .unwrap_or_default();
        output.line(format_args!(
            "  integrity UF2: MD5 at offset {:#x}{over}  {BAD}wrong{BAD:#}, and left as it is",
            md5.at
        ));
    }
}

/// Shows containers, and in each its integrity fields with their states.
fn findings(image: &Image, marks: &mut Vec<(Span, Mark)>, output: &Output) {
    let findings = checksum::findings(image);
    for finding in &findings {
        marks.extend(finding.at.iter().map(|at| (*at, Mark::Integrity)));
        output.object(&json!({
            "v": 1, "kind": "integrity", "what": finding.text, "right": finding.right,
            "signed": finding.signed, "advice": finding.advice(), "toml": finding.lines().join("\n"),
            "stored": finding.value.as_ref().map(checksum::Value::hex),
            "number": finding.value.as_ref().and_then(checksum::Value::number),
            "at": finding.at.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "covers": finding.covers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    }
    let partitions = partitions(image);
    for partition in &partitions {
        output.object(&json!({
            "v": 1, "kind": "partition", "label": partition.label, "what": partition.kind,
            "start": partition.span.start().to_string(), "end": partition.span.end().to_string(),
        }));
    }
    let stores = slot::stores(image);
    for store in &stores {
        output.object(&json!({
            "v": 1, "kind": "nvs", "start": store.span.start().to_string(),
            "end": store.span.end().to_string(),
            "strings": store.strings.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        }));
    }
    let lines = holds::lines(&findings, &partitions, &stores);
    holds::headed("holds", &lines, output);
}
