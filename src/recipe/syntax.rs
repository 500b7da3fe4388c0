//! What a reader of TOML says, in the words of a recipe: which line, which key, what to write.

use super::RecipeError;
use crate::unit::AuthToken;

/// Tables that stand any number of times.
const LISTS: [&str; 4] = ["slot", "checksum", "nest", "nvs.entry"];

/// Keys that stand in no table.
const TOP: [&str; 3] = ["product", "template", "schema"];

/// Says what is wrong with `text`.
pub(super) fn error(text: &str, error: &toml::de::Error) -> RecipeError {
    let message = error.message();
    let is_missing = message.starts_with("missing field `");
    // What the whole recipe lacks is no line's fault; the reader names no byte then.
    let span = error.span().filter(|span| !(is_missing && span.is_empty()));
    let place = span.map(|span| Place::at(text, span.start));
    let reason = match &place {
        _ if is_missing => missing(message, place.as_ref()),
        Some(place) => place.reason(message),
        None => message.to_owned(),
    };
    let reason = if AuthToken::stands_in(&reason) {
        "what stands here looks like a token; it is not repeated. A recipe holds none".to_owned()
    } else {
        reason
    };
    RecipeError::Syntax {
        line: place.map_or(0, |place| place.line),
        reason,
    }
}

/// Where the reader stopped.
struct Place<'t> {
    /// Line of the text, from 1.
    line: usize,
    /// What stands on the line before the place.
    before: &'t str,
    /// The rest of the line.
    after: &'t str,
}

impl<'t> Place<'t> {
    fn at(text: &'t str, offset: usize) -> Self {
        let (head, tail) = text.split_at_checked(offset).unwrap_or((text, ""));
        let before = head.rsplit('\n').next().unwrap_or_default();
        Self {
            line: head.matches('\n').count().saturating_add(1),
            before,
            after: tail.lines().next().unwrap_or_default(),
        }
    }

    /// Returns the name in a header of one bracket that stands here.
    fn header(&self) -> Option<&'t str> {
        let name = self.after.strip_prefix('[')?;
        self.before.trim().is_empty().then_some(())?;
        (!name.starts_with('[')).then(|| name.split(']').next().unwrap_or_default().trim())
    }

    /// Returns the name in a header of two brackets that stands here.
    fn double_header(&self) -> Option<&'t str> {
        self.before.trim().is_empty().then_some(())?;
        Some(self.after.strip_prefix("[[")?.split(']').next()?.trim())
    }

    /// Names the key whose value, or an entry of whose list, stands here.
    fn key(&self) -> String {
        let Some((head, value)) = self.before.rsplit_once('=') else {
            return "this".to_owned();
        };
        let ends = [' ', '\t', '{', '[', ',', '"'];
        let key = head.trim_end_matches(ends).rsplit(ends).next();
        match (key.unwrap_or_default(), value.contains('[')) {
            ("", _) => "this".to_owned(),
            (key, true) => format!("an entry of `{key}`"),
            (key, false) => format!("`{key}`"),
        }
    }

    fn reason(&self, message: &str) -> String {
        if let Some(rest) = message.strip_prefix("unknown field ") {
            return unknown(rest, "key here", "those that may stand here:");
        }
        if let Some(rest) = message.strip_prefix("unknown variant ") {
            return unknown(rest, &format!("value of {}", self.key()), "write one of");
        }
        if message == "duplicate key" {
            return self.twice();
        }
        let kind = message
            .strip_prefix("invalid type: ")
            .or_else(|| message.strip_prefix("invalid value: "));
        match kind.and_then(|kinds| kinds.rsplit_once(", expected ")) {
            Some((found, wanted)) => self.kind(found, wanted),
            None => self.grammar(message),
        }
    }

    /// A key or a table that stands a second time; the place is its name.
    fn twice(&self) -> String {
        let name = self.after.split(['=', ' ', '\t', ']']).next();
        let name = name.unwrap_or_default();
        match self.before.trim() {
            "[" if LISTS.contains(&name) => brackets(name),
            "[" => format!("[{name}] stands here once more: put its keys into the first"),
            _ => format!("`{name}` stands here once more: one of the two must go"),
        }
    }

    /// A value of the wrong kind.
    fn kind(&self, found: &str, wanted: &str) -> String {
        match (self.header(), self.double_header()) {
            (Some(name), _) if wanted == "a sequence" => return brackets(name),
            (_, Some(name)) => {
                return format!("write [{name}], with one bracket: there is one of it");
            }
            _ => {}
        }
        let found = match found.split(' ').next() {
            Some("string") => "text in quotes".to_owned(),
            Some("integer" | "floating") => {
                format!("the number {}", found.split('`').nth(1).unwrap_or_default())
            }
            Some("boolean") => found.split('`').nth(1).unwrap_or_default().to_owned(),
            Some("map") => "a table".to_owned(),
            Some("sequence") => "a list".to_owned(),
            _ => found.to_owned(),
        };
        let wanted = match wanted {
            "a string" | "path string" => "text in quotes: \"...\"",
            "a sequence" => "a list: [\"...\"]",
            "a boolean" => "true or false, without quotes",
            "u8" => "a whole number from 0 to 255, without quotes",
            "u16" => "a whole number from 0 to 65535, without quotes",
            "u32" | "u64" | "usize" => "a whole number from 0 on, without quotes",
            struct_ if struct_.starts_with("struct ") => "keys in braces: { key = value }",
            other => other,
        };
        format!("{} is {found}; it takes {wanted}", self.key())
    }

    /// What is no TOML.
    fn grammar(&self, message: &str) -> String {
        let rest = format!("{}{}", self.before, self.after);
        let curly = rest.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']);
        match message {
            number
                if self.after.starts_with(|first: char| first.is_ascii_digit())
                    && (number.starts_with("string values must be quoted")
                        || number.starts_with("unexpected leading zero")) =>
            {
                "this is no number: one in hex begins with 0x; text stands in quotes: \"...\""
                    .to_owned()
            }
            _ if curly => "write straight quotes: \"...\"".to_owned(),
            "string values must be quoted, expected literal string" => {
                "text stands in quotes: \"...\"".to_owned()
            }
            "key with no value, expected `=`" => "write key = value".to_owned(),
            "invalid literal string, expected `'`" | "invalid basic string, expected `\"`" => {
                "a quote is opened here, and never closed".to_owned()
            }
            escape if escape.contains("escaped value") => {
                "a backslash is written twice in \"...\", once in '...'".to_owned()
            }
            other => other.to_owned(),
        }
    }
}

fn brackets(name: &str) -> String {
    format!("write [[{name}]], with two brackets, in place of [{name}]: there may be several")
}

/// A key that is not there; in which table, its header says.
fn missing(message: &str, place: Option<&Place<'_>>) -> String {
    let key = message.split('`').nth(1).unwrap_or_default();
    let table = place.and_then(|place| {
        let double = place.double_header().map(|name| format!("[[{name}]]"));
        double.or_else(|| place.header().map(|name| format!("[{name}]")))
    });
    match table {
        Some(table) => format!("{table} lacks `{key}`"),
        None if LISTS.contains(&key) => {
            format!("no [[{key}]] is there: it says where a value goes")
        }
        None => format!("`{key}` is missing; it stands above the first [table]"),
    }
}

/// A word that is none of those that may stand there; all of them are in backticks.
fn unknown(words: &str, what: &str, these: &str) -> String {
    let mut words = words.split('`').skip(1).step_by(2);
    let word = words.next().unwrap_or_default();
    let known: Vec<&str> = words.collect();
    if TOP.contains(&word) && !known.contains(&"product") {
        return format!("`{word}` is no {what}; it stands above the first [table]");
    }
    match nearest(word, &known) {
        Some(near) => format!("`{word}` is no {what}; did you mean `{near}`?"),
        None => format!("`{word}` is no {what}; {these} {}", known.join(", ")),
    }
}

/// Returns the word that was meant, if one is near.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    let mistakes = |known: &&'k str| strsim::damerau_levenshtein(&word, known);
    let near = known.iter().copied().min_by_key(mistakes)?;
    // One letter of three may be wrong: further off, it is another word.
    let most = word.chars().count().div_ceil(3);
    (mistakes(&near) <= most).then_some(near)
}
