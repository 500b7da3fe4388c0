//! Probes that are plugged in, and what stands in the way of using them.

use std::path::Path;

use probe_rs::probe::list::{Accessibility, Lister, ProbeListItem};
use probe_rs::probe::{DebugProbeError, DebugProbeSelector, Probe};

use super::error::ReachFault;
use crate::target::said;

/// A probe that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugged {
    /// What its maker calls it.
    pub name: String,
    /// What a recipe names it by: `VID:PID`, and `:SERIAL` where it has one.
    pub selector: String,
    /// Whether this user may use it.
    pub usable: bool,
}

/// What is plugged in, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    /// The probes.
    pub plugged: Vec<Plugged>,
    /// Whether this computer shows its USB at all; a container often does not.
    pub usb: bool,
}

/// Lists the probes that are plugged in.
#[must_use]
pub fn probes() -> Probes {
    let usb = has_usb();
    // Without USB every driver would only log that it found none.
    let items = if usb {
        Lister::new().list_all_with_access()
    } else {
        Vec::new()
    };
    let mut plugged: Vec<Plugged> = items.iter().map(plugged).collect();
    plugged.sort_by(|a, b| a.selector.cmp(&b.selector));
    plugged.dedup();
    Probes { plugged, usb }
}

fn plugged(item: &ProbeListItem) -> Plugged {
    let info = &item.info;
    let mut selector = format!("{:04x}:{:04x}", info.vendor_id, info.product_id);
    if let Some(serial) = info.serial_number.as_ref().filter(|text| !text.is_empty()) {
        selector.push(':');
        selector.push_str(serial);
    }
    Plugged {
        name: info.identifier.clone(),
        selector,
        usable: item.accessibility != Accessibility::PermissionDenied,
    }
}

fn has_usb() -> bool {
    !cfg!(target_os = "linux") || Path::new("/sys/bus/usb/devices").exists()
}

/// Makes sure that one probe fits `wanted`, and that this user may use it.
pub fn at_hand(wanted: &str) -> Result<(), ReachFault> {
    check(wanted)?;
    choose(wanted, &probes()).map(drop)
}

/// Opens the only probe that `wanted` fits.
pub fn open(wanted: &str) -> Result<Probe, ReachFault> {
    let all = probes();
    let one = choose(wanted, &all)?;
    let selector: DebugProbeSelector = one.selector.parse().map_err(|_| ReachFault::Selector {
        text: wanted.to_owned(),
    })?;
    Lister::new().open(selector).map_err(|error| match error {
        DebugProbeError::Usb(source) => ReachFault::Unplugged(said::error(&source).into()),
        other => ReachFault::Unopened {
            probe: one.selector.clone(),
            source: said::error(&other).into(),
        },
    })
}

/// Chooses the only probe that `wanted` fits.
fn choose<'p>(wanted: &str, all: &'p Probes) -> Result<&'p Plugged, ReachFault> {
    check(wanted)?;
    let wanted = || wanted.to_owned();
    if !all.usb {
        return Err(ReachFault::NoUsb { wanted: wanted() });
    }
    let fitting: Vec<&Plugged> = all
        .plugged
        .iter()
        .filter(|probe| fits(&wanted(), &probe.selector))
        .collect();
    let names = |probes: &[&Plugged]| {
        let names: Vec<&str> = probes.iter().map(|probe| probe.selector.as_str()).collect();
        names.join(", ")
    };
    match fitting.as_slice() {
        [one] if one.usable => Ok(one),
        [one] => Err(ReachFault::Denied {
            probe: one.selector.clone(),
        }),
        [] => {
            let all: Vec<&Plugged> = all.plugged.iter().collect();
            let found = match all.as_slice() {
                [] => "is none".to_owned(),
                all => format!("are {}", names(all)),
            };
            Err(ReachFault::Missing {
                wanted: wanted(),
                found,
            })
        }
        several => Err(ReachFault::Several {
            wanted: wanted(),
            found: names(several),
        }),
    }
}

/// Refuses a text that is not `VID:PID` or `VID:PID:SERIAL`.
pub fn check(wanted: &str) -> Result<(), ReachFault> {
    let number = |text: &str| text.len() <= 4 && u16::from_str_radix(text, 16).is_ok();
    let mut parts = wanted.splitn(3, ':');
    let (vendor, product) = (parts.next(), parts.next());
    if vendor.is_some_and(number) && product.is_some_and(number) {
        return Ok(());
    }
    Err(ReachFault::Selector {
        text: wanted.to_owned(),
    })
}

/// Returns whether `wanted` names the probe; a serial may hold colons.
fn fits(wanted: &str, selector: &str) -> bool {
    let split = |text: &str| {
        let mut parts = text.splitn(3, ':');
        let number = |part: Option<&str>| u16::from_str_radix(part?, 16).ok();
        let ids = (number(parts.next()), number(parts.next()));
        (ids, parts.next().map(str::to_owned))
    };
    let (wanted, found) = (split(wanted), split(selector));
    wanted.0 == found.0 && (wanted.1.is_none() || wanted.1 == found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugged(selectors: &[&str]) -> Probes {
        let probe = |selector: &&str| Plugged {
            name: "probe".to_owned(),
            selector: (*selector).to_owned(),
            usable: !selector.ends_with("LOCKED"),
        };
        Probes {
            plugged: selectors.iter().map(probe).collect(),
            usb: true,
        }
    }

    fn chosen(wanted: &str, selectors: &[&str]) -> String {
        match choose(wanted, &plugged(selectors)) {
            Ok(probe) => probe.selector.clone(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_probe_needs_no_serial_and_two_do() {
        let two = ["1366:1015:000770", "1366:1015:000771", "0d28:0204:a:b"];
        assert_eq!(chosen("1366:1015:000771", &two), "1366:1015:000771");
        assert_eq!(chosen("0D28:204", &two), "0d28:0204:a:b");
        assert_eq!(chosen("0d28:0204:a:b", &two), "0d28:0204:a:b");
        assert_eq!(
            chosen("1366:1015", &two),
            "1366:1015 fits several probes, name one by its serial: 1366:1015:000770, \
             1366:1015:000771"
        );
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there() {
        assert_eq!(
            chosen("1366:1015", &[]),
            "no probe 1366:1015 is plugged in; there is none"
        );
        assert_eq!(
            chosen("1366:1015:1", &["1366:1015:2"]),
            "no probe 1366:1015:1 is plugged in; there are 1366:1015:2"
        );
        assert_eq!(
            chosen("1366:1015", &["1366:1015:LOCKED"]),
            "no rights to use the probe 1366:1015:LOCKED: its udev rule is missing"
        );
        assert!(chosen("J-Link", &[]).contains("names no probe"));
        assert!(chosen("13666:1015", &[]).contains("names no probe"));
    }

    #[test]
    fn listing_never_fails() {
        let found = probes();
        assert!(found.usb || found.plugged.is_empty());
    }
}
