//! Runs a command of the line's own: a programmer, a hook.
//!
//! It gets what it reads on standard input, never in its environment; it is given a time, and its
//! whole process group is gone when that is over. What leaves that group all the same still holds
//! the locks that the command was given. Nothing here knows what it does.

mod environment;
mod nest;
#[cfg(unix)]
mod tie;

pub use environment::Environment;
pub use nest::Nest;

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How much of an output is kept: its end.
const KEPT: usize = 64 * 1024;

/// How long an output may stay open after its command has ended.
const LINGER: Duration = Duration::from_millis(500);

/// How often an end is looked for.
const POLL: Duration = Duration::from_millis(5);

/// What a command left when it ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// The end of what it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The end of what it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Why a command did not come to an end of its own.
#[derive(Debug)]
pub enum Broken {
    /// It could not be started.
    Start(io::Error),
    /// It was not done in time, and was ended with all that it had started.
    TimedOut {
        /// What it had written by then: standard output, then standard error.
        output: Vec<u8>,
    },
}

/// How a command is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The folder that it works in, and that its own path is relative to.
    pub folder: PathBuf,
    /// How long it may take.
    pub limit: Duration,
    /// What it gets of the environment.
    pub environment: Environment,
}

/// Runs `command` with `input` on its standard input.
///
/// Ctrl-C on the terminal does not reach it: what is under way is finished.
pub fn run(command: &[String], input: &[u8], setting: &Setting) -> Result<Finished, Broken> {
    finish(prepare(command, setting)?, input, setting.limit)
}

/// Runs `command` as [`run`] does, tied to this program: it holds `locks` until it has ended, with
/// all that it started, and dies with the calling thread where the system can do that.
pub fn run_tied(
    command: &[String],
    setting: &Setting,
    locks: &[&File],
) -> Result<Finished, Broken> {
    let mut prepared = prepare(command, setting)?;
    #[cfg(unix)]
    tie::tie(&mut prepared, locks).map_err(Broken::Start)?;
    #[cfg(not(unix))]
    let _ = locks;
    finish(prepared, b"", setting.limit)
}

/// Puts a command together.
fn prepare(command: &[String], setting: &Setting) -> Result<Command, Broken> {
    let (program, args) = command
        .split_first()
        .ok_or_else(|| Broken::Start(io::ErrorKind::InvalidInput.into()))?;
    let folder = match setting.folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => &setting.folder,
    };
    let folder = std::path::absolute(folder).map_err(Broken::Start)?;
    // A bare name is searched for in the path; a relative path starts at the folder.
    let program = match Path::new(program).components().count() {
        1 if !program.starts_with('.') => PathBuf::from(program),
        _ => folder.join(program),
    };
    let mut prepared = Command::new(program);
    prepared
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(passed) = setting.environment.passed() {
        prepared.env_clear().envs(passed);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut prepared, 0);
    Ok(prepared)
}

/// Starts a command and waits for its end.
fn finish(mut prepared: Command, input: &[u8], limit: Duration) -> Result<Finished, Broken> {
    let mut child = prepared.spawn().map_err(Broken::Start)?;
    // Copies of locks that it was to inherit are its alone.
    drop(prepared);
    feed(&mut child, input);
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status = wait(&mut child, limit);
    // What the command started and left behind goes with it.
    kill_group(&child);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let stdout = stdout.recv_timeout(LINGER).unwrap_or_default();
    let stderr = stderr.recv_timeout(LINGER).unwrap_or_default();
    match status {
        Some(status) => Ok(Finished {
            status,
            stdout,
            stderr,
        }),
        None => Err(Broken::TimedOut {
            output: [stdout, stderr].concat(),
        }),
    }
}

/// Writes the input beside the command's work: one that does not read must not block the line.
fn feed(child: &mut Child, input: &[u8]) {
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        thread::spawn(move || {
            // A command may end without reading.
            let _ = stdin.write_all(&input);
        });
    }
}

/// Reads an output to its end, and keeps the last of it.
fn collect(from: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut part = vec![0; 8 * 1024];
        if let Some(mut from) = from {
            while let Ok(read) = from.read(&mut part) {
                if read == 0 {
                    break;
                }
                kept.extend_from_slice(part.get(..read).unwrap_or_default());
                if kept.len() > 2 * KEPT {
                    kept.drain(..kept.len() - KEPT);
                }
            }
        }
        if kept.len() > KEPT {
            kept.drain(..kept.len() - KEPT);
        }
        let _ = sender.send(kept);
    });
    receiver
}

/// Waits for the end, at most for `limit`.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now().checked_add(limit);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            // What cannot be waited for is ended.
            Err(_) => return None,
            Ok(None) => {}
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// Ends every process of the command's group.
fn kill_group(child: &Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // The group is gone already where nothing was left behind.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = child;
}

/// Tells how a command ended.
pub fn ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with exit status {code}"),
        None => "ended without an exit status".to_owned(),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn setting(limit: Duration) -> Setting {
        Setting {
            folder: PathBuf::new(),
            limit,
            environment: Environment::Listed(Vec::new()),
        }
    }

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let done = run(
            &shell("cat; echo two >&2; exit 3"),
            b"one",
            &setting(LINGER * 20),
        )
        .unwrap();
        assert_eq!(done.stdout, b"one");
        assert_eq!(done.stderr, b"two\n");
        assert_eq!(ended(done.status), "ended with exit status 3");
    }

    #[test]
    fn what_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let script = format!(
            "echo begun; (sleep 2; touch '{}') & sleep 60",
            late.display()
        );
        let since = Instant::now();
        let broken = run(&shell(&script), b"", &setting(Duration::from_millis(300))).unwrap_err();
        assert!(matches!(broken, Broken::TimedOut { output } if output == b"begun\n"));
        assert!(since.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_millis(2500));
        assert!(!late.exists());
    }

    #[test]
    fn what_left_its_group_still_holds_the_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = File::create(&path).unwrap();
        lock.try_lock().unwrap();
        let out = folder.path().join("out");
        let script = format!(
            "setsid sh -c 'touch {0}; sleep 1' > /dev/null 2>&1 < /dev/null &
            while [ ! -e {0} ]; do sleep 0.01; done; exit 3",
            out.display()
        );
        let done = run_tied(&shell(&script), &setting(LINGER * 20), &[&lock]).unwrap();
        assert_eq!(done.status.code(), Some(3));
        drop(lock);
        let is_free = || File::open(&path).unwrap().try_lock_shared().is_ok();
        assert!(!is_free());
        thread::sleep(Duration::from_millis(1500));
        assert!(is_free());
    }

    #[test]
    fn a_long_output_keeps_its_end() {
        let done = run(
            &shell("head -c 1000000 /dev/zero | tr '\\0' x; echo end"),
            b"",
            &setting(LINGER * 20),
        )
        .unwrap();
        assert!(done.stdout.len() <= KEPT);
        assert!(done.stdout.ends_with(b"xend\n"));
    }

    #[test]
    fn a_command_that_is_not_there_is_told() {
        let broken = run(&["/nowhere/tool".to_owned()], b"", &setting(LINGER)).unwrap_err();
        assert!(matches!(broken, Broken::Start(_)));
    }
}
