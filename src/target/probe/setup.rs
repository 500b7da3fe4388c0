//! What a recipe says of a product's boards: how they are reached, and what of them is written.

use super::error::FitFault;
use super::link::Attach;
use super::map::FlashMap;
use crate::image::{Image, Span};
use crate::master::Master;
use crate::recipe::{Mode, Precheck, Recipe};

/// How a product's boards are reached, and how much of them is written.
#[derive(Debug, Clone)]
pub struct ProbeSetup {
    pub(super) attach: Attach,
    pub(super) probe: String,
    pub(super) mode: Mode,
    pub(super) precheck: Precheck,
    /// Reserved places that the recipe asks for.
    also: Vec<Span>,
    /// Places of the image that stay off the board.
    skip: Vec<Span>,
    /// Where simulated boards are kept.
    #[cfg(feature = "sim")]
    pub(super) boards: std::path::PathBuf,
}

impl ProbeSetup {
    /// Takes what a recipe says; `probe` goes before the recipe's own. `None` where neither names
    /// a probe, or the recipe has no `[flash]`.
    #[must_use]
    pub fn of(recipe: &Recipe, probe: Option<&str>) -> Option<Self> {
        let flash = recipe.flash.as_ref()?;
        Some(Self {
            attach: Attach {
                chip: flash.chip.clone(),
                speed: flash.speed,
                connect: flash.connect,
            },
            probe: probe.or(flash.probe.as_deref())?.to_owned(),
            mode: flash.mode.unwrap_or(Mode::Full),
            precheck: flash.precheck,
            also: flash.also.iter().map(|area| area.span()).collect(),
            skip: flash.skip.iter().map(|area| area.span()).collect(),
            #[cfg(feature = "sim")]
            boards: boards(recipe),
        })
    }

    /// Returns what of the image goes onto a board.
    pub(super) fn flashed(&self, image: &Image) -> Vec<Span> {
        Span::outside(image.runs(), self.skip.iter().copied())
    }

    /// Refuses an image that a chip cannot hold, or that would get there without its values.
    pub(super) fn fits(&self, master: &Master, map: &FlashMap) -> Result<(), FitFault> {
        let lost = master.changes().into_iter().find(|span| {
            let mut skips = self.skip.iter();
            skips.any(|skip| skip.intersection(*span).is_some())
        });
        if let Some(span) = lost {
            return Err(FitFault::Skipped { span });
        }
        let flashed = self.flashed(master.image());
        for run in &flashed {
            map.allow(*run, &self.also)?;
        }
        let sectors = map.sectors(&flashed)?;
        for (sector, skip) in sectors
            .iter()
            .flat_map(|sector| self.skip.iter().map(move |skip| (sector, skip)))
        {
            if let Some(span) = sector.span.intersection(*skip) {
                return Err(FitFault::SkippedInPart { span });
            }
        }
        Ok(())
    }

    /// Returns whether the boards are simulated.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.probe == "sim" || self.probe.starts_with("sim:")
    }
}

/// Returns where a line's simulated boards are kept: beside its ledger.
#[cfg(feature = "sim")]
fn boards(recipe: &Recipe) -> std::path::PathBuf {
    let mut boards = recipe.ledger_base().into_os_string();
    boards.push(".boards");
    boards.into()
}
