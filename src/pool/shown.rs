//! What of a list may be shown: no secret, and no name that may hold one.

use std::fmt;

#[cfg(feature = "label")]
use crate::unit::AuthToken;

/// What a folder or archive holds, without names that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents(String);

impl Contents {
    /// Names that are shown.
    #[cfg(feature = "label")]
    const NAMES: usize = 8;

    /// Lists files by name, and pictures by number only: they are named by their tokens.
    #[cfg(feature = "label")]
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, pictures: usize) -> Self {
        let names: Vec<&str> = names.collect();
        let shown = names.iter().take(Self::NAMES).map(|name| {
            let harmless = name.len() <= 80
                && !AuthToken::stands_in(name)
                && !name.contains("sqr_")
                && !name.chars().any(char::is_control);
            match harmless {
                true => format!("`{name}`"),
                false => "a file with a name that is not shown".to_owned(),
            }
        });
        let this = Self(shown.collect::<Vec<_>>().join(", "));
        let more = names.len().saturating_sub(Self::NAMES);
        this.and(more, "more file").and(pictures, "picture")
    }

    /// Adds so many of something.
    #[cfg(feature = "label")]
    pub(super) fn and(self, count: usize, what: &str) -> Self {
        let Self(text) = self;
        let comma = if text.is_empty() { "" } else { ", " };
        Self(match count {
            0 => text,
            1 => format!("{text}{comma}1 {what}"),
            _ => {
                let (noun, rest) = what.split_once(',').unwrap_or((what, ""));
                let rest = if rest.is_empty() {
                    String::new()
                } else {
                    format!(",{rest}")
                };
                format!("{text}{comma}{count} {noun}s{rest}")
            }
        })
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "nothing"
        } else {
            &self.0
        })
    }
}

/// Headers of a list, without those that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers(Vec<String>);

impl Headers {
    /// Longest header that is shown; longer text is no header, and might be a secret.
    const MAX: usize = 28;
    /// Longest header of one word that is shown.
    const WORD: usize = 20;
    /// How many are shown.
    const COUNT: usize = 12;

    /// Keeps what may be shown of `headers`, each with its column's number from 1.
    pub(super) fn new<'a>(headers: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let shown = |(number, header): (usize, &str)| {
            // One long word could be a token that lost some characters.
            let word = header.len() > Self::WORD && !header.contains(' ');
            let plain = header.len() <= Self::MAX
                && !word
                && !header.is_empty()
                && !header.contains("sqr_")
                && !header.chars().any(char::is_control);
            if plain {
                format!("`{header}`")
            } else {
                format!("column {number}")
            }
        };
        Self(headers.map(shown).collect())
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, header) in self.0.iter().take(Self::COUNT).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{header}")?;
        }
        match self.0.len().checked_sub(Self::COUNT) {
            Some(more) if more > 0 => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}
