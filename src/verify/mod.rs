//! Offline proof: a unit's image differs from the shared one in slots and checksums only.
//!
//! Images are read a second time here, by a reader that shares no parsing with
//! [`image`](crate::image), so that a reading fault cannot approve its own patch, and every
//! checksum is computed from scratch. No secret is needed, and none is shown.

mod difference;
mod reader;

pub use difference::{Difference, VerifyError};
pub use reader::{ReadError, read};

use crate::checksum::fields;
use crate::image::{Address, Conversion, Edits, Format, Hint, Image, Parts, Span};
use crate::master::Master;
use crate::recipe::{Recipe, SlotValue};
use crate::slot::{Content, Slot};
use crate::unit::{AuthToken, Digest, Fingerprint, Serial, hex};

/// What the record says of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The unit.
    pub serial: Serial,
    /// Its token's fingerprint, where there is a record.
    pub fingerprint: Option<Fingerprint>,
}

/// What an image was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// The token's fingerprint, where the slot holds a token.
    pub fingerprint: Option<Fingerprint>,
    /// What the serial's slot holds, where the image has one.
    pub serial: Option<String>,
    /// What is wrong; empty for an image that is right.
    pub findings: Vec<Difference>,
}

impl Examined {
    /// Adds what differs from the record: the serial, where the image holds one, and the token.
    pub fn compare(&mut self, expected: &Expected) {
        if let Some(found) = &self.serial
            && found != expected.serial.as_str()
        {
            self.findings.push(Difference::Serial {
                found: found.clone(),
                wanted: expected.serial.to_string(),
            });
        }
        if let (Some(found), Some(wanted)) = (self.fingerprint, expected.fingerprint)
            && found != wanted
        {
            self.findings
                .push(Difference::Fingerprint { found, wanted });
        }
    }

    /// Says that there was nothing to look into.
    fn unreadable(error: ReadError) -> Self {
        Self {
            findings: vec![Difference::Unreadable(error)],
            ..Self::default()
        }
    }
}

/// Judges the images of one product.
#[derive(Debug)]
pub struct Judge {
    master: Master,
    hint: Hint,
}

impl Judge {
    /// Reads the shared image on its own and proves the recipe on it.
    ///
    /// `names` is the ELF that names places in a BIN or HEX.
    ///
    /// # Errors
    /// [`VerifyError`]: shared image and recipe do not fit, so nothing can be judged by them.
    pub fn new(
        shared: Vec<u8>,
        names: Option<Vec<u8>>,
        recipe: &Recipe,
    ) -> Result<Self, VerifyError> {
        let hint = recipe.image.hint();
        let mut image = reader::read(shared, hint)?;
        if let Some(names) = names {
            let program = reader::read(names, Hint::default())?;
            image = image
                .with_names_but(&program, |image| fields(image, &recipe.checksums))
                .map_err(|error| VerifyError::Master(error.into()))?;
        }
        // A unit's image is of the same format, whatever its content looks like.
        let hint = Hint {
            format: Some(image.format()),
            ..recipe.image.hint()
        };
        let master = Master::prove(image, recipe)?;
        Ok(Self { master, hint })
    }

    /// Returns the SHA-256 of the shared image.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.master.digest()
    }

    /// Returns the format of the shared image.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.master.image().format()
    }

    /// Judges a unit's image.
    #[must_use]
    pub fn examine(&self, container: Vec<u8>, expected: Option<&Expected>) -> Examined {
        match reader::read(container, self.hint) {
            Ok(image) => {
                let mut examined = self.examine_memory(&image, expected);
                examined.findings.extend(self.container(&image));
                examined
            }
            Err(error) => Examined::unreadable(error),
        }
    }

    /// Judges a unit's image that was converted on its way out.
    ///
    /// A BIN starts at the lowest address of the shared image, and has the filling that was asked
    /// for in its gaps; a HEX holds the same addresses and no other.
    #[must_use]
    pub fn examine_converted(
        &self,
        form: Conversion,
        container: Vec<u8>,
        expected: Option<&Expected>,
    ) -> Examined {
        let runs = self.master.image().runs();
        let (format, base) = match form {
            Conversion::Bin { .. } => (Format::Bin, runs.first().map(|run| run.start())),
            Conversion::Hex => (Format::Hex, None),
        };
        let hint = Hint {
            format: Some(format),
            base,
            family: None,
        };
        match reader::read_as(format, container, hint) {
            Ok(unit) => {
                let mut examined = self.examine_memory(&unit, expected);
                examined.findings.extend(self.more(form, &unit));
                examined
            }
            Err(error) => Examined::unreadable(error),
        }
    }

    /// Returns the first byte of a converted image that the shared one does not account for.
    fn more(&self, form: Conversion, unit: &Image) -> Option<Difference> {
        let shared = self.master.image();
        let last = shared.runs().last().map(|run| run.end());
        for run in unit.runs() {
            for span in Span::outside(vec![run], shared.stored_within(run)) {
                let bytes = unit.bytes(span).ok()?;
                let fill = match form {
                    Conversion::Bin { fill } if Some(span.end()) <= last => Some(fill),
                    _ => None,
                };
                let odd = bytes
                    .iter()
                    .zip(0u64..)
                    .find(|(byte, _)| Some(**byte) != fill);
                if let Some((found, skip)) = odd {
                    let at = span.start().checked_add(skip)?;
                    return Some(Difference::More { at, found: *found });
                }
            }
        }
        None
    }

    /// Judges what was read from a unit's flash, from `base` on.
    ///
    /// The dump must hold every byte of the shared image; bytes that the image does not store
    /// are not judged.
    #[must_use]
    pub fn examine_dump(
        &self,
        base: Address,
        dump: Vec<u8>,
        expected: Option<&Expected>,
    ) -> Examined {
        let hint = Hint {
            format: Some(Format::Bin),
            base: Some(base),
            ..Hint::default()
        };
        match reader::read(dump, hint) {
            Ok(memory) => self.examine_memory(&memory, expected),
            Err(error) => Examined::unreadable(error),
        }
    }

    /// Judges what was read from a board at the shared image's runs.
    #[must_use]
    pub fn examine_board(&self, read: &Edits, expected: Option<&Expected>) -> Examined {
        let mut memory = Vec::new();
        let mut parts = Parts::default();
        for (start, bytes) in read.iter() {
            let from = memory.len();
            memory.extend_from_slice(bytes);
            let len = u64::try_from(bytes.len()).ok();
            if let Some(span) = len.and_then(|len| Span::new(start, len)) {
                parts.extents.push((span, from..memory.len()));
            }
        }
        let board = Image::from_parts(Format::Bin, memory, parts);
        self.examine_memory(&board, expected)
    }

    /// Returns where the shared image stores bytes: what has to be read of a board.
    #[must_use]
    pub fn runs(&self) -> Vec<Span> {
        self.master.image().runs()
    }

    /// Returns the shared image, proved.
    #[must_use]
    pub const fn master(&self) -> &Master {
        &self.master
    }

    /// Compares loaded bytes, slots and checksums.
    fn examine_memory(&self, unit: &Image, expected: Option<&Expected>) -> Examined {
        let mut examined = Examined::default();
        examined.findings.extend(self.outside(unit));
        for slot in self.master.slots() {
            let read = read_slot(slot, unit, &mut examined);
            examined.findings.extend(read.err());
        }
        self.checksums(unit, &mut examined.findings);
        if let Some(expected) = expected {
            examined.compare(expected);
        }
        examined
    }

    /// Returns the first loaded byte outside slots and checksums that is missing or different.
    fn outside(&self, unit: &Image) -> Option<Difference> {
        let changes = self.master.changes();
        for run in self.master.image().runs() {
            for span in Span::outside(vec![run], changes.iter().copied()) {
                if let Some(found) = first_difference(self.master.image(), unit, span) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// Recomputes every checksum over what the unit holds.
    fn checksums(&self, unit: &Image, findings: &mut Vec<Difference>) {
        for checksum in self.master.plan().checksums() {
            let at = checksum.at();
            let differs = match checksum.is_current(unit) {
                Ok(true) => continue,
                Ok(false) if checksum.is_signature() => Difference::Signature {
                    name: checksum.name().to_owned(),
                    at: at.start(),
                },
                Ok(false) => Difference::Checksum {
                    name: checksum.name().to_owned(),
                    at: at.start(),
                    stored: hex(&checksum.stored(unit).unwrap_or_default()),
                    computed: hex(&checksum.compute(unit, &Edits::new()).unwrap_or_default()),
                },
                Err(_) => Difference::NotComputable {
                    name: checksum.name().to_owned(),
                    at: at.start(),
                },
            };
            findings.push(differs);
        }
    }

    /// Compares the files themselves: what stands beside loaded bytes must not differ either.
    fn container(&self, unit: &Image) -> Option<Difference> {
        let shared = self.master.image();
        let (ours, theirs) = (shared.beside(), unit.beside());
        if let (Some(wanted), Some(found)) = (&ours.rest, &theirs.rest) {
            let stale = theirs
                .stale
                .iter()
                .find(|block| !ours.stale.contains(block));
            return match stale {
                Some(block) => Some(Difference::Md5 { block: *block }),
                None => files(found, wanted),
            };
        }
        let mut edits = Edits::new();
        for span in self.master.changes() {
            let bytes = unit.bytes(span).ok()?;
            edits.put(span.start(), &bytes);
        }
        let wanted = shared.rendered(&edits).ok()?;
        let found = unit.container();
        if found.len() != wanted.len() {
            return Some(Difference::Length {
                found: found.len(),
                wanted: wanted.len(),
            });
        }
        let offset = wanted.difference(found)?;
        Some(Difference::File {
            offset,
            found: found.get(offset).copied().unwrap_or_default(),
            wanted: wanted.byte(offset).unwrap_or_default(),
        })
    }
}

/// Returns the first difference of two files.
fn files(found: &[u8], wanted: &[u8]) -> Option<Difference> {
    if wanted.len() != found.len() {
        return Some(Difference::Length {
            found: found.len(),
            wanted: wanted.len(),
        });
    }
    if wanted == found {
        return None;
    }
    let offset = wanted.iter().zip(found).position(|(a, b)| a != b)?;
    Some(Difference::File {
        offset,
        found: found.get(offset).copied().unwrap_or_default(),
        wanted: wanted.get(offset).copied().unwrap_or_default(),
    })
}

/// Returns the first address of `span` at which `unit` differs from `shared`.
fn first_difference(shared: &Image, unit: &Image, span: Span) -> Option<Difference> {
    let wanted = shared.chunks(span).ok()?;
    for (start, wanted) in wanted {
        let part = Span::new(start, u64::try_from(wanted.len()).ok()?)?;
        let Ok(found) = unit.bytes(part) else {
            let stored = unit.stored_within(part).next();
            let first = match stored {
                Some(stored) if stored.start() == part.start() => stored.end(),
                _ => part.start(),
            };
            return Some(Difference::NotStored { at: first });
        };
        // Equal bytes are compared many at a time; nearly all are.
        if *wanted == *found {
            continue;
        }
        let differs = wanted.iter().zip(found.iter()).zip(0u64..);
        for ((wanted, found), at) in differs {
            if wanted != found {
                return Some(Difference::Outside {
                    at: start.checked_add(at)?,
                    found: *found,
                    wanted: *wanted,
                });
            }
        }
    }
    None
}

/// Reads one slot of a unit and checks that it holds exactly what its value gives.
fn read_slot(slot: &Slot, unit: &Image, examined: &mut Examined) -> Result<(), Difference> {
    let at = slot.span().start();
    let value = slot.value().to_string();
    let wrong = |reason: &str| Difference::Slot {
        value: value.clone(),
        at,
        reason: reason.to_owned(),
    };
    let bytes = unit
        .bytes(slot.span())
        .map_err(|_| wrong("it is not stored"))?;
    let held = match slot.read(&bytes) {
        Content::Filled(held) => held,
        Content::Blank => return Err(wrong("it is blank")),
        Content::Damaged(reason) => return Err(wrong(&reason)),
    };
    let canonical = slot
        .encode(&held)
        .map_err(|error| wrong(&error.to_string()))?;
    if canonical.as_slice() != bytes.as_ref() {
        return Err(wrong("what stands behind its value is not the padding"));
    }
    match slot.value() {
        SlotValue::AuthToken => {
            let token = AuthToken::parse(&held).map_err(Difference::Token)?;
            examined.fingerprint = Some(token.fingerprint());
        }
        SlotValue::Serial => {
            examined.serial = Some(String::from_utf8_lossy(&held).into_owned());
        }
        SlotValue::Column(_) => {}
    }
    Ok(())
}
