//! Boards without a number: a token that may be on one of them gets onto no other by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{FLASH, NEXT, RECIPE, SCAN, bench, nameless, objects, run, said, seat};
use crate::bench::Bench;

/// A line whose programmer cannot tell boards apart, with board `b1` seated.
fn line(serials: &str) -> Bench {
    let bench = bench(&format!("{}probe = \"one\"\n{serials}", nameless()));
    seat(&bench, "one", "b1");
    bench
}

/// The same after a run that died when its programmer had written to `b1`.
fn cut(serials: &str, args: &[&str], scans: &str) -> Bench {
    let bench = line(serials);
    fs::write(bench.path("line/cut-after-program"), "").unwrap();
    let killed = run(&bench, args, scans);
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    bench
}

fn unit(bench: &Bench, serial: &str) -> Value {
    let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    let mut units = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    units.rfind(|unit| unit["serial"] == serial).unwrap()
}

fn vouch(bench: &Bench, serial: &str) -> Output {
    let args = ["--json", "--serial", serial, "--same-board"];
    let who = ["--by", "ann", "--reason", "it never left the fixture"];
    run(bench, &[args.as_slice(), who.as_slice()].concat(), "")
}

fn resolve(bench: &Bench) -> (Option<i32>, Value) {
    let who = ["--by", "ann", "--reason", "power failed"];
    let args = [
        "ledger", "resolve", "--json", "--recipe", RECIPE, "--serial", "GW000001",
    ];
    let output = bench.run(&[args.as_slice(), who.as_slice()].concat());
    let told = objects(&output).pop().unwrap_or_default();
    (output.status.code(), told)
}

/// How many boards hold the unit's own token.
fn boards_with_a_token(bench: &Bench) -> usize {
    let tokens = bench.tokens(RECIPE);
    fs::read_dir(bench.path("line/boards"))
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .filter(|bytes| {
            tokens.iter().any(|(_, token)| {
                bytes
                    .windows(token.len())
                    .any(|part| part == token.as_bytes())
            })
        })
        .count()
}

#[test]
fn a_token_that_a_killed_run_wrote_gets_onto_no_blank_board_by_itself() {
    let bench = cut(SCAN, &[], "GW000001\n");
    seat(&bench, "one", "b2");
    let refused = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    let error = &objects(&refused)[0]["error"];
    assert_eq!(error["name"], "unit-in-doubt");
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("run --serial GW000001 --same-board"),
        "{hint}"
    );
    assert!(hint.contains("--mode board-swapped"), "{hint}");
    // A file would be a second copy just as well.
    let inject = ["inject", "--recipe", RECIPE, "--serial", "GW000001"];
    let inject = bench.run(&[inject.as_slice(), &["-o", "copy.bin"]].concat());
    assert_eq!(inject.status.code(), Some(52), "{}", said(&inject));
    assert!(!bench.path("copy.bin").exists());
    // The board that shows the unit's token is the one, and goes on by itself.
    seat(&bench, "one", "b1");
    let passed = run(&bench, &["--json"], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
    assert_eq!(boards_with_a_token(&bench), 1);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn counted_units_leave_a_claim_in_doubt_alone() {
    let bench = cut(NEXT, &["--count", "1"], "");
    seat(&bench, "one", "b2");
    let next = run(&bench, &["--json", "--count", "1"], "");
    assert!(next.status.success(), "{}", said(&next));
    assert_eq!(objects(&next)[0]["serial"], "GW000002");
    assert_eq!(unit(&bench, "GW000001")["state"], "reserved");
    let batch = ["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"];
    bench.ok(&batch);
    assert!(!bench.path("out/GW000001.bin").exists());
}

#[test]
fn a_torn_board_that_shows_the_units_token_is_its_board() {
    let bench = line(SCAN);
    fs::write(bench.path("line/cut-after-program"), "").unwrap();
    fs::write(bench.path("line/flip"), "").unwrap();
    run(&bench, &[], "GW000001\n");
    fs::remove_file(bench.path("line/flip")).unwrap();
    let passed = run(&bench, &["--json"], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
}

#[test]
fn somebody_may_say_that_it_is_the_same_board() {
    let bench = line(SCAN);
    fs::write(bench.path("line/cut-before-program"), "").unwrap();
    run(&bench, &[], "GW000001\n");
    // Nothing was written; who knows that but the one who stood there?
    let refused = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    let passed = vouch(&bench, "GW000001");
    assert!(passed.status.success(), "{}", said(&passed));
    let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "--json", "GW000001"]);
    assert!(shown.contains("it never left the fixture"), "{shown}");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    // Without saying who and why it is no decision.
    let bare = run(&bench, &["--serial", "GW000001", "--same-board"], "");
    assert_eq!(bare.status.code(), Some(2));
}

#[test]
fn a_lost_board_takes_its_token_with_it() {
    let bench = cut(SCAN, &[], "GW000001\n");
    let before = unit(&bench, "GW000001")["fingerprint"].clone();
    let rework = [
        "ledger", "rework", "--recipe", RECIPE, "--serial", "GW000001",
    ];
    let mode = ["--mode", "board-swapped", "--by", "ann", "--reason", "lost"];
    bench.ok(&[rework.as_slice(), mode.as_slice()].concat());
    seat(&bench, "one", "b2");
    let passed = run(&bench, &["--json"], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
    assert_ne!(unit(&bench, "GW000001")["fingerprint"], before);
}

#[test]
fn a_blank_board_after_a_failure_proves_nothing_of_the_one_that_was_written_to() {
    let bench = line(SCAN);
    fs::write(bench.path("line/fail"), "").unwrap();
    run(&bench, &[], "GW000001\n");
    fs::remove_file(bench.path("line/fail")).unwrap();
    let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--state", "in-doubt"]);
    assert!(listed.contains("GW000001"), "{listed}");
    // The board may have been changed since: whichever is blank now, somebody decides.
    for board in ["b2", "b1"] {
        seat(&bench, "one", board);
        let refused = run(&bench, &["--json"], "GW000001\n");
        assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    }
    assert_eq!(boards_with_a_token(&bench), 0);
}

#[test]
fn a_failure_that_left_the_token_on_its_board_goes_on_there_only() {
    let bench = line(SCAN);
    fs::write(bench.path("line/fail-late"), "").unwrap();
    let failed = run(&bench, &[], "GW000001\n");
    assert_eq!(failed.status.code(), Some(40), "{}", said(&failed));
    seat(&bench, "one", "b2");
    let refused = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    seat(&bench, "one", "b1");
    let passed = run(&bench, &["--json"], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
    assert_eq!(boards_with_a_token(&bench), 1);
}

#[test]
fn rework_of_the_same_board_is_for_the_board_that_holds_the_token() {
    let bench = line(SCAN);
    run(&bench, &[], "GW000001\n");
    let rework = [
        "ledger", "rework", "--recipe", RECIPE, "--serial", "GW000001",
    ];
    let mode = ["--mode", "same-board", "--by", "ann", "--reason", "again"];
    bench.ok(&[rework.as_slice(), mode.as_slice()].concat());
    seat(&bench, "one", "b2");
    let refused = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    seat(&bench, "one", "b1");
    let passed = run(&bench, &["--json"], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
}

#[test]
fn a_look_at_a_blank_board_settles_nothing_and_binds_nothing() {
    let bench = cut(SCAN, &[], "GW000001\n");
    for number in [false, true] {
        // The recipe learns to tell boards apart while the claim is open.
        if number {
            let recipe = bench.path(RECIPE);
            let text = fs::read_to_string(&recipe).unwrap();
            let command = "identify = [\"./programmer.sh\", \"{probe}\", \"identify\"]";
            fs::write(&recipe, text.replace("identify = false", command)).unwrap();
        }
        seat(&bench, "one", "b2");
        let (code, told) = resolve(&bench);
        assert_eq!(
            (code, told["settled"].as_str()),
            (Some(52), Some("stranger")),
            "{told}"
        );
        assert_eq!(unit(&bench, "GW000001")["chip_uid"], Value::Null);
        let refused = run(&bench, &["--json"], "GW000001\n");
        assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    }
    seat(&bench, "one", "b1");
    let (code, told) = resolve(&bench);
    assert_eq!(
        (code, told["settled"].as_str()),
        (Some(0), Some("delivered")),
        "{told}"
    );
    assert_eq!(unit(&bench, "GW000001")["chip_uid"], told["chip_uid"]);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

/// How a view says that the unit is in doubt, and on no board.
fn in_doubt(bench: &Bench, view: &[&str]) -> Value {
    let told = bench.ok(&[view, &["--recipe", RECIPE, "--json"]].concat());
    let mut objects = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let unit = objects.find(|object| object["serial"] == "GW000001");
    let unit = unit.unwrap_or_else(|| panic!("{view:?}: {told}"));
    assert_eq!(unit["state"], "reserved", "{view:?}: {told}");
    assert_eq!(unit["outcome"], "in-doubt", "{view:?}: {told}");
    assert_eq!(unit["chip_uid"], Value::Null, "{view:?}: {told}");
    unit
}

#[test]
fn a_look_at_a_wrong_board_leaves_the_unit_in_doubt_in_every_view() {
    let bench = cut(SCAN, &[], "GW000001\n");
    // A board of another unit, and one that nobody ever wrote to.
    seat(&bench, "one", "b4");
    let other = run(&bench, &["--json"], "GW000002\n");
    assert!(other.status.success(), "{}", said(&other));
    let before = unit(&bench, "GW000001")["fingerprint"].clone();
    for (board, settled) in [("b4", "another"), ("b2", "stranger")] {
        seat(&bench, "one", board);
        let (code, told) = resolve(&bench);
        assert_eq!(
            (code, told["settled"].as_str()),
            (Some(52), Some(settled)),
            "{told}"
        );
        let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--state", "in-doubt"]);
        assert!(listed.contains("GW000001"), "{listed}");
        for view in [
            ["ledger", "list"].as_slice(),
            &["ledger", "show", "GW000001"],
        ] {
            assert_eq!(in_doubt(&bench, view)["fingerprint"], before);
        }
        let export = ["ledger", "export", "--recipe", RECIPE, "-o", "units.csv"];
        let _ = fs::remove_file(bench.path("units.csv"));
        bench.ok(&export);
        let table = fs::read_to_string(bench.path("units.csv")).unwrap();
        let line = table
            .lines()
            .find(|line| line.contains("GW000001"))
            .unwrap();
        assert!(line.contains("in-doubt"), "{table}");
        // The other unit keeps its board.
        assert_eq!(unit(&bench, "GW000002")["state"], "delivered");
    }
    seat(&bench, "one", "b1");
    let (code, told) = resolve(&bench);
    assert_eq!(
        (code, told["settled"].as_str()),
        (Some(0), Some("delivered")),
        "{told}"
    );
    assert_eq!(unit(&bench, "GW000001")["fingerprint"], before);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

/// What the boards hold that have a token in their slot.
fn held(bench: &Bench) -> Vec<Vec<u8>> {
    let boards = fs::read_dir(bench.path("line/boards")).unwrap();
    let boards = boards.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let slots = boards.filter_map(|board| Some(board.get(0x1000..0x1020)?.to_vec()));
    slots.filter(|slot| slot.is_ascii()).collect()
}

/// Copies what is kept of the ledger.
fn keep(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.contains(".ledger") && entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// The writing was done when the station itself failed: neither the programmer nor a temporary file says so.
#[test]
fn what_fails_after_the_writing_leaves_the_token_on_that_board_alone() {
    for (fault, name) in [
        ("locked-after-program", "program-start"),
        ("gone-after-program", "program-temporary"),
    ] {
        for numbered in [false, true] {
            let flash = if numbered {
                FLASH.to_owned()
            } else {
                nameless()
            };
            let bench = bench(&format!("{flash}probe = \"one\"\n{SCAN}"));
            seat(&bench, "one", "b1");
            let temporary = bench.temporary().to_owned();
            fs::write(bench.path("line").join(fault), temporary.to_str().unwrap()).unwrap();
            let failed = run(&bench, &["--json"], "GW000001\n");
            assert_eq!(
                objects(&failed)[0]["error"]["name"],
                name,
                "{}",
                said(&failed)
            );
            fs::create_dir_all(&temporary).unwrap();
            let programmer = bench.path("line/programmer.sh");
            fs::set_permissions(programmer, fs::Permissions::from_mode(0o755)).unwrap();
            seat(&bench, "one", "b2");
            let other = run(&bench, &["--json"], "GW000001\n");
            assert_eq!(other.status.code(), Some(52), "{}", said(&other));
            let who = ["--by", "ann", "--reason", "it was not begun"];
            let release = [
                "ledger", "release", "--recipe", RECIPE, "--serial", "GW000001",
            ];
            let released = bench.run(&[release.as_slice(), &who].concat());
            assert!(!released.status.success(), "{}", said(&released));
            assert_eq!(boards_with_a_token(&bench), 1);
            seat(&bench, "one", "b1");
            let own = run(&bench, &["--json"], "GW000001\n");
            assert_eq!(own.status.code(), Some(0), "{}", said(&own));
            bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
        }
    }
}

#[test]
fn a_free_token_that_a_board_shows_gets_onto_no_other_board() {
    for way in ["run", "resolve", "instead"] {
        let bench = line(NEXT);
        let (line, older) = (bench.path("line"), bench.path("older"));
        fs::create_dir(&older).unwrap();
        bench.ok(&["pool", "import", "--recipe", RECIPE]);
        keep(&line, &older);
        let boards = ["b0", "b1"];
        let boards = if way == "run" { &boards[1..] } else { &boards };
        for board in boards {
            seat(&bench, "one", board);
            let first = run(&bench, &["--count", "1"], "");
            assert!(first.status.success(), "{}", said(&first));
        }
        // Somebody brings back an older copy, which says that the boards' tokens are free.
        keep(&older, &line);
        // With their labels gone too, nothing but the boards tells of them.
        fs::remove_dir_all(line.join("labels")).unwrap();
        match way {
            "run" => {
                let refused = run(&bench, &["--json", "--count", "1"], "");
                assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
                assert_eq!(objects(&refused)[0]["error"]["name"], "unit-other-token");
            }
            // The second board's token is read back where another one was written.
            "instead" => {
                seat(&bench, "one", "b2");
                fs::copy(line.join("boards/b1.flash"), line.join("instead")).unwrap();
                let failed = run(&bench, &["--json", "--count", "1"], "");
                assert_eq!(failed.status.code(), Some(41), "{}", said(&failed));
                fs::remove_file(line.join("boards/b2.flash")).unwrap();
            }
            _ => {
                seat(&bench, "one", "b2");
                fs::write(line.join("cut-before-program"), "").unwrap();
                run(&bench, &["--count", "1"], "");
                seat(&bench, "one", "b1");
                assert_eq!(resolve(&bench).0, Some(52));
            }
        }
        seat(&bench, "one", "b3");
        let next = run(&bench, &["--json", "--count", "1"], "");
        assert!(next.status.success(), "{}", said(&next));
        let mut held = held(&bench);
        let boards = held.len();
        held.sort();
        held.dedup();
        assert_eq!(held.len(), boards, "{way}");
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

#[test]
fn a_recipe_says_that_its_programmer_cannot_tell_boards_apart_and_check_what_that_costs() {
    let bench = line(SCAN);
    let told = said(&bench.run(&["check", "--recipe", RECIPE]));
    assert!(told.contains("boards cannot be told apart"), "{told}");
    let recipe = bench.path(RECIPE);
    let text = fs::read_to_string(&recipe).unwrap();
    fs::write(&recipe, text.replace("identify = false\n", "")).unwrap();
    let refused = bench.run(&["check", "--recipe", RECIPE]);
    assert_eq!(refused.status.code(), Some(10), "{}", said(&refused));
    let told = said(&refused);
    assert!(told.contains("identify = false"), "{told}");
}
