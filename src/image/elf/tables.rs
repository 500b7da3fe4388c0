//! Where an ELF keeps its own headers and tables.
//!
//! A first segment may load them with the program (GNU ld's `SIZEOF_HEADERS`); a value that is
//! written over them leaves a file that nobody can read.
//!
//! Source: System V gABI, "ELF Header" and "Sections".

use std::ops::Range;

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader as _};

/// Returns the file ranges of the headers, of the symbols and of their names.
///
/// An ELF that cannot be followed gives none: it was refused when it was read.
pub(in crate::image) fn tables(container: &[u8]) -> Vec<Range<u64>> {
    let found = match container.get(4) {
        Some(&1) => of_class::<elf::FileHeader32<Endianness>>(container),
        _ => of_class::<elf::FileHeader64<Endianness>>(container),
    };
    found.unwrap_or_default()
}

fn of_class<Elf: FileHeader<Endian = Endianness>>(
    data: &[u8],
) -> object::read::Result<Vec<Range<u64>>> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let range = |start: u64, len: u64| start..start.saturating_add(len);
    let rows = |start: u64, size: u16, count: usize| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        range(start, u64::from(size).saturating_mul(count))
    };
    let sections = header.sections(endian, data)?;
    let mut found = vec![
        range(0, header.e_ehsize(endian).into()),
        rows(
            header.e_phoff(endian).into(),
            header.e_phentsize(endian),
            header.program_headers(endian, data)?.len(),
        ),
        rows(
            header.e_shoff(endian).into(),
            header.e_shentsize(endian),
            sections.len(),
        ),
    ];
    let named = [elf::SHT_SYMTAB, elf::SHT_STRTAB];
    let tables = sections
        .iter()
        .filter(|section| named.contains(&section.sh_type(endian)));
    found.extend(tables.map(|section| {
        range(
            section.sh_offset(endian).into(),
            section.sh_size(endian).into(),
        )
    }));
    Ok(found)
}
