//! Which format bytes are in, by what they say themselves.

use super::{Format, Hint, ImageError, uf2};

/// What content turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// A format that is read here.
    Known(Format),
    /// Another format, with its name for messages.
    Other(&'static str),
}

/// Decides the format of `bytes`; what has no mark of its own is a BIN.
///
/// # Errors
/// [`ImageError::OtherFormat`], [`ImageError::Unsupported`],
/// [`ImageError::BaseUnused`] or [`ImageError::FamilyUnused`] where content and hint disagree.
pub(super) fn format(bytes: &[u8], hint: Hint) -> Result<Format, ImageError> {
    let found = match content(bytes) {
        // Asked for it, the reader tells what is wrong with a record better than this.
        Content::Known(Format::Bin)
            if hint.format == Some(Format::Hex) && text(bytes).starts_with(b":") =>
        {
            Format::Hex
        }
        Content::Known(Format::Bin)
            if hint.format == Some(Format::Srec) && text(bytes).starts_with(b"S") =>
        {
            Format::Srec
        }
        Content::Known(format) => format,
        Content::Other(found) => return Err(ImageError::Unsupported { found }),
    };
    match hint.format {
        Some(wanted) if wanted != found => Err(ImageError::OtherFormat { found, wanted }),
        _ if found != Format::Bin && hint.base.is_some() => Err(ImageError::BaseUnused { found }),
        _ if found != Format::Uf2 && hint.family.is_some() => {
            Err(ImageError::FamilyUnused { found })
        }
        _ => Ok(found),
    }
}

/// Reads the marks. Only such as no BIN begins with by chance: none is shorter than 4 bytes.
fn content(bytes: &[u8]) -> Content {
    let magic = |mark: &[u8]| bytes.starts_with(mark);
    if magic(b"\x7fELF") {
        Content::Known(Format::Elf)
    } else if is_record(text(bytes), b":", 8) {
        Content::Known(Format::Hex)
    } else if is_record(text(bytes), b"S", 9) {
        Content::Known(Format::Srec)
    } else if magic(uf2::MAGIC) {
        Content::Known(Format::Uf2)
    } else if magic(b"DfuSe") {
        Content::Other("a DfuSe file")
    } else if magic(b"!<arch>\n") {
        Content::Other("an archive of object files")
    } else if magic(b"PK\x03\x04") {
        Content::Other("a ZIP archive")
    } else {
        Content::Known(Format::Bin)
    }
}

/// Returns `bytes` without the blank and comment lines that some tools write in front, nor the
/// mark of UTF-8 that editors write: the reader tells that it does not belong there.
fn text(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    loop {
        bytes = bytes.trim_ascii_start();
        if !bytes.starts_with(b";") && !bytes.starts_with(b"#") {
            return bytes;
        }
        let Some(rest) = memchr::memchr2(b'\r', b'\n', bytes).and_then(|end| bytes.get(end..))
        else {
            return &[];
        };
        bytes = rest;
    }
}

/// Returns whether `text` starts with `mark` and that many hexadecimal digits.
fn is_record(text: &[u8], mark: &[u8], digits: usize) -> bool {
    text.strip_prefix(mark)
        .and_then(|rest| rest.get(..digits))
        .is_some_and(|head| head.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Address;

    #[test]
    fn content_is_told_by_its_mark() {
        let known = |bytes: &[u8]| content(bytes);
        assert_eq!(known(b"\x7fELF\x01"), Content::Known(Format::Elf));
        assert_eq!(known(b":00000001FF"), Content::Known(Format::Hex));
        assert_eq!(
            known(b"\r\n; made by x\r\n :00000001FF"),
            Content::Known(Format::Hex)
        );
        let marked = b"\xEF\xBB\xBF:00000001FF";
        assert_eq!(known(marked), Content::Known(Format::Hex));
        assert_eq!(known(b":-) hello"), Content::Known(Format::Bin));
        assert_eq!(known(b"; nothing"), Content::Known(Format::Bin));
        assert_eq!(known(b"S00F000068656C6C6F"), Content::Known(Format::Srec));
        assert_eq!(known(b"UF2\nWQ\x5d\x9e"), Content::Known(Format::Uf2));
        assert_eq!(known(b""), Content::Known(Format::Bin));
    }

    #[test]
    fn a_hint_that_disagrees_is_refused() {
        let hint = |format, base| Hint {
            format: Some(format),
            base,
            family: None,
        };
        assert_eq!(
            format(b"\x7fELF", hint(Format::Bin, None)),
            Err(ImageError::OtherFormat {
                found: Format::Elf,
                wanted: Format::Bin
            })
        );
        assert_eq!(
            format(
                b"\x7fELF",
                Hint {
                    base: Some(Address::new(0)),
                    ..Hint::default()
                }
            ),
            Err(ImageError::BaseUnused { found: Format::Elf })
        );
        assert_eq!(format(b":0x", hint(Format::Hex, None)), Ok(Format::Hex));
    }
}
