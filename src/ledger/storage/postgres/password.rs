//! Passwords: from the address, from `PGPASSWORD`, or from the password file, as libpq has them.

use postgres::Config;
use postgres::config::Host;
use std::path::PathBuf;
use zeroize::Zeroizing;

use crate::ledger::error::about;
use crate::ledger::{KeyError, LedgerError};
use crate::regular;
use crate::vault::files::exposed;

/// Port of a host that names none.
const PORT: u16 = 5432;

/// Bytes of the largest password file.
const LARGEST: u64 = 1 << 20;

/// Gives the address a password, if it has none and one is known.
pub fn fill(config: &mut Config) -> Result<(), LedgerError> {
    if config.get_password().is_some() {
        return Ok(());
    }
    if let Some(password) = std::env::var_os("PGPASSWORD").filter(|text| !text.is_empty()) {
        let password = Zeroizing::new(password.into_encoded_bytes());
        config.password(password.as_slice());
        return Ok(());
    }
    let Some(path) = file() else {
        return Ok(());
    };
    let text = match regular::read(&path, LARGEST) {
        Ok(bytes) => Zeroizing::new(String::from_utf8_lossy(&Zeroizing::new(bytes)).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(about(&path)(error)),
    };
    let found = places(config).iter().find_map(|place| lookup(&text, place));
    let Some(password) = found else {
        return Ok(());
    };
    // libpq leaves such a file unused with a warning; what others can read is no secret.
    let mode = exposed(&path).map_err(about(&path))?;
    if mode != 0 {
        return Err(LedgerError::Key(KeyError::Exposed { path, mode }));
    }
    config.password(password.as_bytes());
    Ok(())
}

/// Returns where the password file is (libpq, "The Password File").
fn file() -> Option<PathBuf> {
    match std::env::var_os("PGPASSFILE") {
        Some(path) => Some(path.into()),
        None => Some(std::env::home_dir()?.join(".pgpass")),
    }
}

/// Lists host, port, database and user of each host.
fn places(config: &Config) -> Vec<[String; 4]> {
    let user = match config.get_user() {
        Some(user) => user.to_owned(),
        None => std::env::var("USER").unwrap_or_default(),
    };
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate();
    hosts
        .map(|(index, host)| {
            let host = match host {
                Host::Tcp(name) => name.clone(),
                // A socket is looked up as `localhost`.
                #[cfg(unix)]
                Host::Unix(_) => "localhost".to_owned(),
            };
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(PORT);
            [host, port.to_string(), database.clone(), user.clone()]
        })
        .collect()
}

/// Finds the first line that fits; `*` fits everything, and `\` makes `:` and `\` plain.
fn lookup(text: &str, place: &[String; 4]) -> Option<Zeroizing<String>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut fields = fields(line);
            if fields.len() != place.len() + 1 {
                return None;
            }
            let password = fields.pop()?;
            let fits = |(field, wanted): (&Zeroizing<String>, &String)| {
                field.as_str() == "*" || field.as_str() == wanted
            };
            fields.iter().zip(place).all(fits).then_some(password)
        })
}

fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let plain = match letter {
            ':' => {
                fields.push(Zeroizing::new(String::new()));
                continue;
            }
            '\\' => letters.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(field) = fields.last_mut() {
            field.push(plain);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# db:5432:line:eol:comment\n\
                    db:5433:line:eol:other port\n\
                    db:5432:line:eol:with\\:colon\\\\\n\
                    *:*:*:*:any\n";
        let place = |host: &str| [host, "5432", "line", "eol"].map(str::to_owned);
        let found = |host: &str| lookup(text, &place(host)).unwrap().to_string();
        assert_eq!(found("db"), "with:colon\\");
        assert_eq!(found("db2"), "any");
        assert!(lookup("db:5432:line:eol", &place("db")).is_none());
    }

    #[test]
    fn every_host_has_its_place() {
        let config: Config = "postgres://eol@a:1,b:2/line".parse().unwrap();
        let places = places(&config);
        assert_eq!(places[0], ["a", "1", "line", "eol"]);
        assert_eq!(places[1], ["b", "2", "line", "eol"]);
    }
}
