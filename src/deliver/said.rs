//! What is kept of a foreign program's words: so little that no secret can be among it.
//!
//! A tool may print the image it works on: as text, digits, base64, words of memory, backwards. No
//! catalogue of encodings is ever complete. So the rule is the other way round: plain words stay,
//! and a few short numbers; everything else becomes an asterisk, and a line of which too much would
//! become that is not shown at all.

use std::collections::BTreeSet;

/// How many characters of a line are looked at.
const LINE: usize = 200;
/// How long a plain word may be.
const WORD: usize = 20;
/// How long a number or a name with digits may be.
const SHORT: usize = 8;
/// How many characters of those may stay in one line: less than a secret of any use.
const SPARE: usize = 12;
/// How many asterisks a line may have.
const HIDDEN: usize = 3;

/// Returns what may be kept of a line; the words that were `told` to the program may come back.
pub fn plain(line: &str, told: &str) -> String {
    let told: BTreeSet<&str> = words(told)
        .filter(|(_, word)| *word)
        .map(|(text, _)| text)
        .collect();
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    let (mut shown, mut spare, mut hidden) = (String::new(), SPARE, 0);
    let cut = line
        .char_indices()
        .nth(LINE)
        .map_or(line.len(), |(at, _)| at);
    for (text, is_word) in words(line.get(..cut).unwrap_or_default()) {
        let cost = match is_word {
            true if told.contains(text) => Some(0),
            true => cost(text),
            // Marks may be digits of their own: a few in a row say something, many hide something.
            false if text.chars().count() <= SHORT => Some(0),
            false => None,
        };
        match cost.and_then(|cost| spare.checked_sub(cost)) {
            Some(left) => {
                spare = left;
                shown.push_str(text);
            }
            None => {
                hidden += 1;
                shown.push('*');
            }
        }
    }
    if hidden > HIDDEN {
        let len = line.chars().count();
        return format!("a line of {len} characters, which is not shown");
    }
    shown
}

/// Returns what may be kept of the line that says most of what went wrong: the first that calls
/// itself an error, else the last one.
pub fn reason(output: &[u8], told: &str) -> String {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines.clone().find(|line| {
        let start: String = line.chars().take(5).collect();
        ["error", "fatal"].contains(&start.to_ascii_lowercase().as_str())
    });
    error
        .or_else(|| lines.next_back())
        .map_or_else(String::new, |line| plain(line, told))
}

/// Returns what a word costs; `None` for one that may never stay.
fn cost(word: &str) -> Option<usize> {
    // What stands in front says only what kind of number it is.
    let word = word.strip_prefix("0x").unwrap_or(word);
    let len = word.chars().count();
    let letters = word.chars().all(char::is_alphabetic);
    let rest = word.chars().skip(1);
    let lower = rest.clone().all(char::is_lowercase);
    let upper = word.chars().all(char::is_uppercase);
    let hex = word.chars().all(|c| c.is_ascii_hexdigit());
    if letters && (lower || upper) && len > 1 && len <= WORD && !(hex && len > 4) {
        return Some(0);
    }
    (len <= SHORT).then_some(len)
}

/// Splits text into words and what stands between them; says which is which.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let is_word = |c: char| c.is_alphanumeric();
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = is_word(first);
        let end = rest.find(|c| is_word(c) != kind).unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some((piece, kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "n5x628GDTFMk0hNa-69lhHK94hPSYX_a";

    /// Every row of what a tool may print of 32 bytes.
    fn encodings() -> Vec<String> {
        let bytes = TOKEN.as_bytes();
        let join = |parts: Vec<String>| parts.join(" ");
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let sixes: String = (0..bits.len().div_ceil(6))
            .map(|at| {
                let six = bits.get(6 * at..(6 * at + 6).min(bits.len())).unwrap();
                let value = usize::from_str_radix(six, 2).unwrap();
                let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                char::from(digits[value])
            })
            .collect();
        vec![
            TOKEN.to_owned(),
            TOKEN.chars().rev().collect(),
            join(TOKEN.chars().map(String::from).collect()),
            join(
                bytes
                    .chunks(4)
                    .map(|part| String::from_utf8_lossy(part).into_owned())
                    .collect(),
            ),
            TOKEN.chars().map(|c| format!("{c}\0")).collect(),
            crate::unit::hex(bytes),
            join(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            join(bytes.iter().map(|byte| format!("{byte:#04X},")).collect()),
            join(bytes.iter().map(|byte| format!("{byte:o}")).collect()),
            join(bytes.iter().map(|byte| format!("{byte}")).collect()),
            bytes
                .chunks(4)
                .map(|word| {
                    let word = u32::from_le_bytes(word.try_into().unwrap());
                    format!("{word:08x} ")
                })
                .collect(),
            sixes.get(1..).unwrap().to_owned(),
            sixes.clone(),
            join(
                bits.as_bytes()
                    .chunks(8)
                    .map(|part| String::from_utf8_lossy(part).into_owned())
                    .collect(),
            ),
        ]
    }

    #[test]
    fn no_encoding_of_a_secret_stays() {
        for line in encodings() {
            for line in [line.clone(), format!("error: found {line} there")] {
                let shown = plain(&line, "");
                let kept: usize = words(&shown)
                    .filter(|(text, word)| *word && line.contains(text) && cost(text) != Some(0))
                    .map(|(text, _)| text.len())
                    .sum();
                assert!(
                    shown.contains('*') || shown.contains("not shown"),
                    "{shown}"
                );
                assert!(kept <= SPARE, "{line}: {shown}");
            }
        }
    }

    #[test]
    fn what_a_tool_says_of_a_fault_stays() {
        for line in [
            "error: invalid value '0x40'",
            "A fatal error occurred: Failed to connect to ESP32: no data received.",
            "Could not open /dev/ttyUSB0, the port is busy",
            "flash is write-protected",
            "Writing at 0x00010000... (100 %)",
        ] {
            assert_eq!(plain(line, ""), line);
        }
    }

    #[test]
    fn words_that_were_told_come_back() {
        let line = "GW00000019 of order 2026-0019-77431 is blocked";
        assert_eq!(
            plain(
                line,
                "{\"serial\":\"GW00000019\",\"order\":\"2026-0019-77431\"}"
            ),
            line
        );
        assert!(plain(line, "").contains('*'));
    }

    #[test]
    fn the_line_that_calls_itself_an_error_is_told_and_else_the_last() {
        let said = "connecting\nerror: invalid value '0x40'\n\nFor more, try '--help'.\n";
        assert_eq!(reason(said.as_bytes(), ""), "error: invalid value '0x40'");
        assert_eq!(reason(b"connecting\nno answer\n\n", ""), "no answer");
        assert_eq!(reason(b" \n", ""), "");
    }
}
