//! What is kept of a foreign program's words: one line, and only if no secret can be among it.
//!
//! A tool may print the image it works on: as text, digits, base64, words of memory, in pieces,
//! backwards. No catalogue of encodings is ever complete. So the rule is the other way round. A line
//! is kept whole if it is made of words of language and of words that the program was told; all else
//! in it may come to seven hex digits, five decimal ones, or a letter and a digit. That is less than
//! six characters of a token in any encoding. Of any other line only its length is kept.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Words that tools use, shorter than [`LONG`] or spelled in a way of their own.
static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    include_str!("said/words.txt")
        .split_ascii_whitespace()
        .collect()
});
/// How long a word is that chance does not make: its letters follow each other as in language.
const LONG: usize = 8;
/// How long it is at most.
const LONGEST: usize = 20;
/// How many characters of a line are looked at.
const LINE: usize = 200;
/// What may stay in one line beside words.
const SPARE: usize = 28;
/// What a hex digit counts, where it says that it is one: seven may stay.
const HEX: usize = 4;
/// What a decimal digit counts, which may be text as well: five may stay.
const DECIMAL: usize = 5;
/// What a letter counts: one may stay, with a digit.
const LETTER: usize = 20;
/// How many marks in a row say something; more may hide something.
const MARKS: usize = 8;

/// What follows each letter from a to z in words of European languages.
const FOLLOWERS: [&str; 26] = [
    "bcdgiklmnprstuvwxy",
    "aeijloprsuy",
    "acehiklmorstuy",
    "acdeilorstuvy",
    "abcdefghiklmnopqrstvwxyz",
    "aefilorstuy",
    "aeghilnorstu",
    "aeiortuy",
    "abcdefglmnoprstvxz",
    "aeou",
    "aeilnosy",
    "acdeilnopstuvy",
    "abdeilmnopsu",
    "acdefghiklmnoprstuvy",
    "abcdfgiklmnoprstuvwxy",
    "adehilmoprstuy",
    "u",
    "abcdefgiklmnoprstuvwy",
    "acefhiklmnopqstuwy",
    "acdefhilmnoprstuwyz",
    "abcdefgilmnoprstxz",
    "aeiory",
    "aehinors",
    "aceipt",
    "aeimnopst",
    "aeio",
];

/// Returns what may be kept of a line; the words that were `told` to the program may come back.
pub fn plain(line: &str, told: &str) -> String {
    let line = uncoloured(line);
    let told = told.to_lowercase();
    let told: BTreeSet<&str> = pieces(&told, char::is_alphanumeric)
        .filter(|(_, is_word)| *is_word)
        .map(|(word, _)| word)
        .collect();
    let shown: String = line.chars().take(LINE).collect();
    let cost = pieces(&shown, char::is_alphanumeric)
        .map(|(piece, is_word)| match is_word {
            true if told.contains(&*piece.to_lowercase()) => 0,
            true => word(piece),
            false => marks(piece),
        })
        .fold(0, usize::saturating_add);
    match cost <= SPARE {
        true => shown,
        false => {
            let len = line.chars().count();
            format!("a line of {len} characters, which is not shown")
        }
    }
}

/// Returns what may be kept of the line that says most of what went wrong: the first that calls
/// itself an error, else the last one.
pub fn reason(output: &[u8], told: &str) -> String {
    let text = String::from_utf8_lossy(output);
    let error = lines(&text).find(|line| {
        let start: String = line.chars().take(5).collect();
        ["error", "fatal"].contains(&start.to_ascii_lowercase().as_str())
    });
    error
        .or_else(|| lines(&text).last())
        .map_or_else(String::new, |line| plain(&line, told))
}

/// Returns what may be kept of the first line that says something.
pub fn first(output: &[u8], told: &str) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    lines(&text).next().map(|line| plain(&line, told))
}

/// What a library says of a fault, and what lies below: of each text what may be kept.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Told {
    text: String,
    source: Option<Box<Self>>,
}

/// Returns what may be kept of an error of a library that has the image or the board in hand.
#[cfg_attr(
    not(feature = "probe"),
    allow(dead_code, reason = "only a probe's library is told")
)]
pub fn error(error: &dyn std::error::Error) -> Told {
    Told {
        text: plain(&error.to_string(), ""),
        source: error.source().map(|below| Box::new(self::error(below))),
    }
}

/// Returns the lines that say something; one that is written over is a line too.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split(['\n', '\r'])
        .map(|line| uncoloured(line).trim().to_owned())
        .filter(|line| !line.is_empty())
}

/// Returns a line without what colours it on a terminal (ECMA-48, "Control sequence").
fn uncoloured(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let sequence = part.strip_prefix('[');
        let after = sequence.and_then(|codes| codes.split_once(|c| matches!(c, '@'..='~')));
        plain.push_str(after.map_or(part, |(_, after)| after));
    }
    // In words of two bytes, each letter stands alone.
    plain.replace(char::is_control, " ")
}

/// Returns what a word counts.
fn word(word: &str) -> usize {
    if let Some(digits) = word.strip_prefix("0x")
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return number(digits);
    }
    if is_language(word) {
        return 0;
    }
    // In a name with digits, letters count unless they are spelled as they are known.
    let is_digit = |c: char| c.is_ascii_digit();
    pieces(word, is_digit)
        .map(|(piece, digits)| match digits {
            true => piece
                .trim_start_matches('0')
                .len()
                .max(1)
                .saturating_mul(DECIMAL),
            false if piece.len() > 1 && is_known(piece) => 0,
            false => piece.chars().count().saturating_mul(LETTER),
        })
        .fold(0, usize::saturating_add)
}

/// Returns what the digits of a hex number count that say something: no character of a token is a zero byte.
fn number(digits: &str) -> usize {
    let mut digits = digits.trim_start_matches('0');
    while let Some(round) = digits.strip_suffix("00") {
        digits = round;
    }
    digits.len().max(1).saturating_mul(HEX)
}

/// Returns whether letters are a word of language.
fn is_language(word: &str) -> bool {
    if is_known(word) {
        return true;
    }
    let lower = word.to_lowercase();
    let mut rest = word.chars();
    rest.next();
    let one_case = rest.all(char::is_lowercase) || word == word.to_uppercase();
    if !one_case || !word.chars().all(char::is_alphabetic) {
        return false;
    }
    if !word.is_ascii() {
        // Text of one byte a letter that was taken for two shows as signs of Asia.
        return !word.chars().all(is_two_letters);
    }
    let long = (LONG..=LONGEST).contains(&lower.len());
    (long && lower.as_bytes().windows(2).all(follows)) || is_known(&lower)
}

/// Returns whether tools use a word, spelled like this.
fn is_known(word: &str) -> bool {
    WORDS.contains(word)
}

/// Returns whether two letters follow each other in language.
fn follows(pair: &[u8]) -> bool {
    let &[first, second] = pair else {
        return false;
    };
    let followers = FOLLOWERS.get(usize::from(first.wrapping_sub(b'a')));
    followers.is_some_and(|followers| followers.bytes().any(|letter| letter == second))
}

/// Returns whether a character's two bytes could both stand in a token.
fn is_two_letters(c: char) -> bool {
    use crate::unit::AuthToken;
    u16::try_from(u32::from(c))
        .is_ok_and(|code| code.to_be_bytes().into_iter().all(AuthToken::allows))
}

/// Returns what marks and spaces count.
fn marks(marks: &str) -> usize {
    let mut seen = marks.chars();
    let first = seen.next();
    let alike = seen.all(|mark| Some(mark) == first);
    match alike || marks.chars().count() <= MARKS {
        true => 0,
        false => marks.chars().count().saturating_mul(LETTER),
    }
}

/// Splits text into what `is` so and what is not; says which is which.
fn pieces(text: &str, is: impl Fn(char) -> bool) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = is(rest.chars().next()?);
        let end = rest.find(|c| is(c) != kind).unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some((piece, kind))
    })
}

#[cfg(test)]
mod tests;
