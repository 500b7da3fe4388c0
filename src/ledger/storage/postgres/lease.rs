//! Which runs live.
//!
//! A run is alive while its lease is held: a row that a second connection keeps locked, and that
//! says until when the run is alive without it. So a connection that drops and comes back costs no
//! claim, a stopped process keeps its claims as long as its session stands, and a dead station's
//! claims can be taken when its lease is over. A run that was taken for dead never writes again:
//! `runs.ended` is looked at in each of its transactions.
//!
//! On one computer a lock on a file tells the same at once (see [`runs`](crate::ledger::runs)).

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::link::Link;

const RENEW: &str = "UPDATE leases SET till = clock_timestamp() + make_interval(secs => $2) \
     WHERE run = $1 AND NOT (SELECT ended FROM runs WHERE id = $1)";
const HOLD: &str = "SELECT 1 FROM leases WHERE run = $1 FOR UPDATE";
const PATIENT: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";
const END: &str = "UPDATE runs SET ended = true WHERE id = $1";
const DROP: &str = "DELETE FROM leases WHERE run = $1";

/// How long a run is alive without a word of it. Longer than a lost server is waited for, so that
/// a run gives up before others may take its claims.
pub const LEASE: Duration = Duration::from_secs(60);
/// How long the end of a run may take; its lease ends it otherwise.
const FAREWELL: Duration = Duration::from_secs(2);

/// Keeps a run's lease until it is dropped.
pub struct Keeper {
    stop: Option<Sender<()>>,
    stopped: Receiver<()>,
}

impl Keeper {
    /// Starts to keep the lease of `run`, which was just made for `lease`.
    pub fn start(link: Link, run: String, lease: Duration) -> Self {
        let (stop, told) = mpsc::channel();
        let (done, stopped) = mpsc::channel();
        thread::spawn(move || {
            keep(link, &run, lease, &told);
            // Nobody may wait any more.
            let _ = done.send(());
        });
        Self {
            stop: Some(stop),
            stopped,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.stopped.recv_timeout(FAREWELL);
    }
}

/// Renews and holds in turn until told to stop, then ends the run.
fn keep(mut link: Link, run: &str, lease: Duration, told: &Receiver<()>) {
    let beat = lease / 6;
    loop {
        let held = hold(&mut link, run, lease, (told, beat));
        match held {
            Ok(Some(RecvTimeoutError::Timeout)) => {}
            // Told to stop, or taken for dead.
            Ok(Some(RecvTimeoutError::Disconnected)) | Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "the lease is not renewed");
                link.lose();
                // Soon: the lease is running out.
                if told.recv_timeout(beat / 4) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        }
    }
    if let Err(error) = end(&mut link, run) {
        tracing::debug!(%error, "the run ends with its lease");
    }
}

/// Renews the lease and holds its row for one beat; `None` when the run was taken for dead.
///
/// The lock is let go of at each beat: a transaction that stays open for a shift would keep the
/// server from clearing dead rows away.
fn hold(
    link: &mut Link,
    run: &str,
    lease: Duration,
    (told, beat): (&Receiver<()>, Duration),
) -> Result<Option<RecvTimeoutError>, postgres::Error> {
    let (client, _) = link.connected()?;
    if client.execute(RENEW, &[&run, &lease.as_secs_f64()])? == 0 {
        return Ok(None);
    }
    let mut transaction = client.transaction()?;
    // A process that is stopped keeps its lease as long as its connection stands.
    transaction.batch_execute(PATIENT)?;
    transaction.query(HOLD, &[&run])?;
    let woken = told.recv_timeout(beat).err();
    transaction.commit()?;
    Ok(woken)
}

/// Ends a run: its claims can be taken from now on.
///
/// It waits for a transaction of the run whose end is not known.
fn end(link: &mut Link, run: &str) -> Result<(), postgres::Error> {
    let (client, _) = link.connected()?;
    let mut transaction = client.transaction()?;
    transaction.execute(END, &[&run])?;
    transaction.execute(DROP, &[&run])?;
    transaction.commit()
}

/// Returns what tells whether two runs see the same file locks: one folder of one running kernel.
///
/// Locks in a shared folder count only for programs that one kernel runs, and a path may lead
/// elsewhere in a container; a boot has a number that no other has, whatever was cloned
/// (`random(4)`). `None` where there is no such number.
#[cfg(unix)]
pub fn place(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let folder = std::fs::metadata(folder).ok()?;
    Some(format!(
        "{} {:x} {:x}",
        boot.trim(),
        folder.dev(),
        folder.ino()
    ))
}

/// Other systems have no such number: there the lease alone tells.
#[cfg(not(unix))]
pub fn place(_: &Path) -> Option<String> {
    None
}
