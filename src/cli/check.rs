//! `check`: the proof, before the shift; it changes nothing.

use clap::Args;
use eol_inject::checksum::State;
#[cfg(feature = "probe")]
use eol_inject::deliver::ProbeSetup;
use eol_inject::image::{Address, Image, Span};
use eol_inject::ledger::{Ledger, MirrorState};
use eol_inject::patch::Master;
use eol_inject::recipe::{Recipe, StoreKind};
use eol_inject::slot::{self, Slot};
use serde_json::{Value, json};

use super::RecipeArg;
use super::books;
use super::context;
use super::error::{CliError, exit};
use super::inspect::{describe, grouped, stored};
use super::output::{BAD, GOOD, Output, WARN, count};

/// Which recipe.
#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Whose mirror is looked at [default: this computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let master = context::master(&recipe)?;
    let mut report = json!({ "v": 1, "product": recipe.product });
    headline(&recipe, &master, output, &mut report);
    second_firmware(master.image(), output);
    store(&recipe, output, &mut report);
    slots(&master, output, &mut report);
    dead(&master, output);
    checksums(&master, output, &mut report);
    let listed = pool(&recipe, &master, output, &mut report)?;
    let station = context::station(args.station.as_deref());
    super::neighbours::check(&recipe, output);
    let state = ledger(&recipe, (&station, output), &mut report)?;
    if listed == 0 && state.free == 0 {
        output.line(format_args!(
            "  {WARN}no token is free{WARN:#}: name the list in [pool], or eol-inject pool import FILE"
        ));
    }
    board(&recipe, &master, output, &mut report)?;
    let ready = state.clean && (listed > 0 || state.free > 0);
    let bytes: u64 = master.changes().iter().map(|span| span.len()).sum();
    put(&mut report, "ready", json!(ready));
    put(&mut report, "changes", json!(bytes));
    output.object(&report);
    if !state.clean {
        return Ok(exit::LEDGER);
    }
    if !ready {
        return Ok(exit::POOL_EMPTY);
    }
    output.line(format_args!(
        "{GOOD}ready{GOOD:#}: each unit changes at most {bytes} bytes"
    ));
    Ok(0)
}

/// Says what each unit takes of its board's flash.
#[cfg(feature = "probe")]
fn board(
    recipe: &Recipe,
    master: &Master,
    output: &Output,
    report: &mut Value,
) -> Result<(), CliError> {
    nameless(recipe, output);
    let nest = recipe.nests.first().map(|nest| nest.probe.as_str());
    let programmer = recipe
        .flash
        .as_ref()
        .and_then(|flash| flash.program.as_ref());
    let Some(setup) = ProbeSetup::of(recipe, nest).filter(|_| programmer.is_none()) else {
        return Ok(());
    };
    let footprint = setup.footprint(master)?;
    output.line(format_args!(
        "  board     {}, {} mode: {} of flash, {} bytes, written for each unit",
        footprint.chip,
        footprint.mode,
        count(footprint.sectors, "sector"),
        grouped(footprint.bytes),
    ));
    if !footprint.compared {
        output.warning(format_args!(
            "nothing is known that tells a {} from another chip, or one board from another",
            footprint.chip
        ));
    }
    put(
        report,
        "board",
        json!({
            "chip": footprint.chip, "mode": footprint.mode.to_string(),
            "sectors": footprint.sectors, "bytes": footprint.bytes,
        }),
    );
    Ok(())
}

#[cfg(not(feature = "probe"))]
fn board(recipe: &Recipe, _: &Master, output: &Output, _: &mut Value) -> Result<(), CliError> {
    nameless(recipe, output);
    Ok(())
}

/// Says what it costs that a programmer cannot tell boards apart.
fn nameless(recipe: &Recipe, output: &Output) {
    let identify = recipe
        .flash
        .as_ref()
        .and_then(|flash| flash.identify.as_ref());
    if identify.is_some_and(|identify| identify.command().is_none()) {
        output.warning(
            "identify = false: boards cannot be told apart; a unit whose writing was cut short \
             goes on by itself only on a board that holds its token: for any other board somebody \
             has to decide (run --same-board), or its token is burnt (ledger rework)",
        );
    }
}

fn put(report: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = report {
        map.insert(key.to_owned(), value);
    }
}

fn headline(recipe: &Recipe, master: &Master, output: &Output, report: &mut Value) {
    let runs = master.image().runs();
    let file = recipe.image_name();
    output.line(format_args!(
        "{}  {file}  {}, {}, {} bytes stored",
        recipe.product,
        describe(master.image()),
        count(runs.len(), "run"),
        grouped(stored(&runs)),
    ));
    put(
        report,
        "image",
        json!({
            "file": file, "format": master.image().format().to_string(),
            "sha256": master.digest().to_string(), "stored": stored(&runs),
        }),
    );
}

/// Shows the settings store that the recipe makes.
fn store(recipe: &Recipe, output: &Output, report: &mut Value) {
    let Some(store) = &recipe.nvs else {
        return;
    };
    let (kind, blocks) = match &store.kind {
        StoreKind::Esp { version, .. } => (format!("ESP-IDF NVS, version {version}"), "page"),
        StoreKind::Zephyr { .. } => ("Zephyr NVS".to_owned(), "sector"),
    };
    let number = usize::try_from(store.at.len() / store.block()).unwrap_or(usize::MAX);
    output.line(format_args!(
        "  store     {kind}   {}   {}, made from the recipe",
        store.at,
        count(number, blocks),
    ));
    put(
        report,
        "store",
        json!({ "kind": kind, "at": store.at.to_string(), "bytes": store.at.len() }),
    );
}

fn slots(master: &Master, output: &Output, report: &mut Value) {
    let mut list = Vec::new();
    for slot in master.slots() {
        let place = slot.place();
        let at = slot.span().start();
        let runs_at = runs_at(master.image(), at)
            .map(|(section, vma)| format!("   ({section}: runs at {vma})"))
            .unwrap_or_default();
        output.line(format_args!(
            "  slot      {:<12} {place:<24} {at}  {} bytes   blank{runs_at}",
            slot.value(),
            slot.span().len(),
        ));
        list.push(json!({
            "value": slot.value().to_string(), "place": place, "at": at.to_string(),
            "bytes": slot.span().len(),
        }));
    }
    put(report, "slots", Value::Array(list));
}

/// Warns of slots that the firmware may never read.
fn dead(master: &Master, output: &Output) {
    for (index, at) in slot::suspects(master.image(), master.slots()) {
        if let Some(slot) = master.slots().get(index) {
            output.warning(dead_slot(slot, &at));
        }
    }
}

/// Warns of a firmware in the same file that gets no token.
pub(crate) fn second_firmware(image: &Image, output: &Output) {
    let records = image.other_board_records();
    if records > 0 {
        output.warning(format_args!(
            "{} are a second firmware for another board (micro:bit V2 in a universal HEX): it stays as it \
             is and gets no token; take the HEX that is for the one board",
            count(records, "record")
        ));
    }
}

/// Says why a slot may be dead.
pub(crate) fn dead_slot(slot: &Slot, at: &[Address]) -> String {
    let first = at.first().map(ToString::to_string).unwrap_or_default();
    format!(
        "words of the placeholder for {} stand in the code ({}, first at {first}): the compiler may \
         have folded it, so that the firmware never reads the slot; declare it volatile",
        slot.value(),
        count(at.len(), "place"),
    )
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

fn checksums(master: &Master, output: &Output, report: &mut Value) {
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
        let value = hex(&value);
        let shown = match state {
            "proved" => format!("{value}  {GOOD}proved{GOOD:#}"),
            _ => format!("unset; would be {value}"),
        };
        output.line(format_args!(
            "  checksum  {} over {}   at {}  {shown}",
            checksum.name(),
            covers.join(", "),
            at.start(),
        ));
        list.push(json!({
            "name": checksum.name(), "over": covers, "at": at.start().to_string(),
            "bytes": at.len(), "state": state, "value": value,
        }));
    }
    put(report, "checksums", Value::Array(list));
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the token list where it lies; it is not taken in.
///
/// Returns how many of its tokens nobody has claimed, as far as it says.
fn pool(
    recipe: &Recipe,
    master: &Master,
    output: &Output,
    report: &mut Value,
) -> Result<usize, CliError> {
    let Some(file) = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref()) else {
        return Ok(0);
    };
    let path = recipe.path(file);
    if !path.exists() {
        output.line(format_args!(
            "  list      {} is not here; tokens taken in before are in the ledger",
            path.display()
        ));
        return Ok(0);
    }
    let list = context::token_list(&path, recipe)?;
    let pictures = list.rows.iter().filter(|row| row.picture.is_some()).count();
    let claimed = list.rows.iter().filter(|row| row.claimed).count();
    output.line(format_args!(
        "  list      {}: {} tokens, {pictures} pictures paired, {claimed} claimed already",
        path.display(),
        list.rows.len(),
    ));
    for note in &list.notes {
        output.warning(note);
    }
    for row in &list.rows {
        if let Some(serial) = &row.bound {
            master
                .accept(serial)
                .map_err(|error| CliError::from(error).about(serial))?;
        }
    }
    if readable_by_others(&path) {
        output.warning(format_args!(
            "{} holds secrets and others may read it: remove it once it is taken in, or chmod 600",
            path.display()
        ));
    }
    put(
        report,
        "list",
        json!({ "tokens": list.rows.len(), "pictures": pictures, "claimed": claimed }),
    );
    Ok(list.rows.len().saturating_sub(claimed))
}

#[cfg(unix)]
fn readable_by_others(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn readable_by_others(_: &std::path::Path) -> bool {
    false
}

/// What the ledger says.
struct Books {
    /// Whether its audit found nothing.
    clean: bool,
    /// Its free tokens.
    free: u64,
}

/// Shows the ledger.
fn ledger(
    recipe: &Recipe,
    (station, output): (&str, &Output),
    report: &mut Value,
) -> Result<Books, CliError> {
    let url = recipe.ledger_url();
    let Some(ledger) = books::records_if_any(recipe)? else {
        let key = books::key_for_new(recipe);
        let makes = if key.is_ok() {
            "; the first unit makes it"
        } else {
            ""
        };
        output.line(format_args!("  ledger    {url}: not there yet{makes}"));
        if let Err(error) = &key {
            output.line(format_args!("            {BAD}{error}{BAD:#}"));
            output.line(format_args!(
                "            {}",
                error.hint.as_deref().unwrap_or_default()
            ));
            put(
                report,
                "ledger",
                json!({ "url": url.to_string(), "error": error.json() }),
            );
        }
        return Ok(Books {
            clean: key.is_ok(),
            free: 0,
        });
    };
    let stock = ledger.stock()?;
    let audit = ledger.audit()?;
    let all = stock.free + stock.bound + stock.void + stock.gone + stock.away + stock.quarantined;
    output.line(format_args!(
        "  pool      {} of {} tokens free, {} with their picture",
        grouped(stock.free),
        grouped(all),
        grouped(stock.pictures),
    ));
    let state = if audit.findings.is_empty() {
        format!("{GOOD}audit clean{GOOD:#}")
    } else {
        format!("{BAD}audit: {} findings{BAD:#}", audit.findings.len())
    };
    output.line(format_args!(
        "  ledger    {url}: {} reserved, {} prepared, {} delivered, {} labelled, {state}",
        stock.reserved, stock.prepared, stock.delivered, stock.labelled,
    ));
    let danger = super::ledger::backup::unprotected(recipe, audit.backup.as_deref());
    if let Some(danger) = danger.filter(|_| all > 0) {
        output.warning(format_args!("the ledger has {danger}"));
    }
    for finding in &audit.findings {
        output.line(format_args!(
            "            {BAD}{}{BAD:#}: {}",
            finding.about, finding.what
        ));
    }
    let mirror = mirror(recipe, &*ledger, (station, output));
    put(
        report,
        "ledger",
        json!({
            "url": url.to_string(), "free": stock.free, "tokens": all, "reserved": stock.reserved,
            "backup": audit.backup, "mirror": mirror.is_some(),
            "mirror_state": mirror.as_ref().map(|mirror| mirror.state),
            "prepared": stock.prepared, "delivered": stock.delivered, "labelled": stock.labelled,
            "findings": audit.findings.iter()
                .map(|finding| json!({ "about": finding.about, "what": finding.what }))
                .collect::<Vec<_>>(),
        }),
    );
    Ok(Books {
        clean: audit.findings.is_empty() && mirror.is_none_or(|mirror| mirror.works),
        free: stock.free,
    })
}

/// How the mirror stands to the ledger.
struct Mirror {
    state: &'static str,
    /// Whether the line can work with it.
    works: bool,
}

/// Shows the station's mirror, where there is one.
fn mirror(
    recipe: &Recipe,
    ledger: &dyn Ledger,
    (station, output): (&str, &Output),
) -> Option<Mirror> {
    let folder = books::mirror(recipe)?;
    let found = ledger.mirror_state(station, &folder);
    let (state, what) = match &found {
        Ok(MirrorState::Behind(0)) => ("whole", "has every event".to_owned()),
        Ok(MirrorState::Behind(events)) => {
            let events = count(usize::try_from(*events).unwrap_or(usize::MAX), "event");
            ("behind", format!("lacks {events}, told by the next unit"))
        }
        Ok(MirrorState::New) => ("new", "begins with the next unit".to_owned()),
        Ok(MirrorState::Gone) => (
            "gone",
            format!("{BAD}it is gone{BAD:#}: is its disk mounted? The line stops without it"),
        ),
        Ok(MirrorState::Ahead) => (
            "ahead",
            format!(
                "{BAD}it has events that the ledger lacks: an older copy of the ledger is in use{BAD:#}; \
                 next: eol-inject ledger restore"
            ),
        ),
        Err(error) => ("unreadable", format!("{BAD}{error}{BAD:#}")),
    };
    output.line(format_args!("  mirror    {}: {what}", folder.display()));
    let works = matches!(found, Ok(MirrorState::Behind(_) | MirrorState::New));
    Some(Mirror { state, works })
}
