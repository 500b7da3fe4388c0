//! A ledger that existed is never begun anew: what the commands say and do.

use std::fs;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";
const BY: [&str; 4] = ["--by", "ann", "--reason", "its disk died"];

fn inject<'a>(recipe: &'a str, serial: &'a str) -> Vec<&'a str> {
    vec![
        "inject", "--recipe", recipe, "--serial", serial, "-o", "out/",
    ]
}

/// Returns the ledger's file.
fn ledger(bench: &Bench) -> std::path::PathBuf {
    let entries = fs::read_dir(bench.path("gw100")).unwrap();
    let mut files = entries.map(|entry| entry.unwrap().path());
    files
        .find(|path| path.extension().is_some_and(|end| end == "ledger"))
        .unwrap()
}

/// Returns the token prints of all units.
fn prints(bench: &Bench, recipe: &str) -> Vec<String> {
    let list = bench.ok(&["ledger", "list", "--recipe", recipe, "--json"]);
    let units = list
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let prints = units.filter_map(|unit| unit["fingerprint"].as_str().map(str::to_owned));
    prints.collect()
}

#[test]
fn no_unit_gets_the_token_of_a_lost_ledgers_unit() {
    let bench = Bench::new();
    bench.ok(&inject(RECIPE, "GW000001"));
    let before = prints(&bench, RECIPE);
    fs::remove_file(ledger(&bench)).unwrap();
    for call in [
        inject(RECIPE, "GW000002"),
        vec!["check", "--recipe", RECIPE],
        vec!["ledger", "list", "--recipe", RECIPE],
        vec!["pool", "status", "--recipe", RECIPE],
        vec![
            "pool",
            "import",
            "--recipe",
            RECIPE,
            "pools/blynk-export.zip",
        ],
    ] {
        let out = bench.run(&call);
        let said = text(&[out.stdout, out.stderr].concat());
        assert_eq!(out.status.code(), Some(51), "{call:?}: {said}");
        for way in ["ledger restore", "ledger rebuild", "ledger new"] {
            assert!(said.contains(way), "{call:?}: {said}");
        }
    }
    assert!(!bench.path("out/GW000002.elf").exists());
    let mut begin = vec!["ledger", "new", "--recipe", RECIPE];
    assert_eq!(bench.run(&begin).status.code(), Some(2));
    begin.extend(BY);
    let said = bench.ok(&begin);
    assert!(said.contains("set aside"), "{said}");
    assert_eq!(bench.run(&begin).status.code(), Some(51));
    assert_eq!(prints(&bench, RECIPE), [] as [&str; 0]);
    undecided(&bench);
    assert!(!bench.path("out/GW000002.elf").exists());
    // It is known what that means: nothing of the old record is here.
    let decide = ["pool", "import", "--recipe", RECIPE, "--unused"];
    assert_eq!(bench.run(&decide).status.code(), Some(2));
    bench.ok(&[&decide, BY.as_slice()].concat());
    bench.ok(&inject(RECIPE, "GW000002"));
    assert_eq!(prints(&bench, RECIPE).len(), before.len());
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    let told = bench.ok(&["ledger", "export", "--recipe", RECIPE, "--since", "0"]);
    assert!(told.contains("unused"), "{told}");
}

/// Nothing that makes units, and no import without a word, takes the recipe's list in.
fn undecided(bench: &Bench) {
    let batch = ["batch", "--recipe", RECIPE, "--count", "2", "-o", "out/"];
    for call in [
        inject(RECIPE, "GW000002"),
        batch.to_vec(),
        vec!["run", "--recipe", RECIPE, "--serial", "GW000002"],
        vec!["pool", "import", "--recipe", RECIPE],
        vec!["check", "--recipe", RECIPE],
    ] {
        let out = bench.run(&[call.as_slice(), &["--json"]].concat());
        let said = text(&[out.stdout, out.stderr].concat());
        assert_eq!(out.status.code(), Some(51), "{call:?}: {said}");
        assert!(said.contains("ledger-list-undecided"), "{call:?}: {said}");
        assert!(said.contains("pool import --unused"), "{call:?}: {said}");
    }
    let stock = bench.run(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(text(&stock.stdout).contains("\"free\":0"));
}

#[test]
fn tokens_that_a_lost_ledger_may_have_used_stay_off_units() {
    let bench = Bench::new();
    bench.ok(&inject(RECIPE, "GW000001"));
    fs::remove_file(ledger(&bench)).unwrap();
    bench.ok(&[&["ledger", "new", "--recipe", RECIPE], BY.as_slice()].concat());
    let import = ["pool", "import", "--recipe", RECIPE];
    bench.ok(&[import.as_slice(), &["--used", "pools/blynk-export.zip"]].concat());
    // Nothing of the list is free, so nothing is to decide.
    let out = bench.run(&inject(RECIPE, "GW000002"));
    assert_eq!(out.status.code(), Some(53), "{}", text(&out.stderr));
    bench.ok(&import);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_mirror_alone_says_that_there_was_a_ledger() {
    let bench = Bench::new();
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let url = "url = \"sqlite:gw100.ledger\"";
    let with = recipe.replace(url, &format!("{url}\nmirror = \"../mirror\""));
    fs::write(bench.path("gw100/mirrored.toml"), &with).unwrap();
    let mirrored = "gw100/mirrored.toml";
    // An empty folder, or one with other ledgers' mirrors, hinders nobody.
    fs::create_dir(bench.path("mirror")).unwrap();
    fs::write(bench.path("mirror/other.jsonl"), "{}\n").unwrap();
    let at = |serial: &'static str, station: &'static str| {
        let mut call = inject(mirrored, serial);
        call.extend(["--station", station]);
        call
    };
    bench.ok(&at("GW000001", "L1"));
    for entry in fs::read_dir(bench.path("gw100")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("gw100.ledger")
        {
            fs::remove_file(&path)
                .or_else(|_| fs::remove_dir_all(&path))
                .unwrap();
        }
    }
    let out = bench.run(&at("GW000002", "L1"));
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(51), "{said}");
    assert!(
        said.contains("mirror/") && said.contains(".jsonl"),
        "{said}"
    );
    assert!(!bench.path("gw100/gw100.ledger").exists());
    // Another station's first ledger is its own, where no unit lies beside it.
    for folder in ["gw100/labels", "labels", "out"] {
        let _ = fs::remove_dir_all(bench.path(folder));
    }
    bench.ok(&at("GW000002", "L2"));
}

/// The demo without its simulated board: real units in files.
fn bench() -> Bench {
    let bench = Bench::new();
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let boards = "probe = \"sim\"\nmode  = \"full\"\n";
    assert!(recipe.contains(boards), "{recipe}");
    fs::write(bench.path(RECIPE), recipe.replace(boards, "")).unwrap();
    bench
}

/// Lets the recipe name another place for its ledger.
fn move_ledger(bench: &Bench) {
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let moved = recipe.replace("sqlite:gw100.ledger", "sqlite:new.ledger");
    fs::write(bench.path(RECIPE), moved).unwrap();
}

/// Nothing that makes units begins with tokens that units beside the ledger have, and `check` says
/// the same as all that see them.
fn stopped(bench: &Bench, what: &str) {
    let batch = ["batch", "--recipe", RECIPE, "--count", "2", "-o", "out/"];
    for call in [
        vec!["check", "--recipe", RECIPE],
        inject(RECIPE, "GW000002"),
        batch.to_vec(),
    ] {
        // Where images go only their makers are told.
        if what.contains(" image ") && call[0] == "check" {
            continue;
        }
        let out = bench.run(&[call.as_slice(), &["--json"]].concat());
        let said = text(&[out.stdout, out.stderr].concat());
        assert_eq!(out.status.code(), Some(51), "{call:?}: {said}");
        for wanted in ["ledger-list-undecided", what, "pool import --unused"] {
            assert!(said.contains(wanted), "{call:?}: {said}");
        }
    }
    assert!(!bench.path("out/GW000002.elf").exists());
}

#[test]
fn units_of_another_ledger_beside_stop_the_first_unit_until_somebody_decides() {
    let bench = self::bench();
    bench.ok(&inject(RECIPE, "GW000001"));
    let saved = [
        "ledger",
        "backup",
        "--recipe",
        RECIPE,
        "-o",
        "gw100/saved.db",
    ];
    bench.ok(&saved);
    let said = bench.run(&["check", "--recipe", RECIPE, "--offline"]);
    let said = text(&[said.stdout, said.stderr].concat());
    assert!(
        !said.contains("is another ledger of this product"),
        "{said}"
    );
    move_ledger(&bench);
    fs::remove_file(bench.path("gw100/saved.db")).unwrap();
    let what = "gw100.ledger is another ledger of this product: its units have 1 token";
    stopped(&bench, what);
    // Taking the list in is no decision.
    let import = ["pool", "import", "--recipe", RECIPE];
    bench.ok(&import);
    stopped(&bench, what);
    bench.ok(&[import.as_slice(), &["--unused"], BY.as_slice()].concat());
    let said = bench.run(&["check", "--recipe", RECIPE, "--offline"]);
    let said = text(&[said.stdout, said.stderr].concat());
    assert!(said.contains(what) && !said.contains("undecided"), "{said}");
    bench.ok(&inject(RECIPE, "GW000002"));
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn labels_and_images_of_units_of_no_ledger_stop_the_first_unit() {
    let bench = self::bench();
    bench.ok(&inject(RECIPE, "GW000001"));
    let aside = bench.path("aside");
    fs::create_dir(&aside).unwrap();
    for entry in fs::read_dir(bench.path("gw100")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("gw100.ledger") {
            fs::rename(&path, aside.join(name)).unwrap();
        }
    }
    stopped(
        &bench,
        "GW000001.png is the label of a unit that this ledger does not know",
    );
    for folder in ["gw100/labels", "labels"] {
        let _ = fs::remove_dir_all(bench.path(folder));
    }
    stopped(
        &bench,
        "GW000001.elf is the image of a unit that this ledger does not know",
    );
    fs::remove_dir_all(bench.path("out")).unwrap();
    bench.ok(&inject(RECIPE, "GW000002"));
}

#[test]
fn labels_beside_a_new_list_stop_nobody() {
    let bench = self::bench();
    bench.ok(&inject(RECIPE, "GW000001"));
    fs::create_dir(bench.path("aside")).unwrap();
    fs::rename(
        bench.path("gw100/gw100.ledger"),
        bench.path("aside/old.ledger"),
    )
    .unwrap();
    move_ledger(&bench);
    let make = [
        "pool",
        "generate",
        "--recipe",
        RECIPE,
        "--count",
        "5",
        "-o",
        "gw100/new.zip",
    ];
    bench.ok(&make);
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let other = recipe.replace("../pools/blynk-export.zip", "new.zip");
    fs::write(bench.path(RECIPE), other).unwrap();
    bench.ok(&inject(RECIPE, "GW000002"));
}

#[test]
fn a_ledger_in_the_place_of_a_lost_one_survives_a_cut_at_every_effect() {
    let world = Bench::with(&["gw100", "pools/unpacked"]);
    let recipe = fs::read_to_string(world.path(RECIPE)).unwrap();
    let small = recipe.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(world.path(RECIPE), small).unwrap();
    world.ok(&inject(RECIPE, "GW000001"));
    fs::remove_file(ledger(&world)).unwrap();
    let begin = [&["ledger", "new", "--recipe", RECIPE], BY.as_slice()].concat();
    crate::sweep::sweep(
        || world.again(),
        &begin,
        |bench, cut| {
            // Either it is still told as lost, or it stands whole with the decision in it.
            let told = bench.run(&["ledger", "list", "--recipe", RECIPE]);
            if told.status.code() == Some(51) {
                let out = bench.run(&inject(RECIPE, "GW000002"));
                assert_eq!(
                    out.status.code(),
                    Some(51),
                    "{cut:?}: {}",
                    text(&out.stderr)
                );
                bench.ok(&begin);
            }
            assert_eq!(bench.run(&begin).status.code(), Some(51), "{cut:?}");
            let conn = rusqlite::Connection::open(ledger(bench)).unwrap();
            let first = "SELECT kind FROM events WHERE seq = 1";
            let kind: String = conn.query_row(first, [], |row| row.get(0)).unwrap();
            assert_eq!(kind, "begun", "{cut:?}");
            bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
            let aside = fs::read_dir(bench.path("gw100/gw100.ledger.before")).unwrap();
            let folders = aside.map(|folder| folder.unwrap().path());
            let kept = folders.filter(|folder| folder.join("gw100.ledger.key").exists());
            assert!(kept.count() > 0, "{cut:?}");
        },
    );
}
