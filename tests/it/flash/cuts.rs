use eol_inject::sim::{Fault, Model, PowerCut};
use eol_inject::target::Journal as _;

use super::{Kind, LENGTH, Line, Product, cells, name, touched};

const OWN: &[u8] = b"calibration of this board";

/// Runs a cut unit, gives the power back, and runs it again: the unit, and the bytes behind it.
fn cut_and_finish(chip: &str, (kind, mode): (Kind, &str), cut: PowerCut) {
    let product = Product::new(chip, kind, &format!("mode = \"{mode}\""));
    let line = Line::new();
    let board = product.carrying("GW1");
    let own = product.base() + LENGTH as u32 + 16;
    board.lock().preload(own, OWN).unwrap();
    let before = cells(&product, &board, product.sector().end);
    board.lock().inject(Fault::PowerCut(cut));
    let first = line.run(&product, &board, "GW1");
    if let Err(error) = &first {
        assert!(touched(error), "{chip} {mode} {cut:?}: {error}");
        assert_eq!(line.free(), 7);
        if mode == "slot" {
            assert!(!line.journal.is_empty(), "{chip} {cut:?}");
        }
    }
    board.lock().heal();
    board.lock().power_cycle();
    line.run(&product, &board, "GW1").unwrap();
    let n = line.assert_one("GW1");
    let mut wanted = product.unit("GW1", n);
    match mode {
        "slot" => wanted.extend_from_slice(&before[LENGTH..]),
        _ => wanted.resize(before.len(), 0xFF),
    }
    assert!(
        cells(&product, &board, wanted.len()) == wanted,
        "{chip} {mode} {cut:?}"
    );
    assert!(board.lock().is_booted());
}

#[test]
fn every_chip_finishes_after_a_cut_with_the_same_token_and_its_own_bytes() {
    for model in Model::all() {
        for mode in ["slot", "full"] {
            for cut in [
                PowerCut::DuringErase(1),
                PowerCut::AfterErase(1),
                PowerCut::DuringProgram(1),
                PowerCut::DuringProgram(33),
            ] {
                cut_and_finish(model.name, (Kind::Sealed, mode), cut);
            }
        }
    }
}

#[test]
fn a_cut_between_any_two_words_of_the_sector_loses_nothing() {
    for n in (1..256).step_by(13) {
        cut_and_finish(
            "nRF51822_xxAC",
            (Kind::Sealed, "slot"),
            PowerCut::DuringProgram(n),
        );
    }
}

#[test]
fn a_cut_while_a_blank_slot_is_programmed_is_repaired() {
    for chip in ["nRF52840_xxAA", "STM32F405RG"] {
        for n in [1, 3, 9, 20] {
            cut_and_finish(chip, (Kind::Blank, "slot"), PowerCut::DuringProgram(n));
        }
    }
}

#[test]
fn a_second_cut_while_the_first_is_repaired_loses_nothing_either() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    let own = product.base() + LENGTH as u32 + 16;
    board.lock().preload(own, OWN).unwrap();
    for cut in [
        PowerCut::AfterErase(1),
        PowerCut::DuringProgram(5),
        PowerCut::DuringErase(1),
        PowerCut::DuringProgram(900),
    ] {
        board.lock().inject(Fault::PowerCut(cut));
        assert_ne!(name(line.run(&product, &board, "GW1")), "pass", "{cut:?}");
        board.lock().heal();
        board.lock().power_cycle();
    }
    line.run(&product, &board, "GW1").unwrap();
    line.assert_one("GW1");
    assert_eq!(board.lock().peek(own, OWN.len()).unwrap(), OWN);
}

#[test]
fn a_torn_board_is_repaired_by_its_own_journal_only() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (mut line, board) = (Line::new(), product.carrying("GW1"));
    board
        .lock()
        .inject(Fault::PowerCut(PowerCut::AfterErase(1)));
    assert_ne!(name(line.run(&product, &board, "GW1")), "pass");
    board.lock().heal();
    // Another board, torn in the same way.
    let other = product.carrying("GW2");
    let sector = product.base() + product.sector().start as u32;
    other.lock().preload(sector, &[0xFF; 2048]).unwrap();
    assert_eq!(name(line.run(&product, &other, "GW2")), "probe-firmware");
    // Other firmware came onto the torn board meanwhile.
    board
        .lock()
        .preload(product.base() + 0x1000, b"other")
        .unwrap();
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-firmware");
    board
        .lock()
        .preload(
            product.base(),
            &product.master.image().container()[..0x2000],
        )
        .unwrap();
    // A journal that is damaged, or of another image.
    let uid = board.lock().uid().to_string();
    let kept = line.journal.kept(&uid).unwrap().unwrap();
    line.journal.keep(&uid, b"damaged").unwrap();
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-journal");
    let mut older = kept.to_vec();
    older[30] ^= 1;
    line.journal.keep(&uid, &older).unwrap();
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-other-image");
    line.journal.keep(&uid, &kept).unwrap();
    line.run(&product, &board, "GW1").unwrap();
    line.assert_one("GW1");
}

#[test]
fn settings_written_after_a_cut_that_came_before_the_erase_are_kept() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    let own = product.base() + LENGTH as u32 + 16;
    board.lock().inject(Fault::WriteProtected(own));
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-erase");
    board.lock().heal();
    // Its program ran, and wrote.
    board.lock().preload(own, OWN).unwrap();
    line.run(&product, &board, "GW1").unwrap();
    assert_eq!(board.lock().peek(own, OWN.len()).unwrap(), OWN);
}

#[test]
fn a_delivery_that_nobody_heard_of_is_confirmed_without_a_rewrite() {
    for (mode, chip) in [("full", "nRF52840_xxAA"), ("slot", "STM32L475VG")] {
        let product = Product::new(chip, Kind::Sealed, &format!("mode = \"{mode}\""));
        let (line, board) = (Line::new(), product.carrying("GW1"));
        line.silently(&product, &board, "GW1");
        board.lock().clear_statistics();
        let passed = line.run(&product, &board, "GW1").unwrap();
        assert!(!passed.already);
        assert!(board.lock().statistics().erased_sectors.is_empty());
        assert_eq!(passed.written.effort.erased_sectors, Some(0));
        line.assert_one("GW1");
    }
}
