//! The pages that come with the program: whoever installed it has no other copy.

/// Something to read about.
pub(crate) struct Topic {
    /// How it is asked for.
    pub(crate) name: &'static str,
    /// What it tells.
    pub(crate) about: &'static str,
    /// The page that tells it.
    pub(super) page: &'static str,
    /// The heading of the part that is meant; none for the whole page.
    pub(super) part: Option<&'static str>,
}

impl Topic {
    const fn page(name: &'static str, page: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            page,
            part: None,
        }
    }

    const fn part(self, heading: &'static str) -> Self {
        Self {
            part: Some(heading),
            ..self
        }
    }
}

const README: &str = include_str!("../../../README.md");
const RECIPE: &str = include_str!("../../../docs/recipe.md");
const OPERATOR: &str = include_str!("../../../docs/operator.md");
const LEDGER: &str = include_str!("../../../docs/ledger.md");
const GUARANTEES: &str = include_str!("../../../docs/guarantees.md");
const FLASHING: &str = include_str!("../../../docs/flashing.md");
const SECURITY: &str = include_str!("../../../docs/security.md");
const PERFORMANCE: &str = include_str!("../../../docs/performance.md");
const ARCHITECTURE: &str = include_str!("../../../docs/architecture.md");

/// All of them, in the order in which a newcomer needs them.
pub(crate) const TOPICS: &[Topic] = &[
    Topic::page("line", README, "a line of your own, from the firmware on")
        .part("A line of your own"),
    Topic::page("recipe", RECIPE, "every key of the recipe"),
    Topic::page("slots", RECIPE, "where values go: [[slot]]").part("`[[slot]]`"),
    Topic::page("checksums", RECIPE, "what covers a slot: [[checksum]]").part("`[[checksum]]`"),
    Topic::page(
        "operator",
        OPERATOR,
        "at the station: what it says, what to do",
    ),
    Topic::page("labels", OPERATOR, "labels, and how they are proved").part("Labels"),
    Topic::page(
        "flashing",
        FLASHING,
        "probes, programmers, what happens on the wire",
    ),
    Topic::page(
        "ledger",
        LEDGER,
        "the record: units, lists, keys, stations, and after a loss",
    ),
    Topic::page(
        "guarantees",
        GUARANTEES,
        "what the record promises, and what its audit proves",
    ),
    Topic::page(
        "security",
        SECURITY,
        "who can do what with which access, and which test shows it",
    ),
    Topic::page("performance", PERFORMANCE, "how fast it is, measured"),
    Topic::page("architecture", ARCHITECTURE, "how the program is built"),
];
