//! What U-Boot loads: legacy images (uImage) and flattened image trees (FIT).
//!
//! Their checksums are made right again; what takes a key, or what is packed, is refused.

mod effort;
mod fit;
mod nodes;
mod tree;
mod uimage;

use crate::checksum::finding::Finding;
use crate::image::Image;
use effort::Effort;

/// Lists the fields of all such images.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut effort = Effort::of(image);
    let mut findings = uimage::findings(image, &mut effort);
    findings.extend(fit::findings(image, &mut effort));
    findings
}
