//! Which runs live, seen from another computer: one that sees none of their file locks.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use eol_inject::ledger::{Seated, StorageError, Target};

use super::cluster::wait_for;
use super::*;

const PLACE: &str = "EOL_INJECT_TEST_LEASE";
const NAMELESS: &str = "EOL_INJECT_TEST_LEASE_NAMELESS";

/// A claim by a programmer that cannot tell boards apart.
fn nameless(text: &str) -> Claim {
    Claim {
        target: Target::Program,
        ..claim(text)
    }
}

/// The same ledger from a computer of its own.
fn elsewhere(bench: &OnServer) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = bench.server.clone();
    server.base = folder.path().join("line");
    (server, folder)
}

fn admin(bench: &OnServer) -> ::postgres::Client {
    let mut client = Cluster::shared().unwrap().client();
    let path = format!("SET search_path = {}", bench.schema());
    client.batch_execute(&path).unwrap();
    client
}

/// What the child does; nothing in a normal run.
#[test]
fn the_other_process() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let mut ledger = open_from(&place, "L2");
    let unit = match std::env::var(NAMELESS) {
        Ok(_) => nameless("GW1"),
        Err(_) => on_board("GW1", "u1"),
    };
    let _held = go(&mut ledger, &unit);
    println!("ready");
    std::thread::sleep(std::time::Duration::from_secs(600));
}

fn spawn(bench: &OnServer) -> Child {
    spawn_with(bench, &[])
}

fn spawn_with(bench: &OnServer, environment: &[(&str, &str)]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .envs(environment.iter().copied())
        .args([
            "ledger::postgres::leases::the_other_process",
            "--exact",
            "--nocapture",
        ])
        .env(PLACE, bench.place().strip_prefix("postgres ").unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains("ready")));
    child
}

const EXPIRE: &str = "UPDATE leases SET till = clock_timestamp() - interval '1 s' \
     WHERE run = (SELECT run FROM units WHERE serial = 'GW1')";
/// The same without a wait for whoever holds the row: its time is made to have passed.
const HELD: &str = "SELECT count(*) FROM (SELECT 1 FROM leases \
     WHERE run = (SELECT run FROM units WHERE serial = 'GW1') FOR UPDATE SKIP LOCKED) free";

/// Returns whether somebody holds the lease; a run that just began does so a moment later.
fn is_held(admin: &mut ::postgres::Client) -> bool {
    admin.query_one(HELD, &[]).unwrap().get::<_, i64>(0) == 0
}

#[test]
fn a_dead_stations_claim_is_taken_when_its_lease_is_over_and_not_before() {
    let Some(bench) = OnServer::new() else { return };
    drop(stocked(&bench, 3));
    let mut child = spawn(&bench);
    let (server, _folder) = elsewhere(&bench);
    let mut other = Postgres::open(&server, &scope(), identity("L1")).unwrap();
    let unit = on_board("GW1", "u1");
    assert!(matches!(refusal(&mut other, &unit), Refusal::InWork { .. }));
    // It holds its lease itself: not even its time being over would make it dead.
    let mut admin = admin(&bench);
    wait_for("the lease", || is_held(&mut admin));
    child.kill().unwrap();
    child.wait().unwrap();
    // Nobody else on its own computer waits: the file lock tells. Others wait for the lease.
    assert!(matches!(refusal(&mut other, &unit), Refusal::InWork { .. }));
    assert_eq!(bench.open("L3").open_claims("L2").unwrap(), [serial("GW1")]);
    admin.execute(EXPIRE, &[]).unwrap();
    let taken = go(&mut other, &unit);
    assert_eq!((taken.attempt(), taken.fingerprint()), (2, print_of(0)));
    assert_clean(&other);
}

/// A stopped process, or one whose network is slow, is silent for longer than its lease.
#[test]
fn a_silent_run_keeps_its_claim_as_long_as_its_session_stands() {
    let Some(bench) = OnServer::new() else { return };
    drop(stocked(&bench, 3));
    let mut child = spawn(&bench);
    let pid = child.id().to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    };
    let mut admin = admin(&bench);
    wait_for("the lease", || is_held(&mut admin));
    signal("-STOP");
    // Its keeper stands still with the row in hand; the time passes by decree of who may do so.
    assert!(is_held(&mut admin), "a stopped run holds its lease");
    let (server, _folder) = elsewhere(&bench);
    let mut other = Postgres::open(&server, &scope(), identity("L1")).unwrap();
    let unit = on_board("GW1", "u1");
    assert!(matches!(refusal(&mut other, &unit), Refusal::InWork { .. }));
    signal("-CONT");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Sessions of those who have, or had, a lease of this ledger.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks \
     WHERE relation = 'leases'::regclass AND pid <> pg_backend_pid()";

/// The server lets go of a station that stands still, and of its lease; its programmer may have
/// written the board by then, and boards have no numbers here.
#[test]
fn a_stopped_stations_claim_in_doubt_gets_onto_no_board_by_itself() {
    let Some(bench) = OnServer::new() else { return };
    drop(stocked(&bench, 3));
    let mut child = spawn_with(&bench, &[(NAMELESS, "1")]);
    let pid = child.id().to_string();
    let mut admin = admin(&bench);
    wait_for("the lease", || is_held(&mut admin));
    let stopped = Command::new("kill").args(["-STOP", &pid]).status().unwrap();
    assert!(stopped.success());
    admin.query(END_SESSIONS, &[]).unwrap();
    wait_for("the end of its session", || !is_held(&mut admin));
    admin.execute(EXPIRE, &[]).unwrap();
    let (server, _folder) = elsewhere(&bench);
    let mut other = Postgres::open(&server, &scope(), identity("L1")).unwrap();
    assert_eq!(other.open_claims("L2").unwrap(), []);
    let blank = nameless("GW1");
    assert!(matches!(
        refusal(&mut other, &blank),
        Refusal::InDoubt { .. }
    ));
    let another = Claim {
        seated: Seated::Shows(print_of(1)),
        ..nameless("GW1")
    };
    assert!(matches!(
        refusal(&mut other, &another),
        Refusal::InDoubt { .. }
    ));
    let file = refusal(&mut other, &claim("GW1"));
    assert!(matches!(file, Refusal::InDoubt { .. }));
    let own = Claim {
        seated: Seated::Shows(print_of(0)),
        ..nameless("GW1")
    };
    assert_eq!(go(&mut other, &own).attempt(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_clean(&other);
}

#[test]
fn a_run_that_was_taken_for_dead_never_writes_again() {
    let Some(bench) = OnServer::new() else { return };
    let mut ledger = stocked(&bench, 3);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    let run = ledger.find(&serial("GW1")).unwrap().unwrap().run;
    let mut admin = admin(&bench);
    admin
        .execute("UPDATE runs SET ended = true WHERE id = $1", &[&run])
        .unwrap();
    let (server, _folder) = elsewhere(&bench);
    let mut other = Postgres::open(&server, &scope(), identity("L2")).unwrap();
    let taken = go(&mut other, &on_board("GW1", "u1"));
    assert_eq!(taken.attempt(), 2);
    let proof = receipt(&held);
    let error = ledger.confirm(&[(held, proof)]).unwrap_err();
    assert!(
        matches!(error, LedgerError::Storage(StorageError::Overtaken)),
        "{error}"
    );
    let error = ledger.reserve(&[claim("GW2")]).unwrap_err();
    assert!(
        matches!(error, LedgerError::Storage(StorageError::Overtaken)),
        "{error}"
    );
    let proof = receipt(&taken);
    other.confirm(&[(taken, proof)]).unwrap();
    assert_clean(&other);
}
