//! `ledger key`: keys of ledgers on a server, made when somebody asks for one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use eol_inject::ledger::make_key_file;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::output::Output;

/// What to do with keys.
#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key for a new ledger on a server; one in a file makes its own
    New(NewArgs),
}

#[derive(Args)]
struct NewArgs {
    /// The file to make; it must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(args: &KeyArgs, output: &Output) -> Result<u8, CliError> {
    let Command::New(args) = &args.command;
    let id = make_key_file(&args.output)?;
    let file = args.output.display();
    output.object(&json!({ "v": 1, "kind": "key", "id": id, "file": file.to_string() }));
    output.line(format_args!(
        "key {id} is in {file}, readable by its owner only"
    ));
    output.note(
        "whoever has it can read the ledger's tokens; without it nobody can: keep a copy elsewhere",
    );
    Ok(0)
}
