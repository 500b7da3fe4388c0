//! The rules of the ledger, written once, over any back end's tables.

mod adopt;
mod attest;
mod audit;
mod claim;
mod complete;
mod doubt;
mod finish;
mod import;
mod join;
mod merge;
mod met;
mod parts;
mod places;
mod proof;
#[cfg(feature = "seal")]
pub(super) mod rebuild;
mod replay;
pub(super) mod restore;
mod rework;
mod rows;
mod sites;
mod split;
mod steps;
mod undo;
mod witness;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::audit::FORGED;
#[cfg(feature = "sqlite")]
pub use self::audit::tokens_digest;
#[cfg(feature = "sqlite")]
pub use self::merge::bring;
#[cfg(feature = "seal")]
pub use self::parts::ledger_number;
#[cfg(feature = "sqlite")]
pub use self::parts::{PART_OF, SIGNATURE};

use super::event::{self, Body, Kind};
#[cfg(feature = "seal")]
use super::mirror::History;
use super::part::{Handing, Merge, Part, PartOf, Return, Share};
use super::recipient::Recipient;
#[cfg(feature = "seal")]
use super::restore::Replayed;
use super::restore::{Clear, Cleared, SetAside, Sighting, Witnessed};
use super::tables::{Frame, Order, Tables, TokenRow, TokenState, UnitRow};
use super::{
    Actor, Adopted, Attempt, Attested, Audit, Claim, Entry, Event, Evidence, Failure, Finding,
    Import, Ledger, LedgerError, Mapping, Met, Preview, ReadyToken, Receipt, Refusal, Reservation,
    Revealed, Rework, Reworked, Spot, Stock, TokenRecord, UnitRecord, UnitState,
};
use crate::pool::Pool;
use crate::recipe::SerialFormat;
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};

/// Fact: whether the units are real or simulated.
pub const SIMULATED: &str = "simulated";
/// Fact: the ledger stands in the place of a lost one.
pub const BEGUN: &str = "begun";
/// Fact, and how an import says so: somebody decided that tokens of a list are on no unit.
const UNUSED: &str = "unused";
/// Fact: where the tokens come from.
pub const ORIGIN: &str = "origin";
/// Facts: whose tokens a product's are.
const ORGANISATION: &str = "organisation";

impl Ledger {
    /// Returns the ledger's own number, in hex digits.
    ///
    /// # Errors
    /// [`LedgerError`]
    #[cfg(feature = "seal")]
    pub fn number(&self) -> Result<String, LedgerError> {
        self.read(ledger_number)
    }

    /// Returns the ledger's identity, by which stations know its parts; `None` without its key.
    ///
    /// # Errors
    /// [`LedgerError`]
    #[cfg(feature = "seal")]
    pub fn home(&self) -> Result<Option<crate::recipe::HomeId>, LedgerError> {
        let home = self.read(|tables| tables.home())?;
        Ok(home.map(|key| key.home().id()))
    }

    /// Takes the rows of a token list in; rows that are known already change nothing.
    ///
    /// A row whose token is known with another QR Token, serial or origin is refused with
    /// everything else in the list. Claimed rows become `gone`.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was taken in.
    pub fn import(&mut self, pool: &Pool, by: &Actor) -> Result<Import, LedgerError> {
        import::import(self, pool, by)
    }

    /// Counts the tokens and units of the scope.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn stock(&self) -> Result<Stock, LedgerError> {
        self.read(|tables| {
            let mut stock = tables.stock()?;
            stock.origin = tables.fact(ORIGIN)?.and_then(|text| text.parse().ok());
            stock.simulated = tables.fact(SIMULATED)?.and_then(|text| text.parse().ok());
            stock.unused = tables.fact(UNUSED)?.is_some();
            Ok(stock)
        })
    }

    /// Counts free tokens of the scope, at most `most`; what it costs does not grow with the ledger.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn free(&self, most: usize) -> Result<usize, LedgerError> {
        self.read(|tables| tables.free(most))
    }

    /// Returns whether the units are real or simulated; `None` before the first one.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn simulated(&self) -> Result<Option<super::Simulated>, LedgerError> {
        self.read(|tables| {
            let fact = tables.fact(SIMULATED)?;
            Ok(fact.and_then(|text| text.parse().ok()))
        })
    }

    /// Returns the serials that this station claimed and did not finish, oldest first; not
    /// those that a live run holds, nor those that may be on a board which told no number.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn open_claims(&self, station: &str) -> Result<Vec<Serial>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let units = tables.reserved_at(station)?.into_iter();
            // Rework is for the unit's own board, not for whichever comes next.
            Ok(units
                .filter(|unit| !unit.run.is_empty() && !frame.in_hand(tables, unit))
                // Nor is a claim that may be on a board which nothing tells from others.
                .filter(doubt::is_free_of)
                .map(|unit| unit.serial)
                .collect())
        })
    }

    /// Hands out `count` numbers of `format` that no unit had, one after the other; they are
    /// never handed out again, used or not, but for one that is given back.
    ///
    /// # Errors
    /// [`LedgerError::SerialsUsedUp`] when fewer are left, with how many; none is handed out then.
    pub fn next_serials(
        &mut self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.write(|tables| next_serials(tables, format, count))
    }

    /// Takes back the number that was handed out last, if no unit has it: it is the next one again.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn give_back(&mut self, format: &SerialFormat, serial: &Serial) -> Result<(), LedgerError> {
        self.write(|tables| give_back(tables, format, serial))
    }

    /// Returns the serials that [`next_serials`](Self::next_serials) would hand out; none is handed
    /// out.
    ///
    /// # Errors
    /// Those of [`next_serials`](Self::next_serials)
    pub fn coming_serials(
        &self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| Ok(numbers(tables, format, count)?.0))
    }

    /// Finds out what [`import`](Self::import) would do; nothing is written.
    ///
    /// # Errors
    /// Those of [`import`](Self::import)
    pub fn preview(&self, pool: &Pool) -> Result<Preview, LedgerError> {
        import::preview(self, pool)
    }

    /// Calls `each` for every token of the scope that a unit may still get, and for those of
    /// claims that are open, in the order of import. What it costs grows with the tokens, and is
    /// a fraction of an [`audit`](Self::audit).
    ///
    /// # Errors
    /// [`LedgerError::Unsealed`] and the like when a token does not open.
    pub fn ready_tokens(&self, each: &mut dyn FnMut(&ReadyToken)) -> Result<(), LedgerError> {
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, unit)| {
                // A claim that is open is the first that the next run takes up.
                let open = token.state == TokenState::Bound && unit == Some(UnitState::Reserved);
                if token.ours && (open || token.state == TokenState::Free) {
                    let secrets = tables.secrets(token.id)?;
                    each(&ReadyToken {
                        fingerprint: token.fingerprint,
                        state: token.state,
                        bound: token.fixed,
                        token: secrets.token,
                        qr: secrets.qr,
                        columns: secrets.columns,
                    });
                }
                Ok(())
            })
        })
    }

    /// Returns the bound serials of free tokens, in the list's order, at most `count`.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn bound_serials(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| tables.fixed_free(count))
    }

    /// Returns why a serial gets no token, whichever board is there; `None` where it has one or
    /// would get one.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn hopeless(&self, serial: &Serial) -> Result<Option<Refusal>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| claim::hopeless(tables, &frame, serial))
    }

    /// Claims a token for each unit; the same serial always gets the same token.
    ///
    /// Every answer stands in the place of its claim. A unit that is finished with the same
    /// image comes back as [`Attempt::Done`] and nothing is written for it.
    ///
    /// # Errors
    /// [`LedgerError`] for the whole group; then no claim of it stands.
    pub fn reserve(
        &mut self,
        claims: &[Claim],
    ) -> Result<Vec<Result<Attempt, Refusal>>, LedgerError> {
        let frame = self.frame();
        self.write(|tables| claim::reserve(tables, &frame, claims))
    }

    /// Makes outcomes durable: reserved units become prepared (file) or delivered (probe).
    ///
    /// # Errors
    /// [`LedgerError`] with nothing written; the pairs stay with the caller, to try again.
    pub fn confirm(&mut self, done: &[(Reservation, Receipt)]) -> Result<Vec<Entry>, LedgerError> {
        let frame = self.frame();
        self.write(|tables| {
            done.iter()
                .map(|(reservation, receipt)| finish::confirm(tables, &frame, reservation, receipt))
                .collect()
        })
    }

    /// Records that a delivery failed; the claim and its token stay with the unit.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn fail(&mut self, reservation: Reservation, failure: &Failure) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.write(|tables| finish::fail(tables, &frame, &reservation, failure))
    }

    /// Records that the label on the unit was read and is the right one.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn labelled(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        let frame = self.frame();
        self.write(|tables| finish::labelled(tables, &frame, serial, by))
    }

    /// Records that the label of a finished unit is made again, before it is.
    ///
    /// # Errors
    /// [`LedgerError::NotLabelled`] for a unit that is not finished.
    pub fn reprinted(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        let frame = self.frame();
        self.write(|tables| finish::reprinted(tables, &frame, serial, by))
    }

    /// Returns the unit that a label belongs to: of a burnt token the one that had it.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn owner(&self, code: &QrToken) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let token = tables.token_of_qr(&event::qr_print(code))?;
            bearer(tables, &frame, token)
        })
    }

    /// Returns whether a list with this [`source`](Pool::source) was taken in whole.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn knows(&self, source: &Digest) -> Result<bool, LedgerError> {
        self.read(|tables| Ok(tables.fact(&import::source_fact(source))?.is_some()))
    }

    /// Returns everything about one unit: the live record, or the last one.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn find(&self, serial: &Serial) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let unit = tables.unit_of(&serial.folded())?;
            Ok(unit.map(|unit| record(tables, &frame, unit)))
        })
    }

    /// Returns the live unit that a board is, by the chip's own number.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn on_board(&self, uid: &str) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let unit = tables.unit_on(uid)?;
            Ok(unit.map(|unit| record(tables, &frame, unit)))
        })
    }

    /// Returns the unit that a token belongs to: of a burnt one the one that had it, void, or
    /// superseded because its board was swapped.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn holder(&self, fingerprint: &Fingerprint) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| {
            let token = tables.token(fingerprint)?;
            bearer(tables, &frame, token)
        })
    }

    /// Returns whose a token is that a board shows, to whoever is about to write there. One that no
    /// unit has is handed out to none from here on: somebody else put it there.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was recorded.
    pub fn met(&mut self, fingerprint: &Fingerprint, spot: Spot<'_>) -> Result<Met, LedgerError> {
        met::met(self, fingerprint, spot)
    }

    /// Returns the entry of a finished unit, with what its label needs.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn entry(&self, serial: &Serial) -> Result<Option<Entry>, LedgerError> {
        let frame = self.frame();
        self.read(|tables| match tables.unit_of(&serial.folded())? {
            Some(unit) if is_finished(unit.state) => entry(tables, &frame, unit).map(Some),
            _ => Ok(None),
        })
    }

    /// Calls `each` for every unit of the scope in order of reservation, superseded ones too.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn units(&self, each: &mut dyn FnMut(UnitRecord)) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.scan(|tables| {
            tables.scan_units(&mut |unit| {
                each(record(tables, &frame, unit));
                Ok(())
            })
        })
    }

    /// Returns the event history of one unit, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn history(&self, serial: &Serial) -> Result<Vec<Event>, LedgerError> {
        self.read(|tables| tables.events_of(&serial.folded()))
    }

    /// Takes back a claim that no delivery ever started for: the token is free again.
    ///
    /// # Errors
    /// [`LedgerError::NotReleasable`] when anything may carry the token.
    pub fn release(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        let frame = self.frame();
        self.write(|tables| undo::release(tables, &frame, serial, by))
    }

    /// Burns a unit's token: it is never handed out again, and the serial is refused.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn void(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        let frame = self.frame();
        self.write(|tables| undo::void(tables, &frame, serial, by))
    }

    /// Works on a unit once more: its row ends, and what stays goes into another one.
    ///
    /// # Errors
    /// [`LedgerError::NotReworkable`] with what hinders it; then nothing changed.
    pub fn rework(
        &mut self,
        serial: &Serial,
        rework: &Rework,
        by: &Actor,
    ) -> Result<Reworked, LedgerError> {
        let frame = self.frame();
        self.write(|tables| rework::rework(tables, &frame, (serial, rework), by))
    }

    /// Takes in units that exist already, with tokens that are on their boards: delivered, with
    /// whatever image. What is known exactly so changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Row`] with the first row that contradicts; then no unit was taken in.
    pub fn adopt(&mut self, mapping: &Mapping, by: &Actor) -> Result<Adopted, LedgerError> {
        adopt::adopt(self, mapping, by)
    }

    /// Records what witnesses outside say: prepared units become delivered, in the order given.
    ///
    /// # Errors
    /// [`LedgerError::Row`] with the first that contradicts; then nothing was recorded.
    pub fn attest(
        &mut self,
        evidence: &[Evidence],
        by: &Actor,
    ) -> Result<Vec<Attested>, LedgerError> {
        let frame = self.frame();
        self.write(|tables| attest::attest(tables, &frame, evidence, by))
    }

    /// Calls `each` for every token of the scope in the order of import.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn tokens(&self, each: &mut dyn FnMut(TokenRecord)) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, _)| {
                if token.ours {
                    each(token_record(tables, &frame, token)?);
                }
                Ok(())
            })
        })
    }

    /// Returns the QR Token that belongs to a token, whatever became of it.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn code(&self, fingerprint: &Fingerprint) -> Result<Option<QrToken>, LedgerError> {
        self.read(|tables| match tables.token(fingerprint)? {
            Some(token) => Ok(tables.secrets(token.id)?.qr),
            None => Ok(None),
        })
    }

    /// Records that secrets left the ledger in the clear, before they do.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn revealed(&mut self, what: &str, by: &Actor) -> Result<Revealed, LedgerError> {
        self.write(|tables| {
            let body = Body {
                message: Some(what.to_owned()),
                ..Body::default()
            };
            let stamp = event::append(tables, &by.station, (Kind::Revealed, None), body.by(by))?;
            Ok(Revealed { event: stamp.hash })
        })
    }

    /// Records that another image with the token of a finished unit is made, before it is.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn copied(&mut self, serial: &Serial) -> Result<Revealed, LedgerError> {
        let by = Actor {
            station: self.frame().identity.station.clone(),
            by: None,
            reason: None,
        };
        self.revealed(&format!("another image of {serial}"), &by)
    }

    /// Returns the AuthToken of a unit, after the disclosure was recorded.
    ///
    /// # Errors
    /// [`LedgerError::NoUnit`]
    pub fn reveal(&self, serial: &Serial, _proof: &Revealed) -> Result<AuthToken, LedgerError> {
        self.read(|tables| {
            let unit = tables
                .unit_of(&serial.folded())?
                .filter(|unit| unit.state != UnitState::Superseded)
                .ok_or_else(|| LedgerError::NoUnit {
                    serial: serial.clone(),
                })?;
            Ok(tables.secrets(unit.token)?.token)
        })
    }

    /// Calls `each` for every event after `seq`, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn events_since(&self, seq: i64, each: &mut dyn FnMut(Event)) -> Result<(), LedgerError> {
        self.settle()?;
        self.scan(|tables| {
            tables.scan_events(Order::After(seq), &mut |row| {
                each(row.event);
                Ok(())
            })
        })
    }

    /// Replays the events against the tables and checks every sum and uniqueness.
    ///
    /// # Errors
    /// [`LedgerError`] when it could not be found out; findings are no error.
    pub fn audit(&self) -> Result<Audit, LedgerError> {
        self.read(|tables| audit::audit(tables, audit::Secrets::Open))
    }

    /// Compares the ledger with a station's mirror of it in `folder`; nothing is written.
    ///
    /// # Errors
    /// [`LedgerError::Mirror`] when it cannot be read.
    #[cfg(feature = "seal")]
    pub fn mirror_state(
        &self,
        station: &str,
        folder: &std::path::Path,
    ) -> Result<super::MirrorState, LedgerError> {
        super::mirror::state(self, station, folder)
    }

    /// Records that a backup was made, after it was.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn saved(&mut self, by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| restore::saved(tables, by))
    }

    /// Records that this ledger was begun in the place of one that is lost, what that left beside
    /// it, and who decided so.
    ///
    /// # Errors
    /// [`LedgerError::Begun`] unless this is the ledger's first event.
    pub fn begun(&mut self, traces: &[std::path::PathBuf], by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| restore::begun(tables, traces, by))
    }

    /// Sets aside all that a backup, which this ledger was restored from, calls free or
    /// reserved; new numbers of the format begin where it is said.
    ///
    /// # Errors
    /// [`LedgerError::NextNumber`] when it must be said and is not.
    pub fn restored(
        &mut self,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.write(|tables| restore::restored(tables, numbers, by))
    }

    /// Takes back what was set aside: tokens, and serials of parts that came back without having
    /// been closed.
    ///
    /// # Errors
    /// [`LedgerError::NoUnit`], [`LedgerError::NoToken`]
    pub fn clear(&mut self, which: &Clear, by: &Actor) -> Result<Cleared, LedgerError> {
        self.write(|tables| restore::clear(tables, which, by))
    }

    /// Sets aside, as [`restored`](Self::restored) does, all that the backup calls free or reserved
    /// which a server was brought back from.
    ///
    /// # Errors
    /// [`LedgerError::RunsLive`] while another run lives, at whichever station; then nothing changed.
    #[cfg(feature = "seal")]
    pub fn restored_here(
        &mut self,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.write(|tables| {
            tables.refuse_other_runs()?;
            restore::restored(tables, numbers, by)
        })
    }

    /// Brings a server's backup up to date by its mirror, as [`catch_up`](Self::catch_up) does.
    ///
    /// Unless the mirror is `whole`, having the events of all stations, what is free or reserved then
    /// is set aside: another station may have told its own mirror alone.
    ///
    /// # Errors
    /// [`LedgerError::RunsLive`] while another run lives, at whichever station; then nothing changed.
    #[cfg(feature = "seal")]
    pub fn caught_up_here(
        &mut self,
        (history, whole): (&History, bool),
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<(Replayed, SetAside), LedgerError> {
        let product = self.frame().scope.product.clone();
        self.write(|tables| {
            tables.refuse_other_runs()?;
            let done = rebuild::catch_up(tables, (history, &product), numbers, by)?;
            tables.skip_unit_numbers()?;
            let aside = match whole {
                true => SetAside::default(),
                false => restore::restored(tables, None, by)?,
            };
            Ok((done, aside))
        })
    }

    /// Brings a ledger that was restored from a backup up to date by its mirror: nothing is set
    /// aside then, as all that was ever acted upon is known.
    ///
    /// # Errors
    /// [`LedgerError::ListsSince`] when lists came in since; those of a damaged mirror.
    #[cfg(feature = "seal")]
    pub fn catch_up(
        &mut self,
        history: &History,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        self.write(|tables| rebuild::catch_up(tables, (history, &product), numbers, by))
    }

    /// Makes this ledger, which must be empty and have the number of the lost one, from the
    /// mirror of that and from the token lists.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is of no use then.
    #[cfg(feature = "seal")]
    pub fn rebuild(
        &mut self,
        (history, lists): (&History, &[Pool]),
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        let mut done = self.write(|tables| {
            if let Some((format, next)) = numbers {
                restore::skip_numbers(tables, format, next)?;
            }
            let done = rebuild::take(tables, history, &product)?;
            rebuild::rebuilt(tables, (&done, history.generation()), by)?;
            Ok(done)
        })?;
        for list in lists {
            import::import(self, list, by)?;
        }
        done.units = self.write(|tables| rebuild::settle(tables))?;
        Ok(done)
    }

    /// Returns which heads and events that others keep are not in this ledger.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn compare(&self, seen: &[Witnessed]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| witness::compare(tables, seen))
    }

    /// Returns which tokens and boards this ledger and other sites use twice.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn compare_sites(&self, seen: &[Sighting]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| sites::compare(tables, seen))
    }

    /// Takes a share of tokens and serials out for a station without network: they are away
    /// from here on. Goes on with the part that was begun for the station and never finished.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was split off.
    pub fn split(
        &mut self,
        station: (&str, &Recipient),
        share: &Share,
        by: &Actor,
    ) -> Result<Handing, LedgerError> {
        let frame = self.frame();
        self.write(|tables| split::split(tables, &frame, (station, share), by))
    }

    /// Records that a part's file is whole, before it gets the name by which it leaves.
    ///
    /// # Errors
    /// [`LedgerError::PartState`] when that was recorded before: a part leaves once.
    pub fn handed(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| split::handed(tables, part, by))
    }

    /// Returns all parts, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn parts(&self) -> Result<Vec<Part>, LedgerError> {
        self.read(|tables| {
            let parts = parts::all(tables)?.into_iter();
            Ok(parts.map(|row| row.part).collect())
        })
    }

    /// Burns the tokens of a part that will not come back.
    ///
    /// # Errors
    /// [`LedgerError::NoPart`], [`LedgerError::PartState`]
    pub fn void_part(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| split::void(tables, part, by))
    }

    /// Makes this ledger, which must be empty, the part.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is of no use then.
    pub fn found_part(&mut self, handing: &Handing, by: &Actor) -> Result<(), LedgerError> {
        import::import(self, &handing.rows, by)?;
        self.write(|tables| {
            let numbers = handing.part.numbers.as_ref();
            let next = numbers.map(|(format, first, _)| (format.as_str(), *first));
            parts::found(tables, (&handing.ledger, &handing.part), next)
        })
    }

    /// Returns which part of which ledger this one is.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn part_of(&self) -> Result<Option<PartOf>, LedgerError> {
        self.read(|tables| parts::part_of(tables))
    }

    /// Records in a part that it goes back: it gives no token out any more.
    ///
    /// # Errors
    /// [`LedgerError::NotAPart`]
    pub fn close_part(&mut self, by: &Actor) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.write(|tables| split::close(tables, &frame, by))
    }

    /// Reads what a part brings back, and replays its chains; its key is not needed.
    ///
    /// # Errors
    /// [`LedgerError::NotAPart`]; what is wrong in it is told when it is merged.
    pub fn bring_back(&self) -> Result<Return, LedgerError> {
        self.read(|tables| merge::bring(tables))
    }

    /// Takes a part back: its units, and the tokens that it did not use. These are free again if
    /// the part was closed; if it was not, they are quarantined, and its serials get no token.
    ///
    /// # Errors
    /// [`LedgerError::PartConflict`] with all that contradicts; then nothing was merged.
    pub fn merge(&mut self, back: &Return, by: &Actor) -> Result<Merge, LedgerError> {
        let frame = self.frame();
        self.write(|tables| merge::merge(tables, &frame, back, by))
    }
}

/// Returns whether a unit's image exists and was read back.
const fn is_finished(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// Returns what people may see of a unit.
fn record(tables: &dyn Tables, frame: &Frame, unit: UnitRow) -> UnitRecord {
    let alive = frame.in_hand(tables, &unit);
    unit.record(alive)
}

/// Returns what people may see of a token.
fn token_record(
    tables: &dyn Tables,
    frame: &Frame,
    token: TokenRow,
) -> Result<TokenRecord, LedgerError> {
    let (fingerprint, state) = (token.fingerprint, token.state);
    let unit = match state {
        TokenState::Free | TokenState::Gone | TokenState::Away => None,
        TokenState::Bound | TokenState::Void | TokenState::Quarantined => {
            tables.unit_with(token.id)?
        }
    };
    let returned = match &unit {
        Some(unit) => rework::returned(tables, unit)?,
        None => None,
    };
    Ok(TokenRecord {
        fingerprint,
        state,
        holder: unit.map(|unit| record(tables, frame, unit)),
        returned,
    })
}

/// Returns the unit that has a token, or had it when it was burnt.
fn bearer(
    tables: &dyn Tables,
    frame: &Frame,
    token: Option<TokenRow>,
) -> Result<Option<UnitRecord>, LedgerError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let unit = tables
        .unit_with(token.id)?
        .filter(|unit| unit.state != UnitState::Superseded || token.state == TokenState::Void);
    Ok(unit.map(|unit| record(tables, frame, unit)))
}

/// Returns a finished unit with what its label needs.
fn entry(tables: &dyn Tables, frame: &Frame, unit: UnitRow) -> Result<Entry, LedgerError> {
    Ok(Entry {
        qr: tables.secrets(unit.token)?.qr,
        picture: tables.picture(unit.token)?,
        record: Box::new(record(tables, frame, unit)),
    })
}

/// Returns the live unit of a serial.
fn live(tables: &dyn Tables, serial: &Serial) -> Result<UnitRow, LedgerError> {
    tables
        .unit_of(&serial.folded())?
        .filter(|unit| unit.state != UnitState::Superseded)
        .ok_or_else(|| LedgerError::NoUnit {
            serial: serial.clone(),
        })
}

/// Returns how often the ledger was restored or made anew: each time its mirror begins anew.
pub fn generation(tables: &dyn Tables) -> Result<u64, LedgerError> {
    Ok(tables.generation()?.unsigned_abs())
}

/// Begins the next generation, behind those that a mirror has.
fn next_generation(tables: &mut dyn Tables, mirrored: u64) -> Result<(), LedgerError> {
    let mirrored = i64::try_from(mirrored).unwrap_or(i64::MAX);
    let last = tables.generation()?.max(mirrored);
    tables.add_generation(last.saturating_add(1))
}

/// Refuses to mix real and simulated units; the first unit decides.
pub fn check_simulated(tables: &dyn Tables, frame: &Frame) -> Result<bool, LedgerError> {
    let asked: &'static str = frame.identity.simulated.into();
    let Some(has) = kind(tables)? else {
        return Ok(false);
    };
    let has = has
        .parse::<super::Simulated>()
        .map_err(|_| LedgerError::damaged("it is neither real nor simulated"))?;
    if has == frame.identity.simulated {
        return Ok(true);
    }
    Err(LedgerError::SimulatedMixed {
        has: has.into(),
        asked,
    })
}

/// Returns which kind of units a ledger says that it has; `None` before the first one.
///
/// # Errors
/// [`LedgerError::Forged`] for one that has units and does not say it: the first one did.
fn kind(tables: &dyn Tables) -> Result<Option<String>, LedgerError> {
    if let Some(has) = tables.proved(SIMULATED)? {
        return Ok(Some(has));
    }
    let mut units = false;
    tables.scan_all_units(&mut |_| {
        units = true;
        Ok(())
    })?;
    if !units {
        return Ok(None);
    }
    // On a server somebody else may have made the first one between the two looks.
    let has = tables.proved(SIMULATED)?;
    has.map(Some).ok_or_else(|| LedgerError::Forged {
        what: format!("fact {SIMULATED}"),
    })
}

/// Returns where the numbers end that a part was given.
fn own_numbers(of: &PartOf, format: &str) -> Result<u64, LedgerError> {
    if of.closed {
        return Err(LedgerError::PartState {
            part: of.part.number,
            state: "closed",
            what: "it gives no serial and no token any more",
        });
    }
    match &of.part.numbers {
        Some((own, _, end)) if own == format => Ok(*end),
        _ => Err(LedgerError::IsPart {
            part: of.part.number,
            what: "it was given no numbers of this format",
        }),
    }
}

/// Hands out numbers that no unit had.
fn next_serials(
    tables: &mut dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<Vec<Serial>, LedgerError> {
    let (serials, next) = numbers(tables, format, count)?;
    tables.set_counter(&format.to_string(), next)?;
    Ok(serials)
}

/// Takes back the number that was handed out last, if no unit has it.
fn give_back(
    tables: &mut dyn Tables,
    format: &SerialFormat,
    serial: &Serial,
) -> Result<(), LedgerError> {
    let name = format.to_string();
    let Some(number) = format.number(serial) else {
        return Ok(());
    };
    let last = number.checked_add(1) == Some(tables.counter(&name)?);
    if last && tables.unit_of(&serial.folded())?.is_none() {
        tables.set_counter(&name, number)?;
    }
    Ok(())
}

/// Returns the next numbers that no unit had, and the one behind them.
fn numbers(
    tables: &dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<(Vec<Serial>, u64), LedgerError> {
    let name = format.to_string();
    let mut next = tables.counter(&name)?;
    let of = parts::part_of(tables)?;
    let end = of.as_ref().map(|of| own_numbers(of, &name)).transpose()?;
    let part = of.map(|of| of.part.number);
    let mut serials = Vec::with_capacity(count.min(1 << 16));
    while serials.len() < count {
        let made = format
            .serial(next)
            .map_err(|source| LedgerError::SerialFormat {
                format: name.clone(),
                source,
            })?;
        let left = serials.len();
        let used_up = || LedgerError::SerialsUsedUp {
            format: name.clone(),
            part,
            left,
        };
        let serial = made.ok_or_else(used_up)?;
        if end.is_some_and(|end| next >= end) {
            return Err(used_up());
        }
        next = next.checked_add(1).ok_or_else(used_up)?;
        if tables.unit_of(&serial.folded())?.is_none() {
            serials.push(serial);
        }
    }
    Ok((serials, next))
}
