use eol_inject::image::{Hint, Image};
use eol_inject::master::Master;
use eol_inject::recipe::Recipe;
use eol_inject::sim::{Fault, Model, Uid};
use eol_inject::target::{Phase, Target as _, Watch};

use super::{CRC, Kind, LENGTH, Line, Product, SERIAL, TOKEN, cells, name};

/// Changes one byte of a board with the shared firmware, and runs it.
fn one_byte_off(product: &Product, at: usize) -> &'static str {
    let (line, board) = (Line::new(), product.carrying("GW1"));
    let byte = cells(product, &board, LENGTH)[at] ^ 0x10;
    let address = product.base() + at as u32;
    board.lock().preload(address, &[byte]).unwrap();
    let before = cells(product, &board, LENGTH);
    let said = name(line.run(product, &board, "GW1"));
    if said != "pass" {
        assert!(board.lock().statistics().erased_sectors.is_empty());
        assert_eq!(board.lock().statistics().program_calls, 0);
        assert_eq!(cells(product, &board, LENGTH), before);
        assert_eq!(line.free(), 8, "a refused board costs no token");
    }
    said
}

#[test]
fn slot_mode_refuses_other_firmware_before_the_erase() {
    for chip in ["nRF52840_xxAA", "STM32F072RB", "STM32F405RG"] {
        let product = Product::new(chip, Kind::Sealed, "mode = \"slot\"");
        let sector = product.sector();
        let end = sector.end.min(LENGTH);
        for at in (sector.start..end)
            .step_by(83)
            .chain([sector.start, end - 1])
        {
            let said = one_byte_off(&product, at);
            let value = (TOKEN..TOKEN + 64).contains(&at)
                || (SERIAL..SERIAL + 24).contains(&at)
                || (CRC..CRC + 4).contains(&at);
            let wanted = if value {
                "probe-values"
            } else {
                "probe-firmware"
            };
            assert_eq!(said, wanted, "{chip} {at:#x}");
        }
        // Outside of the sectors that it reads, the default check sees nothing.
        assert_eq!(one_byte_off(&product, 0x1000), "pass");
    }
}

#[test]
fn a_full_precheck_reads_everything_that_the_image_stores() {
    let keys = "mode = \"slot\"\nprecheck = \"full\"";
    let product = Product::new("nRF51822_xxAC", Kind::Sealed, keys);
    for at in (0..LENGTH).step_by(1777).chain([0, LENGTH - 1]) {
        assert_ne!(one_byte_off(&product, at), "pass", "{at:#x}");
    }
    let (line, board) = (Line::new(), product.carrying("GW1"));
    line.run(&product, &board, "GW1").unwrap();
}

#[test]
fn slot_mode_refuses_an_erased_board() {
    let product = Product::new("nRF52840_xxAA", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.erased("GW1"));
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-firmware");
    assert_eq!(line.free(), 8);
}

#[test]
fn every_wrong_chip_is_told_apart_and_left_alone() {
    for wanted in Model::all() {
        let product = Product::new(wanted.name, Kind::Sealed, "");
        for found in Model::all().iter().filter(|found| *found != wanted) {
            let (line, board) = (Line::new(), product.erased("GW1"));
            board.lock().inject(Fault::WrongChip(found));
            let error = line.run(&product, &board, "GW1").unwrap_err();
            let text = error.to_string();
            assert_eq!(
                error.name(),
                "probe-wrong-chip",
                "{} {}",
                wanted.name,
                found.name
            );
            assert!(text.contains(wanted.name), "{text}");
            assert!(board.lock().statistics().erased_sectors.is_empty());
            assert_eq!(board.lock().statistics().mass_erases, 0);
            assert_eq!(line.free(), 8);
        }
    }
}

#[test]
fn a_locked_chip_stays_locked() {
    for model in Model::all() {
        let product = Product::new(model.name, Kind::Sealed, "");
        let (line, board) = (Line::new(), product.carrying("GW1"));
        board.lock().inject(Fault::Locked);
        let said = name(line.run(&product, &board, "GW1"));
        let wanted = match model.name {
            "nRF52840_xxAA" => "probe-locked",
            _ => "probe-protected",
        };
        assert_eq!(said, wanted, "{}", model.name);
        assert!(board.lock().is_locked());
        assert_eq!(line.free(), 8);
        board.lock().heal();
        board.lock().power_cycle();
        line.run(&product, &board, "GW1").unwrap();
        line.assert_one("GW1");
    }
}

#[test]
fn a_claim_does_not_move_to_another_board() {
    let product = Product::new("STM32F103RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    line.run(&product, &board, "GW1").unwrap();
    let other = product.carrying("another board");
    assert_eq!(name(line.run(&product, &other, "GW1")), "unit-other-board");
    assert!(other.lock().statistics().erased_sectors.is_empty());
    board.lock().clear_statistics();
    // The same board under another serial: its token says whose it is.
    assert_eq!(name(line.run(&product, &board, "GW2")), "unit-board-made");
    // And without a token, its number does.
    let blank = product.carrying("GW1");
    assert_eq!(name(line.run(&product, &blank, "GW2")), "unit-board-taken");
    assert!(board.lock().statistics().erased_sectors.is_empty());
    line.assert_one("GW1");
}

#[test]
fn a_board_with_another_unit_s_token_is_refused_before_it_costs_one() {
    for mode in ["full", "slot"] {
        let product = Product::new("STM32F072RB", Kind::Sealed, &format!("mode = \"{mode}\""));
        let (line, board) = (Line::new(), product.carrying("GW1"));
        line.run(&product, &board, "GW1").unwrap();
        let n = line.assert_one("GW1");
        // Somebody cloned the flash.
        let clone = product.erased("clone");
        clone
            .lock()
            .preload(product.base(), &product.unit("GW1", n))
            .unwrap();
        let error = line.run(&product, &clone, "GW2").unwrap_err();
        assert_eq!(error.name(), "unit-other-token");
        assert!(
            error
                .to_string()
                .contains("belongs to GW1 on another board"),
            "{error}"
        );
        // A token that nobody has on record: from another ledger.
        let stranger = product.erased("stranger");
        stranger
            .lock()
            .preload(product.base(), &product.unit("GW3", 99))
            .unwrap();
        let error = line.run(&product, &stranger, "GW3").unwrap_err();
        assert!(error.to_string().contains("gave to no unit"), "{error}");
        assert!(stranger.lock().statistics().erased_sectors.is_empty());
        line.assert_one("GW1");
    }
}

#[test]
fn the_board_of_a_void_unit_becomes_another_one() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    line.run(&product, &board, "GW1").unwrap();
    let mut by = super::actor();
    by.reason = Some("scrapped".to_owned());
    line.open().void(&"GW1".parse().unwrap(), &by).unwrap();
    let passed = line.run(&product, &board, "GW2").unwrap();
    let fingerprint = passed.entry.record().fingerprint;
    let n = (0..8)
        .find(|n| super::token(*n).fingerprint() == fingerprint)
        .unwrap();
    assert_eq!(cells(&product, &board, LENGTH), product.unit("GW2", n));
}

/// Runs the same serial on another board while a delivery is under way.
struct Meanwhile<'l> {
    line: &'l Line,
    product: &'l Product,
    said: Option<&'static str>,
}

impl Watch for Meanwhile<'_> {
    fn begin(&mut self, phase: Phase, _: u64) {
        if phase == Phase::Program {
            let other = self.product.carrying("GW1");
            self.said = Some(name(self.line.run(self.product, &other, "GW1")));
            assert!(other.lock().statistics().erased_sectors.is_empty());
        }
    }
    fn advance(&mut self, _: u64) {}
    fn stop(&self) -> bool {
        false
    }
}

#[test]
fn of_two_runs_on_one_serial_one_is_refused() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    let mut watch = Meanwhile {
        line: &line,
        product: &product,
        said: None,
    };
    line.watched(&product, &board, ("GW1", &mut watch)).unwrap();
    assert_eq!(watch.said, Some("unit-in-work"));
    line.assert_one("GW1");
}

/// Records of Intel HEX: extended address, data.
fn hex(parts: &[(u32, &[u8])]) -> String {
    let record = |bytes: Vec<u8>| {
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!(":{digits}{:02X}\n", sum.wrapping_neg())
    };
    let mut text = String::new();
    for (at, data) in parts {
        let upper = (at >> 16).to_be_bytes();
        text += &record(vec![2, 0, 0, 4, upper[2], upper[3]]);
        for (index, line) in data.chunks(16).enumerate() {
            let low = (at & 0xFFFF) + 16 * index as u32;
            let mut bytes = vec![line.len() as u8, (low >> 8) as u8, low as u8, 0];
            bytes.extend(line);
            text += &record(bytes);
        }
    }
    text + ":00000001FF\n"
}

fn with_more(more: (u32, &[u8]), flash: &str) -> Product {
    let code = vec![0xA5; 0x1000];
    let text = hex(&[(0, &code), (0x1000, &[0xFF; 64]), more]);
    let recipe = format!(
        "product = \"GW-100\"\n[image]\nfile = \"gw100.hex\"\n\
         [[slot]]\nvalue = \"auth-token\"\naddress = 0x1000\nsize = 64\n\
         [flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"sim\"\n{flash}\n"
    );
    let recipe = Recipe::parse(&recipe, std::path::Path::new(".")).unwrap();
    let image = Image::read(text.into_bytes(), Hint::default()).unwrap();
    let master = Master::prove(image, &recipe).unwrap();
    Product {
        model: Model::by_name("nRF52840_xxAA").unwrap(),
        recipe,
        master,
    }
}

#[test]
fn uicr_is_written_only_where_the_recipe_says_so() {
    let uicr = (0x1000_1080, &[1u8, 2, 3, 4][..]);
    let product = with_more(uicr, "");
    let (line, board) = (Line::new(), product.erased("GW1"));
    let error = line.run(&product, &board, "GW1").unwrap_err();
    assert_eq!(error.name(), "probe-reserved");
    assert_eq!(
        error.to_string(),
        "the image stores 0x10001080..0x10001084 in the UICR, which is written only where the \
         recipe says so"
    );
    assert_eq!(line.free(), 8);
    let product = with_more(uicr, "also = [\"0x10001000..0x10002000\"]");
    line.run(&product, &board, "GW1").unwrap();
    assert_eq!(board.lock().peek(0x1000_1080, 4).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn what_the_recipe_skips_stays_off_the_board() {
    let more = (0x1000_1080, &[1u8, 2, 3, 4][..]);
    let product = with_more(more, "skip = [\"0x10001080..0x10001084\"]");
    let (line, board) = (Line::new(), product.erased("GW1"));
    line.run(&product, &board, "GW1").unwrap();
    assert_eq!(board.lock().peek(0x1000_1080, 4).unwrap(), [0xFF; 4]);
    // Done already, whatever is there.
    assert!(line.run(&product, &board, "GW1").unwrap().already);
}

#[test]
fn a_slot_is_never_skipped() {
    let product = Product::new("nRF52840_xxAA", Kind::Sealed, "skip = [\"0x9000..0xA000\"]");
    let (line, board) = (Line::new(), product.erased("GW1"));
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-skipped");
    assert_eq!(line.free(), 8);
    // Nor half a sector, which the erase would take along.
    let product = Product::new("nRF52840_xxAA", Kind::Sealed, "skip = [\"0x800..0x900\"]");
    assert_eq!(
        name(line.run(&product, &board, "GW1")),
        "probe-skipped-in-part"
    );
}

#[test]
fn what_is_no_flash_is_refused() {
    for at in [0x0010_0000, 0x2000_0000] {
        let product = with_more((at, &[1, 2, 3, 4]), "");
        let (line, board) = (Line::new(), product.erased("GW1"));
        assert_eq!(name(line.run(&product, &board, "GW1")), "probe-no-flash");
        assert_eq!(line.free(), 8);
    }
}

#[test]
fn simulated_boards_never_get_into_a_real_ledger() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "");
    let line = Line::new();
    let real = eol_inject::ledger::Identity {
        simulated: eol_inject::ledger::Simulated::No,
        ..super::identity("L1")
    };
    let board = product.erased("GW1");
    line.run(&product, &board, "GW1").unwrap();
    assert_eq!(
        line.ledger.open(&super::scope(), real).unwrap_err().name(),
        "ledger-simulated-mixed"
    );
    let seen = line
        .probe(&product, &board)
        .identify(&product.master, &mut super::Quiet)
        .unwrap();
    assert!(seen.is_some_and(|seen| seen.simulated && seen.compared));
}

#[test]
fn a_chip_that_nobody_knows_is_the_recipe_s_fault() {
    let product = Product::new("STM32F072RB", Kind::Sealed, "");
    let text = "product = \"GW-100\"\n[image]\nfile = \"x.bin\"\n[[slot]]\nvalue = \"auth-token\"\n\
                address = 0\n[flash]\nchip = \"STM32F072XYZ\"\nprobe = \"sim\"\n";
    let recipe = Recipe::parse(text, std::path::Path::new(".")).unwrap();
    let odd = Product { recipe, ..product };
    let (line, board) = (Line::new(), odd.erased("GW1"));
    assert_eq!(name(line.run(&odd, &board, "GW1")), "probe-chip");
}

#[test]
fn a_board_of_the_same_number_is_the_same_board() {
    // A claim whose run ended before anything was written is resumed on its board only.
    let product = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let (line, board) = (Line::new(), product.carrying("GW1"));
    board
        .lock()
        .inject(Fault::WriteProtected(product.base() + TOKEN as u32));
    assert_eq!(name(line.run(&product, &board, "GW1")), "probe-erase");
    let other = product.carrying("GW1");
    other.lock().set_uid(Uid::new([1, 2, 3]));
    assert_eq!(name(line.run(&product, &other, "GW1")), "unit-other-board");
    board.lock().heal();
    line.run(&product, &board, "GW1").unwrap();
    line.assert_one("GW1");
}

#[test]
fn what_each_unit_writes_is_known_before_a_board_is_there() {
    use eol_inject::target::ProbeSetup;
    let footprint = |product: &Product| {
        let setup = ProbeSetup::of(&product.recipe, None).unwrap();
        setup.footprint(&product.master)
    };
    for model in Model::all() {
        let full = footprint(&Product::new(model.name, Kind::Sealed, "")).unwrap();
        let slot = Product::new(model.name, Kind::Sealed, "mode = \"slot\"");
        let told = footprint(&slot).unwrap();
        assert_eq!(told.sectors, 1, "{}", model.name);
        assert!(full.sectors >= told.sectors && full.bytes >= LENGTH as u64);
        // The run touches just these.
        let (line, board) = (Line::new(), slot.carrying("GW1"));
        line.run(&slot, &board, "GW1").unwrap();
        assert_eq!(board.lock().statistics().erased_sectors.len(), told.sectors);
    }
    // An image where the chip has no flash, and a chip that nobody knows.
    for (chip, name) in [
        ("nRF52840_xxAA", "probe-no-flash"),
        ("nRF52841", "probe-chip"),
    ] {
        let mut product = Product::new("STM32F072RB", Kind::Sealed, "");
        product.recipe.flash.as_mut().unwrap().chip = chip.to_owned();
        let error = footprint(&product).unwrap_err();
        assert_eq!(error.name(), name, "{error}");
    }
}
