//! A server that was brought back from a backup by its own means.

use std::fs;
use std::process::Stdio;

use super::cluster::command;
use super::program::{RECIPE, files, json, line};
use super::*;
use crate::bench::{Bench as Files, text};

/// Saves a schema as an administrator would.
fn dump(cluster: &Cluster, schema: &str, file: &Path) {
    let port = cluster.port.to_string();
    let saved = command("pg_dump")
        .args(["-h", "127.0.0.1", "-U", "eol", "-p", &port, "-n", schema])
        .arg("postgres")
        .stdout(fs::File::create(file).unwrap())
        .status();
    assert!(saved.unwrap().success());
}

/// Brings a schema back.
fn bring_back(cluster: &Cluster, schema: &str, file: &Path) {
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    cluster.client().batch_execute(&drop).unwrap();
    let port = cluster.port.to_string();
    let loaded = command("psql")
        .args([
            "-h",
            "127.0.0.1",
            "-U",
            "eol",
            "-p",
            &port,
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
        ])
        .arg("postgres")
        .stdin(fs::File::open(file).unwrap())
        .stdout(Stdio::null())
        .status();
    assert!(loaded.unwrap().success());
}

/// A line that made two units, was saved, made two more, and lost its server.
fn lost(cluster: &Cluster, schema: &str, mirror: bool) -> Files {
    let files = files(&cluster.url(), schema);
    files.ok(&["ledger", "key", "new", "-o", "gw100/line.key"]);
    if mirror {
        let text = fs::read_to_string(files.path(RECIPE)).unwrap();
        let text = text.replace("[ledger]\n", "[ledger]\nmirror = \"../mirror\"\n");
        assert!(text.contains("mirror ="));
        fs::write(files.path(RECIPE), text).unwrap();
    }
    files.ok(&line(&files, "batch --count 2 -o out"));
    let saved = files.path("saved.sql");
    dump(cluster, schema, &saved);
    files.ok(&line(&files, "batch --count 2 -o out"));
    bring_back(cluster, schema, &saved);
    files
}

fn refused(files: &Files, command: &str, code: i32) -> String {
    let output = files.run(&line(files, command));
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    text(&output.stderr)
}

#[test]
fn a_server_that_was_brought_back_draws_nothing_before_it_is_cleared() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = lost(cluster, "brought_back", false);
    let made = files.tokens(RECIPE);
    let restore = "ledger restore --by anna --reason disk";
    assert!(refused(&files, &format!("{restore} saved.sql"), 2).contains("pg_restore"));
    // How far the numbers went nobody can know but people.
    let said = refused(&files, restore, 10);
    assert!(said.contains("--next"), "{said}");
    let set = files.ok(&line(&files, &format!("{restore} --next 5 --json")));
    assert_eq!(json(&set)[0]["free"], 62);
    refused(&files, "inject --serial GW000009 -o nine.elf", 53);
    assert_eq!(files.tokens(RECIPE), made, "finished units stay");
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
    files.ok(&line(
        &files,
        "ledger clear --all --by anna --reason counted",
    ));
    files.ok(&line(&files, "batch --count 1 -o more"));
    let listed = files.ok(&line(&files, "ledger list --json"));
    assert!(listed.contains("GW000005"), "{listed}");
}

#[test]
fn a_server_that_was_brought_back_is_brought_up_to_date_by_the_mirror() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = lost(cluster, "brought_up", true);
    let said = refused(&files, "batch --count 1 -o more", 51);
    assert!(
        said.contains("an older copy of the ledger is in use"),
        "{said}"
    );
    let check = files.run(&line(&files, "check"));
    assert!(!check.status.success());
    let done = files.ok(&line(
        &files,
        "ledger restore --whole --by anna --reason disk --next 5 --json",
    ));
    assert_eq!(json(&done)[0]["units"], 2, "{done}");
    let listed = files.ok(&line(&files, "ledger list --json"));
    assert_eq!(json(&listed).len(), 4);
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
    files.ok(&line(&files, "verify out"));
    files.ok(&line(&files, "batch --count 1 -o more"));
    // Its board is simulated, and these units are real: that much check says too.
    let check = files.run(&line(&files, "check"));
    assert!(text(&check.stdout).contains("has every event"));
}

#[test]
fn one_stations_mirror_does_not_tell_what_others_did() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = lost(cluster, "brought_part", true);
    files.ok(&line(
        &files,
        "ledger restore --by anna --reason disk --next 5",
    ));
    let listed = files.ok(&line(&files, "ledger list --json"));
    assert_eq!(json(&listed).len(), 4);
    refused(&files, "batch --count 1 -o more", 53);
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
}
