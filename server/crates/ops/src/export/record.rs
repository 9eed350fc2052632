//! Exports as they are recorded and shown.
//!
//! Invariant: a beginning, a wish to end and an end are in the audit log in the transaction that records them.

use super::survey::Survey;
use crate::zone::{self, local};
use crate::{Ops, OpsError, histories};
use chrono::TimeDelta;
use payhist_storage::exports::{self, End, NewExport, StoredExport};
use payhist_storage::histories::History;
use payhist_storage::{audit, tx};
use payhist_types::export::{Export, ExportFormat, ExportState};
use payhist_types::payment::PaymentQuery;
use serde_json::json;
use std::time::Duration;

/// How often an export says that it is at work.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(1);
/// After so long without a word its process is gone.
const SILENCE_MAX: TimeDelta = TimeDelta::seconds(30);

/// What an export is recorded as.
pub(super) fn asked(
    survey: &Survey,
    actor: &str,
    query: &PaymentQuery,
    format: ExportFormat,
    reveal_reason: Option<String>,
) -> NewExport {
    NewExport {
        history_id: survey.recent.history.id,
        started_by: actor.to_owned(),
        query: query.clone(),
        format,
        reveal_reason,
        scope: survey.scope.clone(),
    }
}

/// Records that an export is about to be made; answers its number.
pub(super) async fn begin(ops: &Ops, history: &History, export: &NewExport) -> Result<u64, OpsError> {
    let now = ops.now();
    let id = tx::run(ops.control(), "export.begin", |connection| {
        let (export, target) = (export.clone(), history.spec.name.to_string());
        Box::pin(async move {
            let id = exports::begin(connection, &export, now).await?;
            let detail = json!({
                "export": id, "query": export.query, "format": export.format, "reveal_reason": export.reveal_reason,
            });
            let entry =
                audit::Entry { at: now, actor: &export.started_by, action: "export.begin", target: &target, detail };
            audit::append(connection, &entry).await?;
            Ok(id)
        })
    })
    .await?;
    Ok(id)
}

/// Records how an export ended.
pub(super) async fn finish(ops: &Ops, history: &History, id: u64, actor: &str, end: &End) -> Result<(), OpsError> {
    let now = ops.now();
    tx::run(ops.control(), "export.finish", |connection| {
        let (end, target, actor) = (end.clone(), history.spec.name.to_string(), actor.to_owned());
        Box::pin(async move {
            exports::finish(connection, id, &end, now).await?;
            let detail = json!({
                "export": id, "state": end.state, "rows": end.progress.rows, "bytes": end.progress.bytes,
                "sha256": end.sha256, "failure": end.failure,
            });
            let entry = audit::Entry { at: now, actor: &actor, action: "export.end", target: &target, detail };
            audit::append(connection, &entry).await
        })
    })
    .await?;
    Ok(())
}

/// Asks whoever makes an export to end it.
pub(super) async fn ask_to_end(ops: &Ops, history: &str, id: u64, actor: &str) -> Result<bool, OpsError> {
    let now = ops.now();
    let asked = tx::run(ops.control(), "export.cancel", |connection| {
        let (target, actor) = (history.to_owned(), actor.to_owned());
        Box::pin(async move {
            let asked = exports::ask_to_end(connection, id, &actor).await?;
            if asked {
                let detail = json!({ "export": id });
                let entry = audit::Entry { at: now, actor: &actor, action: "export.cancel", target: &target, detail };
                audit::append(connection, &entry).await?;
            }
            Ok(asked)
        })
    })
    .await?;
    Ok(asked)
}

pub(super) async fn find(ops: &Ops, id: u64) -> Result<Export, OpsError> {
    let missing = || OpsError::NotFound(format!("The export {id}"));
    let mut connection = ops.control().acquire("export.find").await?;
    let stored = exports::find(&mut connection, id).await?.ok_or_else(missing)?;
    let history = histories::all(ops).await?.into_iter().find(|history| history.id == stored.asked.history_id);
    view(ops, &history.ok_or_else(missing)?, stored)
}

pub(super) async fn list(ops: &Ops, history: &str) -> Result<Vec<Export>, OpsError> {
    let history = histories::find(ops, history.trim()).await?;
    let mut connection = ops.control().acquire("export.list").await?;
    let stored = exports::list(&mut connection, history.id).await?;
    stored.into_iter().map(|stored| view(ops, &history, stored)).collect()
}

fn view(ops: &Ops, history: &History, stored: StoredExport) -> Result<Export, OpsError> {
    let StoredExport { id, asked, end, started_at, heartbeat_at, finished_at } = stored;
    let zone = zone::parse(&history.spec.policy.zone)?;
    let is_dead = end.state == ExportState::Running && ops.now() - heartbeat_at > SILENCE_MAX;
    let (state, failure) = if is_dead {
        let words = "its process ended before the export did: whatever there is of the file is short";
        (ExportState::Failed, Some(words.to_owned()))
    } else {
        (end.state, end.failure)
    };
    Ok(Export {
        id,
        history: history.spec.name.to_string(),
        zone: history.spec.policy.zone.clone(),
        started_by: asked.started_by,
        query: asked.query,
        format: asked.format,
        reveal_reason: asked.reveal_reason,
        scope: asked.scope,
        state,
        reads_done: end.progress.reads_done,
        rows: end.progress.rows,
        bytes: end.progress.bytes,
        sha256: end.sha256,
        failure,
        started_at: local(started_at, zone),
        finished_at: finished_at.map(|at| local(at, zone)),
    })
}
