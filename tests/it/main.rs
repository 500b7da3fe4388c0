//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(clippy::cast_possible_truncation)]
#![allow(missing_docs)]

/// A ledger that existed is never begun anew, by the program.
#[cfg(all(feature = "cli", unix))]
mod begun;
/// A copy of the fixtures, and the program to run on it.
#[cfg(feature = "cli")]
mod bench;
/// The patched firmware boots and says what it got.
#[cfg(feature = "cli")]
mod boot;
/// Ready means ready.
#[cfg(all(feature = "cli", feature = "sim", unix))]
mod check;
/// Checksums of a recipe: what they read, how they are put in order and proved.
mod checksums;
/// One firmware in every container, and converted: the same bytes at every address.
#[cfg(feature = "cli")]
mod containers;
/// Makes images and recipes for the tests of slots and checksums.
mod craft;
/// The documents are true.
mod docs;
/// Writes the ELF files of these tests.
mod elf_file;
/// Files are left alone where they are right.
#[cfg(unix)]
mod files;
/// Integrity fields are found by structure, and what the recipe says of them is held to.
mod findings;
/// Boards on a simulated probe: both modes, every chip, every fault.
#[cfg(feature = "sim")]
mod flash;
/// What is said of a whole folder of images.
#[cfg(all(feature = "cli", unix))]
mod folder;
/// ELF, BIN and HEX of one firmware agree at every address, by both readers.
mod formats;
/// The line against independently filled images.
mod golden;
/// What the line needs is never written over; a token is never a name.
#[cfg(feature = "cli")]
mod guards;
/// Blocks of units for programmers that work alone.
#[cfg(feature = "cli")]
mod handoff;
/// What a newcomer reads: pages, examples, a recipe that is not there.
#[cfg(all(feature = "cli", feature = "sim"))]
mod help;
/// Containers: what they load, and what changes in them.
mod image;
/// A ledger joined in the middle, by the program.
#[cfg(feature = "cli")]
mod joining;
/// Judges in Python.
#[cfg(feature = "cli")]
mod judge;
/// What `verify` compares, and that it says so.
#[cfg(feature = "cli")]
mod judged;
/// Other people's tools read what the line wrote.
#[cfg(feature = "cli")]
mod judges;
/// esptool and imgtool judge units of images that they made.
#[cfg(feature = "cli")]
mod judges_esp_mcuboot;
/// Settings stores that a recipe makes, against Espressif's generator and readers of Zephyr's.
#[cfg(feature = "cli")]
mod judges_nvs;
/// Serials and labels as they are scanned, put together to pairs.
mod label_pairs;
/// Other programs read the labels.
#[cfg(feature = "cli")]
mod labels;
/// One contract, every back end; and what only the embedded ledger promises.
mod ledger;
/// Lists of tokens and serials that are made here.
#[cfg(feature = "label")]
mod lists;
/// The text, causes and name of every error.
mod messages;
/// Settings stores that a recipe makes.
mod nvs;
/// What others laid where the program writes stays, and no secret goes through it.
#[cfg(all(unix, feature = "cli"))]
mod own_files;
/// Plain checksums that show themselves by their place.
mod plain;
/// Token lists: good ones, every bad one, and bytes of any kind.
#[cfg(feature = "label")]
mod pool;
/// The process is killed at every effect, and the next run finishes.
#[cfg(feature = "cli")]
mod power_cut;
/// Many units at once: killed at random, and held to their memory.
#[cfg(feature = "cli")]
mod pressure;
/// Edits change what they say and nothing else; readers agree; nothing panics.
mod properties;
/// Only slots and checksums change; sealing twice changes nothing; no bytes make a reader panic.
mod properties_seal;
/// What `inspect` proposes, against recipes that are known to be right.
mod proposed;
/// Firmware that nobody here wrote keeps every field right.
mod real;
/// What a recipe can say, and what it cannot.
mod recipe;
/// No pipes, no devices, and a limit.
#[cfg(unix)]
mod regular;
/// Every bad input gets the error that it is named after.
mod reject;
/// The record tells of the file that is there.
#[cfg(feature = "cli")]
mod rerun;
/// Units that are worked on once more, by the program.
#[cfg(feature = "cli")]
mod rework;
/// The line on boards: the loop, nests, the line's own programmer, the factory's system.
#[cfg(all(feature = "cli", unix))]
mod run;
/// Serials and labels as scanners give them.
#[cfg(feature = "cli")]
mod scanned;
/// No output, log or file but the images shows a token.
#[cfg(feature = "cli")]
mod secrets;
/// Slots are found once and blank, and values read back.
mod slot;
/// Stages form one order, and no files import each other.
mod stages;
/// The loop of a station without a terminal: commands in, events out.
mod station;
/// Stations without network, backups, mirrors and keys, by the real program.
#[cfg(all(feature = "cli", unix))]
mod stations;
/// Vendors' structures are recognised, repaired or refused, and never seen by chance.
mod structures;
/// Where the fixtures are.
mod support;
/// The real program is killed at effect after effect.
#[cfg(feature = "cli")]
mod sweep;
/// What U-Boot loads is repaired, or refused by name.
mod uboot;
/// Who a unit is.
mod unit;
