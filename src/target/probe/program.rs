//! Writing a board, and reading back what was written.

use super::error::{BoardFault, FlashFault, ProbeFault};
use super::link::Load;
use super::map::Sector;
use super::saved_sectors::SavedSectors;
use super::sectors::{self, Bytes};
use super::{Attached, Probe};
use crate::image::{Edits, Span};
use crate::master::Master;
use crate::receipt::{ReadBack, Receipt};
use crate::recipe::Mode;
use crate::seal::Sealed;
use crate::target::{Effort, Holds, Phase, Watch};

impl Probe {
    /// Writes the whole image, and reads back every sector of it.
    fn write_image(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, ProbeFault> {
        let image = sealed.master().image();
        let runs = self.setup.flashed(image);
        let mut blocks = Vec::with_capacity(runs.len());
        for run in &runs {
            blocks.push((run.start(), sealed.bytes(*run)?));
        }
        let mut touched = self.touched;
        let (link, _) = self.ready(sealed.master(), watch)?;
        let sectors = link.map.sectors(&runs)?;
        let load = Load {
            blocks: &blocks,
            erase: Some(&sectors),
        };
        let outcome = link.write(&load, &mut touched, watch);
        self.touched = touched;
        outcome?;
        self.count(sectors.len(), runs.iter().map(|run| run.len()).sum());
        let total = sectors.iter().map(|sector| sector.span.len()).sum();
        watch.begin(Phase::ReadBack, total);
        let whole = sectors.iter().map(|sector| {
            let wanted = sectors::wanted(sealed, *sector, &Edits::new())?;
            Ok((sector.span, wanted))
        });
        self.read_back(sealed, whole, watch)
    }

    /// Writes the sectors of slots and checksums, and reads them back whole.
    fn write_sectors(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, ProbeFault> {
        let master = sealed.master();
        let saved = self.saved(master)?;
        let (link, seen) = self.ready(master, watch)?;
        let own = sectors::own(master, &seen.parts, saved.as_ref());
        let mut wanted: Vec<Bytes> = Vec::with_capacity(seen.parts.len());
        for part in &seen.parts {
            wanted.push(sectors::wanted(sealed, part.sector, &own)?);
        }
        // What a cut erase left may read as erased and not be.
        let whole = saved.is_none();
        let programs_blank = whole && link.family.is_some_and(|family| family.programs_blank);
        let work = sectors::plan(&seen.parts, &wanted, programs_blank);
        let spans: Vec<Span> = seen.parts.iter().map(|part| part.sector.span).collect();
        if !work.erase.is_empty() || !work.blank.is_empty() {
            if saved.is_none() {
                self.save_sectors(master, own)?;
            }
            self.carry_out(&work, watch)?;
        }
        watch.begin(Phase::ReadBack, spans.iter().map(|span| span.len()).sum());
        let whole = spans.into_iter().zip(wanted).map(Ok);
        self.read_back(sealed, whole, watch)
    }

    /// Makes the board's own bytes durable before anything is erased.
    fn save_sectors(&mut self, master: &Master, own: Edits) -> Result<(), ProbeFault> {
        let Some(seen) = self.seen() else {
            return Ok(());
        };
        let Some(uid) = seen.number.clone() else {
            let erased = seen.parts.first().map_or(0xFF, |part| part.sector.erased);
            return match sectors::written(&own, erased) {
                Some(at) => Err(ProbeFault::Board(BoardFault::NoNumber { at })),
                None => Ok(()),
            };
        };
        let image = master.digest();
        let saved = SavedSectors { image, own };
        self.journal
            .keep(&uid, &saved.to_bytes())
            .map_err(|source| ProbeFault::Board(BoardFault::Journal(source)))
    }

    /// Does what was planned: what is blank is only programmed.
    fn carry_out(&mut self, work: &sectors::Work, watch: &mut dyn Watch) -> Result<(), ProbeFault> {
        let Some(Attached { link, .. }) = &mut self.attached else {
            return Ok(());
        };
        if !work.blank.is_empty() {
            let load = Load {
                blocks: &work.blank,
                erase: None,
            };
            link.write(&load, &mut self.touched, watch)?;
        }
        if !work.erase.is_empty() {
            let sectors: Vec<Sector> = work.erase.iter().map(|(sector, _)| *sector).collect();
            let whole = work.erase.iter();
            let blocks: Vec<_> = whole
                .map(|(sector, bytes)| (sector.span.start(), bytes.clone()))
                .collect();
            let load = Load {
                blocks: &blocks,
                erase: Some(&sectors),
            };
            link.write(&load, &mut self.touched, watch)?;
        }
        let blocks = work.blank.iter().map(|(_, bytes)| bytes);
        let blocks = blocks.chain(work.erase.iter().map(|(_, bytes)| bytes));
        let bytes = blocks.map(|bytes| u64::try_from(bytes.len()).unwrap_or(0));
        self.count(work.erase.len(), bytes.sum());
        Ok(())
    }

    fn count(&mut self, sectors: usize, bytes: u64) {
        self.effort = Effort {
            erased_sectors: u64::try_from(sectors).ok(),
            programmed_bytes: Some(bytes),
        };
    }

    /// Reads places by plain reads, and compares each with what it shall hold.
    fn read_back(
        &mut self,
        sealed: &Sealed<'_>,
        places: impl Iterator<Item = Result<(Span, Bytes), ProbeFault>>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, ProbeFault> {
        let (link, _) = self.ready(sealed.master(), watch)?;
        let mut read_back = ReadBack::of(sealed);
        for place in places {
            let (span, wanted) = place?;
            let found = link.read(span, watch)?;
            // The sectors' other bytes are the board's own, or erased.
            let stored = read_back.compare(span, &found)?;
            if let Some(at) = span.difference(&found, &wanted).or(stored) {
                return Err(ProbeFault::Flash(FlashFault::Differs { at }));
            }
        }
        let receipt = read_back.receipt();
        receipt.map_err(|at| ProbeFault::Flash(FlashFault::Differs { at }))
    }

    /// Compares what the unit's image stores with the board: all of it, or in slot mode that part
    /// which lies in the sectors of slots and checksums.
    pub(super) fn compare(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, ProbeFault> {
        let image = sealed.master().image();
        let flashed = self.setup.flashed(image);
        let (_, seen) = self.ready(sealed.master(), watch)?;
        let spans: Vec<Span> = match seen.parts.as_slice() {
            [] => flashed,
            parts => parts
                .iter()
                .flat_map(|part| image.stored_within(part.sector.span))
                .collect(),
        };
        watch.begin(Phase::ReadBack, spans.iter().map(|span| span.len()).sum());
        let wanted = spans.into_iter();
        let wanted = wanted.map(|span| Ok((span, sealed.bytes(span)?)));
        self.read_back(sealed, wanted, watch)
    }

    /// Writes a unit to its board, unless exactly it is there, and lets the board boot.
    pub(super) fn program_unit(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, ProbeFault> {
        let master = sealed.master();
        self.check_board(master, watch)?;
        let (_, seen) = self.ready(master, watch)?;
        let ours = seen.holds == Holds::Token(sealed.fingerprint());
        let number = seen.number.clone();
        let cut = self.saved(master).ok().flatten().is_some();
        let finished = match ours && !cut {
            true => self.compare(sealed, watch).ok(),
            false => None,
        };
        let receipt = match (finished, self.setup.mode) {
            // The board was finished and nobody heard of it.
            (Some(receipt), _) => {
                self.count(0, 0);
                receipt
            }
            _ if watch.stop() => return Err(ProbeFault::Flash(FlashFault::Stopped)),
            (None, Mode::Slot) => self.write_sectors(sealed, watch)?,
            (None, Mode::Full) => self.write_image(sealed, watch)?,
        };
        if let Some(uid) = number {
            let forgotten = self.journal.forget(&uid);
            forgotten.map_err(|source| ProbeFault::Board(BoardFault::Forget(source)))?;
        }
        // What was seen is not so any more.
        if let Some(attached) = &mut self.attached {
            attached.seen = None;
            attached.link.boot()?;
        }
        Ok(receipt)
    }
}
