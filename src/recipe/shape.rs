//! A pattern in words, for who stands at the line: `GW and 6 digits, as GW012345`.
//!
//! Only plain patterns have words: letters and classes one after the other. Nothing here decides
//! whether a serial matches; that is the pattern itself.

/// One part of a pattern.
struct Part {
    words: String,
    sample: String,
}

/// Classes that have a name, with characters of theirs for an example.
const CLASSES: [(&str, &str, &str); 9] = [
    ("[0-9]", "digit", "0123456789"),
    ("\\d", "digit", "0123456789"),
    ("[A-Z]", "capital letter", "ABCDEFGHIJ"),
    ("[a-z]", "small letter", "abcdefghij"),
    ("[A-Za-z]", "letter", "AbCdEfGhIj"),
    ("[0-9A-F]", "hex digit", "0A1B2C3D4E"),
    ("[0-9a-f]", "hex digit", "0a1b2c3d4e"),
    ("[A-Z0-9]", "capital letter or digit", "A1B2C3D4E5"),
    ("[0-9A-Z]", "capital letter or digit", "A1B2C3D4E5"),
];

/// Most characters of an example.
const LONGEST: usize = 64;

/// Returns what a serial of the pattern looks like; `None` where that takes more than a few words.
pub(super) fn looks(pattern: &str) -> Option<String> {
    let mut rest = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let mut parts: Vec<Part> = Vec::new();
    let mut literal = String::new();
    while !rest.is_empty() {
        let class = CLASSES.iter().find(|(text, ..)| rest.starts_with(text));
        if let Some((text, name, sample)) = class {
            if !literal.is_empty() {
                parts.push(plain(std::mem::take(&mut literal)));
            }
            let (part, left) = repeated(rest.get(text.len()..)?, name, sample)?;
            parts.push(part);
            rest = left;
            continue;
        }
        let mut chars = rest.chars();
        match chars.next()? {
            '\\' => literal.push(chars.next().filter(char::is_ascii_punctuation)?),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':') => literal.push(c),
            _ => return None,
        }
        rest = chars.as_str();
        // What is repeated, or may be left out, has no plain words.
        if rest.starts_with(['*', '+', '?', '{']) {
            return None;
        }
    }
    if !literal.is_empty() {
        parts.push(plain(literal));
    }
    let words: Vec<String> = parts.iter().map(|part| part.words.clone()).collect();
    let sample: String = parts.into_iter().map(|part| part.sample).collect();
    let fits = !sample.is_empty() && sample.len() <= LONGEST;
    fits.then(|| format!("{}, as {sample}", words.join(" and ")))
}

fn plain(text: String) -> Part {
    Part {
        words: text.clone(),
        sample: text,
    }
}

/// Takes how often a class stands there.
fn repeated<'r>(rest: &'r str, name: &str, sample: &str) -> Option<(Part, &'r str)> {
    let (least, words, rest) = match rest.chars().next() {
        Some('{') => {
            let (times, rest) = rest.strip_prefix('{')?.split_once('}')?;
            let (least, words) = match times.split_once(',') {
                None => (times, times.to_owned()),
                Some((least, "")) => (least, format!("{least} or more")),
                Some((least, most)) => (least, format!("{least} to {most}")),
            };
            (least.parse().ok()?, words, rest)
        }
        Some('+') => (1, "1 or more".to_owned(), rest.get(1..)?),
        Some('*' | '?') => return None,
        _ => (1, "1".to_owned(), rest),
    };
    let s = if words == "1" { "" } else { "s" };
    let words = match name {
        "capital letter or digit" => format!("{words} capital letter{s} or digit{s}"),
        name => format!("{words} {name}{s}"),
    };
    // One more digit than the least shows nothing.
    let least: usize = least;
    let sample = sample
        .chars()
        .cycle()
        .take(least.min(LONGEST + 1))
        .collect();
    Some((Part { words, sample }, rest))
}

#[cfg(test)]
mod tests {
    use super::looks;

    #[test]
    fn plain_patterns_have_words_and_others_none() {
        let said = |pattern: &str| looks(pattern).unwrap_or_default();
        assert_eq!(said("^GW[0-9]{6}$"), "GW and 6 digits, as GW012345");
        assert_eq!(
            said(r"^[A-Z]{2}\d{2,8}-X$"),
            "2 capital letters and 2 to 8 digits and -X, as AB01-X"
        );
        assert_eq!(said("^[0-9A-F]{12}$"), "12 hex digits, as 0A1B2C3D4E0A");
        assert_eq!(said(r"^SN\.[0-9]+$"), "SN. and 1 or more digits, as SN.0");
        for odd in [
            "GW[0-9]{6}",
            "^(GW|GX)[0-9]$",
            "^GW?1$",
            "^.+$",
            "^$",
            "^[0-9]{99}$",
        ] {
            assert_eq!(said(odd), "", "{odd}");
        }
    }
}
