//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(missing_docs)]

/// Writes the ELF files of these tests.
mod elf_file;
/// ELF, BIN and HEX of one firmware agree at every address, by both readers.
mod formats;
/// The text, causes and name of every error.
mod messages;
