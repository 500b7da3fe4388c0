//! A ledger's key from a file, a variable or a command; made only when somebody asks for one.

use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

use super::error::KeyError;
use crate::process::{self, Broken, Environment, Setting};
use crate::recipe::KeySource;
use crate::vault::crypto::Key;
use crate::vault::files::{about, read_key, write_new};

/// How long a command may take to tell the key: a person may have to unlock the vault.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a key; paths are relative to `folder`, and a command works in it.
///
/// # Errors
/// [`KeyError::KeyUnread`] when it cannot be had, [`KeyError::Exposed`] when others may read
/// its file, [`KeyError::KeyDamaged`] when what was read is no key.
pub fn read(source: &KeySource, folder: &Path) -> Result<Key, KeyError> {
    Key::parse(&text(source, folder)?).ok_or_else(|| KeyError::KeyDamaged {
        path: source.to_string().into(),
    })
}

/// Reads the text that should hold a key, as [`read`] does.
pub fn text(source: &KeySource, folder: &Path) -> Result<Zeroizing<String>, KeyError> {
    let unread = |what: String| KeyError::KeyUnread {
        from: source.to_string(),
        what,
    };
    match source {
        KeySource::File(path) => from_file(&folder.join(path), unread),
        KeySource::Env(name) => {
            let value = std::env::var(name);
            Ok(Zeroizing::new(
                value.map_err(|error| unread(error.to_string()))?,
            ))
        }
        KeySource::Command(command) => from_command(command, folder).map_err(unread),
    }
}

/// Makes a key in a new file that only its owner may read, durable when this returns; returns its id.
///
/// # Errors
/// [`KeyError::File`] when the file is there already, or cannot be written.
pub fn make_key_file(path: &Path) -> Result<String, KeyError> {
    let key = Key::make()?;
    write_new(path, key.to_text().as_bytes()).map_err(about(path))?;
    Ok(key.id())
}

fn from_file(
    path: &Path,
    unread: impl Fn(String) -> KeyError,
) -> Result<Zeroizing<String>, KeyError> {
    match read_key(path) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(unread("there is no such file".to_owned())),
        Err(KeyError::File { source, .. }) => Err(unread(source.to_string())),
        Err(other) => Err(other),
    }
}

/// Returns what a command says; what it says about a fault is left out: it may repeat secrets.
fn from_command(command: &[String], folder: &Path) -> Result<Zeroizing<String>, String> {
    let setting = Setting {
        folder: folder.to_owned(),
        limit: PATIENCE,
        // A vault knows its caller by what stands there, and the key is what it is asked for.
        environment: Environment::Whole,
    };
    let ended = process::run(command, &[], &setting).map_err(|broken| match broken {
        Broken::Start(error) => format!("it cannot be started: {error}"),
        Broken::TimedOut { .. } => format!("no answer within {} s", PATIENCE.as_secs()),
    })?;
    let said = Zeroizing::new(ended.stdout);
    if !ended.status.success() {
        return Err(format!("it failed: {}", process::ended(ended.status)));
    }
    let text = str::from_utf8(&said).map_err(|_| "it did not answer with text".to_owned())?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_from_every_source() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::make().unwrap();
        write_new(&folder.path().join("k"), key.to_text().as_bytes()).unwrap();
        let command = |parts: &[&str]| {
            KeySource::Command(parts.iter().map(|part| (*part).to_owned()).collect())
        };
        for source in [KeySource::File("k".into()), command(&["cat", "k"])] {
            assert_eq!(read(&source, folder.path()).unwrap().id(), key.id());
        }
        let digits = key.to_text().lines().nth(1).unwrap().to_owned();
        assert_eq!(Key::parse(&digits).unwrap().id(), key.id());
        for source in [
            KeySource::File("none".into()),
            KeySource::Env("EOL_INJECT_NO_SUCH_VARIABLE".to_owned()),
            command(&["false"]),
            command(&[]),
        ] {
            let error = read(&source, folder.path()).err();
            assert!(
                matches!(error, Some(KeyError::KeyUnread { .. })),
                "{source}"
            );
        }
        let error = read(&command(&["echo", "none"]), folder.path()).err();
        assert!(matches!(error, Some(KeyError::KeyDamaged { .. })));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write_new(&path, Key::make().unwrap().to_text().as_bytes()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let error = read(&KeySource::File("k".into()), folder.path()).err();
        assert!(matches!(error, Some(KeyError::Exposed { mode: 0o640, .. })));
    }
}
