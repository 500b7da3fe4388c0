//! Why a stored value may differ: other readings of the recipe that give it.
//!
//! Only tried after a proof failed. Each reading is the recipe's own checksum with one or
//! two keys changed, so what it says can be written back.

use super::compute::crc;
use super::error::Hint;
use super::field::Checksum;
use super::resolve;
use crate::image::{Edits, Endian, Image};
use crate::recipe::{Algorithm, ChecksumSpec, Complement, Kind, Own};

/// Bytes that are read in search of a reason, all tries together.
const EFFORT: u64 = 256 * 1024 * 1024;

/// A reading of the recipe: its lines, and the checksum with them.
type Reading = (Vec<String>, ChecksumSpec);

/// Searches for readings of `spec` that give what `image` stores.
pub(super) fn search(image: &Image, spec: &ChecksumSpec, stored: &[u8]) -> Hint {
    if is_blank(stored) {
        return Hint::Blank;
    }
    let mut effort = EFFORT;
    let tries = readings(spec, stored.len());
    for (lines, reading) in tries {
        let Ok(Some(checksum)) = resolve::checksum(image, &reading, 0) else {
            continue;
        };
        let bytes = checksum.covers.iter().map(|span| span.len()).sum::<u64>();
        let Some(left) = effort.checked_sub(bytes) else {
            break;
        };
        effort = left;
        if gives(image, &checksum, stored) {
            return Hint::Lines(lines);
        }
    }
    Hint::None
}

/// Returns what to try, likeliest first, for a field of `len` bytes.
///
/// One byte fits every 256th reading by chance, so it gets one change only.
fn readings(spec: &ChecksumSpec, len: usize) -> Vec<Reading> {
    let single = keys(spec);
    let mut tries = single.clone();
    if len < 2 {
        return tries;
    }
    for (lines, algorithm) in algorithms(spec) {
        tries.push((lines.clone(), algorithm.clone()));
        // Several algorithms differ by a complement alone: that change says nothing.
        let more = keys(&algorithm).into_iter();
        let more = more.filter(|(_, spec)| spec.complement == algorithm.complement);
        tries.extend(more.map(|(more, spec)| ([lines.clone(), more].concat(), spec)));
    }
    for (lines, one) in single {
        let more = keys(&one).into_iter();
        tries.extend(more.map(|(more, spec)| ([lines.clone(), more].concat(), spec)));
    }
    tries
}

/// Returns whether `checksum` gives `stored`.
fn gives(image: &Image, checksum: &Checksum, stored: &[u8]) -> bool {
    checksum
        .compute(image, &Edits::new())
        .is_ok_and(|value| value == stored)
}

/// Returns `spec` with each one of its keys read another way.
fn keys(spec: &ChecksumSpec) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut add = |line: String, change: &dyn Fn(&mut ChecksumSpec)| {
        let mut other = spec.clone();
        change(&mut other);
        if other != *spec {
            readings.push((vec![line], other));
        }
    };
    match spec.endian {
        Some(Endian::Big) => add("endian = \"little\"".into(), &|spec| spec.endian = None),
        _ => add("endian = \"big\"".into(), &|spec| {
            spec.endian = Some(Endian::Big);
        }),
    }
    for complement in [Complement::None, Complement::Ones, Complement::Twos] {
        add(format!("complement = \"{complement}\""), &|spec| {
            spec.complement = complement;
        });
    }
    for unit in [1, 2, 4] {
        if spec.unit.unwrap_or(1) != unit {
            add(format!("unit = {unit}"), &|spec| spec.unit = Some(unit));
        }
    }
    add("own = \"skip\"".into(), &|spec| spec.own = Own::Skip);
    for byte in [0x00, 0xFF] {
        add(format!("own = {byte:#04x}"), &|spec| {
            spec.own = Own::As(byte)
        });
    }
    for byte in [0x00, 0xFF] {
        if spec.fill.is_some() {
            add(format!("fill = {byte:#04x}"), &|spec| {
                spec.fill = Some(byte)
            });
        }
    }
    for bytes in [-4i64, -2, -1, 1, 2, 4] {
        let Some(last) = spec.over.last() else {
            continue;
        };
        let line = format!("the range {} ending {bytes:+} bytes", last.text);
        add(line, &|spec| {
            if let Some(last) = spec.over.last_mut() {
                last.end.offset = last.end.offset.saturating_add(bytes);
            }
        });
    }
    readings
}

/// Returns `spec` with every other algorithm of its width.
fn algorithms(spec: &ChecksumSpec) -> Vec<Reading> {
    let current = match (&spec.kind, &spec.algorithm) {
        (Kind::Crc, Some(Algorithm::Name(name))) => crc::Crc::named(name),
        (Kind::Crc, Some(Algorithm::Model(model))) => crc::Crc::model(model).ok(),
        _ => None,
    };
    let width = match (&current, spec.kind) {
        (Some(crc), _) => crc.width(),
        (None, Kind::Sum8 | Kind::Xor8) => 8,
        (None, Kind::Sum16 | Kind::Fletcher16) => 16,
        (None, Kind::Sum32 | Kind::Fletcher32 | Kind::Adler32) => 32,
        _ => return Vec::new(),
    };
    let crcs = crc::of_width(width)
        .filter(|name| current.as_ref().is_none_or(|crc| crc.name() != *name))
        .map(|name| {
            let line = format!("kind = \"crc\", algorithm = \"{name}\"");
            (line, Kind::Crc, Some(Algorithm::Name(name.to_owned())))
        });
    let sums = match width {
        8 => &[Kind::Sum8, Kind::Xor8][..],
        16 => &[Kind::Sum16, Kind::Fletcher16],
        32 => &[Kind::Sum32, Kind::Adler32, Kind::Fletcher32],
        _ => &[],
    };
    let sums = sums.iter().filter(|kind| **kind != spec.kind);
    let sums = sums.map(|kind| (format!("kind = \"{kind}\""), *kind, None));
    crcs.chain(sums)
        .map(|(line, kind, algorithm)| {
            let other = ChecksumSpec {
                kind,
                algorithm,
                ..spec.clone()
            };
            (vec![line], other)
        })
        .collect()
}

/// Returns whether a field looks as if nobody wrote it.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    let all = |value: u8| bytes.iter().all(|byte| *byte == value);
    all(0x00) || all(0xFF)
}
