//! What the readers of text formats share: pieces of memory, laid out by address.

use super::error::ReadError;
use crate::image::{Address, Beside, Format, Parts, Span};

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

/// Returns the lines without blanks around them, numbered from 1.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut number = 1;
    let mut last = 0;
    let mut numbered = move |line: &[u8], end: Option<u8>| {
        // LF right behind CR ends no further line.
        let ghost = line.is_empty() && last == b'\r' && end == Some(b'\n');
        let this = number;
        number += usize::from(!ghost);
        last = end.unwrap_or_default();
        this
    };
    bytes
        .split_inclusive(|byte| matches!(byte, b'\r' | b'\n'))
        .map(move |line| {
            let (text, end) = match line {
                [text @ .., end @ (b'\r' | b'\n')] => (text, Some(*end)),
                text => (text, None),
            };
            (numbered(text, end), text.trim_ascii())
        })
}

/// Returns whether the first line with something to say is `mark` and that many digits.
pub(super) fn starts_with_record(bytes: &[u8], mark: u8, digits: usize) -> bool {
    let first = lines(bytes).find(|(_, line)| !is_remark(line));
    let digits = first.and_then(|(_, line)| line.strip_prefix(&[mark])?.get(..digits));
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Lays pieces out by address in one buffer, and keeps what of `container` no patch changes: all
/// but what stands behind the length that `head` gives for a line.
pub(super) fn join(
    format: Format,
    mut pieces: Vec<Piece>,
    container: &[u8],
    head: impl Fn(&[u8]) -> Option<usize>,
) -> Result<Parts, ReadError> {
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
        beside: Beside {
            rest: Some(rest(container, head).into()),
            ..Beside::default()
        },
        ..Parts::default()
    })
}

/// Returns `container` with everything masked that a patch changes: in each line for which
/// `head` gives a length, all that stands behind it.
fn rest(container: &[u8], head: impl Fn(&[u8]) -> Option<usize>) -> Vec<u8> {
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
