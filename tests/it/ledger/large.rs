//! Figures at one million units. Run on purpose, optimised:
//! `cargo test --release --test it -- --ignored --nocapture ledger::large`

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::sqlite::InFile;
use super::*;

fn size() -> usize {
    let text = std::env::var("EOL_INJECT_UNITS");
    text.map_or(1_000_000, |text| text.parse().unwrap())
}

fn bare(n: usize) -> Row {
    Row {
        picture: None,
        columns: BTreeMap::new(),
        ..row(n)
    }
}

/// Returns the time that this process computed, whatever else the machine does.
fn computed() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // proc_pid_stat(5): utime and stime, in hundredths of a second.
    let ticks: u64 = fields[11..13]
        .iter()
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(10 * ticks)
}

/// Takes `count` units through in groups; returns the time for one, and that computed.
fn run(ledger: &mut Ledger, names: &str, (count, group): (usize, usize)) -> (Duration, Duration) {
    let claims: Vec<Claim> = (0..count)
        .map(|n| claim(&format!("{names}{n:07}")))
        .collect();
    let (began, before) = (Instant::now(), computed());
    for claims in claims.chunks(group) {
        let done: Vec<_> = ledger
            .reserve(claims)
            .unwrap()
            .into_iter()
            .map(|answer| match answer.unwrap() {
                Attempt::Go(held) => {
                    let receipt = receipt(&held);
                    (held, receipt)
                }
                Attempt::Done { .. } => panic!("new"),
            })
            .collect();
        ledger.confirm(&done).unwrap();
    }
    let count = u32::try_from(count).unwrap();
    (began.elapsed() / count, (computed() - before) / count)
}

/// Imports `rows` while another connection writes; returns both times.
fn import(
    bench: &(dyn Bench + Sync),
    rows: std::ops::Range<usize>,
) -> ((Duration, Duration), Duration) {
    let pool = list(rows.map(bare));
    let mut ledger = bench.open("L1");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut other = bench.open("L2");
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                other.revealed("nothing", &actor("L2")).unwrap();
                longest = longest.max(began.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            longest
        });
        let (began, before) = (Instant::now(), computed());
        ledger.import(&pool, &actor("L1")).unwrap();
        let took = (began.elapsed(), computed() - before);
        over.store(true, Ordering::Relaxed);
        (took, other.join().unwrap())
    })
}

#[test]
#[ignore = "takes minutes: run it optimised, on purpose"]
fn a_million_units_cost_little_more_than_none() {
    measure(&InFile::new(), &InFile::new());
}

#[cfg(all(feature = "postgres", unix))]
#[test]
#[ignore = "takes minutes: run it optimised, on purpose"]
fn a_million_units_on_a_server_cost_little_more_than_none() {
    use super::postgres::{OnServer, cluster::Cluster};
    // As a server is: each commit is synced.
    let settings = "fsync = on\nshared_buffers = 512MB\nmax_wal_size = 4GB\n";
    let Some(cluster) = Cluster::own(settings) else {
        return;
    };
    let url = cluster.url();
    measure(&OnServer::at(&url), &OnServer::at(&url));
}

fn measure(full: &(dyn Bench + Sync), empty: &(dyn Bench + Sync)) {
    let size = size();
    let (took, longest) = import(full, 0..size + 100_000);
    println!(
        "import {}: {took:.1?} (wall, computed), others waited {longest:.1?}",
        size + 100_000
    );
    let (took, longest) = import(empty, 0..50_000);
    println!("import 50000: {took:.1?}, others waited {longest:.1?}");
    let mut large = full.open("L1");
    let mut small = empty.open("L1");
    let each = run(&mut large, "F", (size, 1000));
    println!("filling: {each:.1?} (wall, computed) a unit in groups of 1000");
    for round in 0..4 {
        for group in [1, 64] {
            let (one, two) = (format!("A{round}x{group}-"), format!("B{round}x{group}-"));
            let small = run(&mut small, &one, (4096, group));
            let large = run(&mut large, &two, (4096, group));
            println!("groups of {group}: empty {small:.1?}, full {large:.1?} a unit");
        }
    }
    let began = Instant::now();
    large.find(&serial("F0000500")).unwrap().unwrap();
    large.history(&serial("F0000500")).unwrap();
    println!("show: {:.1?}", began.elapsed());
    let began = Instant::now();
    let stock = large.stock().unwrap();
    println!("stock: {:.1?}, {} free", began.elapsed(), stock.free);
    let (began, before) = (Instant::now(), computed());
    let audit = large.audit().unwrap();
    println!(
        "audit of {} events: {:.1?}, computed {:.1?}, {} findings",
        audit.events,
        began.elapsed(),
        computed() - before,
        audit.findings.len()
    );
}
