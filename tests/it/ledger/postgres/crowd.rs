//! Many at once, and those that are killed.

use eol_inject::ledger::PartError;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::ledger::shift;

#[test]
fn sixteen_processes_are_killed_at_random_until_all_units_are_delivered() {
    let Some(bench) = OnServer::new() else { return };
    shift::shift(&bench, &bench.place(), 16);
}

#[test]
fn eight_threads_drain_one_pool_and_no_token_goes_twice() {
    let Some(bench) = OnServer::new() else { return };
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
    let ledger = bench.inspect();
    assert_eq!(ledger.stock().unwrap().prepared, 200);
    assert_clean(&ledger);
}

#[test]
fn a_serial_that_all_want_goes_to_one_at_a_time() {
    let Some(bench) = OnServer::new() else { return };
    drop(stocked(&bench, 8));
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (bench, inside) = (&bench, &inside);
            scope.spawn(move || {
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
    let ledger = bench.inspect();
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!((record.attempt, record.fingerprint), (24, print_of(0)));
    assert_eq!(ledger.stock().unwrap().bound, 1);
    assert_clean(&ledger);
}

#[test]
fn a_ledger_that_eight_make_at_once_is_one() {
    for _ in 0..3 {
        let Some(bench) = OnServer::new() else { return };
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let bench = &bench;
                scope.spawn(move || {
                    let mut ledger = bench.open(&format!("L{thread}"));
                    ledger.revealed("nothing", &actor("L1")).unwrap();
                });
            }
        });
        let audit = bench.inspect().audit().unwrap();
        assert_eq!((audit.events, audit.findings.len()), (8, 0));
    }
}

#[test]
fn a_serial_of_a_list_that_two_want_at_once_is_in_work_for_one() {
    let Some(bench) = OnServer::new() else { return };
    let rows = (0..60).map(|n| Row {
        bound: Some(serial(&format!("GW{n}"))),
        ..row(n)
    });
    bench.open("L0").import(&list(rows), &actor("L0")).unwrap();
    let meet = std::sync::Barrier::new(2);
    let wins = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (bench, meet, wins) = (&bench, &meet, &wins);
            scope.spawn(move || {
                let mut ledger = bench.open(&format!("L{thread}"));
                let (mut held, mut odd) = (Vec::new(), Vec::new());
                for n in 0..60 {
                    meet.wait();
                    match answer(&mut ledger, &on_board(&format!("GW{n}"), &format!("u{n}"))) {
                        Ok(Attempt::Go(one)) => held.push(one),
                        Err(Refusal::InWork { .. }) => {}
                        // Nobody may leave before the other does.
                        other => odd.push(format!("{other:?}")),
                    }
                }
                meet.wait();
                assert_eq!(odd, [""; 0]);
                wins.lock()
                    .unwrap()
                    .extend(held.iter().map(|one| one.serial().to_string()));
            });
        }
    });
    assert_eq!(wins.into_inner().unwrap().len(), 60);
    assert_clean(&bench.inspect());
}

#[test]
fn a_serial_that_goes_away_while_it_is_claimed_has_one_token() {
    use eol_inject::ledger::Share;
    let Some(bench) = OnServer::new() else { return };
    let (rounds, count) = (3, 150);
    let mut home = stocked(&bench, rounds * 2 * count);
    for round in 0..rounds {
        let names: Vec<String> = (0..count).map(|n| format!("GW{round}-{n}")).collect();
        let serials = names.iter().map(|name| serial(name)).collect();
        let mut station = bench.open("L2");
        let (split, claimed) = std::thread::scope(|scope| {
            let claimed = scope.spawn(|| {
                // The last ones first: the split comes to them last.
                let claims = names.iter().rev().map(|name| claim(name));
                claims
                    .filter(|claim| answer(&mut station, claim).is_ok())
                    .count()
            });
            let by = actor("L1");
            let split = home.split(
                (&format!("S{round}"), &recipient()),
                &Share::Serials(serials),
                &by,
            );
            (split, claimed.join().unwrap())
        });
        match split {
            Ok(_) => assert_eq!(claimed, 0),
            Err(error) => assert!(
                matches!(error, LedgerError::Part(PartError::PartSerial { .. })),
                "{error}"
            ),
        }
    }
    assert_clean(&home);
}

#[test]
fn an_empty_pool_is_said_only_after_what_others_hold_was_waited_for() {
    let Some(bench) = OnServer::new() else { return };
    let mut ledger = stocked(&bench, 1);
    // Another transaction has the last token, and gives it back.
    let mut other = Cluster::shared().unwrap().client();
    other
        .batch_execute(&format!("SET search_path = {}", bench.schema()))
        .unwrap();
    let mut transaction = other.transaction().unwrap();
    transaction
        .execute("UPDATE tokens SET state = 1 WHERE state = 0", &[])
        .unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| go(&mut ledger, &claim("GW1")).fingerprint());
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waits.is_finished());
        transaction.rollback().unwrap();
        assert_eq!(waits.join().unwrap(), print_of(0));
    });
}

#[test]
fn a_chain_read_from_a_number_on_never_misses_an_event() {
    let Some(bench) = OnServer::new() else { return };
    drop(bench.open("L0"));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let bench = &bench;
                scope.spawn(move || {
                    let mut ledger = bench.open(&format!("L{thread}"));
                    for n in 0..60 {
                        // Now and then under a name that the ledger does not know yet.
                        let by = actor(&format!("M{thread}-{}", n / 20));
                        ledger.revealed("nothing", &by).unwrap();
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let ledger = bench.open("reader");
            let (mut last, mut seen) = (0, 0);
            loop {
                let ending = over.load(Ordering::SeqCst);
                let before = last;
                ledger
                    .events_since(before, &mut |event| {
                        assert!(event.seq > last);
                        (last, seen) = (event.seq, seen + 1);
                    })
                    .unwrap();
                if ending {
                    return seen;
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
        assert_eq!(reader.join().unwrap(), 240);
    });
}
