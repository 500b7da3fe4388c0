//! The ledger and its mirror: there, readable, whole, and of the right kind of units.

use eol_inject::ledger::{
    Audit, KeyError, KeyPlace, Ledger, LedgerError, MirrorState, OpenError, Outcome, Simulated,
    Sqlite, Stock,
};
use eol_inject::recipe::{LedgerUrl, Recipe};
use serde_json::json;

use super::sheet::{Sheet, Stage};
use crate::cli::error::{CliError, Loss, exit};
use crate::cli::output::{BAD, GOOD, WARN, count};
use crate::cli::report::{self, grouped};
use crate::cli::{ledger_key, open_ledger};

/// A ledger that is there.
pub(super) struct Books {
    pub(super) ledger: Ledger,
    /// Whether its tokens can be read.
    pub(super) opens: bool,
}

/// Shows the ledger, and finds what is wrong with it.
pub(super) fn show(recipe: &Recipe, station: &str, sheet: &mut Sheet<'_>) -> Option<Books> {
    let url = recipe.ledger_url();
    let found = open_ledger::records_if_any(recipe).map_err(|error| match error.loss() {
        // Nothing is in hand that could be resumed.
        Some(Loss::Unreachable | Loss::Overtaken) => error.with_hint(None),
        _ => error,
    });
    let Some(ledger) = sheet.take(Stage::Ledger, found)? else {
        let key = ledger_key::try_for_new(recipe);
        let makes = if key.is_ok() {
            "; the first unit makes it"
        } else {
            ""
        };
        sheet
            .output
            .line(format_args!("  ledger    {url}: not there yet{makes}"));
        if let Err(error) = key {
            let told = json!({ "url": url.to_string(), "error": error.json() });
            sheet.put("ledger", told);
            sheet.find(Stage::Ledger, error);
        }
        return None;
    };
    if sheet.take(Stage::Ledger, key(recipe)).is_none() {
        // No more can be told of it.
        let opens = false;
        return Some(Books { ledger, opens });
    }
    let found = ledger
        .stock()
        .and_then(|stock| Ok((stock, ledger.audit()?)));
    let (stock, audit) = sheet.take(Stage::Ledger, found.map_err(Into::into))?;
    let doubt = sheet.take(Stage::Ledger, Doubt::of(&ledger))?;
    show_stock(recipe, &stock, &audit, &doubt, sheet);
    let mirror = mirror(recipe, &ledger, station, sheet);
    sheet.put(
        "ledger",
        json!({
            "url": url.to_string(), "free": stock.free, "tokens": all(&stock),
            "reserved": stock.reserved, "backup": audit.backup, "mirror": mirror.is_some(),
            "mirror_state": mirror, "prepared": stock.prepared, "delivered": stock.delivered,
            "labelled": stock.labelled,
            "in_doubt": doubt.units, "simulated": !doubt.word.is_empty(),
            "findings": audit.findings.iter()
                .map(|finding| json!({ "about": finding.about, "what": finding.what }))
                .collect::<Vec<_>>(),
        }),
    );
    if !audit.findings.is_empty() {
        let findings = count(audit.findings.len(), "finding");
        let message = format!("the audit of the ledger has {findings}");
        sheet.find(
            Stage::Ledger,
            CliError::new(exit::LEDGER, "ledger-audit", message),
        );
    }
    let opens = true;
    Some(Books { ledger, opens })
}

/// Finds a ledger of the other kind of units.
pub(super) fn same_kind(books: Option<&Books>, kind: Option<Simulated>, sheet: &mut Sheet<'_>) {
    let Some(books) = books else {
        return;
    };
    let has = sheet.take(Stage::Ledger, books.ledger.simulated().map_err(Into::into));
    let Some(has) = has.flatten() else {
        return;
    };
    let mixed = |asked: Simulated| -> CliError {
        let (has, asked) = (has.into(), asked.into());
        LedgerError::Open(OpenError::SimulatedMixed { has, asked }).into()
    };
    // Files are real units; without boards there is nothing else to make.
    match kind {
        Some(kind) if has != kind => sheet.find(Stage::Ledger, mixed(kind)),
        None if has == Simulated::Yes => sheet.find(Stage::Ledger, mixed(Simulated::No)),
        Some(Simulated::Yes) => {
            let error = mixed(Simulated::No);
            sheet
                .output
                .warning(format_args!("inject and batch cannot work: {error}"));
            sheet.limit(Stage::Ledger, &["inject", "batch"], error);
        }
        _ => {}
    }
}

/// Says why the tokens of a ledger that is there cannot be read.
fn key(recipe: &Recipe) -> Result<(), CliError> {
    let (_, at_hand) = open_ledger::keys(recipe)?;
    if at_hand?.is_some() {
        return Ok(());
    }
    ledger_key::try_read(recipe)?;
    let place = ledger_key::place(recipe);
    match (recipe.ledger_url(), place) {
        (LedgerUrl::Sqlite(file), KeyPlace::Beside) => {
            Err(LedgerError::Key(KeyError::KeyMissing {
                path: Sqlite::key_path(&recipe.path(&file)),
            })
            .into())
        }
        _ => Ok(()),
    }
}

fn all(stock: &Stock) -> u64 {
    stock.free + stock.bound + stock.void + stock.gone + stock.away + stock.quarantined
}

/// What of the record is not as it looks.
struct Doubt {
    /// Claims that nobody finished.
    units: u64,
    /// What stands for units that are not real.
    word: &'static str,
}

impl Doubt {
    fn of(ledger: &Ledger) -> Result<Self, CliError> {
        let mut units = 0u64;
        ledger.units(&mut |unit| units += u64::from(unit.outcome == Outcome::InDoubt))?;
        let word = report::View::of(ledger)?.word();
        Ok(Self { units, word })
    }
}

fn show_stock(recipe: &Recipe, stock: &Stock, audit: &Audit, doubt: &Doubt, sheet: &Sheet<'_>) {
    let url = recipe.ledger_url();
    let output = sheet.output;
    output.line(format_args!(
        "  pool      {} of {} tokens free, {} with their picture",
        grouped(stock.free),
        grouped(all(stock)),
        grouped(stock.pictures),
    ));
    let state = if audit.findings.is_empty() {
        format!("{GOOD}audit clean{GOOD:#}")
    } else {
        format!("{BAD}audit: {} findings{BAD:#}", audit.findings.len())
    };
    let word = match doubt.word {
        "" => String::new(),
        word => format!(", all {WARN}{word}{WARN:#}"),
    };
    let doubtful = match doubt.units {
        0 => String::new(),
        units => format!(" ({WARN}{units} in doubt{WARN:#})"),
    };
    output.line(format_args!(
        "  ledger    {url}: {} reserved{doubtful}, {} prepared, {} delivered, {} labelled{word}, {state}",
        stock.reserved, stock.prepared, stock.delivered, stock.labelled,
    ));
    let danger = unprotected(recipe, audit.backup.as_deref());
    if let Some(danger) = danger.filter(|_| all(stock) > 0) {
        output.warning(format_args!("the ledger has {danger}"));
    }
    for finding in &audit.findings {
        output.line(format_args!(
            "            {BAD}{}{BAD:#}: {}",
            finding.about, finding.what
        ));
    }
}

/// How old the newest backup may be before a warning.
const MAX_BACKUP_AGE_HOURS: i64 = 24;

/// Says how a ledger would survive its disk; `None` when it would.
fn unprotected(recipe: &Recipe, backup: Option<&str>) -> Option<String> {
    if open_ledger::mirror(recipe)
        .as_deref()
        .is_some_and(std::path::Path::is_dir)
    {
        return None;
    }
    let Some(at) = backup else {
        let how = match recipe.ledger_url() {
            LedgerUrl::Sqlite(_) => {
                "eol-inject ledger backup -o FILE, or mirror = \"DIR\" under [ledger]"
            }
            LedgerUrl::Postgres(_) => open_ledger::ON_SERVER,
        };
        return Some(format!("neither a backup nor a mirror: {how}"));
    };
    let made: jiff::Timestamp = at.parse().ok()?;
    let hours = jiff::Timestamp::now().duration_since(made).as_hours();
    (hours >= MAX_BACKUP_AGE_HOURS).then(|| {
        let at: String = at.chars().take(19).collect();
        format!("no backup within {MAX_BACKUP_AGE_HOURS} h, the last one at {at}")
    })
}

/// Shows the station's mirror, where there is one; returns how it stands to the ledger.
fn mirror(
    recipe: &Recipe,
    ledger: &Ledger,
    station: &str,
    sheet: &mut Sheet<'_>,
) -> Option<&'static str> {
    let folder = open_ledger::mirror(recipe)?;
    let found = ledger.mirror_state(station, &folder);
    let stopped = |name, what: &str| CliError::new(exit::LEDGER, name, what);
    let (state, what, error) = match found {
        Ok(MirrorState::Behind(0)) => ("whole", "has every event".to_owned(), None),
        Ok(MirrorState::Behind(events)) => {
            let events = count(events, "event");
            let what = format!("lacks {events}, told by the next unit");
            ("behind", what, None)
        }
        Ok(MirrorState::New) => ("new", "begins with the next unit".to_owned(), None),
        Ok(MirrorState::Gone) => {
            let what = "it is gone: is its disk mounted? The line stops without it";
            (
                "gone",
                what.to_owned(),
                Some(stopped("ledger-mirror-gone", what)),
            )
        }
        Ok(MirrorState::Ahead) => {
            let what = "it has events that the ledger lacks: an older copy of the ledger is in use";
            (
                "ahead",
                what.to_owned(),
                Some(stopped("ledger-mirror-ahead", what)),
            )
        }
        Err(error) => ("unreadable", error.to_string(), Some(error.into())),
    };
    let place = folder.display();
    match error {
        None => sheet
            .output
            .line(format_args!("  mirror    {place}: {what}")),
        Some(error) => {
            let told = format!("  mirror    {place}: {BAD}{what}{BAD:#}");
            sheet.output.line(told);
            sheet.find(
                Stage::Ledger,
                error.about(format_args!("the mirror {place}")),
            );
        }
    }
    Some(state)
}
