//! The command line: one file per subcommand, effects and words for people.
//!
//! The library knows nothing of this module.

mod batch;
mod board;
mod books;
mod check;
mod console;
mod context;
mod error;
mod export;
mod file;
mod firmware;
mod form;
mod guard;
mod holds;
mod inject;
mod inspect;
mod label;
mod ledger;
mod map;
mod output;
mod pool;
#[cfg(feature = "probe")]
mod probes;
mod run;
mod sheet;
mod shell;
#[cfg(feature = "sim")]
mod sim;
mod unit;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use eol_inject::image::Conversion;
use eol_inject::unit::AuthToken;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use self::error::{CliError, exit};
use self::output::Output;

/// What is printed under every help text.
const EXIT_CODES: &str = "\
EOL_LOG=debug shows what happens inside. EOL_STATION and EOL_OPERATOR name station and person.

Exit codes:
    0  done; every unit passed        51  ledger unreachable
    2  usage                          52  unit in doubt, or on another board
   10  recipe, serial or pool file    53  pool empty
   20  image rejected                 54  the factory's system refused the unit
   30  slot or checksum refused       60  recorded, but not labelled
   40  delivery failed                61  label does not match
   41  verification differs          130  interrupted; units are finished or resumable
   50  this unit refused               1  bug in this program";

/// Patch each unit's AuthToken into a shared firmware image, make every checksum true again, and
/// keep serial, token and label together
#[derive(Parser)]
#[command(name = "eol-inject", version, max_term_width = 100, after_help = EXIT_CODES)]
#[command(infer_long_args = false, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print one JSON object per unit or finding on standard output; words for people then go to
    /// standard error
    #[arg(long, global = true)]
    json: bool,
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
    #[command(hide = true)]
    Sim(sim::SimArgs),
    /// List the debug probes that are plugged in, and what stands in the way of using them
    #[cfg(feature = "probe")]
    Probes,
    /// Print a completion script for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(shell::ManArgs),
}

/// Which product.
#[derive(Args)]
pub(crate) struct RecipeArg {
    /// The product's recipe
    #[arg(long, value_name = "FILE", default_value = "recipe.toml")]
    recipe: PathBuf,
}

/// In which form images leave.
#[derive(Args)]
pub(crate) struct FormArgs {
    /// Images are bin (all bytes from the lowest address on) or hex, whatever the format of the
    /// shared image; only what is loaded goes over
    #[arg(long, value_name = "bin|hex")]
    format: Option<Conversion>,

    /// What the gaps of a bin are filled with [default: 0xff]
    #[arg(long, value_name = "BYTE", value_parser = form::byte)]
    gap_fill: Option<u8>,
}

/// Who is at work.
#[derive(Args)]
pub(crate) struct StationArgs {
    /// Name of this station in the record [default: the computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,

    /// Who is at work, for the record
    #[arg(long, value_name = "NAME", env = "EOL_OPERATOR")]
    operator: Option<String>,
}

/// Who decides, and why: asked for wherever the record is corrected or a secret shown.
#[derive(Args)]
pub(crate) struct DecisionArgs {
    /// Who decides, for the record
    #[arg(long, value_name = "NAME")]
    by: String,

    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Name of this station in the record [default: the computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(
            std::io::stderr(),
            "bug in eol-inject {}: {info}\n  what is in hand stays resumable; please report this",
            env!("CARGO_PKG_VERSION"),
        );
        std::process::exit(1);
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    log();
    let output = Output::new(cli.json);
    if cli.command.only_looks() {
        output.only_looks();
    }
    let work = cli.command.work();
    match dispatch(cli.command, &output) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let error = work.told(error);
            if error.code != exit::CLOSED_PIPE {
                output.error(&error);
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
    // Help and version end here too.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Shows what happens inside, on standard error, where `EOL_LOG` asks for it.
///
/// probe-rs logs what it writes to a target, tokens too: whatever is asked for, it says no more
/// than its warnings.
fn log() {
    let Ok(asked) = EnvFilter::try_from_env("EOL_LOG") else {
        return;
    };
    let harmless = filter_fn(|record| {
        !record.target().starts_with("probe_rs") || *record.level() <= Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let subscriber = tracing_subscriber::registry()
        .with(asked)
        .with(harmless)
        .with(lines);
    // It is set once, here.
    let _ = tracing::subscriber::set_global_default(subscriber);
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
        match (self, error.name) {
            (Self::List, "ledger-unreachable" | "ledger-storage") => error.with_hint(Some(
                "import the list again: it goes in whole or not at all, and what is known already changes nothing",
            )),
            (Self::Nothing | Self::List, "ledger-unreachable" | "ledger-overtaken") => {
                error.with_hint(None)
            }
            _ => error,
        }
    }
}

fn dispatch(command: Command, output: &Output) -> Result<u8, CliError> {
    match command {
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
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}
