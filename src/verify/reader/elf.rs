//! ELF by way of `goblin`, header by header.

use goblin::container::{Container, Ctx};
use goblin::elf::Elf;
use goblin::elf::header::{EM_ARM, ET_CORE, ET_NONE, ET_REL, Header};
use goblin::elf::program_header::{PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{
    SHF_ALLOC, SHF_MERGE, SHF_STRINGS, SHF_TLS, SHN_ABS, SHN_UNDEF, SHN_XINDEX, SHT_NOBITS,
    SHT_SYMTAB, SHT_SYMTAB_SHNDX, SectionHeader,
};
use goblin::elf::sym::{STT_FILE, STT_FUNC, STT_SECTION, STT_TLS, Sym};

use super::error::ReadError;
use crate::image::{
    Address, Endian, Format, Machine, Names, Parts, Place, Section, Span, Symbol, machine_name,
};

/// `e_phnum` and `e_shnum` that stand in the null section instead.
const MORE: u16 = 0xffff;

/// Most program headers that are believed.
const MOST_SEGMENTS: usize = 4096;

/// Reads stored bytes and names.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, ReadError> {
    let header = Elf::parse_header(bytes)?;
    if matches!(header.e_type, ET_NONE | ET_REL | ET_CORE) {
        return Err(wrong("it is no linked program"));
    }
    let ctx = Ctx::new(header.container()?, header.endianness()?);
    let sections = sections(bytes, &header, ctx)?;
    let mut loads = loads(bytes, &header, ctx, sections.first())?;
    if loads.len() > MOST_SEGMENTS {
        return Err(wrong("it has too many segments"));
    }
    let all_zero = loads.iter().all(|it| it.p_paddr == 0);
    loads.retain(|it| it.p_type == PT_LOAD);
    if all_zero && loads.iter().filter(|it| memory(it) > 0).count() > 1 {
        loads.iter_mut().for_each(|it| it.p_paddr = it.p_vaddr);
    }
    let limit = match ctx.container {
        Container::Little => 1 << 32,
        Container::Big => u64::MAX,
    };
    let mut extents = Vec::new();
    for load in loads.iter().filter(|it| it.p_filesz > 0) {
        let (start, len) = (Address::new(load.p_paddr), load.p_filesz);
        let span = Span::new(start, len)
            .filter(|span| span.end().get() <= limit)
            .ok_or(ReadError::Wraps { start, len })?;
        slice(bytes, load.p_offset, len).ok_or_else(|| wrong("a segment is cut off"))?;
        let at = number(load.p_offset)?;
        extents.push((span, at..at.saturating_add(number(len)?)));
    }
    if extents.is_empty() {
        let format = Format::Elf;
        return Err(ReadError::NothingLoaded { format });
    }
    extents.sort_by_key(|(_, at)| at.start);
    apart(&extents, |(first, second)| first.1.end <= second.1.start)?;
    extents.sort_by_key(|(span, _)| span.start());
    apart(&extents, |(first, second)| {
        first.0.end() <= second.0.start()
    })?;
    let little = ctx.le.is_little();
    Ok(Parts {
        extents,
        names: names(bytes, &header, ctx, &sections, &loads)?,
        machine: Some(Machine {
            bits: if ctx.is_big() { 64 } else { 32 },
            endian: if little { Endian::Little } else { Endian::Big },
            name: machine_name(header.e_machine),
        }),
        ..Parts::default()
    })
}

/// Where an extent is loaded and stored.
type Piece = (Span, std::ops::Range<usize>);

/// Checks that each two neighbours are `apart`.
fn apart(pieces: &[Piece], apart: fn((&Piece, &Piece)) -> bool) -> Result<(), ReadError> {
    for pair in pieces.iter().zip(pieces.iter().skip(1)) {
        if !apart(pair) {
            return Err(ReadError::Shared {
                first: pair.0.0.min(pair.1.0),
                second: pair.0.0.max(pair.1.0),
            });
        }
    }
    Ok(())
}

/// Bytes that a segment takes when it is loaded.
fn memory(load: &ProgramHeader) -> u64 {
    load.p_memsz.max(load.p_filesz)
}

/// Reads all section headers.
fn sections(bytes: &[u8], header: &Header, ctx: Ctx) -> Result<Vec<SectionHeader>, ReadError> {
    if header.e_shoff == 0 {
        return Ok(Vec::new());
    }
    if usize::from(header.e_shentsize) != SectionHeader::size(ctx) {
        return Err(wrong("its section headers are of another size"));
    }
    let (at, count) = (number(header.e_shoff)?, usize::from(header.e_shnum));
    let mut sections = SectionHeader::parse(bytes, at, count, ctx)?;
    // With the count in the null section, 0 there means none.
    if header.e_shnum == 0 && sections.first().is_some_and(|null| null.sh_size == 0) {
        sections.clear();
    }
    Ok(sections)
}

/// Reads all program headers.
fn loads(
    bytes: &[u8],
    header: &Header,
    ctx: Ctx,
    null: Option<&SectionHeader>,
) -> Result<Vec<ProgramHeader>, ReadError> {
    let count = match (header.e_phnum, null) {
        (MORE, Some(null)) => number(null.sh_info.into())?,
        (MORE, None) => return Err(wrong("it does not say how many segments it has")),
        (count, _) => usize::from(count),
    };
    if header.e_phoff == 0 || count == 0 {
        return Ok(Vec::new());
    }
    if usize::from(header.e_phentsize) != ProgramHeader::size(ctx) {
        return Err(wrong("its program headers are of another size"));
    }
    Ok(ProgramHeader::parse(
        bytes,
        number(header.e_phoff)?,
        count,
        ctx,
    )?)
}

/// Reads sections and the static symbol table.
fn names(
    bytes: &[u8],
    header: &Header,
    ctx: Ctx,
    headers: &[SectionHeader],
    loads: &[ProgramHeader],
) -> Result<Names, ReadError> {
    let mut names = Names::default();
    if headers.is_empty() {
        return Ok(names);
    }
    let index = match u32::from(header.e_shstrndx) {
        SHN_XINDEX => headers.first().map_or(0, |null| null.sh_link),
        index => index,
    };
    let mut strings = Strings::of(bytes, headers, index)?;
    for section in headers {
        let place = place(section, loads);
        names.sections.push(Section {
            name: strings.at(section.sh_name.try_into().unwrap_or(u64::MAX))?,
            vma: section.sh_addr,
            size: section.sh_size,
            lma: place.map(|it| it.0),
            stored: place.is_some_and(|it| it.1),
            merged: [SHF_MERGE, SHF_STRINGS]
                .into_iter()
                .all(|flag| section.sh_flags & u64::from(flag) != 0),
        });
    }
    let table = headers.iter().position(|it| it.sh_type == SHT_SYMTAB);
    if let Some((index, table)) = table.and_then(|index| Some((index, headers.get(index)?))) {
        let extended = headers
            .iter()
            .find(|it| it.sh_type == SHT_SYMTAB_SHNDX && usize::try_from(it.sh_link) == Ok(index));
        let extended = match extended {
            Some(it) => slice(bytes, it.sh_offset, it.sh_size)
                .ok_or_else(|| wrong("its section indices are cut off"))?,
            None => &[],
        };
        strings = Strings::of(bytes, headers, table.sh_link)?;
        let size = u64::try_from(Sym::size(ctx.container)).unwrap_or(u64::MAX);
        let count = number(table.sh_size / size)?;
        let symbols = Sym::parse(bytes, number(table.sh_offset)?, count, ctx)?;
        for (index, symbol) in symbols.iter().enumerate() {
            let index = extended.chunks_exact(4).nth(index).map(|word| {
                let word = [0, 1, 2, 3].map(|at| word.get(at).copied().unwrap_or_default());
                if ctx.le.is_little() {
                    u32::from_le_bytes(word)
                } else {
                    u32::from_be_bytes(word)
                }
            });
            let thumb = header.e_machine == EM_ARM && symbol.st_type() == STT_FUNC;
            if let Some(place) = home(symbol, index) {
                names.symbols.push(Symbol {
                    name: strings.at(u64::try_from(symbol.st_name).unwrap_or(u64::MAX))?,
                    value: symbol.st_value & !u64::from(thumb),
                    size: symbol.st_size,
                    place,
                });
            }
        }
    }
    Ok(names)
}

/// What a symbol is relative to; `None` where it names no address.
fn home(symbol: &Sym, extended: Option<u32>) -> Option<Place> {
    if matches!(symbol.st_type(), STT_SECTION | STT_FILE | STT_TLS) {
        return None;
    }
    match u32::try_from(symbol.st_shndx).ok()? {
        SHN_UNDEF => None,
        SHN_ABS => Some(Place::Absolute),
        SHN_XINDEX => usize::try_from(extended.filter(|index| *index > 0)?)
            .ok()
            .map(Place::Section),
        0xff00.. => None,
        _ => Some(Place::Section(symbol.st_shndx)),
    }
}

/// Where a section is loaded, and whether its bytes are in the file.
fn place(section: &SectionHeader, loads: &[ProgramHeader]) -> Option<(Address, bool)> {
    let has = |flag: u32| section.sh_flags & u64::from(flag) != 0;
    let zeros = section.sh_type == SHT_NOBITS;
    if !has(SHF_ALLOC) || (zeros && has(SHF_TLS)) {
        return None;
    }
    for load in loads {
        let size = memory(load);
        let inside = |from: u64, start: u64, room: u64| {
            let skip = from.checked_sub(start)?;
            let fits = skip.checked_add(section.sh_size)? <= room;
            fits.then_some(skip)
        };
        let Some(skip) = inside(section.sh_addr, load.p_vaddr, size).filter(|_| size > 0) else {
            continue;
        };
        let (skip, stored) = if zeros {
            (skip, inside(section.sh_addr, load.p_vaddr, load.p_filesz))
        } else {
            match inside(section.sh_offset, load.p_offset, load.p_filesz) {
                Some(skip) => (skip, Some(skip)),
                None => continue,
            }
        };
        if let Some(lma) = load.p_paddr.checked_add(skip) {
            return Some((Address::new(lma), stored.is_some() && section.sh_size > 0));
        }
    }
    chained(section.sh_addr, section.sh_size, loads)
}

/// Where a section is loaded by several segments that meet at run time as they do in memory.
fn chained(vma: u64, size: u64, loads: &[ProgramHeader]) -> Option<(Address, bool)> {
    let mut loads: Vec<_> = loads.iter().filter(|it| it.p_filesz > 0).collect();
    loads.sort_by_key(|it| it.p_vaddr);
    let holds = |it: &ProgramHeader, at: u64| at.checked_sub(it.p_vaddr) < Some(it.p_filesz);
    let mut rest = loads
        .into_iter()
        .skip_while(|it| it.p_vaddr > vma || !holds(it, vma));
    let first = rest.next()?;
    let lma = first.p_paddr.checked_add(vma.checked_sub(first.p_vaddr)?)?;
    let mut reach = first.p_vaddr.saturating_add(first.p_filesz);
    let shift = |it: &ProgramHeader| it.p_paddr.wrapping_sub(it.p_vaddr);
    for it in rest {
        if reach >= vma.checked_add(size)? {
            break;
        }
        if it.p_vaddr <= reach && holds(it, reach) {
            if shift(it) != shift(first) {
                break;
            }
            reach = it.p_vaddr.saturating_add(it.p_filesz);
        }
    }
    let whole = size > 0 && reach >= vma.checked_add(size)?;
    Some((Address::new(lma), whole))
}

/// A string table, and how many bytes of names are still believed.
struct Strings<'a> {
    table: &'a [u8],
    left: usize,
}

impl<'a> Strings<'a> {
    fn of(bytes: &'a [u8], headers: &[SectionHeader], index: u32) -> Result<Self, ReadError> {
        let table = usize::try_from(index)
            .ok()
            .and_then(|index| headers.get(index))
            .and_then(|it| slice(bytes, it.sh_offset, it.sh_size))
            .ok_or_else(|| wrong("its names are cut off"))?;
        Ok(Self {
            table,
            left: bytes.len().saturating_mul(4),
        })
    }

    fn at(&mut self, offset: u64) -> Result<String, ReadError> {
        let name = usize::try_from(offset)
            .ok()
            .and_then(|at| self.table.get(at..)?.split(|byte| *byte == 0).next())
            .ok_or_else(|| wrong("a name is cut off"))?;
        self.left = self
            .left
            .checked_sub(name.len())
            .ok_or_else(|| wrong("its names are longer than itself"))?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

/// Returns bytes of the file.
fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let from = usize::try_from(offset).ok()?;
    bytes.get(from..from.checked_add(usize::try_from(len).ok()?)?)
}

/// Takes a number of the file as an index.
fn number(value: u64) -> Result<usize, ReadError> {
    usize::try_from(value).map_err(|_| wrong("a number is too large"))
}

/// An ELF that makes no sense.
fn wrong(what: &str) -> ReadError {
    ReadError::Elf {
        what: what.to_owned(),
    }
}

impl From<goblin::error::Error> for ReadError {
    fn from(error: goblin::error::Error) -> Self {
        Self::Elf {
            what: error.to_string(),
        }
    }
}
