//! Ties a command to who started it. The only unsafe code of this package, with its proof.
//!
//! The command inherits descriptors whose file locks it holds until it has ended, with all that it
//! started; and it dies with its parent, where the system can do that.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::io::FdFlags;

/// Makes `command` hold `locks` as long as it lives, and die with the calling thread.
///
/// The system ties a death signal to the thread that starts the command (`prctl(2)`,
/// `PR_SET_PDEATHSIG`): it must wait for the command's end.
#[expect(
    unsafe_code,
    reason = "std offers no other way to hand a descriptor on"
)]
pub fn tie(command: &mut Command, locks: &[&File]) -> io::Result<()> {
    let locks: Vec<File> = locks
        .iter()
        .map(|lock| lock.try_clone())
        .collect::<io::Result<_>>()?;
    #[cfg(target_os = "linux")]
    let parent = rustix::process::getpid();
    let between = move || -> io::Result<()> {
        for lock in &locks {
            rustix::io::fcntl_setfd(lock, FdFlags::empty())?;
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Signal, getppid, set_parent_process_death_signal};
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // A parent that died before the call sends no signal any more.
            if getppid() != Some(parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe work is allowed (`CommandExt::pre_exec`,
    // signal-safety(7)). The closure makes the system calls fcntl, prctl and getppid, which are
    // that; it reads a vector made before the fork; it neither allocates nor locks nor panics, and
    // its errors are bare numbers. What it changes, descriptor flags and the death signal, is the
    // child's own.
    unsafe {
        command.pre_exec(between);
    }
    Ok(())
}
