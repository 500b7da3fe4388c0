use eol_inject::sim::Pace;
use std::time::Instant;

use super::{CRC, Kind, Line, Product, firmware};

/// An image of `length` bytes on an nRF52840, with slots that nothing covers.
fn product(length: usize, (kind, mode): (Kind, &str)) -> Product {
    let mut bytes = firmware(kind);
    let more = length - bytes.len();
    let repeated: Vec<u8> = bytes[0x100..0x9000].to_vec();
    bytes.extend(repeated.iter().cycle().take(more));
    let keys = format!("mode = \"{mode}\"");
    Product::with("nRF52840_xxAA", (Kind::Blank, &bytes), &keys)
}

/// The same with its checksum in a sector of its own.
fn two_sectors(length: usize, mode: &str) -> Product {
    let mut bytes = firmware(Kind::Sealed);
    bytes.resize(length, 0xA5);
    bytes[CRC..CRC + 4].fill(0);
    let end = length - 4;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    let keys = format!("mode = \"{mode}\"");
    Product::placed("nRF52840_xxAA", (Some(end), &bytes), &keys)
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
    let two = measure(&two_sectors(1 << 20, "slot"), Pace::Instant);
    println!("in two sectors: slot {two:?}");
    assert_eq!((full.1, slot.1, blank.1, two.1), (256, 1, 0, 2));
    assert!(two.0 * 60 <= full.0, "{two:?} {full:?}");
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
