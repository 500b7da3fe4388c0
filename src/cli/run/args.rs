//! The arguments of `run`, and what they mean with a recipe.

use clap::{ArgGroup, Args};
use eol_inject::ledger::{Actor, Seated};
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::station::{Feed, Plan};
use eol_inject::unit::Serial;

use super::fixture::Reach;
use crate::cli::args::{RecipeArg, StationArgs};
use crate::cli::error::CliError;
use crate::cli::scan;

/// Which units, and on what.
#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["serial", "count"])))]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(super) recipe: RecipeArg,

    /// Make this unit only
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    pub(super) serial: Option<String>,

    /// Make this many good units: this station's open claims first, then new serials
    #[arg(long, value_name = "N")]
    pub(super) count: Option<u64>,

    /// The probe, instead of the recipe's: sim, sim:CHIP or VID:PID[:SERIAL]
    #[arg(long, value_name = "PROBE")]
    pub(super) probe: Option<String>,

    /// Try the whole line on simulated boards, with a ledger, labels and tokens to throw away
    #[arg(long, conflicts_with = "probe")]
    pub(super) rehearse: bool,

    /// Leave these nests out, with commas between
    #[arg(long, value_name = "NESTS", value_delimiter = ',')]
    pub(super) skip: Vec<String>,

    /// Say that the board on the fixture is the unit's own, where neither a number nor its token
    /// tells: a run that died, or failed, may have written to it
    #[arg(long, requires_all = ["serial", "by", "reason"], conflicts_with = "rehearse")]
    pub(super) same_board: bool,

    /// Who says so, for the record
    #[arg(long, value_name = "NAME", requires = "same_board")]
    pub(super) by: Option<String>,

    /// Why, for the record
    #[arg(long, value_name = "TEXT", requires = "same_board")]
    pub(super) reason: Option<String>,

    /// The order that the units are made for, as it stands in results
    #[arg(long, value_name = "ORDER")]
    pub(super) order: Option<String>,

    /// Stop after this many failures in a row; 0 never stops
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(super) stop_after: u64,

    #[command(flatten)]
    pub(super) station: StationArgs,
}

/// One active position of the fixture.
pub(super) struct Nest {
    /// Its name; none where there is only one.
    pub(super) name: Option<String>,
    pub(super) reach: Reach,
}

impl RunArgs {
    /// Returns what is said of the board on the fixture.
    pub(super) fn seated(&self, actor: &Actor) -> Seated {
        if !self.same_board {
            return Seated::Unknown;
        }
        Seated::Vouched(Box::new(Actor {
            by: self.by.clone(),
            reason: self.reason.clone(),
            ..actor.clone()
        }))
    }

    /// Returns which units are wanted.
    pub(super) fn plan(&self, recipe: &Recipe) -> Result<Plan, CliError> {
        if let Some(serial) = &self.serial {
            let serial: Serial = scan::serial(&recipe.serial, serial)?;
            return Ok(Plan::One(serial));
        }
        match (self.count, recipe.serial.source) {
            (Some(_), SerialSource::Scan) => Err(CliError::usage(
                "--count needs serials from the line itself, but [serial] source is \"scan\": scan \
                 the units, or use source = \"next\", \"pool\" or \"chip-uid\"",
            )),
            (Some(count), _) => Ok(Plan::Count(count)),
            (None, _) if scan::is_typed() => Ok(Plan::Scans(Feed::Hand)),
            (None, _) => Ok(Plan::Scans(Feed::Pipe)),
        }
    }

    /// Returns the fixture's active positions.
    pub(super) fn nests(&self, recipe: &Recipe) -> Result<Vec<Nest>, CliError> {
        let known = |name: &String| {
            let mut nests = recipe.nests.iter();
            nests.any(|nest| nest.name.eq_ignore_ascii_case(name))
        };
        if let Some(name) = self.skip.iter().find(|name| !known(name)) {
            return Err(CliError::usage(format!("--skip: there is no nest {name}")));
        }
        let one = |probe: Option<&str>| -> Result<Vec<Nest>, CliError> {
            let reach = Reach::of(recipe, probe)?;
            Ok(vec![Nest { name: None, reach }])
        };
        // A probe that is named stands for the whole fixture.
        if recipe.nests.is_empty() || self.probe.is_some() {
            return one(self.probe.as_deref());
        }
        let skipped = |name: &str| self.skip.iter().any(|skip| skip.eq_ignore_ascii_case(name));
        let active = recipe.nests.iter().filter(|nest| !skipped(&nest.name));
        let nests: Vec<Nest> = active
            .map(|nest| {
                Ok(Nest {
                    name: Some(nest.name.clone()),
                    reach: Reach::of(recipe, Some(&nest.probe))?,
                })
            })
            .collect::<Result<_, CliError>>()?;
        if nests.is_empty() {
            return Err(CliError::usage("--skip leaves no nest"));
        }
        Ok(nests)
    }
}
