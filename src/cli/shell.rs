//! `completions` and `man`: what a packager installs.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use super::error::CliError;

/// For which shell.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Where to.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// Folder that takes one page per command
    dir: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "eol-inject", &mut script);
    // A reader that closes early, such as `head`, is no failure.
    let _ = io::stdout().write_all(&script);
    Ok(0)
}

pub(crate) fn man(args: &ManArgs) -> Result<u8, CliError> {
    std::fs::create_dir_all(&args.dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &args.dir))
        .map_err(|error| CliError::file("cannot write manual pages to", &args.dir, &error))?;
    Ok(0)
}
