//! Labels judged by strangers: other programs read the symbols and find what the record says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::{Bench, has, text};

const RECIPE: &str = "gw100/recipe.toml";

/// Returns what another QR reader finds in a picture.
fn zbar(picture: &Path) -> String {
    let output = Command::new("zbarimg")
        .args(["-q", "--raw"])
        .arg(picture)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    text(&output.stdout).trim_end().to_owned()
}

/// The shipped export: AuthToken to QR Token and picture.
fn exported(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let zip = fs::File::open(bench.path("pools/blynk-export.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let mut pictures = BTreeMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        if let Some(stem) = name.rsplit('/').next().unwrap().strip_suffix(".png") {
            let mut bytes = Vec::new();
            std::io::copy(&mut entry, &mut bytes).unwrap();
            pictures.insert(stem.to_owned(), bytes);
        }
    }
    pictures
}

#[test]
fn a_label_is_the_exported_picture_and_its_drawing_says_the_same() {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "5", "-o", "out"]);
    let exported = exported(&bench);
    let mut pairs = String::new();
    for (serial, token) in bench.tokens(RECIPE) {
        let png = bench.path(&format!("gw100/labels/{serial}.png"));
        assert_eq!(fs::read(&png).unwrap(), exported[&token], "{serial}");
        if !has("zbarimg", "another reader of the labels") {
            continue;
        }
        let said = zbar(&png);
        assert!(said.starts_with("sqr_"), "{serial}: {said}");
        pairs.push_str(&format!("{serial}\t{said}\n"));
        if has("rsvg-convert", "another eye on the drawn labels") {
            let svg = bench.path(&format!("gw100/labels/{serial}.svg"));
            let drawn = bench.path("drawn.png");
            let status = Command::new("rsvg-convert")
                .args(["-w", "400", "-o"])
                .args([&drawn, &svg])
                .status()
                .unwrap();
            assert!(status.success());
            assert_eq!(zbar(&drawn), said, "{serial}: drawing and picture differ");
        }
    }
    let (code, said) = scan(&bench, &pairs);
    assert_eq!(code, Some(0), "{said}");
}

/// Scans pairs of serial and label.
fn scan(bench: &Bench, pairs: &str) -> (Option<i32>, String) {
    let mut child = bench
        .command(&["label", "scan", "--recipe", RECIPE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(pairs.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stdout))
}

/// QR Tokens of the shipped units, in the order of their serials.
pub fn codes(bench: &Bench) -> Vec<String> {
    let zip = fs::File::open(bench.path("pools/blynk-export.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let mut table = Vec::new();
    for index in 0..zip.len() {
        let mut bytes = Vec::new();
        std::io::copy(&mut zip.by_index(index).unwrap(), &mut bytes).unwrap();
        if let Some(csv) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            table = csv.to_vec();
        }
    }
    let rows: BTreeMap<String, String> = csv::Reader::from_reader(table.as_slice())
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let units: BTreeMap<String, String> = bench.tokens(RECIPE).into_iter().collect();
    units.values().map(|token| rows[token].clone()).collect()
}

#[test]
fn a_label_on_the_wrong_unit_is_named() {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "2", "-o", "out"]);
    let codes = codes(&bench);
    let (code, said) = scan(&bench, &format!("GW000001\t{}\n", codes[1]));
    assert_eq!(code, Some(61));
    assert!(said.contains("the label is GW000002's"), "{said}");
    // A scanner types each on a line of its own.
    let (code, said) = scan(&bench, &format!("GW000002\n]Q1{}\r\n", codes[1]));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_reprinted_label_is_on_record() {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"]);
    let label = bench.path("gw100/labels/GW000001.png");
    let first = fs::read(&label).unwrap();
    fs::write(&label, b"torn").unwrap();
    bench.ok(&[
        "label", "reprint", "--recipe", RECIPE, "--serial", "GW000001", "--by", "ann", "--reason",
        "torn",
    ]);
    assert_eq!(fs::read(&label).unwrap(), first);
    let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "GW000001"]);
    assert!(shown.contains("by ann, reason torn"), "{shown}");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_list_that_was_taken_in_is_not_read_again() {
    let bench = Bench::new();
    let batch = ["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"];
    bench.ok(&batch);
    let output = bench.run(&batch);
    assert!(!text(&output.stderr).contains("taken in"));
    // Another list tops up; the ledger knows both afterwards.
    let import = ["pool", "import", "--recipe", RECIPE, "pools/top-up.csv"];
    assert!(bench.ok(&import).contains("4 new tokens, 4 known"));
    assert!(bench.ok(&import).contains("0 new tokens, 8 known"));
}
