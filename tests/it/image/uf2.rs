//! UF2: blocks to load addresses, families and MD5s.

use md5::{Digest as _, Md5};

use eol_inject::image::{Address, Edits, Hint, Image, ImageError, Span, Uf2Error};

/// A block as a test writes it.
#[derive(Clone)]
struct Block {
    flags: u32,
    address: u32,
    data: Vec<u8>,
    number: u32,
    blocks: u32,
    family: u32,
    /// What stands behind the payload, and where.
    behind: Vec<(usize, Vec<u8>)>,
}

fn block(address: u32, data: &[u8], number: u32, blocks: u32) -> Block {
    Block {
        flags: 0,
        address,
        data: data.to_vec(),
        number,
        blocks,
        family: 0,
        behind: Vec::new(),
    }
}

impl Block {
    fn of(self, family: u32) -> Self {
        let flags = self.flags | 0x2000;
        Self {
            flags,
            family,
            ..self
        }
    }

    fn flagged(self, flags: u32) -> Self {
        let flags = self.flags | flags;
        Self { flags, ..self }
    }

    /// Adds an MD5 of `bytes` at `address`, at offset `at` of the block.
    fn digest(self, at: usize, address: u32, bytes: &[u8]) -> Self {
        let mut field = address.to_le_bytes().to_vec();
        field.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        field.extend(Md5::digest(bytes));
        let mut this = self.flagged(0x4000);
        this.behind.push((at, field));
        this
    }

    fn bytes(&self) -> Vec<u8> {
        let len = u32::try_from(self.data.len()).unwrap();
        let words = [
            0x0A32_4655,
            0x9E5D_5157,
            self.flags,
            self.address,
            len,
            self.number,
            self.blocks,
            self.family,
        ];
        let mut bytes: Vec<u8> = words
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        bytes.extend(&self.data);
        bytes.resize(508, 0);
        for (at, field) in &self.behind {
            bytes[*at..at + field.len()].copy_from_slice(field);
        }
        bytes.extend(0x0AB1_6F30u32.to_le_bytes());
        bytes
    }
}

fn file(blocks: &[Block]) -> Vec<u8> {
    blocks.iter().flat_map(Block::bytes).collect()
}

fn read(blocks: &[Block]) -> Result<Image, ImageError> {
    Image::read(file(blocks), Hint::default())
}

fn read_family(blocks: &[Block], family: u32) -> Result<Image, ImageError> {
    let family = Some(family);
    Image::read(
        file(blocks),
        Hint {
            family,
            ..Hint::default()
        },
    )
}

fn edits(start: u64, bytes: &[u8]) -> Edits {
    let mut edits = Edits::new();
    edits.put(Address::new(start), bytes);
    edits
}

fn span(start: u64, end: u64) -> Span {
    Span::between(Address::new(start), Address::new(end)).unwrap()
}

#[test]
fn blocks_in_any_order_make_runs() {
    let blocks = [
        block(0x1004, b"efgh", 1, 3),
        block(0x2000, b"zz", 2, 3),
        block(0x1000, b"abcd", 0, 3),
    ];
    let image = read(&blocks).unwrap();
    assert_eq!(image.runs(), [span(0x1000, 0x1008), span(0x2000, 0x2002)]);
    let mut wanted = blocks.clone();
    wanted[2].data = b"abXY".to_vec();
    wanted[0].data = b"Zfgh".to_vec();
    let patched = image.render(&edits(0x1002, b"XYZ")).unwrap();
    assert!(patched == file(&wanted));
}

#[test]
fn what_is_not_for_flash_is_kept_and_not_loaded() {
    let blocks = [
        block(0, b"abcd", 0, 3),
        block(0, b"note", 1, 3).flagged(1),
        block(0, b"part of a file", 2, 3).flagged(0x1000),
    ];
    let image = read(&blocks).unwrap();
    assert_eq!(image.runs(), [span(0, 4)]);
    let mut wanted = blocks.clone();
    wanted[0].data = b"abcX".to_vec();
    assert!(image.render(&edits(3, b"X")).unwrap() == file(&wanted));
    assert!(matches!(
        read(&[block(0, b"note", 0, 1).flagged(1)]),
        Err(ImageError::NothingLoaded { .. })
    ));
}

#[test]
fn of_several_families_the_recipe_s_is_loaded() {
    let blocks = [block(0, b"one.", 0, 1).of(1), block(0, b"two.", 0, 1).of(2)];
    let families = vec![Some(1), Some(2)];
    assert_eq!(
        read(&blocks).unwrap_err(),
        Uf2Error::Families {
            families: families.clone()
        }
        .into()
    );
    let image = read_family(&blocks, 2).unwrap();
    assert_eq!(&*image.bytes(span(0, 4)).unwrap(), b"two.");
    assert_eq!((image.family(), image.families()), (Some(2), &[1, 2][..]));
    let mut wanted = blocks.clone();
    wanted[1].data = b"TWO.".to_vec();
    assert!(image.render(&edits(0, b"TWO")).unwrap() == file(&wanted));
    let wanted = 3;
    assert_eq!(
        read_family(&blocks, wanted).unwrap_err(),
        Uf2Error::NoFamily { wanted, families }.into()
    );
    // Counted over the whole file, as some tools do.
    let counted = [block(0, b"one.", 0, 2).of(1), block(0, b"two.", 1, 2).of(2)];
    assert!(read_family(&counted, 1).is_ok());
}

#[test]
fn the_block_for_an_erratum_is_not_loaded() {
    let dummy = block(0x10ff_ff00, &[0xEF; 256], 0, 2).of(0xE48B_FF57);
    let blocks = [dummy, block(0x1000_0000, b"abcd", 0, 1).of(0xE48B_FF59)];
    let image = read(&blocks).unwrap();
    assert_eq!(image.runs(), [span(0x1000_0000, 0x1000_0004)]);
}

#[test]
fn an_md5_over_several_blocks_is_made_true() {
    let made = |text: &[u8; 8]| {
        let (low, high) = text.split_at(4);
        [
            block(0x1000, low, 0, 3).digest(484, 0x1000, text),
            block(0x1004, high, 1, 3).digest(484, 0x1000, text),
            block(0x2000, b"apart", 2, 3).digest(484, 0x2000, b"apart"),
        ]
    };
    let image = read(&made(b"abcdefgh")).unwrap();
    assert!(image.md5s().iter().all(|md5| md5.right));
    let patched = image.render(&edits(0x1003, b"XY")).unwrap();
    assert!(patched == file(&made(b"abcXYfgh")));
}

#[test]
fn an_md5_right_behind_the_payload_stays_there() {
    let made = |text: &[u8]| [block(0, text, 0, 1).digest(32 + text.len(), 0, text)];
    let image = read(&made(b"short")).unwrap();
    assert_eq!(image.md5s()[0].at, 32 + 5 + 8);
    let patched = image.render(&edits(1, b"HOR")).unwrap();
    assert!(patched == file(&made(b"sHORt")));
    // A full block has one place for both.
    let full = vec![7; 452];
    let image = read(&made(&full)).unwrap();
    assert!(image.md5s()[0].right);
}

#[test]
fn an_md5_that_was_wrong_is_left() {
    let blocks = [
        block(0, b"abcd", 0, 2).digest(484, 0, b"abcX"),
        block(8, b"efgh", 1, 2).digest(484, 4, b"over nothing"),
    ];
    let image = read(&blocks).unwrap();
    let right: Vec<bool> = image.md5s().iter().map(|md5| md5.right).collect();
    assert_eq!(right, [false, false]);
    assert_eq!(image.md5s()[0].over, Some(span(0, 4)));
    let mut wanted = blocks.clone();
    wanted[0].data = b"aXcd".to_vec();
    assert!(image.render(&edits(1, b"X")).unwrap() == file(&wanted));
}

#[test]
fn a_sha_2_of_the_firmware_stops_a_patch() {
    let mut tagged = block(0, b"abcde", 0, 1).flagged(0x8000);
    // A version tag of 7 bytes, then the digest's head; 5 bytes of payload are padded to 8.
    tagged
        .behind
        .push((40, vec![7, 0x13, 0xc7, 0x9f, b'1', b'.', b'0', 0]));
    assert!(
        read(std::slice::from_ref(&tagged))
            .unwrap()
            .changeable()
            .is_ok()
    );
    tagged.behind.push((48, vec![36, 0xb0, 0x6d, 0xb4]));
    let image = read(&[tagged]).unwrap();
    let error: ImageError = Uf2Error::Sha2 { index: 0 }.into();
    assert_eq!(image.changeable(), Err(error.clone()));
    assert_eq!(image.render(&edits(0, b"X")), Err(error));
}

#[test]
fn each_fault_names_its_block() {
    let good = || block(0, b"abcd", 0, 2);
    let second = || block(4, b"efgh", 1, 2);
    assert!(read(&[good(), second()]).is_ok());
    let fault = |blocks: &[Block]| read(blocks).unwrap_err();
    let (index, first, blocks) = (1, 0, 2);
    assert_eq!(
        fault(&[good(), block(4, b"efgh", 1, 3)]),
        Uf2Error::Count {
            index,
            found: 3,
            first,
            wanted: 2
        }
        .into()
    );
    assert_eq!(
        fault(&[good(), block(4, b"efgh", 2, 2)]),
        Uf2Error::Number {
            index,
            number: 2,
            blocks
        }
        .into()
    );
    assert_eq!(
        fault(&[good(), block(4, b"efgh", 0, 2)]),
        Uf2Error::Twice {
            number: 0,
            first,
            second: 1
        }
        .into()
    );
    assert_eq!(
        fault(&[second()]),
        Uf2Error::Missing { number: 0, blocks }.into()
    );
    assert_eq!(
        fault(&[good(), block(3, b"efgh", 1, 2)]),
        Uf2Error::Overlap {
            first,
            second: 1,
            at: Address::new(3)
        }
        .into()
    );
    assert_eq!(
        fault(&[good(), block(4, &[0; 453], 1, 2).digest(484, 4, b"efgh")]),
        Uf2Error::Payload {
            index,
            found: 453,
            most: 452
        }
        .into()
    );
    let start = Address::new(0xffff_fffe);
    let high = fault(&[good(), block(0xffff_fffe, b"efgh", 1, 2)]);
    assert_eq!(high, ImageError::Wraps { start, len: 4 });

    let damage = |at: usize| {
        let mut bytes = file(&[good(), second()]);
        bytes[at] ^= 1;
        Image::read(bytes, Hint::default()).unwrap_err()
    };
    let magic = |place| ImageError::from(Uf2Error::Magic { index, place });
    assert_eq!(damage(512), magic("start"));
    assert_eq!(damage(1023), magic("end"));
    let mut cut = file(&[good(), second()]);
    cut.pop();
    let size = cut.len();
    assert_eq!(
        Image::read(cut, Hint::default()).unwrap_err(),
        Uf2Error::Length { size }.into()
    );
}
