//! What a scanner types, line by line: never more than a line's limit is kept of it.
//!
//! Nothing here knows what a line means; that is the recipe's pattern, or a label's shape.

use std::io::{self, BufRead};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::unit::{AuthToken, QrToken};

/// Bytes of the longest scan. A QR symbol holds 2,953 of them (ISO/IEC 18004, version 40-L).
pub const LONGEST: usize = 4096;

/// AIM symbology identifiers of QR symbols (ISO/IEC 15424): `]Q` and a digit.
const AIM: &str = "]Q";

/// Characters of a word that is not shown again, whatever it is: most of a token is one, too.
const WORD: usize = 24;

/// The text of one scan, without its line end. It may be a secret, so it is zeroed on drop.
pub type Line = Zeroizing<String>;

/// Why a line is no scan at all. No text repeats what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "scan-")]
#[non_exhaustive]
pub enum Misread {
    /// Bytes that are no text.
    #[error("what was scanned is no text: a byte of it is not UTF-8")]
    Garbled,
    /// More than any code holds.
    #[error("what was scanned is longer than {LONGEST} bytes")]
    Long,
}

crate::unit::stable_name!(Misread);

/// Collects the bytes of one line, up to the limit.
#[derive(Debug, Default)]
pub struct Collected {
    bytes: Zeroizing<Vec<u8>>,
    long: bool,
}

impl Collected {
    /// Takes some more bytes of the line.
    pub fn add(&mut self, more: &[u8]) {
        if self.bytes.capacity() < LONGEST {
            // At once: growing would leave copies behind that nobody zeroes.
            self.bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        }
        if self.long || self.bytes.len().saturating_add(more.len()) > LONGEST {
            self.long = true;
            self.bytes.clear();
        } else {
            self.bytes.extend_from_slice(more);
        }
    }

    /// Takes the last character back; returns whether there was one.
    pub fn take_back(&mut self) -> bool {
        while let Some(byte) = self.bytes.pop() {
            // The bytes of a character after its first one are 0b10xx_xxxx.
            if byte & 0xc0 != 0x80 {
                return true;
            }
        }
        false
    }

    /// Returns whether nothing was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.long
    }

    /// Ends the line.
    ///
    /// # Errors
    /// [`Misread`]
    pub fn end(self) -> Result<Line, Misread> {
        if self.long {
            return Err(Misread::Long);
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(Misread::Garbled),
        }
    }
}

/// Reads the next line; `None` where no more come. What is too long is skipped, not kept.
///
/// # Errors
/// What the reader says; a line that is no scan is an answer, and the next one is read after it.
pub fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Result<Line, Misread>>> {
    let mut line = Collected::default();
    let mut any = false;
    loop {
        let room = match reader.fill_buf() {
            Ok(room) => room,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if room.is_empty() && !any {
            return Ok(None);
        }
        let end = memchr::memchr(b'\n', room);
        let ended = end.is_some() || room.is_empty();
        let len = end.unwrap_or(room.len());
        line.add(room.get(..len).unwrap_or_default());
        any = true;
        reader.consume(len + usize::from(end.is_some()));
        if ended {
            return Ok(Some(line.end()));
        }
    }
}

/// Returns whether a scan may be shown as it was read: no word in it is long enough for a secret,
/// unless it is what stands on labels for everybody to see.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    let short = |field: &str| {
        let mut words = field.split(|c| !u8::try_from(c).is_ok_and(AuthToken::allows));
        words.all(|word| word.len() < WORD)
    };
    text.chars().all(|c| c == '\t' || !c.is_control())
        && text
            .split('\t')
            .all(|field| scanned(field).is_some() || short(field))
}

/// Returns the QR Token that a scan holds, whosever it is.
#[must_use]
pub fn scanned(text: &str) -> Option<QrToken> {
    bare(text).parse().ok()
}

/// What scanners put around a text; GS (0x1D) separates the fields of a GS1 symbol and may end one.
const BETWEEN: [char; 5] = ['\r', '\n', '\t', '\u{1d}', ' '];

/// Removes what scanners put around a text.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(BETWEEN)
}

/// Leaves out what scanners add.
pub(crate) fn bare(text: &str) -> &str {
    let text = trimmed(text);
    let Some(rest) = text.strip_prefix(AIM) else {
        return text;
    };
    match rest.strip_prefix(|c: char| c.is_ascii_digit()) {
        Some(rest) => rest.trim_start_matches(BETWEEN),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Result<String, Misread>> {
        // A small buffer: a line arrives in pieces.
        let mut reader = io::BufReader::with_capacity(7, bytes);
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut reader).unwrap() {
            lines.push(line.map(|line| line.to_string()));
        }
        lines
    }

    #[test]
    fn a_line_that_is_no_text_costs_itself_only() {
        let read = lines(b"GW1\nG\xffW2\n\nGW3");
        let text = |text: &str| Ok(text.to_owned());
        let wanted = [text("GW1"), Err(Misread::Garbled), text(""), text("GW3")];
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_line_is_limited_and_the_next_one_is_read() {
        let longest = "x".repeat(LONGEST);
        let read = lines(format!("{longest}\n{longest}x\nGW3\n").as_bytes());
        let wanted = [Ok(longest), Err(Misread::Long), Ok("GW3".to_owned())];
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_character_is_taken_back_whole() {
        let mut line = Collected::default();
        line.add("Gé".as_bytes());
        assert!(line.take_back() && line.take_back() && !line.take_back());
        assert!(line.is_empty());
    }

    #[test]
    fn most_of_a_token_is_shown_as_little_as_a_whole_one() {
        let token = "-fake-TOKEN_0123456789abcdefghij";
        for secret in [
            token,
            &token[1..],
            &format!("x{token}"),
            &format!("A\t{token}"),
        ] {
            assert!(!is_harmless(secret), "{secret}");
        }
        for text in [
            "GW000001",
            "A\tGW000001",
            "]Q1sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR+17",
        ] {
            assert!(is_harmless(text), "{text}");
        }
        assert!(!is_harmless("GW\u{1b}[2J"));
    }
}
