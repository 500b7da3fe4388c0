//! Why text is no S-record file.

use thiserror::Error;

use crate::image::Address;

/// Why text is no S-record file. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "image-srec-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum SrecError {
    /// A line that is neither a record, nor blank, nor a comment.
    #[error("line {line} of the S-record image starts with {found:?}, not with an S")]
    Start { line: usize, found: char },
    /// A record of a type that is not there.
    #[error(
        "line {line} of the S-record image has the type {found:?}, not one of 0 to 3 and 5 to 9"
    )]
    Type { line: usize, found: char },
    /// A character inside a record that is no digit.
    #[error("line {line} of the S-record image has {found:?} among its digits")]
    Digit { line: usize, found: char },
    /// Half a byte.
    #[error("line {line} of the S-record image has {digits} digits, an odd number")]
    Odd {
        line: usize,
        /// Number of digits behind the type.
        digits: usize,
    },
    /// A record longer or shorter than it says.
    #[error(
        "line {line} of the S-record image has {found} bytes behind its length, which says {wanted}"
    )]
    Length {
        line: usize,
        /// Bytes of address, data and sum.
        found: usize,
        wanted: usize,
    },
    /// A record that cannot hold its address and sum, or a count or end that holds more.
    #[error(
        "line {line} of the S-record image is an S{kind} of {found} bytes, address and sum alone take {wanted}"
    )]
    Size {
        line: usize,
        kind: char,
        /// Bytes of address, data and sum.
        found: usize,
        wanted: usize,
    },
    /// A record whose checksum is wrong.
    #[error(
        "line {line} of the S-record image has the sum {found:02X}, its bytes give {wanted:02X}"
    )]
    Sum { line: usize, found: u8, wanted: u8 },
    /// A count of other records than there are.
    #[error("line {line} of the S-record image counts {found} data records, there are {wanted}")]
    Count {
        line: usize,
        found: u64,
        wanted: u64,
    },
    /// A file that stops before its end, or may.
    #[error(
        "the S-record image has neither an end record (S7, S8, S9) nor a count (S5, S6) at its \
         end; it stops at line {line}"
    )]
    NoEnd { line: usize },
    /// Something behind the end record.
    #[error("line {line} of the S-record image stands behind the end record at line {end}")]
    AfterEnd { line: usize, end: usize },
    /// Two records give one address two values.
    #[error("lines {first} and {second} of the S-record image give {address} different values")]
    Conflict {
        address: Address,
        first: usize,
        second: usize,
    },
}
