//! `ledger`: looks into the record, and corrects it with a name and a reason.

use clap::builder::Styles;
use clap::{Args, Subcommand};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;

use super::error::CliError;
use super::output::Output;
use super::wrap::{COLUMNS, hung};

mod adopt;
mod audit;
pub(crate) mod backup;
mod confirm;
mod correct;
mod export;
mod handoff;
mod key;
mod list;
mod new;
mod outside;
pub(crate) mod part;
mod rework;
mod show;

/// What people come for, and the commands that do it.
pub(super) const GROUPS: [(&str, &[&str]); 4] = [
    ("Look", &["list", "show", "export", "audit"]),
    (
        "Correct",
        &["resolve", "rework", "release", "void", "adopt"],
    ),
    (
        "Hand out, take back",
        &["handoff", "confirm", "split", "return", "merge"],
    ),
    (
        "Keep safe",
        &["backup", "restore", "clear", "rebuild", "new", "key"],
    ),
];

/// Lists the commands in groups; the parser knows one list only.
pub(super) fn grouped(command: clap::Command) -> clap::Command {
    let header = *Styles::styled().get_header();
    let literal = *Styles::styled().get_literal();
    let mut groups = String::new();
    for (title, names) in GROUPS {
        groups.push_str(&format!("{header}{title}:{header:#}\n"));
        for name in names {
            let about = command
                .find_subcommand(name)
                .and_then(|sub| sub.get_about());
            let about = about.map(ToString::to_string).unwrap_or_default();
            let line = format!("  {literal}{name:<7}{literal:#}  {about}");
            groups.push_str(&hung(&line, COLUMNS, &" ".repeat(11)));
            groups.push('\n');
        }
        groups.push('\n');
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}\
         {header}Options:{header:#}\n{{options}}{{after-help}}"
    ))
}

#[derive(Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List units
    List(list::ListArgs),
    /// Show everything about one unit
    Show(show::ShowArgs),
    /// Settle a unit in doubt by reading its board, which must be on the fixture
    Resolve(super::board::ResolveArgs),
    /// Take in units that exist already, with the tokens that they have
    Adopt(adopt::AdoptArgs),
    /// Write a block of units for a stand-alone programmer: SEGGER Flasher, Elnec PG4UW
    Handoff(handoff::HandoffArgs),
    /// Make prepared units delivered by flash dumps, by a programmer's log or by a list
    Confirm(confirm::ConfirmArgs),
    /// Take back a claim that no delivery started for: its token is free again
    Release(correct::CorrectArgs),
    /// Burn a unit's token: it is never handed out again, and the serial is refused
    Void(correct::VoidArgs),
    /// Hand a share of tokens and serials to a station without network, in a file
    Split(part::SplitArgs),
    /// Close a part, at its station: it gives no token any more and goes back
    Return(part::ReturnArgs),
    /// Take a part back: its units, and the tokens that it did not use
    Merge(part::MergeArgs),
    /// Copy the ledger while it is in use, whole and at one moment
    Backup(backup::BackupArgs),
    /// Make the ledger from a backup; what that calls free or reserved is set aside
    Restore(backup::RestoreArgs),
    /// Begin a ledger where one was that nothing brings back; what that left is set aside
    New(new::NewArgs),
    /// Use tokens again that a restore or an unclosed part set aside
    Clear(backup::ClearArgs),
    /// Make a lost ledger from its mirror and its token lists
    Rebuild(backup::RebuildArgs),
    /// Make and show keys
    Key(key::KeyArgs),
    /// Work on a unit once more: deliver it again, swap its board, rehouse it, take it back
    Rework(rework::ReworkArgs),
    /// Write the record as CSV or JSON Lines, without secrets unless asked
    Export(export::ExportArgs),
    /// Replay the history against the record, and check every sum and uniqueness
    Audit(audit::AuditArgs),
}

impl LedgerArgs {
    /// Returns whether nothing is lost when it ends early.
    pub(crate) const fn only_looks(&self) -> bool {
        matches!(
            self.command,
            Command::Show(_) | Command::List(_) | Command::Audit(_)
        )
    }

    /// Returns whether units are claimed or settled.
    pub(crate) const fn makes_units(&self) -> bool {
        matches!(self.command, Command::Handoff(_) | Command::Resolve(_))
    }
}

pub(crate) fn run(args: LedgerArgs, output: &Output) -> Result<u8, CliError> {
    match args.command {
        Command::List(args) => list::run(&args, output),
        Command::Show(args) => show::run(&args, output),
        Command::Resolve(args) => super::board::resolve(&args, output),
        Command::Adopt(args) => adopt::run(&args, output),
        Command::Handoff(args) => handoff::run(&args, output),
        Command::Confirm(args) => confirm::run(&args, output),
        Command::Release(args) => correct::release(&args, output),
        Command::Void(args) => correct::void(&args, output),
        Command::Split(args) => part::split(&args, output),
        Command::Return(args) => part::give_back(&args, output),
        Command::Merge(args) => part::merge(&args, output),
        Command::Backup(args) => backup::backup(&args, output),
        Command::Restore(args) => backup::restore(&args, output),
        Command::Clear(args) => backup::clear(&args, output),
        Command::New(args) => new::run(&args, output),
        Command::Rebuild(args) => backup::rebuild(&args, output),
        Command::Key(args) => key::run(args, output),
        Command::Rework(args) => rework::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Audit(args) => audit::run(&args, output),
    }
}

/// Reads a serial as the recipe has it.
fn serial(recipe: &Recipe, text: &str) -> Result<Serial, CliError> {
    Ok(recipe.serial.read(text)?)
}
