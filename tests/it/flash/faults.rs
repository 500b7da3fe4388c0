use std::collections::BTreeMap;

use eol_inject::sim::Fault;
use eol_inject::target::{Phase, Watch};

use crate::support::times;

use super::{Kind, LENGTH, Line, Product, cells, name, touched};

/// Runs a unit with a fault, then in good health: the same board, the same token, nothing lost.
fn faulty(product: &Product, fault: Fault) -> &'static str {
    let (line, board) = (Line::new(), product.carrying("GW1"));
    board.lock().inject(fault);
    let first = line.run(product, &board, "GW1");
    let written = {
        let statistics = board.lock().statistics();
        !statistics.erased_sectors.is_empty() || statistics.program_calls > 0
    };
    if let Err(error) = &first {
        assert!(touched(error) || !written, "{fault}: {error}");
    }
    let said = name(first);
    board.lock().heal();
    board.lock().power_cycle();
    let again = line.run(product, &board, "GW1");
    let again = again.unwrap_or_else(|error| panic!("{fault}, then {error}"));
    let n = line.assert_one("GW1");
    assert!(
        cells(product, &board, LENGTH) == product.unit("GW1", n),
        "{fault}"
    );
    // A pass is a pass: the fault came after the record.
    assert_eq!(again.already, said == "pass", "{fault} {said}");
    said
}

/// Transfers of a whole run in good health.
fn transfers(product: &Product) -> u64 {
    let (line, board) = (Line::new(), product.carrying("GW1"));
    board.lock().clear_statistics();
    line.run(product, &board, "GW1").unwrap();
    board.lock().statistics().swd_transfers
}

/// Cuts the link after every `stride` transfers; returns how often each error was seen.
fn sweep(
    product: &Product,
    (first, stride): (u64, usize),
    fault: fn(u64) -> Fault,
) -> BTreeMap<&'static str, usize> {
    let mut seen = BTreeMap::new();
    for after in (first..transfers(product)).step_by(stride) {
        *seen.entry(faulty(product, fault(after))).or_default() += 1;
    }
    seen
}

#[test]
fn an_unplugged_probe_is_told_wherever_it_happens() {
    let slot = Product::new("nRF52840_xxAA", Kind::Sealed, "mode = \"slot\"");
    let seen = sweep(&slot, (0, times(181, 700)), Fault::Unplug);
    assert!(
        seen.keys()
            .all(|name| matches!(*name, "probe-unplugged" | "pass")),
        "{seen:?}"
    );
    assert!(seen["probe-unplugged"] > times(20, 5), "{seen:?}");
    let full = Product::new("STM32F072RB", Kind::Sealed, "mode = \"full\"");
    let seen = sweep(&full, (0, times(4_001, 16_001)), Fault::Unplug);
    assert!(
        seen.keys()
            .all(|name| matches!(*name, "probe-unplugged" | "pass")),
        "{seen:?}"
    );
}

#[test]
fn a_target_that_stops_answering_is_told_wherever_it_happens() {
    // Earlier, while it attaches, the library tries again for five seconds.
    let slot = Product::new("STM32F072RB", Kind::Sealed, "mode = \"slot\"");
    let seen = sweep(&slot, (400, 181), Fault::NoAck);
    assert!(
        seen.keys()
            .all(|name| matches!(*name, "probe-no-target" | "pass")),
        "{seen:?}"
    );
    assert!(seen["probe-no-target"] > 10, "{seen:?}");
}

#[test]
#[ignore = "every transfer of a run: minutes; the result stands in docs/flashing.md"]
fn a_cut_link_at_every_transfer() {
    for (chip, first) in [("nRF52840_xxAA", 600), ("STM32F072RB", 400)] {
        let slot = Product::new(chip, Kind::Sealed, "mode = \"slot\"");
        println!("{chip}: {} transfers", transfers(&slot));
        let seen = sweep(&slot, (0, 1), Fault::Unplug);
        println!("{chip} unplug: {seen:?}");
        let seen = sweep(&slot, (first, 1), Fault::NoAck);
        println!("{chip} no-ack from {first}: {seen:?}");
    }
}

#[test]
fn each_fault_has_its_own_name() {
    let slot = Product::new("nRF52840_xxAA", Kind::Sealed, "mode = \"slot\"");
    let full = Product::new("STM32F072RB", Kind::Sealed, "mode = \"full\"");
    let l4 = Product::new("STM32L475VG", Kind::Sealed, "mode = \"slot\"");
    let at = |product: &Product| product.base() + super::TOKEN as u32;
    let stuck = |product: &Product| Fault::StuckBits {
        address: at(product) + 3,
        mask: 0xFF,
    };
    for (product, fault, wanted) in [
        (&slot, Fault::Unplug(3_000), "probe-unplugged"),
        (&slot, Fault::NoAck(3_000), "probe-no-target"),
        (&slot, Fault::Wait(3_000), "probe-waits"),
        (&slot, Fault::WaitEvery(7), "pass"),
        (&slot, Fault::NoChip, "probe-no-target"),
        (&full, stuck(&full), "probe-differs"),
        (&full, Fault::WriteProtected(at(&full)), "probe-erase"),
        (&l4, Fault::WriteProtected(at(&l4)), "probe-erase"),
        (&slot, Fault::HangingErase(1), "probe-hangs"),
        (&full, Fault::HangingErase(3), "probe-hangs"),
    ] {
        assert_eq!(
            faulty(product, fault),
            wanted,
            "{} {fault}",
            product.model.name
        );
    }
}

#[test]
fn a_stuck_bit_in_a_slot_is_seen_before_anything_is_written() {
    let slot = Product::new("nRF52840_xxAA", Kind::Sealed, "mode = \"slot\"");
    let address = super::TOKEN as u32 + 3;
    let (line, board) = (Line::new(), slot.carrying("GW1"));
    board.lock().inject(Fault::StuckBits {
        address,
        mask: 0xFF,
    });
    assert_eq!(name(line.run(&slot, &board, "GW1")), "probe-values");
    assert_eq!(line.free(), 8);
    let blank = Product::new("nRF52840_xxAA", Kind::Blank, "mode = \"slot\"");
    let board = blank.carrying("GW1");
    board.lock().inject(Fault::StuckBits {
        address,
        mask: 0x81,
    });
    assert_eq!(name(line.run(&blank, &board, "GW1")), "probe-differs");
}

/// Asks to stop when a phase begins.
struct StopAt(Phase, bool);

impl Watch for StopAt {
    fn begin(&mut self, phase: Phase, _: u64) {
        self.1 |= phase == self.0;
    }
    fn advance(&mut self, _: u64) {}
    fn stop(&self) -> bool {
        self.1
    }
}

#[test]
fn a_stopped_delivery_resumes() {
    for phase in [
        Phase::Identify,
        Phase::Erase,
        Phase::Program,
        Phase::ReadBack,
    ] {
        for mode in ["slot", "full"] {
            let product = Product::new("STM32F103RB", Kind::Sealed, &format!("mode = \"{mode}\""));
            let (line, board) = (Line::new(), product.carrying("GW1"));
            let mut watch = StopAt(phase, false);
            let error = line
                .watched(&product, &board, ("GW1", &mut watch))
                .unwrap_err();
            assert_eq!(error.name(), "probe-stopped", "{phase} {mode}");
            assert_eq!(touched(&error), phase != Phase::Identify, "{phase} {mode}");
            line.run(&product, &board, "GW1").unwrap();
            line.assert_one("GW1");
        }
    }
}
