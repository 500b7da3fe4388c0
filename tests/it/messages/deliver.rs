use eol_inject::image::{Address, ImageError, Span};
use eol_inject::target::{BoardFault, ChipFault, FitFault, FlashFault, ProbeFault, ReachFault};

use super::{Sample, listing};

fn cause() -> Box<dyn std::error::Error + Send + Sync> {
    "what the library below says".into()
}

fn at() -> Address {
    Address::new(0x0801_9000)
}

fn span() -> Span {
    Span::new(Address::new(0x1000_1208), 4).unwrap()
}

#[test]
fn probe_faults() {
    let samples = about_probes()
        .into_iter()
        .chain(about_targets())
        .chain(about_flash());
    let samples: Vec<Sample> = samples
        .map(|fault| Sample(fault.name(), Box::new(fault)))
        .collect();
    insta::assert_snapshot!(listing(&ProbeFault::names(), &samples));
}

fn about_probes() -> Vec<ProbeFault> {
    let probe = || "1366:1015:000770".to_owned();
    vec![
        ProbeFault::Reach(ReachFault::Selector {
            text: "J-Link".to_owned(),
        }),
        ProbeFault::Reach(ReachFault::NoSim),
        ProbeFault::Reach(ReachFault::Simulated(cause())),
        ProbeFault::Reach(ReachFault::Busy {
            name: "gw000012".to_owned(),
        }),
        ProbeFault::Reach(ReachFault::NoUsb { wanted: probe() }),
        ProbeFault::Reach(ReachFault::Missing {
            wanted: probe(),
            found: "is none".to_owned(),
        }),
        ProbeFault::Reach(ReachFault::Several {
            wanted: "1366:1015".to_owned(),
            found: "1366:1015:000770, 1366:1015:000771".to_owned(),
        }),
        ProbeFault::Reach(ReachFault::Denied { probe: probe() }),
        ProbeFault::Reach(ReachFault::Unopened {
            probe: probe(),
            source: cause(),
        }),
        ProbeFault::Reach(ReachFault::Unplugged(cause())),
        ProbeFault::Reach(ReachFault::Speed {
            khz: 50_000,
            source: cause(),
        }),
        ProbeFault::Chip(ChipFault::Chip {
            name: "nRF5284".to_owned(),
            source: cause(),
        }),
    ]
}

fn about_targets() -> Vec<ProbeFault> {
    let chip = || "STM32F072RB".to_owned();
    vec![
        ProbeFault::Chip(ChipFault::NoTarget(cause())),
        ProbeFault::Chip(ChipFault::Waits(cause())),
        ProbeFault::Chip(ChipFault::Locked(cause())),
        ProbeFault::Chip(ChipFault::Protected {
            chip: chip(),
            at: at(),
            source: cause(),
        }),
        ProbeFault::Chip(ChipFault::WrongChip {
            wanted: chip(),
            found: "a chip of STM32F1, 0xe0042000 shows 0x410".to_owned(),
        }),
        ProbeFault::Flash(FlashFault::Halt(cause())),
        ProbeFault::Flash(FlashFault::Unreadable {
            at: at(),
            source: cause(),
        }),
        ProbeFault::Flash(FlashFault::Stopped),
        ProbeFault::Flash(FlashFault::Link(cause())),
    ]
}

fn about_flash() -> Vec<ProbeFault> {
    vec![
        ProbeFault::Fit(FitFault::NoFlash {
            span: span(),
            chip: "STM32F072RB".to_owned(),
        }),
        ProbeFault::Fit(FitFault::Skipped { span: span() }),
        ProbeFault::Fit(FitFault::SkippedInPart { span: span() }),
        ProbeFault::Fit(FitFault::Reserved {
            span: span(),
            area: "UICR",
        }),
        ProbeFault::Board(BoardFault::Firmware { at: at() }),
        ProbeFault::Board(BoardFault::Values { at: at() }),
        ProbeFault::Board(BoardFault::NoNumber { at: at() }),
        ProbeFault::Board(BoardFault::Journal(cause())),
        ProbeFault::Board(BoardFault::Forget(cause())),
        ProbeFault::Board(BoardFault::OtherImage {
            uid: "9f0271c453494d00".to_owned(),
        }),
        ProbeFault::Flash(FlashFault::Erase {
            at: at(),
            source: cause(),
        }),
        ProbeFault::Flash(FlashFault::Program {
            at: at(),
            source: cause(),
        }),
        ProbeFault::Flash(FlashFault::Hangs(cause())),
        ProbeFault::Flash(FlashFault::Algorithm(cause())),
        ProbeFault::Flash(FlashFault::Differs { at: at() }),
        ProbeFault::Flash(FlashFault::Image(ImageError::Empty)),
    ]
}
