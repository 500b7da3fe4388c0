//! Why a slot was not found, or does not take a value.

use std::fmt;

use thiserror::Error;

use crate::image::{Address, ImageError, Span};

/// Why a slot is refused, or a value for it. No text repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "slot-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum SlotError {
    /// The section or symbol is not there, is there twice, or has no stored bytes.
    #[error("the {place} gives no place in the image")]
    Place {
        /// Section or symbol, with its name.
        place: String,
        source: ImageError,
    },
    /// Nothing says how long the slot is.
    #[error("the {place} has no length of its own: write size = <bytes>")]
    NoSize { place: String },
    /// `size` is more than the section or symbol has, or no byte at all.
    #[error("size = {size} does not fit the {place}, which holds {holds} bytes")]
    Size {
        size: u64,
        /// Section or symbol, with its name.
        place: String,
        holds: u64,
    },
    /// It stands nowhere in loaded bytes.
    #[error("{what} stands nowhere in loaded bytes{wrong}; {cause}")]
    Missing {
        what: String,
        /// Places that look like it and are none.
        wrong: Wrong,
        cause: &'static str,
    },
    /// It stands more than once in loaded bytes.
    #[error(
        "{what} stands {} times in loaded bytes: at {}; each unit has one slot for a value",
        at.len(), Places(at)
    )]
    Twice {
        what: String,
        /// Where it was found, in order.
        at: Vec<Address>,
    },
    /// The placeholder's text stands outside the slot as well.
    #[error(
        "the placeholder of the slot at {at} stands at {} as well: the compiler copied or merged it, or the firmware compares with it, which blank = \"any\" allows",
        Places(also)
    )]
    Copied { at: Address, also: Vec<Address> },
    /// Others may read a part of its bytes.
    #[error(
        "the slot at {at} shares its bytes, and a token would change what others read: {why}; give it an array of its own, volatile and in a section of its own as slot.h has it, or say blank = \"any\" where nobody else reads it"
    )]
    Shared { at: Address, why: String },
    /// No byte of it is stored.
    #[error("slot {span} is not stored in the image: nothing is at {}; addresses are load addresses (LMA)", span.start())]
    Unstored { span: Span },
    /// It begins in stored bytes and leaves them.
    #[error("slot {span} leaves its run of load addresses: nothing is at {first}")]
    Straddles {
        span: Span,
        /// The first address without a byte.
        first: Address,
    },
    /// The value does not fit.
    #[error("slot at {at} holds {room} bytes, the value needs {needs}{takes}")]
    TooSmall {
        at: Address,
        /// Bytes there are for the value and what has to follow it.
        room: u64,
        /// Bytes that the value and what has to follow it take.
        needs: u64,
        takes: Takes,
    },
    /// The value takes other room in the store than the placeholder does.
    #[error("NVS value at {at} is written in place and takes {}, its NUL counted; the value needs {needs}: store a placeholder as long as the value", lengths(*least, *most))]
    Reserved {
        at: Address,
        /// Bytes at least, with the NUL.
        least: usize,
        /// Bytes at most, with the NUL.
        most: usize,
        /// Bytes of the value and its NUL.
        needs: usize,
    },
    /// It holds a value already.
    #[error("slot at {at} holds a value already: a patched image is no Master")]
    Filled { at: Address },
    /// It holds something else than the recipe says.
    #[error("slot at {at} is not blank: {wanted}")]
    NotBlank { at: Address, wanted: String },
    /// An option block or header that cannot be read.
    #[error("slot at {at} is damaged: {reason}")]
    Damaged { at: Address, reason: String },
    /// It would overwrite `blnkinf`, which the cloud reads.
    #[error(
        "slot {span} covers the firmware tag blnkinf at {tag}, which is read and never written"
    )]
    FirmwareTag { span: Span, tag: Address },
    /// A key of the option block has no value.
    #[error(
        "the key `{key}` of the option block at {at} has an empty value, and readers stop there: write set = {{ {key} = \"...\" }}"
    )]
    EmptyKey { at: Address, key: String },
    /// Text of the recipe cannot stand in the option block.
    #[error("`{key}` cannot stand in the option block: {reason}")]
    Set {
        key: String,
        /// What is wrong with it or its value.
        reason: &'static str,
    },
    /// No text at all.
    #[error("the value for the slot at {at} is empty")]
    ValueEmpty { at: Address },
    /// A reader would take the value to end early.
    #[error("the value for the slot at {at} has a NUL at byte {index}: readers stop there")]
    ValueNul {
        at: Address,
        /// Position of the first NUL, from 0.
        index: usize,
    },
    /// The value could not be read back.
    #[error("the value for the slot at {at} would not read back: {reason}")]
    Unreadable { at: Address, reason: &'static str },
}

crate::unit::stable_name!(SlotError);

/// Places that look like a slot and are none, each with its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrong(pub Vec<(Address, String)>);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, reason)) in self.0.iter().enumerate() {
            let joint = if index == 0 { " (" } else { ", " };
            write!(f, "{joint}{at}: {reason}")?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}

/// What takes the room that a value needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Takes {
    /// Nothing else.
    #[default]
    Nothing,
    /// The NUL behind the value, among others.
    Nul,
    /// The NUL behind the value, and nothing but it.
    OnlyNul,
    /// A key of an option block, with its value.
    Key {
        /// The key.
        key: String,
        /// Bytes of key, value and their NULs.
        bytes: u64,
    },
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Nul => f.write_str(" with its NUL"),
            Self::OnlyNul => f.write_str(" with its NUL; nul = false leaves the NUL out"),
            Self::Key { key, bytes } => write!(
                f,
                "; `{key}` takes {bytes} bytes of the block: shorten it with set = {{ {key} = \"...\" }}"
            ),
        }
    }
}

/// Writes how many bytes there may be.
fn lengths(least: usize, most: usize) -> String {
    if least == most {
        format!("exactly {most} bytes")
    } else {
        format!("{least} to {most} bytes")
    }
}

/// Addresses in a row; a long row is cut.
struct Places<'a>(pub &'a [Address]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        for (index, at) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{at}", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}
