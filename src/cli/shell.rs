//! `completions` and `man`: what a packager installs.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::Roff;

use super::error::CliError;
use super::help;

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// Folder that takes one page per command
    dir: PathBuf,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: clap::Command,
) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "eol-inject", &mut script);
    // A reader that closes early, such as `head`, is no failure.
    let _ = io::stdout().write_all(&script);
    Ok(0)
}

pub(crate) fn man(args: &ManArgs, mut command: clap::Command) -> Result<u8, CliError> {
    command.build();
    std::fs::create_dir_all(&args.dir)
        .and_then(|()| pages(&command, &args.dir))
        .map_err(|error| CliError::file("cannot write manual pages to", &args.dir, &error))?;
    for (name, text) in help::manual() {
        let file = args.dir.join(name);
        std::fs::write(&file, text)
            .map_err(|error| CliError::file("cannot write", &file, &error))?;
    }
    Ok(0)
}

/// Writes the page of a command, and those of all that it has.
fn pages(command: &clap::Command, folder: &Path) -> io::Result<()> {
    for sub in command.get_subcommands() {
        pages(sub, folder)?;
    }
    let page = Man::new(command.clone());
    let mut file = File::create(folder.join(page.get_filename()))?;
    page.render_title(&mut file)?;
    page.render_name_section(&mut file)?;
    page.render_synopsis_section(&mut file)?;
    page.render_description_section(&mut file)?;
    page.render_options_section(&mut file)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut file)?;
    }
    sections(command).to_writer(&mut file)?;
    file.flush()
}

/// Returns what stands under a help text: parts with a heading each, whose lines stay as they are.
fn sections(command: &clap::Command) -> Roff {
    let mut roff = Roff::new();
    let after = command.get_after_help().map(ToString::to_string);
    for part in after.unwrap_or_default().split("\n\n") {
        let (heading, lines) = part.split_once(":\n").unwrap_or(("Notes", part));
        roff.control("SH", [heading.to_uppercase().as_str()]);
        // A manual page indents by itself.
        let lines: Vec<_> = lines
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect();
        help::code(&mut roff, &lines.join("\n"));
    }
    roff
}
