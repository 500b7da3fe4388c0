//! A rehearsal does what the run will do: for each recipe that a run can work with, and with no
//! token of the real list.

use std::fs;

use super::{objects, said};
use crate::bench::Bench;
use crate::check::{RECIPE, bench, check, edit, list, made, traces};

/// Rehearses so many units; returns their serials.
fn rehearsed(bench: &Bench, args: &[&str]) -> Vec<String> {
    let all = [&["run", "--recipe", RECIPE, "--rehearse", "--json"], args].concat();
    let output = bench.run(&all);
    assert!(output.status.success(), "{}", said(&output));
    assert!(traces(bench).is_empty(), "{:?}", traces(bench));
    let units = objects(&output);
    let serial = |unit: &serde_json::Value| {
        assert_eq!(unit["simulated"], true, "{unit}");
        unit["serial"].as_str().unwrap().to_owned()
    };
    units.iter().map(serial).collect()
}

/// A list with a column for a slot and one for serials.
fn listed(bench: &Bench) {
    list(
        bench,
        "Device Token,QR Token,Serial,Plant\n\
         fake-TOKEN_0123456789abcdefghij0,sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo00+17,GW000701,north\n\
         fake-TOKEN_0123456789abcdefghij1,sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo01+17,GW000702,south\n",
    );
}

#[test]
fn the_columns_of_the_list_are_rehearsed() {
    let bench = bench(&[("value  = \"serial\"", "value  = \"column:Plant\"")]);
    listed(&bench);
    assert_eq!(rehearsed(&bench, &["--count", "3"]).len(), 3);
    // A column that it lacks is refused, as a run would.
    edit(&bench, &[("column:Plant", "column:Colour")]);
    let run = ["run", "--rehearse", "--count", "1"];
    assert_eq!(made(&bench, &run), (30, Some("patch-no-column".to_owned())));
}

#[test]
fn the_serials_of_the_list_are_rehearsed_where_it_has_some() {
    let bench = bench(&[(
        "source = \"next\"\nformat = \"GW{:06}\"",
        "source = \"pool\"",
    )]);
    listed(&bench);
    edit(&bench, &[("[serial]", "bind = \"Serial\"\n[serial]")]);
    assert_eq!(
        rehearsed(&bench, &["--count", "2"]),
        ["GW000701", "GW000702"]
    );
    // Nobody scans, and the list has what would be scanned.
    edit(
        &bench,
        &[("source = \"pool\"", "source = \"scan\"\npattern = \"^GW\"")],
    );
    assert_eq!(
        rehearsed(&bench, &["--count", "2"]),
        ["GW000701", "GW000702"]
    );
    assert_eq!(rehearsed(&bench, &["--serial", "GW000702"]), ["GW000702"]);
}

#[test]
fn tokens_that_are_in_the_ledger_only_lend_their_columns_too() {
    let bench = bench(&[("value  = \"serial\"", "value  = \"column:Plant\"")]);
    listed(&bench);
    bench.ok(&["pool", "import", "--recipe", RECIPE, "list.csv"]);
    fs::remove_file(bench.path("list.csv")).unwrap();
    let run = ["run", "--rehearse", "--count", "2"];
    assert_eq!(made(&bench, &run).0, 0);
    let status = bench.ok(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(status.contains("\"free\":2"), "{status}");
}

#[test]
fn scans_can_be_counted_in_a_rehearsal() {
    let bench = bench(&[(
        "source = \"next\"\nformat = \"GW{:06}\"",
        "source = \"scan\"\npattern = \"^GW[0-9]{6}$\"",
    )]);
    assert_eq!(rehearsed(&bench, &["--count", "2"]), ["T1", "T2"]);
}

#[test]
fn a_chip_s_own_number_is_made_for_each_simulated_board() {
    let bench = bench(&[(
        "source = \"next\"\nformat = \"GW{:06}\"",
        "source = \"chip-uid\"",
    )]);
    let serials = rehearsed(&bench, &["--count", "2"]);
    assert!(
        serials[0] != serials[1] && serials[0].len() == 16,
        "{serials:?}"
    );
    // A run on simulated boards counts as well.
    assert_eq!(check(&bench, &[]).0, 0);
    let output = bench.run(&["run", "--recipe", RECIPE, "--count", "2", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    for unit in objects(&output) {
        let serial = unit["serial"].as_str().unwrap();
        assert_eq!(unit["chip_uid"], serial.to_ascii_lowercase());
        bench.ok(&[
            "verify", "--recipe", RECIPE, "--probe", "sim", "--serial", serial, "--ledger",
        ]);
    }
}

#[test]
fn a_programmer_and_a_chip_that_are_not_simulated_are_stood_in_for() {
    let program = "chip = \"my own chip\"\nprogram = [\"no-such-tool\", \"{image}\"]\n\
                   readback = [\"no-such-tool\", \"{dump}\"]\nidentify = false";
    let uid = program.replace("identify = false", "identify = [\"no-such-tool\"]");
    let flash = "chip  = \"nRF52840_xxAA\"\nprobe = \"sim\"\nmode  = \"full\"";
    for with in [program, &uid] {
        let bench = bench(&[(flash, with)]);
        assert_eq!(
            rehearsed(&bench, &["--count", "2"]),
            ["GW000001", "GW000002"]
        );
    }
    let bench = bench(&[(flash, &uid)]);
    edit(
        &bench,
        &[(
            "source = \"next\"\nformat = \"GW{:06}\"",
            "source = \"chip-uid\"",
        )],
    );
    assert_eq!(rehearsed(&bench, &["--count", "2"]).len(), 2);
    // Known to the probe's library, and without a model.
    let bench = crate::check::bench(&[("nRF52840_xxAA", "nRF52820_xxAA")]);
    assert_eq!(rehearsed(&bench, &["--count", "1"]), ["GW000001"]);
}
