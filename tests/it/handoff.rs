//! Blocks of units for programmers that work alone: what the programmer makes of a line is exactly
//! the unit's image, every way out of a token is on record, and cuts lose nothing.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use crate::bench::{Bench, text};
use crate::sweep::sweep;

/// Token, serial and one CRC at three places, from address 0 on.
const GW100: &str = "recipes/gw100-bin.toml";
/// Token and one CRC, from 0x08000000 on.
const STM: &str = "recipes/stm-bin.toml";
const BY: [&str; 4] = ["--by", "ann", "--reason", "line without the program"];

fn bench() -> Bench {
    Bench::with(&["gw100", "images", "recipes", "pools"])
}

fn handoff(bench: &Bench, recipe: &str, args: &[&str]) -> Output {
    let files = ["-o", "block.txt", "--block", "block.csv"];
    let first = ["ledger", "handoff", "--recipe", recipe];
    bench.run(&[&first[..], args, &files, &BY].concat())
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// Serial by line, as the list beside the block says.
fn listed(bench: &Bench) -> Vec<(usize, String)> {
    let mut reader = csv::Reader::from_path(bench.path("block.csv")).unwrap();
    reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].parse().unwrap(), row[1].to_owned()))
        .collect()
}

/// The image of a unit, as the line writes it.
fn image(bench: &Bench, recipe: &str, serial: &str) -> Vec<u8> {
    bench.ok(&[
        "inject", "--recipe", recipe, "--serial", serial, "-o", "out/",
    ]);
    fs::read(bench.path(&format!("out/{serial}.bin"))).unwrap()
}

fn hex(digits: &str) -> usize {
    usize::from_str_radix(digits, 16).unwrap()
}

/// Applies a line of `Patches.txt` to the data file as the Flasher's manual says.
fn flasher(line: &str, data: &mut [u8]) -> Vec<(usize, usize)> {
    let (count, mut rest) = line.split_once(',').unwrap();
    let mut places = Vec::new();
    for _ in 0..hex(count) {
        let (place, after) = rest.split_once(':').unwrap();
        let (at, len) = place.split_once(',').unwrap();
        let (at, len) = (hex(at), hex(len));
        assert!((1..=0x20).contains(&len), "{line}");
        let (digits, after) = after.split_at(2 * len);
        for (index, byte) in data[at..at + len].iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
        }
        places.push((at, len));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    assert_eq!(rest, "");
    assert!((1..=4).contains(&places.len()), "{line}");
    places
}

/// Applies a line of from-file serialization to PG4UW's buffer; returns its label.
fn pg4uw(line: &str, buffer: &mut [u8]) -> String {
    let (label, rest) = line.strip_prefix('[').unwrap().split_once(']').unwrap();
    let arrays: Vec<Vec<&str>> = rest
        .split(',')
        .map(|part| part.split_whitespace().collect())
        .collect();
    let total: usize = arrays.iter().map(|array| array.len() - 1).sum();
    assert!(arrays.len() <= 2 && total <= 80, "{line}");
    for array in arrays {
        let (at, bytes) = array.split_first().unwrap();
        assert!(at.len() <= 8 && (1..=64).contains(&bytes.len()), "{line}");
        for (index, byte) in bytes.iter().enumerate() {
            assert_eq!(byte.len(), 2);
            buffer[hex(at) + index] = u8::from_str_radix(byte, 16).unwrap();
        }
    }
    label.to_owned()
}

#[test]
fn a_flasher_makes_exactly_the_units_images() {
    let bench = bench();
    let output = handoff(&bench, GW100, &["--format", "flasher", "--count", "5"]);
    assert!(output.status.success(), "{}", said(&output));
    let shared = fs::read(bench.path("gw100/gw100.bin")).unwrap();
    let text = fs::read_to_string(bench.path("block.txt")).unwrap();
    assert!(text.ends_with("\r\n"));
    let lines: Vec<&str> = text.lines().collect();
    let listed = listed(&bench);
    assert_eq!((lines.len(), listed.len()), (5, 5));
    let mut places = Vec::new();
    // A data file that is patched in place and never loaded anew, too: nothing stays of the unit
    // before.
    let mut kept = shared.clone();
    for ((number, serial), line) in listed.iter().zip(&lines) {
        assert_eq!(lines[*number], *line);
        let mut data = shared.clone();
        places.push(flasher(line, &mut data));
        flasher(line, &mut kept);
        let wanted = image(&bench, GW100, serial);
        assert!(data == wanted && kept == wanted, "{serial}");
    }
    assert!(
        places.windows(2).all(|pair| pair[0] == pair[1]),
        "{places:?}"
    );
    bench.ok(&["verify", "--recipe", GW100, "--ledger", "out"]);
}

#[test]
fn pg4uws_buffer_holds_exactly_each_unit_in_turn() {
    let bench = bench();
    let args = [
        "--format",
        "pg4uw",
        "--buffer-base",
        "0x08000000",
        "--count",
        "5",
    ];
    let output = handoff(&bench, STM, &args);
    assert!(output.status.success(), "{}", said(&output));
    let mut buffer = fs::read(bench.path("images/stm.bin")).unwrap();
    let text = fs::read_to_string(bench.path("block.txt")).unwrap();
    for ((number, serial), (count, line)) in listed(&bench).iter().zip((1..).zip(text.lines())) {
        assert_eq!((*number, &pg4uw(line, &mut buffer)), (count, serial));
        assert!(buffer == image(&bench, STM, serial), "{serial}");
    }
}

#[test]
fn what_a_line_has_no_room_for_is_refused_and_no_token_is_lost() {
    for (recipe, format, wanted) in [
        ("recipes/gw100-bin.toml", "pg4uw", "a line takes 2"),
        ("recipes/mcuboot-signed.toml", "flasher", "a line takes 4"),
    ] {
        let bench = self::bench();
        let output = handoff(&bench, recipe, &["--format", format, "--count", "2"]);
        assert_eq!(output.status.code(), Some(30), "{}", said(&output));
        assert!(said(&output).contains(wanted), "{}", said(&output));
        assert!(!bench.path("block.txt").exists() && !bench.path("block.csv").exists());
        let release = [
            "ledger", "release", "--recipe", recipe, "--serial", "GW000001",
        ];
        bench.ok(&[&release[..], &BY].concat());
    }
    let bench = bench();
    // Below the buffer's start nothing can be named.
    let args = [
        "--format",
        "pg4uw",
        "--buffer-base",
        "0x09000000",
        "--count",
        "1",
    ];
    let output = handoff(&bench, STM, &args);
    assert_eq!(output.status.code(), Some(30), "{}", said(&output));
    let args = ["--format", "flasher", "--buffer-base", "0", "--count", "1"];
    assert_eq!(handoff(&bench, GW100, &args).status.code(), Some(2));
}

#[test]
fn the_same_block_again_is_the_same_file_and_a_made_unit_is_in_no_block() {
    let bench = bench();
    let args = ["--format", "flasher", "--serials", "serials.txt"];
    fs::write(bench.path("serials.txt"), "GW000011\nGW000012\n").unwrap();
    assert!(handoff(&bench, GW100, &args).status.success());
    let first = fs::read(bench.path("block.txt")).unwrap();
    assert!(handoff(&bench, GW100, &args).status.success());
    assert_eq!(fs::read(bench.path("block.txt")).unwrap(), first);
    // One of them is on a board: its token goes out no more, and nothing of the block does.
    fs::write(bench.path("passed.csv"), "serial,result\nGW000012,pass\n").unwrap();
    let confirm = [
        "ledger",
        "confirm",
        "--recipe",
        GW100,
        "--list",
        "passed.csv",
    ];
    bench.ok(&[&confirm[..], &BY].concat());
    fs::remove_file(bench.path("block.txt")).unwrap();
    fs::write(bench.path("serials.txt"), "GW000011\nGW000012\nGW000013\n").unwrap();
    let output = handoff(&bench, GW100, &args);
    assert_eq!(output.status.code(), Some(50), "{}", said(&output));
    assert!(said(&output).contains("GW000012: it is delivered: its token is on a board"));
    assert!(!bench.path("block.txt").exists());
    let release = [
        "ledger", "release", "--recipe", GW100, "--serial", "GW000013",
    ];
    bench.ok(&[&release[..], &BY].concat());
    bench.ok(&["ledger", "audit", "--recipe", GW100]);
}

#[test]
fn a_unit_that_belongs_to_a_board_is_in_no_block() {
    let bench = bench();
    fs::write(bench.path("serials.txt"), "GW000001\n").unwrap();
    let listed = ["--format", "flasher", "--serials", "serials.txt"];
    assert!(handoff(&bench, GW100, &listed).status.success());
    let passed = "serial,result,uid\nGW000001,pass,9f02\n";
    fs::write(bench.path("passed.csv"), passed).unwrap();
    let ledger = |args: &[&str]| {
        let (command, rest) = args.split_first().unwrap();
        bench.ok(&[&["ledger", command, "--recipe", GW100], rest, &BY].concat())
    };
    ledger(&["confirm", "--list", "passed.csv"]);
    ledger(&["rework", "--serial", "GW000001", "--mode", "same-board"]);
    // On whichever board comes next, its token would be there twice.
    let output = handoff(&bench, GW100, &listed);
    assert_eq!(output.status.code(), Some(50), "{}", said(&output));
    let told = "GW000001 belongs to the board 9f02: make it there";
    assert!(said(&output).contains(told), "{}", said(&output));
}

#[test]
fn a_unit_that_failed_outside_is_told() {
    let bench = bench();
    let count = ["--format", "flasher", "--count", "2"];
    assert!(handoff(&bench, GW100, &count).status.success());
    let results = "serial,result\nGW000001,fail\nGW000002,pass\n";
    fs::write(bench.path("results.csv"), results).unwrap();
    let confirm = ["ledger", "confirm", "--recipe", GW100];
    let output = bench.run(&[&confirm[..], &["--list", "results.csv"], &BY].concat());
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    for told in [
        "GW000001       the list says that it failed; it stays prepared (40)",
        "1 unit confirmed, 0 before, 1 failed",
    ] {
        assert!(said(&output).contains(told), "{}", said(&output));
    }
}

#[test]
fn the_block_comes_back_by_the_flashers_log_or_by_its_list() {
    let bench = bench();
    assert!(
        handoff(&bench, GW100, &["--format", "flasher", "--count", "3"])
            .status
            .success()
    );
    let log = "cycle 0 OK\r\ncycle 1 ERR044\r\ncycle 2 OK\r\n";
    fs::write(bench.path("FLASHER.LOG"), log).unwrap();
    let confirm = ["ledger", "confirm", "--recipe", GW100];
    let by_log = [
        "--log",
        "FLASHER.LOG",
        "--pattern",
        r"cycle (?<line>\d+) OK",
        "--block",
        "block.csv",
    ];
    let told = bench.ok(&[&confirm[..], &by_log, &BY].concat());
    assert!(told.contains("2 units confirmed"), "{told}");
    let shown = bench.ok(&["ledger", "list", "--recipe", GW100, "--state", "prepared"]);
    assert!(
        shown.contains("GW000002") && !shown.contains("GW000003"),
        "{shown}"
    );
    // A line of another block.
    fs::write(bench.path("FLASHER.LOG"), "cycle 7 OK\n").unwrap();
    let output = bench.run(&[&confirm[..], &by_log, &BY].concat());
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let list = fs::read_to_string(bench.path("block.csv")).unwrap();
    let filled: String = list
        .lines()
        .map(|line| {
            if line.ends_with(',') {
                format!("{line}pass\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    fs::write(bench.path("block.csv"), filled).unwrap();
    let told = bench.ok(&[&confirm[..], &["--list", "block.csv"], &BY].concat());
    assert!(told.contains("1 unit confirmed, 2 before"), "{told}");
    // One that fails now contradicts the record.
    let failed = "serial,result\nGW000002,fail\n";
    fs::write(bench.path("failed.csv"), failed).unwrap();
    let output = bench.run(&[&confirm[..], &["--list", "failed.csv"], &BY].concat());
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let told = "line 2, GW000002: the list says that it failed, and it is delivered since";
    assert!(said(&output).contains(told), "{}", said(&output));
    bench.ok(&["ledger", "audit", "--recipe", GW100]);
}

#[test]
fn the_way_out_is_on_record_and_only_the_file_holds_tokens() {
    let bench = bench();
    let output = handoff(
        &bench,
        GW100,
        &["--format", "flasher", "--count", "3", "--json"],
    );
    assert!(output.status.success(), "{}", said(&output));
    let list = fs::read_to_string(bench.path("block.csv")).unwrap();
    let block = fs::read_to_string(bench.path("block.txt")).unwrap();
    for (_, token) in bench.tokens(GW100) {
        let digits: String = token.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(block.contains(&digits));
        for shown in [&said(&output), &list] {
            assert!(!shown.contains(&token) && !shown.to_uppercase().contains(&digits));
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(bench.path("block.txt"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let history = bench.ok(&["ledger", "export", "--recipe", GW100, "--since", "0"]);
    let revealed = history
        .lines()
        .find(|line| line.contains("hand-off of 3 units"))
        .unwrap();
    assert!(revealed.contains("line without the program") && revealed.contains("ann"));
    // It is on record before any unit is prepared.
    let at = |what: &str| {
        history
            .lines()
            .position(|line| line.contains(what))
            .unwrap()
    };
    assert!(at("hand-off of 3 units") < at(r#""kind":"prepared""#));
}

#[test]
fn a_cut_hand_off_goes_on_with_the_same_tokens() {
    let args = [
        "ledger",
        "handoff",
        "--recipe",
        GW100,
        "--format",
        "flasher",
        "--count",
        "2",
        "-o",
        "block.txt",
        "--block",
        "block.csv",
        "--by",
        "ann",
        "--reason",
        "cut",
    ];
    let world = || {
        let bench = Bench::with(&["gw100", "recipes", "pools/unpacked"]);
        let recipe = fs::read_to_string(bench.path(GW100)).unwrap();
        let recipe = recipe.replace("../pools/blynk-export.zip", "../pools/unpacked");
        fs::write(bench.path(GW100), recipe).unwrap();
        bench
    };
    sweep(world, &args, |bench, cut| {
        let before = prints(bench);
        // What was whole before the cut stays unless it is said: it may be another block.
        bench.ok(&[&args[..], &["--force"]].concat());
        let after = prints(bench);
        // The serials that were handed out go on; none is lost, none gets another token.
        for (serial, print) in &before {
            assert_eq!(after.get(serial), Some(print), "{cut}");
        }
        let listed = listed(bench);
        assert_eq!(listed.len(), 2, "{cut}");
        bench.ok(&["ledger", "audit", "--recipe", GW100]);
        let tokens: BTreeMap<String, String> = bench.tokens(GW100).into_iter().collect();
        let block = fs::read_to_string(bench.path("block.txt")).unwrap();
        for ((_, serial), line) in listed.iter().zip(block.lines()) {
            let token = tokens[serial].bytes();
            let digits: String = token.map(|byte| format!("{byte:02X}")).collect();
            assert!(line.contains(&digits), "{cut}: {serial}");
        }
        for left in [".block.txt.part", ".block.csv.part"] {
            assert!(!bench.path(left).exists(), "{cut}: {left}");
        }
    });
}

/// Fingerprint of every unit by serial.
fn prints(bench: &Bench) -> BTreeMap<String, String> {
    let listed = bench.run(&["ledger", "list", "--recipe", GW100, "--json"]);
    text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|unit| unit["state"].is_string())
        .map(|unit| {
            let text = |key: &str| unit[key].as_str().unwrap().to_owned();
            (text("serial"), text("fingerprint"))
        })
        .collect()
}

#[test]
fn a_receipt_is_what_the_written_lines_would_make() {
    use eol_inject::handoff::{self, HandoffError, Programmer};
    use eol_inject::image::Address;

    use crate::craft::{TOKEN, prove, values};

    let slot = "[[slot]]\nvalue = \"auth-token\"\naddress = 0x10\nsize = 40\n";
    let mut shared = vec![0x5A; 64];
    shared[0x10..0x38].fill(0xFF);
    let master = prove(&shared, slot)
        .map_err(|error| error.to_string())
        .unwrap();
    let other = *b"Zbcdefghijklmnopqrstuvwxyz_12345";
    let made = [values(TOKEN, "GW000001"), values(&other, "GW000002")];
    let sealed: Vec<_> = made
        .iter()
        .map(|values| {
            let patched = eol_inject::master::apply(&master, values).unwrap();
            eol_inject::seal::seal(patched).unwrap()
        })
        .collect();
    for programmer in [
        Programmer::Flasher,
        Programmer::Pg4uw {
            base: Address::new(0),
        },
    ] {
        let written = handoff::write(&master, &sealed, programmer).unwrap();
        let read = |text: &[u8]| handoff::read_back(text, &sealed, programmer);
        let receipts = read(&written).unwrap();
        for (receipt, unit) in receipts.iter().zip(&sealed) {
            assert_eq!(receipt.serial(), unit.serial());
            assert_eq!(receipt.fingerprint(), unit.fingerprint());
        }
        let lines: Vec<&str> = std::str::from_utf8(&written).unwrap().lines().collect();
        let (first, second) = (lines[0], lines[1]);
        // Other units' lines, one line less, one more, and one digit that is off.
        let swapped = format!("{second}\r\n{first}\r\n");
        let short = format!("{first}\r\n");
        let long = format!("{first}\r\n{second}\r\n{second}\r\n");
        let off = format!("{first}\r\n{}\r\n", second.replacen("62", "63", 1));
        for wrong in [swapped, short, long, off] {
            let error = read(wrong.as_bytes()).unwrap_err();
            assert!(matches!(error, HandoffError::Differs { .. }), "{error}");
        }
    }
}
