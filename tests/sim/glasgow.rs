//! Foreign probe-rs programs reach a board over TCP, through probe-rs' own Glasgow driver.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use eol_inject::sim::{Model, Server, SharedBoard};
use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::Lister;
use probe_rs::{Permissions, Session};

use crate::rig::{REGISTRY, Rest, board, chain, image, read, write};

fn connect(server: Server, board: &SharedBoard) -> Session {
    let selector: DebugProbeSelector = server.selector().parse().unwrap();
    let name = board.lock().model().name;
    Lister::new()
        .open(selector)
        .unwrap()
        .attach_with_registry(name, Permissions::default(), &REGISTRY)
        .unwrap()
}

#[test]
fn every_chip_is_flashed_over_tcp_by_the_stock_driver() {
    for model in Model::all() {
        let board = board(model.name);
        let server = Server::start(board.clone(), 0, |_| {}).unwrap();
        assert!(server.address().ip().is_loopback());
        let mut session = connect(server, &board);
        let base = model.flash_range().start;
        let firmware = image(0x4000, 1);
        write(&mut session, base, &firmware, Rest::Lost).unwrap();
        assert!(read(&mut session, base, firmware.len()) == firmware);
        assert!(board.lock().peek(base, firmware.len()).unwrap() == firmware);
    }
}

#[test]
fn runs_of_zeros_and_of_no_zeros_survive_the_framing() {
    let board = board("nRF52840_xxAA");
    let server = Server::start(board.clone(), 0, |_| {}).unwrap();
    let mut session = connect(server, &board);
    for fill in [0x00, 0x01, 0xff] {
        board.lock().preload(0, &[fill; 0x2000]).unwrap();
        assert!(read(&mut session, 0, 0x2000) == [fill; 0x2000]);
    }
    write(&mut session, 0, &[0; 0x1000], Rest::Lost).unwrap();
    write(&mut session, 0x1000, &[0x7e; 0x1000], Rest::Lost).unwrap();
}

#[test]
fn the_server_tells_when_a_client_has_gone_and_serves_the_next() {
    let board = board("STM32F072RB");
    let (sender, gone) = mpsc::channel();
    let server = Server::start(board.clone(), 0, move |board| {
        let _ = sender.send(board.lock().statistics().swd_transfers);
    })
    .unwrap();
    for _ in 0..2 {
        drop(connect(server, &board));
        assert!(gone.recv_timeout(Duration::from_secs(5)).unwrap() > 0);
    }
}

#[test]
fn a_lost_target_is_an_error_on_the_other_side_too() {
    let board = board("nRF52840_xxAA");
    let server = Server::start(board.clone(), 0, |_| {}).unwrap();
    let mut session = connect(server, &board);
    board.lock().inject(eol_inject::sim::Fault::NoAck(1_000));
    let error = write(&mut session, 0, &image(0x4000, 1), Rest::Lost).unwrap_err();
    assert!(!chain(&error).is_empty());
}

/// A COBS frame for the SWD endpoint of at most 253 bytes.
fn swd_frame(data: &[u8]) -> Vec<u8> {
    let mut plain = vec![1];
    plain.extend_from_slice(data);
    let runs = plain.split(|byte| *byte == 0);
    let mut out: Vec<u8> = runs
        .flat_map(|run| std::iter::once(run.len() as u8 + 1).chain(run.iter().copied()))
        .collect();
    out.push(0);
    out
}

/// Flash, RAM, peripherals and core debug; the second byte is a mask for random bits.
const REGIONS: [u32; 9] = [
    0x0000_ff00,
    0x0800_ff00,
    0x1000_1f00,
    0x2000_3f00,
    0x4001_ff00,
    0x4002_3f00,
    0xe000_ff00,
    0xe00f_ff00,
    0x1fff_ff00,
];

#[test]
fn noise_from_a_client_does_not_end_the_server() {
    // Switch to SWD, reset the line, read DPIDR, power up the debug port.
    let wake = b"\x30\x9e\xe7\0\0\x20\xff\xff\xff\xff\x20\xff\xff\xff\xff\x02\x04\0\0\0\x50";
    for model in Model::all() {
        let board = board(model.name);
        let server = Server::start(board.clone(), 0, |_| {}).unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let mut random = image(8 * 4_000, 5).into_iter().skip(8);
        let mut byte = move || random.next().unwrap_or_default();
        stream.write_all(&swd_frame(wake)).unwrap();
        for _ in 0..2_000 {
            // ABORT, a size, an address in a region that answers, and a write or a read.
            let base = REGIONS[usize::from(byte()) % REGIONS.len()].to_le_bytes();
            let mut access = vec![0x00, 0x1e, 0, 0, 0, 0x01, byte() & 0x13, 0, 0, 0];
            access.extend_from_slice(&[0x05, byte(), byte() & base[1] | byte() & 0xf]);
            access.extend_from_slice(&base[2..]);
            access.extend_from_slice(&[0x0d, byte(), byte(), byte(), byte(), 0x0f, 0x0f]);
            stream.write_all(&swd_frame(&access)).unwrap();
        }
        // Frames for nobody and broken commands.
        stream.write_all(&image(5_000, 6)).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        let counted = board.lock().statistics();
        assert!(counted.swd_transfers > 2_000, "{counted:?}");
        assert!(counted.drw_reads + counted.drw_writes > 100, "{counted:?}");

        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(&[1, 1, 1, 0]).unwrap(); // Endpoint 0, command 0: identify.
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\x01\x0dprobe-rs,v01\0");
    }
}
