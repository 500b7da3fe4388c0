//! A programmer's file read back, by other code than wrote it: what it would make of each unit.

use zeroize::Zeroizing;

use super::{HandoffError, Programmer};
use crate::image::{Address, Edits};
use crate::receipt::{ReadBack, Receipt};
use crate::seal::Sealed;
use crate::target::{Holds, holds};
use crate::unit::Serial;

/// Reads a block as its programmer does, and vouches for each unit: patched into the shared image,
/// its line gives exactly the unit's image, with its token and every checksum true.
///
/// # Errors
/// [`HandoffError::Differs`] with the first line that does not.
pub fn read_back(
    text: &[u8],
    units: &[Sealed<'_>],
    programmer: Programmer,
) -> Result<Vec<Receipt>, HandoffError> {
    let differs = |line| HandoffError::Differs { line };
    let first = programmer.first_line();
    let text = std::str::from_utf8(text).map_err(|_| differs(first))?;
    let mut lines = text.lines();
    let mut receipts = Vec::with_capacity(units.len());
    for (number, unit) in (first..).zip(units) {
        let patches = lines.next().and_then(|line| match programmer {
            Programmer::Flasher => flasher(line),
            Programmer::Pg4uw { base } => pg4uw(line, unit.serial(), base),
        });
        let receipt = patches.and_then(|patches| vouch(unit, &patches));
        receipts.push(receipt.ok_or_else(|| differs(number))?);
    }
    match lines.next() {
        None => Ok(receipts),
        Some(_) => Err(differs(first + units.len())),
    }
}

/// Compares what a unit gets by its patches with its image; its token is read out of them as well.
fn vouch(unit: &Sealed<'_>, patches: &Edits) -> Option<Receipt> {
    let master = unit.master();
    let image = master.image();
    let mut read_back = ReadBack::of(unit);
    for (span, found) in patches.parts() {
        image.require(span).ok()?;
        read_back.compare(span, found).ok()?;
    }
    let mut made = Edits::new();
    for span in master.changes() {
        let mut bytes = Zeroizing::new(image.bytes(span).ok()?.into_owned());
        patches.apply(span, &mut bytes);
        read_back.compare(span, &bytes).ok()?;
        made.put(span.start(), &bytes);
    }
    let token = holds::judge(master, &made) == Holds::Token(unit.fingerprint());
    read_back.receipt().ok().filter(|_| token)
}

/// Reads `<count>` and for each patch `,<address>,<length>:<data>`.
fn flasher(line: &str) -> Option<Edits> {
    let mut fields = line.split(',');
    let count = usize::from_str_radix(fields.next()?, 16).ok()?;
    let mut patches = Edits::new();
    for _ in 0..count {
        let at = u64::from_str_radix(fields.next()?, 16).ok()?;
        let (length, data) = fields.next()?.split_once(':')?;
        let length = usize::from_str_radix(length, 16).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        let mut rest = data;
        while !rest.is_empty() {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        }
        if bytes.len() != length {
            return None;
        }
        patches.put(Address::new(at), &bytes);
    }
    fields.next().is_none().then_some(patches)
}

/// Reads `[serial] address byte ..` and behind each lone comma another address with bytes.
fn pg4uw(line: &str, serial: &Serial, base: Address) -> Option<Edits> {
    let (label, arrays) = line.strip_prefix('[')?.split_once(']')?;
    if label != serial.as_str() {
        return None;
    }
    let mut patches = Edits::new();
    for array in arrays.split(',') {
        let mut words = array.split_ascii_whitespace();
        let at = u64::from_str_radix(words.next()?, 16).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(array.len() / 3));
        for word in words {
            bytes.push(u8::from_str_radix(word, 16).ok()?);
        }
        patches.put(base.checked_add(at)?, &bytes);
    }
    Some(patches)
}
