//! Each thing that stops the next unit is found before it, by the name that the next command says.

use std::fmt::Write as _;
use std::fs;

use super::{RECIPE, bench, check, edit, list, made, names, traces};
use crate::bench::text;

const RUN: &[&str] = &["run", "--count", "1"];
const INJECT: &[&str] = &["inject", "--serial", "GW000001", "-o", "out.elf"];

/// `check` finds exactly `name`, and `next` fails with the same code and name.
fn same(bench: &crate::bench::Bench, name: &str, next: &[&str]) -> i32 {
    let (code, object) = check(bench, &[]);
    assert_eq!(object["ready"], false, "{object}");
    assert_eq!(names(&object), [name], "{object}");
    assert_eq!(object["error"]["name"], name);
    assert_eq!(made(bench, next), (code, Some(name.to_owned())));
    code
}

#[test]
fn a_ledger_without_a_free_token_is_not_ready() {
    let bench = bench(&[
        ("[pool]", "[pool]\n#"),
        ("probe = \"sim\"\n", "probe = \"sim\"\n"),
    ]);
    edit(&bench, &[("file  = \"../pools/blynk-export.zip\"\n", "")]);
    assert_eq!(same(&bench, "unit-pool-empty", RUN), 53);
    assert_eq!(same_file(&bench), 53);
}

fn same_file(bench: &crate::bench::Bench) -> i32 {
    let (code, name) = made(bench, INJECT);
    assert_eq!(name.as_deref(), Some("unit-pool-empty"));
    code
}

#[test]
fn a_simulated_probe_and_a_real_ledger_do_not_go_together() {
    let bench = bench(&[]);
    bench.ok(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out.elf",
    ]);
    assert_eq!(same(&bench, "ledger-simulated-mixed", RUN), 51);
}

#[test]
fn a_real_line_and_a_simulated_ledger_do_not_go_together() {
    let bench = bench(&[]);
    bench.ok(&["run", "--recipe", RECIPE, "--count", "1"]);
    edit(&bench, &[("probe = \"sim\"", "probe = \"1366:1015\"")]);
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!((code, names(&object)), (51, vec!["ledger-simulated-mixed"]));
}

#[test]
fn a_column_that_the_list_lacks_is_found() {
    let bench = bench(&[("value  = \"serial\"", "value  = \"column:Plant\"")]);
    assert_eq!(same(&bench, "patch-no-column", RUN), 30);
    assert_eq!(made(&bench, INJECT).1.as_deref(), Some("patch-no-column"));
    assert!(!bench.path("out.elf").exists());
}

#[test]
fn a_value_too_long_for_its_slot_is_found_in_the_list_and_in_the_ledger() {
    let bench = bench(&[("value  = \"serial\"", "value  = \"column:Plant\"")]);
    let mut csv = "Device Token,QR Token,Plant\n".to_owned();
    for row in 0..5 {
        let long = if row == 3 {
            "x".repeat(40)
        } else {
            "north".to_owned()
        };
        writeln!(csv, "fake-TOKEN_0123456789abcdefghij{row},sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo0{row}+17,{long}").unwrap();
    }
    list(&bench, &csv);
    let (code, object) = check(&bench, &[]);
    assert_eq!(
        (code, names(&object)),
        (30, vec!["slot-too-small"]),
        "{object}"
    );
    let told = object["error"]["message"].as_str().unwrap();
    assert!(told.contains("line 5 (token "), "{told}");
    assert_eq!(made(&bench, RUN), (30, Some("slot-too-small".to_owned())));
    // Taken in by hand, the ledger has it; the units before it are made, and that one is not.
    bench.ok(&["pool", "import", "--recipe", RECIPE, "list.csv"]);
    fs::remove_file(bench.path("list.csv")).unwrap();
    let (code, object) = check(&bench, &[]);
    assert_eq!(
        (code, names(&object)),
        (30, vec!["slot-too-small"]),
        "{object}"
    );
    let batch = ["batch", "--count", "5", "-o", "out"];
    assert_eq!(
        made(&bench, &batch),
        (30, Some("slot-too-small".to_owned()))
    );
}

#[test]
fn a_format_that_is_a_path_is_a_recipe_error() {
    let bench = bench(&[("GW{:06}", "A/{:06}")]);
    for command in [&["check"][..], RUN, INJECT] {
        assert_eq!(
            made(&bench, command),
            (10, Some("recipe-syntax".to_owned()))
        );
    }
}

#[test]
fn a_format_that_contradicts_the_pattern_makes_no_unit() {
    let bench = bench(&[("source = \"next\"", "source = \"next\"\npattern = \"^AB\"")]);
    assert_eq!(same(&bench, "recipe-format-refused", RUN), 10);
    for next in [
        INJECT,
        &["batch", "--count", "1", "-o", "out"],
        &["run", "--rehearse", "--count", "1"],
    ] {
        let wanted = (10, Some("recipe-format-refused".to_owned()));
        assert_eq!(made(&bench, next), wanted, "{next:?}");
    }
    assert!(traces(&bench).is_empty());
}

#[test]
fn preprinted_labels_are_refused_until_they_work() {
    let bench = bench(&[("[label]", "[label]\nwhen = \"preprinted\"")]);
    assert_eq!(same(&bench, "recipe-preprinted", RUN), 10);
    let who = ["--by", "ann", "--reason", "try"];
    let handoff = [
        &[
            "ledger", "handoff", "--recipe", RECIPE, "--format", "flasher", "--count", "1",
        ][..],
        &["-o", "a.txt", "--block", "b.csv"],
        &who,
    ]
    .concat();
    for next in [
        INJECT,
        &["batch", "--count", "1", "-o", "out"],
        &["run", "--rehearse", "--count", "1"],
    ] {
        assert_eq!(
            made(&bench, next),
            (10, Some("recipe-preprinted".to_owned())),
            "{next:?}"
        );
    }
    assert_eq!(bench.run(&handoff).status.code(), Some(10));
    assert!(traces(&bench).is_empty());
}

#[test]
fn a_key_that_nothing_uses_is_refused() {
    let bench = bench(&[("mode  = \"full\"", "mode  = \"full\"\nprecheck = \"full\"")]);
    assert_eq!(same(&bench, "recipe-unused", RUN), 10);
}

#[test]
fn a_probe_or_chip_that_is_none_is_found() {
    for (from, to, name, code) in [
        (
            "probe = \"sim\"",
            "probe = \"J-Link\"",
            "probe-selector",
            10,
        ),
        (
            "probe = \"sim\"",
            "probe = \"sim:ESP32\"",
            "probe-simulated",
            40,
        ),
        (
            "probe = \"sim\"",
            "probe = \"sim:STM32F405RG\"",
            "probe-wrong-chip",
            40,
        ),
        ("nRF52840_xxAA", "nRF9999", "probe-chip", 10),
        ("nRF52840_xxAA", "STM32F405RG", "probe-no-flash", 40),
    ] {
        let bench = bench(&[(from, to)]);
        assert_eq!(same(&bench, name, RUN), code, "{to}");
    }
}

#[test]
fn a_probe_that_is_not_plugged_in_is_found_and_left_out_when_asked() {
    let bench = bench(&[("probe = \"sim\"", "probe = \"1366:1015:no-such-probe\"")]);
    let (code, object) = check(&bench, &[]);
    let found = names(&object);
    assert!(
        found == ["probe-missing"] || found == ["probe-no-usb"],
        "{object}"
    );
    assert_eq!(made(&bench, RUN), (code, Some(found[0].to_owned())));
    assert!(traces(&bench).is_empty());
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!((code, &object["ready"]), (0, &true.into()), "{object}");
    let said = bench.run(&["check", "--recipe", RECIPE, "--offline"]);
    assert!(
        text(&said.stdout).contains("--offline: probes, boards and programmers are not looked at")
    );
}

#[test]
fn a_programmer_that_cannot_be_started_is_found() {
    let flash = "program = [\"./tool\", \"{image}\"]\nreadback = [\"./tool\", \"{dump}\"]\nidentify = false";
    for (tool, mode) in [
        ("./tool", Some(0o644)),
        ("./tool", None),
        ("no-such-tool", None),
    ] {
        let flash = flash.replace("./tool", tool);
        let bench = bench(&[("probe = \"sim\"\nmode  = \"full\"", &flash)]);
        if let Some(mode) = mode {
            use std::os::unix::fs::PermissionsExt as _;
            let tool = bench.path("gw100/tool");
            fs::write(&tool, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&tool, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(same(&bench, "program-start", RUN), 40, "{tool} {mode:?}");
        assert!(traces(&bench).is_empty());
        assert_eq!(check(&bench, &["--offline"]).0, 0);
    }
}

#[test]
fn a_hook_that_cannot_be_started_is_found() {
    let bench = bench(&[(
        "[label]",
        "[hook]\nbefore-unit = [\"./no-such-hook\"]\n[label]",
    )]);
    assert_eq!(same(&bench, "mes-start", RUN), 54);
    edit(&bench, &[("before-unit", "on-result")]);
    // Results wait then, and the line goes on.
    assert_eq!(check(&bench, &[]).0, 0);
    edit(&bench, &[("on-result", "mes-down = \"stop\"\non-result")]);
    assert_eq!(check(&bench, &[]).0, 54);
}

#[test]
fn a_list_without_qr_tokens_needs_the_word_that_no_label_is_wanted() {
    let bench = bench(&[
        ("blynk-export.zip", "tokens-only.csv"),
        ("token = \"Device Token\"\nqr    = \"QR Token\"\n", ""),
    ]);
    let (code, object) = check(&bench, &[]);
    assert_eq!(
        (code, names(&object)),
        (60, vec!["label-no-qr"]),
        "{object}"
    );
    let hint = object["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("when = \"none\""), "{hint}");
    assert_eq!(made(&bench, INJECT), (60, Some("label-no-qr".to_owned())));
    edit(&bench, &[("[label]", "[label]\nwhen = \"none\"")]);
    assert_eq!(
        check(&bench, &["--offline"]).0,
        51,
        "its units are real now, the probe is not"
    );
    edit(&bench, &[("probe = \"sim\"\nmode  = \"full\"\n", "")]);
    assert_eq!(check(&bench, &[]).0, 0);
    let batch = ["batch", "--count", "3", "-o", "out"];
    assert_eq!(made(&bench, &batch), (0, None));
    assert!(!bench.path("gw100/labels").exists());
    let print = bench.run(&["label", "print", "--recipe", RECIPE]);
    assert_eq!(print.status.code(), Some(10));
}

#[test]
fn folders_that_cannot_be_written_are_found() {
    let bench = bench(&[]);
    fs::write(bench.path("gw100/labels"), "no folder").unwrap();
    assert_eq!(same(&bench, "deliver-folder", RUN), 40);
    assert_eq!(
        made(&bench, INJECT),
        (40, Some("deliver-folder".to_owned()))
    );
    fs::remove_file(bench.path("gw100/labels")).unwrap();
    assert!(traces(&bench).is_empty());
    fs::write(bench.path("gw100/file"), "no folder").unwrap();
    edit(
        &bench,
        &[("sqlite:gw100.ledger", "sqlite:file/gw100.ledger")],
    );
    same(&bench, "ledger-file", RUN);
}

#[test]
fn a_key_that_is_gone_is_found() {
    let bench = bench(&[]);
    bench.ok(&["run", "--recipe", RECIPE, "--count", "1"]);
    fs::remove_file(bench.path("gw100/gw100.ledger.key")).unwrap();
    assert_eq!(same(&bench, "ledger-key-missing", RUN), 51);
}

#[test]
fn numbers_that_are_used_up_are_found() {
    let bench = bench(&[("GW{:06}", "GW{:01}")]);
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "9", "-o", "out"]);
    edit(&bench, &[("probe = \"sim\"\nmode  = \"full\"\n", "")]);
    let (code, object) = check(&bench, &[]);
    assert_eq!(
        (code, names(&object)),
        (10, vec!["ledger-serials-used-up"]),
        "{object}"
    );
    let batch = ["batch", "--count", "1", "-o", "out"];
    assert_eq!(
        made(&bench, &batch),
        (10, Some("ledger-serials-used-up".to_owned()))
    );
}

#[test]
fn every_nest_is_tried() {
    let nests = "[[nest]]\nname = \"A\"\nprobe = \"sim\"\n[[nest]]\nname = \"B\"\nprobe = \"sim:ESP32\"\n[label]";
    let bench = bench(&[
        ("probe = \"sim\"\nmode  = \"full\"\n", ""),
        ("[label]", nests),
    ]);
    assert_eq!(same(&bench, "probe-simulated", RUN), 40);
    let (_, object) = check(&bench, &[]);
    assert!(
        object["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("nest B: "),
        "{object}"
    );
    edit(&bench, &[("sim:ESP32", "1366:1015")]);
    let (_, object) = check(&bench, &["--offline"]);
    assert_eq!(names(&object), ["recipe-nest"]);
}

#[test]
fn all_findings_come_in_one_pass_in_the_order_of_the_line_each_with_its_cure() {
    let bench = bench(&[
        ("probe = \"sim\"", "probe = \"J-Link\""),
        (
            "file  = \"../pools/blynk-export.zip\"\n",
            "file = \"../none.zip\"\n",
        ),
        ("[label]", "[label]\nwhen = \"preprinted\""),
        ("GW{:06}", "GW{:06}\"\npattern = \"^AB"),
        (
            "blank   = { text = \"PLACEHOLDER\" }",
            "blank   = \"erased\"",
        ),
    ]);
    let (code, object) = check(&bench, &[]);
    let wanted = [
        "recipe-format-refused",
        "recipe-preprinted",
        "slot-not-blank",
        "unit-pool-empty",
    ];
    assert_eq!((code, names(&object)), (10, wanted.to_vec()), "{object}");
    edit(&bench, &[("blank   = \"erased\"", "")]);
    let (_, object) = check(&bench, &[]);
    assert_eq!(names(&object)[2], "probe-selector", "{object}");
    let said = bench.run(&["check", "--recipe", RECIPE]);
    let said = text(&said.stderr);
    assert_eq!(said.matches("error: ").count(), 4, "{said}");
    assert!(said.contains("eol-inject pool import FILE"), "{said}");
    assert!(traces(&bench).is_empty());
}

#[test]
fn a_command_that_should_bring_the_key_is_mended_and_no_other_key_is_made() {
    for (key, cure) in [
        ("command = [\"false\"]", "run the command of key"),
        ("env = \"NO_SUCH_VARIABLE\"", "ledger key new"),
    ] {
        let url = format!("sqlite:gw100.ledger\"\nkey = {{ {key} }}\n#\"");
        let bench = bench(&[("sqlite:gw100.ledger\"", &url)]);
        assert_eq!(same(&bench, "ledger-key-unread", RUN), 51);
        let (_, object) = check(&bench, &[]);
        let hint = object["error"]["hint"].as_str().unwrap();
        assert!(hint.contains(cure), "{hint}");
    }
}
