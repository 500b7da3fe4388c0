use std::io;

use eol_inject::image::Address;
use eol_inject::mes::HookError;
use eol_inject::target::ProgramError;
use strum::VariantNames as _;

use super::{Sample, listing};

fn program() -> String {
    "esptool".to_owned()
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file")
}

#[test]
fn program_errors() {
    let output = "A fatal error: no serial data received.".to_owned();
    let samples: Vec<Sample> = [
        ProgramError::Start {
            program: program(),
            source: missing(),
        },
        ProgramError::Failed {
            program: program(),
            ended: "ended with exit status 2".to_owned(),
            output: output.clone(),
        },
        ProgramError::TimedOut {
            program: program(),
            seconds: 120,
            output,
        },
        ProgramError::NoNumber { program: program() },
        ProgramError::ShortDump {
            program: program(),
            found: 12,
            wanted: 4096,
        },
        ProgramError::NoDump {
            program: program(),
            source: missing(),
        },
        ProgramError::Differs {
            at: Address::new(0x1a3c),
        },
        ProgramError::Swapped {
            before: "9f02".to_owned(),
            now: "9f03".to_owned(),
        },
        ProgramError::Temporary { source: missing() },
        ProgramError::Busy {
            program: program(),
            lock: "/tmp/eol-inject-nest-0a1b".into(),
        },
        ProgramError::NumberHeld { program: program() },
    ]
    .into_iter()
    .map(|error| Sample(error.name(), Box::new(error)))
    .collect();
    insta::assert_snapshot!(listing(ProgramError::VARIANTS, &samples));
}

#[test]
fn hook_errors() {
    let program = || "./mes".to_owned();
    let samples: Vec<Sample> = [
        HookError::Refused {
            reason: "step SMT missing".to_owned(),
        },
        HookError::Failed {
            program: program(),
            ended: "ended with exit status 7".to_owned(),
            said: ": no route".to_owned(),
        },
        HookError::Start {
            program: program(),
            source: missing(),
        },
        HookError::TimedOut {
            program: program(),
            seconds: 10,
        },
    ]
    .into_iter()
    .map(|error| Sample(error.name(), Box::new(error)))
    .collect();
    insta::assert_snapshot!(listing(HookError::VARIANTS, &samples));
}
