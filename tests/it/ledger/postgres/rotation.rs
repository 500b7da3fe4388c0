//! The key of a ledger on a server, replaced.

use std::fs;

use super::program::{RECIPE, files, json, line};
use super::*;
use crate::bench::{Bench as Files, has, text};
use crate::support::times;
use crate::sweep::Cut;

const ROTATE: &str = "ledger key rotate --by anna --reason yearly";
const NEXT: &str = "gw100/rotation.postgres.key.next";
const KEY: &str = "gw100/line.key";

/// A line with a key, some units, and pictures to seal.
fn made(cluster: &Cluster, schema: &str) -> Files {
    let files = files(&cluster.url(), schema);
    let recipe = fs::read_to_string(files.path(RECIPE)).unwrap();
    let recipe = recipe.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(files.path(RECIPE), recipe).unwrap();
    files.ok(&["ledger", "key", "new", "-o", KEY]);
    files.ok(&line(&files, "batch --count 2 -o out"));
    files
}

fn client(cluster: &Cluster, schema: &str) -> ::postgres::Client {
    let mut client = cluster.client();
    let path = format!("SET search_path = {schema}");
    client.batch_execute(&path).unwrap();
    client
}

/// All sealed values of a ledger.
fn sealed(cluster: &Cluster, schema: &str) -> Vec<Vec<u8>> {
    let sql = "SELECT token FROM tokens UNION ALL SELECT qr FROM tokens WHERE qr IS NOT NULL \
               UNION ALL SELECT picture FROM pictures";
    let rows = client(cluster, schema).query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs a command that must end with 51.
fn refused(files: &Files, command: &str) -> String {
    let output = files.run(&line(files, command));
    assert_eq!(output.status.code(), Some(51), "{output:?}");
    text(&output.stderr)
}

/// What whoever changes the key does last.
fn hand_out(files: &Files, next: &str) {
    fs::rename(files.path(next), files.path(KEY)).unwrap();
}

#[test]
fn a_rotation_seals_everything_anew_and_old_keys_are_told() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = made(cluster, "rotation");
    let tokens = files.tokens(RECIPE);
    let before = sealed(cluster, "rotation");
    let old = fs::read(files.path(KEY)).unwrap();
    let output = files.run(&line(&files, &format!("{ROTATE} --json")));
    assert!(output.status.success(), "{output:?}");
    let told = &json(&text(&output.stdout))[0];
    assert_eq!(
        (&told["sealed"], &told["placed"]),
        (&12.into(), &false.into())
    );
    assert!(
        text(&output.stderr).contains("put it where each station's key comes from"),
        "{output:?}"
    );
    let after = sealed(cluster, "rotation");
    assert_eq!(after.len(), before.len());
    assert!(before.iter().all(|value| !after.contains(value)));
    // Here the next key is at hand; a station that has the old one only is told.
    assert_eq!(files.tokens(RECIPE), tokens);
    let kept = files.path("kept");
    fs::rename(files.path(NEXT), &kept).unwrap();
    for command in ["batch --count 1 -o more", "ledger audit"] {
        let said = refused(&files, command);
        assert!(said.contains("was sealed with"), "{said}");
    }
    fs::rename(&kept, files.path(NEXT)).unwrap();
    // Again, with the key left where it is: there is nothing to do.
    let again = files.ok(&line(&files, &format!("{ROTATE} --json")));
    assert_eq!(json(&again)[0]["id"], told["id"]);
    assert_eq!(json(&again)[0]["sealed"], 0);
    hand_out(&files, NEXT);
    let shown = files.ok(&line(&files, "ledger key show-id --json"));
    let shown = &json(&shown)[0];
    assert_eq!(
        (&shown["id"], &shown["at_hand"]),
        (&told["id"], &true.into())
    );
    files.ok(&line(&files, "batch --count 1 -o more"));
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
    // A key that was left there, and is in place, is not taken for the next one.
    fs::copy(files.path(KEY), files.path(NEXT)).unwrap();
    let third = files.ok(&line(&files, &format!("{ROTATE} --json")));
    assert_eq!(json(&third)[0]["was"], told["id"]);
    assert_eq!(json(&third)[0]["sealed"], 12);
    fs::write(files.path(KEY), &old).unwrap();
    let said = text(&files.run(&line(&files, "ledger audit")).stdout);
    assert!(said.contains("clean"), "{said}");
    // The first key is kept beside the recipe, and never again the ledger's.
    hand_out(&files, NEXT);
    let first = told["was"].as_str().unwrap();
    let kept = files.path(&format!("gw100/rotation.postgres.key.{first}"));
    assert_eq!(fs::read(&kept).unwrap(), old);
    fs::copy(&kept, files.path(NEXT)).unwrap();
    let said = refused(&files, ROTATE);
    assert!(said.contains("it is not used; remove that file"), "{said}");
}

#[test]
fn a_rotation_waits_for_whoever_works_anywhere() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = made(cluster, "rotation_busy");
    let other = server(&cluster.url(), "rotation_busy", &files.path("gw100"));
    let other = Server {
        key: KeySource::File("line.key".into()),
        ..other
    };
    // Of whatever product: the key is the ledger's.
    let working = Postgres::open_existing(&other, &scope(), identity("L9")).unwrap();
    let said = refused(&files, ROTATE);
    assert!(said.contains("station L9 has the ledger open"), "{said}");
    let next = "gw100/rotation_busy.postgres.key.next";
    assert!(!files.path(next).exists());
    drop(working);
    files.ok(&line(&files, ROTATE));
    hand_out(&files, next);
    // A board that some station had in hand: its bytes are sealed there with the old key.
    let mut client = client(cluster, "rotation_busy");
    let hold =
        "UPDATE units SET pending = true, target = 'probe', state = 0 WHERE serial = 'GW000001'";
    client.batch_execute(hold).unwrap();
    let said = refused(&files, ROTATE);
    assert!(said.contains("a board was in hand"), "{said}");
}

#[test]
fn a_rotation_that_was_cut_is_finished() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = made(cluster, "rotation_cut");
    let next = "gw100/rotation_cut.postgres.key.next";
    let tokens = files.tokens(RECIPE);
    let mut client = client(cluster, "rotation_cut");
    client
        .batch_execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$; \
             CREATE TRIGGER no BEFORE UPDATE ON pictures FOR EACH ROW EXECUTE FUNCTION no()",
        )
        .unwrap();
    refused(&files, ROTATE);
    // Tokens are sealed with the next key, pictures with the one before: both are needed.
    assert_eq!(files.tokens(RECIPE), tokens);
    let shown = files.ok(&line(&files, "ledger key show-id --json"));
    assert_eq!(json(&shown)[0]["rotating"], true);
    let (key, kept) = (files.path(KEY), files.path("kept"));
    fs::copy(&key, &kept).unwrap();
    fs::copy(files.path(next), &key).unwrap();
    for command in ["ledger audit", ROTATE] {
        let said = refused(&files, command);
        assert!(
            said.contains("a change of the key is not finished"),
            "{said}"
        );
    }
    // Without the key that it was begun with no other one is begun.
    let away = files.path("away");
    fs::rename(files.path(next), &away).unwrap();
    refused(&files, ROTATE);
    assert!(!files.path(next).exists());
    fs::rename(&away, files.path(next)).unwrap();
    fs::rename(&kept, &key).unwrap();
    client
        .batch_execute("DROP TRIGGER no ON pictures; DROP FUNCTION no")
        .unwrap();
    files.ok(&line(&files, "batch --count 1 -o more"));
    files.ok(&line(&files, ROTATE));
    hand_out(&files, next);
    assert!(files.ok(&line(&files, "ledger audit")).contains("clean"));
}

#[test]
fn a_value_of_no_token_is_told_and_the_key_before_stays() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let files = made(cluster, "rotation_orphan");
    let tokens = files.tokens(RECIPE);
    let mut client = client(cluster, "rotation_orphan");
    let orphan = "INSERT INTO pictures SELECT 999999, id, 'x'::bytea FROM keys";
    client.batch_execute(orphan).unwrap();
    let said = refused(&files, ROTATE);
    assert!(said.contains("values belong to no token (1)"), "{said}");
    assert_eq!(files.tokens(RECIPE), tokens);
}

#[test]
fn a_rotation_survives_a_kill_at_every_message() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    if !has("strace", "the killed rotation") {
        return;
    }
    let files = made(cluster, "rotation_kill");
    let next = "gw100/rotation_kill.postgres.key.next";
    let tokens = files.tokens(RECIPE);
    let rotate = line(&files, ROTATE);
    let args: Vec<&str> = rotate.iter().map(String::as_str).collect();
    let mut cuts = 0;
    for call in ["sendto", "linkat", "unlink", "fsync"] {
        let mut cut = Cut { call, n: 1 };
        while cut.strikes(&files, &args) {
            assert_eq!(files.tokens(RECIPE), tokens, "{cut}");
            files.ok(&rotate);
            hand_out(&files, next);
            let audit = files.ok(&line(&files, "ledger audit"));
            assert!(audit.contains("clean"), "{cut}: {audit}");
            cuts += 1;
            // Each rotation leaves events, and the next one has more to say: a step of one would never end.
            cut.n += if cut.n > 4 { times(3, cut.n) } else { 1 };
        }
        // That one came to its end.
        hand_out(&files, next);
    }
    assert!(cuts > times(10, 4), "only {cuts} cuts");
}
