//! A ledger is lost: from a backup, from a mirror, or from both it comes back.

use super::*;
use crate::sweep::sweep;

const WHO: [&str; 4] = ["--by", "anna", "--reason", "disk died"];

const BACKUP: [&str; 6] = ["ledger", "backup", "--recipe", HOME, "-o", "save.ledger"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &WHO].concat()
}

fn restore<'a>() -> Vec<&'a str> {
    with(&[
        "ledger",
        "restore",
        "--recipe",
        HOME,
        "save.ledger",
        "--next",
        "100",
    ])
}

fn rebuild<'a>() -> Vec<&'a str> {
    with(&[
        "ledger",
        "rebuild",
        "--recipe",
        HOME,
        "--mirror",
        "mirror",
        "--pool",
        "pools/unpacked",
        "--next",
        "100",
    ])
}

/// The disk of the ledger is gone; its key is kept elsewhere.
fn lose(bench: &Bench) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(bench.path(&format!("gw100/gw100.ledger{suffix}")));
    }
}

/// A bench whose ledger has a mirror.
fn mirrored() -> Bench {
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    change(
        &bench,
        HOME,
        "../pools/blynk-export.zip",
        "../pools/unpacked",
    );
    let ledger = "url = \"sqlite:gw100.ledger\"";
    change(
        &bench,
        HOME,
        ledger,
        &format!("{ledger}\nmirror = \"../mirror\""),
    );
    bench.ok(&["pool", "import", "--recipe", HOME, "pools/unpacked"]);
    bench
}

/// What a ledger says of its units, without what only it knows.
fn units(bench: &Bench) -> String {
    bench.ok(&["ledger", "export", "--recipe", HOME])
}

#[test]
fn a_backup_is_made_while_others_write_and_is_whole() {
    let bench = home();
    batch(&bench, HOME, "2");
    let shop = bench.path("gw100/gw100.ledger");
    let conn = rusqlite::Connection::open(&shop).unwrap();
    // Somebody reads, and somebody's changes are in the log.
    conn.execute_batch("BEGIN; SELECT * FROM units").unwrap();
    let told = bench.run(&BACKUP);
    assert!(told.status.success());
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(words.contains("the key is not in it"), "{words}");
    conn.execute_batch("COMMIT").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(bench.path("save.ledger"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        !names(&bench.path("."))
            .iter()
            .any(|name| name.starts_with('.'))
    );
    fails(&bench, &BACKUP, 51, "is there already");
    // Its probe is simulated and its units are real, so it is not ready.
    let check = bench.run(&["check", "--recipe", HOME, "--json"]);
    let check = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(!objects(&check)[0]["ledger"]["backup"].is_null());
}

#[test]
fn check_tells_a_ledger_that_would_not_survive_its_disk() {
    let bench = home();
    let told = |bench: &Bench| {
        let output = bench.run(&["check", "--recipe", HOME]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(told(&bench).contains("neither a backup nor a mirror"));
    bench.ok(&BACKUP);
    assert!(!told(&bench).contains("backup"));
    assert!(!told(&mirrored()).contains("backup"));
    bench.ok(&["ledger", "backup", "--recipe", HOME, "--elsewhere"]);
    clean(&bench, HOME);
}

#[test]
fn a_restored_ledger_draws_nothing_before_it_is_cleared() {
    let bench = home();
    batch(&bench, HOME, "2");
    bench.ok(&BACKUP);
    batch(&bench, HOME, "2");
    lose(&bench);
    let words = "say where new ones begin";
    let without: Vec<&str> = restore()
        .into_iter()
        .filter(|arg| !["--next", "100"].contains(arg))
        .collect();
    fails(&bench, &without, 10, words);
    bench.ok(&restore());
    clean(&bench, HOME);
    let told = stock(&bench, HOME);
    assert_eq!(
        (&told["free"], &told["quarantined"], &told["bound"]),
        (&0.into(), &4.into(), &2.into())
    );
    fails(
        &bench,
        &["batch", "--recipe", HOME, "--count", "1", "-o", "out"],
        53,
        "no free token is left",
    );
    bench.ok(&with(&["ledger", "clear", "--recipe", HOME, "--all"]));
    batch(&bench, HOME, "1");
    // The one that found no token took the first number.
    assert!(units(&bench).contains("GW000101"));
    clean(&bench, HOME);
    fails(&bench, &restore(), 51, "is there already");
}

#[test]
fn a_restore_needs_its_key_and_leaves_nothing_without() {
    let bench = home();
    bench.ok(&BACKUP);
    lose(&bench);
    let key = bench.path("gw100/gw100.ledger.key");
    fs::rename(&key, bench.path("kept")).unwrap();
    fails(
        &bench,
        &restore(),
        51,
        "is missing and its tokens cannot be read",
    );
    bench.ok(&["ledger", "key", "new", "-o", "gw100/gw100.ledger.key"]);
    fails(&bench, &restore(), 51, "holds the key");
    assert!(!bench.path("gw100/gw100.ledger").exists());
    assert!(
        !names(&bench.path("gw100"))
            .iter()
            .any(|name| name.starts_with('.'))
    );
    fs::rename(bench.path("kept"), &key).unwrap();
    bench.ok(&restore());
}

#[test]
fn a_backup_is_brought_up_to_date_by_the_mirror() {
    let bench = mirrored();
    batch(&bench, HOME, "2");
    bench.ok(&BACKUP);
    batch(&bench, HOME, "2");
    bench.ok(&with(&[
        "ledger", "void", "--recipe", HOME, "--serial", "GW000001",
    ]));
    let before = units(&bench);
    lose(&bench);
    let told = object(&bench, &restore(), "restore");
    assert_eq!(told["events"], 6);
    assert_eq!(units(&bench), before);
    let told = stock(&bench, HOME);
    assert_eq!(
        (&told["free"], &told["quarantined"], &told["void"]),
        (&2.into(), &0.into(), &1.into())
    );
    batch(&bench, HOME, "1");
    clean(&bench, HOME);
    // The next generation has a file of its own, from the first event on.
    let files = names(&bench.path("mirror"));
    assert_eq!(files.len(), 2, "{files:?}");
    lose(&bench);
    bench.ok(&rebuild());
    clean(&bench, HOME);
}

#[test]
fn a_dead_stations_ledger_is_rebuilt_from_mirror_and_list() {
    let bench = mirrored();
    batch(&bench, HOME, "3");
    bench.ok(&with(&[
        "ledger", "void", "--recipe", HOME, "--serial", "GW000002",
    ]));
    let before = units(&bench);
    let tokens = bench.tokens(HOME);
    lose(&bench);
    fs::remove_file(bench.path("gw100/gw100.ledger.key")).unwrap();
    let told = object(&bench, &rebuild(), "rebuild");
    assert_eq!(told["units"], 3);
    assert_eq!(units(&bench), before);
    assert_eq!(bench.tokens(HOME), tokens);
    clean(&bench, HOME);
    let told = stock(&bench, HOME);
    assert_eq!(
        (&told["free"], &told["bound"], &told["void"]),
        (&3.into(), &2.into(), &1.into())
    );
    batch(&bench, HOME, "1");
    assert!(units(&bench).contains("GW000100"));
    clean(&bench, HOME);
    let unit = "out-gw100-recipe.toml/GW000001.elf";
    bench.ok(&["verify", "--recipe", HOME, "--ledger", unit]);
}

#[test]
fn a_list_that_is_used_elsewhere_stays_so_in_a_rebuilt_ledger() {
    let bench = mirrored();
    let row = |token: &str, qr: &str| format!("{},sqr_{}\n", token.repeat(32), qr.repeat(32));
    let used = format!("Device Token,QR Token\n{}{}", row("A", "C"), row("B", "D"));
    fs::write(bench.path("used.csv"), used).unwrap();
    bench.ok(&["pool", "import", "--recipe", HOME, "--used", "used.csv"]);
    let before = stock(&bench, HOME);
    batch(&bench, HOME, "1");
    lose(&bench);
    let args = [&rebuild()[..], &["--pool", "used.csv"]].concat();
    object(&bench, &args, "rebuild");
    let after = stock(&bench, HOME);
    assert_eq!(after["gone"], before["gone"], "{after}");
    clean(&bench, HOME);
}

#[test]
fn a_rebuild_without_the_list_of_a_unit_says_so() {
    let bench = mirrored();
    batch(&bench, HOME, "2");
    lose(&bench);
    fs::write(
        bench.path("short.csv"),
        format!(
            "Device Token,QR Token\n{},sqr_{}\n",
            "A".repeat(32),
            "B".repeat(32)
        ),
    )
    .unwrap();
    let args: Vec<&str> = rebuild()
        .into_iter()
        .map(|arg| {
            if arg == "pools/unpacked" {
                "short.csv"
            } else {
                arg
            }
        })
        .collect();
    fails(
        &bench,
        &args,
        10,
        "2 units have tokens that the token lists lack",
    );
    assert!(!bench.path("gw100/gw100.ledger").exists());
    bench.ok(&rebuild());
}

#[test]
fn a_mirror_tells_what_happened_and_no_secret() {
    let bench = mirrored();
    batch(&bench, HOME, "2");
    let file = &names(&bench.path("mirror"))[0];
    let path = format!("mirror/{file}");
    let text = fs::read_to_string(bench.path(&path)).unwrap();
    assert_eq!(text.lines().count(), 1 + 1 + 4);
    assert!(text.contains("GW000002"));
    for (_, token) in bench.tokens(HOME) {
        assert!(!text.contains(&token));
    }
    // Half a line is what a cut leaves: the next run takes it away and tells it again.
    fs::write(bench.path(&path), &text[..text.len() - 30]).unwrap();
    batch(&bench, HOME, "1");
    let again = fs::read_to_string(bench.path(&path)).unwrap();
    assert!(again.starts_with(&text), "the line was not told again");
    bench.ok(&["ledger", "audit", "--recipe", HOME, "--witness", &path]);
}

#[test]
fn a_mirror_whose_disk_is_gone_stops_the_line_and_is_not_made_anew_in_its_place() {
    let bench = mirrored();
    assert!(check_says(&bench, 0).contains("mirror: has every event"));
    fs::rename(bench.path("mirror"), bench.path("elsewhere")).unwrap();
    let args = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    for _ in 0..2 {
        fails(&bench, &args, 51, "is its disk mounted?");
        assert_eq!(stock(&bench, HOME)["bound"], 0);
        assert!(check_says(&bench, 51).contains("is its disk mounted?"));
        // Next time with the empty folder that a disk is mounted on.
        fs::create_dir_all(bench.path("mirror")).unwrap();
    }
    fs::remove_dir(bench.path("mirror")).unwrap();
    fs::rename(bench.path("elsewhere"), bench.path("mirror")).unwrap();
    batch(&bench, HOME, "1");
    // On another disk it begins anew, by the decision of whoever makes its file.
    let old = bench
        .path("mirror")
        .join(names(&bench.path("mirror"))[0].clone());
    let told = fs::read(&old).unwrap();
    fs::write(&old, "").unwrap();
    batch(&bench, HOME, "1");
    assert!(fs::read(&old).unwrap().starts_with(&told));
}

/// Runs `check`, which must end with `code`, and returns what it says.
fn check_says(bench: &Bench, code: i32) -> String {
    let output = bench.run(&["check", "--recipe", HOME]);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    crate::bench::text(&output.stdout) + &crate::bench::text(&output.stderr)
}

#[test]
fn a_mirror_that_cannot_be_written_stops_the_line() {
    let bench = mirrored();
    fs::rename(bench.path("mirror"), bench.path("elsewhere")).unwrap();
    fs::write(bench.path("mirror"), "").unwrap();
    let args = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fails(&bench, &args, 51, "is gone");
    assert_eq!(stock(&bench, HOME)["bound"], 0);
    fs::remove_file(bench.path("mirror")).unwrap();
    fs::rename(bench.path("elsewhere"), bench.path("mirror")).unwrap();
    batch(&bench, HOME, "1");
}

#[test]
fn an_older_copy_that_is_used_further_is_stopped_by_the_mirror_and_named_by_a_witness() {
    let bench = mirrored();
    batch(&bench, HOME, "1");
    let old = fs::read(bench.path("gw100/gw100.ledger")).unwrap();
    batch(&bench, HOME, "2");
    let heads = bench.ok(&["ledger", "audit", "--recipe", HOME, "--json"]);
    fs::write(bench.path("heads.jsonl"), heads).unwrap();
    lose(&bench);
    fs::write(bench.path("gw100/gw100.ledger"), old).unwrap();
    let batch = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fails(&bench, &batch, 51, "an older copy of the ledger is in use");
    let audit = [
        "ledger",
        "audit",
        "--recipe",
        HOME,
        "--witness",
        "heads.jsonl",
    ];
    let output = bench.run(&audit);
    assert_eq!(output.status.code(), Some(41));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("is not in this ledger: its end was cut off"),
        "{told}"
    );
    // Without its mirror it works on; the witness sees that too.
    change(&bench, HOME, "mirror = \"../mirror\"", "");
    bench.ok(&batch);
    clean(&bench, HOME);
    let output = bench.run(&audit);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("station test-station  event"), "{told}");
}

#[test]
fn sites_are_compared_by_their_exports_and_mirrors() {
    let bench = mirrored();
    batch(&bench, HOME, "2");
    let far = mirrored();
    batch(&far, HOME, "1");
    let mirror = format!("mirror/{}", names(&far.path("mirror"))[0]);
    fs::copy(far.path(&mirror), bench.path("far.jsonl")).unwrap();
    let own = ["ledger", "export", "--recipe", HOME, "-o", "own.csv"];
    bench.ok(&own);
    // Its own export is no other use.
    bench.ok(&["ledger", "audit", "--recipe", HOME, "--with", "own.csv"]);
    let table = fs::read_to_string(bench.path("own.csv")).unwrap();
    fs::write(bench.path("far.csv"), table.replace("GW000002", "GW000077")).unwrap();
    let audit = [
        "ledger",
        "audit",
        "--recipe",
        HOME,
        "--with",
        "far.csv",
        "--with",
        "far.jsonl",
    ];
    let output = bench.run(&audit);
    assert_eq!(output.status.code(), Some(41));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("GW000002 in this ledger, and GW000077 in far.csv"),
        "{told}"
    );
    fails(
        &bench,
        &[
            "ledger",
            "audit",
            "--recipe",
            HOME,
            "--with",
            "gw100/recipe.toml",
        ],
        10,
        "names no columns",
    );
}

#[test]
fn a_backup_survives_a_cut_at_every_effect() {
    let bench = home();
    batch(&bench, HOME, "1");
    sweep(
        || bench.again(),
        &BACKUP,
        |bench, cut| {
            if !bench.path("save.ledger").exists() {
                bench.ok(&BACKUP);
            }
            clean(bench, HOME);
            lose(bench);
            bench.ok(&restore());
            clean(bench, HOME);
            let hidden = names(&bench.path("."));
            assert!(
                !hidden.iter().any(|name| name.starts_with('.')),
                "{cut:?}: {hidden:?}"
            );
        },
    );
}

#[test]
fn a_restore_survives_a_cut_at_every_effect() {
    let bench = home();
    batch(&bench, HOME, "1");
    bench.ok(&BACKUP);
    lose(&bench);
    sweep(
        || bench.again(),
        &restore(),
        |bench, cut| {
            if !bench.path("gw100/gw100.ledger").exists() {
                bench.ok(&restore());
            }
            assert_eq!(stock(bench, HOME)["quarantined"], 5, "{cut:?}");
            clean(bench, HOME);
        },
    );
}

#[test]
fn a_rebuild_survives_a_cut_at_every_effect() {
    let bench = mirrored();
    batch(&bench, HOME, "1");
    lose(&bench);
    sweep(
        || bench.again(),
        &rebuild(),
        |bench, cut| {
            if !bench.path("gw100/gw100.ledger").exists() {
                bench.ok(&rebuild());
            }
            let told = stock(bench, HOME);
            assert_eq!(
                (&told["free"], &told["bound"]),
                (&5.into(), &1.into()),
                "{cut:?}"
            );
            clean(bench, HOME);
            batch(bench, HOME, "1");
        },
    );
}
