//! A nest that hangs holds nobody else.

use super::{Floor, Seat};
use crate::cli::error::{CliError, exit};
use crate::cli::unit::{Board, Ended, Place};

impl Floor<'_> {
    /// Takes a nest out of use that gives no sign: its unit keeps its claim, and is in doubt.
    pub(super) fn silence(&mut self) -> Result<(), CliError> {
        let limit = self.limit;
        let hung = |place: &Seat| {
            let silent = place.sign.is_some_and(|sign| sign.elapsed() > limit);
            place.alive && !place.waiting && silent
        };
        let Some(nest) = self.nests.iter().position(hung) else {
            return Ok(());
        };
        let Some(place) = self.nests.get_mut(nest) else {
            return Ok(());
        };
        place.alive = false;
        place.sign = None;
        self.hold();
        let Some(place) = self.nests.get_mut(nest) else {
            return Ok(());
        };
        let mut error = CliError::new(
            exit::DELIVERY,
            "deliver-no-sign",
            format!(
                "no sign of life for {} s: it is out of use until the program is started again",
                limit.as_secs()
            ),
        );
        error.doubt = true;
        let name = place.name.clone();
        let serial = place.serial.clone();
        let target = place.target;
        if self.nests.iter().all(|place| !place.alive) {
            self.stopped = Some("no nest is left".to_owned());
        }
        let ended = Ended {
            serial,
            attempt: None,
            result: Err(error),
            elapsed: limit,
            place: Place::Board(Board {
                target,
                nest: name.clone(),
                seen: None,
            }),
            label: None,
        };
        self.ended(&ended, name.as_deref())
    }
}
