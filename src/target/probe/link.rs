//! One attached target: the calls to probe-rs, and what its errors mean.
//!
//! Nothing here knows slots, tokens or modes.

use std::sync::LazyLock;
use std::time::Duration;

use probe_rs::config::{Registry, Target};
use probe_rs::flashing::{DownloadOptions, FlashProgress, ProgressEvent, ProgressOperation};
use probe_rs::probe::Probe;
use probe_rs::{Core, MemoryInterface, Permissions, Session};
use zeroize::Zeroizing;

use super::chip::{Family, FlashSize};
use super::error::{Cause, ChipFault, FlashFault, ProbeFault, ReachFault};
use super::error_map::{fault, halting, unreadable};
use super::guard::{StopSignal, guard};
use super::map::{FlashMap, Sector};
use super::under_reset::prepare_under_reset;
use crate::image::{Address, Span};
use crate::recipe::Connect;
use crate::target::{Phase, Watch, said};

/// All targets that probe-rs knows: decoding them takes longer than flashing one.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::from_builtin_families);

/// A target without a family's own debug sequence, to look at a chip that may be another one.
const ANY: &str = "Cortex-M4";

/// How long a core may take to halt.
const PATIENCE: Duration = Duration::from_millis(500);

/// CODEPAGESIZE and CODESIZE of an nRF51 (Series Reference Manual 3.0, chapter 7).
const NRF51_PAGES: u64 = 0x1000_0010;

/// Bytes that are read between two looks at the watch.
const CHUNK: usize = 4096;

/// How a target is attached to.
#[derive(Debug, Clone)]
pub struct Attach {
    /// The chip, as probe-rs knows it.
    pub chip: String,
    /// The speed in kHz; absent, the probe's own.
    pub speed: Option<u32>,
    /// Whether the reset line is held meanwhile.
    pub connect: Connect,
}

/// What is written at once.
pub struct Load<'l> {
    /// The bytes, by address.
    pub blocks: &'l [(Address, Zeroizing<Vec<u8>>)],
    /// The sectors that may be erased; `None`: none is, the bytes are blank.
    pub erase: Option<&'l [Sector]>,
}

/// An attached target, halted.
pub struct Link {
    session: Session,
    signal: StopSignal,
    /// The chip's name in full.
    pub chip: String,
    pub family: Option<&'static Family>,
    pub map: FlashMap,
    /// Whether the core waits for a reset to run the unit's own program.
    halted: bool,
}

impl Link {
    /// Attaches, halts the core, and proves that the chip is the one that is meant.
    pub fn new(
        open: &dyn Fn() -> Result<Probe, ReachFault>,
        attach: &Attach,
    ) -> Result<Self, ProbeFault> {
        let signal = StopSignal::default();
        let target = target(&attach.chip)?;
        let family = Family::of(&target.name);
        let map = FlashMap::of(&target, family.map(|(family, _)| family));
        let chip = target.name.clone();
        let session = match session(open()?, target, attach, &signal) {
            Ok(session) => session,
            Err(fault @ ProbeFault::Chip(ChipFault::Locked(_))) => {
                return Err(another(open, attach, &chip).unwrap_or(fault));
            }
            Err(fault) => return Err(fault),
        };
        let mut link = Self {
            session,
            signal,
            chip,
            family: family.map(|(family, _)| family),
            map,
            halted: true,
        };
        link.with_core(|core| core.halt(PATIENCE).map(drop))
            .map_err(|error| halting(error.into()))?;
        if let Some((family, wanted)) = family {
            link.compare(family, wanted)?;
        }
        Ok(link)
    }

    fn with_core<T>(
        &mut self,
        work: impl FnOnce(&mut Core<'_>) -> Result<T, probe_rs::Error>,
    ) -> Result<T, probe_rs::Error> {
        work(&mut self.session.core(0)?)
    }

    fn word(&mut self, at: u64) -> Result<u32, ProbeFault> {
        let word = self.with_core(|core| core.read_word_32(at));
        word.map_err(|error| unreadable(Address::new(at), error.into()))
    }

    /// Compares identification registers and flash size with the chip that is meant.
    fn compare(&mut self, family: &Family, wanted: &[u32]) -> Result<(), ProbeFault> {
        if let Some((at, mask)) = family.identity() {
            match self.word(at) {
                Ok(found) if wanted.contains(&(found & mask)) => {}
                Ok(_) | Err(ProbeFault::Flash(FlashFault::Unreadable { .. })) => {
                    return Err(self.wrong());
                }
                Err(fault) => return Err(fault),
            }
        }
        let Some(size) = family.size else {
            return Ok(());
        };
        let found = match self.flash_size(size) {
            Ok(found) => found,
            Err(ProbeFault::Flash(FlashFault::Unreadable { .. })) => return Err(self.wrong()),
            Err(fault) => return Err(fault),
        };
        match found {
            Some(found) if found < self.map.size() => Err(ProbeFault::Chip(ChipFault::WrongChip {
                wanted: self.chip.clone(),
                found: format!("one of its kind with {found} bytes of flash"),
            })),
            Some(_) => Ok(()),
            None if family.identity().is_none() => Err(self.wrong()),
            // Early samples do not say.
            None => Ok(()),
        }
    }

    /// Reads the size of the flash in bytes; `None` for a number that means nothing.
    fn flash_size(&mut self, size: FlashSize) -> Result<Option<u64>, ProbeFault> {
        let kib = |size: u32| (1..=0x4000).contains(&size).then(|| u64::from(size) * 1024);
        Ok(match size {
            FlashSize::Half(at) => {
                let shift = if at & 2 == 0 { 0 } else { 16 };
                kib(self.word(at & !3)? >> shift & 0xFFFF)
            }
            FlashSize::Word(at) => kib(self.word(at)?),
            FlashSize::Pages(at) => {
                let (page, pages) = (u64::from(self.word(at)?), self.word(at + 4)?);
                let first = self.map.first().and_then(|at| Span::new(at, 1));
                let sectors = first.map(|first| self.map.sectors(&[first]));
                let fits = sectors
                    .and_then(Result::ok)
                    .and_then(|sectors| sectors.first().map(|sector| sector.span.len() == page));
                fits.unwrap_or(false)
                    .then(|| page.checked_mul(u64::from(pages)))
                    .flatten()
            }
        })
    }

    /// Says what chip it is instead.
    fn wrong(&mut self) -> ProbeFault {
        let found = with_session(&mut self.session);
        ProbeFault::Chip(ChipFault::WrongChip {
            wanted: self.chip.clone(),
            found: found.unwrap_or_else(|| "its registers show none that is known".to_owned()),
        })
    }

    /// Reads the chip's own number, where its family has one.
    pub fn number(&mut self) -> Result<Option<String>, ProbeFault> {
        let Some(family) = self.family else {
            return Ok(None);
        };
        let mut number = Vec::with_capacity(family.number.len());
        for at in family.number {
            number.push(self.word(*at)?);
        }
        let blank = |value: u32| number.iter().all(|word| *word == value);
        if blank(0) || blank(u32::MAX) {
            return Ok(None);
        }
        Ok(Some(
            number.iter().map(|word| format!("{word:08x}")).collect(),
        ))
    }

    /// Reads `span` by plain memory reads.
    pub fn read(
        &mut self,
        span: Span,
        watch: &mut dyn Watch,
    ) -> Result<Zeroizing<Vec<u8>>, ProbeFault> {
        // Whole words: a byte costs as much as a word.
        let skip = span.start().get() & 3;
        let first = span.start().get() - skip;
        let len = (skip + span.len()).next_multiple_of(4);
        let len = usize::try_from(len).unwrap_or(0);
        let mut bytes = Zeroizing::new(vec![0; len]);
        let mut at = first;
        for chunk in bytes.chunks_mut(CHUNK) {
            if watch.stop() {
                return Err(ProbeFault::Flash(FlashFault::Stopped));
            }
            let count = u64::try_from(chunk.len()).unwrap_or(0);
            if let Err(error) = self.with_core(|core| core.read(at, chunk)) {
                return Err(self.which(at, count, error.into()));
            }
            watch.advance(count);
            at += count;
        }
        let skip = usize::try_from(skip).unwrap_or(0);
        bytes.drain(..skip);
        bytes.truncate(usize::try_from(span.len()).unwrap_or(0));
        Ok(bytes)
    }

    /// Says which word of `count` bytes cannot be read.
    fn which(&mut self, from: u64, count: u64, error: Cause) -> ProbeFault {
        let fault = unreadable(Address::new(from), error);
        if !matches!(fault, ProbeFault::Flash(FlashFault::Unreadable { .. })) {
            return fault;
        }
        let mut words = (from..from + count).step_by(4);
        let failing = words.find_map(|at| self.word(at).err());
        failing.unwrap_or(fault)
    }

    /// Writes, by the chip's own flash algorithm; `touched` says whether it came to that.
    pub fn write(
        &mut self,
        load: &Load<'_>,
        touched: &mut bool,
        watch: &mut dyn Watch,
    ) -> Result<(), ProbeFault> {
        self.halted = true;
        let mut loader = self.session.target().flash_loader();
        for (at, bytes) in load.blocks {
            loader
                .add_data(at.get(), bytes)
                .map_err(|error| fault(error.into()))?;
        }
        let mut stray = None;
        let mut totals = Vec::new();
        let signal = self.signal.clone();
        let mut options = DownloadOptions::default();
        options.skip_erase = load.erase.is_none();
        options.progress = FlashProgress::new(|event| {
            if watch.stop() {
                signal.stop();
            }
            match event {
                ProgressEvent::FlashLayoutReady { flash_layout } => {
                    let mut sectors = flash_layout.iter().flat_map(|layout| layout.sectors());
                    let known = |at: u64, len: u64| {
                        load.erase.is_none_or(|known| {
                            known.iter().any(|sector| {
                                let span = sector.span;
                                span.start().get() == at && span.len() == len
                            })
                        })
                    };
                    if let Some(sector) =
                        sectors.find(|sector| !known(sector.address(), sector.size()))
                    {
                        stray = Some(sector.address());
                        signal.stop();
                    }
                }
                ProgressEvent::AddProgressBar { operation, total } => {
                    if let Some(phase) = phase(operation) {
                        totals.push((phase, total.unwrap_or(0)));
                    }
                }
                ProgressEvent::Started(operation) => {
                    if let Some(phase) = phase(operation) {
                        *touched = true;
                        let total = totals.iter().find(|(of, _)| *of == phase);
                        watch.begin(phase, total.map_or(0, |(_, total)| *total));
                    }
                }
                ProgressEvent::Progress {
                    operation, size, ..
                } if phase(operation).is_some() => watch.advance(size),
                _ => {}
            }
        });
        let written = loader.commit(&mut self.session, options);
        let stopped = self.signal.is_stopped();
        self.signal.rearm();
        match (written, stray) {
            (Ok(()), None) => Ok(()),
            (_, Some(at)) => Err(ProbeFault::Flash(FlashFault::Algorithm(
                format!("it would erase {at:#010x}, which was not read before").into(),
            ))),
            (Err(_), None) if stopped => Err(ProbeFault::Flash(FlashFault::Stopped)),
            (Err(error), None) => Err(fault(error.into())),
        }
    }

    /// Resets the core, so that it runs what is in its flash now.
    pub fn boot(&mut self) -> Result<(), ProbeFault> {
        if !self.halted {
            return Ok(());
        }
        self.with_core(|core| core.reset())
            .map_err(|error| halting(error.into()))?;
        self.halted = false;
        Ok(())
    }
}

/// Which phase an operation is; filling and the library's own verifying are none.
const fn phase(operation: ProgressOperation) -> Option<Phase> {
    match operation {
        ProgressOperation::Erase => Some(Phase::Erase),
        ProgressOperation::Program => Some(Phase::Program),
        _ => None,
    }
}

/// Finds a chip by its name.
pub fn target(name: &str) -> Result<Target, ProbeFault> {
    REGISTRY.get_target_by_name(name).map_err(|error| {
        ProbeFault::Chip(ChipFault::Chip {
            name: name.to_owned(),
            source: error.into(),
        })
    })
}

fn session(
    mut probe: Probe,
    mut target: Target,
    attach: &Attach,
    signal: &StopSignal,
) -> Result<Session, ProbeFault> {
    if let Some(khz) = attach.speed {
        probe.set_speed(khz).map_err(|error| {
            ProbeFault::Reach(ReachFault::Speed {
                khz,
                source: said::error(&error).into(),
            })
        })?;
    }
    // A probe that cannot be stopped works all the same.
    let probe = guard(probe, signal.clone()).unwrap_or_else(|probe| probe);
    // Nothing is ever erased to open a chip: that would be a guess.
    let allowed = Permissions::default();
    let session = match attach.connect {
        Connect::Normal => probe.attach_with_registry(target, allowed, &REGISTRY),
        Connect::UnderReset => {
            prepare_under_reset(&mut target);
            probe.attach_under_reset_with_registry(target, allowed, &REGISTRY)
        }
    };
    session.map_err(|error| fault(error.into()))
}

/// Tells a locked chip from one of another maker: to the debug sequence of an nRF both look alike.
fn another(
    open: &dyn Fn() -> Result<Probe, ReachFault>,
    attach: &Attach,
    wanted: &str,
) -> Option<ProbeFault> {
    let target = target(ANY).ok()?;
    let mut session = session(open().ok()?, target, attach, &StopSignal::default()).ok()?;
    Some(ProbeFault::Chip(ChipFault::WrongChip {
        wanted: wanted.to_owned(),
        found: with_session(&mut session)?,
    }))
}

/// Says which known family shows itself.
fn with_session(session: &mut Session) -> Option<String> {
    let mut core = session.core(0).ok()?;
    let found = Family::registers().find_map(|(at, mask, family)| {
        let found = core.read_word_32(at).ok()? & mask;
        let name = family.name;
        family
            .shows(found)
            .then(|| format!("a chip of {name}, {at:#010x} shows {found:#x}"))
    });
    found.or_else(|| {
        // The only known one without such a register has pages of another size.
        let mut pages = [0; 2];
        core.read_32(NRF51_PAGES, &mut pages).ok()?;
        matches!(pages, [0x400, 0x80 | 0x100]).then(|| "a chip of nRF51".to_owned())
    })
}
