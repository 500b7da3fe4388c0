//! Boards that are nothing but memory, for rehearsals: where no model of the chip is here, or where
//! the line's own programmer would write.
//!
//! They know no flash and refuse nothing; what is written is what is read back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Phase, ProgramError, Seen, Target, TargetError, Watch, holds};
use crate::image::{Edits, Span};
use crate::master::Master;
use crate::receipt::{ReadBack, Receipt};
use crate::recipe::Recipe;
use crate::seal::Sealed;
use crate::unit::Digest;

/// Hex digits of a number.
const DIGITS: usize = 16;

/// The boards of one rehearsal.
#[derive(Debug, Clone)]
pub struct StandIns {
    chip: String,
    /// Whether their chips tell a number.
    numbered: bool,
    /// What each holds where units differ, by its name.
    boards: Arc<Mutex<BTreeMap<String, Edits>>>,
}

impl StandIns {
    /// Makes boards of a recipe's chip; they have no number where its programmer tells none.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Option<Self> {
        let flash = recipe.flash.as_ref()?;
        let identify = flash.identify.as_ref();
        Some(Self {
            chip: flash.chip.clone(),
            numbered: identify.is_none_or(|identify| identify.command().is_some()),
            boards: Arc::default(),
        })
    }

    /// Takes the board of this name; a new one is erased.
    #[must_use]
    pub fn board(&self, name: &str) -> StandIn {
        StandIn {
            all: self.clone(),
            name: name.to_owned(),
        }
    }

    /// Returns the number of the board of this name: where serials are the chips' own numbers, its
    /// name is that.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<String> {
        let is_number = name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = || match is_number {
            true => name.to_ascii_lowercase(),
            false => {
                let digest = Digest::of(name.as_bytes()).to_string();
                digest.chars().take(DIGITS).collect()
            }
        };
        self.numbered.then(number)
    }
}

/// One board.
#[derive(Debug)]
pub struct StandIn {
    all: StandIns,
    name: String,
}

impl StandIn {
    /// Returns what it holds where units differ.
    fn held(&self) -> Edits {
        let boards = self.all.boards.lock();
        let boards = boards.unwrap_or_else(PoisonError::into_inner);
        boards.get(&self.name).cloned().unwrap_or_default()
    }

    /// Compares what it holds where units differ; it stores nothing else.
    fn compare(&self, sealed: &Sealed<'_>) -> Result<Receipt, TargetError> {
        let (held, mut read_back) = (self.held(), ReadBack::of(sealed));
        for span in sealed.master().changes() {
            read_back.compare(span, &held.bytes(span, 0xFF))?;
        }
        let receipt = read_back.receipt();
        Ok(receipt.map_err(|at| ProgramError::Differs { at })?)
    }
}

impl Target for StandIn {
    fn identify(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        watch.begin(Phase::Identify, 0);
        Ok(Some(Seen {
            chip: self.all.chip.clone(),
            compared: false,
            uid: self.all.number(&self.name),
            holds: holds::judge(master, &self.held()),
            simulated: true,
        }))
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError> {
        watch.begin(Phase::Program, 0);
        let mut own = Edits::new();
        for span in sealed.master().changes() {
            own.put(span.start(), &sealed.bytes(span)?);
        }
        let boards = self.all.boards.lock();
        let mut boards = boards.unwrap_or_else(PoisonError::into_inner);
        boards.insert(self.name.clone(), own);
        drop(boards);
        self.compare(sealed)
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        _: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        self.compare(sealed).map(Some)
    }

    fn read(&mut self, _: &[Span], _: &mut dyn Watch) -> Result<Edits, TargetError> {
        Ok(self.held())
    }
}
