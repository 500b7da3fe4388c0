//! Tokens: every row of list and ledger in its slots, serials to go with them, some left, and
//! labels to be made of them.

use std::collections::BTreeMap;
use std::path::Path;

use eol_inject::label::{self, Lack};
use eol_inject::ledger::{Ledger, ReadyToken, TokenState};
use eol_inject::master::Master;
use eol_inject::pool::{Note, Pool};
use eol_inject::recipe::{Recipe, SerialSource, When};
use eol_inject::unit::{QrToken, Serial};
use serde_json::json;

use super::ledger::Books;
use super::sheet::{Sheet, Stage};
use crate::cli::error::{CliError, exit};
use crate::cli::output::count;
use crate::cli::token_list::{self, Misfits};

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
    let list = sheet.take(Stage::List, token_list::read(&path, recipe))?;
    let pictures = list.rows.iter().filter(|row| row.picture.is_some()).count();
    let claimed = list.rows.iter().filter(|row| row.claimed).count();
    sheet.output.line(format_args!(
        "  list      {}: {} tokens, {pictures} pictures paired, {claimed} claimed already",
        path.display(),
        list.rows.len(),
    ));
    // Whether labels can be made is a finding of its own, where any are wanted.
    let labels = [Note::NoQr, Note::NoOrganisation];
    for note in list.notes.iter().filter(|note| !labels.contains(note)) {
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
struct Stock<'r> {
    recipe: &'r Recipe,
    /// The serial that the line makes next.
    next: Option<Serial>,
    /// Free tokens that any serial may get.
    loose: u64,
    /// Free tokens that a list fixes to a serial.
    fixed: u64,
    /// Whether one of them is fixed to the next serial.
    fits: bool,
    /// Claims of this station that can be finished.
    open: usize,
    /// How many free tokens no label can be made for, and why.
    bare: BTreeMap<Lack, u64>,
    /// Free tokens that are fixed to a serial which nobody can scan.
    stranded: u64,
}

impl Stock<'_> {
    fn add(&mut self, bound: Option<&Serial>, qr: Option<&QrToken>) {
        let serial = &self.recipe.serial;
        let scanned = |bound: &&Serial| {
            serial.source == SerialSource::Scan && serial.read(bound.as_str()).is_err()
        };
        if bound.filter(scanned).is_some() {
            self.stranded += 1;
            return;
        }
        self.loose += u64::from(bound.is_none());
        self.fixed += u64::from(bound.is_some());
        let next = self.next.as_ref().map(Serial::folded);
        self.fits |= next.is_some() && bound.map(Serial::folded) == next;
        if let Some(lack) = label::lack(qr, self.recipe.label.organisation) {
            *self.bare.entry(lack).or_default() += 1;
        }
    }

    /// Returns whether the next unit gets a token.
    fn is_enough(&self) -> bool {
        match self.recipe.serial.source {
            SerialSource::Pool => self.fixed > 0 || self.open > 0,
            SerialSource::Scan => self.fixed + self.loose > 0,
            SerialSource::Next => self.loose > 0 || self.fits || self.open > 0,
            SerialSource::ChipUid => self.loose > 0,
        }
    }
}

/// What tokens come from, and what they go into.
pub(super) struct Supply<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) master: Option<&'a Master>,
    pub(super) station: &'a str,
    pub(super) list: Option<Pool>,
    pub(super) books: Option<Books>,
}

impl Supply<'_> {
    /// Holds all tokens that units may get against slots, serials and labels.
    pub(super) fn judge(self, sheet: &mut Sheet<'_>) {
        let Self {
            recipe,
            master,
            station,
            list,
            books,
        } = self;
        let ledger = books.as_ref().map(|books| &books.ledger);
        let list = list.filter(|list| !sheet.known(ledger, list));
        if let (Some(list), Some(master)) = (&list, master) {
            for error in Misfits::of(recipe, master, list).errors() {
                sheet.find(Stage::List, error);
            }
        }
        let next = serial(recipe, master, ledger, sheet);
        // What cannot be opened was told already, and nothing more is known then.
        if books.as_ref().is_some_and(|books| !books.opens) {
            return;
        }
        let open = ledger.map(|ledger| ledger.open_claims(station).map_err(Into::into));
        let open = open.and_then(|open| sheet.take(Stage::Ledger, open));
        let mut stock = Stock {
            recipe,
            next,
            loose: 0,
            fixed: 0,
            fits: false,
            open: open.map_or(0, |open| open.len()),
            bare: BTreeMap::new(),
            stranded: 0,
        };
        if let Some(list) = &list {
            listed(ledger, list, &mut stock, sheet);
        }
        if let Some(ledger) = ledger {
            kept(master, ledger, &mut stock, sheet);
        }
        // Tokens of a list that is refused are not missing: it is what has to be put right.
        if !sheet.has_any(Stage::List) {
            supply(&stock, sheet);
        }
        labels(&stock, sheet);
    }
}

/// Tells whether the next unit gets a token, and which tokens no unit gets.
fn supply(stock: &Stock<'_>, sheet: &mut Sheet<'_>) {
    let source = stock.recipe.serial.source;
    if !stock.is_enough() {
        // The line asks for a serial before there is a board, where it makes it itself.
        let stage = match source {
            SerialSource::Next | SerialSource::Pool => Stage::Serial,
            SerialSource::Scan | SerialSource::ChipUid => Stage::Tokens,
        };
        sheet.find(stage, none(stock));
    } else if stock.loose + stock.fixed == 0 {
        sheet.output.warning(format_args!(
            "no token is free: {} that this station began can be finished, and no other unit be begun",
            count(stock.open, "unit")
        ));
    }
    if stock.stranded > 0 {
        sheet.output.warning(format_args!(
            "{} of the list are fixed to serials that this recipe does not take: no unit gets them",
            count(stock.stranded, "token")
        ));
    }
}

/// Tells for which tokens no label can be made, where labels are wanted.
fn labels(stock: &Stock<'_>, sheet: &mut Sheet<'_>) {
    if stock.recipe.label.when == When::None {
        return;
    }
    let free = stock.loose + stock.fixed;
    for (lack, bare) in &stock.bare {
        let (name, how) = match lack {
            Lack::QrToken => ("label-no-qr", "came without QR Token and picture"),
            Lack::Organisation => (
                "label-no-organisation",
                "came without the organisation, which the mobile apps need on the label",
            ),
        };
        let message = format!("{bare} of {free} free tokens {how}: their units would get no label");
        sheet.find(Stage::Label, CliError::new(exit::UNLABELLED, name, message));
    }
}

impl Sheet<'_> {
    /// Returns whether a list was taken in already.
    fn known(&mut self, ledger: Option<&Ledger>, list: &Pool) -> bool {
        let (Some(ledger), Some(source)) = (ledger, &list.source) else {
            return false;
        };
        let known = ledger.knows(source).map_err(Into::into);
        self.take(Stage::Ledger, known).unwrap_or_default()
    }
}

/// Holds a list that the next unit takes in against the ledger.
fn listed(ledger: Option<&Ledger>, list: &Pool, stock: &mut Stock<'_>, sheet: &mut Sheet<'_>) {
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
        stock.add(row.bound.as_ref(), row.qr.as_ref());
    }
}

/// Holds the ledger's tokens against slots, one after the other as they would be drawn.
fn kept(master: Option<&Master>, ledger: &Ledger, stock: &mut Stock<'_>, sheet: &mut Sheet<'_>) {
    let recipe = stock.recipe;
    let mut misfits = Misfits::default();
    let mut each = |token: &ReadyToken| {
        if token.state == TokenState::Free {
            stock.add(token.bound.as_ref(), token.qr.as_ref());
        }
        misfits.add_token(recipe, master, token);
    };
    sheet.take(
        Stage::Ledger,
        ledger.ready_tokens(&mut each).map_err(Into::into),
    );
    for error in misfits.errors() {
        sheet.find(Stage::Tokens, error);
    }
}

/// Tries the next serial that the line makes itself, and returns it.
fn serial(
    recipe: &Recipe,
    master: Option<&Master>,
    ledger: Option<&Ledger>,
    sheet: &mut Sheet<'_>,
) -> Option<Serial> {
    let format = recipe.serial.format.as_ref();
    let format = format.filter(|_| recipe.serial.source == SerialSource::Next)?;
    let next = match ledger {
        Some(ledger) => ledger
            .coming_serials(format, 1)
            .map(|serials| serials.into_iter().next())
            .map_err(Into::into),
        None => Ok(format.serial(1).ok().flatten()),
    };
    let next = sheet.take(Stage::Serial, next)??;
    if let Some(master) = master {
        let taken = master.accept(&next).map_err(CliError::from);
        sheet.take(Stage::Serial, taken.map_err(|error| error.about(&next)));
    }
    Some(next)
}

/// No token is left.
fn none(stock: &Stock<'_>) -> CliError {
    let recipe = stock.recipe;
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
    let empty = |message: &str, hint: &str| {
        CliError::new(exit::POOL_EMPTY, "unit-pool-empty", message).with_hint(Some(hint))
    };
    let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    match file
        .map(|file| recipe.path(file))
        .filter(|path| !path.exists())
    {
        Some(path) => empty(
            &format!("{message}, and the list {} is not here", path.display()),
            "put file = under [pool] right, or take a list in: eol-inject pool import FILE",
        ),
        None if stock.open > 0 => empty(
            &format!(
                "{message}; {} that this station began can be finished by their serials",
                count(stock.open, "unit")
            ),
            "take a list in for further units: eol-inject pool import FILE",
        ),
        None => empty(
            message,
            "name the list in [pool], or take one in: eol-inject pool import FILE",
        ),
    }
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
