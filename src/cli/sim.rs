//! `sim`: a simulated board for other probe-rs programs, over TCP on this computer only.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use clap::Args;
use eol_inject::sim::{Server, SharedBoard, Shelf, Spec};
use serde_json::json;

use super::error::CliError;
use super::interrupt::Interrupt;
use super::output::Output;

/// Which board, and where.
#[derive(Args)]
pub(crate) struct SimArgs {
    /// The board: sim:CHIP, with ,uid=..., ,fault=... and ,pace=real as wished
    #[arg(value_name = "sim:CHIP")]
    board: Spec,

    /// The folder that keeps boards between runs
    #[arg(long, value_name = "DIR")]
    shelf: PathBuf,

    /// The board's name: a unit's serial
    #[arg(long, value_name = "NAME", default_value = "board")]
    name: String,

    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

pub(crate) fn run(args: &SimArgs, output: &Output) -> Result<u8, CliError> {
    let Some(chip) = args.board.chip else {
        return Err(CliError::usage("name the chip: sim:CHIP"));
    };
    let held = Shelf::new(&args.shelf)
        .take(chip, &args.name)
        .map_err(|error| CliError::usage(error.to_string()))?;
    let board = held.board();
    args.board.equip(&mut board.lock());
    let interrupted = Interrupt::listen().flag();
    let file = Shelf::new(&args.shelf).path(&args.name);
    let keep = move |board: &SharedBoard| {
        // What cannot be kept now is kept, or told, at the end.
        let _ = board.lock().save(&file);
    };
    let server = Server::start(board.clone(), args.port, keep)
        .map_err(|error| CliError::usage(format!("port {}: {error}", args.port)))?;
    output.object(&json!({ "v": 1, "kind": "sim", "probe": server.selector() }));
    output.line(format_args!(
        "SIMULATED {} for other programs: --probe {}",
        chip.name,
        server.selector()
    ));
    while !interrupted.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(50));
    }
    let saved = held.save();
    saved.map_err(|error| CliError::usage(error.to_string()))?;
    Ok(0)
}
