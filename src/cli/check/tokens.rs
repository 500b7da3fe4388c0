//! Tokens: every row of list and ledger in its slots, serials to go with them, some left, and
//! labels to be made of them.

use std::path::Path;

use eol_inject::ledger::{Ledger, ReadyToken, TokenState};
use eol_inject::patch::Master;
use eol_inject::pool::{Note, Pool};
use eol_inject::recipe::{Recipe, SerialSource, When};
use eol_inject::unit::QrToken;
use serde_json::json;

use super::ledger::Books;
use super::{Sheet, Stage};
use crate::cli::context;
use crate::cli::error::{CliError, exit};
use crate::cli::gate::Misfits;

/// Reads the token list where it lies; it is not taken in.
pub(super) fn list(recipe: &Recipe, sheet: &mut Sheet<'_>) -> Option<Pool> {
    let file = recipe.pool.as_ref()?.file.as_ref()?;
    let path = recipe.path(file);
    if !path.exists() {
        sheet.output.line(format_args!(
            "  list      {} is not here; tokens taken in before are in the ledger",
            path.display()
        ));
        return None;
    }
    let list = sheet.take(Stage::List, context::token_list(&path, recipe))?;
    let pictures = list.rows.iter().filter(|row| row.picture.is_some()).count();
    let claimed = list.rows.iter().filter(|row| row.claimed).count();
    sheet.output.line(format_args!(
        "  list      {}: {} tokens, {pictures} pictures paired, {claimed} claimed already",
        path.display(),
        list.rows.len(),
    ));
    // Whether labels can be made is a finding of its own, where any are wanted.
    for note in list.notes.iter().filter(|note| **note != Note::NoQr) {
        sheet.output.warning(note);
    }
    if readable_by_others(&path) {
        sheet.output.warning(format_args!(
            "{} holds secrets and others may read it: remove it once it is taken in, or chmod 600",
            path.display()
        ));
    }
    sheet.put(
        "list",
        json!({ "tokens": list.rows.len(), "pictures": pictures, "claimed": claimed }),
    );
    Some(list)
}

/// What there is for the next units.
#[derive(Default)]
struct Stock {
    /// Free tokens that any serial may get.
    loose: u64,
    /// Free tokens that a list fixes to a serial.
    fixed: u64,
    /// How many of them no label can be made for.
    bare: u64,
}

impl Stock {
    fn add(&mut self, fixed: bool, qr: Option<&QrToken>) {
        self.loose += u64::from(!fixed);
        self.fixed += u64::from(fixed);
        self.bare += u64::from(qr.is_none());
    }
}

/// Holds all tokens that units may get against slots, serials and labels.
pub(super) fn judge(
    (recipe, master): (&Recipe, Option<&Master>),
    (list, books): (Option<Pool>, Option<Books>),
    sheet: &mut Sheet<'_>,
) {
    let mut stock = Stock::default();
    let ledger = books.as_ref().map(|books| &*books.ledger);
    let list = list.filter(|list| !sheet.known(ledger, list));
    if let (Some(list), Some(master)) = (&list, master) {
        for error in Misfits::of(recipe, master, list).errors() {
            sheet.find(Stage::List, error);
        }
    }
    serial(recipe, master, (ledger, sheet));
    // What cannot be opened was told already, and nothing more is known then.
    if books.as_ref().is_some_and(|books| !books.opens) {
        return;
    }
    if let Some(list) = &list {
        listed(ledger, list, (&mut stock, sheet));
    }
    if let Some(ledger) = ledger {
        kept(master, ledger, (&mut stock, sheet));
    }
    let enough = match recipe.serial.source {
        SerialSource::Pool => stock.fixed,
        SerialSource::Scan => stock.fixed + stock.loose,
        SerialSource::Next | SerialSource::ChipUid => stock.loose,
    };
    if enough == 0 {
        // The line asks for a serial before there is a board, where it makes it itself.
        let stage = match recipe.serial.source {
            SerialSource::Next | SerialSource::Pool => Stage::Serial,
            SerialSource::Scan | SerialSource::ChipUid => Stage::Tokens,
        };
        sheet.find(stage, none(recipe, &stock));
    }
    let wanted = recipe.label.when != When::None;
    if wanted && stock.bare > 0 {
        let message = format!(
            "{} of {} free tokens came without QR Token and picture: their units would get no label",
            stock.bare,
            stock.loose + stock.fixed
        );
        let error = CliError::new(exit::UNLABELLED, "label-no-qr", message);
        sheet.find(Stage::Label, error);
    }
}

impl Sheet<'_> {
    /// Returns whether a list was taken in already.
    fn known(&mut self, ledger: Option<&dyn Ledger>, list: &Pool) -> bool {
        let (Some(ledger), Some(source)) = (ledger, &list.source) else {
            return false;
        };
        let known = ledger.knows(source).map_err(Into::into);
        self.take(Stage::Ledger, known).unwrap_or_default()
    }
}

/// Holds a list that the next unit takes in against the ledger.
fn listed(ledger: Option<&dyn Ledger>, list: &Pool, (stock, sheet): (&mut Stock, &mut Sheet<'_>)) {
    let mut new = vec![true; list.rows.len()];
    if let Some(ledger) = ledger {
        let preview = ledger.preview(list).map_err(CliError::from);
        match sheet.take(Stage::List, preview) {
            Some(preview) => new = preview.new,
            None => return,
        }
    }
    let free = list.rows.iter().zip(new);
    for (row, _) in free.filter(|(row, new)| *new && !row.claimed) {
        stock.add(row.bound.is_some(), row.qr.as_ref());
    }
}

/// Holds the ledger's tokens against slots, one after the other as they would be drawn.
fn kept(
    master: Option<&Master>,
    ledger: &dyn Ledger,
    (stock, sheet): (&mut Stock, &mut Sheet<'_>),
) {
    let mut misfits = Misfits::default();
    let mut look = |token: &ReadyToken| {
        if token.state == TokenState::Free {
            stock.add(token.bound.is_some(), token.qr.as_ref());
        }
        if let Some(master) = master {
            misfits.look(master, token);
        }
    };
    sheet.take(
        Stage::Ledger,
        ledger.ready_tokens(&mut look).map_err(Into::into),
    );
    for error in misfits.errors() {
        sheet.find(Stage::Tokens, error);
    }
}

/// Tries the next serial that the line makes itself.
fn serial(
    recipe: &Recipe,
    master: Option<&Master>,
    (ledger, sheet): (Option<&dyn Ledger>, &mut Sheet<'_>),
) {
    let format = recipe.serial.format.as_ref();
    let Some(format) = format.filter(|_| recipe.serial.source == SerialSource::Next) else {
        return;
    };
    let next = match ledger {
        Some(ledger) => ledger.next_serial(format).map(Some).map_err(Into::into),
        None => Ok(format.serial(1).ok().flatten()),
    };
    let Some(Some(next)) = sheet.take(Stage::Serial, next) else {
        return;
    };
    if let Some(master) = master {
        let taken = master.accept(&next).map_err(CliError::from);
        sheet.take(Stage::Serial, taken.map_err(|error| error.about(&next)));
    }
}

/// No token is left.
fn none(recipe: &Recipe, stock: &Stock) -> CliError {
    let counted = matches!(
        recipe.serial.source,
        SerialSource::Next | SerialSource::ChipUid
    );
    if counted && stock.fixed > 0 {
        let message = "each free token is fixed to a serial of the list, and the line makes others";
        return CliError::new(exit::REFUSED, "unit-not-listed", message).with_hint(Some(
            "source = \"pool\" under [serial] takes those of the list",
        ));
    }
    let message = match recipe.serial.source {
        SerialSource::Pool => "no free token of the list names a serial",
        _ => "no token is free",
    };
    let hint = "name the list in [pool], or take one in: eol-inject pool import FILE";
    CliError::new(exit::POOL_EMPTY, "unit-pool-empty", message).with_hint(Some(hint))
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn readable_by_others(_: &Path) -> bool {
    false
}
