//! `payhist doctor`

use super::output::{Outcome, say};
use clap::Args;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, doctor};
use payhist_types::doctor::{Diagnosis, Finding};

#[derive(Debug, Args)]
#[command(after_help = "Example: payhist doctor --history legacy --json | jq -r '.findings[].sql[]'\n\n\
    Exit code 1 when there are errors; warnings alone are 0. Findings are explained in docs/doctor.md.")]
pub(super) struct DoctorArgs {
    /// Which history; the oldest one by default.
    #[arg(long, value_name = "NAME", default_value = "")]
    history: String,
}

pub(super) async fn run(args: &DoctorArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let diagnosis = doctor::diagnose(ops, &Permit::for_command(), &args.history).await?;
    let said = say(json, &diagnosis, || words(&diagnosis));
    Ok(if diagnosis.has_errors() { Outcome::Failed } else { said })
}

fn words(diagnosis: &Diagnosis) -> String {
    let mut said = format!("{}: {} findings\n", diagnosis.history, diagnosis.findings.len());
    for finding in &diagnosis.findings {
        said += &finding_words(finding);
    }
    said += "\nLooked at:";
    for looked in &diagnosis.looked_at {
        said += &format!("\n  {looked}");
    }
    said
}

fn finding_words(finding: &Finding) -> String {
    let mut place = match (&finding.table, finding.shard) {
        (Some(table), Some(shard)) => format!(" {table} (shard {shard})"),
        _ => String::new(),
    };
    if let Some(source) = &finding.source {
        place += &format!(" on {source}");
    }
    let Finding { severity, code, what, why, .. } = finding;
    let mut said = format!("\n{severity} {code}{place}: {what}\n  why: {why}\n");
    for sql in &finding.sql {
        said += &format!("    {sql};\n");
    }
    if let Some(steps) = &finding.steps {
        said += &format!("  {}: {steps}\n", if finding.sql.is_empty() { "mend" } else { "mind" });
    }
    said
}
