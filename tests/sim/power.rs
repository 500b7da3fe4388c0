//! What a power cut leaves behind.

use eol_inject::sim::{Board, Fault, Model, PowerCut, SharedBoard};

use crate::rig::{Rest, attach, board, image, write};

/// A board with firmware whose second run is cut, and what the cells then hold.
fn cut(chip: &str, cut: PowerCut) -> (SharedBoard, Vec<u8>, Vec<u8>) {
    let board = board(chip);
    let base = board.lock().model().flash_range().start;
    let old = image(0x8000, 1);
    board.lock().preload(base, &old).unwrap();
    let mut session = attach(&board).unwrap();
    board.lock().inject(Fault::PowerCut(cut));
    let new = image(0x8000, 2);
    assert!(write(&mut session, base, &new, Rest::Lost).is_err());
    drop(session);
    assert!(!board.lock().is_powered());
    let cells = board.lock().peek(base, 0x8000).unwrap();
    (board, old, cells)
}

#[test]
fn a_cut_after_an_erase_leaves_that_sector_blank_and_the_next_one_old() {
    let (_, old, cells) = cut("nRF52840_xxAA", PowerCut::AfterErase(2));
    assert!(cells[..0x2000].iter().all(|byte| *byte == 0xff));
    assert!(cells[0x2000..] == old[0x2000..]);
}

#[test]
fn a_cut_during_an_erase_leaves_anything_in_that_sector_only() {
    let (_, old, cells) = cut("STM32F072RB", PowerCut::DuringErase(3));
    assert!(cells[..0x1000].iter().all(|byte| *byte == 0xff));
    let torn = &cells[0x1000..0x1800];
    assert!(torn != &old[0x1000..0x1800]);
    assert!(torn.iter().any(|byte| *byte != 0xff));
    assert!(cells[0x1800..] == old[0x1800..]);
}

#[test]
fn a_cut_during_programming_leaves_one_unit_between_erased_and_wanted() {
    let new = image(0x8000, 2);
    for (chip, unit) in [
        ("nRF52840_xxAA", 4),
        ("STM32F103RB", 2),
        ("STM32F405RG", 4),
        ("STM32L475VG", 8),
    ] {
        let (_, _, cells) = cut(chip, PowerCut::DuringProgram(101));
        let at = 100 * unit;
        assert!(cells[..at] == new[..at], "{chip}");
        let pairs = cells[at..at + unit].iter().zip(&new[at..at + unit]);
        assert!(
            pairs.clone().all(|(cell, wanted)| cell & wanted == *wanted),
            "{chip} cleared a bit that should stay"
        );
        assert!(cells[at + unit..0x800].iter().all(|byte| *byte == 0xff));
    }
}

#[test]
fn the_same_board_and_cut_always_end_the_same_way() {
    let (_, _, once) = cut("nRF52840_xxAA", PowerCut::DuringErase(1));
    let (_, _, again) = cut("nRF52840_xxAA", PowerCut::DuringErase(1));
    assert!(once == again);
}

#[test]
fn every_chip_recovers_from_every_kind_of_cut() {
    for model in Model::all() {
        for kind in [
            PowerCut::DuringErase(1),
            PowerCut::AfterErase(1),
            PowerCut::DuringProgram(1),
            PowerCut::DuringProgram(40),
        ] {
            let (board, _, _) = cut(model.name, kind);
            board.lock().power_cycle();
            let base = model.flash_range().start;
            let mut session = attach(&board).unwrap();
            let firmware = image(0x8000, 3);
            write(&mut session, base, &firmware, Rest::Lost).unwrap();
            let cells = board.lock().peek(base, 0x8000).unwrap();
            assert!(cells == firmware, "{} {kind:?}", model.name);
        }
    }
}

#[test]
fn a_torn_double_word_of_an_l4_shows_an_ecc_error_until_it_is_erased() {
    use probe_rs::MemoryInterface;
    const ECCR: u64 = 0x4002_2018;
    let (board, _, _) = cut("STM32L475VG", PowerCut::DuringProgram(101));
    board.lock().power_cycle();
    let mut session = attach(&board).unwrap();
    let mut core = session.core(0).unwrap();
    core.read_word_32(0x0800_0000 + 99 * 8).unwrap();
    assert_eq!(core.read_word_32(ECCR).unwrap(), 0);
    core.read_word_32(0x0800_0000 + 100 * 8).unwrap();
    assert_eq!(core.read_word_32(ECCR).unwrap(), (1 << 31) | (100 * 8));
    core.write_word_32(ECCR, 1 << 31).unwrap();
    assert_eq!(core.read_word_32(ECCR).unwrap(), 0);
    drop(core);
    write(&mut session, 0x0800_0000, &[0; 0x800], Rest::Lost).unwrap();
    let mut core = session.core(0).unwrap();
    core.read_word_32(0x0800_0000 + 100 * 8).unwrap();
    assert_eq!(core.read_word_32(ECCR).unwrap(), 0);
}

#[test]
fn a_board_without_power_does_not_answer_until_it_is_back() {
    let mut board = Board::new(crate::rig::model("STM32F072RB"), "UNIT-1");
    board.power_off();
    assert!(!board.is_powered());
    let board = board.share();
    assert!(attach(&board).is_err());
    board.lock().heal();
    attach(&board).unwrap();
}
