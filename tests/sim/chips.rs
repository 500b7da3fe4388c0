//! Every chip of the table, through its real flash algorithm.

use eol_inject::sim::Model;
use probe_rs::MemoryInterface;

use crate::rig::{Rest, attach, board, image, read, write};

#[test]
fn every_chip_is_flashed_verified_and_read_back() {
    for model in Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let mut session = attach(&board).unwrap();
        let firmware = image(40_000, 1);
        write(&mut session, base, &firmware, Rest::Lost).unwrap();
        assert!(
            read(&mut session, base, firmware.len()) == firmware,
            "{}",
            model.name
        );
        assert!(board.lock().peek(base, firmware.len()).unwrap() == firmware);
        assert!(board.lock().statistics().program_calls > 0);
        assert!(!board.lock().is_booted());
        session.core(0).unwrap().reset().unwrap();
        assert!(board.lock().is_booted(), "{}", model.name);
    }
}

#[test]
fn the_whole_flash_of_every_chip_can_be_written() {
    for model in Model::all() {
        let board = board(model.name);
        let flash = model.flash_range();
        let mut session = attach(&board).unwrap();
        let firmware = image(flash.len(), 2);
        let mut loader = session.target().flash_loader();
        loader.add_data(flash.start.into(), &firmware).unwrap();
        loader.commit(&mut session, Default::default()).unwrap();
        assert!(
            board.lock().peek(flash.start, flash.len()).unwrap() == firmware,
            "{}",
            model.name
        );
    }
}

#[test]
fn a_rewritten_token_changes_nothing_else() {
    for model in Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let sector = first_sector(model.name);
        let mut session = attach(&board).unwrap();
        let mut wanted = image(0x8000, 1);
        write(&mut session, base, &wanted, Rest::Lost).unwrap();
        // Inside a sector, across a border, at the very end, unaligned.
        for at in [0x234, sector - 7, wanted.len() - 32, 1] {
            board.lock().clear_statistics();
            write(&mut session, base + at as u32, &[0xa5; 32], Rest::Kept).unwrap();
            wanted[at..at + 32].fill(0xa5);
            assert!(
                read(&mut session, base, wanted.len()) == wanted,
                "{} at {at:#x}",
                model.name
            );
            let touched = (at + 31) / sector - at / sector + 1;
            let erased = board.lock().statistics().erased_sectors;
            assert_eq!(erased.len(), touched, "{} at {at:#x}", model.name);
        }
    }
}

fn first_sector(chip: &str) -> usize {
    match chip {
        "nRF52840_xxAA" => 4096,
        "STM32F072RB" | "STM32L475VG" => 2048,
        "STM32F405RG" => 16_384,
        _ => 1024,
    }
}

#[test]
fn the_unique_id_is_read_where_the_manual_says() {
    for model in Model::all() {
        let board = board(model.name);
        let mut session = attach(&board).unwrap();
        let (address, words) = model.uid_location();
        let mut uid = vec![0; words];
        let mut core = session.core(0).unwrap();
        core.read_32(address.into(), &mut uid).unwrap();
        assert_eq!(uid, board.lock().uid().words()[..words], "{}", model.name);
        let expected = match model.name {
            "nRF52840_xxAA" | "nRF51822_xxAC" => (0x1000_0060, 2),
            "STM32F072RB" => (0x1fff_f7ac, 3),
            "STM32F103RB" => (0x1fff_f7e8, 3),
            "STM32F405RG" => (0x1fff_7a10, 3),
            "STM32L475VG" => (0x1fff_7590, 3),
            other => unreachable!("{other} needs a line here"),
        };
        assert_eq!((address, words), expected);
    }
}

#[test]
fn identification_registers_tell_the_chips_apart() {
    let cases = [
        ("nRF52840_xxAA", 0x1000_0100, 0x0005_2840),
        ("STM32F072RB", 0x4001_5800, 0x2001_6448),
        ("STM32F103RB", 0xe004_2000, 0x2003_6410),
        ("STM32F405RG", 0xe004_2000, 0x100f_6413),
        ("STM32L475VG", 0xe004_2000, 0x1007_6415),
    ];
    for (name, address, value) in cases {
        let board = board(name);
        let mut session = attach(&board).unwrap();
        let mut core = session.core(0).unwrap();
        assert_eq!(core.read_word_32(address).unwrap(), value, "{name}");
    }
}

#[test]
fn flash_size_registers_agree_with_the_model() {
    let cases = [
        ("STM32F072RB", 0x1fff_f7cc, 128),
        ("STM32F103RB", 0x1fff_f7e0, 128),
        ("STM32F405RG", 0x1fff_7a22, 1024),
        ("STM32L475VG", 0x1fff_75e0, 1024),
    ];
    for (name, address, kib) in cases {
        let board = board(name);
        let mut session = attach(&board).unwrap();
        let mut size = [0; 1];
        let mut core = session.core(0).unwrap();
        core.read_16(address, &mut size).unwrap();
        assert_eq!(u32::from(size[0]), kib, "{name}");
        let flash = board.lock().model().flash_range();
        assert_eq!(flash.len() as u32, kib * 1024, "{name}");
    }
}

/// Figures measured with the first model of this simulator; a change here changes what a bench says.
#[test]
fn the_counters_agree_with_the_measured_figures() {
    let cases = [
        ("nRF52840_xxAA", (16, 16, 40_001), (1, 1, 4_609)),
        ("STM32F072RB", (32, 64, 50_299), (1, 2, 3_177)),
    ];
    for (name, full, slot) in cases {
        let board = board(name);
        let base = board.lock().model().flash_range().start;
        let mut session = attach(&board).unwrap();
        let figures = || {
            let counted = board.lock().statistics();
            let erased = counted.erased_sectors.len();
            (erased, counted.program_calls, counted.swd_transfers)
        };
        board.lock().clear_statistics();
        write(&mut session, base, &image(0x1_0000, 1), Rest::Lost).unwrap();
        assert_eq!(figures(), full, "{name}, 64 KiB");
        board.lock().clear_statistics();
        write(&mut session, base + 0x8104, &[0xa5; 32], Rest::Kept).unwrap();
        assert_eq!(figures(), slot, "{name}, 32 bytes");
    }
}
