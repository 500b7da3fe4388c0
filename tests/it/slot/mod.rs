//! Where values go: slots are found once and blank, and values read back.

mod blnkopt;
mod dead;
mod eolslot;
mod merged;
mod nvs;
mod text;

use eol_inject::image::{Address, Hint, Image};

const TOKEN: &[u8] = b"-bcdefghijklmnopqrstuvwxyz_12345";

/// Reads `bytes` as a BIN that is loaded from `base` on.
fn image(base: u64, bytes: &[u8]) -> Image {
    let base = Some(Address::new(base));
    let hint = Hint {
        base,
        ..Hint::default()
    };
    Image::read(bytes.to_vec(), hint).unwrap()
}
