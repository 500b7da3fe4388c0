//! What is in this program's memory stays there: keys and tokens are in it.
//!
//! Pages may still be swapped out: locking them all would make allocations fail at the system's
//! limit, in the middle of a unit.

/// Keeps the system from writing this program's memory into a file when it ends badly, and other
/// programs of the same user from looking into it.
///
/// A program that is started begins with the soft limit of 0 and may raise it; the rest is not
/// inherited.
#[cfg(unix)]
pub(crate) fn keep() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    // Neither can fail for a process that lowers what is its own.
    let _ = setrlimit(Resource::Core, limit);
    #[cfg(target_os = "linux")]
    {
        // A handler that cores are piped to gets them whatever the limit is (core(5)).
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Other systems write no such file unless somebody asks for it.
#[cfg(not(unix))]
pub(crate) fn keep() {}
