//! Structures that show their integrity fields themselves, one file for each family.

mod dfu;
mod esp;
mod foreign;
mod lpc;
mod mcuboot;
mod nordic;
mod particle;
mod plain;
mod rp2350;
mod uboot;

use super::finding::Finding;
use crate::image::Image;

/// Lists the integrity fields of `image` that show themselves by structure.
#[must_use]
pub fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = esp::findings(image);
    findings.extend(mcuboot::findings(image));
    findings.extend(lpc::findings(image));
    findings.extend(rp2350::findings(image));
    findings.extend(particle::findings(image));
    findings.extend(dfu::findings(image));
    findings.extend(nordic::findings(image));
    findings.extend(uboot::findings(image));
    findings.extend(foreign::findings(image));
    findings.extend(plain::findings(image, &findings));
    findings.sort_by_key(|finding| finding.at.first().copied());
    findings
}
