//! The slots that an image seems to have, as lines to paste into a recipe.

use eol_inject::image::{Image, Span};
use eol_inject::propose::{self, Proposal, Standing};
use serde_json::json;

use super::holds::{self, ROOM};
use super::map::Mark;
use super::output::{BAD, DIM, Output};
use super::wrap;

/// Shows the proposals, sure ones first; what is not sure is a comment in TOML.
pub(crate) fn show(image: &Image, marks: &mut Vec<(Span, Mark)>, output: &Output) {
    let mut proposals = propose::slots(image);
    proposals.sort_by_key(|one| {
        let standing = match one.standing {
            Standing::Sure => 0,
            Standing::Candidate => 1,
            Standing::Refused(_) => 2,
        };
        (standing, !is_token(one))
    });
    for proposal in &proposals {
        if proposal.standing == Standing::Sure && !marks.iter().any(|(at, _)| *at == proposal.span)
        {
            marks.push((proposal.span, Mark::Slot));
        }
        object(proposal, output);
    }
    let mut lines: Vec<String> = proposals.iter().flat_map(lines).collect();
    if !proposals.iter().any(is_token) {
        lines.extend(wrap::parts(
            "no place for a token shows itself; if the firmware has one, name its section, symbol, \
             marker or address in a [[slot]] (eol-inject help recipe)",
            ROOM,
        ));
    }
    holds::headed("proposed", &lines, output);
}

/// Returns whether a token has a place, or could have one.
fn is_token(proposal: &Proposal) -> bool {
    proposal.value == eol_inject::recipe::SlotValue::AuthToken
}

fn object(proposal: &Proposal, output: &Output) {
    let (standing, reason) = match &proposal.standing {
        Standing::Sure => ("sure", None),
        Standing::Candidate => ("candidate", None),
        Standing::Refused(reason) => ("refused", Some(reason)),
    };
    output.object(&json!({
        "v": 1, "kind": "proposal", "what": "slot", "value": proposal.value.to_string(),
        "at": proposal.span.start().to_string(), "bytes": proposal.span.len(),
        "standing": standing, "why": proposal.why, "reason": reason,
        "toml": (!proposal.lines.is_empty()).then(|| proposal.table()), "or": proposal.or,
    }));
}

/// Returns the lines of one proposal: what it is, then its table.
fn lines(proposal: &Proposal) -> Vec<String> {
    let place = format!(
        "{} at {}, {} bytes: {}",
        proposal.value,
        proposal.span.start(),
        proposal.span.len(),
        proposal.why
    );
    let mut lines = wrap::parts(&place, ROOM);
    let table = proposal.table();
    match &proposal.standing {
        Standing::Sure => {
            lines.extend(table.lines().map(|line| format!("  {line}")));
            // A comment ends with its line.
            for way in &proposal.or {
                let way = wrap::parts(&format!("or: {way}"), ROOM - 4);
                lines.extend(way.iter().map(|line| format!("  {DIM}# {line}{DIM:#}")));
            }
        }
        Standing::Candidate => {
            let why = if proposal.lines.iter().any(|line| line.contains('<')) {
                "fill in what stands in <>"
            } else {
                "you decide whether this one is meant"
            };
            lines.push(format!("  # {why}:"));
            lines.extend(table.lines().map(|line| format!("  # {line}")));
        }
        Standing::Refused(reason) => {
            let refused = wrap::parts(&format!("no slot: {reason}"), ROOM - 2);
            lines.extend(refused.iter().map(|line| format!("  {BAD}{line}{BAD:#}")));
        }
    }
    lines
}
