use eol_inject::image::{Address, ImageError, Span};
use eol_inject::target::ProbeFault;
use strum::VariantNames as _;

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
        .map(|fault| Sample((&fault).into(), Box::new(fault)))
        .collect();
    insta::assert_snapshot!(listing(ProbeFault::VARIANTS, &samples));
}

fn about_probes() -> Vec<ProbeFault> {
    let probe = || "1366:1015:000770".to_owned();
    vec![
        ProbeFault::Selector {
            text: "J-Link".to_owned(),
        },
        ProbeFault::NoSim,
        ProbeFault::Simulated { source: cause() },
        ProbeFault::Busy {
            name: "gw000012".to_owned(),
        },
        ProbeFault::NoUsb { wanted: probe() },
        ProbeFault::Missing {
            wanted: probe(),
            found: "is none".to_owned(),
        },
        ProbeFault::Several {
            wanted: "1366:1015".to_owned(),
            found: "1366:1015:000770, 1366:1015:000771".to_owned(),
        },
        ProbeFault::Denied { probe: probe() },
        ProbeFault::Unopened {
            probe: probe(),
            source: cause(),
        },
        ProbeFault::Unplugged { source: cause() },
        ProbeFault::Speed {
            khz: 50_000,
            source: cause(),
        },
        ProbeFault::Chip {
            name: "nRF5284".to_owned(),
            source: cause(),
        },
    ]
}

fn about_targets() -> Vec<ProbeFault> {
    let chip = || "STM32F072RB".to_owned();
    vec![
        ProbeFault::NoTarget { source: cause() },
        ProbeFault::Waits { source: cause() },
        ProbeFault::Locked { source: cause() },
        ProbeFault::Protected {
            chip: chip(),
            at: at(),
            source: cause(),
        },
        ProbeFault::WrongChip {
            wanted: chip(),
            found: "a chip of STM32F1, 0xe0042000 shows 0x410".to_owned(),
        },
        ProbeFault::Halt { source: cause() },
        ProbeFault::Unreadable {
            at: at(),
            source: cause(),
        },
        ProbeFault::Stopped,
        ProbeFault::Link { source: cause() },
    ]
}

fn about_flash() -> Vec<ProbeFault> {
    vec![
        ProbeFault::NoFlash {
            span: span(),
            chip: "STM32F072RB".to_owned(),
        },
        ProbeFault::Skipped { span: span() },
        ProbeFault::SkippedInPart { span: span() },
        ProbeFault::Reserved {
            span: span(),
            area: "UICR",
        },
        ProbeFault::Firmware { at: at() },
        ProbeFault::Values { at: at() },
        ProbeFault::NoNumber { at: at() },
        ProbeFault::Journal { source: cause() },
        ProbeFault::Forget { source: cause() },
        ProbeFault::OtherImage {
            uid: "9f0271c453494d00".to_owned(),
        },
        ProbeFault::Erase {
            at: at(),
            source: cause(),
        },
        ProbeFault::Program {
            at: at(),
            source: cause(),
        },
        ProbeFault::Hangs { source: cause() },
        ProbeFault::Algorithm { source: cause() },
        ProbeFault::Differs { at: at() },
        ProbeFault::Image(ImageError::Empty),
    ]
}
