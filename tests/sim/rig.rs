//! What the tests share.

use std::sync::LazyLock;

use eol_inject::sim::{self, Board, Model, SharedBoard};
use probe_rs::config::Registry;
use probe_rs::flashing::{DownloadOptions, FlashError};
use probe_rs::{MemoryInterface, Permissions, Session};

/// Decoding all targets takes longer than flashing one.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::from_builtin_families);

pub fn model(name: &str) -> &'static Model {
    Model::by_name(name).unwrap()
}

pub fn board(name: &str) -> SharedBoard {
    Board::new(model(name), "UNIT-1").share()
}

pub fn attach_as(board: &SharedBoard, name: &str) -> Result<Session, probe_rs::Error> {
    sim::open(board).attach_with_registry(name, Permissions::default(), &REGISTRY)
}

pub fn attach(board: &SharedBoard) -> Result<Session, probe_rs::Error> {
    let name = board.lock().model().name;
    attach_as(board, name)
}

/// Bytes that repeat nowhere.
pub fn image(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect();
    // Initial stack pointer and reset vector, so that the chip boots.
    if let Some(vectors) = bytes.get_mut(..8) {
        vectors.copy_from_slice(&[0, 0x10, 0, 0x20, 0x01, 0x01, 0, 0]);
    }
    bytes
}

#[derive(Clone, Copy)]
pub enum Rest {
    Kept,
    Lost,
}

pub fn write(
    session: &mut Session,
    address: u32,
    bytes: &[u8],
    rest: Rest,
) -> Result<(), FlashError> {
    let mut loader = session.target().flash_loader();
    loader.add_data(address.into(), bytes)?;
    let mut options = DownloadOptions::default();
    options.keep_unwritten_bytes = matches!(rest, Rest::Kept);
    options.verify = true;
    loader.commit(session, options)
}

pub fn read(session: &mut Session, address: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut core = session.core(0).unwrap();
    core.read(address.into(), &mut bytes).unwrap();
    bytes
}

/// All messages of an error and its sources.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
