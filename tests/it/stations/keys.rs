//! Keys: from where they come, replaced, wrong and lost.

use super::*;
use crate::sweep::sweep;

const ROTATE: [&str; 9] = [
    "ledger", "key", "rotate", "--recipe", HOME, "--by", "anna", "--reason", "yearly",
];

const LEDGER: &str = "gw100/gw100.ledger";

/// All sealed values of a ledger.
fn sealed(bench: &Bench) -> Vec<Vec<u8>> {
    let conn = rusqlite::Connection::open(bench.path(LEDGER)).unwrap();
    let sql = "SELECT token FROM tokens UNION ALL SELECT qr FROM tokens WHERE qr IS NOT NULL \
               UNION ALL SELECT picture FROM pictures";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// All bytes of the ledger's files but keys.
fn bytes(bench: &Bench) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names(&bench.path("gw100")) {
        let path = bench.path("gw100").join(&name);
        if name.contains(".ledger") && !name.contains(".key") && path.is_file() {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_rotation_seals_everything_anew_and_leaves_nothing_of_the_old_key() {
    let bench = home();
    batch(&bench, HOME, "2");
    let tokens = bench.tokens(HOME);
    let old = sealed(&bench);
    let key = fs::read(bench.path("gw100/gw100.ledger.key")).unwrap();
    let told = object(&bench, &ROTATE, "key");
    assert_eq!(told["sealed"], 12);
    assert_eq!(told["placed"], true);
    let new = sealed(&bench);
    assert_eq!(new.len(), old.len());
    let bytes = bytes(&bench);
    for value in &old {
        assert!(!new.contains(value));
        // The first 32 bytes: a picture goes over several pages.
        assert!(
            !holds(&bytes, &value[..32]),
            "an old value is left in the file"
        );
    }
    assert_eq!(bench.tokens(HOME), tokens);
    clean(&bench, HOME);
    assert_ne!(fs::read(bench.path("gw100/gw100.ledger.key")).unwrap(), key);
    // The old key is kept for old backups, under its id.
    let was = told["was"].as_str().unwrap();
    let kept = bench.path(&format!("gw100/gw100.ledger.key.{was}"));
    assert_eq!(fs::read(kept).unwrap(), key);
    batch(&bench, HOME, "1");
    let again = object(&bench, &ROTATE, "key");
    assert_eq!(again["was"], told["id"]);
    clean(&bench, HOME);
}

#[test]
fn a_rotation_waits_for_whoever_works() {
    let bench = home();
    let runs = bench.path("gw100/gw100.ledger.runs");
    fs::create_dir_all(&runs).unwrap();
    let busy = runs.join("00ff".repeat(8));
    let file = fs::File::create(&busy).unwrap();
    file.lock().unwrap();
    fails(&bench, &ROTATE, 51, "another program has the ledger open");
    assert!(!bench.path("gw100/gw100.ledger.key.next").exists());
    drop(file);
    let journal = bench.path("gw100/gw100.ledger.journal");
    fs::create_dir(&journal).unwrap();
    fs::write(journal.join("board"), "sealed").unwrap();
    fails(&bench, &ROTATE, 51, "the bytes of a board that is in hand");
    fs::remove_dir_all(journal).unwrap();
    bench.ok(&ROTATE);
}

#[test]
fn a_value_of_no_token_is_told_and_the_key_before_stays() {
    let bench = home();
    let tokens = bench.tokens(HOME);
    let conn = rusqlite::Connection::open(bench.path(LEDGER)).unwrap();
    conn.pragma_update(None, "foreign_keys", "OFF").unwrap();
    let orphan = "INSERT INTO pictures (token, key, picture) SELECT 999999, id, x'00' FROM keys";
    conn.execute(orphan, []).unwrap();
    drop(conn);
    fails(&bench, &ROTATE, 51, "values belong to no token (1)");
    assert_eq!(bench.tokens(HOME), tokens);
}

#[test]
fn a_rotation_survives_a_cut_at_every_effect() {
    let bench = home();
    batch(&bench, HOME, "1");
    let tokens = bench.tokens(HOME);
    sweep(
        || bench.again(),
        &ROTATE,
        |bench, cut| {
            // In the middle the line goes on: both keys are known.
            assert_eq!(bench.tokens(HOME), tokens, "{cut:?}");
            batch(bench, HOME, "1");
            bench.ok(&ROTATE);
            clean(bench, HOME);
            assert!(
                !bench.path("gw100/gw100.ledger.key.next").exists(),
                "{cut:?}"
            );
            let conn = rusqlite::Connection::open(bench.path(LEDGER)).unwrap();
            let keys: i64 = conn
                .query_row("SELECT count(*) FROM keys", [], |row| row.get(0))
                .unwrap();
            assert_eq!(keys, 1, "{cut:?}");
        },
    );
}

/// A bench whose recipe says where the key comes from, and no ledger yet.
fn keyed(source: &str) -> Bench {
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    change(
        &bench,
        HOME,
        "../pools/blynk-export.zip",
        "../pools/unpacked",
    );
    let ledger = "url = \"sqlite:gw100.ledger\"";
    change(&bench, HOME, ledger, &format!("{ledger}\nkey = {source}"));
    bench.ok(&["ledger", "key", "new", "-o", "kept.key"]);
    bench
}

#[test]
fn a_key_comes_from_a_file_a_variable_or_a_command() {
    let import = ["pool", "import", "--recipe", HOME, "pools/unpacked"];
    for source in [
        "{ file = \"../kept.key\" }",
        "{ command = [\"cat\", \"../kept.key\"] }",
    ] {
        let bench = keyed(source);
        bench.ok(&import);
        batch(&bench, HOME, "1");
        clean(&bench, HOME);
        assert!(!bench.path("gw100/gw100.ledger.key").exists());
        fs::remove_file(bench.path("kept.key")).unwrap();
        fails(
            &bench,
            &["batch", "--recipe", HOME, "--count", "1", "-o", "out"],
            51,
            "the ledger's key cannot be had from",
        );
        // Records can be listed and written out without it.
        bench.ok(&["ledger", "list", "--recipe", HOME]);
        let table = bench.ok(&["ledger", "export", "--recipe", HOME]);
        assert_eq!(table.lines().count(), 2, "{table}");
        bench.ok(&["ledger", "export", "--recipe", HOME, "--since", "0"]);
    }
    let bench = keyed("{ env = \"EOL_TEST_KEY\" }");
    fails(&bench, &import, 51, "the variable EOL_TEST_KEY");
    assert!(!bench.path(LEDGER).exists(), "an empty ledger was left");
    let key = fs::read_to_string(bench.path("kept.key")).unwrap();
    let output = bench
        .command(&import)
        .env("EOL_TEST_KEY", &key)
        .output()
        .unwrap();
    assert!(output.status.success());
    let digits = key.lines().nth(1).unwrap();
    let told = ["ledger", "audit", "--recipe", HOME];
    let output = bench
        .command(&told)
        .env("EOL_TEST_KEY", digits)
        .output()
        .unwrap();
    assert!(output.status.success());
}

#[test]
fn a_rotation_of_a_key_from_elsewhere_says_where_the_new_one_is() {
    let bench = keyed("{ file = \"../kept.key\" }");
    bench.ok(&["pool", "import", "--recipe", HOME, "pools/unpacked"]);
    let output = bench.run(&ROTATE);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("gw100.ledger.key.next: put it where"),
        "{told}"
    );
    // It works on with the old file: the new key is at hand beside the ledger.
    batch(&bench, HOME, "1");
    fs::rename(
        bench.path("gw100/gw100.ledger.key.next"),
        bench.path("kept.key"),
    )
    .unwrap();
    clean(&bench, HOME);
}

#[test]
fn the_id_of_a_key_is_shown_and_a_wrong_one_told() {
    let bench = home();
    let show = ["ledger", "key", "show-id", "--recipe", HOME];
    let own = object(&bench, &show, "key");
    assert_eq!(own["at_hand"], true);
    let file = ["ledger", "key", "show-id", "gw100/gw100.ledger.key"];
    assert_eq!(object(&bench, &file, "key")["id"], own["id"]);
    bench.ok(&["ledger", "key", "new", "--station", "-o", "s1.key"]);
    let secret = object(&bench, &["ledger", "key", "show-id", "s1.key"], "key");
    let public = object(&bench, &["ledger", "key", "show-id", "s1.key.pub"], "key");
    assert_eq!(secret["id"], public["id"]);
    assert_eq!(
        (&secret["of"], &public["of"]),
        (&"station".into(), &"station public".into())
    );
    let before = fs::read(bench.path(LEDGER)).unwrap();
    fs::rename(bench.path("gw100/gw100.ledger.key"), bench.path("kept")).unwrap();
    fails(&bench, &show, 51, "no key is at hand");
    let batch = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fails(&bench, &batch, 51, "nobody reads a token of it");
    bench.ok(&["ledger", "key", "new", "-o", "gw100/gw100.ledger.key"]);
    fails(&bench, &batch, 51, "the ledger was sealed with");
    fails(&bench, &show, 51, "the ledger was sealed with");
    assert_eq!(fs::read(bench.path(LEDGER)).unwrap(), before);
}

/// Makes a key that somebody else knows, where a ledger's next key is looked for.
fn plant(bench: &Bench) -> (&'static str, String) {
    const NEXT: &str = "gw100/gw100.ledger.key.next";
    bench.ok(&["ledger", "key", "new", "-o", NEXT]);
    let id = object(bench, &["ledger", "key", "show-id", NEXT], "key")["id"].clone();
    (NEXT, id.as_str().unwrap().to_owned())
}

#[test]
fn a_next_key_that_somebody_planted_is_refused_and_never_used() {
    let bench = home();
    let (next, id) = plant(&bench);
    let rotate = [
        "ledger", "key", "rotate", "--recipe", HOME, "--by", "anna", "--reason", "yearly",
    ];
    fails(
        &bench,
        &rotate,
        51,
        &format!("holds the key {id}, and nobody"),
    );
    // A bond to another key is none.
    let text = fs::read_to_string(bench.path(next)).unwrap();
    fs::write(
        bench.path(next),
        format!("{text}after {}\n", "ab".repeat(32)),
    )
    .unwrap();
    fails(
        &bench,
        &rotate,
        51,
        &format!("holds the key {id}, and nobody"),
    );
    let show = ["ledger", "key", "show-id", "--recipe", HOME];
    assert_ne!(object(&bench, &show, "key")["id"], id);
    fs::remove_file(bench.path(next)).unwrap();
    bench.ok(&rotate);
    clean(&bench, HOME);
}

#[cfg(unix)]
#[test]
fn a_key_that_is_a_link_or_somebody_elses_is_refused() {
    let bench = home();
    let key = bench.path("gw100/gw100.ledger.key");
    let batch = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fs::rename(&key, bench.path("kept")).unwrap();
    std::os::unix::fs::symlink(bench.path("kept"), &key).unwrap();
    fails(&bench, &batch, 51, "is a link");
    fs::remove_file(&key).unwrap();
    fs::rename(bench.path("kept"), &key).unwrap();
    // A pipe of that name holds nobody up.
    let (next, _) = plant(&bench);
    fs::remove_file(bench.path(next)).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(bench.path(next))
        .status();
    assert!(made.unwrap().success());
    fails(&bench, &batch, 51, "holds no key");
    fs::remove_file(bench.path(next)).unwrap();
    // Only root can give a file away.
    if std::os::unix::fs::chown(&key, Some(12345), None).is_ok() {
        fails(&bench, &batch, 51, "belongs to user 12345");
        std::os::unix::fs::chown(&key, Some(0), None).unwrap();
    }
    bench.ok(&batch);
}
