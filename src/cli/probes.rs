//! `probes`: what is plugged in, and what stands in the way.

use eol_inject::target::probes;
use serde_json::json;

use super::error::CliError;
use super::output::{BAD, GOOD, Output};

pub(crate) fn run(output: &Output) -> Result<u8, CliError> {
    let found = probes();
    for probe in &found.plugged {
        output.object(&json!({
            "v": 1, "kind": "probe", "probe": probe.selector, "name": probe.name,
            "usable": probe.usable,
        }));
        let (style, state) = if probe.usable {
            (GOOD, "ready")
        } else {
            (
                BAD,
                "no rights: its udev rule is missing (eol-inject help flashing)",
            )
        };
        output.line(format_args!(
            "{:<24} {}  {style}{state}{style:#}",
            probe.selector, probe.name
        ));
    }
    if !found.usb {
        output.note("this computer shows no USB: in a container, hand it the devices");
    } else if found.plugged.is_empty() {
        output.note("no probe is plugged in");
    }
    if cfg!(feature = "sim") {
        output.note("without one: probe = \"sim\" simulates the recipe's chip");
    }
    Ok(0)
}
