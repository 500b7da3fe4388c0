//! What `verify` says: a line for each file, a sum, and what was compared.

use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;
use eol_inject::verify::Judge;
use serde_json::json;

use super::judging::Judged;
use super::records::Records;
use crate::cli::error::exit;
use crate::cli::firmware;
use crate::cli::output::{BAD, GOOD, Output, count};

/// Up to so many files, those that are right have a line each, too.
const FEW: usize = 24;

/// Tells of each file, and the sum; returns the exit code.
pub(super) fn tell(judged: &[Judged], output: &Output) -> u8 {
    let mut wrong = 0usize;
    for one in judged {
        let mut lines: Vec<(&str, String)> = one
            .examined
            .findings
            .iter()
            .map(|finding| (finding.name(), finding.to_string()))
            .collect();
        lines.extend(one.problems.iter().cloned());
        let findings: Vec<_> = lines
            .iter()
            .map(|(name, message)| json!({ "name": name, "message": message }))
            .collect();
        output.object(&json!({
            "v": 1,
            "file": one.file.display().to_string(),
            "serial": one.serial.as_ref().map(Serial::as_str),
            "outcome": if lines.is_empty() { "pass" } else { "fail" },
            "fingerprint": one.examined.fingerprint.map(|print| print.to_string()),
            "findings": findings,
        }));
        let name = one.file.file_name().unwrap_or_default().to_string_lossy();
        if lines.is_empty() {
            if judged.len() <= FEW {
                let serial = one.serial.as_ref().map_or("none", Serial::as_str);
                let token = one.examined.fingerprint;
                let token = token.map(|print| print.to_string()).unwrap_or_default();
                output.line(format_args!(
                    "{GOOD}{name}{GOOD:#}  serial {serial}  token {token}  right"
                ));
            }
            continue;
        }
        wrong += 1;
        for (_, message) in lines {
            output.line(format_args!(
                "{BAD}{name}{BAD:#}  {message}   ({})",
                exit::DIFFERS
            ));
        }
    }
    sum(judged, wrong, output);
    if wrong > 0 { exit::DIFFERS } else { 0 }
}

/// Tells how many images are right.
fn sum(judged: &[Judged], wrong: usize, output: &Output) {
    let missing = |one: &&Judged| {
        one.problems
            .iter()
            .any(|(name, _)| *name == "verify-no-image")
    };
    let missing = judged.iter().filter(missing).count();
    let images = judged.len().saturating_sub(missing);
    let right = judged.len().saturating_sub(wrong);
    let wrong_images = wrong.saturating_sub(missing);
    let without = if missing > 0 {
        format!(", {} without an image", count(missing, "record"))
    } else {
        String::new()
    };
    output.line(format_args!(
        "{}   {right} right, {wrong_images} wrong{without}",
        count(images, "image")
    ));
}

/// Says what was compared: nobody should take more for proved than was looked at.
pub(super) fn compared(recipe: &Recipe, judge: &Judge, records: &Records, output: &Output) {
    let image = firmware::image_name(recipe);
    let checksums = judge.master().plan().checksums().len();
    let asked = records.are_asked();
    output.object(&json!({
        "v": 1, "kind": "compared", "image": image.display().to_string(),
        "image_sha256": judge.digest().to_string(), "checksums": checksums,
        "records": asked.then_some(&records.source),
        "no_records": (!asked).then_some(&records.source),
    }));
    output.line(format_args!(
        "compared with {} and {}",
        image.display(),
        count(checksums, "checksum")
    ));
    output.line(match asked {
        true => format!("         and the record in {}", records.source),
        false => format!(
            "         no record was asked ({}): whose token it is was not looked at",
            records.source
        ),
    });
}
