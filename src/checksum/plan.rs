//! All checksums of a recipe: resolved, put in order, and proved on the untouched image.

use super::error::ChecksumError;
use super::field::{Checksum, State};
use super::finding::Finding;
use super::{detect, family, hint, order, resolve};
use crate::image::{Edits, Image};
use crate::recipe::{ChecksumSpec, Initial, Keys};
use crate::slot::Slot;

/// All checksums of a recipe, resolved, proved, and in the order that seals.
#[derive(Debug)]
pub struct Plan {
    checksums: Vec<Checksum>,
    left: Vec<(Finding, String)>,
}

impl Plan {
    /// Resolves `specs` against `image`, orders them, and proves them on the untouched image.
    ///
    /// # Errors
    /// Any [`ChecksumError`] but those of computing.
    pub fn prove(
        image: &Image,
        specs: &[ChecksumSpec],
        keys: &Keys,
        slots: &[Slot],
    ) -> Result<Self, ChecksumError> {
        let mut checksums = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            checksums.extend(resolve::checksum(image, spec, index)?);
        }
        let findings = family::findings(image);
        order::apart(image, &checksums, slots)?;
        detect::expand(image, &findings, specs, keys, slots, &mut checksums)?;
        order::apart(image, &checksums, slots)?;
        let mut plan = Self {
            checksums: order::inner_first(checksums)?,
            left: Vec::new(),
        };
        for checksum in &plan.checksums {
            if let Some(spec) = specs.get(checksum.index) {
                prove(image, checksum, spec)?;
            }
        }
        plan.left = detect::judge(findings, specs, slots, &plan.checksums)?;
        plan.fill_in(image)?;
        Ok(plan)
    }

    /// Returns the checksums, inner before outer.
    #[must_use]
    pub fn checksums(&self) -> &[Checksum] {
        &self.checksums
    }

    /// Returns the fields that the recipe leaves as they are, each with its reason.
    #[must_use]
    pub fn left(&self) -> &[(Finding, String)] {
        &self.left
    }

    /// Computes what `unset` checksums would get: the untouched image, sealed.
    fn fill_in(&mut self, image: &Image) -> Result<(), ChecksumError> {
        let mut edits = Edits::new();
        for checksum in &mut self.checksums {
            let unset = matches!(checksum.state, State::Unset(_));
            if !unset && edits.spans().next().is_none() {
                continue;
            }
            let value = checksum.compute(image, &edits)?;
            edits.put(checksum.at.start(), &value);
            if unset {
                checksum.state = State::Unset(value);
            }
        }
        Ok(())
    }
}

/// Shows that the untouched image stores what the recipe says it stores.
fn prove(image: &Image, checksum: &Checksum, spec: &ChecksumSpec) -> Result<(), ChecksumError> {
    let stored = checksum.stored(image)?;
    let at = checksum.at.start();
    if spec.initial == Initial::Unset {
        if hint::is_blank(&stored) {
            return Ok(());
        }
        return Err(ChecksumError::NotUnset {
            checksum: checksum.label.clone(),
            at,
            stored: checksum.value(stored),
        });
    }
    if checksum.is_current(image)? {
        return Ok(());
    }
    if checksum.is_signature() {
        return Err(ChecksumError::OtherKey {
            checksum: checksum.label.clone(),
            at,
        });
    }
    let computed = checksum.compute(image, &Edits::new())?;
    Err(ChecksumError::Wrong {
        checksum: checksum.label.clone(),
        at,
        hint: hint::search(image, spec, &stored),
        stored: checksum.value(stored),
        computed: checksum.value(computed),
    })
}
