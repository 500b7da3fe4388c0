//! MD5 in a block: address, length and digest of bytes that the file loads.
//!
//! The specification puts them at the end of the block's data; `esptool` puts them right behind the
//! payload, which is the same place only where the payload fills the data. Both are read.

use md5::{Digest as _, Md5 as Hasher};
use zeroize::Zeroizing;

use super::block::{DATA, MD5_BYTES as LEN};
use super::blocks::Md5;
use crate::image::structure::word_at;
use crate::image::{Address, Edits, Image, ImageError, Span};

/// Where the MD5 stands in them.
const MD5: usize = 8;

/// Finds the MD5 of the block at `at`: where one of the two places holds the right digest, there.
pub(super) fn find(image: &Image, at: usize, payload: usize) -> Md5 {
    let places = [DATA.end - LEN, DATA.start.saturating_add(payload)];
    let [end, behind] = places.map(|place| read(image, at.saturating_add(place)));
    // Of two wrong ones, the one that names bytes of this file can be meant.
    let rank = |md5: &Md5| {
        (
            md5.right,
            md5.over.is_some_and(|it| image.require(it).is_ok()),
        )
    };
    if rank(&behind) > rank(&end) {
        behind
    } else {
        end
    }
}

/// Reads address, length and digest at an offset of the file.
fn read(image: &Image, at: usize) -> Md5 {
    let bytes = image.container();
    let number = |skip: usize| word_at(bytes, at.checked_add(skip)?).map(u64::from);
    let over = number(0)
        .zip(number(4))
        .and_then(|(start, len)| Span::new(Address::new(start), len));
    let digest = at.saturating_add(MD5);
    let stored = bytes.get(digest..at.saturating_add(LEN));
    let computed = over.and_then(|span| of(image, span, &Edits::new()).ok());
    let right = computed.is_some_and(|md5| Some(md5.as_slice()) == stored);
    Md5 {
        at: digest,
        over,
        right,
    }
}

/// Returns the MD5 of the bytes at `span` with `edits` in them.
pub(super) fn of(
    image: &Image,
    span: Span,
    edits: &Edits,
) -> Result<Zeroizing<Vec<u8>>, ImageError> {
    let mut hasher = Hasher::new();
    for (start, bytes) in image.chunks(span)? {
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(part) = Span::new(start, len) {
            edits.apply(part, &mut bytes);
        }
        hasher.update(bytes.as_slice());
    }
    Ok(Zeroizing::new(hasher.finalize().to_vec()))
}
