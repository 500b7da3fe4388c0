//! The address of a server: hosts, database, how safe the way there is.

use postgres::Config;
use postgres::config::{Host, SslMode, TargetSessionAttrs};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{password, tls};
use crate::ledger::{LedgerError, StorageError};

/// How long one host may take to answer at first.
const CONNECT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged, and an idle connection unproved.
const SILENCE: Duration = Duration::from_secs(15);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To work: only a server that takes writes will do.
    Work,
    /// To look: any server will do, a standby too.
    Look,
}

/// Where the server is, and how it is reached.
#[derive(Clone)]
pub struct Address {
    pub config: Config,
    pub tls: Option<MakeRustlsConnect>,
}

fn wrong(what: impl Into<String>) -> LedgerError {
    LedgerError::Storage(StorageError::Address { what: what.into() })
}

impl Address {
    /// Reads an address as libpq does; files that it names are relative to `folder`.
    ///
    /// `sslmode` is stricter than libpq's: there is no falling back to plain text, and whoever
    /// asks for TLS gets the server's certificate and name checked.
    pub fn parse(url: &str, folder: &Path, purpose: Purpose) -> Result<Self, LedgerError> {
        let (url, own) = take_own(url)?;
        // The parser names an option at most, never its value.
        let mut config: Config = url.parse().map_err(|error: postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            wrong(cause.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host"));
        }
        let local = is_local(&config);
        let secure = match own.mode.as_deref() {
            None => !local,
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(other) => {
                return Err(wrong(format!(
                    "sslmode={other} may fall back to plain text: write verify-full, or disable"
                )));
            }
        };
        config.ssl_mode(if secure {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        let roots = own.roots.filter(|roots| roots.as_os_str() != "system");
        let tls = match secure {
            true => Some(tls::connector(
                roots.map(|roots| folder.join(roots)).as_deref(),
            )?),
            false => None,
        };
        settle(&mut config, purpose);
        password::fill(&mut config)?;
        Ok(Self { config, tls })
    }
}

/// Parameters that the client library does not know.
#[derive(Default)]
struct Own {
    mode: Option<String>,
    roots: Option<PathBuf>,
}

/// Takes the parameters out that only this program reads.
fn take_own(url: &str) -> Result<(String, Own), LedgerError> {
    let mut own = Own::default();
    let Some((place, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), own));
    };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => own.mode = Some(decode(value)?),
            Some(("sslrootcert", value)) => own.roots = Some(decode(value)?.into()),
            _ => rest.push(pair),
        }
    }
    let query = rest.join("&");
    let url = match query.is_empty() {
        true => place.to_owned(),
        false => format!("{place}?{query}"),
    };
    Ok((url, own))
}

/// Undoes percent-encoding (RFC 3986, section 2.1).
fn decode(text: &str) -> Result<String, LedgerError> {
    let bad = || wrong("a parameter is not encoded as RFC 3986 wants it");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or_else(bad)?, rest.next().ok_or_else(bad)?];
        let digits = str::from_utf8(&digits).map_err(|_| bad())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// Returns whether nothing leaves this computer.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: IpAddr| address.is_loopback())
        }
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Sets what the address leaves open.
fn settle(config: &mut Config, purpose: Purpose) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config.keepalives_idle(SILENCE / 3);
    config.keepalives_interval(SILENCE / 3);
    config.keepalives_retries(2);
    let many = config.get_hosts().len().max(config.get_hostaddrs().len()) > 1;
    match purpose {
        // After a failover the old server may still answer, and take no writes.
        Purpose::Work if many => {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Purpose::Work => {}
        Purpose::Look => {
            config.target_session_attrs(TargetSessionAttrs::Any);
        }
    }
    if config.get_application_name().is_none() {
        config.application_name("eol-inject");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, LedgerError> {
        Address::parse(url, Path::new(""), Purpose::Work)
    }

    fn mode(url: &str) -> SslMode {
        parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn what_leaves_the_computer_is_encrypted_unless_the_address_says_otherwise() {
        for local in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            let url = format!("postgres://eol@{local}/line");
            assert_eq!(mode(&url), SslMode::Disable, "{local}");
            assert_eq!(
                mode(&format!("{url}?sslmode=verify-full")),
                SslMode::Require
            );
        }
        assert_eq!(mode("postgres://eol@db/line"), SslMode::Require);
        assert_eq!(mode("postgres://eol@localhost,db/line"), SslMode::Require);
        assert_eq!(
            mode("postgres://eol@db/line?sslmode=require"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://eol@db/line?sslmode=disable"),
            SslMode::Disable
        );
    }

    #[test]
    fn a_mode_that_may_fall_back_to_plain_text_is_refused() {
        for mode in ["prefer", "allow", "off"] {
            let error = parse(&format!("postgres://eol@db/line?sslmode={mode}")).err();
            assert!(
                matches!(
                    error,
                    Some(LedgerError::Storage(StorageError::Address { .. }))
                ),
                "{mode}"
            );
        }
    }

    #[test]
    fn an_error_never_repeats_the_password() {
        for url in [
            "postgres://eol:hidden@db:port/line",
            "postgres://eol:hidden@db/line?no_such=hidden",
            "postgres://eol:hidden@db/line?sslmode=%zz",
            "postgres://eol:hidden@/line",
        ] {
            let error = parse(url).err().unwrap();
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes_is_used() {
        let attrs = |url| parse(url).unwrap().config.get_target_session_attrs();
        let wanted = TargetSessionAttrs::ReadWrite;
        assert_eq!(attrs("postgres://eol@localhost:1,localhost:2/line"), wanted);
        assert_eq!(
            attrs("postgres://eol@localhost/line?target_session_attrs=read-write"),
            wanted
        );
        assert_eq!(
            attrs("postgres://eol@localhost/line"),
            TargetSessionAttrs::Any
        );
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(decode("%2Fa%20b").unwrap(), "/a b");
        assert!(decode("%2").is_err());
        assert!(decode("%ff").is_err());
    }
}
