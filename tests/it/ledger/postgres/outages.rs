//! Servers that stop, crash, and are replaced in the middle of a shift.

use eol_inject::ledger::StorageError;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::cluster::wait_for;
use super::*;
use crate::ledger::shift::{Chance, check, work};
use crate::support::times;

/// Runs a shift of eight stations, and `outage` again and again meanwhile.
fn shift_with(bench: &OnServer, units: usize, mut outage: impl FnMut(&mut Chance) + Send) {
    let boards = tempfile::tempdir().unwrap();
    drop(stocked(bench, units + 50));
    let over = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let stations: Vec<_> = (0..8)
            .map(|n| {
                let boards = boards.path();
                scope.spawn(move || {
                    let mut ledger = bench.open(&format!("L{n}"));
                    let mut chance = Chance(0x9e37_79b9 + n);
                    work(&mut ledger, (boards, units), &mut chance);
                })
            })
            .collect();
        let trouble = scope.spawn(|| {
            let mut chance = Chance(0x1234_5677);
            while !over.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(200 + chance.below(400) as u64));
                if !over.load(Ordering::SeqCst) {
                    outage(&mut chance);
                }
            }
        });
        let ended: Vec<_> = stations.into_iter().map(|station| station.join()).collect();
        over.store(true, Ordering::SeqCst);
        trouble.join().unwrap();
        assert!(ended.iter().all(Result::is_ok), "a station gave up");
    });
    println!("{units} units: {:.1?}", began.elapsed());
    check(bench, boards.path(), units);
}

#[test]
fn a_server_that_is_stopped_and_started_again_costs_nothing() {
    let Some(cluster) = Cluster::own("") else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let kills = times(4, 1);
    let mut left = kills;
    shift_with(&bench, times(250, 120), |_| {
        if left > 0 {
            left -= 1;
            cluster.stop();
            std::thread::sleep(Duration::from_millis(300));
            cluster.start();
        }
    });
    assert!(left < kills);
}

#[test]
fn a_server_that_is_killed_costs_nothing() {
    let Some(cluster) = Cluster::own("") else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let kills = times(4, 1);
    let mut left = kills;
    shift_with(&bench, times(250, 120), |_| {
        if left > 0 {
            left -= 1;
            cluster.kill();
            cluster.start();
        }
    });
    assert!(left < kills);
}

/// Killing a session's process makes the server end all of them, and recover.
#[test]
fn sessions_that_are_killed_at_any_moment_cost_nothing() {
    let Some(cluster) = Cluster::own("") else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let url = cluster.url();
    let (mut killed, mut ended) = (0, 0);
    shift_with(&bench, times(250, 120), |chance| {
        let Ok(mut admin) = ::postgres::Client::connect(&url, ::postgres::NoTls) else {
            return;
        };
        let busy = "SELECT pid FROM pg_stat_activity WHERE application_name = 'eol-inject' \
                    AND state = 'active'";
        // The very moment counts: one that is in a commit is looked for.
        let commit = "SELECT pid FROM pg_stat_activity WHERE application_name = 'eol-inject' \
                      AND query ILIKE 'commit%' AND state = 'active'";
        let mut pids = Vec::new();
        for _ in 0..50 {
            pids = admin.query(commit, &[]).unwrap_or_default();
            if !pids.is_empty() {
                break;
            }
        }
        if pids.is_empty() {
            pids = admin.query(busy, &[]).unwrap_or_default();
        }
        let Some(row) = pids.first() else { return };
        if chance.below(3) == 0 && killed < 5 {
            cluster.kill_backend(row.get(0));
            killed += 1;
        } else if ended < 40 {
            let pid: i32 = row.get(0);
            let _ = admin.execute("SELECT pg_terminate_backend($1)", &[&pid]);
            ended += 1;
        }
    });
    assert!(killed + ended > 3, "{killed} killed, {ended} ended");
}

/// A commit waits for the standby: what a station heard of is there after the failover.
#[test]
fn a_standby_takes_over_in_the_middle_of_a_shift() {
    let settings = "synchronous_standby_names = 'spare'\nsynchronous_commit = off\n\
                    wal_level = replica\nmax_wal_senders = 4\n";
    let Some(primary) = Cluster::own("wal_level = replica\nmax_wal_senders = 4\n") else {
        return;
    };
    let spare = primary.standby("spare");
    spare.start();
    primary.set(settings);
    let mut admin = primary.client();
    admin.execute("SELECT pg_reload_conf()", &[]).unwrap();
    wait_for("the standby to be synchronous", || {
        let sync = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        !admin.query(sync, &[]).unwrap().is_empty()
    });
    let (one, two) = (primary.port, spare.port);
    let bench = OnServer::at(&format!(
        "postgres://eol@127.0.0.1:{one},127.0.0.1:{two}/postgres"
    ));
    let mut failed_over = false;
    shift_with(&bench, times(250, 120), |_| {
        if !failed_over {
            primary.kill();
            std::thread::sleep(Duration::from_millis(500));
            spare.promote();
            failed_over = true;
        }
    });
    assert!(failed_over);
}

/// The sessions ask for it themselves: the server's own setting may be weaker.
#[test]
fn every_session_waits_for_its_commits() {
    let Some(cluster) = Cluster::own("synchronous_commit = off\nwal_writer_delay = 10s\n") else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let mut ledger = bench.open("L1");
    let mut admin = cluster.client();
    // Now and then the server writes something of its own in between.
    let flushed = "SELECT pg_current_wal_insert_lsn() = pg_current_wal_flush_lsn()";
    let mut all = 0;
    for _ in 0..20 {
        ledger.revealed("nothing", &actor("L1")).unwrap();
        all += u32::from(admin.query_one(flushed, &[]).unwrap().get::<_, bool>(0));
    }
    assert!(all > 15, "{all} of 20 commits were flushed");
}

#[test]
fn a_server_that_stays_away_is_told_and_the_unit_in_hand_resumes() {
    let Some(cluster) = Cluster::own("") else {
        return;
    };
    let mut bench = OnServer::at(&cluster.url());
    bench.server.patience = Duration::from_secs(1);
    let mut ledger = stocked(&bench, 3);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    let print = held.fingerprint();
    cluster.stop();
    let proof = receipt(&held);
    let error = ledger.confirm(&[(held, proof)]).unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Storage(StorageError::Unreachable { seconds: 1, .. })
        ),
        "{error}"
    );
    drop(ledger);
    cluster.start();
    // Its run could not say goodbye; its file lock is gone, so it is known to be dead.
    let mut ledger = bench.open("L2");
    let again = go(&mut ledger, &on_board("GW1", "u1"));
    assert_eq!((again.fingerprint(), again.attempt()), (print, 2));
    assert_clean(&ledger);
}

/// Labels that take the server away when the second group gets them.
#[cfg(feature = "label")]
struct Outage<'c> {
    cluster: &'c Cluster,
    put: AtomicUsize,
}

#[cfg(feature = "label")]
impl eol_inject::label::Labels for Outage<'_> {
    fn put(&self, _: &eol_inject::ledger::Entry) -> Result<bool, eol_inject::label::LabelError> {
        if self.put.fetch_add(1, Ordering::SeqCst) == 3 {
            self.cluster.kill();
        }
        Ok(true)
    }
}

#[cfg(feature = "label")]
#[test]
fn a_batch_that_loses_its_server_tells_of_every_unit_that_was_recorded() {
    assert!(
        (0..3).any(|_| all_told()),
        "units were recorded and not told"
    );
}

#[cfg(feature = "label")]
fn all_told() -> bool {
    use std::ops::ControlFlow;

    use eol_inject::image::{Address, Hint, Image};
    use eol_inject::line::batch::Batch;
    use eol_inject::master::Master;
    use eol_inject::recipe::Recipe;
    use eol_inject::target::{Folder, Sync};

    let Some(cluster) = Cluster::own("") else {
        return true;
    };
    let mut bench = OnServer::at(&cluster.url());
    bench.server.patience = Duration::from_millis(300);
    let mut ledger = stocked(&bench, 300);
    let text = "product = \"GW-100\"\n[image]\nfile = \"a.bin\"\n\
                [[slot]]\nvalue = \"auth-token\"\naddress = 16\nsize = 40\n";
    let recipe = Recipe::parse(text, ".".as_ref()).unwrap();
    let base = Some(Address::new(0));
    let hint = Hint {
        base,
        ..Hint::default()
    };
    let master = Master::prove(Image::read(vec![0; 64], hint).unwrap(), &recipe).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = Folder::new(folder.path(), "bin", Sync::Written);
    let mut told = std::collections::BTreeSet::new();
    let error = Batch {
        master: &master,
        ledger: &mut ledger,
        target: &target,
        labels: &Outage {
            cluster: &cluster,
            put: AtomicUsize::new(0),
        },
        workers: 2,
    }
    .run(
        &mut (0..200).map(|n| claim(&format!("GW{n:03}"))),
        &mut |outcome| {
            outcome.result.unwrap();
            told.insert(outcome.serial.to_string());
            ControlFlow::Continue(())
        },
    );
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Storage(StorageError::Unreachable { .. })
        ),
        "{error}"
    );
    drop(ledger);
    cluster.start();
    let mut recorded = std::collections::BTreeSet::new();
    bench
        .inspect()
        .units(&mut |unit| {
            if unit.state != eol_inject::ledger::UnitState::Reserved {
                recorded.insert(unit.serial.to_string());
            }
        })
        .unwrap();
    assert!(recorded.len() > 3, "{recorded:?}");
    assert!(told.is_subset(&recorded), "{told:?}");
    // Of a commit whose answer was lost nobody can tell; that is none twice in a row.
    told == recorded
}
