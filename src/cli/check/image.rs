//! The untouched image as the recipe has it: slots, checksums, and what may be wrong with either.

use eol_inject::checksum::State;
use eol_inject::image::{Address, Image, Span};
use eol_inject::master::Master;
use eol_inject::recipe::{Recipe, StoreKind};
use eol_inject::slot;
use serde_json::{Value, json};

use super::sheet::Sheet;
use crate::cli::output::{GOOD, count};
use crate::cli::report::{dead_slot, describe, grouped, second_firmware, stored};

/// Shows the image, and what each unit gets in it.
pub(super) fn show(recipe: &Recipe, master: &Master, sheet: &mut Sheet<'_>) {
    headline(recipe, master, sheet);
    second_firmware(master.image(), sheet.output);
    store(recipe, sheet);
    slots(master, sheet);
    dead(master, sheet);
    checksums(master, sheet);
    let bytes: u64 = master.changes().iter().map(|span| span.len()).sum();
    sheet.put("changes", json!(bytes));
    sheet.changes = bytes;
}

fn headline(recipe: &Recipe, master: &Master, sheet: &mut Sheet<'_>) {
    let runs = master.image().runs();
    let file = recipe.image_name();
    sheet.output.line(format_args!(
        "{}  {file}  {}, {}, {} bytes stored",
        recipe.product,
        describe(master.image()),
        count(runs.len(), "run"),
        grouped(stored(&runs)),
    ));
    sheet.put(
        "image",
        json!({
            "file": file, "format": master.image().format().to_string(),
            "sha256": master.digest().to_string(), "stored": stored(&runs),
        }),
    );
}

/// Shows the settings store that the recipe makes.
fn store(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    let Some(store) = &recipe.nvs else {
        return;
    };
    let (kind, blocks) = match &store.kind {
        StoreKind::Esp { version, .. } => (format!("ESP-IDF NVS, version {version}"), "page"),
        StoreKind::Zephyr { .. } => ("Zephyr NVS".to_owned(), "sector"),
    };
    sheet.output.line(format_args!(
        "  store     {kind}   {}   {}, made from the recipe",
        store.at,
        count(store.at.len() / store.block(), blocks),
    ));
    sheet.put(
        "store",
        json!({ "kind": kind, "at": store.at.to_string(), "bytes": store.at.len() }),
    );
}

fn slots(master: &Master, sheet: &mut Sheet<'_>) {
    let mut list = Vec::new();
    for slot in master.slots() {
        let place = slot.place();
        let at = slot.span().start();
        let runs_at = runs_at(master.image(), at)
            .map(|(section, vma)| format!("   ({section}: runs at {vma})"))
            .unwrap_or_default();
        sheet.output.line(format_args!(
            "  slot      {:<12} {place:<24} {at}  {} bytes   blank{runs_at}",
            slot.value(),
            slot.span().len(),
        ));
        list.push(json!({
            "value": slot.value().to_string(), "place": place, "at": at.to_string(),
            "bytes": slot.span().len(),
        }));
    }
    sheet.put("slots", Value::Array(list));
}

/// Warns of slots that the firmware may never read.
fn dead(master: &Master, sheet: &Sheet<'_>) {
    for (index, at) in slot::suspects(master.image(), master.slots()) {
        if let Some(slot) = master.slots().get(index) {
            sheet.output.warning(dead_slot(slot, &at));
        }
    }
}

/// Returns section and run-time address of a place that does not run where it is loaded.
fn runs_at(image: &Image, at: Address) -> Option<(String, Address)> {
    image.names().sections.iter().find_map(|section| {
        let lma = section.lma?;
        let distance = at.get().checked_sub(lma.get())?;
        let inside = distance < section.size && section.vma != lma.get();
        inside.then(|| {
            let vma = section.vma.wrapping_add(distance);
            (section.name.clone(), Address::new(vma))
        })
    })
}

fn checksums(master: &Master, sheet: &mut Sheet<'_>) {
    let mut list = Vec::new();
    for checksum in master.plan().checksums() {
        let covers: Vec<String> = joined(checksum.covers())
            .iter()
            .map(ToString::to_string)
            .collect();
        let at = checksum.at();
        let (state, value) = match checksum.state() {
            State::Proved => (
                "proved",
                checksum.stored(master.image()).unwrap_or_default(),
            ),
            State::Unset(value) => ("unset", value.clone()),
        };
        let value = checksum.value(value);
        let shown = match state {
            "proved" => format!("{value}  {GOOD}proved{GOOD:#}"),
            _ => format!("unset; would be {value}"),
        };
        sheet.output.line(format_args!(
            "  checksum  {} over {}   at {}  {shown}",
            checksum.name(),
            covers.join(", "),
            at.start(),
        ));
        list.push(json!({
            "name": checksum.name(), "over": covers, "at": at.start().to_string(),
            "bytes": at.len(), "state": state, "value": value.hex(),
            "number": value.number(),
        }));
    }
    sheet.put("checksums", Value::Array(list));
}

/// Joins spans that follow one another, as people read them.
fn joined(spans: &[Span]) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.end() == span.start() => {
                if let Some(both) = Span::between(last.start(), span.end()) {
                    *last = both;
                }
            }
            _ => joined.push(*span),
        }
    }
    joined
}
