//! Many at once, and those that are killed.

use eol_inject::ledger::OpenError;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use super::*;
use crate::ledger::shift;

/// Says which part a child process plays; unset in a normal run.
const PART: &str = "EOL_INJECT_TEST_PART";
/// Says where its ledger is.
const PLACE: &str = "EOL_INJECT_TEST_LEDGER";

/// Starts this test program again as another process and waits until it says `ready`.
fn spawn(bench: &InFile, part: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "ledger::sqlite::crowd::the_other_process",
            "--exact",
            "--nocapture",
        ])
        .env(PART, part)
        .env(PLACE, &bench.path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines
        .map_while(Result::ok)
        .any(|line| line.contains("ready"));
    assert!(ready, "the child ended early");
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What the child does; nothing in a normal run.
#[test]
fn the_other_process() {
    let (Ok(part), Ok(place)) = (std::env::var(PART), std::env::var(PLACE)) else {
        return;
    };
    let mut ledger = Sqlite::open(place.as_ref(), &scope(), identity("L2")).unwrap();
    match part.as_str() {
        "claim" => {
            let _held = go(&mut ledger, &on_board("GW1", "u1"));
            println!("ready");
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        "import" => {
            let list = list((1000..90_000).map(row));
            println!("ready");
            ledger.import(&list, &actor("L2")).unwrap();
        }
        other => panic!("no part {other}"),
    }
}

#[test]
fn the_claim_of_a_killed_process_is_taken_over_and_not_before() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    let child = spawn(&bench, "claim");
    let refused = refusal(&mut ledger, &on_board("GW1", "u1"));
    assert!(matches!(refused, Refusal::InWork { station, .. } if station == "L2"));
    assert_eq!(ledger.open_claims("L2").unwrap(), []);
    kill(child);
    assert_eq!(ledger.open_claims("L2").unwrap(), [serial("GW1")]);
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.outcome, eol_inject::ledger::Outcome::InDoubt);
    let taken = go(&mut ledger, &on_board("GW1", "u1"));
    assert_eq!((taken.attempt(), taken.fingerprint()), (2, print_of(0)));
    assert_clean(&ledger);
}

#[test]
fn a_killed_import_leaves_nothing_behind() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 3);
    let child = spawn(&bench, "import");
    let conn = rusqlite::Connection::open(&bench.path).unwrap();
    let staged = "SELECT count(*) > 500 FROM tokens";
    while !conn
        .query_row(staged, [], |row| row.get::<_, bool>(0))
        .unwrap()
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // It is in the middle: nobody sees its tokens, nobody waits for it.
    assert_eq!(ledger.stock().unwrap().free, 3);
    let busy = ledger.import(&list([row(5)]), &actor("L1")).unwrap_err();
    assert!(
        matches!(busy, LedgerError::Open(OpenError::ImportBusy { station }) if station == "L2")
    );
    for n in 0..3 {
        let unit = claim(&format!("GW{n}"));
        assert_eq!(finish(&mut ledger, &unit), print_of(n));
    }
    let refused = refusal(&mut ledger, &claim("GW3"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    kill(child);
    assert_clean(&ledger);
    let import = ledger
        .import(&list((1000..1010).map(row)), &actor("L1"))
        .unwrap();
    assert_eq!(import.added, 10);
    assert_eq!(ledger.stock().unwrap().free, 10);
    assert_clean(&ledger);
}

#[test]
fn eight_processes_are_killed_at_random_until_all_units_are_delivered() {
    let bench = InFile::new();
    shift::shift(&bench, bench.path.to_str().unwrap(), 8);
}

#[test]
fn eight_threads_drain_one_pool_and_no_token_goes_twice() {
    let bench = InFile::new();
    drop(stocked(&bench, 200));
    let prints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (bench, prints) = (&bench, &prints);
            scope.spawn(move || {
                let mut ledger = bench.open(&format!("L{}", thread % 4));
                let format = "GW{:06}".to_owned().try_into().unwrap();
                loop {
                    let serials = ledger.next_serials(&format, 5).unwrap();
                    let claims: Vec<_> = serials.iter().map(|s| claim(s.as_str())).collect();
                    let mut done = Vec::new();
                    for answer in ledger.reserve(&claims).unwrap() {
                        match answer {
                            Ok(Attempt::Go(held)) => {
                                let receipt = receipt(&held);
                                done.push((held, receipt));
                            }
                            Err(Refusal::PoolEmpty { .. }) => {}
                            other => panic!("{other:?}"),
                        }
                    }
                    let entries = ledger.confirm(&done).unwrap();
                    let mut prints = prints.lock().unwrap();
                    prints.extend(entries.iter().map(|entry| entry.record().fingerprint));
                    if done.len() < 5 {
                        return;
                    }
                }
            });
        }
    });
    let prints = prints.into_inner().unwrap();
    assert_eq!(prints.len(), 200);
    assert_eq!(prints.iter().collect::<HashSet<_>>().len(), 200);
    let ledger = bench.inspect().unwrap();
    assert_eq!(ledger.stock().unwrap().prepared, 200);
    assert_clean(&ledger);
}

#[test]
fn a_serial_that_all_want_goes_to_one_at_a_time() {
    let bench = InFile::new();
    drop(stocked(&bench, 8));
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (bench, inside) = (&bench, &inside);
            scope.spawn(move || {
                use std::sync::atomic::Ordering;
                let mut ledger = bench.open(&format!("L{thread}"));
                let mut mine = 0;
                while mine < 3 {
                    match answer(&mut ledger, &on_board("GW1", "u1")) {
                        Ok(Attempt::Go(held)) => {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            ledger.fail(held, &failure(true)).unwrap();
                            mine += 1;
                        }
                        Err(Refusal::InWork { .. }) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    let ledger = bench.inspect().unwrap();
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!((record.attempt, record.fingerprint), (24, print_of(0)));
    assert_eq!(ledger.stock().unwrap().bound, 1);
    assert_clean(&ledger);
}

#[test]
fn a_ledger_that_is_being_made_is_absent_or_there() {
    for _ in 0..40 {
        let bench = InFile::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    // Half made it would be the file of somebody else.
                    while let Err(error) = bench.inspect() {
                        assert!(
                            matches!(error, LedgerError::Open(OpenError::Absent { .. })),
                            "{error}"
                        );
                    }
                });
            }
            drop(bench.open("L1"));
        });
    }
}

#[test]
fn a_ledger_that_eight_make_at_once_is_one() {
    for _ in 0..5 {
        let bench = InFile::new();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let bench = &bench;
                scope.spawn(move || {
                    let mut ledger = bench.open(&format!("L{thread}"));
                    ledger.revealed("nothing", &actor("L1")).unwrap();
                });
            }
        });
        let audit = bench.inspect().unwrap().audit().unwrap();
        assert_eq!((audit.events, audit.findings.len()), (8, 0));
    }
}
