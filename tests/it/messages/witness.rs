use eol_inject::pool::SheetError;
use eol_inject::recipe::ScanError;
use eol_inject::witness::{Log, WitnessError};
use strum::VariantNames as _;

use super::{Sample, listing};

#[test]
fn witness_errors() {
    let serial = || "GW000001".parse().unwrap();
    let samples = [
        WitnessError::Sheet(SheetError::NotText { line: 3 }),
        WitnessError::Sheet(SheetError::Twice {
            name: "serial".to_owned(),
        }),
        WitnessError::Sheet(SheetError::Width {
            line: 3,
            found: 2,
            wanted: 3,
        }),
        WitnessError::Columns {
            wanted: "serial and result",
        },
        WitnessError::Serial {
            line: 3,
            source: ScanError::Pattern {
                pattern: "^AB".to_owned(),
            },
        },
        WitnessError::Twice {
            line: 3,
            serial: serial(),
            first: 2,
        },
        WitnessError::Result {
            line: 3,
            serial: serial(),
        },
        WitnessError::Cell {
            line: 3,
            what: "a fingerprint has 64 hex digits".to_owned(),
        },
        WitnessError::NoUnit { line: 3 },
        WitnessError::UnitTwice { line: 3, unit: 1 },
        WitnessError::NotInBlock { line: 3 },
        WitnessError::NoLine,
    ]
    .map(|error| Sample(error.name(), Box::new(error)));
    insta::assert_snapshot!(listing(WitnessError::VARIANTS, &samples));
}

#[test]
fn patterns_that_find_no_unit() {
    let said = |pattern: &str| Log::new(pattern, None).unwrap_err().to_string();
    assert_eq!(said("pass"), "has no group (?<serial>...)");
    assert!(said("(").starts_with("is no regular expression: "));
}
