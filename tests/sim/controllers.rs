//! What a flash controller refuses, seen through probe-rs.

use eol_inject::sim::Fault;
use probe_rs::flashing::DownloadOptions;
use probe_rs::{MemoryInterface, Session};

use crate::rig::{Rest, attach, board, chain, image, write};

/// Programs without an erase, as slot mode does where the field is blank.
fn write_unerased(session: &mut Session, address: u32, bytes: &[u8]) -> Result<(), String> {
    let mut loader = session.target().flash_loader();
    loader.add_data(address.into(), bytes).unwrap();
    let mut options = DownloadOptions::default();
    options.skip_erase = true;
    options.verify = true;
    loader
        .commit(session, options)
        .map_err(|error| chain(&error))
}

#[test]
fn a_blank_field_takes_a_token_without_an_erase_where_the_flash_allows_it() {
    // The algorithm programs whole pages, filled with 0xff. Half-words on STM32F0 and F1 may not be
    // programmed twice; on STM32L4 the fill meets double words that hold firmware; the algorithm of
    // the nRF51 compares what it wrote.
    let cases = [
        ("nRF52840_xxAA", true),
        ("nRF51822_xxAC", false),
        ("STM32F405RG", true),
        ("STM32F072RB", false),
        ("STM32F103RB", false),
        ("STM32L475VG", false),
    ];
    for (name, allowed) in cases {
        let board = board(name);
        let base = board.lock().model().flash_range().start;
        let mut session = attach(&board).unwrap();
        let mut firmware = image(0x8000, 1);
        firmware[0x104..0x124].fill(0xff);
        write(&mut session, base, &firmware, Rest::Lost).unwrap();
        board.lock().clear_statistics();
        let done = write_unerased(&mut session, base + 0x104, &[0xa5; 32]);
        assert_eq!(done.is_ok(), allowed, "{name}: {done:?}");
        assert!(board.lock().statistics().erased_sectors.is_empty());
        if allowed {
            firmware[0x104..0x124].fill(0xa5);
            assert!(
                board.lock().peek(base, 0x8000).unwrap() == firmware,
                "{name}"
            );
        }
    }
}

#[test]
fn an_l4_takes_a_token_into_a_blank_page_once_and_not_twice() {
    let board = board("STM32L475VG");
    let mut session = attach(&board).unwrap();
    write_unerased(&mut session, 0x0801_0000, &[0xa5; 32]).unwrap();
    let again = write_unerased(&mut session, 0x0801_0000, &[0xa4; 32]);
    assert!(again.is_err());
    let cells = board.lock().peek(0x0801_0000, 32).unwrap();
    assert_eq!(cells, [0xa5; 32], "a refused double word stays as it was");
}

#[test]
fn an_l4_erases_pages_of_its_second_bank() {
    let board = board("STM32L475VG");
    let (first, second) = (0x0800_0000, 0x0808_0000);
    board.lock().preload(first, &[0x11; 4096]).unwrap();
    board.lock().preload(second, &[0x22; 4096]).unwrap();
    let mut session = attach(&board).unwrap();
    write(&mut session, second + 2048, &[0x33; 2048], Rest::Kept).unwrap();
    let board = board.lock();
    assert_eq!(board.peek(first, 4096).unwrap(), [0x11; 4096]);
    assert_eq!(board.peek(second, 2048).unwrap(), [0x22; 2048]);
    assert_eq!(board.peek(second + 2048, 2048).unwrap(), [0x33; 2048]);
    assert_eq!(board.statistics().erased_sectors, [second + 2048]);
}

#[test]
fn an_f4_erases_sectors_of_every_size() {
    let board = board("STM32F405RG");
    let mut session = attach(&board).unwrap();
    for at in [
        0x0800_0000,
        0x0800_c000,
        0x0801_0000,
        0x0802_0000,
        0x080e_0000,
    ] {
        board.lock().clear_statistics();
        write(&mut session, at, &[0x5a; 256], Rest::Kept).unwrap();
        assert_eq!(board.lock().statistics().erased_sectors, [at]);
    }
}

#[test]
fn a_chip_erase_clears_everything_including_uicr() {
    let board = board("nRF52840_xxAA");
    board.lock().preload(0x1000_1080, &[0x5a; 32]).unwrap();
    board.lock().preload(0x8_0000, &[0x5a; 32]).unwrap();
    let mut session = attach(&board).unwrap();
    probe_rs::flashing::erase_all(
        &mut session,
        &mut probe_rs::flashing::FlashProgress::empty(),
        true,
    )
    .unwrap();
    let board = board.lock();
    assert_eq!(board.statistics().mass_erases, 1);
    assert_eq!(board.peek(0x1000_1080, 32).unwrap(), [0xff; 32]);
    assert_eq!(board.peek(0x8_0000, 32).unwrap(), [0xff; 32]);
}

#[test]
fn every_st_chip_can_be_erased_as_a_whole() {
    for name in ["STM32F072RB", "STM32F103RB", "STM32F405RG", "STM32L475VG"] {
        let board = board(name);
        board.lock().preload(0x0801_0000, &[0x5a; 32]).unwrap();
        let mut session = attach(&board).unwrap();
        let mut progress = probe_rs::flashing::FlashProgress::empty();
        probe_rs::flashing::erase_all(&mut session, &mut progress, true).unwrap();
        let cells = board.lock().peek(0x0801_0000, 32).unwrap();
        assert_eq!(cells, [0xff; 32], "{name}");
    }
}

#[test]
fn a_write_protected_sector_fails_on_every_chip_and_keeps_its_bytes() {
    for model in eol_inject::sim::Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let at = base + 0x4000;
        board.lock().preload(at, &[0x11; 64]).unwrap();
        board.lock().inject(Fault::WriteProtected(at));
        let mut session = attach(&board).unwrap();
        let done = write(&mut session, at, &[0x22; 64], Rest::Lost);
        assert!(done.is_err(), "{}", model.name);
        assert_eq!(board.lock().peek(at, 64).unwrap(), [0x11; 64]);
    }
}

#[test]
fn flash_cannot_be_written_by_plain_stores() {
    for model in eol_inject::sim::Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let mut session = attach(&board).unwrap();
        let mut core = session.core(0).unwrap();
        let _ = core.write_word_32(base.into(), 0);
        drop(core);
        let cells = board.lock().peek(base, 4).unwrap();
        assert_eq!(cells, [0xff; 4], "{}", model.name);
    }
}
