//! A connection that is cut at a chosen moment.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use super::*;

/// Nothing is cut.
const NONE: u8 = 0;
/// COMMIT is not passed on.
const BEFORE: u8 = 1;
/// COMMIT is passed on, its answer is not.
const AFTER: u8 = 2;
/// COMMIT is passed on long after the client was cut off.
const LATE: u8 = 3;
/// Anything but COMMIT is not passed on.
const ANYWHERE: u8 = 4;

/// What COMMIT looks like ("Message Formats", Query).
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Stands between program and server, and cuts one connection when it is armed.
struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(NONE));
        let armed = Arc::clone(&cut);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, armed) = (client.unwrap(), Arc::clone(&armed));
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || pass(from, to));
                std::thread::spawn(move || watch(client, server, &armed));
            }
        });
        Self { port, cut }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 1 << 14];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Passes on what the client says, until the moment to cut has come.
fn watch(mut client: TcpStream, mut server: TcpStream, armed: &AtomicU8) {
    let mut bytes = [0; 1 << 14];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        let said = &bytes[..count];
        let commits = said.windows(COMMIT.len()).any(|part| part == COMMIT);
        let mode = armed.load(Ordering::SeqCst);
        let now = match mode {
            NONE => false,
            ANYWHERE => !commits,
            _ => commits,
        };
        // The keeper's commits go the same way: whichever comes first is cut.
        if now
            && armed
                .compare_exchange(mode, NONE, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            if mode == AFTER {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.write_all(said);
                std::thread::sleep(Duration::from_millis(50));
            }
            if mode == LATE {
                let _ = client.shutdown(Shutdown::Both);
                std::thread::sleep(Duration::from_millis(400));
                let _ = server.write_all(said);
                std::thread::sleep(Duration::from_millis(50));
            }
            break;
        }
        if server.write_all(said).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}

#[test]
fn a_connection_cut_at_any_moment_does_nothing_twice_and_nothing_not_at_all() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let proxy = Proxy::before(cluster.port);
    let bench = OnServer::at(&format!("postgres://eol@127.0.0.1:{}/postgres", proxy.port));
    let mut ledger = stocked(&bench, 100);
    let cuts = [BEFORE, AFTER, LATE, ANYWHERE];
    let mut cut = cuts.iter().cycle();
    let mut arm = || proxy.cut.store(*cut.next().unwrap(), Ordering::SeqCst);
    for n in 0..24 {
        let unit = on_board(&format!("GW{n}"), &format!("u{n}"));
        arm();
        let held = go(&mut ledger, &unit);
        assert_eq!((held.fingerprint(), held.attempt()), (print_of(n), 1));
        if n % 5 == 4 {
            arm();
            ledger.fail(held, &failure(true)).unwrap();
            continue;
        }
        let receipt = receipt(&held);
        if n % 3 == 0 {
            arm();
        }
        let entries = ledger.confirm(&[(held, receipt)]).unwrap();
        assert_eq!(entries[0].record().fingerprint, print_of(n));
        arm();
        let found = ledger.find(&serial(&format!("GW{n}"))).unwrap().unwrap();
        assert_eq!(found.attempt, 1);
        if n % 7 == 0 {
            arm();
            ledger
                .labelled(&serial(&format!("GW{n}")), &actor("L1"))
                .unwrap();
        }
    }
    proxy.cut.store(NONE, Ordering::SeqCst);
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.bound, stock.free), (24, 76));
    let mut events = 0;
    ledger.events_since(0, &mut |_| events += 1).unwrap();
    // One import; each unit claimed and ended once; each label read once.
    assert_eq!(events, 1 + 24 + 24 + 3);
    assert_clean(&ledger);
}

#[test]
fn a_lost_connection_costs_no_claim() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let mut ledger = stocked(&bench, 3);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    // Every session of the run is ended by the server; another station comes first.
    let mut admin = cluster.client();
    let sessions = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE application_name = $1";
    let name = "a_lost_connection";
    let mine = format!("{}?application_name={name}", cluster.url());
    let mut lost = OnServer::at(&mine);
    lost.server.schema = bench.server.schema.clone();
    lost.server.folder.clone_from(&bench.server.folder);
    let mut other = lost.open("L3");
    let taken = go(&mut other, &on_board("GW2", "u2"));
    let ended: i64 = admin.query_one(sessions, &[&name]).unwrap().get(0);
    assert!(ended >= 1);
    let refused = refusal(&mut ledger, &on_board("GW2", "u2"));
    assert!(matches!(refused, Refusal::InWork { station, .. } if station == "L3"));
    // It comes back, and its claim is its own still.
    let proof = receipt(&taken);
    other.confirm(&[(taken, proof)]).unwrap();
    let proof = receipt(&held);
    ledger.confirm(&[(held, proof)]).unwrap();
    assert_clean(&ledger);
}
