//! Places that a unit's traces go to: `check` and the makers say the same of each, and nothing is
//! begun where one of them is wrong.

use std::fs;

use super::{RECIPE, bench, check, edit, made, names, traces};
use crate::bench::Bench;

const INJECT: &[&str] = &["inject", "--serial", "GW000001", "-o", "out.elf"];
const BATCH: &[&str] = &["batch", "--count", "1", "-o", "out"];
const RUN: &[&str] = &["run", "--count", "1"];

/// `check` finds exactly `name`, all makers fail with it, and none leaves a trace.
fn all_say(bench: &Bench, name: &str) {
    let before = traces(bench);
    let (code, object) = check(bench, &[]);
    assert_eq!(names(&object), [name], "{object}");
    for next in [RUN, INJECT, BATCH] {
        let wanted = (code, Some(name.to_owned()));
        assert_eq!(made(bench, next), wanted, "{next:?}");
    }
    assert_eq!(traces(bench), before);
}

#[test]
fn a_ledger_in_a_folder_that_is_not_there_is_found() {
    all_say(
        &bench(&[("sqlite:gw100.ledger", "sqlite:nowhere/gw100.ledger")]),
        "ledger-file",
    );
}

#[test]
fn a_mirror_whose_disk_is_not_there_is_found_before_a_ledger_is_made() {
    let mirror = "sqlite:gw100.ledger\"\nmirror = \"disk/mirror";
    let bench = bench(&[("sqlite:gw100.ledger", mirror)]);
    all_say(&bench, "ledger-mirror");
    fs::create_dir(bench.path("gw100/disk")).unwrap();
    assert_eq!(check(&bench, &[]).0, 0);
    assert_eq!(made(&bench, RUN).0, 0);
}

#[test]
fn a_ledger_s_mirror_that_is_named_later_is_looked_for_too() {
    let bench = bench(&[]);
    assert_eq!(made(&bench, RUN).0, 0);
    let mirror = "sqlite:gw100.ledger\"\nmirror = \"disk/mirror";
    edit(&bench, &[("sqlite:gw100.ledger", mirror)]);
    let (code, object) = check(&bench, &[]);
    assert_eq!((code, names(&object)), (51, vec!["ledger-mirror"]));
    assert_eq!(made(&bench, RUN), (51, Some("ledger-mirror".to_owned())));
}

#[test]
fn a_folder_in_the_ledger_s_place_has_one_name_everywhere() {
    let bench = bench(&[]);
    fs::create_dir(bench.path("gw100/gw100.ledger")).unwrap();
    all_say(&bench, "ledger-file");
    let list = bench.run(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    let said = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(said.contains("ledger-file"), "{said}");
}

#[test]
fn labels_do_not_go_where_the_ledger_keeps_something() {
    for dir in ["gw100.ledger", "gw100.ledger.runs", "gw100.ledger.boards/x"] {
        let dir = format!("dir = \"{dir}\"");
        all_say(&bench(&[("dir = \"labels\"", &dir)]), "deliver-folder");
    }
}

#[test]
fn an_image_does_not_go_where_labels_go() {
    for dir in ["labels", "labels/of/today"] {
        let bench = bench(&[("dir = \"labels\"", &format!("dir = \"{dir}\""))]);
        let inject = ["inject", "--serial", "GW000001", "-o", "gw100/labels"];
        assert_eq!(made(&bench, &inject), (2, Some("usage".to_owned())));
        assert!(traces(&bench).is_empty());
    }
}

#[test]
fn a_ledger_s_address_may_be_left_out_beside_its_other_keys() {
    let bench = bench(&[("url = \"sqlite:gw100.ledger\"", "mirror = \"mirror\"")]);
    assert_eq!(check(&bench, &[]).0, 0);
    assert_eq!(made(&bench, RUN).0, 0);
    assert!(bench.path("gw100/eol-inject.ledger").is_file());
    assert!(bench.path("gw100/mirror").is_dir());
}

#[test]
fn a_recipe_that_cannot_be_read_has_the_same_keys() {
    let bench = bench(&[]);
    let keys = |bench: &Bench| {
        let (_, object) = check(bench, &[]);
        let keys = ["v", "product", "ready", "error", "findings", "limits"];
        keys.map(|key| object.get(key).is_some())
    };
    assert_eq!(keys(&bench), [true; 6]);
    edit(&bench, &[("[label]", "[lable]")]);
    assert_eq!(keys(&bench), [true; 6]);
    let (code, object) = check(&bench, &[]);
    assert_eq!((code, names(&object)), (10, vec!["recipe-syntax"]));
    assert_eq!(object["ready"], false);
    fs::remove_file(bench.path(RECIPE)).unwrap();
    assert_eq!(keys(&bench), [true; 6]);
}

/// The commands that a check says cannot work, with the name that they would say.
fn limits(bench: &Bench) -> Vec<(String, String)> {
    let (code, object) = check(bench, &[]);
    assert_eq!((code, &object["ready"]), (0, &true.into()), "{object}");
    let mut limits = Vec::new();
    for limit in object["limits"].as_array().unwrap() {
        for command in limit["commands"].as_array().unwrap() {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            limits.push((text(command), text(&limit["name"])));
        }
    }
    limits
}

#[test]
fn a_recipe_for_files_alone_is_ready_and_not_for_a_run() {
    for (edits, name) in [
        (&[("probe = \"sim\"\n", "")][..], "recipe-no-probe"),
        (
            &[(
                "[flash]\nchip  = \"nRF52840_xxAA\"\nprobe = \"sim\"\nmode  = \"full\"\n",
                "",
            )],
            "recipe-no-flash",
        ),
    ] {
        let bench = bench(edits);
        assert_eq!(limits(&bench), [("run".to_owned(), name.to_owned())]);
        let said = bench.ok(&["check", "--recipe", RECIPE]);
        assert!(said.contains("ready for inject and batch: "), "{said}");
        assert_eq!(made(&bench, RUN), (10, Some(name.to_owned())));
        assert_eq!(made(&bench, INJECT).0, 0);
    }
}

#[test]
fn a_simulated_ledger_is_ready_and_not_for_files() {
    let bench = bench(&[]);
    assert_eq!(limits(&bench), []);
    assert_eq!(made(&bench, RUN).0, 0);
    let mixed = |command: &str| (command.to_owned(), "ledger-simulated-mixed".to_owned());
    assert_eq!(limits(&bench), [mixed("inject"), mixed("batch")]);
    assert_eq!(made(&bench, INJECT).1.unwrap(), mixed("").1);
    assert_eq!(made(&bench, RUN).0, 0);
    // Without boards nothing is left to make.
    let flash = "[flash]\nchip  = \"nRF52840_xxAA\"\nprobe = \"sim\"\nmode  = \"full\"\n";
    edit(&bench, &[(flash, "")]);
    let (code, object) = check(&bench, &[]);
    assert_eq!((code, names(&object)), (51, vec!["ledger-simulated-mixed"]));
}

/// A small disk in memory, where this user may have one.
#[cfg(target_os = "linux")]
fn small_disk(at: &std::path::Path) -> bool {
    fs::create_dir(at).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=200k", "tmpfs"];
    let done = std::process::Command::new("mount")
        .args(mount)
        .arg(at)
        .output();
    done.is_ok_and(|done| done.status.success())
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_too_small_for_a_new_ledger_is_found() {
    let bench = bench(&[("sqlite:gw100.ledger", "sqlite:disk/gw100.ledger")]);
    if !small_disk(&bench.path("gw100/disk")) {
        eprintln!("no disk of its own can be mounted here: nothing is tried");
        return;
    }
    let there = fs::read_dir(bench.path("gw100/disk")).unwrap().count();
    all_say(&bench, "ledger-full");
    assert_eq!(
        fs::read_dir(bench.path("gw100/disk")).unwrap().count(),
        there
    );
    let _ = std::process::Command::new("umount")
        .arg(bench.path("gw100/disk"))
        .output();
}

#[cfg(unix)]
#[test]
fn simulated_boards_need_no_folder_for_temporary_files() {
    let bench = bench(&[]);
    let checked = |args: &[&str]| {
        let mut command = bench.command(args);
        let output = command.env("TMPDIR", bench.path("gone")).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    checked(&["check", "--recipe", RECIPE]);
    checked(&["run", "--recipe", RECIPE, "--count", "1"]);
}
