//! What the console takes.

use eol_inject::pool::{Request, request};
use eol_inject::unit::Serial;

fn serials(count: usize) -> Vec<Serial> {
    (1..=count)
        .map(|n| format!("GW{n:04}").parse().unwrap())
        .collect()
}

fn wanted(fixed: &[(&str, &str)], rows: usize) -> Request {
    Request {
        serial: "Serial Number".to_owned(),
        fixed: (fixed.iter())
            .map(|(header, value)| ((*header).to_owned(), (*value).to_owned()))
            .collect(),
        rows,
    }
}

#[test]
fn files_are_split_and_each_has_the_header() {
    let name = "Gateway, \"north\"";
    let files = request(&wanted(&[("Device Name", name)], 2), &serials(3)).unwrap();
    let header = "Serial Number,Device Name\r\n";
    let value = "\"Gateway, \"\"north\"\"\"";
    assert_eq!(
        files,
        [
            format!("{header}GW0001,{value}\r\nGW0002,{value}\r\n"),
            format!("{header}GW0003,{value}\r\n")
        ]
    );
}

#[test]
fn formulas_are_refused_and_numbers_are_not() {
    for bad in ["=1+1", "@SUM(A1)", "+CMD", "-a"] {
        let error = request(&wanted(&[("Note", bad)], 9), &serials(1)).unwrap_err();
        assert_eq!(error.name(), "pool-formula", "{bad}");
    }
    for good in ["-5", "+4.25", "5-a", ""] {
        assert!(request(&wanted(&[("Note", good)], 9), &serials(1)).is_ok());
    }
}

#[test]
fn a_serial_stands_once_whatever_its_case() {
    let twice = ["GW1".parse().unwrap(), "gw1".parse().unwrap()];
    let error = request(&wanted(&[], 9), &twice).unwrap_err();
    assert_eq!(error.to_string(), "row 2 is bound to gw1, as is row 1");
}
