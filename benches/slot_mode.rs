//! What a unit costs on a board in slot mode and in full mode: transfers on the wire, sectors erased.
//!
//! Counted on simulated boards behind probe-rs, where a transfer is a transfer. `-- paced` adds the
//! time that wire, probe and flash take. Fails where a figure is missed.
//!
//! ```text
//! cargo bench --bench slot_mode
//! cargo bench --bench slot_mode -- paced
//! ```

#![allow(missing_docs, clippy::print_stdout, clippy::indexing_slicing)]

#[path = "../tests/it/ledger/model/mod.rs"]
mod model;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use eol_inject::image::{Address, Format, Hint, Image};
use eol_inject::label::{LabelError, Labels};
use eol_inject::ledger::{Actor, Claim, Entry, Finished, Identity, Scope, Simulated, Target};
use eol_inject::line::{self, Ports};
use eol_inject::master::Master;
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::Recipe;
use eol_inject::sim::{Board, Model, Pace};
use eol_inject::target::{MemoryJournal, Probe, ProbeSetup, Unwatched};
use eol_inject::unit::{AuthToken, Serial};

/// Bytes of the image.
const LENGTH: usize = 1 << 20;
/// Where the token is, in the last sector.
const TOKEN: usize = LENGTH - 0x400;

/// Where the checksum of the image is, beside the token's sector.
#[derive(Clone, Copy)]
enum Layout {
    OneSector,
    TwoSectors,
    Uncovered,
}

/// What one unit took.
struct Cost {
    transfers: u64,
    erased: usize,
    micros: u128,
}

struct NoLabels;

impl Labels for NoLabels {
    fn put(&self, _: &Entry) -> Result<bool, LabelError> {
        Ok(false)
    }
}

/// Makes an image whose token lies in its last sector.
fn image(layout: Layout) -> (Vec<u8>, Option<usize>) {
    let mut state = 7u32;
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(LENGTH)
    .collect();
    // Initial stack pointer and reset vector.
    bytes[..8].copy_from_slice(&[0, 0x10, 0, 0x20, 0x01, 0x01, 0, 0]);
    let crc = match layout {
        Layout::OneSector => LENGTH - 4,
        Layout::TwoSectors => LENGTH / 2,
        Layout::Uncovered => {
            bytes[TOKEN..TOKEN + 64].fill(0xFF);
            return (bytes, None);
        }
    };
    bytes[TOKEN..TOKEN + 64].fill(0);
    bytes[TOKEN..TOKEN + 11].copy_from_slice(b"PLACEHOLDER");
    bytes[crc..crc + 4].fill(0);
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc);
    digest.update(&bytes[..crc]);
    digest.update(&bytes[crc + 4..]);
    let value = u32::try_from(digest.finalize()).unwrap_or_default();
    bytes[crc..crc + 4].copy_from_slice(&value.to_le_bytes());
    (bytes, Some(crc))
}

/// Takes one unit down the line, on a board that carries the shared firmware.
fn measure(layout: Layout, mode: &str, pace: Pace) -> Result<Cost, Box<dyn Error>> {
    let (bytes, crc) = image(layout);
    let checksum = crc.map_or_else(String::new, |crc| {
        format!(
            "[[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\n\
             over = [\"start..end\"]\nat = {{ address = {crc:#x} }}\n"
        )
    });
    let blank = match layout {
        Layout::Uncovered => "\"erased\"",
        _ => "{ text = \"PLACEHOLDER\" }",
    };
    let recipe = Recipe::parse(
        &format!(
            "product = \"BENCH\"\n[image]\nfile = \"bench.bin\"\nbase = 0\n\
             [[slot]]\nvalue = \"auth-token\"\naddress = {TOKEN:#x}\nsize = 64\npad = 0xFF\n\
             blank = {blank}\n{checksum}[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"sim\"\n\
             mode = \"{mode}\"\n"
        ),
        Path::new("."),
    )?;
    let hint = Hint {
        base: Some(Address::new(0)),
        format: Some(Format::Bin),
        ..Hint::default()
    };
    let master = Master::prove(Image::read(bytes.clone(), hint)?, &recipe)?;
    let model = Model::by_name("nRF52840_xxAA").ok_or("no such model")?;
    let board = Board::new(model, "BENCH").share();
    board.lock().preload(0, &bytes)?;
    board.lock().set_pace(pace);
    let scope = Scope {
        product: recipe.product.clone(),
        template: None,
    };
    let identity = Identity {
        station: "bench".to_owned(),
        simulated: Simulated::Yes,
    };
    let mut ledger = model::Memory::new().open(&scope, identity)?;
    let row = Row {
        token: AuthToken::parse(b"bench-token-of-32-characters-000")?,
        qr: None,
        picture: None,
        bound: None,
        columns: [].into(),
        claimed: false,
    };
    let pool = Pool {
        rows: vec![row],
        ..Pool::default()
    };
    let actor = Actor {
        station: "bench".to_owned(),
        by: None,
        reason: None,
    };
    ledger.import(&pool, &actor)?;
    let setup = ProbeSetup::of(&recipe, None).ok_or("no probe")?;
    let journal = Box::new(MemoryJournal::default());
    let mut probe = Probe::on_board(setup, board.clone(), journal);
    let claim = Claim {
        serial: "U1".parse::<Serial>()?,
        uid: None,
        seated: eol_inject::ledger::Seated::Unknown,
        image: master.digest(),
        recipe: recipe.digest,
        target: Target::Probe,
        finished: Finished::Written,
    };
    board.lock().clear_statistics();
    let since = Instant::now();
    line::run_unit(
        &master,
        claim,
        &mut Ports {
            ledger: &mut ledger,
            target: &mut probe,
            labels: &NoLabels,
            watch: &mut Unwatched,
        },
    )?;
    let micros = since.elapsed().as_micros();
    let statistics = board.lock().statistics();
    Ok(Cost {
        transfers: statistics.swd_transfers,
        erased: statistics.erased_sectors.len(),
        micros,
    })
}

fn main() -> ExitCode {
    let paced = std::env::args().any(|argument| argument == "paced");
    match figures(paced) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn figures(paced: bool) -> Result<bool, Box<dyn Error>> {
    // The chips' descriptions are read once, and that is not the unit's cost.
    measure(Layout::OneSector, "slot", Pace::Instant)?;
    let full = measure(Layout::OneSector, "full", Pace::Instant)?;
    let rows = [
        ("slot, one sector", Layout::OneSector, 100, 1),
        ("slot, two sectors", Layout::TwoSectors, 60, 2),
        ("slot, blank, uncovered", Layout::Uncovered, 100, 0),
    ];
    println!("1 MiB on nRF52840_xxAA       transfers  of full  sectors        ms");
    row("full", &full, None);
    let mut right = true;
    for (name, layout, ratio, sectors) in rows {
        let slot = measure(layout, "slot", Pace::Instant)?;
        row(name, &slot, Some(&full));
        right &= slot.transfers * ratio <= full.transfers && slot.erased == sectors;
    }
    // The figure is for full mode of 1 MiB, on the model without any waiting.
    right &= full.micros < 500_000;
    if paced {
        for mode in ["slot", "full"] {
            let cost = measure(Layout::OneSector, mode, Pace::Real)?;
            row(&format!("{mode}, paced at 4 MHz"), &cost, None);
        }
    }
    Ok(right)
}

fn row(name: &str, cost: &Cost, full: Option<&Cost>) {
    let ratio = full.map_or_else(String::new, |full| {
        format!("1/{}", full.transfers / cost.transfers.max(1))
    });
    println!(
        "{name:<26} {:>11}  {:>7}  {:>7}  {:>8}",
        cost.transfers,
        ratio,
        cost.erased,
        cost.micros / 1000
    );
}
