//! Where the fixtures are.

use std::path::Path;

/// The fixtures, as they are committed.
pub fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}
