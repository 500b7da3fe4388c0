//! A ledger joined in the middle, by the program: used tokens, adopted units, boards that others
//! programmed, and the cloud's own list.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::bench::{Bench, text};

const RECIPE: &str = "recipes/gw100-bin.toml";
const BY: [&str; 4] = ["--by", "ann", "--reason", "joined in the middle"];

/// A bench whose recipe reads six tokens.
fn bench() -> Bench {
    let bench = Bench::with(&["gw100", "recipes", "pools"]);
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let recipe = recipe.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(bench.path(RECIPE), recipe).unwrap();
    bench
}

/// A bench with prepared units GW000001 to GW00000n; their images are flash dumps from 0 on.
fn made(count: &str) -> Bench {
    let bench = bench();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", count, "-o", "out"]);
    bench
}

fn ledger(bench: &Bench, args: &[&str]) -> Output {
    let (first, rest) = args.split_first().unwrap();
    bench.run(&[&["ledger", first, "--recipe", RECIPE], rest].concat())
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// State of every unit by serial.
fn states(bench: &Bench) -> BTreeMap<String, String> {
    let listed = bench.run(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        // A ledger that was never made says so.
        .filter(|unit| unit["state"].is_string())
        .map(|unit| {
            let text = |key: &str| unit[key].as_str().unwrap().to_owned();
            (text("serial"), text("state"))
        })
        .collect()
}

#[test]
fn flash_dumps_confirm_what_they_show_and_nothing_else() {
    let bench = made("3");
    let damaged = bench.path("out/GW000002.bin");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[100] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let confirm = [&["confirm", "--dump", "0x0", "out"], &BY[..]].concat();
    let output = ledger(&bench, &confirm);
    assert_eq!(output.status.code(), Some(41), "{}", said(&output));
    let told = said(&output);
    assert!(told.contains("FAIL  GW000002"), "{told}");
    assert!(
        told.contains("2 units confirmed, 0 before, 1 failed"),
        "{told}"
    );
    let states = states(&bench);
    assert_eq!(states["GW000001"], "delivered");
    assert_eq!(states["GW000002"], "prepared");
    // Another unit's dump proves nothing of this one, and a second look changes nothing.
    let swapped = [
        "confirm",
        "--dump",
        "0x0",
        "--serial",
        "GW000002",
        "out/GW000001.bin",
    ];
    let output = ledger(&bench, &[&swapped, &BY[..]].concat());
    assert_eq!(output.status.code(), Some(41), "{}", said(&output));
    let again = ledger(&bench, &confirm);
    assert!(
        said(&again).contains("0 units confirmed, 2 before"),
        "{}",
        said(&again)
    );
    assert!(ledger(&bench, &["audit"]).status.success());
}

#[test]
fn a_list_counts_whole_or_not_at_all() {
    let bench = made("3");
    let confirm = [&["confirm", "--list", "passed.csv"], &BY[..]].concat();
    for (list, wanted) in [
        (
            "serial,result\nGW000001,pass\nGW000009,pass\n",
            "line 3, GW000009: the ledger has no",
        ),
        (
            "serial,result\nGW000001,pass\nGW000001,pass\n",
            "line 3: GW000001 stands in line 2",
        ),
        ("serial,result\nGW000001,yes\n", "neither pass nor fail"),
        (
            "serial,state\nGW000001,prepared\n",
            "no columns serial and result",
        ),
        (
            "serial,result,image_sha256\nGW000001,pass,\
             15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225\n",
            "seen with image 15e2b0d3c338",
        ),
    ] {
        fs::write(bench.path("passed.csv"), list).unwrap();
        let output = ledger(&bench, &confirm);
        assert_eq!(output.status.code(), Some(10), "{}", said(&output));
        assert!(said(&output).contains(wanted), "{}", said(&output));
        assert_eq!(states(&bench)["GW000001"], "prepared");
    }
    let list = "serial,result,uid\nGW000001,PASS,u1\nGW000002,fail,\nGW000003,pass,u3\n";
    fs::write(bench.path("passed.csv"), list).unwrap();
    let output = ledger(&bench, &confirm);
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    let states = states(&bench);
    let wanted = ["delivered", "prepared", "delivered"];
    assert!(states.values().eq(wanted), "{states:?}");
}

#[test]
fn a_programmers_log_confirms_by_its_pattern() {
    let bench = made("2");
    let log = "08:00:01 start\r\n08:00:09 SN GW000001 chip 9f02 OK\r\n08:00:20 SN GW000002 chip \
               9f03 FAILED\r\n08:00:31 SN GW000001 chip 9f02 OK\r\n";
    fs::write(bench.path("line.log"), log).unwrap();
    let pattern = r"SN (?<serial>\S+) chip (?<uid>\S+) OK$";
    let confirm = [
        &["confirm", "--log", "line.log", "--pattern", pattern],
        &BY[..],
    ]
    .concat();
    let output = ledger(&bench, &confirm);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("1 unit confirmed"),
        "{}",
        said(&output)
    );
    let shown = said(&ledger(&bench, &["show", "GW000001"]));
    assert!(
        shown.contains("9f02") && shown.contains("attested"),
        "{shown}"
    );
    assert_eq!(states(&bench)["GW000002"], "prepared");
    for (pattern, code) in [("(", 2), ("OK", 2), ("(?<serial>nothing)", 10)] {
        let args = ["confirm", "--log", "line.log", "--pattern", pattern];
        let output = ledger(&bench, &[&args, &BY[..]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    }
}

/// Rows of the unpacked export: AuthToken, QR Token.
fn rows(bench: &Bench) -> Vec<(String, String)> {
    let folder = bench.path("pools/unpacked");
    let mut files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let table = files.find(|path| path.extension().is_some_and(|end| end == "csv"));
    csv::Reader::from_path(table.unwrap())
        .unwrap()
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect()
}

#[test]
fn a_mapping_is_adopted_whole_or_not_at_all_and_never_repeated_aloud() {
    let bench = bench();
    let rows = rows(&bench);
    let adopt = [&["adopt", "--mapping", "old.csv"], &BY[..]].concat();
    let mapping = |units: &[(&str, usize, &str)]| {
        let mut text = "Serial,Token,UID,QR Token\n".to_owned();
        for (serial, n, uid) in units {
            writeln!(text, "{serial},{},{uid},{}", rows[*n].0, rows[*n].1).unwrap();
        }
        fs::write(bench.path("old.csv"), text).unwrap();
        let output = ledger(&bench, &adopt);
        for (token, _) in &rows {
            assert!(!said(&output).contains(token.as_str()));
        }
        output
    };
    for (units, wanted) in [
        (
            &[("GW000101", 0, "u1"), ("bad/serial", 1, "")][..],
            "none of those that serials have",
        ),
        (&[("GW000101", 0, ""), ("gw000101", 1, "")], "GW000101"),
        (&[("GW000101", 0, ""), ("GW000102", 0, "")], "twice"),
        (
            &[("GW000101", 0, "u1"), ("GW000102", 1, "u1")],
            "line 3, GW000102: the board u1",
        ),
        (&[("GW000101", 0, ""), ("", 1, "")], "line 3 (token"),
    ] {
        let output = mapping(units);
        assert_eq!(
            output.status.code(),
            Some(10),
            "{units:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains(wanted) || wanted == "twice",
            "{}",
            said(&output)
        );
        assert_eq!(states(&bench).len(), 0);
    }
    let output = mapping(&[("GW000101", 0, "u1"), ("GW000102", 1, "")]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(states(&bench).values().eq(["delivered", "delivered"]));
    // Their tokens are nobody else's: the export has six, four are left.
    let output = bench.run(&["batch", "--recipe", RECIPE, "--count", "5", "-o", "out"]);
    assert_eq!(output.status.code(), Some(53), "{}", said(&output));
    let tokens: BTreeMap<String, String> = bench.tokens(RECIPE).into_iter().collect();
    assert_eq!(tokens["GW000101"], rows[0].0);
    assert_eq!(
        tokens
            .values()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        6
    );
    bench.ok(&["label", "print", "--recipe", RECIPE]);
    assert!(ledger(&bench, &["audit"]).status.success());
}

#[test]
fn used_tokens_are_never_handed_out() {
    let bench = bench();
    let rows = rows(&bench);
    let used = format!("AuthToken\n{}\n{}\n", rows[0].0, rows[3].0);
    fs::write(bench.path("used.csv"), used).unwrap();
    bench.ok(&["pool", "import", "--recipe", RECIPE, "--used", "used.csv"]);
    let output = bench.run(&["batch", "--recipe", RECIPE, "--count", "6", "-o", "out"]);
    assert_eq!(output.status.code(), Some(53));
    let tokens: Vec<String> = bench
        .tokens(RECIPE)
        .into_iter()
        .map(|(_, token)| token)
        .collect();
    assert_eq!(tokens.len(), 4);
    assert!(!tokens.contains(&rows[0].0) && !tokens.contains(&rows[3].0));
    // Not the other way round: a unit here has it.
    fs::write(
        bench.path("used.csv"),
        format!("AuthToken\n{}\n", rows[1].0),
    )
    .unwrap();
    let output = bench.run(&["pool", "import", "--recipe", RECIPE, "--used", "used.csv"]);
    assert_eq!(output.status.code(), Some(10));
    assert!(
        said(&output).contains("of this ledger has it"),
        "{}",
        said(&output)
    );
}

/// The platform API's answer for some of the tokens.
fn cloud(bench: &Bench, rows: &[(String, String)], status: &[(usize, &str)], total: usize) {
    let rows: Vec<Value> = status
        .iter()
        .map(|(n, status)| {
            json!({ "token": rows[*n].1, "orgId": 1, "deviceToken": rows[*n].0, "status": status })
        })
        .collect();
    let page = json!({ "content": rows, "totalElements": total });
    fs::write(bench.path("cloud.json"), page.to_string()).unwrap();
}

#[test]
fn the_clouds_list_is_compared_and_what_to_do_there_is_listed() {
    let bench = made("4");
    let rows = rows(&bench);
    let tokens: BTreeMap<String, String> = bench.tokens(RECIPE).into_iter().collect();
    let at = |serial: &str| {
        rows.iter()
            .position(|(token, _)| *token == tokens[serial])
            .unwrap()
    };
    let (one, two, three, four) = (
        at("GW000001"),
        at("GW000002"),
        at("GW000003"),
        at("GW000004"),
    );
    let free: Vec<usize> = (0..6)
        .filter(|n| ![one, two, three, four].contains(n))
        .collect();
    ledger(
        &bench,
        &[&["confirm", "--dump", "0", "out"], &BY[..]].concat(),
    );
    let rework = |serial: &str, mode: &str| {
        let args = ["rework", "--serial", serial, "--mode", mode];
        let output = ledger(&bench, &[&args, &BY[..]].concat());
        assert!(output.status.success(), "{}", said(&output));
    };
    rework("GW000001", "returned");
    rework("GW000002", "board-swapped");
    ledger(
        &bench,
        &[&["void", "--serial", "GW000003"], &BY[..]].concat(),
    );
    let reconcile = [
        "pool",
        "reconcile",
        "--recipe",
        RECIPE,
        "cloud.json",
        "--disclaim-list",
        "disclaim.csv",
        "--delete-list",
        "delete.csv",
    ];
    // A part of the list says nothing about what is not in it.
    cloud(&bench, &rows, &[(one, "CLAIMED")], 6);
    let output = bench.run(&reconcile);
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    assert!(!bench.path("delete.csv").exists());

    let status = [
        (one, "CLAIMED"),
        (two, "UNCLAIMED"),
        (three, "CLAIMED"),
        (four, "CLAIMED"),
        (free[0], "CLAIMED"),
    ];
    cloud(&bench, &rows, &status, 5);
    let output = bench.run(&[&reconcile[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(41), "{}", said(&output));
    let found: Vec<(String, Value)> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["kind"] == "difference")
        .map(|line| {
            (
                line["difference"].as_str().unwrap().to_owned(),
                line["serial"].clone(),
            )
        })
        .collect();
    let wanted = [
        ("free-deleted", Value::Null),
        ("free-claimed", Value::Null),
        ("burnt-claimed", json!("GW000003")),
        ("burnt-there", json!("GW000002")),
        ("returned-claimed", json!("GW000001")),
    ];
    assert_eq!(
        found,
        wanted.map(|(kind, serial)| (kind.to_owned(), serial))
    );

    let list = |name: &str| fs::read_to_string(bench.path(name)).unwrap();
    let wanted = |n: usize, serial: &str| format!("{},{serial},", rows[n].1);
    let disclaim = list("disclaim.csv");
    assert!(disclaim.contains(&wanted(one, "GW000001")), "{disclaim}");
    assert_eq!(disclaim.lines().count(), 2);
    let delete = list("delete.csv");
    assert!(delete.contains(&wanted(two, "GW000002")), "{delete}");
    assert!(delete.contains(&wanted(three, "GW000003")), "{delete}");
    assert_eq!(delete.lines().count(), 3);
    for (token, _) in &rows {
        assert!(!delete.contains(token.as_str()) && !disclaim.contains(token.as_str()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["delete.csv", "disclaim.csv"] {
            let mode = fs::metadata(bench.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    // Without the cloud's list: all that are burnt, and all that came back.
    let lists = [
        "export",
        "--delete-list",
        "all.csv",
        "--disclaim-list",
        "back.csv",
    ];
    assert!(ledger(&bench, &lists).status.success());
    assert_eq!((list("all.csv"), list("back.csv")), (delete, disclaim));
}
