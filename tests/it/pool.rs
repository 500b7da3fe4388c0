use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use eol_inject::pool::{
    Item, Note, Origin, Pool, PoolError, Trial, folder, generate, read, read_items,
};
use eol_inject::recipe::PoolSpec;
use proptest::prelude::*;

/// Every refused list and the name of its error.
const REFUSED: &[(&str, &str)] = &[
    ("pool-archive-entry.absolute-path.zip", "pool-archive-entry"),
    (
        "pool-ambiguous-column.ambiguous-token-columns.csv",
        "pool-ambiguous-column",
    ),
    (
        "picture-secret-in-symbol.auth-token-in-picture.zip",
        "picture-secret-in-symbol",
    ),
    (
        "picture-secret-in-file.auth-token-in-png-text.zip",
        "picture-secret-in-file",
    ),
    ("pool-bad-token.bad-alphabet.csv", "pool-bad-token"),
    ("pool-archive-entry.bad-crc.zip", "pool-archive-entry"),
    ("pool-bad-qr.bad-qr-token.csv", "pool-bad-qr"),
    (
        "pool-archive.bomb-of-overlapping-entries.zip",
        "pool-archive",
    ),
    (
        "pool-archive-entry.bomb-that-lies-about-its-size.zip",
        "pool-archive-entry",
    ),
    ("pool-too-large.bomb.zip", "pool-too-large"),
    ("pool-no-content.deeply-nested.json", "pool-no-content"),
    (
        "pool-duplicate-qr.duplicate-qr-token.csv",
        "pool-duplicate-qr",
    ),
    (
        "pool-duplicate-serial.duplicate-serial-after-case-folding.csv",
        "pool-duplicate-serial",
    ),
    ("pool-duplicate-serial.csv", "pool-duplicate-serial"),
    ("pool-duplicate-token.csv", "pool-duplicate-token"),
    ("pool-empty.empty-file.csv", "pool-empty"),
    ("pool-empty.empty-list.csv", "pool-empty"),
    ("pool-archive-entry.encrypted.zip", "pool-archive-entry"),
    ("pool-picture-extra.extra-picture.zip", "pool-picture-extra"),
    (
        "picture-not-a-qr-token.foreign-qr.zip",
        "picture-not-a-qr-token",
    ),
    ("pool-archive.garbage.zip", "pool-archive"),
    ("pool-json.malformed.json", "pool-json"),
    (
        "pool-picture-missing.missing-picture.zip",
        "pool-picture-missing",
    ),
    ("pool-no-field.no-device-token.json", "pool-no-field"),
    ("pool-not-one-list.no-list.zip", "pool-not-one-list"),
    ("pool-no-token-column.csv", "pool-no-token-column"),
    ("pool-not-utf8.not-utf-8.csv", "pool-not-utf8"),
    ("pool-nul.nul-byte.csv", "pool-nul"),
    ("pool-open-quote.csv", "pool-open-quote"),
    (
        "pool-archive-entry.path-traversal.zip",
        "pool-archive-entry",
    ),
    (
        "picture-too-large.picture-declares-60000-pixels.zip",
        "picture-too-large",
    ),
    ("picture-not-png.picture-is-not-png.zip", "picture-not-png"),
    (
        "pool-picture-differs.pictures-swapped.zip",
        "pool-picture-differs",
    ),
    (
        "pool-secret-as-qr.qr-is-auth-token.csv",
        "pool-secret-as-qr",
    ),
    ("pool-ragged.csv", "pool-ragged"),
    ("pool-archive.same-name-twice.zip", "pool-archive"),
    ("pool-bad-serial.serial-is-a-path.csv", "pool-bad-serial"),
    ("pool-bad-token.spreadsheet-cut-token.csv", "pool-bad-token"),
    ("pool-archive-entry.symlink.zip", "pool-archive-entry"),
    (
        "pool-header-twice.token-column-named-twice.csv",
        "pool-header-twice",
    ),
    ("picture-damaged.truncated-picture.zip", "picture-damaged"),
    ("pool-archive.truncated.zip", "pool-archive"),
    ("pool-not-one-list.two-lists.zip", "pool-not-one-list"),
    ("pool-two-organisations.json", "pool-two-organisations"),
    ("pool-two-organisations.zip", "pool-two-organisations"),
    (
        "pool-picture-differs.two-pictures-one-qr.zip",
        "pool-picture-differs",
    ),
    (
        "picture-undecodable.undecodable-picture.zip",
        "picture-undecodable",
    ),
    ("pool-unknown-status.json", "pool-unknown-status"),
    ("pool-utf16.utf-16.csv", "pool-utf16"),
    ("pool-bad-token.wrong-length-token.csv", "pool-bad-token"),
];

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

pub fn spec(bind: Option<&str>) -> PoolSpec {
    PoolSpec {
        file: None,
        token: None,
        qr: None,
        bind: bind.map(str::to_owned),
    }
}

/// Reads a refused list as its recipe would.
pub fn refused(name: &str) -> PoolError {
    let bytes = bytes(&format!("reject/pool/{name}"));
    let bind = bytes.windows(13).any(|text| text == b"Serial Number");
    read(&bytes, &spec(bind.then_some("Serial Number"))).unwrap_err()
}

/// Everything that an error can say.
fn said(error: &dyn Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&format!("\n{error}"));
        next = error.source();
    }
    text
}

#[test]
fn every_bad_list_is_refused_by_name_and_without_its_tokens() {
    for (file, name) in REFUSED {
        let error = refused(file);
        assert_eq!(error.name(), *name, "{file}: {error}");
        // Every token of the fixtures says so.
        let said = said(&error);
        assert!(!said.contains("fake"), "{file}: {said}");
    }
}

#[test]
fn a_row_is_named_by_its_line() {
    let line = |text: &str| read(text.as_bytes(), &spec(None)).unwrap_err().to_string();
    let rows = "-fake-TOKEN_0123456789abcdefghij,\"two\nlines\"\nshort,1\n";
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("\u{feff}\nToken,Note\n{rows}").replace('\n', end);
        assert_eq!(line(&text), "line 5 holds no AuthToken");
    }
}

/// What a list is refused with.
fn refusal(text: &str) -> (&'static str, String) {
    let error = read(text.as_bytes(), &spec(None)).unwrap_err();
    assert!(!said(&error).contains("fake"), "{}", said(&error));
    (error.name(), error.to_string())
}

/// The token of a row, one for each number below 100.
fn token(n: usize) -> String {
    format!("{n:02}-fake-TOKEN_0123456789abcdefgh")
}

#[test]
fn an_open_quote_swallows_no_row() {
    let row = |n: usize, note: &str| format!("{},{note}\n", token(n));
    let list = |notes: [&str; 6]| {
        let rows: String = (1..).zip(notes).map(|(n, note)| row(n, note)).collect();
        format!("Token,Note\n{rows}")
    };
    // To the end of the file, and up to a quote that stands below for something else.
    let (name, text) = refusal(&list(["a", "\"b", "c", "d", "e", "f"]));
    assert_eq!(
        (name, text.contains("line 3 opens")),
        ("pool-open-quote", true),
        "{text}"
    );
    let (name, text) = refusal(&list(["a", "\"b", "c", "d", "\"e\"", "f"]));
    assert_eq!(
        (name, text.contains("line 3 opens")),
        ("pool-text-after-quote", true),
        "{text}"
    );
    let (name, text) = refusal(&list(["a", "\"b", "c", "\"", "e", "f"]));
    assert_eq!(
        (name, text.contains("line 3 opens")),
        ("pool-quoted-rows", true),
        "{text}"
    );
    let (name, text) = refusal(&list(["a", "b", "c", "4\" pipe", "e", "f"]));
    assert_eq!(
        (name, text.contains("line 5 has")),
        ("pool-stray-quote", true),
        "{text}"
    );
    // What is quoted as it should be is taken, over several lines too.
    let whole = list(["a", "\"4\"\" pipe\"", "\"two\nlines\"", "d", "e", "f"]);
    let pool = read(whole.as_bytes(), &spec(None)).unwrap();
    assert_eq!(pool.rows[1].columns["Note"].as_str(), "4\" pipe");
    assert_eq!(pool.lines, [2, 3, 4, 6, 7, 8]);
}

#[test]
fn rows_end_as_any_editor_ends_them() {
    let rows = format!("Token;Note\n{};a\n\n{};b\n", token(1), token(2));
    for end in ["\n", "\r\n", "\r"] {
        let text = rows.replace('\n', end);
        let pool = read(text.as_bytes(), &spec(None)).unwrap();
        assert_eq!(
            (pool.rows.len(), &pool.lines[..]),
            (2, &[2, 4][..]),
            "{end:?}"
        );
        let (_, wrong) = refusal(&format!("{text}short;c{end}"));
        assert_eq!(wrong, "line 5 holds no AuthToken", "{end:?}");
    }
}

#[test]
fn a_secret_stands_in_its_own_column_only() {
    let twice = format!("Token,Copy\n{0},{1}\n{1},x\n", token(1), token(2));
    let (name, text) = refusal(&twice);
    assert_eq!(name, "pool-secret-in-column");
    assert!(text.starts_with("line 2 (token "), "{text}");
    // An EID has 32 digits, too: what is no token of the list is taken.
    let eid = format!("Token,EID\n{},89033023426100000000001234567890\n", token(1));
    let pool = read(eid.as_bytes(), &spec(None)).unwrap();
    assert!(pool.rows[0].columns["EID"].starts_with("8903"));
}

#[test]
fn no_field_of_a_page_is_lost_without_a_word() {
    let row = |more: &str| format!("{{\"deviceToken\":\"{}\"{more}}}", token(1));
    let (name, _) = refusal(&row(&format!(",\"deviceToken\":\"{}\"", token(2))));
    assert_eq!(name, "pool-field-twice");
    let (name, _) = refusal(&row(",\"imei\":89033023426100000000001234567890"));
    assert_eq!(name, "pool-inexact");
    let (name, _) = refusal(&format!("{{\"content\":[{}],\"rows\":[]}}", row("")));
    assert_eq!(name, "pool-field-twice");
    let pool = read(row(",\"tags\":[1,[2]],\"a\":-1.5").as_bytes(), &spec(None)).unwrap();
    assert_eq!(pool.rows[0].columns.keys().collect::<Vec<_>>(), ["a"]);
    let said = pool.notes[0].to_string();
    assert_eq!(said, "`tags` hold no text and are left out of every row");
}

#[test]
fn hostile_lists_are_refused_in_time_and_memory() {
    let start = Instant::now();
    let headers = |count: usize| (0..count).map(|n| format!("h{n},")).collect::<String>();
    assert_eq!(refusal(&headers(100_000)).0, "pool-too-many-cells");
    assert_eq!(refusal(&",".repeat(20_000_000)).0, "pool-too-many-cells");
    assert_eq!(
        refusal(&format!("Token\n{}", "x".repeat(20_000_000))).0,
        "pool-long-cell"
    );
    assert_eq!(
        refusal(&format!("[{}", "0,".repeat(5_000_000))).0,
        "pool-no-content"
    );
    let fields: String = (0..2000).map(|n| format!("\"f{n}\":0,")).collect();
    assert_eq!(refusal(&format!("{{{fields}")).0, "pool-too-large");
    let nested = format!("{{\"content\":[{{\"x\":[{}", "0,".repeat(5_000_000));
    assert_eq!(refusal(&nested).0, "pool-json");
    let entries = b"PK\x01\x02".repeat(300_000);
    let error = read(&[b"PK\x03\x04", entries.as_slice()].concat(), &spec(None)).unwrap_err();
    assert_eq!(error.name(), "pool-too-large");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn no_bad_list_is_left_out() {
    let known: BTreeSet<_> = REFUSED.iter().map(|(file, _)| *file).collect();
    for entry in fs::read_dir(fixture("reject/pool")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(known.contains(name.to_str().unwrap()), "{name:?}");
    }
}

fn good(name: &str, bind: Option<&str>) -> Pool {
    read(&bytes(&format!("pools/{name}")), &spec(bind)).unwrap()
}

fn starts(pool: &Pool, byte: u8) -> bool {
    pool.rows.iter().any(|row| row.token.expose()[0] == byte)
}

#[test]
fn an_export_is_paired_by_name() {
    let pool = good("blynk-export.zip", Some("Serial Number"));
    assert!(pool.rows.len() >= 60);
    assert_eq!(pool.origin, Origin::Export);
    assert!(pool.notes.is_empty());
    assert!(starts(&pool, b'-') && starts(&pool, b'_'));
    for row in &pool.rows {
        let qr = row.qr.as_ref().unwrap();
        assert_eq!(qr.organisation(), Some("1"));
        assert!(row.picture.as_ref().unwrap().starts_with(b"\x89PNG"));
        assert!(row.bound.is_some() && !row.claimed);
        let headers: Vec<_> = row.columns.keys().map(String::as_str).collect();
        assert_eq!(headers, ["Device Name", "MAC address"]);
    }
    let name = |text: &str| {
        let mut rows = pool.rows.iter();
        rows.any(|row| row.columns["Device Name"].as_str() == text)
    };
    assert!(name("Gateway, 24 V, \"DIN rail\"") && name("Zähler"));
}

#[test]
fn a_folder_reads_like_its_zip() {
    let pool = folder::open(&fixture("pools/unpacked"), &spec(Some("Serial Number"))).unwrap();
    assert_eq!(pool.rows.len(), 6);
    assert!(pool.rows.iter().all(|row| row.picture.is_some()));
}

#[test]
fn pictures_alone_give_the_qr_tokens() {
    let pool = good("pairs-only-by-picture.zip", None);
    assert!(pool.rows.iter().all(|row| {
        let qr = row.qr.as_ref().unwrap();
        qr.token().starts_with("sqr_fake-") && qr.organisation() == Some("1")
    }));
}

#[test]
fn a_saved_page_is_a_list() {
    let pool = good("api-page.json", None);
    assert_eq!(pool.rows.len(), 12);
    assert!(pool.notes.is_empty());
    let claimed = pool.rows.iter().filter(|row| row.claimed).count();
    assert!(claimed > 0 && claimed < 12);
    let qr = pool.rows[0].qr.as_ref().unwrap();
    assert_eq!(qr.organisation(), Some("1"));
    assert_eq!(pool.rows[0].columns["productId"].as_str(), "100");
}

#[test]
fn pages_follow_one_another() {
    let page = bytes("pools/api-page.json");
    let text = std::str::from_utf8(&page).unwrap();
    let second = text.replace("fake-", "fak2-");
    let total = |text: &str| text.replace("\"totalElements\": 12", "\"totalElements\": 24");
    let lines = format!("{}\n{}", total(text), total(&second));
    let array = format!("[{},{}]", total(text), total(&second));
    for pages in [lines, array] {
        let pool = read(pages.as_bytes(), &spec(None)).unwrap();
        assert_eq!(pool.rows.len(), 24);
        assert!(pool.notes.is_empty());
    }
    let twice = format!("{text}{second}");
    let error = read(twice.as_bytes(), &spec(None)).unwrap_err();
    assert_eq!(error.name(), "pool-too-many-rows");
}

#[test]
fn a_short_page_is_taken_and_noted() {
    let pool = read(&bytes("pools/short-page.json"), &spec(None)).unwrap();
    assert_eq!(pool.notes, [Note::Part { rows: 6, total: 60 }]);
}

#[test]
fn columns_are_found_by_content_and_without_header() {
    let pool = good("column-by-content.csv", None);
    assert!(pool.rows.iter().all(|row| row.qr.is_some()));
    assert_eq!(pool.notes, [Note::NoOrganisation]);
    let pool = good("no-header.csv", None);
    assert_eq!(pool.rows.len(), 5);
    assert_eq!(pool.notes, [Note::NoQr]);
    assert!(good("tokens-only.csv", None).rows.len() > 5);
    assert!(
        good("top-up.csv", Some("serial number")).rows[0]
            .bound
            .is_some()
    );
}

#[test]
fn delimiters_are_what_the_header_uses() {
    let rows = "-fake-TOKEN_0123456789abcdefghij;a,b\r\n_fake-TOKEN_0123456789abcdefghij;c,d\r\n";
    for delimiter in [';', '\t'] {
        let text =
            format!("\u{feff}Token;Note, free\r\n{rows}").replace(';', &delimiter.to_string());
        let pool = read(text.as_bytes(), &spec(None)).unwrap();
        assert_eq!(pool.rows[1].columns["Note, free"].as_str(), "c,d");
    }
}

#[test]
fn a_recipe_decides_between_columns() {
    let list = bytes("reject/pool/pool-ambiguous-column.ambiguous-token-columns.csv");
    let spec = PoolSpec {
        token: Some("second".to_owned()),
        ..spec(None)
    };
    let pool = read(&list, &spec).unwrap();
    assert_eq!(pool.rows[0].token.expose()[0], b'-');
    let spec = PoolSpec {
        token: Some("Third".to_owned()),
        ..spec
    };
    let error = read(&list, &spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token list has no column `Third`; it has `First`, `Second`"
    );
}

#[test]
fn a_damaged_first_token_is_no_header() {
    let list = "-fake+TOKEN_0123456789abcdefghij\n_fake-TOKEN_0123456789abcdefghij\n";
    let error = read(list.as_bytes(), &spec(None)).unwrap_err();
    assert_eq!(error.name(), "pool-bad-token");
}

#[test]
fn a_row_without_qr_among_others_is_refused() {
    let code = "sqr_fake-TOKEN_0123456789abcdefghijk";
    let list = format!(
        "Token,QR\n-fake-TOKEN_0123456789abcdefghij,{code}\n_fake-TOKEN_0123456789abcdefghij,\n"
    );
    let error = read(list.as_bytes(), &spec(None)).unwrap_err();
    assert_eq!(error.name(), "pool-no-qr");
}

#[test]
fn litter_of_file_managers_is_left_out() {
    let mut items = folder::items(&fixture("pools/unpacked")).unwrap();
    for name in ["__MACOSX/images/._x.png", ".DS_Store", "images/Thumbs.db"] {
        items.push(Item {
            name: name.to_owned(),
            bytes: b"Bud1".to_vec().into(),
        });
    }
    assert_eq!(read_items(items, &spec(None)).unwrap().rows.len(), 6);
}

#[test]
fn a_picture_without_row_is_named_by_number() {
    let mut items = folder::items(&fixture("pools/unpacked")).unwrap();
    let stranger = items.last().unwrap().bytes.to_vec();
    items.push(Item {
        name: "images/-fake-TOKEN_0123456789abcdefghij.png".to_owned(),
        bytes: stranger.into(),
    });
    let error = read_items(items, &spec(None)).unwrap_err();
    assert_eq!(error.name(), "pool-picture-extra");
    assert!(!said(&error).contains("fake"));
}

/// The most memory that this process had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

#[test]
#[ignore = "measures: run alone, with --release --nocapture"]
fn a_thousand_pictures_a_second() {
    let serials: Vec<_> = (0..10_000)
        .map(|n| format!("GW{n:06}").parse().unwrap())
        .collect();
    let trial = Trial {
        organisation: 12345,
        bind: None,
    };
    let start = Instant::now();
    let mut zip = std::io::Cursor::new(Vec::new());
    generate(&trial, &serials, &mut zip).unwrap();
    let zip = zip.into_inner();
    eprintln!("10,000 drawn in {:?}", start.elapsed());
    let start = Instant::now();
    let pool = read(&zip, &spec(None)).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{} pictures read in {seconds:.3} s", pool.rows.len());
    assert!(seconds < 10.0);
}

#[test]
#[ignore = "measures: run alone, with --release --nocapture"]
fn a_million_rows_fit() {
    let mut text = String::from("Device Token,QR Token,Serial Number\r\n");
    for n in 0..1_000_000 {
        text.push_str(&format!("{n:-<32},sqr_{n:-<32},GW{n:07}\r\n"));
    }
    let before = peak();
    let start = Instant::now();
    let pool = read(text.as_bytes(), &spec(Some("Serial Number"))).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let (list, whole) = (text.len() >> 20, peak());
    eprintln!(
        "{} rows in {seconds:.2} s; list {list} MiB, peak {before} -> {whole} MiB",
        pool.rows.len()
    );
    assert!(seconds < 15.0 && whole < 300);
}

/// Spoils some bytes of a good input.
fn spoilt(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let last = good.len() - 1;
    prop::collection::vec((0..=last, any::<u8>()), 1..8).prop_map(move |changes| {
        let mut bytes = good.clone();
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), start in 0_usize..5) {
        let start: &[u8] = [&b""[..], b"PK\x03\x04", b"{\"content\":[", b"Token\n", b"\xef\xbb\xbf[{"][start];
        let _ = read(&[start, &bytes].concat(), &spec(None));
    }

    #[test]
    fn spoilt_archives_are_refused_or_read(bytes in spoilt(bytes("pools/pairs-only-by-picture.zip"))) {
        if let Err(error) = read(&bytes, &spec(None)) {
            prop_assert!(!said(&error).contains("fake"));
        }
    }

    #[test]
    fn spoilt_lists_are_refused_or_read(bytes in spoilt(bytes("pools/top-up.csv"))) {
        if let Err(error) = read(&bytes, &spec(None)) {
            prop_assert!(!said(&error).contains("fake"), "{}", said(&error));
        }
    }

    #[test]
    fn spoilt_pages_are_refused_or_read(bytes in spoilt(bytes("pools/api-page.json"))) {
        if let Err(error) = read(&bytes, &spec(None)) {
            prop_assert!(!said(&error).contains("fake"), "{}", said(&error));
        }
    }

    #[test]
    fn spoilt_pictures_are_refused_or_read(picture in 1_usize..7, changes in prop::collection::vec((8_usize..380, any::<u8>()), 1..4)) {
        let mut items = folder::items(&fixture("pools/unpacked")).unwrap();
        for (at, value) in changes {
            let bytes = &mut items[picture].bytes;
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if let Err(error) = read_items(items, &spec(None)) {
            prop_assert!(!said(&error).contains("fake"), "{}", said(&error));
        }
    }
}
