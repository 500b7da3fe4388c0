//! Literals as slots: linkers store one text as the tail of another, and a token written over the
//! one changes the other (System V gABI, "Section Attribute Flags", `SHF_MERGE`).

use super::reserved::{Layout, Slot};
use crate::image::{Address, Endian, Image, Span};

/// Fewest characters in front of a slot that make it a part of a longer text: behind a NUL, and
/// behind anything else, where other data may look like text by chance.
const PREFIX: usize = 8;
const LONG_PREFIX: usize = 16;

/// Says who else reads bytes of `slot`; `None` where nobody is known to.
pub(super) fn shared(image: &Image, slot: &Slot) -> Option<String> {
    let Layout::Text(text) = &slot.layout else {
        return None;
    };
    text.placeholder(&slot.master)?;
    if let Some(section) = mergeable(image, slot.span) {
        return Some(format!("the linker merges the texts of section {section}"));
    }
    if let Some((name, at)) = inside(image, slot.span) {
        return Some(format!("symbol {name} stands inside it, at {at}"));
    }
    // An object has its bytes to itself.
    if slot.named || is_object(image, slot.span.start()) {
        return None;
    }
    if text.nul() && continues(image, slot.span.start()) {
        return Some("it is the end of a longer text".to_owned());
    }
    let end = text.placeholder(&slot.master)?.len();
    let (start, middle) = pointers(image, slot.span, end)?;
    Some(format!(
        "the word at {start} points to it, and the one at {middle} into its middle"
    ))
}

/// Names a section of strings that may be merged, where `span` lies in one.
fn mergeable(image: &Image, span: Span) -> Option<&str> {
    let sections = image.names().sections.iter();
    let mut merged = sections.filter(|section| section.merged && section.stored);
    let section = merged.find(|section| {
        let own = section.lma.and_then(|lma| Span::new(lma, section.size));
        own.is_some_and(|own| own.intersection(span).is_some())
    });
    section.map(|section| section.name.as_str())
}

/// Finds an object of the program that begins in the middle of `span`.
fn inside(image: &Image, span: Span) -> Option<(&str, Address)> {
    let names = image.names();
    names.symbols.iter().find_map(|symbol| {
        let stored = names.section_of(symbol).is_some_and(|it| it.stored);
        let at = names.address(symbol)?;
        let middle = span.start() < at && at < span.end();
        (symbol.size > 0 && stored && middle).then_some((symbol.name.as_str(), at))
    })
}

/// Returns whether a symbol says that an object begins at `start`.
fn is_object(image: &Image, start: Address) -> bool {
    let names = image.names();
    let mut objects = names.symbols.iter().filter(|symbol| symbol.size > 0);
    objects.any(|symbol| names.address(symbol) == Some(start))
}

/// Returns whether text stands directly in front of `start`.
fn continues(image: &Image, start: Address) -> bool {
    let before = |back: usize| {
        let back = u64::try_from(back).ok()?;
        let at = Address::new(start.get().checked_sub(back)?);
        let bytes = image.bytes(Span::new(at, 1)?).ok()?;
        bytes.first().copied()
    };
    let texts = (1..=LONG_PREFIX)
        .take_while(|back| before(*back).is_some_and(|byte| (b' '..=b'~').contains(&byte)));
    match texts.count() {
        LONG_PREFIX => true,
        len => len >= PREFIX && before(len.saturating_add(1)) == Some(0),
    }
}

/// Finds a word that points to `span`, and one that points into its first `len` bytes.
///
/// A lone number that looks like a pointer into the middle is a number; literals of one program
/// have both.
fn pointers(image: &Image, span: Span, len: usize) -> Option<(Address, Address)> {
    let start = at_run_time(image, span.start());
    let end = start.checked_add(u64::try_from(len).ok()?)?;
    let machine = image.machine();
    let unit = if machine.is_some_and(|machine| machine.bits == 64) {
        8
    } else {
        4
    };
    let big = machine.is_some_and(|machine| machine.endian == Endian::Big);
    let (mut head, mut middle) = (None, None);
    for run in image.runs() {
        for (at, bytes) in image.chunks(run).into_iter().flatten() {
            let skip = at.get().next_multiple_of(unit).checked_sub(at.get())?;
            let aligned = bytes.get(usize::try_from(skip).ok()?..).unwrap_or_default();
            let words = aligned.chunks_exact(usize::try_from(unit).ok()?);
            for (index, word) in (0u64..).zip(words) {
                let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
                let value = if big {
                    word.iter().fold(0, fold)
                } else {
                    word.iter().rev().fold(0, fold)
                };
                if !(start..end).contains(&value) {
                    continue;
                }
                let place = at.checked_add(skip.checked_add(index.checked_mul(unit)?)?);
                if value == start {
                    head = head.or(place);
                } else {
                    middle = middle.or(place);
                }
            }
        }
    }
    head.zip(middle)
}

/// Returns the address at which the program reads what is loaded at `at`.
fn at_run_time(image: &Image, at: Address) -> u64 {
    let sections = image.names().sections.iter();
    let mut places = sections
        .filter(|section| section.stored)
        .filter_map(|section| {
            let lma = section.lma?;
            let own = Span::new(lma, section.size)?;
            let above = at.get().checked_sub(lma.get())?;
            (own.start() <= at && at < own.end()).then_some(section.vma.checked_add(above)?)
        });
    places.next().unwrap_or(at.get())
}
