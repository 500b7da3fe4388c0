//! Looking at a board, and refusing one that must not be written. Nothing is written here.

use super::error::{BoardFault, ChipFault, FlashFault, ProbeFault};
use super::link::Link;
use super::map::Sector;
use super::saved_sectors::SavedSectors;
use super::sectors::{self, Part};
use super::{Attached, Probe, Sight};
use crate::image::{Address, Edits, Span};
use crate::master::Master;
use crate::recipe::{Mode, Precheck};
use crate::target::{Holds, Phase, Watch, holds};

impl Probe {
    /// Returns the attached target and what was seen; attaches where nothing was looked at yet.
    pub(super) fn ready(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<(&mut Link, &Sight), ProbeFault> {
        if self.seen().is_none() {
            self.identify_board(master, watch)?;
        }
        match &mut self.attached {
            Some(Attached {
                link,
                seen: Some(seen),
            }) => Ok((link, seen)),
            _ => Err(ProbeFault::Flash(FlashFault::Stopped)),
        }
    }

    /// Returns what was seen of the board, unless it was written since.
    pub(super) fn seen(&self) -> Option<&Sight> {
        self.attached.as_ref()?.seen.as_ref()
    }

    /// Attaches anew.
    pub(super) fn attach(&mut self) -> Result<&mut Attached, ProbeFault> {
        // One session at a time: the one before ends first.
        self.attached = None;
        let source = &self.source;
        let link = Link::new(&|| source.open(), &self.setup.attach)?;
        Ok(self.attached.insert(Attached { link, seen: None }))
    }

    /// Attaches and looks.
    pub(super) fn identify_board(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<(), ProbeFault> {
        watch.begin(Phase::Identify, 0);
        if self.setup.mode == Mode::Slot {
            self.source.prepare(master)?;
        }
        let mode = self.setup.mode;
        let Attached { link, seen } = self.attach()?;
        let number = link.number()?;
        let changes = master.changes();
        let (parts, read) = match mode {
            Mode::Slot => {
                let parts = read_sectors(link, &link.map.sectors(&changes)?, watch)?;
                let read = sectors::values(master, &parts);
                (parts, read)
            }
            Mode::Full => (Vec::new(), read_spans(link, &changes, watch)?),
        };
        let holds = match read {
            Ok(read) => holds::judge(master, &read),
            Err(at) => {
                refuse_protected(link, watch)?;
                Holds::Unreadable { at }
            }
        };
        *seen = Some(Sight {
            number,
            holds,
            parts,
        });
        Ok(())
    }

    /// Refuses a board that must not be written; nothing is written.
    pub(super) fn check_board(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<(), ProbeFault> {
        let setup = self.setup.clone();
        let (link, seen) = self.ready(master, watch)?;
        setup.fits(master, &link.map)?;
        if setup.mode == Mode::Full {
            return Ok(());
        }
        let checked = sectors::check(master, &seen.parts);
        // A board that a cut left torn is made whole where its journal says that the cut was ours.
        let whole = match (checked, self.saved(master)?) {
            (Ok(()), _) => self.setup.precheck == Precheck::Full,
            // Nothing vouches for the rest of a torn board.
            (Err(_), Some(_)) => true,
            (Err(fault), None) => return Err(fault),
        };
        if whole {
            self.check_rest(master, watch)?;
        }
        Ok(())
    }

    /// Compares everything that the image stores outside the sectors that slot mode writes.
    fn check_rest(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), ProbeFault> {
        let mut rest = self.setup.flashed(master.image());
        let (link, seen) = self.ready(master, watch)?;
        rest = Span::outside(rest, seen.parts.iter().map(|part| part.sector.span));
        watch.begin(Phase::Identify, rest.iter().map(|span| span.len()).sum());
        for span in rest {
            let stored = master.image().bytes(span)?;
            let found = link.read(span, watch)?;
            if let Some(at) = span.difference(&found, &stored) {
                return Err(ProbeFault::Board(BoardFault::Firmware { at }));
            }
        }
        Ok(())
    }

    /// Returns what an earlier run kept of this board, for the same image.
    pub(super) fn saved(&self, master: &Master) -> Result<Option<SavedSectors>, ProbeFault> {
        let Some(uid) = self.seen().and_then(|seen| seen.number.as_ref()) else {
            return Ok(None);
        };
        let journal = |source| ProbeFault::Board(BoardFault::Journal(source));
        let Some(bytes) = self.journal.kept(uid).map_err(journal)? else {
            return Ok(None);
        };
        let saved = SavedSectors::parse(&bytes).ok_or_else(|| journal("it is damaged".into()))?;
        if saved.image == master.digest() {
            return Ok(Some(saved));
        }
        Err(ProbeFault::Board(BoardFault::OtherImage {
            uid: uid.clone(),
        }))
    }
}

/// Tells a torn place from a chip whose flash is closed as a whole.
fn refuse_protected(link: &mut Link, watch: &mut dyn Watch) -> Result<(), ProbeFault> {
    let first = link.map.first().and_then(|first| Span::new(first, 4));
    match first.map(|first| link.read(first, watch)) {
        Some(Err(ProbeFault::Flash(FlashFault::Unreadable { at, source }))) => {
            let chip = link.chip.clone();
            Err(ProbeFault::Chip(ChipFault::Protected { chip, at, source }))
        }
        Some(Err(other)) => Err(other),
        _ => Ok(()),
    }
}

/// Reads sectors; one that cannot be read is noted.
fn read_sectors(
    link: &mut Link,
    sectors: &[Sector],
    watch: &mut dyn Watch,
) -> Result<Vec<Part>, ProbeFault> {
    let mut parts = Vec::with_capacity(sectors.len());
    for sector in sectors {
        let found = match link.read(sector.span, watch) {
            Ok(bytes) => Ok(bytes),
            Err(ProbeFault::Flash(FlashFault::Unreadable { at, .. })) => Err(at),
            Err(other) => return Err(other),
        };
        parts.push(Part {
            sector: *sector,
            found,
        });
    }
    Ok(parts)
}

/// Reads places; the inner error is the first address that cannot be read.
fn read_spans(
    link: &mut Link,
    spans: &[Span],
    watch: &mut dyn Watch,
) -> Result<Result<Edits, Address>, ProbeFault> {
    let mut read = Edits::new();
    for span in spans {
        match link.read(*span, watch) {
            Ok(bytes) => read.put(span.start(), &bytes),
            Err(ProbeFault::Flash(FlashFault::Unreadable { at, .. })) => return Ok(Err(at)),
            Err(other) => return Err(other),
        }
    }
    Ok(Ok(read))
}
