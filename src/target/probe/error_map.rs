//! What an error of probe-rs means: the first sign in its chain of causes decides.

use std::error::Error;
use std::io;

use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::flashing::FlashError;
use probe_rs::probe::{BoxedProbeError, DebugProbeError};

use super::error::{Cause, ChipFault, FlashFault, ProbeFault, ReachFault};
use super::guard::Stopped;
use crate::image::Address;
use crate::target::said;

/// What an error of the link says, wherever in the chain it stands.
enum Sign {
    Stopped,
    Gone,
    NoAnswer,
    Waits,
    Fault,
    Locked,
    Timeout,
}

fn sign(error: &(dyn Error + 'static)) -> Option<Sign> {
    if let Some(error) = error.downcast_ref::<BoxedProbeError>() {
        return error.is::<Stopped>().then_some(Sign::Stopped);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let gone = matches!(
            error.kind(),
            io::ErrorKind::NotConnected | io::ErrorKind::BrokenPipe | io::ErrorKind::NotFound
        );
        return gone.then_some(Sign::Gone);
    }
    match error.downcast_ref::<DapError>() {
        Some(DapError::NoAcknowledge) => return Some(Sign::NoAnswer),
        Some(DapError::WaitResponse) => return Some(Sign::Waits),
        Some(DapError::FaultResponse) => return Some(Sign::Fault),
        _ => {}
    }
    match error.downcast_ref::<DebugProbeError>() {
        Some(DebugProbeError::Usb(_)) => return Some(Sign::Gone),
        Some(DebugProbeError::TargetNotFound) => return Some(Sign::NoAnswer),
        _ => {}
    }
    match error.downcast_ref::<ArmError>() {
        Some(ArmError::MissingPermissions(_)) => return Some(Sign::Locked),
        Some(ArmError::Timeout) => return Some(Sign::Timeout),
        _ => {}
    }
    match error.downcast_ref::<probe_rs::Error>() {
        Some(probe_rs::Error::MissingPermissions(_)) => Some(Sign::Locked),
        Some(probe_rs::Error::Timeout) => Some(Sign::Timeout),
        _ => None,
    }
}

/// Returns everything in an error's chain.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        (*error).source()
    })
}

/// Says what an error of the library means; of its words is kept what may be.
pub fn fault(source: Cause) -> ProbeFault {
    let error: &(dyn Error + 'static) = source.as_ref();
    let signs: Vec<Sign> = chain(error).filter_map(sign).collect();
    let place = chain(error).find_map(|error| error.downcast_ref::<FlashError>());
    let told = Cause::from(said::error(error));
    let has = |wanted: fn(&Sign) -> bool| signs.iter().any(wanted);
    if has(|sign| matches!(sign, Sign::Stopped)) {
        return ProbeFault::Flash(FlashFault::Stopped);
    }
    if has(|sign| matches!(sign, Sign::Gone)) {
        return ProbeFault::Reach(ReachFault::Unplugged(told));
    }
    if has(|sign| matches!(sign, Sign::Waits)) {
        return ProbeFault::Chip(ChipFault::Waits(told));
    }
    if has(|sign| matches!(sign, Sign::NoAnswer)) {
        return ProbeFault::Chip(ChipFault::NoTarget(told));
    }
    if has(|sign| matches!(sign, Sign::Locked)) {
        return ProbeFault::Chip(ChipFault::Locked(told));
    }
    let late = has(|sign| matches!(sign, Sign::Timeout));
    match place {
        Some(FlashError::EraseFailed { sector_address, .. }) if !late => {
            let at = Address::new(*sector_address);
            ProbeFault::Flash(FlashFault::Erase { at, source: told })
        }
        Some(FlashError::PageWrite { page_address, .. }) if !late => {
            let at = Address::new(*page_address);
            ProbeFault::Flash(FlashFault::Program { at, source: told })
        }
        Some(FlashError::ResetAndHalt(_) | FlashError::UnexpectedCoreStatus { .. }) => {
            ProbeFault::Flash(FlashFault::Halt(told))
        }
        Some(_) if late => ProbeFault::Flash(FlashFault::Hangs(told)),
        Some(_) => ProbeFault::Flash(FlashFault::Algorithm(told)),
        None => ProbeFault::Flash(FlashFault::Link(told)),
    }
}

/// Says what an error of halting or resetting means.
pub fn halting(source: Cause) -> ProbeFault {
    match fault(source) {
        ProbeFault::Flash(FlashFault::Link(source)) => ProbeFault::Flash(FlashFault::Halt(source)),
        other => other,
    }
}

/// Says what an error of reading means.
pub fn unreadable(at: Address, source: Cause) -> ProbeFault {
    let faulted = chain(source.as_ref())
        .filter_map(sign)
        .any(|sign| matches!(sign, Sign::Fault));
    match fault(source) {
        ProbeFault::Flash(FlashFault::Link(source)) if faulted => {
            ProbeFault::Flash(FlashFault::Unreadable { at, source })
        }
        other => other,
    }
}
