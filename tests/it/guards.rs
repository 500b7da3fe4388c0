//! What the line needs is never written over, and a token is never taken for a name.

use std::fs;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";
const TOKEN: &str = "fake_golden-TOKEN_0123456789abcd";

#[test]
fn no_output_replaces_recipe_image_list_ledger_or_key() {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"]);
    let needed = [
        RECIPE,
        "gw100/gw100.elf",
        "gw100/gw100.ledger",
        "gw100/gw100.ledger.key",
        "gw100/gw100.ledger-wal",
        "pools/blynk-export.zip",
    ];
    for file in needed {
        let before = fs::read(bench.path(file)).ok();
        let outputs: [&[&str]; 5] = [
            &[
                "inject", "--recipe", RECIPE, "--serial", "GW000007", "-o", file,
            ],
            &["ledger", "export", "--recipe", RECIPE, "-o", file],
            &[
                "ledger", "export", "--recipe", RECIPE, "--reveal", "--by", "a", "--reason", "b",
                "-o", file,
            ],
            &[
                "pool", "generate", "--recipe", RECIPE, "--count", "1", "-o", file,
            ],
            &[
                "pool", "request", "--recipe", RECIPE, "--count", "1", "--header", "S", "-o", file,
            ],
        ];
        for args in outputs {
            let output = bench.run(args);
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            if !file.ends_with("-wal") {
                assert!(fs::read(bench.path(file)).ok() == before, "{args:?}");
            }
        }
    }
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_token_is_no_name_and_no_argument() {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"]);
    let reason = format!("lost {TOKEN}, again");
    let serial = format!("--serial={TOKEN}");
    let calls: [&[&str]; 6] = [
        &[
            "ledger", "void", "--recipe", RECIPE, "--serial", "GW000001", "--by", "a", "--reason",
            &reason,
        ],
        &[
            "ledger", "void", "--recipe", RECIPE, "--serial", "GW000001", "--by", TOKEN,
            "--reason", "b",
        ],
        &[
            "batch",
            "--recipe",
            RECIPE,
            "--count",
            "1",
            "-o",
            "out",
            "--operator",
            TOKEN,
        ],
        &["inject", TOKEN],
        &["batch", "--count", TOKEN],
        &["ledger", "show", "--recipe", RECIPE, &serial],
    ];
    for args in calls {
        let output = bench.run(args);
        assert!(matches!(output.status.code(), Some(2 | 10)), "{args:?}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains(TOKEN), "{said}");
        assert!(said.contains("looks like a token"), "{said}");
    }
    let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "GW000001"]);
    assert!(!shown.contains("voided"), "{shown}");
}
