//! `ledger audit`: the history replayed against the record.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::args::RecipeArg;
use crate::cli::error::{CliError, exit};
use crate::cli::output::{BAD, GOOD, Output};
use crate::cli::{open_ledger, recipe};

#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Heads of an earlier audit, units' JSON lines or a mirror: what is not in the ledger any more
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,

    /// Exports or mirrors of other sites: tokens and boards that are used twice
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
}

pub(crate) fn run(args: &AuditArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let mut seen = Vec::new();
    for file in &args.witness {
        seen.extend(super::outside::witnesses(file)?);
    }
    let mut sites = Vec::new();
    for file in &args.with {
        sites.extend(super::outside::sightings(file)?);
    }
    let mut audit = ledger.audit()?;
    if !seen.is_empty() {
        audit.findings.extend(ledger.compare(&seen)?);
    }
    if !sites.is_empty() {
        audit.findings.extend(ledger.compare_sites(&sites)?);
    }
    for (station, seq, hash) in &audit.heads {
        output.object(&json!({
            "v": 1, "kind": "head", "station": station, "seq": seq, "hash": hash.to_string(),
        }));
        output.line(format_args!("head   {station}  event {seq}  {hash}"));
    }
    for finding in &audit.findings {
        output.object(&json!({
            "v": 1, "kind": "finding", "about": finding.about, "what": finding.what,
        }));
        output.line(format_args!(
            "{BAD}{}{BAD:#}  {}",
            finding.about, finding.what
        ));
    }
    output.object(&json!({
        "v": 1, "kind": "audit", "events": audit.events, "units": audit.units,
        "tokens": audit.tokens, "findings": audit.findings.len(),
    }));
    let counts = format!(
        "{} events, {} units, {} tokens",
        audit.events, audit.units, audit.tokens
    );
    if audit.findings.is_empty() {
        output.line(format_args!("{GOOD}clean{GOOD:#}  {counts}"));
        if seen.is_empty() {
            output.note("a record cut off at its end shows only against a head kept elsewhere: --witness FILE");
        }
        return Ok(0);
    }
    output.line(format_args!("{counts}: {} findings", audit.findings.len()));
    Ok(exit::DIFFERS)
}
