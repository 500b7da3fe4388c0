//! The rules of the ledger, written once, over any back end's tables.

pub(super) mod adopt;
pub(super) mod attest;
pub(super) mod claim;
pub(super) mod complete;
pub(super) mod disclose;
pub(super) mod doubt;
pub(super) mod facts;
pub(super) mod finish;
pub(super) mod import;
pub(super) mod join;
pub(super) mod look;
pub(super) mod merge;
pub(super) mod met;
pub(super) mod numbers;
pub(super) mod parts;
pub(super) mod proof;
pub(super) mod rework;
pub(super) mod rows;
pub(super) mod split;
pub(super) mod steps;
pub(super) mod undo;
