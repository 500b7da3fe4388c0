//! Trial lists in the export's shape, for rehearsals and for clouds that accept a list.

use std::io::{Seek, Write};

use zeroize::Zeroizing;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use super::archive::ENTRIES;
use super::error::PoolError;
use super::list::Origin;
use super::request::line;
use crate::qr::Symbol;
use crate::unit::{AuthToken, QrToken, Serial};

/// The characters of a token; 64, so that six random bits choose one evenly.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Says in the archive what it is.
const NOTICE: &str = "These tokens were made by `eol-inject pool generate`. No cloud knows them\n\
until it is given this list. A ledger that holds exported tokens refuses it.\n";

/// What a trial list holds.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The organisation in the QR Tokens.
    pub organisation: u32,
    /// Header of the serials, where the list fixes which serial gets which token.
    pub bind: Option<String>,
}

impl Trial {
    /// Most tokens in one list: what an import takes, beside the list and the mark.
    pub const MOST: usize = ENTRIES - 2;

    /// Refuses a list that no import would take.
    ///
    /// # Errors
    /// [`PoolError::Request`] and [`PoolError::TooLarge`].
    pub fn fits(count: usize) -> Result<(), PoolError> {
        match count {
            0 => Err(PoolError::Request {
                what: "no serial is given",
            }),
            1..=Self::MOST => Ok(()),
            _ => Err(PoolError::TooLarge {
                what: "more tokens are asked for",
                limit: 249_998,
            }),
        }
    }
}

/// Writes a trial list as zip: one token for each serial, its picture, and the mark of its origin.
///
/// The list has the columns `Device Token`, `QR Token`, the bound serial where asked for, and
/// `Origin`; a file in the archive says the same, so that the mark outlives an edited list.
///
/// # Errors
/// [`PoolError::Random`], [`PoolError::Write`], and what [`Trial::fits`] refuses.
pub fn generate(
    trial: &Trial,
    serials: &[Serial],
    out: impl Write + Seek,
) -> Result<(), PoolError> {
    Trial::fits(serials.len())?;
    let mut pairs = Vec::with_capacity(serials.len());
    for _ in serials {
        pairs.push((secret()?, code(trial.organisation)?));
    }
    let failed = |error: ZipError| PoolError::Write {
        source: error.into(),
    };
    let mut zip = ZipWriter::new(out);
    archive(&mut zip, trial, serials, &pairs).map_err(failed)?;
    zip.finish().map(drop).map_err(failed)
}

fn archive(
    zip: &mut ZipWriter<impl Write + Seek>,
    trial: &Trial,
    serials: &[Serial],
    pairs: &[(AuthToken, QrToken)],
) -> Result<(), ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o600)
        .last_modified_time(DateTime::default());
    zip.start_file(Origin::FILE, options)?;
    zip.write_all(NOTICE.as_bytes())?;
    zip.start_file("tokens.csv", options)?;
    zip.write_all(table(trial, serials, pairs).as_bytes())?;
    // PNGs are deflated already.
    let options = options.compression_method(CompressionMethod::Stored);
    for (token, code) in pairs {
        let name = Zeroizing::new(format!("qr/{}.png", text(token)));
        zip.start_file(name.as_str(), options)?;
        let picture = Symbol::encode(code).and_then(|symbol| symbol.png());
        let picture = picture.ok_or_else(|| std::io::Error::other("no QR symbol can be drawn"))?;
        zip.write_all(&picture)?;
    }
    Ok(())
}

fn table(trial: &Trial, serials: &[Serial], pairs: &[(AuthToken, QrToken)]) -> Zeroizing<String> {
    let mut table = Zeroizing::new(String::with_capacity(serials.len() * 256 + 256));
    let bind = trial.bind.as_deref();
    let header = ["Device Token", "QR Token"].into_iter().chain(bind);
    line(&mut table, header.chain([Origin::HEADER]));
    for (serial, (token, code)) in serials.iter().zip(pairs) {
        let bound = bind.map(|_| serial.as_str());
        let cells = [text(token), code.token()].into_iter().chain(bound);
        line(&mut table, cells.chain([Origin::MARK]));
    }
    table
}

fn text(token: &AuthToken) -> &str {
    // Its alphabet is ASCII.
    std::str::from_utf8(token.expose()).unwrap_or_default()
}

/// Draws 32 characters.
fn draw() -> Result<Zeroizing<[u8; AuthToken::LEN]>, PoolError> {
    let mut bytes = Zeroizing::new([0; AuthToken::LEN]);
    getrandom::fill(&mut *bytes).map_err(|_| PoolError::Random)?;
    for byte in bytes.iter_mut() {
        let index = usize::from(*byte & 63);
        *byte = ALPHABET.get(index).copied().ok_or(PoolError::Random)?;
    }
    Ok(bytes)
}

fn secret() -> Result<AuthToken, PoolError> {
    AuthToken::parse(&*draw()?).map_err(|_| PoolError::Random)
}

fn code(organisation: u32) -> Result<QrToken, PoolError> {
    let body = draw()?;
    let body = std::str::from_utf8(&*body).map_err(|_| PoolError::Random)?;
    let code = format!("sqr_{body}+{organisation}").parse();
    code.map_err(|_| PoolError::Random)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::pool::read;
    use crate::recipe::PoolSpec;

    fn spec(bind: Option<&str>) -> PoolSpec {
        PoolSpec {
            file: None,
            token: None,
            qr: None,
            bind: bind.map(str::to_owned),
        }
    }

    fn serials() -> Vec<Serial> {
        (1..=200)
            .map(|n| format!("GW{n:04}").parse().unwrap())
            .collect()
    }

    #[test]
    fn a_generated_list_reads_back_and_is_known_as_generated() {
        let trial = Trial {
            organisation: 17,
            bind: Some("Serial Number".to_owned()),
        };
        let mut zip = Cursor::new(Vec::new());
        generate(&trial, &serials(), &mut zip).unwrap();
        let pool = read(zip.get_ref(), &spec(Some("Serial Number"))).unwrap();
        assert_eq!(pool.origin, Origin::Generated);
        assert_eq!(pool.rows.len(), 200);
        for (row, serial) in pool.rows.iter().zip(serials()) {
            assert_eq!(row.bound.as_ref(), Some(&serial));
            assert!(row.picture.is_some() && row.columns.is_empty());
            assert_eq!(row.qr.as_ref().unwrap().organisation(), Some("17"));
        }
        // One token in 64 starts with a dash: 200 without any would be a fault of the alphabet.
        assert!(
            pool.rows
                .iter()
                .any(|row| row.token.expose().contains(&b'-'))
        );
    }

    #[test]
    fn the_mark_outlives_the_archive() {
        let trial = Trial {
            organisation: 1,
            bind: None,
        };
        let pairs: Vec<_> = (0..3)
            .map(|_| (secret().unwrap(), code(1).unwrap()))
            .collect();
        let few: Vec<_> = serials().into_iter().take(3).collect();
        let text = table(&trial, &few, &pairs);
        let pool = read(text.as_bytes(), &spec(None)).unwrap();
        assert_eq!(pool.origin, Origin::Generated);
        let edited = text.replacen(Origin::MARK, "me", 1);
        let error = read(edited.as_bytes(), &spec(None)).unwrap_err();
        assert_eq!(error.name(), "pool-mixed-origin");
    }

    #[test]
    fn no_list_is_empty_or_larger_than_an_import_takes() {
        assert_eq!(Trial::fits(0).unwrap_err().name(), "pool-request");
        assert!(Trial::fits(Trial::MOST).is_ok());
        let error = Trial::fits(Trial::MOST + 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("more tokens are asked for than {}", Trial::MOST)
        );
    }
}
