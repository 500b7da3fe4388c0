//! The ledger's files: who may open them, and what happens when one is missing or wrong.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn name<T>(result: Result<T, LedgerError>) -> &'static str {
    result.err().unwrap().name()
}

#[test]
fn every_file_of_a_ledger_is_its_owners_only() {
    let bench = InFile::new();
    let _ledger = stocked(&bench, 3);
    for suffix in ["", "-wal", "-shm", ".key"] {
        assert_eq!(mode(&bench.beside(suffix)), 0o600, "{suffix}");
    }
    assert_eq!(mode(&bench.beside(".runs")), 0o700);
    let mut runs = fs::read_dir(bench.beside(".runs")).unwrap();
    assert_eq!(mode(&runs.next().unwrap().unwrap().path()), 0o600);
}

#[test]
fn wide_permissions_of_a_ledger_are_narrowed() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    set_mode(&bench.path, 0o644);
    set_mode(&bench.beside(".runs"), 0o755);
    let _ledger = bench.open("L1");
    assert_eq!(mode(&bench.path), 0o600);
    assert_eq!(mode(&bench.beside("-wal")), 0o600);
    assert_eq!(mode(&bench.beside(".runs")), 0o700);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    set_mode(&bench.beside(".key"), 0o640);
    let error = bench.try_open().unwrap_err();
    assert!(error.to_string().contains("has mode 0640, wanted 0600"));
    assert_eq!(name(bench.inspect()), "ledger-exposed");
}

#[test]
fn a_missing_key_is_said_at_once_and_nothing_is_written() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    let before = fs::read(&bench.path).unwrap();
    fs::remove_file(bench.beside(".key")).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-key-missing");
    assert!(!bench.beside(".key").exists());
    assert_eq!(fs::read(&bench.path).unwrap(), before);
}

#[test]
fn a_wrong_key_is_said_at_once_and_nothing_is_written() {
    let (bench, other) = (InFile::new(), InFile::new());
    drop(stocked(&bench, 3));
    drop(stocked(&other, 3));
    let before = fs::read(&bench.path).unwrap();
    fs::copy(other.beside(".key"), bench.beside(".key")).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-key-wrong");
    assert_eq!(name(bench.inspect()), "ledger-key-wrong");
    assert_eq!(fs::read(&bench.path).unwrap(), before);
}

#[test]
fn a_torn_key_is_no_key() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    let text = fs::read_to_string(bench.beside(".key")).unwrap();
    fs::write(bench.beside(".key"), &text[..50]).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-key-damaged");
}

#[test]
fn a_ledger_that_was_half_made_is_finished() {
    let bench = InFile::new();
    // The power went after the key was written, and after the file was created: no run yet.
    drop(stocked(&bench, 3));
    fs::remove_dir(bench.beside(".runs")).unwrap();
    let key = fs::read(bench.beside(".key")).unwrap();
    fs::write(&bench.path, "").unwrap();
    fs::write(bench.beside(".key.part"), "half a k").unwrap();
    let ledger = stocked(&bench, 3);
    assert_eq!(ledger.stock().unwrap().free, 3);
    assert_eq!(fs::read(bench.beside(".key")).unwrap(), key);
    drop(ledger);
    fs::remove_dir(bench.beside(".runs")).unwrap();
    fs::remove_file(bench.beside(".key")).unwrap();
    fs::write(&bench.path, "").unwrap();
    drop(stocked(&bench, 3));
    assert!(!bench.beside(".key.part").exists());
}

#[test]
fn a_newer_ledger_is_refused() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    let conn = rusqlite::Connection::open(&bench.path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let error = bench.try_open().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ledger has schema 99, this version knows up to 4: update it"
    );
    assert_eq!(name(bench.inspect()), "ledger-schema-newer");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let bench = InFile::new();
    fs::write(&bench.path, "serial,token\n".repeat(100)).unwrap();
    let before = fs::read(&bench.path).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-not-a-ledger");
    assert_eq!(name(bench.inspect()), "ledger-not-a-ledger");
    assert_eq!(fs::read(&bench.path).unwrap(), before);
    fs::remove_file(&bench.path).unwrap();
    let conn = rusqlite::Connection::open(&bench.path).unwrap();
    conn.execute_batch("CREATE TABLE parts (name TEXT)")
        .unwrap();
    drop(conn);
    let before = fs::read(&bench.path).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-not-a-ledger");
    assert_eq!(name(bench.inspect()), "ledger-not-a-ledger");
    assert_eq!(fs::read(&bench.path).unwrap(), before);
    assert!(!bench.beside(".key").exists());
}

#[test]
fn looking_at_a_ledger_makes_none() {
    let bench = InFile::new();
    assert_eq!(name(bench.inspect()), "ledger-absent");
    let opened = Sqlite::open_existing(&bench.path, &scope(), identity("L1"));
    assert_eq!(name(opened), "ledger-absent");
    let folder = bench.path.parent().unwrap();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn a_look_sees_live_claims_and_changes_nothing() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    let _held = go(&mut ledger, &on_board("GW1", "u1"));
    let mut look = bench.inspect().unwrap();
    let record = look.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.outcome, eol_inject::ledger::Outcome::InWork);
    assert_eq!(look.stock().unwrap().free, 2);
    assert_clean(&look);
    assert_eq!(name(look.revealed("all", &actor("L1"))), "ledger-read-only");
    let other = Scope {
        product: "unknown".to_owned(),
        template: None,
    };
    let look = Sqlite::inspect(&bench.path, &other).unwrap();
    assert_eq!(look.stock().unwrap().free, 0);
}

#[test]
fn records_are_seen_without_the_key_and_secrets_are_not() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let proof = ledger.revealed("all", &actor("L1")).unwrap();
    drop(ledger);
    fs::rename(bench.beside(".key"), bench.beside(".elsewhere")).unwrap();
    let look = bench.inspect().unwrap();
    assert!(look.find(&serial("GW1")).unwrap().is_some());
    assert_eq!(
        name(look.reveal(&serial("GW1"), &proof)),
        "ledger-key-missing"
    );
    assert_eq!(name(look.audit()), "ledger-key-missing");
    assert!(
        look.audit()
            .unwrap_err()
            .to_string()
            .contains("gw100.ledger.key")
    );
}

#[test]
fn a_damaged_page_is_said() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 200);
    for n in 0..100 {
        finish(&mut ledger, &claim(&format!("GW{n}")));
    }
    drop(ledger);
    let mut bytes = fs::read(&bench.path).unwrap();
    assert!(!bench.beside("-wal").exists(), "the log was taken in");
    let pages = bytes.len() / 4096;
    // All but the first pages, where the schema is.
    for page in bytes.chunks_mut(4096).skip(pages / 3) {
        page[..64].fill(0xa5);
    }
    fs::write(&bench.path, &bytes).unwrap();
    let seen = match bench.inspect() {
        Err(error) => error.name().to_owned(),
        Ok(look) => match look.audit() {
            Err(error) => error.name().to_owned(),
            Ok(audit) => format!("{:?}", audit.findings),
        },
    };
    assert!(
        seen.contains("ledger-damaged") || seen.contains("file"),
        "{seen}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let bench = InFile::new();
    let folder = bench.path.parent().unwrap();
    drop(stocked(&bench, 3));
    set_mode(folder, 0o500);
    if fs::write(folder.join("probe"), "").is_ok() {
        println!("SKIPPED: this user may write everywhere");
        set_mode(folder, 0o700);
        return;
    }
    let look = bench.inspect().unwrap();
    assert_eq!(look.stock().unwrap().free, 3);
    let error = name(bench.try_open());
    set_mode(folder, 0o700);
    assert!(
        ["ledger-read-only", "ledger-file"].contains(&error),
        "{error}"
    );
}

#[test]
fn what_is_no_plain_file_of_ones_own_is_refused_by_name_and_left_as_it_is() {
    let there = tempfile::tempdir().unwrap();
    for suffix in ["", ".runs", ".outbox", ".journal"] {
        let bench = InFile::new();
        drop(stocked(&bench, 3));
        let (own, away) = (
            bench.beside(suffix),
            there.path().join(format!("x{suffix}")),
        );
        match own.exists() {
            true => fs::rename(&own, &away).unwrap(),
            false => fs::create_dir(&away).unwrap(),
        }
        let wide = if away.is_dir() { 0o755 } else { 0o644 };
        set_mode(&away, wide);
        std::os::unix::fs::symlink(&away, &own).unwrap();
        let error = match suffix {
            "" | ".runs" => bench
                .try_open()
                .err()
                .map(|error| error.source().unwrap().to_string()),
            ".outbox" => {
                let outbox = eol_inject::mes::Outbox::beside(&bench.path);
                let error = outbox.put("{}").unwrap_err();
                Some(error.source().unwrap().to_string())
            }
            _ => {
                let mut journal = eol_inject::ledger::SealedJournal::beside(&bench.path);
                let error = eol_inject::target::Journal::keep(&mut journal, "b", b"x");
                error.err().map(|error| error.to_string())
            }
        };
        assert!(error.unwrap().contains("it is a link"), "{suffix}");
        assert_eq!(mode(&away), wide, "{suffix}");
    }
}
