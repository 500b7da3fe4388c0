//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]
#![allow(missing_docs)]

/// Makes images and recipes for the tests of slots and checksums.
mod craft;
/// Writes the ELF files of these tests.
mod elf_file;
/// Integrity fields are found by structure, and what the recipe says of them is held to.
mod findings;
/// ELF, BIN and HEX of one firmware agree at every address, by both readers.
mod formats;
/// The text, causes and name of every error.
mod messages;
/// Edits change what they say and nothing else; readers agree; nothing panics.
mod properties;
/// Only slots and checksums change; sealing twice changes nothing; no bytes make a reader panic.
mod properties_seal;
