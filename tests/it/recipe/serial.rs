//! Serials: read, counted and made.

use eol_inject::recipe::{Recipe, RecipeError, SerialFormat, SerialSpec};

const RECIPE: &str = "product = \"GW-100\"\n[image]\nfile = \"gw100.elf\"\n[[slot]]\nvalue = \"auth-token\"\nsection = \".auth_token\"\n";

fn spec(text: &str) -> SerialSpec {
    toml::from_str(text).unwrap()
}

#[test]
fn a_scan_loses_what_the_scanner_added() {
    let spec = spec("pattern = '^GW[0-9]{3}$'\ncase = 'upper'\nstrip = [']C1']");
    let serial = spec.read("]C1gw007\u{1d}\r\n").unwrap();
    assert_eq!(serial.as_str(), "GW007");
}

#[test]
fn a_foreign_serial_is_refused() {
    let error = spec("pattern = '^GW[0-9]{3}$'").read("XY001").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the serial does not match the recipe's pattern ^GW[0-9]{3}$"
    );
}

#[test]
fn a_count_takes_no_other_barcode_for_a_serial() {
    let spec = spec("source = 'next'\nformat = 'GW{:06}'");
    assert_eq!(spec.read("gw000017").unwrap().as_str(), "gw000017");
    for other in ["GW17", "GW0000017", "4006381333931", "GW00001X"] {
        let error = spec.read(other).unwrap_err();
        assert_eq!(error.name(), "serial-format", "{other}");
        assert!(spec.matching(other).is_ok(), "{other}");
    }
    let plain = self::spec("source = 'next'\nformat = 'GW{}'");
    assert!(plain.read("GW17").is_ok());
    assert!(plain.read("GW017").is_err());
}

#[test]
fn a_format_must_be_what_can_be_scanned_again() {
    let told = |text: &str| {
        let recipe = format!("{RECIPE}[serial]\nsource = 'next'\n{text}");
        let hindrances = Recipe::parse(&recipe, ".".as_ref()).unwrap().hindrances();
        hindrances.into_iter().find_map(|found| match found {
            RecipeError::FormatRefused { serial, reason } => {
                Some(format!("{serial} {}", reason.name()))
            }
            _ => None,
        })
    };
    let wrong = |text: &str| told(text).unwrap();
    assert_eq!(told("format = 'GW{:06}'\npattern = '^GW[0-9]{6}$'"), None);
    assert_eq!(told("format = 'GW{}'\npattern = '^GW[0-9]+$'"), None);
    assert_eq!(
        wrong("format = 'GW{:06}'\npattern = '^AB'"),
        "GW000001 serial-pattern"
    );
    assert_eq!(
        wrong("format = 'GW{:06}'\npattern = '^GW0'"),
        "GW100000 serial-pattern"
    );
    assert_eq!(
        wrong("format = 'GW{}'\npattern = '^GW[0-9]{1,4}$'"),
        "GW10000 serial-pattern"
    );
    assert_eq!(
        wrong("format = 'GW{:06}'\nstrip = ['GW']"),
        "GW000001 serial-format"
    );
    assert_eq!(
        wrong("format = 'GW{:02}'\ncase = 'lower'\npattern = '^GW'"),
        "GW01 serial-pattern"
    );
    // What nothing counts up is not judged.
    let scanned = format!("{RECIPE}[serial]\nformat = 'GW{{:06}}'\npattern = '^AB'");
    let scanned = Recipe::parse(&scanned, ".".as_ref()).unwrap().hindrances();
    let refused = |found: &RecipeError| matches!(found, RecipeError::FormatRefused { .. });
    assert!(!scanned.iter().any(refused));
}

#[test]
fn a_format_makes_serials_and_no_paths() {
    for text in ["A/{:06}", "../{}", ".{}", "COM{}", "A:{:04}"] {
        let error = SerialFormat::try_from(text.to_owned()).unwrap_err();
        assert!(error.starts_with("no serial can be made"), "{error}");
    }
}

#[test]
fn a_unit_on_record_is_named_whatever_the_pattern_says() {
    let spec = spec("pattern = '^XY'\nstrip = ['GW']\ncase = 'lower'");
    let [plain, shaped] = spec.known("GW000A\n").unwrap();
    assert_eq!((plain.as_str(), shaped.as_str()), ("GW000A", "000a"));
    assert!(spec.known("../x").is_err());
}

#[test]
fn a_format_counts_both_ways() {
    let format = SerialFormat::try_from("GW{:06}-A".to_owned()).unwrap();
    let serial = format.serial(17).unwrap().unwrap();
    assert_eq!(serial.as_str(), "GW000017-A");
    assert_eq!(format.number(&serial), Some(17));
    assert_eq!(format.serial(1_000_000), Ok(None));
    assert_eq!(format.to_string(), "GW{:06}-A");
}
