//! Every error's text and causes, in a snapshot; no variant may be left out.

mod checksum;
mod container;
#[cfg(feature = "probe")]
mod deliver;
mod handoff;
mod image;
mod label;
mod ledger;
mod mes;
mod nvs;
mod patch;
#[cfg(feature = "label")]
mod pool;
mod recipe;
mod slot;
mod witness;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;

/// One sample of an error: its stable name and itself.
pub struct Sample(pub &'static str, pub Box<dyn Error>);

/// Lists the samples as `name: text`, causes indented below.
///
/// Panics when a name of `variants` has no sample.
pub fn listing(variants: &[&str], samples: &[Sample]) -> String {
    let shown: BTreeSet<&str> = samples.iter().map(|sample| sample.0).collect();
    let missing: Vec<_> = variants
        .iter()
        .filter(|name| !shown.contains(**name))
        .collect();
    assert!(missing.is_empty(), "no sample of {missing:?}");
    let mut text = String::new();
    for Sample(name, error) in samples {
        writeln!(text, "{name}: {error}").unwrap();
        let mut cause = error.source();
        while let Some(error) = cause {
            writeln!(text, "    {error}").unwrap();
            cause = error.source();
        }
    }
    text
}
