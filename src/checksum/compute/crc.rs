//! CRCs by catalogue name or by parameters, each the fastest way that gives its value.
//!
//! Widths that are no whole bytes are stored in the next whole number of bytes, and
//! their highest bits are zero.

use std::sync::{Mutex, PoisonError};

use crc::Table;

use super::catalogue::{CATALOGUE, Entry, Parameters};
use crate::recipe::CrcModel;

/// One CRC, ready to run.
pub(crate) struct Crc {
    name: String,
    shape: Shape,
    way: Way,
}

/// What decides how a CRC follows a change: all parameters but start value and final XOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bits of the register: 1 to 128.
    pub(crate) width: u8,
    /// The polynomial without its highest term, highest power first.
    pub(crate) poly: u128,
    pub(crate) refin: bool,
    pub(crate) refout: bool,
}

impl Shape {
    /// Returns a register full of ones.
    pub(crate) const fn mask(self) -> u128 {
        u128::MAX >> (u128::BITS - self.width as u32)
    }
}

/// How it is computed. `crc`'s tables take 16 bytes at a time.
enum Way {
    Fast(crc_fast::CrcAlgorithm),
    W8(Box<crc::Crc<u8, Table<16>>>),
    W16(Box<crc::Crc<u16, Table<16>>>),
    W32(Box<crc::Crc<u32, Table<16>>>),
    W64(Box<crc::Crc<u64, Table<16>>>),
    W128(Box<crc::Crc<u128, Table<1>>>),
}

/// Something that calls back with all bytes, in order.
pub(crate) type Source<'a, E> = &'a mut dyn FnMut(&mut dyn FnMut(&[u8])) -> Result<(), E>;

impl Crc {
    /// Takes the catalogue's algorithm of this name, upper or lower case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        CATALOGUE
            .iter()
            .find(|entry| entry.names().any(|known| known.eq_ignore_ascii_case(name)))
            .map(Self::of)
    }

    /// Takes an algorithm of the catalogue.
    fn of(entry: &Entry) -> Self {
        Self {
            name: entry.name.to_owned(),
            shape: entry.parameters.shape(),
            way: match entry.fast {
                Some(fast) => Way::Fast(fast),
                None => Way::table(entry.parameters),
            },
        }
    }

    /// Takes parameters of its own; the catalogue's algorithm where they are its.
    ///
    /// The error says which parameter is wrong.
    pub(crate) fn model(model: &CrcModel) -> Result<Self, String> {
        if !(1..=64).contains(&model.width) {
            return Err(format!("width = {}; a CRC has 1 to 64 bits", model.width));
        }
        let mask = u64::MAX >> (64 - u32::from(model.width));
        let values = [
            ("poly", model.poly),
            ("init", model.init),
            ("xorout", model.xorout),
        ];
        if let Some((key, value)) = values.iter().find(|(_, value)| *value & !mask != 0) {
            let width = model.width;
            return Err(format!(
                "{key} = {value:#x} has more than width = {width} bits"
            ));
        }
        if model.poly == 0 {
            return Err("poly = 0 checks nothing".to_owned());
        }
        if let Some(entry) = CATALOGUE.iter().find(|entry| entry.parameters.is(model)) {
            return Ok(Self::of(entry));
        }
        Ok(Self {
            name: format!("CRC-{} poly {:#x}", model.width, model.poly),
            shape: Parameters::W64(kept(model)).shape(),
            way: Way::W64(Box::new(crc::Crc::<u64, Table<16>>::new(kept(model)))),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the width in bits.
    pub(crate) const fn width(&self) -> u8 {
        self.shape.width
    }

    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Computes the CRC of all that `source` gives.
    pub(crate) fn value<E>(&self, source: Source<'_, E>) -> Result<u128, E> {
        macro_rules! table {
            ($crc:expr) => {{
                let mut digest = $crc.digest();
                source(&mut |bytes| digest.update(bytes))?;
                Ok(u128::from(digest.finalize()))
            }};
        }
        match &self.way {
            Way::Fast(algorithm) => {
                let mut digest = crc_fast::Digest::new(*algorithm);
                source(&mut |bytes| digest.update(bytes))?;
                Ok(u128::from(digest.finalize()))
            }
            Way::W8(crc) => table!(crc),
            Way::W16(crc) => table!(crc),
            Way::W32(crc) => table!(crc),
            Way::W64(crc) => table!(crc),
            Way::W128(crc) => table!(crc),
        }
    }
}

impl std::fmt::Debug for Crc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crc({})", self.name)
    }
}

impl Way {
    fn table(parameters: Parameters) -> Self {
        match parameters {
            Parameters::W8(one) => Self::W8(Box::new(crc::Crc::<u8, Table<16>>::new(one))),
            Parameters::W16(one) => Self::W16(Box::new(crc::Crc::<u16, Table<16>>::new(one))),
            Parameters::W32(one) => Self::W32(Box::new(crc::Crc::<u32, Table<16>>::new(one))),
            Parameters::W64(one) => Self::W64(Box::new(crc::Crc::<u64, Table<16>>::new(one))),
            Parameters::W128(one) => Self::W128(Box::new(crc::Crc::<u128, Table<1>>::new(one))),
        }
    }
}

impl Entry {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

impl Parameters {
    pub(crate) const fn width(self) -> u8 {
        match self {
            Self::W8(one) => one.width,
            Self::W16(one) => one.width,
            Self::W32(one) => one.width,
            Self::W64(one) => one.width,
            Self::W128(one) => one.width,
        }
    }

    fn shape(self) -> Shape {
        macro_rules! shape {
            ($one:expr) => {
                Shape {
                    width: $one.width,
                    poly: $one.poly.into(),
                    refin: $one.refin,
                    refout: $one.refout,
                }
            };
        }
        match self {
            Self::W8(one) => shape!(one),
            Self::W16(one) => shape!(one),
            Self::W32(one) => shape!(one),
            Self::W64(one) => shape!(one),
            Self::W128(one) => shape!(one),
        }
    }

    /// Returns whether these are the parameters of `model`.
    fn is(self, model: &CrcModel) -> bool {
        macro_rules! same {
            ($one:expr) => {{
                let (width, refin, refout) = ($one.width, $one.refin, $one.refout);
                let values = [$one.poly, $one.init, $one.xorout].map(u128::from);
                (width, refin, refout) == (model.width, model.refin, model.refout)
                    && values == [model.poly, model.init, model.xorout].map(u128::from)
            }};
        }
        match self {
            Self::W8(one) => same!(one),
            Self::W16(one) => same!(one),
            Self::W32(one) => same!(one),
            Self::W64(one) => same!(one),
            Self::W128(one) => same!(one),
        }
    }
}

/// Returns `model` in the form that `crc` wants: for the life of the program.
///
/// Each set of parameters is kept once, so a program that reads one recipe a thousand
/// times keeps it once.
fn kept(model: &CrcModel) -> &'static crc::Algorithm<u64> {
    static KEPT: Mutex<Vec<&'static crc::Algorithm<u64>>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = kept.iter().find(|old| Parameters::W64(old).is(model)) {
        return old;
    }
    let new: &'static _ = Box::leak(Box::new(crc::Algorithm {
        width: model.width,
        poly: model.poly,
        init: model.init,
        refin: model.refin,
        refout: model.refout,
        xorout: model.xorout,
        check: 0,
        residue: 0,
    }));
    kept.push(new);
    new
}

/// Returns the names of all algorithms of `width` bits.
pub(crate) fn of_width(width: u8) -> impl Iterator<Item = &'static str> {
    CATALOGUE
        .iter()
        .filter(move |entry| entry.parameters.width() == width)
        .map(|entry| entry.name)
}

/// Returns the catalogue's names that are written most like `name`, best first.
///
/// A third of the letters may differ; half of them where the width is the same.
pub(crate) fn near(name: &str) -> Vec<&'static str> {
    const SHOWN: usize = 3;
    let wanted = plain(name);
    let width = |name: &str| name.split('/').next().map(str::to_ascii_uppercase);
    let mut near: Vec<(usize, &str)> = CATALOGUE
        .iter()
        .filter_map(|entry| {
            let steps = entry
                .names()
                .map(|known| strsim::generic_levenshtein(&wanted, &plain(known)))
                .min()?;
            let share = if width(name) == width(entry.name) {
                2
            } else {
                3
            };
            (steps <= wanted.len() / share).then_some((steps, entry.name))
        })
        .collect();
    near.sort();
    near.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}

/// Returns the letters and digits, in upper case.
fn plain(name: &str) -> Vec<u8> {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|byte| byte.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &[u8] = b"123456789";

    fn value(crc: &Crc, parts: &[&[u8]]) -> u128 {
        let source: Source<'_, ()> = &mut |take| {
            parts.iter().for_each(|part| take(part));
            Ok(())
        };
        crc.value(source).unwrap()
    }

    fn check(parameters: Parameters) -> u128 {
        match parameters {
            Parameters::W8(one) => one.check.into(),
            Parameters::W16(one) => one.check.into(),
            Parameters::W32(one) => one.check.into(),
            Parameters::W64(one) => one.check.into(),
            Parameters::W128(one) => one.check,
        }
    }

    #[test]
    fn every_algorithm_gives_its_check_value() {
        assert_eq!(CATALOGUE.len(), 113);
        for entry in CATALOGUE {
            let crc = Crc::named(entry.name).unwrap();
            assert_eq!(
                value(&crc, &[CHECK]),
                check(entry.parameters),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn the_fast_way_gives_what_the_table_gives() {
        let bytes: Vec<u8> = (0..2000u32)
            .map(|at| (at * 167 + at / 7).to_le_bytes()[0])
            .collect();
        for entry in CATALOGUE.iter().filter(|entry| entry.fast.is_some()) {
            let fast = Crc::of(entry);
            let table = Crc {
                way: Way::table(entry.parameters),
                ..Crc::of(entry)
            };
            for len in [0, 1, 3, 15, 16, 31, 64, 127, 255, 256, 511, 1024, 1999] {
                let (head, tail) = bytes[..len].split_at(len / 3);
                let wanted = value(&table, &[&bytes[..len]]);
                assert_eq!(value(&fast, &[head, tail]), wanted, "{} {len}", entry.name);
            }
        }
    }

    #[test]
    fn aliases_name_one_algorithm_only() {
        let mut names: Vec<String> = CATALOGUE
            .iter()
            .flat_map(Entry::names)
            .map(str::to_ascii_uppercase)
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(
            Crc::named("crc-16/ccitt-false").unwrap().name(),
            "CRC-16/IBM-3740"
        );
        assert_eq!(Crc::named("PKZIP").unwrap().name(), "CRC-32/ISO-HDLC");
    }

    #[test]
    fn parameters_of_their_own_are_computed_bit_by_bit_alike() {
        for width in 1..=64u8 {
            let mask = u64::MAX >> (64 - u32::from(width));
            for (refin, refout) in [(false, false), (true, true), (false, true), (true, false)] {
                let model = CrcModel {
                    width,
                    poly: (0x9E37_79B9_7F4A_7C15 & mask) | 1,
                    init: 0x0123_4567_89AB_CDEF & mask,
                    refin,
                    refout,
                    xorout: 0x5A5A_5A5A_5A5A_5A5A & mask,
                };
                let crc = Crc::model(&model).unwrap();
                assert_eq!(
                    value(&crc, &[CHECK]),
                    u128::from(bits(&model, CHECK)),
                    "{model:?}"
                );
            }
        }
    }

    /// The definition: one bit after the other.
    fn bits(model: &CrcModel, bytes: &[u8]) -> u64 {
        let mask = u64::MAX >> (64 - u32::from(model.width));
        let mut register = model.init;
        for byte in bytes {
            let byte = if model.refin {
                byte.reverse_bits()
            } else {
                *byte
            };
            for bit in (0..8).rev() {
                let out = (register >> (model.width - 1)) & 1;
                register = (register << 1) & mask;
                if out ^ u64::from((byte >> bit) & 1) == 1 {
                    register ^= model.poly;
                }
            }
        }
        if model.refout {
            register = register.reverse_bits() >> (64 - u32::from(model.width));
        }
        register ^ model.xorout
    }

    #[test]
    fn parameters_that_the_catalogue_has_get_its_name() {
        let model = CrcModel {
            width: 32,
            poly: 0x04C1_1DB7,
            init: 0xFFFF_FFFF,
            refin: true,
            refout: true,
            xorout: 0xFFFF_FFFF,
        };
        assert_eq!(Crc::model(&model).unwrap().name(), "CRC-32/ISO-HDLC");
        let wide = CrcModel { width: 16, ..model };
        assert_eq!(
            Crc::model(&wide).unwrap_err(),
            "poly = 0x4c11db7 has more than width = 16 bits"
        );
        assert!(Crc::model(&CrcModel { width: 0, ..model }).is_err());
        assert!(Crc::model(&CrcModel { width: 65, ..model }).is_err());
        assert!(Crc::model(&CrcModel { poly: 0, ..model }).is_err());
    }

    #[test]
    fn names_that_are_written_alike_are_offered() {
        assert_eq!(near("CRC32-ISO-HDLC").first(), Some(&"CRC-32/ISO-HDLC"));
        assert_eq!(near("CRC-16/CCITT-FLASE").first(), Some(&"CRC-16/IBM-3740"));
        assert_eq!(near("?"), Vec::<&str>::new());
    }
}
