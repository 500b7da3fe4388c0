//! The line's own programmer, run as commands: the same order of effects as with a probe.
//!
//! The image goes through an owner-only temporary file that is removed whatever happens; a token
//! is never in an argument or the environment. Nothing here knows which programmer it is.

mod error;
mod work;

pub use error::ProgramError;

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use self::work::{Call, Work};
use super::holds;
use super::{Phase, Seen, Target, TargetError, Watch};
use crate::image::{Edits, Image, Span};
use crate::ledger::RunLock;
use crate::master::Master;
use crate::process::{self, Environment, Nest, Setting};
use crate::receipt::{ReadBack, Receipt};
use crate::recipe::{CommandLine, Identify, Recipe};
use crate::seal::Sealed;

/// What a programmer is: its commands, and how they are run.
#[derive(Debug, Clone)]
pub struct Programmer {
    chip: String,
    program: CommandLine,
    readback: CommandLine,
    identify: Option<CommandLine>,
    /// What stands for `{probe}`: which of several programmers.
    probe: String,
    /// Extension of the image's file: programmers go by it.
    extension: String,
    setting: Setting,
    /// Where the lock of what it reaches is.
    nest: PathBuf,
}

impl Programmer {
    /// Takes the programmer of a recipe, if it has one; `probe` stands for `{probe}`.
    #[must_use]
    pub fn of(recipe: &Recipe, probe: Option<&str>) -> Option<Self> {
        let flash = recipe.flash.as_ref()?;
        let program = flash.program.clone()?;
        let extension = recipe.image_extension().unwrap_or_default();
        let probe = probe.or(flash.probe.as_deref()).unwrap_or_default();
        let identify = flash.identify.as_ref().and_then(Identify::command);
        let commands = [Some(&program), flash.readback.as_ref(), identify];
        let named = commands
            .into_iter()
            .flatten()
            .any(|command| command.names("probe"));
        // Whatever the tool: two that name one port reach one board.
        let nest = match probe {
            probe if named && !probe.is_empty() => probe,
            _ => program.program(),
        };
        Some(Self {
            chip: flash.chip.clone(),
            nest: Nest::place(nest),
            program,
            readback: flash.readback.clone()?,
            identify: flash.identify.as_ref().and_then(Identify::command).cloned(),
            probe: probe.to_owned(),
            extension: extension.to_string_lossy().into_owned(),
            setting: Setting {
                folder: recipe.folder().to_owned(),
                limit: Duration::from_secs(flash.timeout),
                environment: Environment::Listed(flash.env.clone()),
            },
        })
    }
}

impl Programmer {
    /// Makes sure that every command can be started, before a board is there: it is found, there is
    /// room for its files, and none that was started before is still at work.
    ///
    /// # Errors
    /// [`ProgramError::Start`], [`ProgramError::Temporary`] and [`ProgramError::Busy`]
    pub fn at_hand(&self) -> Result<(), ProgramError> {
        let commands = [
            self.identify.as_ref(),
            Some(&self.readback),
            Some(&self.program),
        ];
        for command in commands.into_iter().flatten() {
            let program = command.program();
            let found = process::find(program, &self.setting.folder);
            found.map_err(|source| ProgramError::Start {
                program: program.to_owned(),
                source,
            })?;
        }
        Work::new()?;
        match Nest::take(&self.nest) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ProgramError::Busy {
                program: self.program.program().to_owned(),
                lock: self.nest.clone(),
            }),
            Err(source) => Err(ProgramError::Temporary { source }),
        }
    }

    /// Returns what stands for `{probe}`.
    #[must_use]
    pub fn probe(&self) -> &str {
        &self.probe
    }
}

/// One board on the line's own programmer.
#[derive(Debug)]
pub struct Program {
    programmer: Programmer,
    /// What keeps the claim of the unit in hand alive.
    lock: RunLock,
    /// The number of the board that was identified.
    number: Option<String>,
}

impl Program {
    /// Takes the board that is on `programmer`.
    #[must_use]
    pub fn new(programmer: Programmer) -> Self {
        Self {
            programmer,
            lock: RunLock::default(),
            number: None,
        }
    }

    fn call<'c>(&'c self, command: &'c CommandLine) -> Call<'c> {
        Call {
            command,
            probe: &self.programmer.probe,
            setting: &self.programmer.setting,
            nest: &self.programmer.nest,
            lock: &self.lock,
        }
    }

    /// Asks for the chip's own number.
    fn uid(&self) -> Result<Option<String>, TargetError> {
        let Some(identify) = &self.programmer.identify else {
            return Ok(None);
        };
        let said = self.call(identify).run(&|_| String::new())?;
        let uid = number(&String::from_utf8_lossy(&said));
        let program = identify.program().to_owned();
        Ok(Some(uid.ok_or(ProgramError::NoNumber { program })?))
    }

    /// Makes sure that the board is still the one that was identified. Between two commands nobody
    /// holds it, and the record ties the token to its number.
    fn still_there(&self) -> Result<(), TargetError> {
        let Some(before) = &self.number else {
            return Ok(());
        };
        match self.uid()? {
            Some(now) if now != *before => {
                let before = before.clone();
                Err(ProgramError::Swapped { before, now }.into())
            }
            _ => Ok(()),
        }
    }

    /// Hands the image to the programmer.
    fn write(&self, sealed: &Sealed<'_>, watch: &mut dyn Watch) -> Result<(), TargetError> {
        let container = Zeroizing::new(sealed.container()?);
        let program = &self.programmer.program;
        let work = Work::new()?;
        let file = work.file(&format!("image.{}", self.programmer.extension));
        work.write(&file, &container)?;
        watch.begin(Phase::Program, 0);
        let all = stored_range(sealed.master().image());
        let place = |of: fn(Span) -> u64| all.map_or(0, of);
        self.call(program).run(&|name| match name {
            "image" => file.display().to_string(),
            "serial" => sealed.serial().to_string(),
            "address" => format!("{:#x}", place(|span| span.start().get())),
            "size" => format!("{:#x}", place(Span::len)),
            "length" => place(Span::len).to_string(),
            _ => String::new(),
        })?;
        Ok(())
    }

    /// Returns what was found out, unless the board was changed under it: that says more.
    fn on_the_same_board<T>(&self, found: Result<T, TargetError>) -> Result<T, TargetError> {
        match self.still_there() {
            Err(error) if error.swapped() => Err(error),
            still => found.and_then(|found| still.map(|()| found)),
        }
    }

    /// Reads `spans` of the board.
    fn dumps(&self, spans: &[Span], whole: Option<Span>) -> Result<Edits, TargetError> {
        let readback = &self.programmer.readback;
        let mut read = Edits::new();
        let work = Work::new()?;
        // Without places, one dump goes from the first stored byte on.
        let one = whole.filter(|_| !readback.names("address"));
        let spans = one.as_ref().map_or(spans, std::slice::from_ref);
        for span in spans {
            read.put(span.start(), &self.dump(&work, *span)?);
        }
        Ok(read)
    }

    /// Reads `span` of the board into a file, and that.
    fn dump(&self, work: &Work, span: Span) -> Result<Zeroizing<Vec<u8>>, TargetError> {
        let readback = &self.programmer.readback;
        let file = work.file("dump.bin");
        let text = file.display().to_string();
        self.call(readback).run(&|name| match name {
            "dump" => text.clone(),
            "address" => format!("{:#x}", span.start().get()),
            "size" => format!("{:#x}", span.len()),
            "length" => span.len().to_string(),
            _ => String::new(),
        })?;
        let mut bytes = work.take(&file).map_err(|source| ProgramError::NoDump {
            program: readback.program().to_owned(),
            source,
        })?;
        let wanted = usize::try_from(span.len()).unwrap_or(usize::MAX);
        if bytes.len() < wanted {
            let program = readback.program().to_owned();
            let found = bytes.len();
            return Err(ProgramError::ShortDump {
                program,
                found,
                wanted,
            }
            .into());
        }
        bytes.truncate(wanted);
        Ok(bytes)
    }

    /// Reads everything that a unit's image stores, and compares.
    fn compare(&self, sealed: &Sealed<'_>, watch: &mut dyn Watch) -> Result<Receipt, TargetError> {
        let image = sealed.master().image();
        let runs = image.runs();
        watch.begin(Phase::ReadBack, runs.iter().map(|run| run.len()).sum());
        let read = self.dumps(&runs, stored_range(image))?;
        let mut read_back = ReadBack::of(sealed);
        for run in &runs {
            if let Some(at) = read_back.compare(*run, &read.bytes(*run, 0))? {
                return Err(ProgramError::Differs { at }.into());
            }
            watch.advance(run.len());
        }
        let receipt = read_back.receipt();
        Ok(receipt.map_err(|at| ProgramError::Differs { at })?)
    }
}

impl Target for Program {
    fn identify(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        watch.begin(Phase::Identify, 0);
        let uid = self.uid()?;
        let read = self.dumps(&master.changes(), stored_range(master.image()))?;
        if uid
            .as_deref()
            .is_some_and(|uid| holds::shows(master, &read, uid))
        {
            let identify = self.programmer.identify.as_ref();
            let program = identify.map_or("", CommandLine::program).to_owned();
            return Err(ProgramError::NumberHeld { program }.into());
        }
        self.number.clone_from(&uid);
        Ok(Some(Seen {
            chip: self.programmer.chip.clone(),
            compared: false,
            uid,
            holds: holds::judge(master, &read),
            simulated: false,
        }))
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError> {
        let made = match self.write(sealed, watch) {
            Err(error) if !error.touched() => return Err(error),
            written => written.and_then(|()| self.compare(sealed, watch)),
        };
        self.on_the_same_board(made).map_err(TargetError::written)
    }

    fn hold(&mut self, lock: RunLock) {
        self.lock = lock;
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        let same = self.compare(sealed, watch);
        self.on_the_same_board(same).map(Some)
    }

    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, TargetError> {
        watch.begin(Phase::ReadBack, spans.iter().map(|span| span.len()).sum());
        let first = spans.iter().map(|span| span.start()).min();
        let last = spans.iter().map(|span| span.end()).max();
        let whole = first
            .zip(last)
            .and_then(|(first, last)| Span::between(first, last));
        self.dumps(spans, whole)
    }

    /// A programmer resets the board itself.
    fn release(&mut self) -> Result<(), TargetError> {
        self.lock = RunLock::default();
        Ok(())
    }
}

/// Returns everything between the first and the last stored byte.
fn stored_range(image: &Image) -> Option<Span> {
    let runs = image.runs();
    let (first, last) = runs.first().zip(runs.last())?;
    Span::between(first.start(), last.end())
}

/// Finds the chip's own number in what `identify` printed.
///
/// It is what follows `uid` or `mac` and a colon or equals sign, at the start of a line and in
/// any case; or the only line there is. Hex digits, with `:`, `-` or spaces between.
fn number(said: &str) -> Option<String> {
    let named = said.lines().find_map(|line| {
        let (name, value) = line.split_once([':', '='])?;
        let name = name.trim().to_ascii_lowercase();
        matches!(name.as_str(), "uid" | "mac").then_some(value)
    });
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let only = || {
        let first = lines.next()?;
        lines.next().is_none().then_some(first)
    };
    let text = named.or_else(only)?;
    let digits: String = text
        .trim()
        .trim_start_matches("0x")
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | ' '))
        .collect();
    let fits = (4..=64).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    fits.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_as_documented() {
        let found = |text: &str| number(text).unwrap_or_default();
        assert_eq!(found("uid: 0123ABCD\n"), "0123abcd");
        assert_eq!(
            found("esptool v5\nMAC: 24:0a:c4:12:34:56\nbye\n"),
            "240ac4123456"
        );
        assert_eq!(found("\n0x9F02 71C4\n"), "9f0271c4");
        assert_eq!(found("one\ntwo\n"), "");
        assert_eq!(found("uid: none"), "");
    }
}
