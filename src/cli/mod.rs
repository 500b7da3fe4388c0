//! The command line: one file per subcommand, effects and words for people.
//!
//! The library knows nothing of this module.

mod args;
mod batch;
mod board;
mod check;
mod console;

mod cure;
mod error;
mod examples;
pub(crate) mod exit;
mod exported;
mod file;
mod firmware;
mod form;
mod gate;
mod guard;
mod help;
mod holds;
mod inject;
mod inspect;
mod interrupt;
mod label;
mod labels;
mod ledger;
mod ledger_key;
mod map;
mod memory;
mod neighbours;
mod next;
mod open_ledger;
mod output;
mod parser;
mod pool;
#[cfg(feature = "probe")]
mod probes;
mod proposals;
mod recipe;
mod report;
mod run;
mod scan;
mod serials;
mod shell;
#[cfg(feature = "sim")]
mod sim;
mod sweep;
mod token_list;
mod trial;
mod unit;
mod verify;
mod wrap;

use std::process::ExitCode;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use eol_inject::unit::AuthToken;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use self::error::{CliError, Loss};
use self::output::Output;

/// What is printed under every help text.
const EXIT_CODES: &str = "\
Environment:
  EOL_LOG=debug              what -vv shows, and finer
  EOL_STATION, EOL_OPERATOR  name station and person

Exit codes:
    0  done; every unit passed        51  ledger unreachable
    2  usage                          52  unit in doubt, or on another board
   10  recipe, serial or pool file    53  pool empty
   20  image rejected                 54  the factory's system refused the unit
   30  slot or checksum refused       60  recorded, but not labelled
   40  delivery failed                61  label does not match
   41  verification differs          130  interrupted; units are resumable
   50  this unit refused               1  bug in this program";

/// Patch each unit's AuthToken into a shared firmware image, make every checksum true again, and
/// keep serial, token and label together
#[derive(Parser)]
#[command(name = "eol-inject", version, max_term_width = 80)]
#[command(infer_long_args = false, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print one JSON object per unit or finding on standard output; words for people then go to
    /// standard error
    #[arg(long, global = true)]
    json: bool,

    /// Tell only what failed or needs attention
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Show what happens inside, on standard error; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    /// Whether words for people are coloured; auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: Color,
}

/// When words for people are coloured.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Show an image's format, memory map, slots and integrity fields
    Inspect(inspect::InspectArgs),
    /// Prove the recipe on the untouched image, with pool and ledger; change nothing
    Check(check::CheckArgs),
    /// Take in, count, request and generate tokens
    Pool(pool::PoolArgs),
    /// Make the image of one unit
    Inject(inject::InjectArgs),
    /// Make the images of many units
    Batch(batch::BatchArgs),
    /// Flash units: identify, claim, inject, read back, record, label
    Run(run::RunArgs),
    /// Prove that images differ from the shared one in slots and checksums only
    Verify(verify::VerifyArgs),
    /// Look into and correct the record of units and tokens
    Ledger(ledger::LedgerArgs),
    /// Make labels again, and compare scanned labels with the record
    Label(label::LabelArgs),
    /// Serve a simulated board to other probe-rs programs on this computer
    #[cfg(feature = "sim")]
    Sim(sim::SimArgs),
    /// List the debug probes that are plugged in, and what stands in the way of using them
    #[cfg(feature = "probe")]
    Probes,
    /// Print a completion script for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(shell::ManArgs),
    /// Show a page about a topic, or the options of a command
    Help(help::HelpArgs),
}

/// Returns the command line with what its help texts show besides.
pub(crate) fn command() -> clap::Command {
    let topics = help::list();
    let command = Cli::command()
        .disable_help_subcommand(true)
        .after_help(format!(
            "Topics for eol-inject help:\n{topics}\n{EXIT_CODES}"
        ))
        .mut_subcommand("ledger", ledger::grouped);
    examples::illustrated(command, "")
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    memory::keep();
    std::panic::set_hook(Box::new(|info| {
        scan::restore();
        output::aside(format_args!(
            "bug in eol-inject {}: {info}\n  what is in hand stays resumable; please report this",
            env!("CARGO_PKG_VERSION"),
        ));
        std::process::exit(1);
    }));
    let matches = command().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    anstream::ColorChoice::from(cli.color).write_global();
    log(cli.verbose);
    let mut output = Output::new(cli.json);
    if cli.command.only_looks() {
        output.only_looks();
    }
    if cli.quiet {
        output.hush();
    }
    let work = cli.command.work();
    let tell = match cli.command.is_the_line() {
        true => Output::stopped,
        false => Output::error,
    };
    match dispatch(cli.command, &output) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let error = work.told(error);
            if error.code != exit::CLOSED_PIPE {
                tell(&output, &error);
            }
            ExitCode::from(error.code)
        }
    }
}

/// Tells what is wrong with the arguments; a token among them is not repeated.
fn refuse(error: &clap::Error) -> ExitCode {
    if AuthToken::stands_in(&error.render().to_string()) {
        let error = CliError::usage(
            "an argument looks like a token; it is not repeated here. Tokens are never arguments: \
             other users of this computer can read them",
        );
        Output::new(false).error(&error);
        return ExitCode::from(error.code);
    }
    ExitCode::from(parser::tell(error))
}

/// Shows what happens inside, on standard error, where `EOL_LOG` or else `-v` asks for it.
///
/// probe-rs logs what it writes to a target, tokens too: whatever is asked for, it says no more
/// than its warnings.
fn log(verbose: u8) {
    let asked = match (EnvFilter::try_from_env("EOL_LOG"), verbose) {
        (Ok(asked), _) => asked,
        (Err(_), 0) => return,
        (Err(_), 1) => EnvFilter::new("info"),
        (Err(_), _) => EnvFilter::new("debug"),
    };
    let harmless = filter_fn(|record| {
        !record.target().starts_with("probe_rs") || *record.level() <= Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Aside)
        .with_ansi(false);
    let subscriber = tracing_subscriber::registry()
        .with(asked)
        .with(harmless)
        .with(lines);
    // It is set once, here.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Where lines of the log go, each in one piece.
struct Aside;

impl std::io::Write for Aside {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        output::aside(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a command has in hand when its ledger goes away.
#[derive(Clone, Copy)]
enum Work {
    Units,
    List,
    Nothing,
}

impl Command {
    /// Returns whether nothing is lost when it ends early.
    const fn only_looks(&self) -> bool {
        match self {
            Self::Inspect(_) => true,
            Self::Ledger(args) => args.only_looks(),
            Self::Pool(args) => args.only_looks(),
            _ => false,
        }
    }

    /// Returns whether an operator stands before it, unit after unit.
    const fn is_the_line(&self) -> bool {
        match self {
            Self::Inject(_) | Self::Batch(_) | Self::Run(_) => true,
            Self::Label(args) => args.compares(),
            _ => false,
        }
    }

    const fn work(&self) -> Work {
        match self {
            Self::Inject(_) | Self::Batch(_) | Self::Run(_) => Work::Units,
            Self::Pool(args) if args.imports() => Work::List,
            Self::Ledger(args) if args.makes_units() => Work::Units,
            _ => Work::Nothing,
        }
    }
}

impl Work {
    /// Says of a lost server only what holds for this work.
    fn told(self, error: CliError) -> CliError {
        match (self, error.loss()) {
            (Self::List, Some(Loss::Unreachable | Loss::Unwritable)) => error.with_hint(Some(
                "import the list again: it goes in whole or not at all, and what is known already changes nothing",
            )),
            (Self::Nothing | Self::List, Some(Loss::Unreachable | Loss::Overtaken)) => {
                error.with_hint(None)
            }
            _ => error,
        }
    }
}

fn dispatch(work: Command, output: &Output) -> Result<u8, CliError> {
    match work {
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Pool(args) => pool::run(args, output),
        Command::Inject(args) => inject::run(&args, output),
        Command::Batch(args) => batch::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Ledger(args) => ledger::run(args, output),
        Command::Label(args) => label::run(&args, output),
        #[cfg(feature = "sim")]
        Command::Sim(args) => sim::run(&args, output),
        #[cfg(feature = "probe")]
        Command::Probes => probes::run(output),
        Command::Completions(args) => shell::completions(&args, command()),
        Command::Man(args) => shell::man(&args, command()),
        Command::Help(args) => help::run(&args, command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `check` with the words of every command, outermost first.
    fn every(check: &mut dyn FnMut(&[String])) {
        fn go(command: &clap::Command, words: &mut Vec<String>, check: &mut dyn FnMut(&[String])) {
            check(words);
            for sub in command.get_subcommands() {
                words.push(sub.get_name().to_owned());
                go(sub, words, check);
                words.pop();
            }
        }
        go(&command(), &mut vec!["eol-inject".to_owned()], check);
    }

    #[test]
    fn every_help_text_has_examples_and_keeps_to_eighty_columns() {
        let mut count = 0;
        every(&mut |words| {
            let line = words.iter().map(String::as_str).chain(["--help"]);
            let help = parser::worded(&command().try_get_matches_from(line).unwrap_err());
            assert!(help.contains("Examples:"), "{words:?}");
            for line in help.lines() {
                assert!(wrap::width(line) <= wrap::COLUMNS, "{words:?}: {line}");
            }
            count += 1;
        });
        assert!(count > 40, "{count}");
    }

    #[test]
    fn the_groups_of_the_help_text_hold_every_command_once() {
        let command = command();
        let sub = command.find_subcommand("ledger").unwrap();
        let mut real: Vec<&str> = sub.get_subcommands().map(|sub| sub.get_name()).collect();
        let mut told: Vec<&str> = ledger::GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        real.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, real);
    }

    /// Splits a line as a shell does; what is behind `<` and `>` is the shell's.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        let line = line.split(['<', '>']).next().unwrap().trim().to_owned();
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                _ => words.last_mut().unwrap().push(letter),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_example_is_a_line_that_the_program_takes() {
        for (command, lines) in examples::all() {
            for line in lines.replace("\\\n", " ").lines() {
                let words = words(line);
                if words.first().is_none_or(|program| program != "eol-inject") {
                    continue;
                }
                let taken = super::command().try_get_matches_from(&words);
                assert!(taken.is_ok(), "{line}: {}", taken.unwrap_err());
                assert!(
                    command.is_empty() || line.contains(command),
                    "{command}: {line}"
                );
            }
        }
    }

    #[test]
    fn no_example_is_of_a_command_that_is_gone() {
        for (words, _) in examples::all() {
            let mut command = &command();
            for word in words.split_whitespace() {
                // Some commands come with a feature of the program.
                let Some(sub) = command.find_subcommand(word) else {
                    assert!(["sim", "probes"].contains(&word), "{words}");
                    break;
                };
                command = sub;
            }
        }
    }
}
