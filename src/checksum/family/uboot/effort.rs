//! How much is read in search of structures: images that claim one another's bytes over and
//! over are no boot images.

use crate::checksum::finding::Finding;
use crate::image::{Image, Span};

/// How often each byte of an image may be read: hashes of several kinds, images in images.
const TIMES: u64 = 32;

/// What to do where nothing here makes a field right again.
pub(super) const PACK: &str =
    "patch the file that is packed, and pack it behind this step with mkimage";

/// What is left to read.
pub(super) struct Effort {
    left: u64,
}

impl Effort {
    pub(super) fn of(image: &Image) -> Self {
        let stored: u64 = image.runs().iter().map(|run| run.len()).sum();
        Self {
            left: stored.saturating_mul(TIMES),
        }
    }

    /// Returns whether `bytes` more may be read.
    pub(super) const fn allows(&mut self, bytes: u64) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// Refuses all of `image`: what was not read may cover a slot.
pub(super) fn too_much(image: &Image, what: &str) -> Option<Finding> {
    let runs = image.runs();
    let all = Span::between(runs.first()?.start(), runs.last()?.end())?;
    let text = format!("{what}: more of them over the same bytes than can be checked");
    let mut finding = Finding::refused(all, text, PACK);
    finding.signed = false;
    Some(finding)
}
