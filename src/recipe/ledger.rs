//! `[ledger]`: which ledger, and where its key comes from.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// `[ledger]`: where records go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSpec {
    /// Which ledger; unsaid, the file beside the recipe.
    #[serde(default = "LedgerUrl::beside_the_recipe")]
    pub url: LedgerUrl,
    /// Where the key of a ledger on a server comes from; one in a file has it beside the file.
    pub key: Option<KeySource>,
    /// Of a part: the identity of the ledger that it is from, as `ledger key show-id` tells it there.
    pub home: Option<HomeId>,
    /// Folder in which everything that happens is told again, on another disk, relative to the
    /// recipe.
    pub mirror: Option<PathBuf>,
    /// The schema of a ledger on a server: several ledgers share a database.
    pub schema: Option<SchemaName>,
}

/// The address of a ledger.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LedgerUrl {
    /// `sqlite:FILE`, relative to the recipe.
    Sqlite(PathBuf),
    /// `postgres://...`, as libpq reads it. It may hold a password, so it is never shown whole.
    Postgres(String),
}

impl LedgerUrl {
    /// Returns where records go when the recipe does not say.
    #[must_use]
    pub fn beside_the_recipe() -> Self {
        Self::Sqlite(PathBuf::from("eol-inject.ledger"))
    }
}

impl fmt::Display for LedgerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Self::Postgres(url) => f.write_str(&without_secrets(url)),
        }
    }
}

impl fmt::Debug for LedgerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerUrl({self})")
    }
}

/// Returns servers and database of an address; people, passwords and options are left out.
fn without_secrets(url: &str) -> String {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // A password may hold an unescaped `@` or `/`: the last `@` ends it.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("postgres://{place}")
}

impl TryFrom<String> for LedgerUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(PathBuf::from(file))),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text))
            }
            // The text is not repeated: an address of another kind may hold a password.
            _ => Err(
                "the ledger's address is not known: write url = \"sqlite:FILE\" or \
                 url = \"postgres://HOST/DATABASE\""
                    .to_owned(),
            ),
        }
    }
}

/// Where a ledger's key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "KeyText")]
pub enum KeySource {
    /// A file that only its owner may read, relative to the recipe.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The output of a command: a vault's client.
    Command(Vec<String>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "key is { file = \"...\" }, { env = \"NAME\" } or { command = [\"...\"] }"
)]
enum KeyText {
    Table(KeyTable),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyTable {
    File(PathBuf),
    Env(String),
    Command(Vec<String>),
}

impl From<KeyText> for KeySource {
    fn from(KeyText::Table(table): KeyText) -> Self {
        match table {
            KeyTable::File(file) => Self::File(file),
            KeyTable::Env(name) => Self::Env(name),
            KeyTable::Command(command) => Self::Command(command),
        }
    }
}

impl KeySource {
    /// Name of the variable that is looked at when the recipe names no source.
    pub const VARIABLE: &str = "EOL_LEDGER_KEY";
}

impl Default for KeySource {
    fn default() -> Self {
        Self::Env(Self::VARIABLE.to_owned())
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::Command(command) => {
                let program = command.first().map_or("", String::as_str);
                write!(f, "the command {program}")
            }
        }
    }
}

/// What names a ledger's identity: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HomeId(String);

impl HomeId {
    /// Hex digits: nobody finds another identity with the same ones.
    const LENGTH: usize = 32;

    /// Takes the first half of a digest.
    #[cfg(feature = "seal")]
    pub(crate) fn of(digest: &[u8; 32]) -> Self {
        Self(
            crate::unit::hex(digest)
                .chars()
                .take(Self::LENGTH)
                .collect(),
        )
    }
}

impl fmt::Display for HomeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HomeId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits && text.len() == Self::LENGTH {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!(
            "{text:?} is no ledger's identity: {} hex digits, as eol-inject ledger key show-id tells them there",
            Self::LENGTH
        ))
    }
}

/// The name of a schema: letters, digits and `_`; none of the server's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SchemaName(String);

impl SchemaName {
    /// Longest name that PostgreSQL does not cut (NAMEDATALEN - 1).
    const LONGEST: usize = 63;

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SchemaName {
    /// Returns the name as statements have it: `user` and `table` are words of the language.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("eol_inject".to_owned())
    }
}

impl TryFrom<String> for SchemaName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let good = text.len() <= Self::LONGEST
            && text.bytes().all(plain)
            && text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            // The server keeps such names for itself.
            && !text.starts_with("pg_");
        if text == "information_schema" {
            return Err(format!(
                "{text} is the server's own schema: name another one"
            ));
        }
        if good {
            return Ok(Self(text));
        }
        Err(format!(
            "{text:?} is no schema name: at most {} of a-z, 0-9 and _, no digit first, not pg_...",
            Self::LONGEST
        ))
    }
}
