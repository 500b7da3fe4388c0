//! eolslot: a slot that shows itself by a header (`src/slot/slot.h`).
//!
//! For firmware without symbols, and for BIN and HEX. Numbers are little-endian on every
//! machine. Unfilled, length, CRC and payload are all ones, so that erased NOR flash takes
//! a value without an erase; the payload behind the value stays so.

use std::ops::Range;

use zeroize::Zeroizing;

use super::error::{SlotError, Wrong};
use super::site::{ERASED, Found, Site, all, find, stored};
use crate::image::structure::half_at;
use crate::image::{Address, Image, Span};
use crate::recipe::{SlotSpec, SlotValue};
use crate::unit::AuthToken;

/// First bytes of a slot.
const MAGIC: &[u8] = b"EOLSLOT1";
/// Which value: 1 token, 2 serial, 16 and up: columns (`slot.h`, "Layout").
const FIELD: Range<usize> = 8..10;
/// Bytes of payload.
const CAPACITY: Range<usize> = 10..12;
/// Bytes used; all ones: unfilled.
const LENGTH: Range<usize> = 12..14;
/// Zero.
const ZERO: Range<usize> = 14..16;
/// CRC-32/ISO-HDLC of the bytes used.
const CRC: Range<usize> = 16..20;
/// Bytes in front of the payload.
const HEADER: usize = CRC.end;

const LOST: &str =
    "the linker dropped it (KEEP and a run-time read keep it), or the firmware declares none";

/// A slot with a header.
#[derive(Debug, Clone)]
pub(super) struct EolSlot {
    capacity: usize,
}

impl EolSlot {
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }
}

/// A place that starts with the magic, and whose header can be meant.
struct Header {
    span: Span,
    field: u16,
    capacity: usize,
    /// The slot's bytes, header included.
    bytes: Zeroizing<Vec<u8>>,
}

/// Reads the header at `at`; the error says why it is none.
fn header(image: &Image, at: Address) -> Result<Header, String> {
    let none = || "its header is cut off".to_owned();
    let head = Span::new(at, u64::try_from(HEADER).map_err(|_| none())?).ok_or_else(none)?;
    let bytes = stored(image, head).map_err(|_| none())?;
    let field = number(&bytes, FIELD).ok_or_else(none)?;
    let capacity = number(&bytes, CAPACITY).ok_or_else(none)?;
    if capacity == 0 {
        return Err("capacity 0".to_owned());
    }
    if number(&bytes, ZERO) != Some(0) {
        return Err("bytes 14 and 15 are not zero".to_owned());
    }
    let long = || format!("capacity {capacity} leaves its run of load addresses");
    let span = Span::new(at, head.len() + u64::from(capacity)).ok_or_else(long)?;
    let bytes = stored(image, span).map_err(|_| long())?;
    let capacity = usize::from(capacity);
    Ok(Header {
        span,
        field,
        capacity,
        bytes,
    })
}

/// Returns a 16-bit number of a header.
fn number(bytes: &[u8], at: Range<usize>) -> Option<u16> {
    half_at(bytes, at.start)
}

/// Finds the slot for `field`.
pub(super) fn locate(
    image: &Image,
    spec: &SlotSpec,
    field: u16,
) -> Result<Site<EolSlot>, SlotError> {
    let what = format!("eolslot field {field}");
    let least = if spec.value == SlotValue::AuthToken {
        AuthToken::LEN
    } else {
        1
    };
    let mut right = Vec::new();
    let mut torn = Vec::new();
    let mut wrong = Vec::new();
    for at in find(image, MAGIC) {
        match header(image, at) {
            Err(reason) => wrong.push((at, reason)),
            Ok(header) if header.field != field => {
                wrong.push((at, format!("field {}", header.field)));
            }
            Ok(header) if header.capacity < least => {
                wrong.push((at, format!("capacity {}", header.capacity)));
            }
            Ok(header) => match decode(&header.bytes) {
                Ok(value) => right.push((header, value.is_some())),
                Err(reason) => torn.push((at, reason)),
            },
        }
    }
    if right.len() > 1 {
        let at = right
            .iter()
            .map(|(header, _)| header.span.start())
            .collect();
        return Err(SlotError::Twice { what, at });
    }
    let Some((header, filled)) = right.pop() else {
        return Err(match torn.pop() {
            Some((at, reason)) => SlotError::Damaged { at, reason },
            None => SlotError::Missing {
                what,
                wrong: Wrong(wrong),
                cause: LOST,
            },
        });
    };
    let at = header.span.start();
    let holds = u64::try_from(header.capacity).unwrap_or(u64::MAX);
    match spec.size {
        _ if filled => Err(SlotError::Filled { at }),
        Some(size) if size != holds => Err(SlotError::Size {
            size,
            place: what,
            holds,
        }),
        _ => Ok(Site {
            place: what,
            span: header.span,
            layout: EolSlot {
                capacity: header.capacity,
            },
            named: false,
            master: header.bytes,
        }),
    }
}

/// Returns the value, none for an unfilled slot, or why there is neither.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let short = || "its header is cut off".to_owned();
    let (head, payload) = bytes.split_at_checked(HEADER).ok_or_else(short)?;
    if !head.starts_with(MAGIC) || number(head, ZERO) != Some(0) {
        return Err("its header is not that of a slot".to_owned());
    }
    let capacity = number(head, CAPACITY).ok_or_else(short)?;
    if usize::from(capacity) != payload.len() {
        return Err(format!(
            "its header says capacity {capacity}, it has {}",
            payload.len()
        ));
    }
    let length = number(head, LENGTH).ok_or_else(short)?;
    let crc = head.get(CRC).unwrap_or_default();
    if length == u16::MAX {
        return if all(crc, ERASED) && all(payload, ERASED) {
            Ok(None)
        } else {
            Err("its length says unfilled, and other bytes are written".to_owned())
        };
    }
    let value = payload
        .get(..usize::from(length))
        .ok_or_else(|| format!("its length {length} is more than its capacity {capacity}"))?;
    if crc != sum(value) {
        return Err("the CRC of its payload is wrong".to_owned());
    }
    Ok(Some(Zeroizing::new(value.to_vec())))
}

/// Writes `value` into a slot that looks like `master`.
pub(super) fn write(master: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(master.len()));
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(master.get(..LENGTH.start).unwrap_or_default());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&sum(value));
    bytes.extend_from_slice(value);
    bytes.resize(master.len(), ERASED);
    bytes
}

/// Returns the CRC-32/ISO-HDLC of a payload, as it is stored.
fn sum(value: &[u8]) -> [u8; 4] {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    CRC32.checksum(value).to_le_bytes()
}

/// Lists all slots of this form.
pub(super) fn found(image: &Image) -> Vec<Found> {
    let headers = find(image, MAGIC).into_iter();
    headers
        .filter_map(|at| header(image, at).ok())
        .map(|header| {
            let state = decode(&header.bytes);
            let damage = state.as_ref().err().map(|reason| format!(", {reason}"));
            Found {
                span: header.span,
                text: format!(
                    "eolslot field {}, {} bytes{}",
                    header.field,
                    header.capacity,
                    damage.unwrap_or_default()
                ),
                filled: matches!(state, Ok(Some(_))),
            }
        })
        .collect()
}
