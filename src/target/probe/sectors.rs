//! What the sectors of a board hold, what they shall hold, and what that takes.
//!
//! Bytes only; nothing here talks to a target.

use zeroize::Zeroizing;

use super::error::{BoardFault, ProbeFault};
use super::map::Sector;
use super::saved_sectors::SavedSectors;
use crate::image::{Address, Edits, Image, Span};
use crate::master::Master;
use crate::seal::Sealed;
use crate::target::{Holds, holds};

/// Secret or not, bytes of a board.
pub type Bytes = Zeroizing<Vec<u8>>;

/// A sector of a board, as it was read.
#[derive(Debug)]
pub struct Part {
    pub sector: Sector,
    /// Its bytes, or the first address that could not be read.
    pub found: Result<Bytes, Address>,
}

/// Returns what was read at the Master's slots and checksums.
pub fn values(master: &Master, parts: &[Part]) -> Result<Edits, Address> {
    let mut read = Edits::new();
    for part in parts {
        let bytes = part.found.as_ref().map_err(|at| *at)?;
        for change in master.changes() {
            if let Some(inside) = change.intersection(part.sector.span) {
                read.put(inside.start(), cut(part.sector.span, bytes, inside));
            }
        }
    }
    Ok(read)
}

/// Proves that the sectors are those of a board with the shared firmware: every byte outside slots
/// and checksums, and in these what the Master gives, for the blank image or for a token.
pub fn check(master: &Master, parts: &[Part]) -> Result<(), ProbeFault> {
    for part in parts {
        if let Some(at) = foreign(master, part) {
            return Err(ProbeFault::Board(BoardFault::Firmware { at }));
        }
    }
    let read =
        values(master, parts).map_err(|at| ProbeFault::Board(BoardFault::Firmware { at }))?;
    match holds::judge(master, &read) {
        Holds::Token(_) => Ok(()),
        Holds::Blank => blank(master.image(), &read),
        Holds::Torn { at, .. } | Holds::Foreign { at } | Holds::Unreadable { at } => {
            Err(ProbeFault::Board(BoardFault::Values { at }))
        }
    }
}

/// Proves that slots and checksums hold what the shared image stores there.
fn blank(image: &Image, read: &Edits) -> Result<(), ProbeFault> {
    for (span, found) in read.parts() {
        let stored = image.bytes(span)?;
        if let Some(at) = span.difference(found, &stored) {
            return Err(ProbeFault::Board(BoardFault::Values { at }));
        }
    }
    Ok(())
}

/// Returns the first byte outside slots and checksums that is not what the Master stores.
fn foreign(master: &Master, part: &Part) -> Option<Address> {
    let bytes = match &part.found {
        Ok(bytes) => bytes,
        Err(at) => return Some(*at),
    };
    let image = master.image();
    let stored = image.stored_within(part.sector.span).collect();
    let same = Span::outside(stored, master.changes());
    same.into_iter().find_map(|span| {
        let stored = image.bytes(span).ok()?;
        span.difference(cut(part.sector.span, bytes, span), &stored)
    })
}

/// Returns the bytes that the board has of its own: those that the Master does not store.
///
/// After a cut they are in `saved` only. A program can but clear bits of them without erasing the
/// Master's bytes beside them, so what has other bits set than `saved` is what the cut left.
pub fn own(master: &Master, parts: &[Part], saved: Option<&SavedSectors>) -> Edits {
    let mut own = Edits::new();
    for part in parts {
        let span = part.sector.span;
        let runs = Span::outside(vec![span], master.image().stored_within(span));
        let now = |run: Span| match &part.found {
            Ok(bytes) => Zeroizing::new(cut(span, bytes, run).to_vec()),
            Err(_) => filled(run, part.sector.erased),
        };
        let then = |run: Span, saved: &SavedSectors| saved.own.bytes(run, part.sector.erased);
        let torn = saved.is_some_and(|saved| {
            foreign(master, part).is_some()
                || runs.iter().any(|run| {
                    let (now, then) = (now(*run), then(*run, saved));
                    now.iter()
                        .zip(then.iter())
                        .any(|(now, then)| now & then != *now)
                })
        });
        for run in runs {
            match saved.filter(|_| torn) {
                Some(saved) => own.put(run.start(), &then(run, saved)),
                None => own.put(run.start(), &now(run)),
            }
        }
    }
    own
}

/// Returns the first byte of `own` that is not erased.
pub fn written(own: &Edits, erased: u8) -> Option<Address> {
    own.iter().find_map(|(start, bytes)| {
        let at = bytes.iter().position(|byte| *byte != erased)?;
        start.checked_add(u64::try_from(at).ok()?)
    })
}

/// Returns what a sector of the unit shall hold.
pub fn wanted(sealed: &Sealed<'_>, sector: Sector, own: &Edits) -> Result<Bytes, ProbeFault> {
    let image = sealed.master().image();
    let mut bytes = filled(sector.span, sector.erased);
    for stored in image.stored_within(sector.span) {
        let from = offset(sector.span, stored.start());
        for (old, new) in bytes.iter_mut().skip(from).zip(image.bytes(stored)?.iter()) {
            *old = *new;
        }
    }
    sealed.edits().apply(sector.span, &mut bytes);
    own.apply(sector.span, &mut bytes);
    Ok(bytes)
}

/// What is to be done to a board's sectors.
#[derive(Default)]
pub struct Work {
    /// Sectors that are erased and written whole.
    pub erase: Vec<(Sector, Bytes)>,
    /// Bytes that are programmed where all that changes is erased still.
    pub blank: Vec<(Address, Bytes)>,
}

/// Plans the way to `wanted`, the content of each of `parts`.
pub fn plan(parts: &[Part], wanted: &[Bytes], programs_blank: bool) -> Work {
    let mut work = Work::default();
    for (part, wanted) in parts.iter().zip(wanted) {
        let sector = part.sector;
        let Ok(found) = &part.found else {
            work.erase.push((sector, wanted.clone()));
            continue;
        };
        let pairs = || found.iter().zip(wanted.iter());
        let differing = |(found, wanted): (&u8, &u8)| found != wanted;
        let Some(first) = pairs().position(differing) else {
            continue;
        };
        let last = pairs().rposition(differing).unwrap_or(first);
        let mut changed = pairs().filter(|(found, wanted)| found != wanted);
        if !programs_blank || !changed.all(|(found, _)| *found == sector.erased) {
            work.erase.push((sector, wanted.clone()));
            continue;
        }
        // Whole words: the smallest unit of the flashes that can do this.
        let (from, to) = (first & !3, (last | 3).saturating_add(1));
        let start = u64::try_from(from)
            .ok()
            .and_then(|from| sector.span.start().checked_add(from));
        if let (Some(start), Some(bytes)) = (start, wanted.get(from..to.min(wanted.len()))) {
            work.blank.push((start, Zeroizing::new(bytes.to_vec())));
        }
    }
    work
}

/// Returns the bytes at `inside`, out of those at `span`.
fn cut(span: Span, bytes: &[u8], inside: Span) -> &[u8] {
    let from = offset(span, inside.start());
    let len = usize::try_from(inside.len()).unwrap_or(0);
    bytes
        .get(from..from.saturating_add(len))
        .unwrap_or_default()
}

fn offset(span: Span, at: Address) -> usize {
    let offset = at.get().saturating_sub(span.start().get());
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn filled(span: Span, byte: u8) -> Bytes {
    Zeroizing::new(vec![byte; usize::try_from(span.len()).unwrap_or(0)])
}
