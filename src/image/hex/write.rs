//! Intel HEX written: what a converted image consists of, and records for an image that has others.

use std::borrow::Cow;

use super::super::{Address, Image, records};

/// Data bytes of a record, as linkers write them.
const RECORD: u64 = 16;
/// Addresses from one linear base to the next.
const BASE: u64 = 64 * 1024;

/// Writes data records, and those of type 04 that their addresses need.
///
/// `base` is the upper half of the address that counts so far, if one does.
pub(crate) fn data(text: &mut Vec<u8>, base: &mut Option<u64>, start: Address, bytes: &[u8]) {
    let mut rest = bytes;
    let mut at = start.get();
    while !rest.is_empty() {
        if *base != Some(at / BASE) {
            *base = Some(at / BASE);
            let upper = u16::try_from(at / BASE).unwrap_or(u16::MAX);
            record(text, 4, 0, &upper.to_be_bytes());
        }
        // Records end at multiples of their length, so none crosses a base.
        let len = usize::try_from(RECORD - at % RECORD).unwrap_or(1);
        let (data, behind) = rest.split_at(len.min(rest.len()));
        let offset = u16::try_from(at % BASE).unwrap_or_default();
        record(text, 0, offset, data);
        at = at.saturating_add(u64::try_from(data.len()).unwrap_or(1));
        rest = behind;
    }
}

/// Writes the record that ends a file.
pub(crate) fn end(text: &mut Vec<u8>) {
    record(text, 1, 0, &[]);
}

impl Image {
    /// Returns the container of a HEX with the bytes from `start` on as records before its end, in
    /// the file's own line ends.
    pub(crate) fn with_records(&self, start: Address, bytes: &[u8]) -> Vec<u8> {
        let container = self.container();
        let end = records::spoken(container).find(|line| is_end(line.text));
        let at = end.map_or(container.len(), |line| line.at);
        let (before, behind) = container.split_at_checked(at).unwrap_or((container, &[]));
        let mut text = Vec::new();
        data(&mut text, &mut None, start, bytes);
        let text: Cow<'_, [u8]> = if before.ends_with(b"\r\n") {
            let lines = text.split_inclusive(|byte| *byte == b'\n');
            let lines = lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line));
            Cow::Owned(lines.flat_map(|line| [line, b"\r\n"].concat()).collect())
        } else {
            Cow::Borrowed(&text)
        };
        [before, &text, behind].concat()
    }
}

/// Returns whether a record is of type 01.
fn is_end(text: &[u8]) -> bool {
    text.starts_with(b":") && text.get(7..9) == Some(b"01")
}

/// Writes one record.
fn record(text: &mut Vec<u8>, kind: u8, offset: u16, data: &[u8]) {
    let [high, low] = offset.to_be_bytes();
    let len = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let mut sum = 0u8;
    text.push(b':');
    let head = [len, high, low, kind];
    for byte in head.iter().chain(data) {
        sum = sum.wrapping_sub(*byte);
        digits(text, *byte);
    }
    digits(text, sum);
    text.push(b'\n');
}

/// Writes two upper-case digits.
fn digits(text: &mut Vec<u8>, byte: u8) {
    for value in [byte >> 4, byte & 15] {
        let letter = if value < 10 { b'0' } else { b'A' - 10 };
        text.push(letter + value);
    }
}
