//! One `[[checksum]]` of the recipe to a checksum of this image.

use super::error::ChecksumError;
use super::feed::{Feed, Rules, Words};
use super::field::{Checksum, Engine, State};
use super::{family, range};
use crate::checksum::compute::crc::{Crc, near};
use crate::checksum::compute::digest::Hash;
use crate::checksum::compute::sum::Sum;
use crate::image::{Endian, Image, Span};
use crate::recipe::{Algorithm, ChecksumSpec, Complement, Initial, Kind};

/// Resolves `spec`, the checksum at `index` of the recipe; none for a family that is found
/// by structure.
pub(super) fn checksum(
    image: &Image,
    spec: &ChecksumSpec,
    index: usize,
) -> Result<Option<Checksum>, ChecksumError> {
    let place = index.saturating_add(1);
    let label = format!("checksum {place} ({})", title(spec));
    let misplaced = |key| ChecksumError::KeyMisplaced {
        checksum: label.clone(),
        key,
    };
    let keyed = spec.key.as_ref().or(spec.public_key.as_ref()).is_some();
    if keyed && (spec.kind != Kind::Mcuboot || spec.leave.is_some()) {
        return Err(misplaced(if spec.key.is_some() {
            "key"
        } else {
            "public-key"
        }));
    }
    if by_structure(spec.kind) {
        no_keys(spec, &label)?;
        return Ok(None);
    }
    if spec.leave.is_some() {
        return Err(misplaced("leave"));
    }
    let missing = |key| ChecksumError::NoKey {
        checksum: label.clone(),
        key,
    };
    let words = words(spec, &label)?;
    let engine = engine(spec, &label)?;
    if engine.width().is_none() && spec.complement != Complement::None {
        return Err(misplaced("complement"));
    }
    if engine.width().is_none() && spec.endian.is_some() {
        return Err(misplaced("endian"));
    }
    if spec.over.is_empty() {
        return Err(missing("over"));
    }
    let at = spec.at.as_ref().ok_or_else(|| missing("at"))?;
    let name = match &engine {
        Engine::Crc(crc) => crc.name().to_owned(),
        _ => spec.kind.to_string(),
    };
    let label = format!("checksum {place} ({name})");
    let at = range::field(image, at, u64::from(engine.len()), &label)?;
    let over = range::resolve_all(image, &spec.over, &label)?;
    let mut except = Vec::new();
    for part in &spec.except {
        except.push((range::resolve(image, &part.range, &label)?.span, part.value));
    }
    let rules = Rules {
        own: (at, spec.own),
        except: &except,
        fill: spec.fill,
        words,
    };
    let feed = Feed::lay(image, &over, &rules, &label)?;
    Ok(Some(Checksum {
        index,
        label,
        name,
        at,
        covers: feed.stored(),
        feed,
        engine,
        complement: spec.complement,
        endian: spec.endian.unwrap_or(Endian::Little),
        state: match spec.initial {
            Initial::Valid => State::Proved,
            Initial::Unset => State::Unset(Vec::new()),
        },
    }))
}

/// Returns where the checksums of a recipe are stored; what has no place yet is left out, and is
/// refused when the recipe is proved.
#[must_use]
pub fn fields(image: &Image, specs: &[ChecksumSpec]) -> Vec<Span> {
    let mut fields = Vec::new();
    for spec in specs {
        if by_structure(spec.kind) {
            let found = family::findings(image).into_iter();
            let own = found.filter(|finding| finding.kind == Some(spec.kind));
            fields.extend(own.flat_map(|finding| finding.at));
            continue;
        }
        let label = title(spec);
        let len = engine(spec, &label).map(|engine| u64::from(engine.len()));
        let at = spec.at.as_ref().zip(len.ok());
        fields.extend(at.and_then(|(at, len)| range::field(image, at, len, &label).ok()));
    }
    fields
}

/// Returns whether a family is found by structure, without ranges.
pub(super) const fn by_structure(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::EspImage
            | Kind::Mcuboot
            | Kind::LpcVector
            | Kind::Lpc55Image
            | Kind::Rp2350Hash
            | Kind::Particle
            | Kind::DfuSuffix
            | Kind::NordicSettings
            | Kind::Fit
            | Kind::Uimage
    )
}

/// Returns how the recipe names a checksum.
pub(super) fn title(spec: &ChecksumSpec) -> String {
    match &spec.algorithm {
        Some(Algorithm::Name(name)) => name.clone(),
        _ => spec.kind.to_string(),
    }
}

/// Refuses keys that a structure decides by itself.
fn no_keys(spec: &ChecksumSpec, label: &str) -> Result<(), ChecksumError> {
    let given = [
        (spec.algorithm.is_some(), "algorithm"),
        (!spec.over.is_empty(), "over"),
        (!spec.except.is_empty(), "except"),
        (spec.fill.is_some(), "fill"),
        (spec.unit.is_some(), "unit"),
        (spec.complement != Complement::None, "complement"),
        (spec.at.is_some(), "at"),
        (spec.endian.is_some(), "endian"),
        (spec.initial != Initial::Valid, "initial"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        None => Ok(()),
        Some((_, key)) => Err(ChecksumError::KeyMisplaced {
            checksum: label.to_owned(),
            key,
        }),
    }
}

/// Returns what computes the checksum.
fn engine(spec: &ChecksumSpec, label: &str) -> Result<Engine, ChecksumError> {
    let endian = spec.endian.unwrap_or(Endian::Little);
    let unit = spec.unit.unwrap_or(1);
    let plain = |bits| Engine::Sum(Sum::Plain { bits, unit, endian });
    if spec.kind != Kind::Crc && spec.algorithm.is_some() {
        return Err(ChecksumError::KeyMisplaced {
            checksum: label.to_owned(),
            key: "algorithm",
        });
    }
    Ok(match spec.kind {
        Kind::Crc => Engine::Crc(crc(spec, label)?),
        Kind::Sum8 => plain(8),
        Kind::Sum16 => plain(16),
        Kind::Sum32 => plain(32),
        Kind::Xor8 => Engine::Sum(Sum::Xor8),
        Kind::Adler32 => Engine::Sum(Sum::Adler32),
        Kind::Fletcher16 => Engine::Sum(Sum::Fletcher16),
        Kind::Fletcher32 => Engine::Sum(Sum::Fletcher32 { endian }),
        Kind::Sha256 => Engine::Hash(Hash::Sha256),
        Kind::Sha384 => Engine::Hash(Hash::Sha384),
        Kind::Sha512 => Engine::Hash(Hash::Sha512),
        Kind::Md5 => Engine::Hash(Hash::Md5),
        // Found by structure, so it never comes here.
        _ => {
            return Err(ChecksumError::NotFound {
                checksum: label.to_owned(),
            });
        }
    })
}

/// Returns the CRC that the recipe names or describes.
fn crc(spec: &ChecksumSpec, label: &str) -> Result<Crc, ChecksumError> {
    let checksum = label.to_owned();
    match &spec.algorithm {
        None => Err(ChecksumError::NoKey {
            checksum,
            key: "algorithm",
        }),
        Some(Algorithm::Name(name)) => {
            Crc::named(name).ok_or_else(|| ChecksumError::UnknownAlgorithm {
                checksum,
                near: near(name),
            })
        }
        Some(Algorithm::Model(model)) => {
            Crc::model(model).map_err(|reason| ChecksumError::Model { checksum, reason })
        }
    }
}

/// Returns how bytes become words.
///
/// For a sum, `unit` is the size of a summand and `endian` its byte order too. For all
/// others it is the word of a CRC unit, whose bytes go in last byte first.
fn words(spec: &ChecksumSpec, label: &str) -> Result<Words, ChecksumError> {
    let refuse = |unit, allowed| {
        Err(ChecksumError::UnitSize {
            checksum: label.to_owned(),
            unit,
            allowed,
        })
    };
    match (spec.kind, spec.unit) {
        (Kind::Fletcher32, None | Some(2)) => Ok(Words::Whole(2)),
        (Kind::Fletcher32, Some(unit)) => refuse(unit, "2"),
        (_, None | Some(1)) => Ok(Words::Bytes),
        (Kind::Sum8 | Kind::Sum16 | Kind::Sum32, Some(unit @ (2 | 4))) => Ok(Words::Whole(unit)),
        (_, Some(unit @ (2 | 4))) => Ok(Words::Swapped(unit)),
        (_, Some(unit)) => refuse(unit, "1, 2 or 4"),
    }
}
