//! Commands in a recipe: a program and its arguments, with placeholders in braces.

mod script;

use serde::Deserialize;

/// What a command of the programmer may name.
const PLACEHOLDERS: [&str; 7] = [
    "image", "dump", "address", "size", "length", "serial", "probe",
];

/// A program and its arguments, started without a shell.
///
/// `{image}`, `{dump}`, `{address}`, `{size}`, `{length}`, `{serial}` and `{probe}` are filled in when it is
/// run; a brace that stands for itself is written twice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// Returns whether an argument names `{placeholder}`.
    #[must_use]
    pub fn names(&self, placeholder: &str) -> bool {
        let mut named = false;
        for part in &self.0 {
            // They were checked when the recipe was read.
            let _ = walk(part, &mut |piece| {
                named |= piece == Piece::Place(placeholder);
                Ok(())
            });
        }
        named
    }

    /// Returns whether one part names any placeholder.
    fn has_place_in(part: &str) -> bool {
        let mut named = false;
        let _ = walk(part, &mut |piece| {
            named |= matches!(piece, Piece::Place(_));
            Ok(())
        });
        named
    }

    /// Returns whether an argument names any placeholder.
    #[must_use]
    pub fn has_places(&self) -> bool {
        PLACEHOLDERS.iter().any(|name| self.names(name))
    }

    /// Returns program and arguments with every placeholder filled in by `value`.
    #[must_use]
    pub fn filled(&self, value: &dyn Fn(&str) -> String) -> Vec<String> {
        let fill = |part: &String| {
            let mut text = String::new();
            // They were checked when the recipe was read.
            let _ = walk(part, &mut |piece| {
                match piece {
                    Piece::Text(plain) => text.push_str(plain),
                    Piece::Place(name) => text.push_str(&value(name)),
                }
                Ok(())
            });
            text
        };
        self.0.iter().map(fill).collect()
    }

    /// Returns the program's name.
    #[must_use]
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

/// How a programmer tells one board from another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Spelled")]
pub enum Identify {
    /// This command prints the chip's own number.
    By(CommandLine),
    /// Not at all: a board is known again only by the token that it holds.
    Never,
}

impl Identify {
    /// Returns the command, if there is one.
    #[must_use]
    pub const fn command(&self) -> Option<&CommandLine> {
        match self {
            Self::By(command) => Some(command),
            Self::Never => None,
        }
    }
}

/// How a recipe spells it.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a command, or false where boards cannot be told apart"
)]
enum Spelled {
    Flag(bool),
    Command(Vec<String>),
}

impl TryFrom<Spelled> for Identify {
    type Error = String;

    fn try_from(spelled: Spelled) -> Result<Self, Self::Error> {
        match spelled {
            Spelled::Flag(false) => Ok(Self::Never),
            Spelled::Flag(true) => Err("`identify` is a command, or false".to_owned()),
            Spelled::Command(parts) => Ok(Self::By(parts.try_into()?)),
        }
    }
}

impl TryFrom<Vec<String>> for CommandLine {
    type Error = String;

    fn try_from(parts: Vec<String>) -> Result<Self, Self::Error> {
        if parts
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            return Err(
                "a command needs at least a program: [\"program\", \"argument\"]".to_owned(),
            );
        }
        for part in &parts {
            if part.contains('\0') {
                return Err("a command must not hold a NUL".to_owned());
            }
            walk(part, &mut |piece| match piece {
                Piece::Place(name) if !PLACEHOLDERS.contains(&name) => Err(format!(
                    "`{{{name}}}` is no placeholder: there are {{{}}}",
                    PLACEHOLDERS.join("}, {")
                )),
                _ => Ok(()),
            })?;
        }
        let line = Self(parts);
        match script::with_a_place(&line.0, &Self::has_place_in) {
            Some(shell) => Err(format!(
                "a placeholder stands in a script of {shell}, which would run what it is filled in \
                 with: pass it behind the script, as in [\"sh\", \"-c\", \"tool \\\"$1\\\"\", \"sh\", \
                 \"{{serial}}\"], or run the tool itself"
            )),
            None => Ok(line),
        }
    }
}

/// A part of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// Calls `each` for the pieces of an argument, in order.
fn walk<'t>(
    part: &'t str,
    each: &mut dyn FnMut(Piece<'t>) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = part;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, brace) = rest.split_at(at);
        each(Piece::Text(plain))?;
        if let Some(after) = brace.strip_prefix("{{") {
            each(Piece::Text("{"))?;
            rest = after;
        } else if let Some(after) = brace.strip_prefix("}}") {
            each(Piece::Text("}"))?;
            rest = after;
        } else {
            let wrong = || format!("`{part}` has a brace without its partner; write {{{{ for one");
            let inside = brace.strip_prefix('{').ok_or_else(wrong)?;
            let (name, after) = inside.split_once('}').ok_or_else(wrong)?;
            each(Piece::Place(name))?;
            rest = after;
        }
    }
    each(Piece::Text(rest))
}
