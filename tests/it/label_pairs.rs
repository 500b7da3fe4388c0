//! Serials and labels as they are scanned, put together to pairs.

use eol_inject::label::{Pairs, Step, Wrong};
use eol_inject::recipe::SerialSpec;
use eol_inject::scan::Line;
use eol_inject::unit::Serial;

const CODE: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR+17";
const OTHER: &str = "sqr_-CCsLSydh3d0ArmZj50l9zr79JXVooBR+17";

fn spec() -> SerialSpec {
    let text = "product = \"GW-100\"\n[image]\nfile = \"gw100.elf\"\n[[slot]]\n\
                value = \"auth-token\"\nsection = \".auth_token\"\n\
                [serial]\npattern = \"^GW[0-9]{6}$\"\n";
    let recipe = eol_inject::recipe::Recipe::parse(text, std::path::Path::new("."));
    recipe.unwrap().serial
}

/// What becomes of scans, in short.
fn told(scans: &[&str]) -> Vec<String> {
    let spec = spec();
    let mut pairs = Pairs::new(&spec);
    let mut told = Vec::new();
    let mut tell = |step: Step| {
        told.push(match step {
            Step::Half => "half".to_owned(),
            Step::Again(_) => "again".to_owned(),
            Step::Pair(serial, label) => {
                let whose = if label.payload() == CODE { "1" } else { "2" };
                format!("{serial}={whose}")
            }
            Step::Wrong(wrong) => match wrong {
                Wrong::LabelLeftOut(serial) => format!("{serial} without label"),
                Wrong::SerialLeftOut => "label without serial".to_owned(),
                Wrong::Neither(_) => "neither".to_owned(),
                Wrong::NoLabel(serial) => format!("no label of {serial}"),
                Wrong::Secret(serial) => format!("secret {serial:?}"),
                Wrong::Misread(_) => "misread".to_owned(),
            },
        });
    };
    for scan in scans {
        let line = Ok(Line::new((*scan).to_owned()));
        let is_unit = |serial: &Serial| serial.as_str() < "GW000009";
        pairs.take(&line, &is_unit).into_iter().for_each(&mut tell);
    }
    pairs.end().into_iter().for_each(&mut tell);
    told
}

const ONE: &str = "GW000001";
const TWO: &str = "GW000002";
const TOKEN: &str = "-fake-TOKEN_0123456789abcdefghij";

#[test]
fn either_half_may_come_first() {
    let pairs = told(&[ONE, CODE, OTHER, TWO]);
    assert_eq!(pairs, ["half", "GW000001=1", "half", "GW000002=2"]);
    let line = [format!("{ONE}\t]Q1{CODE}"), format!("{OTHER};{TWO}")];
    let pairs = told(&[&line[0], "", &line[1]]);
    assert_eq!(pairs, ["GW000001=1", "GW000002=2"]);
}

#[test]
fn a_scan_that_comes_twice_changes_nothing() {
    let pairs = told(&[ONE, ONE, CODE, CODE, TWO, TWO, OTHER]);
    let wanted = [
        "half",
        "again",
        "GW000001=1",
        "again",
        "half",
        "again",
        "GW000002=2",
    ];
    assert_eq!(pairs, wanted);
    let pairs = told(&[CODE, CODE, ONE, ONE, OTHER, TWO]);
    let wanted = ["half", "again", "GW000001=1", "again", "half", "GW000002=2"];
    assert_eq!(pairs, wanted);
}

#[test]
fn one_label_on_two_units_makes_two_pairs_in_either_order() {
    assert_eq!(told(&[ONE, CODE, TWO, CODE])[3], "GW000002=1");
    assert_eq!(told(&[CODE, ONE, CODE, TWO])[3], "GW000002=1");
}

#[test]
fn a_half_that_was_left_out_costs_its_own_unit_only() {
    let pairs = told(&[ONE, TWO, OTHER]);
    assert_eq!(pairs, ["half", "GW000001 without label", "GW000002=2"]);
    let pairs = told(&[CODE, OTHER, TWO, ONE]);
    let wanted = [
        "half",
        "label without serial",
        "GW000002=2",
        "half",
        "GW000001 without label",
    ];
    assert_eq!(pairs, wanted);
}

#[test]
fn a_torn_label_is_scanned_once_more_and_a_secret_ends_the_unit() {
    let pairs = told(&["nonsense", ONE, "nonsense", CODE]);
    assert_eq!(
        pairs,
        ["neither", "half", "no label of GW000001", "GW000001=1"]
    );
    // Without a pattern anything reads like a serial.
    let pairs = told(&[ONE, "GW000009", CODE]);
    assert_eq!(pairs, ["half", "no label of GW000001", "GW000001=1"]);
    let pairs = told(&[ONE, TOKEN, TWO, OTHER, TOKEN]);
    let wanted = [
        "half",
        "secret Some(Serial(GW000001))",
        "half",
        "GW000002=2",
        "secret None",
    ];
    assert_eq!(pairs, wanted);
}
