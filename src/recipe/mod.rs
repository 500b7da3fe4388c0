//! The recipe: what the line knows about one product, in TOML.
//!
//! Reading checks what the text alone can tell; whether it fits the image is
//! proved by the stages. Paths in a recipe are relative to the recipe.

mod checksum;
mod command;
mod error;
mod flash;
mod keys;
mod label;
mod ledger;
mod makes;
mod mes;
mod nvs;
mod range;
mod serial;
mod shape;
mod slot;
mod store;
mod syntax;

pub use checksum::{Algorithm, ChecksumSpec, Complement, CrcModel, Except, Initial, Kind, Own};
pub use command::{CommandLine, Identify};
pub use error::RecipeError;
pub use flash::{Area, Chip, Connect, Mode, Precheck};
pub use keys::Keys;
pub use label::{LabelSpec, Organisation, PoolSpec, When};
pub use ledger::{HomeId, KeySource, LedgerSpec, LedgerUrl, SchemaName};
pub use mes::{HookSpec, MesDown, NestSpec};
pub(crate) use nvs::is_name;
pub use nvs::{EspNvs, ZephyrNvs};
pub use range::{Anchor, Bound, BoundError, Position, RangeSpec};
pub use serial::{Case, Pattern, ScanError, SerialFormat, SerialSource, SerialSpec};
pub use slot::{Blank, Locator, SlotSpec, SlotValue};
pub use store::{EspRow, StoreError, StoreKind, StoreSpec};

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::image::{Address, Format, Hint};
use crate::unit::Digest;

/// The only schema so far.
const SCHEMA: u32 = 1;

/// What the line knows about one product.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The product's name, as the ledger knows it.
    pub product: String,
    /// The template that the tokens belong to.
    pub template: Option<String>,
    /// The shared image.
    pub image: ImageSpec,
    /// A settings store that is made for every unit.
    pub nvs: Option<StoreSpec>,
    /// Where values go; at least one.
    pub slots: Vec<SlotSpec>,
    /// What covers them.
    pub checksums: Vec<ChecksumSpec>,
    /// Key files that were read for them; none is read here.
    pub keys: Keys,
    /// Where tokens come from.
    pub pool: Option<PoolSpec>,
    /// What serials look like, and where they come from.
    pub serial: SerialSpec,
    /// Where records go.
    pub ledger: Option<LedgerSpec>,
    /// How a unit is flashed.
    pub flash: Option<Chip>,
    /// The fixture's positions; empty where there is one.
    pub nests: Vec<NestSpec>,
    /// What the factory's system is told and asked.
    pub hook: HookSpec,
    /// Where labels go.
    pub label: LabelSpec,
    /// SHA-256 of the recipe's text, kept with every unit.
    pub digest: Digest,
    /// The folder that paths are relative to.
    folder: PathBuf,
}

/// The shared image and how to read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// The file; absent, the image is the settings store of the recipe alone.
    pub file: Option<PathBuf>,
    /// Its format; absent, content decides.
    pub format: Option<Format>,
    /// The load address of a BIN's first byte.
    #[serde(default, deserialize_with = "range::optional_address")]
    pub base: Option<Address>,
    /// Which family of a UF2 is meant, where it holds several.
    pub family: Option<u32>,
    /// An ELF that names places in an image that brings no names.
    pub symbols: Option<PathBuf>,
}

impl ImageSpec {
    /// Returns what the recipe says about how to read the image.
    #[must_use]
    pub const fn hint(&self) -> Hint {
        Hint {
            format: self.format,
            base: self.base,
            family: self.family,
        }
    }
}

/// The file's own shape; unknown keys are errors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    schema: Option<u32>,
    product: String,
    template: Option<String>,
    #[serde(default)]
    image: ImageSpec,
    nvs: Option<StoreSpec>,
    slot: Vec<SlotSpec>,
    #[serde(default)]
    checksum: Vec<ChecksumSpec>,
    pool: Option<PoolSpec>,
    #[serde(default)]
    serial: SerialSpec,
    ledger: Option<LedgerSpec>,
    flash: Option<Chip>,
    #[serde(default)]
    nest: Vec<NestSpec>,
    #[serde(default)]
    hook: HookSpec,
    #[serde(default)]
    label: LabelSpec,
}

impl Recipe {
    /// Reads a recipe from `text`; its paths are relative to `folder`.
    ///
    /// # Errors
    /// [`RecipeError`]: the text is no recipe.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, RecipeError> {
        let raw: Text = toml::from_str(text).map_err(|error| syntax::error(text, &error))?;
        let recipe = Self {
            product: raw.product,
            template: raw.template,
            image: raw.image,
            nvs: raw.nvs,
            slots: raw.slot,
            checksums: raw.checksum,
            keys: Keys::default(),
            pool: raw.pool,
            serial: raw.serial,
            ledger: raw.ledger,
            flash: raw.flash,
            nests: raw.nest,
            hook: raw.hook,
            label: raw.label,
            digest: Digest::of(text.as_bytes()),
            folder: folder.to_owned(),
        };
        match raw.schema {
            Some(schema) if schema != SCHEMA => Err(RecipeError::Schema { schema }),
            _ => recipe.checked(),
        }
    }

    /// Returns `path` as seen from the recipe.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Returns the same recipe with nothing at stake: simulated boards, ledger and labels in
    /// `folder`, no token list and no hooks.
    #[must_use]
    pub fn rehearsal(mut self, folder: &Path) -> Self {
        if let Some(flash) = &mut self.flash {
            flash.rehearse();
            flash.probe = self.nests.is_empty().then(|| "sim".to_owned());
        }
        for nest in &mut self.nests {
            "sim".clone_into(&mut nest.probe);
        }
        self.ledger = Some(LedgerSpec {
            url: LedgerUrl::Sqlite(folder.join("rehearsal.ledger")),
            key: None,
            home: None,
            mirror: None,
            schema: None,
        });
        self.label.dir = folder.join("labels");
        self.pool = None;
        self.hook = HookSpec::default();
        self
    }

    /// Returns the shared image's file as seen from here; none where the image is a store alone.
    #[must_use]
    pub fn image_file(&self) -> Option<PathBuf> {
        self.image.file.as_ref().map(|file| self.path(file))
    }

    /// Returns how people call the shared image: its file, or the store that it is.
    #[must_use]
    pub fn image_name(&self) -> String {
        match (&self.image.file, &self.nvs) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(store)) => format!("settings store at {}", store.at.start()),
            (None, None) => String::new(),
        }
    }

    /// Returns the extension of the shared image's file, and so of every unit's.
    #[must_use]
    pub fn image_extension(&self) -> Option<&OsStr> {
        match &self.image.file {
            Some(file) => file.extension(),
            None => Some(OsStr::new("bin")),
        }
    }

    /// Returns the folder that paths are relative to, and that commands work in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the ledger's address: the recipe's, or a file beside the recipe.
    #[must_use]
    pub fn ledger_url(&self) -> LedgerUrl {
        let url = self.ledger.as_ref().map(|ledger| ledger.url.clone());
        url.unwrap_or_else(LedgerUrl::beside_the_recipe)
    }

    /// Returns what names of files beside the ledger begin with: the ledger's own path, or one
    /// beside the recipe for a ledger on a server.
    #[must_use]
    pub fn ledger_base(&self) -> PathBuf {
        match self.ledger_url() {
            LedgerUrl::Sqlite(file) => self.path(&file),
            LedgerUrl::Postgres(_) => {
                let schema = self
                    .ledger
                    .as_ref()
                    .and_then(|ledger| ledger.schema.clone());
                let schema = schema.unwrap_or_default();
                self.path(Path::new(&format!("{}.postgres", schema.as_str())))
            }
        }
    }

    /// Refuses what no single key can tell.
    fn checked(mut self) -> Result<Self, RecipeError> {
        let named = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
        if !named(&self.product) {
            return Err(RecipeError::Product);
        }
        if !self
            .slots
            .iter()
            .any(|slot| slot.value == SlotValue::AuthToken)
        {
            return Err(RecipeError::NoTokenSlot);
        }
        self.check_store()?;
        if self.serial.source == SerialSource::Next && self.serial.format.is_none() {
            return Err(RecipeError::NoFormat);
        }
        let bind = self.pool.as_ref().and_then(|pool| pool.bind.as_ref());
        if self.serial.source == SerialSource::Pool && bind.is_none() {
            return Err(RecipeError::NoBind);
        }
        if let Some(flash) = &self.flash {
            flash
                .check()
                .map_err(|reason| RecipeError::Program { reason })?;
        }
        self.check_env()?;
        self.check_nests()
            .map_err(|reason| RecipeError::Nest { reason })?;
        self.hook
            .check()
            .map_err(|reason| RecipeError::Hook { reason })?;
        Ok(self)
    }

    /// Refuses a settings store that does not fit, and image and slots without the one they need.
    fn check_store(&mut self) -> Result<(), RecipeError> {
        let Some(store) = &self.nvs else {
            let reserved = |slot: &SlotSpec| match &slot.locator {
                Locator::EspNvs(place) => place.length.is_some(),
                Locator::ZephyrNvs(place) => place.length.is_some(),
                _ => false,
            };
            if self.slots.iter().any(reserved) {
                return Err(RecipeError::NoStore);
            }
            return match self.image.file {
                Some(_) => Ok(()),
                None => Err(RecipeError::NoImage),
            };
        };
        store
            .adopt(&mut self.slots)
            .map_err(|reason| RecipeError::Store { reason })?;
        if self.image.file.is_none() {
            if self.image != ImageSpec::default() {
                return Err(RecipeError::NoImage);
            }
            self.image.format = Some(Format::Bin);
            self.image.base = Some(store.at.start());
        }
        Ok(())
    }

    /// Refuses to hand the ledger's own secrets to commands.
    fn check_env(&self) -> Result<(), RecipeError> {
        let key = match self.ledger.as_ref().and_then(|ledger| ledger.key.as_ref()) {
            Some(KeySource::Env(name)) => Some(name.as_str()),
            _ => None,
        };
        let secret = |name: &&String| {
            let own = ["EOL_LEDGER_KEY", "PGPASSWORD", "PGPASSFILE"];
            key == Some(name.as_str()) || own.contains(&name.to_ascii_uppercase().as_str())
        };
        let reason =
            |name: &String| format!("env names {name}, which opens the ledger: no command gets it");
        let flash = self.flash.iter().flat_map(|flash| &flash.env).find(secret);
        if let Some(name) = flash {
            let reason = reason(name);
            return Err(RecipeError::Program { reason });
        }
        match self.hook.env.iter().find(secret) {
            Some(name) => Err(RecipeError::Hook {
                reason: reason(name),
            }),
            None => Ok(()),
        }
    }

    /// Tells what is wrong with the nests and the serials made from them.
    fn check_nests(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        let mut probes = BTreeSet::new();
        for nest in &self.nests {
            nest.check()?;
            if !names.insert(nest.name.to_lowercase()) {
                return Err(format!("two nests are named {}", nest.name));
            }
            // Every simulated nest has boards of its own.
            if !nest.probe.starts_with("sim") && !probes.insert(&nest.probe) {
                return Err(format!("two nests have the probe {}", nest.probe));
            }
        }
        let flash = self.flash.as_ref();
        if !self.nests.is_empty() && flash.is_none_or(|flash| flash.probe.is_some()) {
            return Err("nests name the probes: [flash] has a chip, and no probe".to_owned());
        }
        match &self.serial.panel {
            Some(_) if self.nests.is_empty() => {
                Err("`panel` under [serial] needs [[nest]]s".to_owned())
            }
            Some(panel) if !(panel.contains("{panel}") && panel.contains("{nest}")) => {
                Err("`panel` under [serial] must name {panel} and {nest}".to_owned())
            }
            _ => Ok(()),
        }
    }
}
