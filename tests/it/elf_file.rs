//! A small ELF writer, so that tests can state any file, right or wrong, byte by byte.

/// One `PT_LOAD` segment.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    pub vma: u64,
    pub lma: u64,
    pub bytes: Vec<u8>,
    /// Bytes in memory beyond those in the file.
    pub zeros: u64,
}

/// One section. Its bytes, if any, are those of a segment.
#[derive(Debug, Clone, Default)]
pub struct Section {
    pub name: &'static str,
    pub vma: u64,
    pub size: u64,
    /// Segment and distance from its first byte; absent: `SHT_NOBITS`.
    pub within: Option<(usize, u64)>,
    /// No `SHF_ALLOC`, as debug data has.
    pub aside: bool,
}

/// One symbol. `section` counts from 1, as the file does; 0 is undefined, 0xfff1 absolute.
#[derive(Debug, Clone, Default)]
pub struct Symbol {
    pub name: &'static str,
    pub value: u64,
    pub size: u64,
    pub section: u16,
    /// `STT_…`
    pub kind: u8,
}

/// What to write.
#[derive(Debug, Clone)]
pub struct ElfFile {
    pub wide: bool,
    pub big: bool,
    pub machine: u16,
    pub kind: u16,
    pub segments: Vec<Segment>,
    pub sections: Vec<Section>,
    pub symbols: Vec<Symbol>,
    /// Bytes in front of each segment, so that nothing in the file is aligned.
    pub skew: usize,
}

impl Default for ElfFile {
    fn default() -> Self {
        Self {
            wide: false,
            big: false,
            machine: 40,
            kind: 2,
            segments: Vec::new(),
            sections: Vec::new(),
            symbols: Vec::new(),
            skew: 0,
        }
    }
}

impl ElfFile {
    /// Writes the file.
    pub fn bytes(&self) -> Vec<u8> {
        let (head, phsize, shsize) = if self.wide {
            (64, 56, 64)
        } else {
            (52, 32, 40)
        };
        let mut data = vec![0; head + phsize * self.segments.len()];
        let mut offsets = Vec::new();
        for segment in &self.segments {
            data.extend(vec![0xee; self.skew]);
            offsets.push(data.len() as u64);
            data.extend(&segment.bytes);
        }
        let mut tables = Vec::new();
        if !self.sections.is_empty() {
            tables = self.tables(&mut data, &offsets);
        }
        let shoff = if tables.is_empty() {
            0
        } else {
            data.len() as u64
        };
        for fields in &tables {
            data.extend(fields);
        }
        let mut front = self.head(shoff, tables.len() as u16, (phsize as u16, shsize as u16));
        for (segment, offset) in self.segments.iter().zip(&offsets) {
            front.extend(self.program_header(segment, *offset));
        }
        data[..front.len()].copy_from_slice(&front);
        data
    }

    fn int<const N: usize>(&self, value: u64) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..N].to_vec();
        if self.big {
            bytes.reverse();
        }
        bytes
    }

    fn word(&self, value: u64) -> Vec<u8> {
        if self.wide {
            self.int::<8>(value)
        } else {
            self.int::<4>(value)
        }
    }

    fn head(&self, shoff: u64, shnum: u16, (phsize, shsize): (u16, u16)) -> Vec<u8> {
        let mut out = b"\x7fELF".to_vec();
        out.extend([1 + u8::from(self.wide), 1 + u8::from(self.big), 1]);
        out.extend([0; 9]);
        out.extend(self.int::<2>(self.kind.into()));
        out.extend(self.int::<2>(self.machine.into()));
        out.extend(self.int::<4>(1));
        out.extend(self.word(0));
        out.extend(self.word(if self.wide { 64 } else { 52 }));
        out.extend(self.word(shoff));
        out.extend(self.int::<4>(0));
        for half in [
            if self.wide { 64 } else { 52 },
            phsize,
            self.segments.len() as u16,
            shsize,
            shnum,
            // The table of section names is always the first behind the sections.
            if shnum == 0 {
                0
            } else {
                self.sections.len() as u16 + 1
            },
        ] {
            out.extend(self.int::<2>(half.into()));
        }
        out
    }

    fn program_header(&self, segment: &Segment, offset: u64) -> Vec<u8> {
        let size = segment.bytes.len() as u64;
        let mut out = self.int::<4>(1);
        if self.wide {
            out.extend(self.int::<4>(7));
        }
        for word in [offset, segment.vma, segment.lma, size, size + segment.zeros] {
            out.extend(self.word(word));
        }
        if !self.wide {
            out.extend(self.int::<4>(7));
        }
        out.extend(self.word(1));
        out
    }

    /// Appends names and symbols to `data`; returns all section headers.
    fn tables(&self, data: &mut Vec<u8>, offsets: &[u64]) -> Vec<Vec<u8>> {
        let mut names = vec![0];
        let mut name = |text: &str| {
            let at = names.len() as u64;
            names.extend(text.as_bytes());
            names.push(0);
            at
        };
        let mut headers = vec![self.section_header([0; 6], 0)];
        for section in &self.sections {
            let offset = section
                .within
                .map_or(0, |(segment, skip)| offsets[segment] + skip);
            headers.push(self.section_header(
                [
                    name(section.name),
                    if section.within.is_some() { 1 } else { 8 },
                    if section.aside { 0 } else { 2 },
                    section.vma,
                    offset,
                    section.size,
                ],
                0,
            ));
        }
        let (own, strings, symbols) = (name(".shstrtab"), name(".strtab"), name(".symtab"));
        headers.push(self.section_header([own, 3, 0, 0, data.len() as u64, names.len() as u64], 0));
        data.extend(names);
        let mut texts = vec![0];
        let mut table = vec![0; if self.wide { 24 } else { 16 }];
        for symbol in &self.symbols {
            let name = self.int::<4>(texts.len() as u64);
            texts.extend(symbol.name.as_bytes());
            texts.push(0);
            let (value, size) = (self.word(symbol.value), self.word(symbol.size));
            let info = [0x10 | symbol.kind, 0];
            let section = self.int::<2>(symbol.section.into());
            if self.wide {
                table.extend([name, info.to_vec(), section, value, size].concat());
            } else {
                table.extend([name, value, size, info.to_vec(), section].concat());
            }
        }
        headers.push(
            self.section_header([strings, 3, 0, 0, data.len() as u64, texts.len() as u64], 0),
        );
        data.extend(texts);
        let link = headers.len() as u64 - 1;
        headers.push(self.section_header(
            [symbols, 2, 0, 0, data.len() as u64, table.len() as u64],
            link,
        ));
        data.extend(table);
        headers
    }

    fn section_header(&self, fields: [u64; 6], link: u64) -> Vec<u8> {
        let [name, kind, flags, vma, offset, size] = fields;
        let entry = if kind == 2 {
            if self.wide { 24 } else { 16 }
        } else {
            0
        };
        let mut out = self.int::<4>(name);
        out.extend(self.int::<4>(kind));
        for word in [flags, vma, offset, size] {
            out.extend(self.word(word));
        }
        out.extend(self.int::<4>(link));
        out.extend(self.int::<4>(0));
        out.extend(self.word(1));
        out.extend(self.word(entry));
        out
    }
}

/// A firmware with code, initialised data that is copied to RAM, and zeroed data.
///
/// `.text` 0x08000000..0x08000040, `.data` VMA 0x20000000 and LMA 0x08000040, 16 bytes, `.bss`
/// behind it in RAM.
pub fn firmware(wide: bool, big: bool) -> ElfFile {
    let symbol = |name, value, size, section| Symbol {
        name,
        value,
        size,
        section,
        kind: 1,
    };
    ElfFile {
        wide,
        big,
        skew: 1,
        segments: vec![
            Segment {
                vma: 0x0800_0000,
                lma: 0x0800_0000,
                bytes: (0..64).collect(),
                zeros: 0,
            },
            Segment {
                vma: 0x2000_0000,
                lma: 0x0800_0040,
                bytes: (100..116).collect(),
                zeros: 8,
            },
        ],
        sections: vec![
            Section {
                name: ".text",
                vma: 0x0800_0000,
                size: 64,
                within: Some((0, 0)),
                aside: false,
            },
            Section {
                name: ".data",
                vma: 0x2000_0000,
                size: 16,
                within: Some((1, 0)),
                aside: false,
            },
            Section {
                name: ".bss",
                vma: 0x2000_0010,
                size: 8,
                within: None,
                aside: false,
            },
            Section {
                name: ".debug_str",
                vma: 0,
                size: 4,
                within: Some((0, 4)),
                aside: true,
            },
            Section {
                name: ".none",
                vma: 0x0800_0020,
                size: 0,
                within: Some((0, 32)),
                aside: false,
            },
        ],
        symbols: vec![
            symbol("token", 0x2000_0004, 8, 2),
            symbol("data_end", 0x2000_0010, 0, 2),
            symbol("zeroed", 0x2000_0010, 4, 3),
            symbol("bss_start", 0x2000_0010, 0, 3),
            symbol("flash_size", 0x0001_0000, 0, 0xfff1),
            symbol("missing", 0, 0, 0),
            symbol("debug_mark", 2, 0, 4),
            symbol("twice", 0x0800_0010, 4, 1),
            symbol("twice", 0x0800_0020, 4, 1),
            symbol("same", 0x0800_0030, 0, 1),
            symbol("same", 0x0800_0030, 4, 1),
            Symbol {
                kind: 2,
                ..symbol("thumb", 0x0800_0009, 4, 1)
            },
            Symbol {
                kind: 3,
                ..symbol("", 0x0800_0000, 0, 1)
            },
        ],
        ..ElfFile::default()
    }
}
