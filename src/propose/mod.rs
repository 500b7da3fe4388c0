//! Slots that an image seems to have, as lines of a recipe.
//!
//! Each proposal is proved by the code that makes units: what is pasted is found, and takes a token.
//! Where nobody can tell which of several places is meant, all of them are candidates. What a
//! placeholder is, its own words say; no other text of the image is repeated here.

mod places;
mod words;

use self::places::{Grounds, Place};
use crate::checksum;
use crate::image::{Image, Span};
use crate::protected::{self, Holder};
use crate::recipe::{SlotSpec, SlotValue};
use crate::slot::{self, Slot};

/// A value that every slot for a token must take.
const TRIAL: &[u8; 32] = b"-trial-token-of-thirty-two-chars";

/// How far a proposal can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the one place that the image offers for the value.
    Sure,
    /// It works, and another place may be meant.
    Candidate,
    /// It looks like a slot and is refused: why.
    Refused(String),
}

/// A slot that an image seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which value it takes.
    pub value: SlotValue,
    /// What a unit would change.
    pub span: Span,
    /// What shows it, such as `section .auth_token`.
    pub why: String,
    /// The lines of the best way to name it, below `[[slot]]`.
    pub lines: Vec<String>,
    /// Other ways to name the same place, each in one line.
    pub or: Vec<String>,
    /// How far it can be trusted.
    pub standing: Standing,
}

impl Proposal {
    /// Returns the table of a recipe.
    #[must_use]
    pub fn table(&self) -> String {
        format!("[[slot]]\n{}\n", self.lines.join("\n"))
    }
}

/// Proposes slots, in order of address.
#[must_use]
pub fn slots(image: &Image) -> Vec<Proposal> {
    let ground = Ground::of(image);
    let mut proposals = Vec::new();
    let mut proved: Vec<(Grounds, Option<Slot>)> = Vec::new();
    for place in places::all(image) {
        let grounds = place.grounds;
        if let Some((proposal, slot)) = ground.proposal(place) {
            proposals.push(proposal);
            proved.push((grounds, slot));
        }
    }
    judge(&mut proposals, &proved);
    let of = |index: &usize| proved.get(*index).and_then(|(_, slot)| slot.clone());
    loop {
        let sure: Vec<usize> = (0..proposals.len())
            .filter(|index| proposals.get(*index).is_some_and(is_sure))
            .collect();
        let slots: Vec<Slot> = sure.iter().filter_map(of).collect();
        let Err((index, error)) = slot::alone(image, &slots) else {
            return proposals;
        };
        let wrong = sure.get(index).and_then(|index| proposals.get_mut(*index));
        let Some(wrong) = wrong else {
            return proposals;
        };
        wrong.standing = Standing::Refused(error.to_string());
    }
}

fn is_sure(proposal: &Proposal) -> bool {
    proposal.standing == Standing::Sure
}

/// Says which proposals are sure: of those for one value the best founded one, where it is alone.
fn judge(proposals: &mut [Proposal], proved: &[(Grounds, Option<Slot>)]) {
    let known: Vec<(SlotValue, Grounds)> = proposals
        .iter()
        .zip(proved)
        .filter(|(proposal, _)| proposal.standing == Standing::Candidate)
        .map(|(proposal, (grounds, _))| (proposal.value.clone(), *grounds))
        .collect();
    for (proposal, (grounds, _)) in proposals.iter_mut().zip(proved) {
        let rivals = known
            .iter()
            .filter(|(value, other)| *value == proposal.value && other >= grounds);
        let open = matches!(proposal.value, SlotValue::Column(_)) || needs_words(proposal);
        if proposal.standing == Standing::Candidate
            && *grounds > Grounds::Weak
            && rivals.count() == 1
            && !open
        {
            proposal.standing = Standing::Sure;
        }
    }
}

/// Returns a line without what puts it under others.
fn tight(line: &str) -> String {
    match line.split_once('=') {
        Some((key, value)) => format!("{} ={value}", key.trim_end()),
        None => line.to_owned(),
    }
}

/// Returns whether a person has to fill something in.
fn needs_words(proposal: &Proposal) -> bool {
    proposal.lines.iter().any(|line| line.contains('<'))
}

/// What a slot must keep clear of.
struct Ground<'i> {
    image: &'i Image,
    closed: Vec<protected::Protected>,
    tables: Vec<Span>,
    frames: Vec<Span>,
}

impl<'i> Ground<'i> {
    fn of(image: &'i Image) -> Self {
        let findings = checksum::findings(image).into_iter();
        Self {
            image,
            closed: protected::ranges(image, None),
            tables: image.own_tables(),
            frames: findings
                .flat_map(|finding| finding.frame.into_iter().chain(finding.at))
                .collect(),
        }
    }

    /// Proves a place by the first way that works. Nothing is said of a place that only might have
    /// been one.
    fn proposal(&self, place: Place) -> Option<(Proposal, Option<Slot>)> {
        let mut refusal = None;
        let mut proved: Option<(Vec<String>, Slot)> = None;
        let mut or = Vec::new();
        for way in place.ways {
            let mut lines = vec![format!("value   = {:?}", place.value.to_string())];
            lines.extend(way);
            match (self.prove(&lines), &proved) {
                (Ok(slot), None) => proved = Some((lines, slot)),
                (Ok(slot), Some((_, first))) if slot.span() == first.span() => {
                    let way = lines
                        .iter()
                        .skip(1)
                        .filter(|line| !line.starts_with("blank"));
                    or.push(way.map(|line| tight(line)).collect::<Vec<_>>().join(", "));
                }
                (Ok(_), Some(_)) => {}
                (Err(reason), _) => refusal = refusal.or(Some(reason)),
            }
        }
        let (lines, span, standing, slot) = match (proved, refusal) {
            (Some((lines, slot)), _) => (lines, slot.span(), Standing::Candidate, Some(slot)),
            (None, Some(reason)) if place.grounds > Grounds::Weak => {
                (Vec::new(), place.span, Standing::Refused(reason), None)
            }
            (None, _) => return None,
        };
        let proposal = Proposal {
            value: place.value,
            span,
            why: place.why,
            lines,
            or,
            standing,
        };
        Some((proposal, slot))
    }

    /// Finds the slot that `lines` describe, as a recipe would have it found.
    fn prove(&self, lines: &[String]) -> Result<Slot, String> {
        let spec: SlotSpec =
            toml::from_str(&lines.join("\n")).map_err(|error| error.message().to_owned())?;
        let slot = slot::locate(self.image, &spec).map_err(|error| error.to_string())?;
        slot::alone(self.image, std::slice::from_ref(&slot))
            .map_err(|(_, error)| error.to_string())?;
        if spec.value == SlotValue::AuthToken {
            slot.encode(TRIAL).map_err(|error| error.to_string())?;
        }
        let at = slot.span();
        if let Some(range) = protected::hit(&self.closed, at, Holder::Slot) {
            return Err(format!("it lies in {}", range.name));
        }
        let mut structure = self.tables.iter().chain(&self.frames);
        if structure.any(|part| part.intersection(at).is_some()) {
            return Err("it lies over a header of the image, or a checksum".to_owned());
        }
        Ok(slot)
    }
}
