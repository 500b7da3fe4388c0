//! What the readers of text formats share: pieces of memory, laid out by address.

use super::error::ReadError;
use crate::image::{Address, Format, Parts, Span};

/// Bytes of one record at their addresses.
pub(super) struct Piece {
    pub address: u64,
    pub line: usize,
    pub bytes: Vec<u8>,
}

/// Blank lines and comments say nothing.
pub(super) fn is_remark(line: &[u8]) -> bool {
    matches!(line.first(), None | Some(b';' | b'#'))
}

/// Lays pieces out by address in one buffer.
pub(super) fn join(format: Format, mut pieces: Vec<Piece>) -> Result<Parts, ReadError> {
    pieces.retain(|piece| !piece.bytes.is_empty());
    pieces.sort_by_key(|piece| piece.address);
    let mut decoded: Vec<u8> = Vec::new();
    // For each run: its first address, and where it starts in the buffer.
    let mut runs: Vec<(u64, usize)> = Vec::new();
    let mut next = 0u64;
    for (index, piece) in pieces.iter().enumerate() {
        if runs.is_empty() || piece.address > next {
            runs.push((piece.address, decoded.len()));
            next = piece.address;
        }
        let again = usize::try_from(next - piece.address).unwrap_or(usize::MAX);
        let (known, new) = piece.bytes.split_at(again.min(piece.bytes.len()));
        let from = decoded.len().saturating_sub(again);
        let stored = decoded.iter().skip(from);
        if let Some(at) = known.iter().zip(stored).position(|(a, b)| a != b) {
            let address = piece.address + u64::try_from(at).unwrap_or_default();
            let before = pieces.get(..index).unwrap_or_default();
            let other = before
                .iter()
                .find(|it| {
                    let len = u64::try_from(it.bytes.len()).unwrap_or_default();
                    (it.address..it.address + len).contains(&address)
                })
                .map_or(piece.line, |it| it.line);
            return Err(ReadError::Conflict {
                format,
                address: Address::new(address),
                first: other.min(piece.line),
                second: other.max(piece.line),
            });
        }
        decoded.extend_from_slice(new);
        next += u64::try_from(new.len()).unwrap_or_default();
    }
    let ends = runs.iter().skip(1).map(|run| run.1).chain([decoded.len()]);
    let extents: Vec<_> = runs
        .iter()
        .zip(ends)
        .filter_map(|((address, at), end)| {
            let len = u64::try_from(end.checked_sub(*at)?).ok()?;
            Some((Span::new(Address::new(*address), len)?, *at..end))
        })
        .collect();
    if extents.is_empty() {
        return Err(ReadError::NothingLoaded { format });
    }
    Ok(Parts {
        extents,
        decoded: Some(decoded),
        ..Parts::default()
    })
}

/// Returns `container` with everything masked that a patch changes: in each line for which
/// `head` gives a length, all that stands behind it.
pub(super) fn rest(container: &[u8], head: impl Fn(&[u8]) -> Option<usize>) -> Vec<u8> {
    let mut rest = Vec::with_capacity(container.len());
    for line in container.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        let text = line.trim_ascii();
        let indent = line.len() - line.trim_ascii_start().len();
        let Some(head) = head(text) else {
            rest.extend_from_slice(line);
            continue;
        };
        let masked = indent + head..indent + text.len();
        rest.extend(line.iter().enumerate().map(
            |(at, byte)| {
                if masked.contains(&at) { b'#' } else { *byte }
            },
        ));
    }
    rest
}
