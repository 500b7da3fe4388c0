//! Labels: from an entry of the ledger to a picture, and from a scan back to the entry.
//!
//! A label says what the entry's QR Token says, and nothing here ever sees an AuthToken.

mod error;
mod pairs;
mod scan;

#[cfg(feature = "label")]
mod folder;

pub use error::LabelError;
#[cfg(feature = "label")]
pub use folder::LabelFolder;
pub use pairs::{Due, Half, Pairs, Step, Wrong};
pub use scan::{Scan, scan};

use crate::ledger::{Entry, UnitState};
#[cfg(feature = "label")]
use crate::qr::{Symbol, picture};
use crate::recipe::Organisation;
use crate::unit::{QrToken, Serial};

/// Takes labels; only a record makes one.
pub trait Labels {
    /// Makes the label of a finished unit unless exactly it is there already; returns whether
    /// anything was made.
    ///
    /// # Errors
    /// [`LabelError`]; the record stands all the same.
    fn put(&self, entry: &Entry) -> Result<bool, LabelError>;
}

/// The picture for one unit, proved to say what its record says.
#[cfg(feature = "label")]
#[derive(Debug, Clone)]
pub struct Label {
    serial: Serial,
    code: QrToken,
    png: Vec<u8>,
    symbol: Symbol,
    source: Source,
}

/// Where a label's PNG comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    /// The token list had it: it is kept byte for byte.
    Exported,
    /// Drawn here from the QR Token.
    Drawn,
}

#[cfg(feature = "label")]
impl Label {
    /// Makes the label of a finished unit, with the organisation where that is required.
    ///
    /// The picture is read again before it is given out: it says exactly what the record says.
    ///
    /// # Errors
    /// [`LabelError`]
    pub fn for_entry(entry: &Entry, organisation: Organisation) -> Result<Self, LabelError> {
        let code = code(entry)?;
        let serial = entry.record().serial.clone();
        let (png, source) = match entry.picture() {
            Some(picture) => (picture.to_vec(), Source::Exported),
            None => {
                let drawn = encode(code, &serial)?.png();
                let drawn = drawn.ok_or_else(|| LabelError::Draw {
                    serial: serial.clone(),
                })?;
                (drawn, Source::Drawn)
            }
        };
        let read = picture::read_symbol(&png);
        let (read, symbol) = read.map_err(|source| LabelError::Picture {
            serial: serial.clone(),
            source,
        })?;
        if !same(code, &read) {
            return Err(LabelError::Differs { serial });
        }
        // What a scanner reads counts, and not what the list says beside it.
        if lack(Some(&read), organisation).is_some() {
            return Err(LabelError::NoOrganisation { serial });
        }
        let symbol = match symbol {
            Some(symbol) => symbol,
            None => encode(&read, &serial)?,
        };
        Ok(Self {
            serial,
            code: read,
            png,
            symbol,
            source,
        })
    }

    /// Returns the unit.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Returns what was read from the picture.
    #[must_use]
    pub const fn code(&self) -> &QrToken {
        &self.code
    }

    /// Returns where the PNG comes from.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Returns the PNG.
    #[must_use]
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// Draws the label as SVG, from what was read from the PNG: its very modules, where it is drawn
    /// without a flaw.
    #[must_use]
    pub fn svg(&self) -> String {
        self.symbol.svg(self.serial.as_str())
    }

    /// Returns the file name of the label in one format: the serial's, never the token's.
    #[must_use]
    pub fn file(&self, format: Format) -> String {
        file(&self.serial, format)
    }
}

#[cfg(feature = "label")]
fn encode(code: &QrToken, serial: &Serial) -> Result<Symbol, LabelError> {
    Symbol::encode(code).ok_or_else(|| LabelError::TooLong {
        serial: serial.clone(),
    })
}

/// A format of label files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// The picture.
    Png,
    /// The drawing.
    Svg,
}

/// Returns the file name of a unit's label.
#[must_use]
pub fn file(serial: &Serial, format: Format) -> String {
    format!("{serial}.{format}")
}

/// Returns what the label of an entry says, where there is to be one.
fn code(entry: &Entry) -> Result<&QrToken, LabelError> {
    let record = entry.record();
    match record.state {
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled => {}
        UnitState::Reserved | UnitState::Void | UnitState::Superseded => {
            return Err(LabelError::NotFinished {
                serial: record.serial.clone(),
                state: record.state,
            });
        }
    }
    entry.qr().ok_or_else(|| LabelError::NoQr {
        serial: record.serial.clone(),
    })
}

/// What a QR Token lacks for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// There is none.
    QrToken,
    /// It names no organisation, and that is required.
    Organisation,
}

/// Tells what a token's QR Token lacks for its label; before there is a unit, too.
#[must_use]
pub fn lack(code: Option<&QrToken>, organisation: Organisation) -> Option<Lack> {
    match code {
        None => Some(Lack::QrToken),
        Some(code) if code.organisation().is_none() && organisation == Organisation::Required => {
            Some(Lack::Organisation)
        }
        Some(_) => None,
    }
}

/// Returns whether two texts claim the same device; an organisation may be unknown to one.
fn same(one: &QrToken, other: &QrToken) -> bool {
    let organisation = match (one.organisation(), other.organisation()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.token() == other.token() && organisation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Outcome, Target, UnitRecord};
    use crate::unit::{AuthToken, Digest};

    pub(super) const CODE: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR+17";
    pub(super) const OTHER: &str = "sqr_-CCsLSydh3d0ArmZj50l9zr79JXVooBR+17";

    pub(super) fn entry(code: Option<&str>, picture: Option<Vec<u8>>) -> Entry {
        let token = AuthToken::parse(b"-fake-TOKEN_0123456789abcdefghij").unwrap();
        let digest = Digest::of(b"");
        let record = UnitRecord {
            serial: "GW000001".parse().unwrap(),
            state: UnitState::Prepared,
            fingerprint: token.fingerprint(),
            uid: None,
            image: digest,
            recipe: digest,
            digest: None,
            target: Target::File,
            durable: true,
            station: "one".to_owned(),
            run: String::new(),
            attempt: 1,
            outcome: Outcome::Confirmed,
            labelled_at: None,
            at: String::new(),
            event: digest,
        };
        Entry::new(record, code.map(|code| code.parse().unwrap()), picture)
    }

    /// A picture as a console would have drawn it, with a text chunk that a drawing lacks.
    #[cfg(feature = "label")]
    fn exported(code: &str) -> Vec<u8> {
        let drawn = Symbol::encode(&code.parse().unwrap()).unwrap();
        let drawn = drawn.png().unwrap();
        let (head, rest) = drawn.split_at(33);
        // tEXt "A" = "b" (CRC-32 of type and data behind it).
        let chunk = b"\0\0\0\x03tEXtA\0b";
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(chunk.split_at(4).1);
        [head, chunk, &crc.to_be_bytes(), rest].concat()
    }

    #[cfg(feature = "label")]
    fn made(entry: &Entry) -> Result<Label, LabelError> {
        Label::for_entry(entry, Organisation::Required)
    }

    #[cfg(feature = "label")]
    #[test]
    fn an_exported_picture_stays_byte_for_byte() {
        let picture = exported(CODE);
        let label = made(&entry(Some(CODE), Some(picture.clone()))).unwrap();
        assert_eq!(label.png(), picture);
        assert_eq!(label.source(), Source::Exported);
        assert_eq!(label.file(Format::Png), "GW000001.png");
        assert_eq!(label.file(Format::Svg), "GW000001.svg");
    }

    #[cfg(feature = "label")]
    #[test]
    fn without_picture_the_label_is_drawn() {
        let label = made(&entry(Some(CODE), None)).unwrap();
        assert_eq!(label.source(), Source::Drawn);
        assert_eq!(label.code().payload(), CODE);
        assert_eq!(picture::read(label.png()), Ok(CODE.parse().unwrap()));
        assert!(label.svg().starts_with("<svg "));
    }

    #[cfg(feature = "label")]
    #[test]
    fn a_picture_of_another_device_is_no_label() {
        let error = made(&entry(Some(CODE), Some(exported(OTHER)))).unwrap_err();
        assert_eq!(error.name(), "label-differs");
        let error = made(&entry(Some(CODE), Some(b"GIF89a".to_vec()))).unwrap_err();
        assert_eq!(error.name(), "label-picture");
        let error = made(&entry(None, None)).unwrap_err();
        assert_eq!(error.name(), "label-no-qr");
    }

    #[cfg(feature = "label")]
    #[test]
    fn a_label_without_organisation_is_made_only_where_it_is_wanted() {
        let (bare, _) = CODE.split_once('+').unwrap();
        // A picture that lacks it is as bad as a list that does.
        for picture in [None, Some(exported(bare))] {
            for code in [bare, CODE] {
                let entry = entry(Some(code), picture.clone());
                if code == bare || picture.is_some() {
                    assert_eq!(made(&entry).unwrap_err().name(), "label-no-organisation");
                } else {
                    made(&entry).unwrap();
                }
                Label::for_entry(&entry, Organisation::Optional).unwrap();
            }
        }
        let code = |text: &str| text.parse::<QrToken>().unwrap();
        let required = Organisation::Required;
        assert_eq!(lack(None, required), Some(Lack::QrToken));
        assert_eq!(lack(Some(&code(bare)), required), Some(Lack::Organisation));
        assert_eq!(lack(Some(&code(CODE)), required), None);
        assert_eq!(lack(Some(&code(bare)), Organisation::Optional), None);
    }
}
