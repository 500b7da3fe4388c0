//! Why bytes are no image that can be patched.

use thiserror::Error;

use super::{Address, Format, NameKind, Span, SrecError, Uf2Error};

/// Why an image was rejected, or a place in it was not found.
///
/// HEX lines are counted from 1, ELF segments from 0 as `readelf -l` lists them.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "image-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ImageError {
    /// A BIN does not say where it is loaded.
    #[error("a BIN image does not say where it is loaded")]
    NoBase,
    /// A base address for a format that has its own addresses.
    #[error("the image is {found}, which brings its load addresses; a base goes with bin only")]
    BaseUnused { found: Format },
    /// A family for a format that has none.
    #[error("the image is {found}; a family goes with uf2 only")]
    FamilyUnused { found: Format },
    /// No byte at all.
    #[error("the image is empty")]
    Empty,
    /// The content is of another format than asked for.
    #[error("the image is {found}, the recipe says {wanted}")]
    OtherFormat { found: Format, wanted: Format },
    /// The content is of a format that is known and not read.
    #[error("the image is {found}, which cannot be patched; give elf, bin, hex, srec or uf2")]
    Unsupported { found: &'static str },
    /// Bytes beyond the highest address.
    #[error("{len} bytes from {start} on run over the end of the address space")]
    Wraps { start: Address, len: u64 },
    /// A container without a loaded byte.
    #[error("the {format} image loads no byte")]
    NothingLoaded { format: Format },

    /// An ELF whose headers or tables contradict themselves or the file.
    #[error("the ELF image is damaged: {what}")]
    ElfDamaged { what: String },
    /// An ELF that is no program.
    #[error("the ELF image is {kind}, not a linked program")]
    ElfNotLinked {
        /// What `e_type` says.
        kind: &'static str,
    },
    /// An ELF for a machine whose addresses do not count bytes.
    #[error("the ELF image is for {machine}, whose addresses count words of 16 bits, not bytes")]
    ElfWords { machine: String },
    /// A segment that the file does not hold.
    #[error("segment {index} ends at byte {end} of an ELF image of {size} bytes")]
    ElfTruncated {
        index: usize,
        /// Behind the segment's last byte in the file.
        end: u64,
        size: u64,
    },
    /// Two segments load bytes to one address.
    #[error("segments load {first} and {second}, which overlap")]
    ElfOverlap {
        /// The segment with the lower address.
        first: Span,
        second: Span,
    },
    /// Two segments load the same bytes of the file, so that none can change alone.
    #[error("segments load {first} and {second} from the same bytes of the file")]
    ElfShared {
        /// The segment with the lower offset.
        first: Span,
        second: Span,
    },

    /// A line that is neither a record, nor blank, nor a comment.
    #[error("line {line} of the HEX image starts with {found:?}, not with a colon")]
    HexStart { line: usize, found: char },
    /// A character inside a record that is no digit.
    #[error("line {line} of the HEX image has {found:?} among its digits")]
    HexDigit { line: usize, found: char },
    /// Half a byte.
    #[error("line {line} of the HEX image has {digits} digits, an odd number")]
    HexOdd { line: usize, digits: usize },
    /// A record longer or shorter than it says.
    #[error("line {line} of the HEX image has {found} bytes, its record has {wanted}")]
    HexLength {
        line: usize,
        /// Bytes on the line, all fields counted.
        found: usize,
        /// Bytes that the record's length field asks for.
        wanted: usize,
    },
    /// A record whose checksum is wrong.
    #[error("line {line} of the HEX image has the sum {found:02X}, its bytes give {wanted:02X}")]
    HexSum { line: usize, found: u8, wanted: u8 },
    /// A record of a fixed size with another one.
    #[error(
        "line {line} of the HEX image is a type {kind:02X} record of {found} data bytes, \
         that type has {wanted}"
    )]
    HexType {
        line: usize,
        kind: u8,
        found: u8,
        wanted: u8,
    },
    /// A HEX that stops before its end record.
    #[error("the HEX image has no end record; it stops at line {line}")]
    HexNoEnd { line: usize },
    /// Something behind the end record.
    #[error("line {line} of the HEX image stands behind the end record at line {end}")]
    HexAfterEnd { line: usize, end: usize },
    /// Two records give one address two values.
    #[error("lines {first} and {second} of the HEX image give {address} different values")]
    HexConflict {
        address: Address,
        first: usize,
        second: usize,
    },

    /// An S-record file that is damaged.
    #[error(transparent)]
    Srec(#[from] SrecError),
    /// A UF2 that is damaged, or leaves open what is meant.
    #[error(transparent)]
    Uf2(#[from] Uf2Error),

    /// Bytes of `span` are not stored in the image.
    #[error("{span} is not stored in the image: nothing is at {first}")]
    Outside {
        span: Span,
        /// The first address without a byte.
        first: Address,
    },
    /// An image that brings no names.
    #[error("the {format} image brings no {kind}s, so `{name}` is not known")]
    NoNames {
        format: Format,
        kind: NameKind,
        name: String,
    },
    /// A name that the image does not have.
    #[error("the image has no {kind} `{name}`{}", like(near))]
    NoSuchName {
        kind: NameKind,
        name: String,
        /// Names that look like it, at most three.
        near: Vec<String>,
    },
    /// One name for two places.
    #[error("the image has two {kind}s `{name}`, at {first} and {second}")]
    TwoPlaces {
        kind: NameKind,
        name: String,
        first: Address,
        second: Address,
    },
    /// A place that no segment loads: debug data, for example.
    #[error("{kind} `{name}` has no load address")]
    NotLoaded { kind: NameKind, name: String },
    /// A place that exists at run time only.
    #[error(
        "{kind} `{name}` in section {section} is not stored, or not whole: it lies in RAM only, or crosses a gap"
    )]
    NotStored {
        kind: NameKind,
        name: String,
        section: String,
    },
    /// A section without a byte.
    #[error("section `{name}` at {at} is empty")]
    EmptySection { name: String, at: Address },
    /// Names of another build.
    #[error(
        "the image holds {found:02x} at {address}, the program with its names {wanted:02x}: names of another build; only fields of a [[checksum]] may differ"
    )]
    NamesDiffer {
        address: Address,
        found: u8,
        wanted: u8,
    },
    /// Names of something that is loaded elsewhere.
    #[error("the image and the program with its names have no address in common")]
    NamesApart,
    /// Two firmware tags that say different things.
    #[error("the image has two blnkinf tags that differ, at {first} and {second}")]
    TwoTags { first: Address, second: Address },
    /// An image of the second reader, which knows no way back into the container.
    #[error("the image was read to be checked, not to be written")]
    ReadOnly,
    /// A gap that would make a BIN absurdly large.
    #[error(
        "a BIN would hold {filling} bytes of filling, most of it at {gap}; at most {most} are \
         written: choose hex"
    )]
    Gap {
        /// The longest row of addresses that nothing stores.
        gap: Span,
        /// Bytes of filling in all gaps.
        filling: u64,
        most: u64,
    },
    /// An address that a HEX cannot write.
    #[error("{run} goes over 0x100000000, and a HEX has 32-bit addresses")]
    TooHigh { run: Span },
}

impl ImageError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Srec(error) => error.into(),
            Self::Uf2(error) => error.into(),
            other => other.into(),
        }
    }
}

/// Lists names that look like the one asked for.
fn like(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!("; it has `{}`", near.join("`, `"))
}
