//! The bytes of a state file.
//!
//! Layout, little-endian: `EOLBOARD`, u32 version, chip name, board name (both u16 length and
//! UTF-8), 3 x u32 unique ID, u8 lock, then runs of bytes that are not erased (u8 1 for flash, 2 for
//! information memory; u32 offset; u32 length; bytes), u8 0, u32 count and u32 addresses of double
//! words with a broken ECC, and the FNV-1a hash of everything before as u64.

use std::path::Path;

use super::error::{StateError, VERSION};
use crate::sim::board::Board;
use crate::sim::chip::{Model, NonVolatile};
use crate::sim::nor::Nor;
use crate::sim::seed::Hash;
use crate::sim::uid::Uid;

const MAGIC: &[u8; 8] = b"EOLBOARD";
/// Erased blocks of this size are left out.
const BLOCK: usize = 256;

const END: u8 = 0;
const FLASH: u8 = 1;
const INFO: u8 = 2;

/// Writes a board as bytes.
pub(super) fn encode(board: &Board) -> Vec<u8> {
    let kept = board.kept();
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    put_text(&mut out, kept.model.name);
    put_text(&mut out, board.name());
    for word in kept.uid.words() {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.push(u8::from(kept.locked));
    put_runs(&mut out, FLASH, &kept.memory.flash);
    put_runs(&mut out, INFO, &kept.memory.info);
    out.push(END);
    let damaged = &kept.memory.damaged;
    out.extend_from_slice(&length(damaged.len()).to_le_bytes());
    for address in damaged {
        out.extend_from_slice(&address.to_le_bytes());
    }
    let hash = Hash::new().add(&out).value();
    out.extend_from_slice(&hash.to_le_bytes());
    out
}

/// Lengths here are bounded by the size of a chip's memory.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_runs(out: &mut Vec<u8>, memory: u8, array: &Nor) {
    let mut offset = 0;
    for run in array
        .bytes()
        .chunks(BLOCK)
        .collect::<Vec<_>>()
        .chunk_by(|a, b| is_erased(a) == is_erased(b))
    {
        let bytes = run.concat();
        if !is_erased(&bytes) {
            out.push(memory);
            out.extend_from_slice(&length(offset).to_le_bytes());
            out.extend_from_slice(&length(bytes.len()).to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        offset += bytes.len();
    }
}

fn is_erased(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0xff)
}

/// The unread rest of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.array().map(u16::from_le_bytes)?;
        std::str::from_utf8(self.bytes(usize::from(length))?).ok()
    }
}

/// Reads a board from bytes and powers it up; `path` is for messages.
pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Board, StateError> {
    let damaged = |what| StateError::Damaged {
        path: path.to_owned(),
        what,
    };
    let mut reader = Reader(bytes);
    if reader.bytes(MAGIC.len()) != Some(MAGIC) {
        return Err(StateError::Foreign {
            path: path.to_owned(),
        });
    }
    let version = reader.word().ok_or_else(|| damaged("no format number"))?;
    if version != VERSION {
        return Err(StateError::Version {
            path: path.to_owned(),
            found: version,
        });
    }
    let (body, hash) = bytes
        .split_last_chunk::<8>()
        .ok_or_else(|| damaged("it is cut short"))?;
    if Hash::new().add(body).value() != u64::from_le_bytes(*hash) {
        return Err(damaged("its hash does not match, it is cut or changed"));
    }
    let chip = reader.text().ok_or_else(|| damaged("no chip name"))?;
    let name = reader.text().ok_or_else(|| damaged("no board name"))?;
    let model = Model::by_name(chip).ok_or_else(|| StateError::UnknownChip {
        path: path.to_owned(),
        found: chip.to_owned(),
    })?;
    let mut board = Board::new(model, name);
    let uid = (|| Some(Uid::new([reader.word()?, reader.word()?, reader.word()?])))();
    board.set_uid(uid.ok_or_else(|| damaged("no unique id"))?);
    let memory = board.non_volatile_mut();
    let [locked] = reader.array().ok_or_else(|| damaged("no lock"))?;
    memory.locked = locked != 0;
    read_memory(&mut reader, memory).ok_or_else(|| damaged("a run of bytes does not fit"))?;
    board.power_cycle();
    board.clear_statistics();
    Ok(board)
}

fn read_memory(reader: &mut Reader<'_>, memory: &mut NonVolatile) -> Option<()> {
    memory.info.bytes_mut().fill(0xff);
    loop {
        let [kind] = reader.array()?;
        let array = match kind {
            END => break,
            FLASH => &mut memory.flash,
            INFO => &mut memory.info,
            _ => return None,
        };
        let start = reader.word()? as usize;
        let bytes = {
            let length = reader.word()?;
            reader.bytes(length as usize)?
        };
        let end = start.checked_add(bytes.len())?;
        array
            .bytes_mut()
            .get_mut(start..end)?
            .copy_from_slice(bytes);
    }
    for _ in 0..reader.word()? {
        memory.damaged.insert(reader.word()?);
    }
    Some(())
}
