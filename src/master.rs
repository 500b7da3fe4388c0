//! The Master, and patching it with one unit's values.
//!
//! A [`Master`] is proved once a batch; after that a unit costs its own bytes only. A
//! [`Patched`] image gives no bytes away: only [`crate::seal::seal`] takes it further.

mod error;

pub use error::{MasterError, PatchError};

use std::collections::BTreeMap;
use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::checksum::{ChecksumError, Plan, Stamps};
use crate::image::{Edits, Image, Span};
use crate::protected::{self, Holder};
use crate::recipe::{Recipe, SlotValue};
use crate::slot::{self, Slot};
use crate::unit::{AuthToken, Digest, Fingerprint, Serial, Values};

/// The shared image, proved: its slots are blank and single, its checksums true.
#[derive(Debug)]
pub struct Master {
    image: Image,
    slots: Vec<Slot>,
    plan: Plan,
    digest: Digest,
    /// Made with the first unit: who only proves or checks has no use for it.
    stamps: OnceLock<Stamps>,
}

impl Master {
    /// Proves that `image` is what `recipe` describes.
    ///
    /// ```
    /// # use std::error::Error;
    /// use eol_inject::seal::seal;
    /// use eol_inject::image::{Address, Hint, Image};
    /// use eol_inject::master::{Master, apply};
    /// use eol_inject::recipe::Recipe;
    /// use eol_inject::unit::{AuthToken, Values};
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let recipe = Recipe::parse(
    ///     r#"
    ///         product = "GW-100"
    ///         [image]
    ///         file = "gw100.bin"
    ///         [[slot]]
    ///         value = "auth-token"
    ///         address = 0x10
    ///         size = 40
    ///         [[checksum]]
    ///         kind = "sum32"
    ///         over = ["start..end-4"]
    ///         at = { address = "end-4" }
    ///     "#,
    ///     ".".as_ref(),
    /// )?;
    /// let base = Some(Address::new(0));
    /// let image = Image::read(vec![0; 64], Hint { base, ..Hint::default() })?;
    /// let master = Master::prove(image, &recipe)?;
    ///
    /// let values = Values {
    ///     serial: "GW000019".parse()?,
    ///     token: AuthToken::parse(b"abcdefghijklmnopqrstuvwxyz_-0123")?,
    ///     columns: [].into(),
    /// };
    /// let sealed = seal(apply(&master, &values)?)?;
    /// assert_eq!(sealed.changed_bytes(), 32 + 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MasterError`] with the first thing that is not.
    pub fn prove(image: Image, recipe: &Recipe) -> Result<Self, MasterError> {
        image.changeable().map_err(MasterError::Container)?;
        same_template(&image, recipe)?;
        let mut slots: Vec<Slot> = Vec::with_capacity(recipe.slots.len());
        for spec in &recipe.slots {
            let slot = slot::locate(&image, spec).map_err(|source| MasterError::Slot {
                value: spec.value.clone(),
                source,
            })?;
            let shared = |other: &&Slot| other.span().intersection(slot.span()).is_some();
            if let Some(first) = slots.iter().find(shared) {
                return Err(MasterError::SlotsOverlap {
                    first: first.value().clone(),
                    second: slot.value().clone(),
                    at: first.span(),
                    other: slot.span(),
                });
            }
            slots.push(slot);
        }
        slot::alone(&image, &slots).map_err(|(index, source)| MasterError::Slot {
            value: slots
                .get(index)
                .map_or(SlotValue::AuthToken, |slot| slot.value().clone()),
            source,
        })?;
        let plan = Plan::prove(&image, &recipe.checksums, &recipe.keys, &slots)?;
        readable(&image, &slots, &plan)?;
        unprotected(&image, recipe, &slots, &plan)?;
        let digest = Digest::of(image.container());
        Ok(Self {
            image,
            slots,
            plan,
            digest,
            stamps: OnceLock::new(),
        })
    }

    /// Returns the untouched image.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// Returns the slots, in the recipe's order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns the checksums.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the SHA-256 of the untouched container.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what every unit's checksums start from.
    pub(crate) fn stamps(&self) -> Result<&Stamps, ChecksumError> {
        if let Some(stamps) = self.stamps.get() {
            return Ok(stamps);
        }
        let stamps = Stamps::new(&self.image, &self.plan, &self.changes())?;
        // Units that start at once may each make them; all make the same.
        Ok(self.stamps.get_or_init(|| stamps))
    }

    /// Refuses a serial that its slot does not take, before it costs a token.
    ///
    /// # Errors
    /// [`PatchError::Slot`]
    pub fn accept(&self, serial: &Serial) -> Result<(), PatchError> {
        let takes = |slot: &&Slot| *slot.value() == SlotValue::Serial;
        for slot in self.slots.iter().filter(takes) {
            encode(slot, serial.as_str().as_bytes())?;
        }
        Ok(())
    }

    /// Refuses what a token list says of one token where a slot does not take it, before a unit
    /// gets the token.
    ///
    /// # Errors
    /// [`PatchError`]
    pub fn accept_listed(
        &self,
        token: &AuthToken,
        columns: &BTreeMap<String, Zeroizing<String>>,
    ) -> Result<(), PatchError> {
        for slot in &self.slots {
            match slot.value() {
                SlotValue::AuthToken => drop(encode(slot, token.expose())?),
                SlotValue::Column(header) => drop(encode(slot, column(columns, header)?)?),
                SlotValue::Serial => {}
            }
        }
        Ok(())
    }

    /// Returns all load addresses that a unit may change, in order: slots and checksums.
    #[must_use]
    pub fn changes(&self) -> Vec<Span> {
        let slots = self.slots.iter().map(Slot::span);
        let fields = self.plan.checksums().iter().map(|checksum| checksum.at());
        let mut changes: Vec<Span> = slots.chain(fields).collect();
        changes.sort();
        changes
    }
}

/// Refuses values over the headers that the unit's file is read by.
fn readable(image: &Image, slots: &[Slot], plan: &Plan) -> Result<(), MasterError> {
    let tables = image.own_tables();
    let slots = slots
        .iter()
        .map(|slot| (slot.span(), format!("the slot for {}", slot.value())));
    let checksums = plan
        .checksums()
        .iter()
        .map(|checksum| (checksum.at(), checksum.name().to_owned()));
    for (at, what) in slots.chain(checksums) {
        let mut hit = tables.iter().filter_map(|table| table.intersection(at));
        if let Some(tables) = hit.next() {
            return Err(MasterError::OwnTables { what, at, tables });
        }
    }
    Ok(())
}

/// Refuses a slot or checksum in a protected range, unless the recipe asks for it there.
fn unprotected(
    image: &Image,
    recipe: &Recipe,
    slots: &[Slot],
    plan: &Plan,
) -> Result<(), MasterError> {
    let chip = recipe.flash.as_ref().map(|flash| flash.chip.as_str());
    let ranges = protected::ranges(image, chip);
    let refuse = |what, at, range: &protected::Protected| MasterError::Protected {
        what,
        at,
        name: range.name,
        range: range.span,
    };
    for (slot, spec) in slots.iter().zip(&recipe.slots) {
        let hit = protected::hit(&ranges, slot.span(), Holder::Slot);
        if let Some(range) = hit.filter(|_| !spec.allow_protected) {
            let what = format!("the slot for {}", slot.value());
            return Err(refuse(what, slot.span(), range));
        }
    }
    for checksum in plan.checksums() {
        let spec = recipe.checksums.get(checksum.index());
        // What is found by structure stands where the device reads it.
        let meant = spec.is_none_or(|spec| spec.allow_protected || spec.at.is_none());
        let hit = protected::hit(&ranges, checksum.at(), Holder::Checksum);
        if let Some(range) = hit.filter(|_| !meant) {
            return Err(refuse(checksum.name().to_owned(), checksum.at(), range));
        }
    }
    Ok(())
}

/// Refuses an image that was built for another template.
fn same_template(image: &Image, recipe: &Recipe) -> Result<(), MasterError> {
    let tag = image.blnkinf()?;
    let built_for = tag.as_ref().and_then(|tag| tag.get("fw-type"));
    match (&recipe.template, built_for) {
        (Some(recipe), Some(image)) if recipe != image => Err(MasterError::Template {
            recipe: recipe.clone(),
            image: image.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A Master with one unit's values in its slots; its checksums are not true yet.
pub struct Patched<'m> {
    master: &'m Master,
    edits: Edits,
    serial: Serial,
    fingerprint: Fingerprint,
}

impl<'m> Patched<'m> {
    /// Hands everything to the sealing stage.
    pub(crate) fn into_parts(self) -> (&'m Master, Edits, Serial, Fingerprint) {
        (self.master, self.edits, self.serial, self.fingerprint)
    }
}

/// Shows places only.
impl std::fmt::Debug for Patched<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patched")
            .field("serial", &self.serial)
            .field("fingerprint", &self.fingerprint)
            .field("edits", &self.edits)
            .finish_non_exhaustive()
    }
}

/// Puts one unit's values into the slots.
///
/// # Errors
/// [`PatchError`]: a slot does not take its value, or the token list has no such column.
pub fn apply<'m>(master: &'m Master, values: &Values) -> Result<Patched<'m>, PatchError> {
    let mut edits = Edits::new();
    for slot in master.slots() {
        let value = match slot.value() {
            SlotValue::AuthToken => values.token.expose().as_slice(),
            SlotValue::Serial => values.serial.as_str().as_bytes(),
            SlotValue::Column(header) => column(&values.columns, header)?,
        };
        edits.put(slot.span().start(), &encode(slot, value)?);
    }
    Ok(Patched {
        master,
        edits,
        serial: values.serial.clone(),
        fingerprint: values.token.fingerprint(),
    })
}

/// Returns what the token list says under a header.
fn column<'c>(
    columns: &'c BTreeMap<String, Zeroizing<String>>,
    header: &str,
) -> Result<&'c [u8], PatchError> {
    let missing = || PatchError::NoColumn {
        header: header.to_owned(),
    };
    Ok(columns.get(header).ok_or_else(missing)?.as_bytes())
}

/// Returns a slot's new content, and says which value it is that does not fit.
fn encode(slot: &Slot, value: &[u8]) -> Result<Zeroizing<Vec<u8>>, PatchError> {
    slot.encode(value).map_err(|source| PatchError::Slot {
        value: slot.value().clone(),
        source,
    })
}
