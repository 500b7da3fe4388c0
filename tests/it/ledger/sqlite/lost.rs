//! A ledger that existed is never begun anew.

use std::fs;
use std::os::unix::fs::symlink;

use eol_inject::ledger::{KeyPlace, PartError, Remaking};

use super::*;

fn name<T>(result: Result<T, LedgerError>) -> &'static str {
    result.err().unwrap().name()
}

/// Returns the names in the ledger's folder.
fn names(bench: &InFile) -> Vec<String> {
    let entries = fs::read_dir(bench.path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_lost_file_is_not_begun_anew_whatever_it_left() {
    for left in [
        ".key",
        ".runs",
        "-wal",
        ".journal",
        ".outbox",
        ".key.next",
        ".before",
    ] {
        let bench = InFile::new();
        fs::write(bench.beside(left), "").unwrap();
        assert_eq!(name(bench.try_open()), "ledger-lost", "{left}");
        assert_eq!(name(bench.inspect()), "ledger-lost", "{left}");
        assert_eq!(names(&bench), [format!("gw100.ledger{left}")]);
    }
    let bench = InFile::new();
    fs::write(bench.beside(".key.0011223344556677"), "").unwrap();
    assert_eq!(name(bench.try_open()), "ledger-lost");
    // A link that leads nowhere is a trace, and a file of somebody else is none.
    let bench = InFile::new();
    symlink("nowhere", bench.beside(".runs")).unwrap();
    assert_eq!(name(bench.try_open()), "ledger-lost");
    let bench = InFile::new();
    fs::write(bench.beside(".txt"), "").unwrap();
    assert!(bench.try_open().is_ok());
}

#[test]
fn a_removed_ledger_is_not_begun_anew() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    finish(&mut ledger, &claim("GW1"));
    drop(ledger);
    fs::remove_file(&bench.path).unwrap();
    let before = names(&bench);
    assert_eq!(name(bench.try_open()), "ledger-lost");
    assert_eq!(name(bench.inspect()), "ledger-lost");
    assert_eq!(names(&bench), before);
}

#[test]
fn a_ledger_that_was_emptied_is_not_begun_anew() {
    let bench = InFile::new();
    drop(stocked(&bench, 3));
    fs::write(&bench.path, "").unwrap();
    assert_eq!(name(bench.try_open()), "ledger-lost");
    assert_eq!(name(bench.inspect()), "ledger-lost");
    assert_eq!(fs::metadata(&bench.path).unwrap().len(), 0);
}

#[test]
fn a_key_that_somebody_brings_is_no_trace() {
    let bench = InFile::new();
    let key = bench.beside(".key");
    eol_inject::ledger::make_key_file(&key).unwrap();
    let place = KeyPlace::From(eol_inject::recipe::KeySource::File(key), PathBuf::new());
    let opened = Sqlite::create_keyed(&bench.path, &scope(), identity("L1"), &place);
    assert!(opened.is_ok());
}

#[test]
fn another_ledger_stands_in_its_place_by_decision_alone() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let remaking = || Remaking {
        path: &bench.path,
        scope: Box::leak(Box::new(scope())),
        identity: identity("L1"),
        place: &KeyPlace::Beside,
    };
    let begin = || remaking().afresh(|ledger, traces| ledger.begun(traces, &actor("L1")));
    assert_eq!(name(begin()), "ledger-begun");
    fs::remove_file(&bench.path).unwrap();
    assert_eq!(name(begin()), "ledger-still-open");
    drop(ledger);
    let key = fs::read(bench.beside(".key")).unwrap();
    // Cut when what it left was set aside: that still says that there was one.
    let cut: Result<_, LedgerError> =
        remaking().afresh(|_, _| Err(LedgerError::Part(PartError::NotAPart)));
    assert_eq!(name(cut), "ledger-not-a-part");
    assert_eq!(name(bench.try_open()), "ledger-lost");
    begin().unwrap();
    assert_eq!(
        fs::read(bench.beside(".before/1/gw100.ledger.key")).unwrap(),
        key
    );
    let ledger = bench.try_open().unwrap();
    let mut events = Vec::new();
    ledger
        .events_since(0, &mut |event| events.push(event))
        .unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].seq, events[0].kind.as_str()), (1, "begun"));
    assert!(events[0].body.contains("scrapped") && events[0].body.contains("anna"));
    assert_clean(&ledger);
}
