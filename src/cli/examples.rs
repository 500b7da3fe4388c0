//! Command lines that work, for every help text and manual page.
//!
//! They are written for a folder with the recipe, its image `gw100.elf` and its token list
//! `blynk-export.zip`.

use clap::Command;
use clap::builder::{StyledStr, Styles};

/// The words of each command in brackets, with the lines that people begin with.
const EXAMPLES: &str = include_str!("examples.txt");

/// Returns the words of each command with its lines.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = EXAMPLES.trim_end().split("\n\n");
    parts.filter_map(|part| part.strip_prefix('[')?.split_once("]\n"))
}

/// Puts its examples under a command and under all that it has.
pub(super) fn illustrated(command: Command, words: &str) -> Command {
    let command = command.mut_subcommands(|sub| {
        let words = format!("{words} {}", sub.get_name());
        illustrated(sub, words.trim_start())
    });
    let Some((_, lines)) = all().find(|(of, _)| *of == words) else {
        return command;
    };
    let header = *Styles::styled().get_header();
    let lines = lines.replace('\n', "\n  ");
    let rest = command
        .get_after_help()
        .map(|rest| format!("\n\n{}", rest.ansi()));
    let rest = rest.unwrap_or_default();
    command.after_help(StyledStr::from(format!(
        "{header}Examples:{header:#}\n  {lines}{rest}"
    )))
}
