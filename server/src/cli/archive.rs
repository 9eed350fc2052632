//! `payhist archive`

use super::output::{Outcome, say, table};
use clap::Subcommand;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, archive};
use payhist_types::Month;
use payhist_types::archive::{Archive, ArchiveDeleted, ArchiveRestored, Verification};

#[derive(Debug, Subcommand)]
pub(super) enum ArchiveCommand {
    /// The archives of a history.
    #[command(after_help = "Example: payhist archive list --history payments")]
    List(HistoryArg),
    /// Read archives back from their stores: are rows, sums and checksums what they should be?
    #[command(after_help = "Example: payhist archive verify --month 2025-10")]
    Verify {
        #[command(flatten)]
        history: HistoryArg,
        /// This month only.
        #[arg(long)]
        month: Option<Month>,
    },
    /// Bring an archived month back into tables of its own, `TABLE_restored_YYYYMM`. No table in use is touched.
    #[command(after_help = "Example: payhist archive restore payments 2025-10")]
    Restore {
        /// Which history.
        history: String,
        /// Which month, e.g. 2025-10.
        month: Month,
    },
    /// Delete the archives of a month for good. Refused while the drop switch is off, and while a legal hold may keep rows of
    /// them. A month that is still in quarantine is archived again before it is dropped.
    #[command(after_help = "Example: payhist archive delete payments 2015-10 --reason 'kept for ten years'")]
    Delete {
        /// Which history.
        history: String,
        /// Which month, e.g. 2015-10.
        month: Month,
        /// Why they may go; it is kept in the audit log.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct HistoryArg {
    /// Which history; the oldest one by default.
    #[arg(long = "history", id = "history_name", value_name = "NAME", default_value = "")]
    name: String,
}

pub(super) async fn run(command: ArchiveCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    match command {
        ArchiveCommand::List(history) => {
            let archives = archive::list(ops, &Permit::for_command(), &history.name, None).await?;
            Ok(say(json, &archives, || list_words(&archives)))
        }
        ArchiveCommand::Verify { history, month } => {
            let verified = archive::verify(ops, &Permit::for_command(), &history.name, month).await?;
            say(json, &verified, || verify_words(&verified));
            let wrong = verified.iter().filter(|one| one.problem.is_some()).count();
            Ok(outcome(wrong, verified.len()))
        }
        ArchiveCommand::Delete { history, month, reason } => {
            let deleted = archive::delete(ops, &Permit::for_command(), &history, month, &reason).await?;
            say(json, &deleted, || delete_words(&deleted));
            let failed = deleted.iter().filter(|one| one.problem.is_some()).count();
            Ok(outcome(failed, deleted.len()))
        }
        ArchiveCommand::Restore { history, month } => {
            let restored = archive::restore(ops, &Permit::for_command(), &history, month).await?;
            say(json, &restored, || restore_words(&restored));
            let failed = restored.iter().filter(|one| one.problem.is_some()).count();
            Ok(outcome(failed, restored.len()))
        }
    }
}

fn outcome(failed: usize, all: usize) -> Outcome {
    match failed {
        0 => Outcome::Done,
        failed if failed == all => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

fn list_words(archives: &[Archive]) -> String {
    if archives.is_empty() {
        return "No archive yet.".to_owned();
    }
    let rows: Vec<_> = archives
        .iter()
        .map(|archive| {
            vec![
                archive.id.to_string(),
                archive.month.to_string(),
                archive.table.clone(),
                archive.state.to_string(),
                archive.rows.to_string(),
                archive.bytes.to_string(),
                format!("{}: {}", archive.target, archive.key),
            ]
        })
        .collect();
    table(&["ID", "MONTH", "TABLE", "STATE", "ROWS", "BYTES", "WHERE"], &rows)
}

fn verify_words(verified: &[Verification]) -> String {
    if verified.is_empty() {
        return "There is no archive to verify.".to_owned();
    }
    let rows: Vec<_> = verified
        .iter()
        .map(|one| {
            vec![
                one.archive.id.to_string(),
                one.archive.month.to_string(),
                one.archive.table.clone(),
                one.rows.to_string(),
                one.unreadable_rows.to_string(),
                one.problem.clone().unwrap_or_else(|| "whole".to_owned()),
            ]
        })
        .collect();
    table(&["ID", "MONTH", "TABLE", "ROWS", "ERASED", ""], &rows)
}

fn delete_words(deleted: &[ArchiveDeleted]) -> String {
    let row = |one: &ArchiveDeleted| {
        let word = one.problem.clone().unwrap_or_else(|| "deleted".to_owned());
        vec![one.archive.id.to_string(), one.archive.table.clone(), word]
    };
    table(&["ID", "TABLE", ""], &deleted.iter().map(row).collect::<Vec<_>>())
}

fn restore_words(restored: &[ArchiveRestored]) -> String {
    let rows: Vec<_> = restored
        .iter()
        .map(|one| {
            let word = if one.already_there { "already there" } else { "restored" };
            vec![
                one.table.clone(),
                one.rows.to_string(),
                one.unreadable_rows.to_string(),
                one.problem.clone().unwrap_or_else(|| word.to_owned()),
            ]
        })
        .collect();
    table(&["TABLE", "ROWS", "ERASED", ""], &rows)
}
