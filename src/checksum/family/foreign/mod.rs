//! Structures that cover their bytes and that nothing here makes right again: each is
//! recognised, so that a slot below one is refused by its name.
//!
//! A structure counts only when all of it fits: magic, lengths, and its own sum where it has
//! one. A lone magic is a literal of a program that reads such files.

mod linux;
mod parts;
mod qualcomm;

use crate::checksum::finding::Finding;
use crate::image::Image;

/// Lists all such structures.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = linux::findings(image);
    findings.extend(parts::findings(image));
    findings.extend(qualcomm::finding(image));
    findings
}
