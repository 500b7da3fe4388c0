//! What the fuzz targets do with their bytes: one function for each way into the program.
//!
//! None may panic. Beyond that, an image that both readers take must be the same to both, and a
//! unit made of any image that a recipe proves must differ inside slots and checksums only, and be
//! right to the reader that did not make it.

pub mod structures;

use std::io::BufReader;
use std::path::Path;

use eol_inject::checksum::findings;
use eol_inject::seal::seal;
use eol_inject::image::{Address, Format, Hint, Image, Span};
use eol_inject::label::{Due, Half, Pairs, Step};
use eol_inject::ledger::{History, Mapping, Scope, Sqlite};
use eol_inject::master::{Master, apply};
use eol_inject::pool::{self, Item};
use eol_inject::recipe::{PoolSpec, Recipe, SerialSpec};
use eol_inject::scan::{LONGEST, is_harmless, read_line, scanned};
use eol_inject::unit::{AuthToken, Serial, Values};
use eol_inject::verify::{self, Judge};
use eol_inject::witness::{self, Block, Log};
use eol_inject::{nvs, slot, unit};

/// A token that starts like an option.
const TOKEN: &[u8; 32] = b"-bcdefghijklmnopqrstuvwxyz_12345";

/// Bytes of the slot that is tried.
const SLOT: u64 = 40;

/// Reads an image twice, looks into it, and makes one unit of it.
pub fn image(bytes: &[u8], format: Format) {
    let base = (format == Format::Bin).then(|| Address::new(0));
    let hint = Hint {
        format: Some(format),
        base,
        ..Hint::default()
    };
    let judged = verify::read(bytes.to_vec(), hint);
    let Ok(image) = Image::read(bytes.to_vec(), hint) else {
        return;
    };
    if let Ok(judged) = &judged {
        same(&image, judged);
    }
    let found = findings(&image);
    let _ = slot::found(&image);
    let _ = slot::stores(&image);
    let _ = slot::suspects(&image, &[]);
    let kinds = found.iter().filter_map(|finding| finding.kind);
    let mut kinds: Vec<String> = kinds.map(|kind| kind.to_string()).collect();
    kinds.sort();
    kinds.dedup();
    kinds.retain(|kind| kind != "mcuboot");
    let places = image.runs().into_iter().take(4);
    for run in places.filter(|run| run.len() >= SLOT) {
        let middle = run.start().get() + (run.len() - SLOT) / 2;
        unit(bytes, &image, (format, middle), &kinds);
    }
}

/// Both readers see the same bytes at the same addresses.
fn same(line: &Image, judge: &Image) {
    assert_eq!(line.runs(), judge.runs());
    for run in line.runs() {
        assert_eq!(line.bytes(run).unwrap(), judge.bytes(run).unwrap());
    }
}

/// Makes a unit whose token is at `at`, and has it judged.
fn unit(bytes: &[u8], image: &Image, (format, at): (Format, u64), kinds: &[String]) {
    let name = format.to_string().to_lowercase();
    let base = match format {
        Format::Bin => "base = 0\n",
        _ => "",
    };
    let mut text = format!(
        "product = \"P\"\n[image]\nfile = \"x.{name}\"\n{base}[[slot]]\nvalue = \"auth-token\"\n\
         address = {at:#x}\nsize = {SLOT}\nblank = \"any\"\nallow-protected = true\n"
    );
    for kind in kinds {
        text.push_str(&format!(
            "[[checksum]]\nkind = \"{kind}\"\nallow-protected = true\n"
        ));
    }
    let Ok(recipe) = Recipe::parse(&text, Path::new(".")) else {
        return;
    };
    let Ok(master) = Master::prove(image.clone(), &recipe) else {
        return;
    };
    let values = Values {
        serial: "GW000019".parse().unwrap(),
        token: AuthToken::parse(TOKEN).unwrap(),
        columns: [].into(),
    };
    // A placeholder that is this very token is refused.
    let Ok(patched) = apply(&master, &values) else {
        return;
    };
    let sealed = seal(patched).unwrap();
    let container = sealed.container().unwrap();
    if let Ok(made) = Image::read(container.clone(), recipe.image.hint()) {
        only_inside(image, &made, &master.changes());
    }
    // What the second reader does not take was never proved by it.
    if let Ok(judge) = Judge::new(bytes.to_vec(), None, &recipe) {
        let examined = judge.examine(container, None);
        assert!(examined.findings.is_empty(), "{:?}", examined.findings);
        assert_eq!(examined.fingerprint, Some(values.token.fingerprint()));
    }
}

/// A unit differs from the shared image inside `changes` only.
fn only_inside(shared: &Image, made: &Image, changes: &[Span]) {
    assert_eq!(shared.runs(), made.runs());
    for run in shared.runs() {
        let (one, two) = (shared.bytes(run).unwrap(), made.bytes(run).unwrap());
        for (offset, (one, two)) in (0u64..).zip(one.iter().zip(two.iter())) {
            let at = run.start().checked_add(offset).unwrap();
            let inside = changes
                .iter()
                .any(|span| span.start() <= at && at < span.end());
            assert!(one == two || inside, "{at} differs");
        }
    }
}

/// Reads a token list: CSV, pages of the platform's API, or an archive.
pub fn list(bytes: &[u8]) {
    let _ = pool::read(bytes, &PoolSpec::default());
    let bound = PoolSpec {
        bind: Some("Serial Number".to_owned()),
        ..PoolSpec::default()
    };
    let _ = pool::read(bytes, &bound);
}

/// Reads an exported picture beside the list that it belongs to.
pub fn picture(bytes: &[u8]) {
    let token = String::from_utf8_lossy(TOKEN);
    let item = |name: String, bytes: &[u8]| Item {
        name,
        bytes: bytes.to_vec().into(),
    };
    let list = format!("Device Token\n{token}\n");
    let items = vec![
        item("list.csv".to_owned(), list.as_bytes()),
        item(format!("{token}.png"), bytes),
    ];
    let _ = pool::read_items(items, &PoolSpec::default());
}

/// Reads a recipe.
pub fn recipe(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Recipe::parse(text, Path::new("."));
    }
}

/// Reads a list of units that exist already.
pub fn mapping(bytes: &[u8]) {
    let spec = PoolSpec {
        bind: Some("serial".to_owned()),
        ..PoolSpec::default()
    };
    if let Ok(pool) = pool::read(bytes, &spec) {
        let _ = Mapping::of(pool);
    }
}

/// Opens a file as the part of a ledger that came back.
pub fn part(bytes: &[u8]) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    let file = folder.path().join("part");
    std::fs::write(&file, bytes).unwrap();
    let scope = Scope {
        product: "GW-100".to_owned(),
        template: None,
    };
    if let Ok(part) = Sqlite::inspect_sealed(&file, &scope) {
        let _ = part.bring_back();
        let _ = part.parts();
        let _ = part.units(&mut |_| {});
        let _ = part.events_since(0, &mut |_| {});
    }
}

/// Reads what a scanner sent: a serial, a label.
pub fn scan(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let spec = SerialSpec {
        strip: vec!["]C1".to_owned()],
        ..SerialSpec::default()
    };
    if let Ok(serial) = spec.read(&text) {
        // A serial names files, and never holds a secret.
        assert!(!AuthToken::stands_in(serial.as_str()));
        assert!(!serial.as_str().contains(['/', '\\', '\0']));
        assert_eq!(serial.as_str().parse::<Serial>().unwrap(), serial);
    }
    let _ = scanned(&text);
    let _ = text.parse::<unit::QrToken>();
    let _ = AuthToken::parse(bytes);
}

/// Reads what a scanner sends, line by line, and puts serials and labels together.
pub fn pairs(bytes: &[u8]) {
    let spec = SerialSpec::default();
    let mut pairs = Pairs::new(&spec);
    let is_unit = |serial: &Serial| serial.as_str().len().is_multiple_of(2);
    // A small buffer: a line arrives in pieces.
    let mut reader = BufReader::with_capacity(7, bytes);
    let mut lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    lines += usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
    while let Some(line) = read_line(&mut reader).unwrap() {
        lines -= 1;
        if let Ok(text) = &line {
            assert!(text.len() <= LONGEST);
            assert!(!is_harmless(text) || !AuthToken::stands_in(text) || scanned_in(text));
        }
        for step in pairs.take(&line, &is_unit) {
            match step {
                Step::Pair(serial, label) => {
                    assert!(!AuthToken::stands_in(serial.as_str()));
                    assert_eq!(scanned(&label.payload()), Some(label));
                    assert_eq!(pairs.due(), Due::Either);
                }
                Step::Half => assert_ne!(pairs.due(), Due::Either),
                Step::Again(Half::Serial(_) | Half::Label(_)) | Step::Wrong(_) => {}
            }
        }
    }
    assert_eq!(lines, 0, "each line is told once");
    let _ = pairs.end();
    assert_eq!(pairs.due(), Due::Either);
}

/// Returns whether a label stands in a line that may be shown.
fn scanned_in(text: &str) -> bool {
    text.split('\t').any(|field| scanned(field).is_some())
}

/// Reads the log of a programmer: its first line is the pattern, as a person writes one.
pub fn log(bytes: &[u8]) {
    let spec = SerialSpec::default();
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (first, rest) = bytes.split_at(end.unwrap_or(0));
    let given = std::str::from_utf8(first).unwrap_or_default();
    let block = Block::read(b"line,serial,fingerprint\n1,GW000001,00\n").ok();
    let block = block.or_else(|| Block::read(rest).ok()).unwrap_or_default();
    for (pattern, block) in [
        (given, None),
        (r"PASS.*(?<serial>GW[0-9]{6})(.*uid[=: ](?<uid>\S+))?", None),
        (r"^(?<line>[0-9]+)[;,\t ].*(OK|PASS)", Some(block)),
    ] {
        let Ok(log) = Log::new(pattern, block) else {
            continue;
        };
        for one in log.read(rest, &spec).unwrap_or_default() {
            assert!(one.passed && !AuthToken::stands_in(one.serial.as_str()));
        }
    }
}

/// Reads a list of results, and the list that a handoff wrote.
pub fn results(bytes: &[u8]) {
    let spec = SerialSpec::default();
    let _ = Block::read(bytes);
    let results = witness::list(bytes, &spec).unwrap_or_default();
    let mut serials: Vec<_> = results.iter().map(|one| one.serial.folded()).collect();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), results.len(), "a unit is spoken of once");
}

/// Opens a file as the mirror of a ledger.
pub fn mirror(bytes: &[u8]) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    std::fs::write(folder.path().join("0a1b2c3d4e5f6071-0.jsonl"), bytes).unwrap();
    let _ = History::find(folder.path(), None);
    let _ = History::of_station(folder.path(), "L1", "GW-100");
}

/// Reads the table that a settings store is made from.
pub fn store(bytes: &[u8]) {
    let text = include_str!("../fixtures/recipes/nvs-made.toml");
    let recipe = Recipe::parse(text, Path::new(".")).unwrap();
    let _ = nvs::shared(&recipe, None, &mut |_| Ok(bytes.to_vec()));
}

/// Looks for the slot of each kind in a flat image, and reads what it holds.
pub fn slots(bytes: &[u8]) {
    for text in [
        include_str!("../fixtures/recipes/blnk-bin.toml"),
        include_str!("../fixtures/recipes/eols-bin.toml"),
        include_str!("../fixtures/recipes/nvs-esp.toml"),
        include_str!("../fixtures/recipes/nvs-zephyr.toml"),
    ] {
        let recipe = Recipe::parse(text, Path::new(".")).unwrap();
        let Ok(image) = Image::read(bytes.to_vec(), recipe.image.hint()) else {
            continue;
        };
        let located = recipe.slots.iter().map(|spec| slot::locate(&image, spec));
        let slots: Vec<_> = located.flatten().collect();
        let _ = slot::alone(&image, &slots);
        let _ = slot::suspects(&image, &slots);
        for slot in &slots {
            let _ = slot.encode(TOKEN);
            let _ = slot.read(bytes);
        }
    }
}
