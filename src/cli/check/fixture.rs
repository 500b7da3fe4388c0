//! What boards are reached by: chip, probe, the line's own programmer.

use eol_inject::ledger::Simulated;
use eol_inject::master::Master;
use eol_inject::recipe::Recipe;

#[cfg(feature = "probe")]
use eol_inject::target::ProbeSetup;
use serde_json::json;

use super::sheet::{Sheet, Stage};
use crate::cli::error::CliError;
use crate::cli::output::count;
use crate::cli::report::grouped;
use crate::cli::run::fixture::{self, Hardware, Reach};

/// What it costs that a programmer cannot tell boards apart.
const NAMELESS: &str = "identify = false: boards cannot be told apart; a unit whose writing was cut \
    short goes on by itself only on a board that holds its token: for any other board somebody has \
    to decide (run --same-board), or its token is burnt (ledger rework)";

/// Tries how boards are reached; returns whether they are simulated, where boards are meant.
pub(super) fn try_reach(
    recipe: &Recipe,
    master: Option<&Master>,
    hardware: Hardware,
    sheet: &mut Sheet<'_>,
) -> Option<Simulated> {
    let Some(flash) = &recipe.flash else {
        sheet
            .output
            .line("  board     there is no [flash]: units are made by inject and batch");
        unreached(recipe, sheet);
        return None;
    };
    let identify = flash.identify.as_ref();
    if identify.is_some_and(|identify| identify.command().is_none()) {
        sheet.output.warning(NAMELESS);
    }
    let nests: Vec<(Option<&str>, Option<&str>)> = match recipe.nests.as_slice() {
        [] if flash.program.is_none() && flash.probe.is_none() => {
            sheet
                .output
                .line("  board     no probe is named: run needs --probe");
            unreached(recipe, sheet);
            return None;
        }
        [] => vec![(None, None)],
        nests => nests
            .iter()
            .map(|nest| (Some(nest.name.as_str()), Some(nest.probe.as_str())))
            .collect(),
    };
    if hardware == Hardware::LeftOut {
        sheet
            .output
            .line("  board     --offline: probes, boards and programmers are not looked at");
    }
    let mut reaches = Vec::new();
    for (index, (name, probe)) in nests.iter().enumerate() {
        let reach = Reach::of(recipe, *probe);
        let named = |error: CliError| match name {
            Some(name) => error.about(format_args!("nest {name}")),
            None => error,
        };
        let Some(reach) = sheet.take(Stage::Fixture, reach.map_err(named)) else {
            continue;
        };
        if let Some(master) = master {
            if index == 0 {
                board(recipe, &reach, master, sheet);
            }
            let there = reach.at_hand(recipe, master, hardware).map_err(named);
            if sheet.take(Stage::Fixture, there).is_some() && hardware == Hardware::Tried {
                let tried = reach.tried(recipe, master).map_err(named);
                sheet.take(Stage::Board, tried);
            }
        }
        reaches.push(reach);
    }
    sheet.take(Stage::Fixture, fixture::kind(reaches.iter()))
}

/// Notes that a run would find no board; files need none.
fn unreached(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    if let Err(error) = Reach::of(recipe, None) {
        sheet.limit(Stage::Fixture, &["run"], error);
    }
}

/// Shows what each unit takes of its board's flash.
#[cfg(feature = "probe")]
fn board(recipe: &Recipe, reach: &Reach, master: &Master, sheet: &mut Sheet<'_>) {
    let Reach::Probe(probe) = reach else {
        return;
    };
    let setup = ProbeSetup::of(recipe, Some(probe));
    // Why there is none is found where the fixture is tried.
    let Some(Ok(footprint)) = setup.map(|setup| setup.footprint(master)) else {
        return;
    };
    sheet.output.line(format_args!(
        "  board     {}, {} mode: {} of flash, {} bytes, written for each unit",
        footprint.chip,
        footprint.mode,
        count(footprint.sectors, "sector"),
        grouped(footprint.bytes),
    ));
    if !footprint.compared {
        sheet.output.warning(format_args!(
            "nothing is known that tells a {} from another chip, or one board from another",
            footprint.chip
        ));
    }
    sheet.put(
        "board",
        json!({
            "chip": footprint.chip, "mode": footprint.mode.to_string(),
            "sectors": footprint.sectors, "bytes": footprint.bytes,
        }),
    );
}

#[cfg(not(feature = "probe"))]
fn board(_: &Recipe, _: &Reach, _: &Master, _: &mut Sheet<'_>) {}
