//! The name on the line.

use eol_inject::unit::{Serial, SerialError};

fn error(text: &str) -> SerialError {
    text.parse::<Serial>().unwrap_err()
}

#[test]
fn serials_are_equal_after_folding() {
    let (upper, lower) = ("GW0001".parse::<Serial>(), "gw0001".parse::<Serial>());
    assert_eq!(upper.unwrap().folded(), lower.unwrap().folded());
}

#[test]
fn a_serial_is_never_a_path() {
    assert_eq!(error("../GW1"), SerialError::Character { index: 2 });
    assert_eq!(error("GW\\1"), SerialError::Character { index: 2 });
    assert_eq!(error(".."), SerialError::Edge);
    assert_eq!(error("GW1."), SerialError::Edge);
    assert_eq!(error("nul.txt"), SerialError::Reserved);
    assert_eq!(error("COM7"), SerialError::Reserved);
    assert!("COMET".parse::<Serial>().is_ok());
}

#[test]
fn what_a_shell_would_run_is_no_serial() {
    for (text, index) in [
        ("GW1;reboot", 3),
        ("GW$(id)", 2),
        ("GW`id`", 2),
        ("GW 1", 2),
        ("GW'1", 2),
        ("GW&1", 2),
        ("GW%1", 2),
        ("GW=1", 2),
    ] {
        assert_eq!(error(text), SerialError::Character { index });
    }
    assert_eq!(error("-GW1"), SerialError::Edge);
    assert_eq!(error("--help"), SerialError::Edge);
    assert!("24:0A:C4".parse::<Serial>().is_err());
    assert!("GW-1_2.3+4".parse::<Serial>().is_ok());
}

#[test]
fn a_scanned_token_is_refused_without_echo() {
    let text = "n5x628GDTFMk0hNa-69lhHK94hPSYX_a";
    assert_eq!(error(text), SerialError::Token);
    assert!(!error(text).to_string().contains(text));
    assert_eq!(error("sqr_gCCsL"), SerialError::Token);
}

#[test]
fn an_empty_or_endless_scan_is_refused() {
    assert_eq!(error(""), SerialError::Empty);
    assert_eq!(error(&"A".repeat(65)), SerialError::Long { found: 65 });
}
