//! Plain checksums that show themselves by their place: behind what they cover, or in a header
//! that says how long that is.
//!
//! A structure of a vendor says itself what covers what; here only the value does. So nothing counts
//! that fits by chance more often than once in 2^32 tries, and a recipe must spell the field out.

use crate::checksum::compute::digest::Hash;
use crate::checksum::feed::{Piece, filled};
use crate::checksum::finding::{Finding, Formula, Means};
use crate::image::structure::word;
use crate::image::{Address, Edits, Image, Span};
use crate::recipe::Kind;

/// Least bytes that somebody would cover.
const LEAST: u64 = 64;
/// Most bytes of a flash that is filled up.
const MOST: u64 = 16 * 1024 * 1024;
/// Where a header's length may stand, and where what it covers begins at the latest.
const HEADER: u64 = 512;
const PAYLOAD: u64 = 4096;
/// Headers that are tried.
const TRIES: usize = 16;
/// Different bytes that a digest has at least, of 16 and of 32: less is no chance of this world.
const DISTINCT: [usize; 2] = [9, 18];
const ERASED: u8 = 0xFF;

/// What is tried, with its lines in a recipe.
const FORMULAS: [(Formula, &str); 7] = [
    (
        Formula::Crc("CRC-32/ISO-HDLC"),
        "kind = \"crc\", algorithm = \"CRC-32/ISO-HDLC\"",
    ),
    (
        Formula::Crc("CRC-32/MPEG-2"),
        "kind = \"crc\", algorithm = \"CRC-32/MPEG-2\"",
    ),
    (
        Formula::Stm32,
        "kind = \"crc\", algorithm = \"CRC-32/MPEG-2\", unit = 4",
    ),
    (
        Formula::Crc("CRC-32/JAMCRC"),
        "kind = \"crc\", algorithm = \"CRC-32/JAMCRC\"",
    ),
    (
        Formula::Crc("CRC-32/ISCSI"),
        "kind = \"crc\", algorithm = \"CRC-32/ISCSI\"",
    ),
    (
        Formula::Crc("CRC-32/BZIP2"),
        "kind = \"crc\", algorithm = \"CRC-32/BZIP2\"",
    ),
    (
        Formula::Words32,
        "kind = \"sum32\", unit = 4, complement = \"twos\"",
    ),
];

/// Something that may be covered.
struct Region {
    span: Span,
    pieces: Vec<Piece>,
    /// Whether gaps count as erased flash.
    filled: bool,
}

/// Finds plain checksums; `known` are the fields of structures, which are none.
pub(super) fn findings(image: &Image, known: &[Finding]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let candidates = at_ends(image).into_iter().chain(in_headers(image));
    for finding in candidates {
        let taken = |one: &Finding| {
            let mut both = one.at.iter().zip(&finding.at);
            both.any(|(one, other)| one.intersection(*other).is_some())
        };
        if !known.iter().any(taken) && !found.iter().any(taken) {
            found.push(finding);
        }
    }
    found
}

/// Finds what is stored behind all that it covers: at the end of a run, of what is written in it, or
/// of a flash whose gaps are filled.
fn at_ends(image: &Image) -> Vec<Finding> {
    let runs = image.runs();
    let mut found = Vec::new();
    let digests = [
        (Hash::Md5, 16, "kind = \"md5\"", DISTINCT[0]),
        (Hash::Sha256, 32, "kind = \"sha256\"", DISTINCT[1]),
    ];
    for run in &runs {
        let behind = |at: Span, formula, line| {
            let region = whole(*run, at.start())?;
            judged(image, &region, at, formula, line)
        };
        for end in ends(image, *run) {
            for (formula, line) in FORMULAS {
                found.extend(tail(end, 4).and_then(|at| behind(at, formula, line)));
            }
            for (hash, len, line, distinct) in digests {
                let field = tail(end, len).filter(|at| is_digest(image, *at, distinct));
                found.extend(field.and_then(|at| behind(at, Formula::Hash(hash), line)));
            }
        }
    }
    if let [first, .., last] = runs.as_slice()
        && let Some(at) = tail(last.end(), 4)
        && let Some(region) = flash(image, first.start(), at.start())
    {
        for (formula, line) in FORMULAS {
            found.extend(judged(image, &region, at, formula, line));
        }
    }
    found
}

/// Finds what is stored in a header in front, with the length of what it covers.
fn in_headers(image: &Image) -> Vec<Finding> {
    let mut found = Vec::new();
    for run in image.runs() {
        let mut starts: Vec<(Address, Address)> = Vec::new();
        for offset in (0..HEADER.min(run.len())).step_by(4) {
            let length = word(image, run.start(), offset).map_or(0, u64::from);
            for end in ends(image, run) {
                let start = end.get().checked_sub(length).map(Address::new);
                let begins = start.and_then(|start| start.get().checked_sub(run.start().get()));
                let behind = begins.is_some_and(|begins| (offset + 4..=PAYLOAD).contains(&begins));
                if let Some(start) = start.filter(|_| behind && length >= LEAST)
                    && starts.len() < TRIES
                    && !starts.contains(&(start, end))
                {
                    starts.push((start, end));
                }
            }
        }
        for (start, end) in starts {
            let Some(region) = Span::between(start, end).map(plain) else {
                continue;
            };
            for (formula, line) in FORMULAS
                .into_iter()
                .filter(|(it, _)| *it != Formula::Words32)
            {
                found.extend(in_header(image, run, &region, formula, line));
            }
        }
    }
    found
}

/// Looks for the checksum of a region in front of it.
fn in_header(
    image: &Image,
    run: Span,
    region: &Region,
    formula: Formula,
    line: &str,
) -> Option<Finding> {
    let header = Span::between(run.start(), region.span.start())?;
    let first = Span::new(header.start(), 4)?;
    let value = value(image, region, first, formula)?;
    let bytes = image.bytes(header).ok()?;
    let reversed: Vec<u8> = value.iter().rev().copied().collect();
    let index = bytes
        .chunks_exact(4)
        .position(|word| word == value || word == reversed)?;
    let offset = u64::try_from(index).ok()?.checked_mul(4)?;
    let at = Span::new(header.start().checked_add(offset)?, 4)?;
    judged(image, region, at, formula, line)
}

/// Returns the places at which a checksum would end: the run's end, and behind the last word in it
/// that is not erased.
fn ends(image: &Image, run: Span) -> Vec<Address> {
    let mut ends = vec![run.end()];
    let Ok(bytes) = image.bytes(run) else {
        return ends;
    };
    let written = bytes.iter().rposition(|byte| *byte != ERASED);
    let written = written.and_then(|last| u64::try_from(last + 1).ok());
    let written = written.and_then(|len| run.start().checked_add(len.next_multiple_of(4)));
    ends.extend(written.filter(|end| *end < run.end()));
    ends
}

/// Returns the last `len` bytes before `end`.
fn tail(end: Address, len: u64) -> Option<Span> {
    Span::new(Address::new(end.get().checked_sub(len)?), len)
}

/// Returns the region from the start of a run to `end`.
fn whole(run: Span, end: Address) -> Option<Region> {
    Span::between(run.start(), end)
        .filter(|span| span.len() >= LEAST)
        .map(plain)
}

fn plain(span: Span) -> Region {
    Region {
        span,
        pieces: vec![Piece::Stored(span)],
        filled: false,
    }
}

/// Returns a region whose gaps count as erased.
fn flash(image: &Image, start: Address, end: Address) -> Option<Region> {
    let span = Span::between(start, end).filter(|span| (LEAST..=MOST).contains(&span.len()))?;
    Some(Region {
        span,
        pieces: filled(image, span, Some(ERASED)).ok()?,
        filled: true,
    })
}

/// Returns whether bytes look like a digest.
fn is_digest(image: &Image, at: Span, distinct: usize) -> bool {
    image.bytes(at).is_ok_and(|bytes| {
        let known: std::collections::BTreeSet<u8> = bytes.iter().copied().collect();
        known.len() >= distinct
    })
}

fn fed(region: &Region, at: Span, formula: Formula) -> Finding {
    Finding::fed(Kind::Crc, region.pieces.clone(), at, formula)
}

/// Computes a formula over a region, lowest byte first; none for what would mean nothing.
fn value(image: &Image, region: &Region, at: Span, formula: Formula) -> Option<Vec<u8>> {
    let checksum = fed(region, at, formula).checksum(0)?;
    let value = checksum.compute(image, &Edits::new()).ok()?;
    // Of zeros and of erased flash everything is true.
    let empty = value.iter().all(|byte| *byte == 0) || value.iter().all(|byte| *byte == ERASED);
    (!empty).then_some(value)
}

/// Compares a formula with what is stored at `at`, in either byte order.
fn judged(
    image: &Image,
    region: &Region,
    at: Span,
    formula: Formula,
    line: &str,
) -> Option<Finding> {
    let value = value(image, region, at, formula)?;
    let stored = image.bytes(at).ok()?;
    let big = value.iter().rev().eq(stored.iter());
    // A digest has no byte order, and a sum has that of its words.
    let ordered = matches!(formula, Formula::Crc(_) | Formula::Stm32);
    if stored != value && !(big && ordered) {
        return None;
    }
    let (span, place) = (region.span, at.start());
    let mut finding = fed(region, at, formula);
    let mut keys: Vec<String> = line.split(", ").map(str::to_owned).collect();
    if stored != value {
        keys.push("endian = \"big\"".to_owned());
        finding = finding.big_endian();
    }
    keys.push(format!("over = [\"{span}\"]"));
    if region.filled {
        keys.push("fill = 0xff".to_owned());
    }
    keys.push(format!("at = {{ address = {place} }}"));
    let stored = stored.into_owned();
    finding.value = finding.checksum(0).map(|field| field.value(stored));
    let side = if place < span.start() {
        "in the header before it"
    } else {
        "behind it"
    };
    finding.text = format!("image at {}: {} {side}", span.start(), name(formula));
    finding.kind = None;
    finding.right = true;
    finding.means = Means::Recipe(keys);
    Some(finding)
}

/// Names a formula.
const fn name(formula: Formula) -> &'static str {
    match formula {
        Formula::Crc(name) => name,
        Formula::Stm32 => "CRC-32/MPEG-2 by words",
        Formula::Hash(Hash::Md5) => "MD5",
        Formula::Hash(_) => "SHA-256",
        _ => "sum of words",
    }
}
