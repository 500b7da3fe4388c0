//! ELF: loadable extents, sections and symbols.
//!
//! Source: System V gABI, "ELF Header", "Sections", "Symbol Table" and "Program Header". Addresses
//! at run time (VMA) stay in here and in [`Names`]; what leaves are load addresses (`p_paddr`).

mod tables;

pub(super) use self::tables::tables;

use object::Endianness;
use object::elf;
use object::read::elf::{
    FileHeader, ProgramHeader as _, SectionHeader as _, SectionTable, Sym as _,
};

use super::extent;
use super::extent::Extent;
use super::machine;
use super::names::{Names, Place, Section, Symbol};
use super::{Address, Endian, Format, ImageError, Machine, Span};

/// An ELF as it is loaded.
#[derive(Debug)]
pub(super) struct Program {
    pub extents: Vec<Extent>,
    pub names: Names,
    pub machine: Machine,
}

/// Most `PT_LOAD` segments that are believed; linkers write a dozen.
const MOST_SEGMENTS: usize = 4096;

/// A `PT_LOAD` program header.
struct Segment {
    index: usize,
    offset: u64,
    vma: u64,
    lma: u64,
    stored: u64,
    memory: u64,
}

/// Reads `container`.
///
/// Extents are the stored part of each `PT_LOAD` segment at its `p_paddr`. Some linkers leave
/// all `p_paddr` 0: with more than one segment, `p_vaddr` counts, as in GNU BFD and OpenOCD.
///
/// # Errors
/// Each of the `Elf…` variants of [`ImageError`], [`ImageError::Wraps`] and
/// [`ImageError::NothingLoaded`].
pub(super) fn read(container: &[u8]) -> Result<Program, ImageError> {
    match container.get(4) {
        Some(&1) => read_class::<elf::FileHeader32<Endianness>>(container),
        Some(&2) => read_class::<elf::FileHeader64<Endianness>>(container),
        _ => Err(ImageError::ElfDamaged {
            what: "it is neither 32 nor 64 bit".into(),
        }),
    }
}

/// Reads an ELF of one class.
fn read_class<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Program, ImageError> {
    let header = Elf::parse(data).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    match header.e_type(endian) {
        elf::ET_REL => return Err(not_linked("a relocatable object file")),
        elf::ET_CORE => return Err(not_linked("a core dump")),
        elf::ET_NONE => return Err(not_linked("of no type")),
        _ => {}
    }
    let segments = segments(header, endian, data)?;
    let extents = extents(&segments, header.is_class_64(), data.len())?;
    let code = header.e_machine(endian);
    if code == elf::EM_TI_C2000 {
        let machine = machine::name(code.0);
        return Err(ImageError::ElfWords { machine });
    }
    Ok(Program {
        names: names(header, endian, data, &segments)?,
        extents,
        machine: Machine {
            bits: if header.is_class_64() { 64 } else { 32 },
            endian: match endian {
                Endianness::Little => Endian::Little,
                Endianness::Big => Endian::Big,
            },
            name: machine::name(code.0),
        },
    })
}

/// Lists the `PT_LOAD` segments, in the order of the file.
fn segments<Elf: FileHeader<Endian = Endianness>>(
    header: &Elf,
    endian: Endianness,
    data: &[u8],
) -> Result<Vec<Segment>, ImageError> {
    let headers = header.program_headers(endian, data).map_err(damaged)?;
    let mut segments: Vec<Segment> = headers
        .iter()
        .enumerate()
        .filter(|(_, it)| it.p_type(endian) == elf::PT_LOAD)
        .map(|(index, it)| Segment {
            index,
            offset: it.p_offset(endian).into(),
            vma: it.p_vaddr(endian).into(),
            lma: it.p_paddr(endian).into(),
            stored: it.p_filesz(endian).into(),
            memory: Into::<u64>::into(it.p_memsz(endian)).max(it.p_filesz(endian).into()),
        })
        .collect();
    if segments.len() > MOST_SEGMENTS {
        let what = format!("it has {} segments", segments.len());
        return Err(ImageError::ElfDamaged { what });
    }
    let placed = headers.iter().any(|it| it.p_paddr(endian).into() != 0);
    if !placed && segments.iter().filter(|it| it.memory > 0).count() > 1 {
        for segment in &mut segments {
            segment.lma = segment.vma;
        }
    }
    Ok(segments)
}

/// Turns the stored parts of `segments` into extents, in order of address.
fn extents(segments: &[Segment], wide: bool, size: usize) -> Result<Vec<Extent>, ImageError> {
    let mut extents = Vec::new();
    for segment in segments.iter().filter(|it| it.stored > 0) {
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let end = segment.offset.saturating_add(segment.stored);
        if end > size {
            return Err(ImageError::ElfTruncated {
                index: segment.index,
                end,
                size,
            });
        }
        let wraps = ImageError::Wraps {
            start: Address::new(segment.lma),
            len: segment.stored,
        };
        let Some(span) = Span::new(Address::new(segment.lma), segment.stored)
            .filter(|span| wide || span.end().get() <= 1 << 32)
        else {
            return Err(wraps);
        };
        let (Ok(from), Ok(to)) = (usize::try_from(segment.offset), usize::try_from(end)) else {
            return Err(wraps);
        };
        extents.push(Extent { span, at: from..to });
    }
    if extents.is_empty() {
        let format = Format::Elf;
        return Err(ImageError::NothingLoaded { format });
    }
    extents.sort_by_key(|extent| extent.span.start());
    if let Some((first, second)) = extent::overlap(&extents) {
        return Err(ImageError::ElfOverlap { first, second });
    }
    if let Some((first, second)) = extent::shared(&extents) {
        return Err(ImageError::ElfShared { first, second });
    }
    Ok(extents)
}

/// Reads sections and the static symbol table; both may be absent.
fn names<Elf: FileHeader<Endian = Endianness>>(
    header: &Elf,
    endian: Endianness,
    data: &[u8],
    segments: &[Segment],
) -> Result<Names, ImageError> {
    let table = header.sections(endian, data).map_err(damaged)?;
    let mut room = Room::new(data);
    let mut sections = Vec::with_capacity(table.len());
    // The null section keeps its place, so that `st_shndx` is an index here.
    for section in table.iter() {
        let name = table.section_name(endian, section).map_err(damaged)?;
        let (vma, size) = (
            section.sh_addr(endian).into(),
            section.sh_size(endian).into(),
        );
        let flags = section.sh_flags(endian).0;
        let kind = section.sh_type(endian);
        let bits = kind != elf::SHT_NOBITS;
        let place = match segment_of(segments, vma, size, bits, section.sh_offset(endian).into()) {
            _ if flags & elf::SHF_ALLOC.0 == 0 => None,
            // The template of thread-local zeros takes no addresses.
            _ if !bits && flags & elf::SHF_TLS.0 != 0 => None,
            place => place,
        };
        sections.push(Section {
            name: room.text(name)?,
            vma,
            size,
            lma: place.map(|(lma, _)| lma),
            stored: place.is_some_and(|(_, stored)| stored),
            merged: flags & elf::SHF_MERGE.0 != 0 && flags & elf::SHF_STRINGS.0 != 0,
        });
    }
    let symbols = symbols(header, &table, endian, data, &mut room)?;
    Ok(Names { sections, symbols })
}

/// Finds where a section is loaded, and whether its bytes are stored.
///
/// Sections with bytes go by their place in the file, others by their address. Both must agree
/// with the segment's addresses; of two segments that touch, the first counts, as in GNU BFD.
/// Bytes of a section need not be in one segment.
fn segment_of(
    segments: &[Segment],
    vma: u64,
    size: u64,
    bits: bool,
    offset: u64,
) -> Option<(Address, bool)> {
    let within = segments.iter().filter(|it| it.memory > 0).find_map(|it| {
        let above = vma.checked_sub(it.vma)?;
        let end = above.checked_add(size).filter(|end| *end <= it.memory)?;
        if !bits {
            let stored = size > 0 && end <= it.stored;
            return Some((Address::new(it.lma.checked_add(above)?), stored));
        }
        let above = offset.checked_sub(it.offset)?;
        above.checked_add(size).filter(|end| *end <= it.stored)?;
        Some((Address::new(it.lma.checked_add(above)?), size > 0))
    });
    within.or_else(|| across(segments, vma, size))
}

/// Places a section that no single segment holds: it may lie in several that touch.
///
/// What they load counts, wherever the section's own header says that its bytes are.
fn across(segments: &[Segment], vma: u64, size: u64) -> Option<(Address, bool)> {
    let mut segments: Vec<&Segment> = segments.iter().filter(|it| it.stored > 0).collect();
    segments.sort_by_key(|it| it.vma);
    let end = vma.checked_add(size)?;
    let mut next = vma;
    let mut found: Option<(u64, u64)> = None;
    for it in segments {
        let Some(above) = next.checked_sub(it.vma).filter(|above| *above < it.stored) else {
            continue;
        };
        let shift = it.lma.wrapping_sub(it.vma);
        match found {
            None => found = Some((it.lma.checked_add(above)?, shift)),
            Some((_, first)) if first == shift => {}
            Some(_) => break,
        }
        next = it.vma.saturating_add(it.stored);
        if next >= end {
            break;
        }
    }
    let (lma, _) = found?;
    Some((Address::new(lma), size > 0 && next >= end))
}

/// Reads the defined symbols that name an address.
fn symbols<Elf: FileHeader<Endian = Endianness>>(
    header: &Elf,
    sections: &SectionTable<'_, Elf>,
    endian: Endianness,
    data: &[u8],
    room: &mut Room,
) -> Result<Vec<Symbol>, ImageError> {
    let table = sections
        .symbols(endian, data, elf::SHT_SYMTAB)
        .map_err(damaged)?;
    let arm = header.e_machine(endian) == elf::EM_ARM;
    let mut symbols = Vec::new();
    for (index, symbol) in table.enumerate() {
        let kind = symbol.st_type();
        if matches!(kind, elf::STT_SECTION | elf::STT_FILE | elf::STT_TLS) {
            continue;
        }
        let place = if symbol.is_absolute(endian) {
            Place::Absolute
        } else {
            let section = table
                .symbol_section(endian, symbol, index)
                .map_err(damaged)?;
            match section {
                Some(section) if section.0 > 0 => Place::Section(section.0),
                _ => continue,
            }
        };
        let value: u64 = symbol.st_value(endian).into();
        symbols.push(Symbol {
            name: room.text(table.symbol_name(endian, symbol).map_err(damaged)?)?,
            // Bit 0 of a Thumb function says how to call it (ELF for the Arm Architecture,
            // "Symbol Values").
            value: if arm && kind == elf::STT_FUNC {
                value & !1
            } else {
                value
            },
            size: symbol.st_size(endian).into(),
            place,
        });
    }
    Ok(symbols)
}

/// How many bytes of names are still believed.
///
/// Names may share their bytes in the file, so that a small file could ask for any amount of
/// memory. Real ones share a tail at most.
struct Room(usize);

impl Room {
    fn new(data: &[u8]) -> Self {
        Self(data.len().saturating_mul(4))
    }

    fn text(&mut self, name: &[u8]) -> Result<String, ImageError> {
        self.0 = self
            .0
            .checked_sub(name.len())
            .ok_or(ImageError::ElfDamaged {
                what: "its names take more room than the file has".into(),
            })?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

/// Passes on what the ELF library says.
fn damaged(error: object::read::Error) -> ImageError {
    let mut what = error.to_string();
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    ImageError::ElfDamaged { what }
}

/// An ELF that is no program.
fn not_linked(kind: &'static str) -> ImageError {
    ImageError::ElfNotLinked { kind }
}
