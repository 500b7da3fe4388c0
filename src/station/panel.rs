//! Scans for several nests: `A<TAB>serial`, or one panel number for all.

use super::error::{NestError, StationError};
use super::event::Event;
use crate::recipe::SerialSpec;
use crate::unit::Serial;

/// The serials of the next start, nest by nest.
#[derive(Debug, Default)]
pub(super) struct Panel {
    names: Vec<String>,
    serials: Vec<Option<Serial>>,
}

impl Panel {
    /// Goes on with a start of the nests with these names; what was scanned for them stays.
    pub(super) fn of_nests(self, names: Vec<String>) -> Self {
        let mut before: Vec<_> = self.names.into_iter().zip(self.serials).collect();
        let mut kept = |name: &String| {
            let mut found = before.iter_mut().filter(|(before, _)| before == name);
            found.next().and_then(|(_, serial)| serial.take())
        };
        let serials = names.iter().map(&mut kept).collect();
        Self { names, serials }
    }

    /// Takes a scan; returns the event of a nest that got another serial than it had.
    ///
    /// # Errors
    /// [`NestError`], or [`StationError::Scanned`] where there is no serial in it.
    pub(super) fn take(
        &mut self,
        spec: &SerialSpec,
        line: &str,
    ) -> Result<Option<Event>, StationError> {
        let read = |text: &str| spec.read(text).map_err(StationError::Scanned);
        if let Some(form) = &spec.panel {
            let number = line.trim();
            for (name, place) in self.names.iter().zip(&mut self.serials) {
                let serial = form.replace("{panel}", number).replace("{nest}", name);
                *place = Some(read(&serial)?);
            }
            return Ok(None);
        }
        let split = line.trim().split_once(['\t', ',', ';', ' ']);
        let (nest, serial) = split.ok_or(NestError::Unsaid)?;
        let nest = nest.trim();
        let mut names = self.names.iter();
        let Some(at) = names.position(|name| name.eq_ignore_ascii_case(nest)) else {
            let names = self.names.clone();
            return Err(NestError::Unknown { names }.into());
        };
        let serial = read(serial)?;
        for (name, other) in self.names.iter().zip(&self.serials) {
            let same = other
                .as_ref()
                .is_some_and(|other| other.folded() == serial.folded());
            if same && !name.eq_ignore_ascii_case(nest) {
                let nest = name.clone();
                return Err(NestError::Twice { nest, serial }.into());
            }
        }
        let place = self.serials.get_mut(at);
        let before = place.and_then(|place| place.replace(serial.clone()));
        let before = before.filter(|before| before.as_str() != serial.as_str());
        Ok(before.map(|before| Event::Replaced {
            nest: nest.to_owned(),
            serial,
            before,
        }))
    }

    /// Returns whether anything was scanned.
    pub(super) fn begun(&self) -> bool {
        self.serials.iter().any(Option::is_some)
    }

    /// Returns the nests that have no serial yet.
    pub(super) fn missing(&self) -> Vec<String> {
        let pairs = self.names.iter().zip(&self.serials);
        let missing = pairs.filter(|(_, serial)| serial.is_none());
        missing.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the serials in the order of the nests.
    pub(super) fn serials(self) -> Vec<Serial> {
        self.serials.into_iter().flatten().collect()
    }
}
