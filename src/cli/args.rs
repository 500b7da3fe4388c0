//! Arguments that commands share, and who is at work by them.

use std::path::PathBuf;

use clap::Args;
use eol_inject::image::Conversion;
use eol_inject::ledger::Actor;
use eol_inject::target::Others;
use eol_inject::unit::AuthToken;

use super::error::CliError;
use super::file::Existing;
use super::recipe;

/// Which product.
#[derive(Args)]
pub(crate) struct RecipeArg {
    /// The product's recipe; unsaid, recipe.toml in this folder, else in one above it
    #[arg(long, value_name = "FILE", default_value_os_t = recipe::usual())]
    #[arg(hide_default_value = true)]
    pub(crate) recipe: PathBuf,
}

/// In which form images leave.
#[derive(Args)]
pub(crate) struct FormArgs {
    /// Images are bin (all bytes from the lowest address on) or hex, whatever the format of the
    /// shared image; only what is loaded goes over
    #[arg(long, value_name = "bin|hex")]
    pub(crate) format: Option<Conversion>,

    /// What the gaps of a bin are filled with [default: 0xff]
    #[arg(long, value_name = "BYTE", value_parser = byte)]
    pub(crate) gap_fill: Option<u8>,
}

/// Reads `0xff`, `255`, and the like.
fn byte(text: &str) -> Result<u8, String> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    value.map_err(|_| "write a byte: 0xff, or 255".to_owned())
}

/// Who is at work.
#[derive(Args)]
pub(crate) struct StationArgs {
    /// Name of this station in the record [default: the computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    pub(crate) station: Option<String>,

    /// Who is at work, for the record
    #[arg(long, value_name = "NAME", env = "EOL_OPERATOR")]
    pub(crate) operator: Option<String>,
}

/// Who decides, and why: asked for wherever the record is corrected or a secret shown.
#[derive(Args)]
pub(crate) struct DecisionArgs {
    /// Who decides, for the record
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,

    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,

    /// Name of this station in the record [default: the computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    pub(crate) station: Option<String>,
}

/// Whether files that are there already are replaced.
#[derive(Args)]
pub(crate) struct ForceArg {
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

impl ForceArg {
    /// Returns what becomes of a file that is there where a unit's image goes.
    pub(crate) const fn others(&self) -> Others {
        match self.force {
            true => Others::Go,
            false => Others::Stay,
        }
    }

    /// Returns what becomes of a file that is there already.
    pub(crate) const fn existing(&self) -> Existing {
        match self.force {
            true => Existing::Replaced,
            false => Existing::Stays,
        }
    }
}

/// Returns the station's name: as given, else the computer's.
pub(crate) fn station(given: Option<&str>) -> String {
    given.map_or_else(
        || gethostname::gethostname().to_string_lossy().into_owned(),
        str::to_owned,
    )
}

/// Refuses words for the record that hold a token: the record is read by many, and for ever.
pub(crate) fn plain(actor: Actor) -> Result<Actor, CliError> {
    let words = [
        Some(&actor.station),
        actor.by.as_ref(),
        actor.reason.as_ref(),
    ];
    if words
        .into_iter()
        .flatten()
        .any(|text| AuthToken::stands_in(text))
    {
        return Err(CliError::usage(
            "a name or reason holds what looks like a token; it is not recorded nor repeated here",
        ));
    }
    Ok(actor)
}

impl StationArgs {
    /// Returns who is at work, for the record.
    ///
    /// # Errors
    /// A token is no name.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        plain(Actor {
            station: station(self.station.as_deref()),
            by: self.operator.clone(),
            reason: None,
        })
    }
}

impl DecisionArgs {
    /// Returns who decides, and why.
    ///
    /// # Errors
    /// Neither may be empty: the record would be worth nothing.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        if self.by.trim().is_empty() || self.reason.trim().is_empty() {
            return Err(CliError::usage("--by and --reason must not be empty"));
        }
        plain(Actor {
            station: station(self.station.as_deref()),
            by: Some(self.by.clone()),
            reason: Some(self.reason.clone()),
        })
    }
}
