use eol_inject::ledger::Simulated;
use eol_inject::sim::Model;

use super::{Kind, LENGTH, Line, Product, cells};

#[test]
fn every_chip_passes_the_line_in_full_mode() {
    for model in Model::all() {
        let product = Product::new(model.name, Kind::Sealed, "mode = \"full\"");
        let (line, board) = (Line::new(), product.erased("GW1"));
        let passed = line.run(&product, &board, "GW1").unwrap();
        let n = line.assert_one("GW1");
        assert_eq!(cells(&product, &board, LENGTH), product.unit("GW1", n));
        assert!(board.lock().is_booted(), "{}", model.name);
        let statistics = board.lock().statistics();
        let erased = statistics.erased_sectors.len() as u64;
        assert_eq!(passed.written.effort.erased_sectors, Some(erased));
        assert_eq!(statistics.mass_erases, 0);
        assert!(!passed.already);
        let record = passed.entry.record();
        let uid = board.lock().uid().to_string();
        assert!(uid.starts_with(record.uid.as_deref().unwrap()));
        let stock = line.open().stock().unwrap();
        assert_eq!(stock.simulated, Some(Simulated::Yes));
    }
}

#[test]
fn every_chip_passes_the_line_in_slot_mode_and_only_its_sector_is_erased() {
    for model in Model::all() {
        let product = Product::new(model.name, Kind::Sealed, "mode = \"slot\"");
        let (line, board) = (Line::new(), product.carrying("GW1"));
        let passed = line.run(&product, &board, "GW1").unwrap();
        let n = line.assert_one("GW1");
        assert_eq!(cells(&product, &board, LENGTH), product.unit("GW1", n));
        assert!(board.lock().is_booted(), "{}", model.name);
        let sector = product.base() + product.sector().start as u32;
        assert_eq!(board.lock().statistics().erased_sectors, [sector]);
        assert_eq!(passed.written.effort.erased_sectors, Some(1));
        let size = product.sector().len() as u64;
        assert_eq!(passed.written.effort.programmed_bytes, Some(size));
    }
}

#[test]
fn a_blank_slot_that_nothing_covers_is_programmed_without_an_erase_where_the_flash_can() {
    for model in Model::all() {
        let product = Product::new(model.name, Kind::Blank, "mode = \"slot\"");
        let (line, board) = (Line::new(), product.carrying("GW1"));
        line.run(&product, &board, "GW1").unwrap();
        let n = line.assert_one("GW1");
        assert_eq!(cells(&product, &board, LENGTH), product.unit("GW1", n));
        let erased = board.lock().statistics().erased_sectors.len();
        let can = matches!(model.name, "nRF52840_xxAA" | "STM32F405RG");
        assert_eq!(erased, usize::from(!can), "{}", model.name);
    }
}

#[test]
fn a_finished_unit_is_verified_and_nothing_is_erased() {
    for mode in ["full", "slot"] {
        let product = Product::new("STM32F072RB", Kind::Sealed, &format!("mode = \"{mode}\""));
        let (line, board) = (Line::new(), product.carrying("GW1"));
        let first = line.run(&product, &board, "GW1").unwrap();
        board.lock().clear_statistics();
        // A program that keeps settings beside its code does not make it another unit.
        board
            .lock()
            .preload(product.base() + LENGTH as u32 + 8, b"settings")
            .unwrap();
        let again = line.run(&product, &board, "gw1").unwrap();
        assert!(again.already);
        assert!(board.lock().statistics().erased_sectors.is_empty());
        assert_eq!(
            again.entry.record().fingerprint,
            first.entry.record().fingerprint
        );
        board
            .lock()
            .preload(product.base() + 0x9D00, b"damage")
            .unwrap();
        let spoilt = line.run(&product, &board, "GW1").unwrap_err();
        let wanted = if mode == "full" {
            "probe-differs"
        } else {
            "probe-firmware"
        };
        assert_eq!(spoilt.name(), wanted);
        assert!(board.lock().statistics().erased_sectors.is_empty());
        line.assert_one("GW1");
    }
}

#[test]
fn a_board_is_attached_to_under_reset_and_at_the_recipe_s_speed() {
    for model in Model::all() {
        let keys = "mode = \"slot\"\nconnect = \"under-reset\"\nspeed = 1000";
        let product = Product::new(model.name, Kind::Sealed, keys);
        let (line, board) = (Line::new(), product.carrying("GW1"));
        line.run(&product, &board, "GW1").unwrap();
        line.assert_one("GW1");
    }
}

#[test]
fn in_full_mode_what_was_there_before_does_not_matter() {
    let product = Product::new("nRF52840_xxAA", Kind::Sealed, "mode = \"full\"");
    let (line, board) = (Line::new(), product.erased("GW1"));
    board.lock().preload(0, &[0x5A; 0x2_0000]).unwrap();
    line.run(&product, &board, "GW1").unwrap();
    let n = line.assert_one("GW1");
    let wanted = [
        product.unit("GW1", n),
        vec![0xFF; 0xA000 - LENGTH],
        vec![0x5A; 64],
    ]
    .concat();
    assert_eq!(cells(&product, &board, wanted.len()), wanted);
}
