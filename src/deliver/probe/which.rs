//! Which probe: one on USB, or a simulated board.

use std::collections::BTreeSet;
use std::str::FromStr;

use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::{Accessibility, Lister};

use super::ProbeError;

/// Which probe a board is reached by: `sim`, `sim:CHIP[,...]` or `VID:PID[:SERIAL]`.
#[derive(Debug, Clone)]
pub struct Which(pub(super) Kind);

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Usb(DebugProbeSelector),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::Spec),
}

impl Which {
    /// Returns whether nothing real is flashed.
    #[must_use]
    pub const fn is_simulated(&self) -> bool {
        match &self.0 {
            Kind::Usb(_) => false,
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => true,
        }
    }
}

impl FromStr for Which {
    type Err = ProbeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        #[cfg(feature = "sim")]
        if text == "sim" || text.starts_with("sim:") {
            let spec = text.parse::<crate::sim::Spec>();
            let spec = spec.map_err(|error| ProbeError::Selector {
                text: text.to_owned(),
                source: error.into(),
            })?;
            return Ok(Self(Kind::Simulated(spec)));
        }
        let selector = text.parse().map_err(|error| ProbeError::Selector {
            text: text.to_owned(),
            source: Box::new(error) as super::error::Cause,
        });
        Ok(Self(Kind::Usb(selector?)))
    }
}

/// Opens the one probe that `selector` names.
pub(super) fn open(selector: &DebugProbeSelector) -> Result<probe_rs::probe::Probe, ProbeError> {
    let lister = Lister::new();
    let name = || selector.to_string();
    // Opening what is not listed is told as an error of USB on some systems.
    let listed = lister.list_all_with_access();
    let fit: Vec<_> = listed
        .iter()
        .filter(|item| selector.matches_probe(&item.info))
        .collect();
    // One probe may be listed once for each of its interfaces.
    let serials: BTreeSet<_> = fit.iter().map(|item| &item.info.serial_number).collect();
    if serials.is_empty() {
        return Err(ProbeError::NotFound { selector: name() });
    }
    if selector.serial_number.is_none() && serials.len() > 1 {
        return Err(ProbeError::Several {
            selector: name(),
            count: serials.len(),
        });
    }
    let denied = |access: &Accessibility| *access == Accessibility::PermissionDenied;
    if fit.iter().all(|item| denied(&item.accessibility)) {
        return Err(ProbeError::Denied { selector: name() });
    }
    lister
        .open(selector.clone())
        .map_err(|error| ProbeError::of(error, ""))
}
