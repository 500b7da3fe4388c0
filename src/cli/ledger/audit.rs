//! `ledger audit`: the history replayed against the record.

use clap::Args;
use serde_json::json;

use crate::cli::error::{CliError, exit};
use crate::cli::output::{BAD, GOOD, Output};
use crate::cli::{RecipeArg, context};

/// Which ledger.
#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    recipe: RecipeArg,
}

pub(crate) fn run(args: &AuditArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    let audit = ledger.audit()?;
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
        output.note("a record cut off at its end shows only against a head kept elsewhere");
        return Ok(0);
    }
    output.line(format_args!("{counts}: {} findings", audit.findings.len()));
    Ok(exit::DIFFERS)
}
