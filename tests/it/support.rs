//! Where the fixtures are.

use std::path::Path;

/// The fixtures, as they are committed.
pub fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

/// Returns whether the long sweeps are wanted whole, as `.ci/run` wants them: `EOL_INJECT_SWEEPS=1`. Says once
/// that they are left out where not.
#[cfg(any(feature = "sqlite", feature = "sim"))]
pub fn whole() -> bool {
    static SAID: std::sync::Once = std::sync::Once::new();
    let whole = std::env::var_os("EOL_INJECT_SWEEPS").is_some();
    if !whole {
        // Straight to the terminal: the test harness keeps `eprintln!` of passing tests.
        SAID.call_once(|| {
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "\n*** LEFT OUT: most cuts, outages and random cases of the long sweeps: \
                 EOL_INJECT_SWEEPS=1 tries them all ***\n"
            );
        });
    }
    whole
}

/// Returns how often something is tried: `all` in a whole sweep, else `few`.
#[cfg(any(feature = "sqlite", feature = "sim"))]
pub fn times(all: usize, few: usize) -> usize {
    if whole() { all } else { few }
}
