use eol_inject::sim::Pace;
use std::time::Instant;

use super::{Kind, Line, Product, firmware};

/// An image of `length` bytes; slots and checksum where they are, or the checksum at its end.
fn product(length: usize, (kind, mode): (Kind, &str)) -> Product {
    let mut bytes = firmware(kind);
    let tail: Vec<u8> = bytes[0x100..0x9000]
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect();
    bytes.extend_from_slice(&tail[bytes.len()..]);
    // The checksum stays where the recipe says, over what the recipe says: nothing behind counts.
    let keys = format!("mode = \"{mode}\"");
    Product::with("nRF52840_xxAA", (Kind::Blank, &bytes), &keys)
}

/// Transfers, erased sectors and milliseconds of one unit.
fn measure(product: &Product, pace: Pace) -> (u64, usize, u128) {
    let (line, board) = (Line::new(), product.carrying("GW1"));
    board.lock().set_pace(pace);
    board.lock().clear_statistics();
    let since = Instant::now();
    line.run(product, &board, "GW1").unwrap();
    let statistics = board.lock().statistics();
    let erased = statistics.erased_sectors.len();
    (
        statistics.swd_transfers,
        erased,
        since.elapsed().as_millis(),
    )
}

#[test]
fn slot_mode_takes_a_hundredth_of_the_transfers() {
    let full = measure(&product(1 << 20, (Kind::Sealed, "full")), Pace::Instant);
    let slot = measure(&product(1 << 20, (Kind::Sealed, "slot")), Pace::Instant);
    let blank = measure(&product(1 << 20, (Kind::Blank, "slot")), Pace::Instant);
    println!("1 MiB on nRF52840: full {full:?}, slot {slot:?}, blank slot {blank:?}");
    assert_eq!((full.1, slot.1, blank.1), (256, 1, 0));
    assert!(slot.0 * 100 <= full.0, "{slot:?} {full:?}");
    assert!(blank.0 < slot.0);
}

#[test]
#[ignore = "takes the time that flash and wire take"]
fn paced_figures() {
    for mode in ["slot", "full"] {
        let paced = measure(&product(1 << 20, (Kind::Sealed, mode)), Pace::Real);
        println!("1 MiB on nRF52840, 4 MHz, {mode}: {paced:?}");
    }
}
