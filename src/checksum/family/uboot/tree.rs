//! A flattened devicetree, read token by token: no tree is built, so none can be too deep.
//!
//! Source: Devicetree Specification 0.4, chapter 5. Numbers are big-endian.

use std::ops::Range;

/// First bytes: `FDT_MAGIC`.
pub(super) const MAGIC: [u8; 4] = 0xD00D_FEEDu32.to_be_bytes();
/// Bytes of the header.
pub(super) const HEADER: usize = 40;
/// Offsets in the header.
const TOTAL: usize = 4;
const STRUCTS: usize = 8;
const STRINGS: usize = 12;
const VERSION: usize = 20;
const COMPATIBLE: usize = 24;
const STRINGS_SIZE: usize = 32;
const STRUCTS_SIZE: usize = 36;
/// The version that has both sizes; libfdt writes no other.
const KNOWN: usize = 17;
/// Tokens.
const BEGIN: usize = 1;
const END: usize = 2;
const PROPERTY: usize = 3;
const NOP: usize = 4;

/// One node's begin or end, or a property.
pub(super) enum Token<'t> {
    /// A node, with its name.
    Begin(&'t [u8]),
    /// The end of the node that began last.
    End,
    /// A property of that node.
    Property(Property<'t>),
}

/// A property and where its value stands in the tree.
pub(super) struct Property<'t> {
    /// The strings of the tree from this one's on.
    name: &'t [u8],
    pub(super) value: &'t [u8],
    pub(super) at: Range<usize>,
}

impl Property<'_> {
    /// Returns whether the property is called so.
    pub(super) fn is(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    /// Returns the value as one number.
    pub(super) fn number(&self) -> Option<u64> {
        let cell: [u8; 4] = self.value.get(..4)?.try_into().ok()?;
        Some(u32::from_be_bytes(cell).into())
    }

    /// Returns the value's strings.
    pub(super) fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let strings = self.value.split(|byte| *byte == 0);
        strings.filter(|string| !string.is_empty())
    }
}

/// Reads the tokens of a tree.
pub(super) struct Tokens<'t> {
    tree: &'t [u8],
    strings: &'t [u8],
    next: usize,
    end: usize,
}

/// Returns the length that the header in front of `head` gives, where the header makes sense.
pub(super) fn total(head: &[u8; HEADER]) -> Option<usize> {
    let [total, structs, strings, version, compatible] =
        [TOTAL, STRUCTS, STRINGS, VERSION, COMPATIBLE].map(|offset| number(head, offset));
    let (total, structs, strings) = (total?, structs?, strings?);
    let inside = |start: usize, size: Option<usize>| {
        let end = size.and_then(|size| start.checked_add(size));
        start >= HEADER && end.is_some_and(|end| end <= total)
    };
    let fits = head.starts_with(&MAGIC)
        && version? >= KNOWN
        && compatible? <= KNOWN
        && inside(structs, number(head, STRUCTS_SIZE))
        && inside(strings, number(head, STRINGS_SIZE));
    fits.then_some(total)
}

impl<'t> Tokens<'t> {
    /// Starts at the root of `tree`, whose header makes sense.
    pub(super) fn of(tree: &'t [u8]) -> Option<Self> {
        let part = |start: usize, size: usize| {
            let start = number(tree, start)?;
            Some(start..start.checked_add(number(tree, size)?)?)
        };
        let structs = part(STRUCTS, STRUCTS_SIZE)?;
        Some(Self {
            tree: tree.get(..structs.end)?,
            strings: tree.get(part(STRINGS, STRINGS_SIZE)?)?,
            next: structs.start,
            end: structs.end,
        })
    }

    fn token(&mut self) -> Option<Token<'t>> {
        loop {
            match self.cell()? {
                NOP => {}
                BEGIN => {
                    let rest = self.tree.get(self.next..)?;
                    let len = memchr::memchr(0, rest)?;
                    self.skip(len.checked_add(1)?)?;
                    return Some(Token::Begin(rest.get(..len)?));
                }
                END => return Some(Token::End),
                PROPERTY => {
                    let len = self.cell()?;
                    let name = self.cell()?;
                    let at = self.next..self.next.checked_add(len)?;
                    let value = self.tree.get(at.clone())?;
                    self.skip(len)?;
                    let name = self.strings.get(name..)?;
                    return Some(Token::Property(Property { name, value, at }));
                }
                _ => return None,
            }
        }
    }

    fn cell(&mut self) -> Option<usize> {
        let cell = number(self.tree, self.next)?;
        self.skip(4)?;
        Some(cell)
    }

    /// Goes on behind `len` bytes, at a multiple of four: blocks start at one.
    fn skip(&mut self, len: usize) -> Option<()> {
        self.next = self.next.checked_add(len)?.checked_next_multiple_of(4)?;
        (self.next <= self.end).then_some(())
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        self.token()
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let cell: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(cell)).ok()
}
