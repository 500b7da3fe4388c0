//! The program on a ledger that is on a server.

use std::fs;

use serde_json::Value;

use super::*;
use crate::bench::{Bench as Files, text};

pub const RECIPE: &str = "gw100/recipe.toml";

/// The fixtures, with a recipe whose ledger is at `url`.
pub fn files(url: &str, schema: &str) -> Files {
    let files = Files::with(&["gw100", "pools"]);
    let place = format!("url = \"{url}\"\nschema = \"{schema}\"\nkey = {{ file = \"line.key\" }}");
    let recipe = fs::read_to_string(files.path(RECIPE)).unwrap();
    assert!(recipe.contains("url = \"sqlite:gw100.ledger\""));
    let recipe = recipe.replace("url = \"sqlite:gw100.ledger\"", &place);
    fs::write(files.path(RECIPE), recipe).unwrap();
    files
}

pub fn line(files: &Files, command: &str) -> Vec<String> {
    let words = command.split(' ').map(str::to_owned);
    let recipe = ["--recipe".to_owned(), RECIPE.to_owned()];
    let _ = files;
    words.chain(recipe).collect()
}

pub fn json(output: &str) -> Vec<Value> {
    let lines = output.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn every_command_works_on_a_server() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = files(&cluster.url(), "program");
    let check = files.run(&line(&files, "check"));
    assert!(text(&check.stdout).contains("not there yet"), "{check:?}");
    // Without a key nobody can make it.
    assert_eq!(check.status.code(), Some(51), "{check:?}");
    assert!(text(&check.stderr).contains("ledger key new"), "{check:?}");
    // No key is made silently, and nothing else without one.
    let refused = files.run(&line(&files, "inject --serial GW000001 -o unit.elf"));
    assert_eq!(refused.status.code(), Some(51));
    assert!(
        text(&refused.stderr).contains("ledger key new"),
        "{refused:?}"
    );
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    assert!(files.ok(&line(&files, "check")).contains("ready"));
    let again = files.run(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    assert!(!again.status.success());

    files.ok(&line(&files, "inject --serial GW000001 -o unit.elf"));
    files.ok(&line(&files, "batch --count 3 -o out"));
    files.ok(&line(&files, "verify out"));
    files.ok(&line(&files, "label print"));
    let shown = files.ok(&line(&files, "ledger show GW000001 --json"));
    assert!(shown.contains("prepared"), "{shown}");
    let listed = files.ok(&line(&files, "ledger list --json"));
    assert_eq!(json(&listed).len(), 4);
    let status = files.ok(&line(&files, "pool status --json"));
    assert_eq!(json(&status)[0]["bound"], 4, "{status}");
    let since = files.ok(&line(&files, "ledger export --since 0"));
    assert_eq!(json(&since).len(), 9, "{since}");
    files.ok(&line(
        &files,
        "ledger void --serial GW000001 --by anna --reason scrapped",
    ));
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
    let checked = files.run(&line(&files, "check"));
    assert!(text(&checked.stdout).contains("audit clean"), "{checked:?}");
    assert!(
        text(&checked.stderr).contains("backup --elsewhere"),
        "{checked:?}"
    );
    // The ledger's address is shown without its user.
    // The recipe's probe is simulated, and these units are real.
    let shown = text(&files.run(&line(&files, "check")).stdout);
    assert!(
        shown.contains("postgres://127.0.0.1") && !shown.contains("eol@"),
        "{shown}"
    );
    #[cfg(feature = "sim")]
    {
        let refused = files.run(&line(&files, "run --serial GW000009"));
        assert_eq!(
            refused.status.code(),
            Some(51),
            "a real ledger takes no simulated unit"
        );
    }
}

#[test]
fn a_station_makes_and_misses_only_what_is_its_own() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = files(&cluster.url(), "program_stations");
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    for (station, folder) in [("L1", "one"), ("L2", "two")] {
        let batch = format!("batch --count 2 --station {station} -o {folder}");
        files.ok(&line(&files, &batch));
    }
    fs::remove_dir_all(files.path("gw100/labels")).unwrap();
    let labels = || {
        let names = fs::read_dir(files.path("gw100/labels"))
            .into_iter()
            .flatten();
        names
            .filter(|name| {
                let name = name.as_ref().unwrap().file_name();
                name.to_string_lossy().ends_with(".png")
            })
            .count()
    };
    let printed = files.run(&line(&files, "label print --station L1"));
    assert!(printed.status.success(), "{printed:?}");
    assert!(
        text(&printed.stdout).contains("2 labels made"),
        "{printed:?}"
    );
    let told = "2 units of other stations than L1 left out";
    assert!(text(&printed.stderr).contains(told), "{printed:?}");
    assert_eq!(labels(), 2);
    files.ok(&line(&files, "label print --all-stations"));
    assert_eq!(labels(), 4);
    files.ok(&line(&files, "verify --ledger --station L1 one"));
    let whole = files.run(&line(&files, "verify --ledger one"));
    assert_eq!(whole.status.code(), Some(41), "{whole:?}");
    let short = files.run(&line(&files, "verify --ledger --station L2 one"));
    assert_eq!(short.status.code(), Some(41), "{short:?}");
}

#[cfg(feature = "sim")]
#[test]
fn simulated_boards_are_delivered_on_a_server() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = files(&cluster.url(), "program_sim");
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    files.ok(&line(&files, "run --count 3"));
    let listed = files.ok(&line(&files, "ledger list --json"));
    let states: Vec<_> = json(&listed)
        .iter()
        .map(|unit| unit["state"].clone())
        .collect();
    assert_eq!(states, ["delivered"; 3]);
    files.ok(&line(&files, "verify --probe sim --serial GW000002"));
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
}

#[test]
fn a_server_that_is_not_there_is_exit_code_51_and_no_password_is_shown() {
    let port = cluster::free_port();
    let url = format!("postgres://eol:hidden@127.0.0.1:{port}/line?connect_timeout=1");
    let files = files(&url, "nowhere");
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    for command in ["ledger list", "check"] {
        let output = files.run(&line(&files, command));
        let said = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(51), "{said}");
        assert!(
            said.contains("was not reached") && !said.contains("hidden"),
            "{said}"
        );
        assert_eq!(said.matches("waiting for it, 5 s").count(), 1, "{said}");
        // Nothing was in hand.
        assert!(!said.contains("resumes"), "{said}");
    }
    let import = files.run(&line(&files, "pool import pools/unpacked"));
    let said = text(&import.stderr);
    assert!(said.contains("it goes in whole or not at all"), "{said}");
}

#[test]
fn a_wrong_key_is_said_at_once_with_nothing_written() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = files(&cluster.url(), "wrong_key");
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    files.ok(&line(&files, "inject --serial GW000001 -o unit.elf"));
    fs::rename(files.path("gw100/line.key"), files.path("gw100/kept.key")).unwrap();
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    let output = files.run(&line(&files, "inject --serial GW000002 -o two.elf"));
    assert_eq!(output.status.code(), Some(51));
    assert!(
        text(&output.stderr).contains("was sealed with")
            && text(&output.stderr).contains("put that key back"),
        "{output:?}"
    );
    assert!(!files.path("two.elf").exists());
    // Records are there without any key.
    fs::remove_file(files.path("gw100/line.key")).unwrap();
    let listed = files.ok(&line(&files, "ledger list --json"));
    assert_eq!(json(&listed).len(), 1);
    let table = files.ok(&line(&files, "ledger export"));
    assert!(table.contains("GW000001,prepared"), "{table}");
    let history = files.ok(&line(&files, "ledger export --since 0"));
    assert_eq!(json(&history).len(), 3, "{history}");
    let refused = files.run(&line(
        &files,
        "ledger export --reveal --by anna --reason why -o tokens.csv",
    ));
    assert_eq!(refused.status.code(), Some(51), "{refused:?}");
    assert!(!files.path("tokens.csv").exists());
    // A ledger that is there wants its own key, never a new one.
    let said = text(&refused.stderr);
    assert!(
        said.contains("a new one opens nothing") && !said.contains("key new makes"),
        "{said}"
    );
}

#[test]
fn a_server_hands_a_part_out_and_takes_it_back() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = files(&cluster.url(), "program_part");
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    files.ok(&line(&files, "batch --count 1 -o out"));
    files.ok(&["ledger", "key", "new", "--station", "-o", "s1.key"]);
    files.ok(&line(
        &files,
        "ledger split --station S1 --to s1.key.pub --count 2 -o s1.part",
    ));
    let status = files.ok(&line(&files, "pool status --json"));
    assert_eq!(json(&status)[0]["away"], 2, "{status}");

    let text = fs::read_to_string(files.path(RECIPE)).unwrap();
    let (before, after) = text.split_once("[ledger]").unwrap();
    let (_, after) = after.split_once("[flash]").unwrap();
    let before = before.replace("file  = \"../pools/blynk-export.zip\"", "");
    let told = files.ok(&line(&files, "ledger key show-id --json"));
    let home = json(&told)[0]["identity"].as_str().unwrap().to_owned();
    let part = format!(
        "url = \"sqlite:../s1.part\"\nkey = {{ file = \"../s1.key\" }}\nhome = \"{home}\"\n"
    );
    let station = format!("{before}[ledger]\n{part}[flash]{after}");
    fs::write(files.path("gw100/station.toml"), station).unwrap();
    let at = |command: &str| -> Vec<String> {
        let words = command.split(' ').map(str::to_owned);
        words
            .chain(["--recipe".to_owned(), "gw100/station.toml".to_owned()])
            .collect()
    };
    files.ok(&at("batch --count 1 -o far"));
    files.ok(&at("ledger return -o back.part"));

    let merged = files.ok(&line(&files, "ledger merge back.part --json"));
    let merged = &json(&merged)[0];
    assert_eq!((&merged["units"], &merged["free"]), (&1.into(), &1.into()));
    let again = files.ok(&line(&files, "ledger merge back.part --json"));
    assert_eq!(json(&again)[0]["already"], true);
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
    files.ok(&line(&files, "ledger backup --elsewhere"));
    let refused = files.run(&line(&files, "ledger backup -o save"));
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    for told in ["pg_dump", "ledger backup --elsewhere"] {
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains(told),
            "{refused:?}"
        );
    }
}
