//! Exports: payments that match a filter as a file, streamed in constant memory.
//!
//! Invariants:
//! - An export is never silently short: what cannot be read, or went elsewhere meanwhile, fails it, and the failure stands in
//!   the file, in its record and in what the taker is told.
//! - Whoever asked, for what and why in clear, is in the audit log before the first row leaves.
//! - Order is months from the newest, shards in order, and within them whatever the engine reads quickest.

mod encode;
mod guard;
mod read;
mod record;
mod survey;
mod work;

use crate::auth::{ExportPayments, Permit, RevealPersonalData, ViewPayments};
use crate::{Ops, OpsError};
use bytes::Bytes;
pub use payhist_storage::exports::Progress;
use payhist_types::export::{Export, ExportFormat, ExportPreview, ExportRequest, ExportState, REVEAL_REASON_CHARS_MAX};
use payhist_types::payment::PaymentQuery;
use std::sync::Arc;
use std::time::Duration;
use survey::Survey;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use work::{Counters, Taker, Work};

/// Exports that an instance makes at once: each takes one of a source's four connections for work, for minutes.
pub(crate) const EXPORTS_AT_ONCE: usize = 2;
/// Pieces between those who make an export and who takes it.
const PIECES_WAITING: usize = 2;
/// How long the beginning of an export is waited for, so that an early failure is an answer of its own.
const BEGINNING_WAIT: Duration = Duration::from_secs(5);

/// What whoever makes an export says to who takes it.
#[derive(Debug)]
enum Piece {
    /// The next part of the file.
    Bytes(Bytes),
    /// That was the last one.
    All,
    /// There are no more, and why.
    Short(OpsError),
}

/// An export that is being made. Dropped before [`Running::finish`] has answered, it is cancelled.
#[derive(Debug)]
pub struct Running {
    export: Export,
    first: Option<Piece>,
    failure: Option<OpsError>,
    counters: Arc<Counters>,
    pieces: mpsc::Receiver<Piece>,
    confirm: oneshot::Sender<()>,
    outcome: oneshot::Receiver<Result<Export, OpsError>>,
}

impl Running {
    /// As it was recorded when it was begun.
    pub fn export(&self) -> &Export {
        &self.export
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.counters.progress()
    }

    /// The next part of the file; `None` after the last one. One that is short ends with a mark that says so.
    ///
    /// # Errors
    /// Why it is short. There is no more of it.
    pub async fn next(&mut self) -> Option<Result<Bytes, OpsError>> {
        if let Some(error) = self.failure.take() {
            return Some(Err(error));
        }
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.pieces.recv().await,
        };
        match next {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::All) => None,
            short => {
                let error = if let Some(Piece::Short(error)) = short { error } else { ended() };
                let mark = encode::mark_of_failure(self.export.format, &error.to_string());
                if mark.is_empty() {
                    return Some(Err(error));
                }
                self.failure = Some(error);
                Some(Ok(mark.into()))
            }
        }
    }

    /// Says that all is safely where it should be; answers the export, which is complete then.
    ///
    /// # Errors
    /// It could not be recorded: the file counts for nothing.
    pub async fn finish(self) -> Result<Export, OpsError> {
        let Self { mut pieces, confirm, outcome, .. } = self;
        let _gone = confirm.send(());
        tokio::select! {
            Some(Piece::Short(error)) = pieces.recv() => Err(error),
            told = outcome => told.unwrap_or_else(|_| Err(ended())),
        }
    }
}

/// What is said of an export whose task is gone without a word.
fn ended() -> OpsError {
    OpsError::Incomplete("it was ended".to_owned())
}

/// Begins an export. `reveal` is asked for only when personal fields are to be in clear. `stop` ends it early.
///
/// # Errors
/// [`OpsError::BadInput`] by field; [`OpsError::Forbidden`] from `reveal`; [`OpsError::TooMany`] while others are made;
/// [`OpsError::Incomplete`] for what failed before anything was there to be taken.
pub async fn start(
    ops: &Ops,
    permit: &Permit<ExportPayments>,
    reveal: impl FnOnce() -> Result<Permit<RevealPersonalData>, OpsError>,
    request: &ExportRequest,
    stop: CancellationToken,
) -> Result<Running, OpsError> {
    let (format, reveal_reason) = checked(request)?;
    if reveal_reason.is_some() {
        reveal()?;
    }
    let survey = Survey::make(ops, &request.query).await?;
    let place = ops.place_for_export().ok_or_else(|| {
        OpsError::TooMany(format!(
            "{EXPORTS_AT_ONCE} exports are being made already. Wait for one of them, or cancel it."
        ))
    })?;
    let masks = reveal_reason.is_none();
    let asked = record::asked(&survey, permit.actor(), &request.query, format, reveal_reason);
    let id = record::begin(ops, &survey.recent.history, &asked).await?;
    let export = record::find(ops, id).await?;
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let (confirm, confirmed) = oneshot::channel();
    let (told, outcome) = oneshot::channel();
    let (actor, counters) = (permit.actor().to_owned(), Arc::new(Counters::default()));
    let work =
        Work { ops: ops.clone(), id, actor, survey, format, masks, counters: Arc::clone(&counters), stop, place };
    ops.spawn(work::run(work, Taker { pieces: sender, confirmed, outcome: told }));
    let mut running = Running { export, first: None, failure: None, counters, pieces, confirm, outcome };
    match tokio::time::timeout(BEGINNING_WAIT, running.pieces.recv()).await {
        Ok(Some(Piece::Short(error))) => return Err(error),
        Ok(first) => running.first = first,
        Err(_) => {}
    }
    Ok(running)
}

/// The format, and why personal fields are to be in clear.
fn checked(request: &ExportRequest) -> Result<(ExportFormat, Option<String>), OpsError> {
    let format = request.format.trim();
    let format = format
        .parse()
        .map_err(|_| OpsError::field("format", format!("{format:?} is no format: use csv, ndjson or parquet")))?;
    let reason = request.reason.trim();
    let reveal_reason = match request.personal.trim() {
        "" | "masked" => None,
        "clear" if reason.is_empty() => {
            return Err(OpsError::field("reason", "say why personal fields are needed in clear"));
        }
        "clear" if reason.chars().count() > REVEAL_REASON_CHARS_MAX => {
            return Err(OpsError::field("reason", format!("use at most {REVEAL_REASON_CHARS_MAX} characters")));
        }
        "clear" => Some(reason.to_owned()),
        other => return Err(OpsError::field("personal", format!("{other:?}: use masked or clear"))),
    };
    Ok((format, reveal_reason))
}

/// What an export of these payments would read.
///
/// # Errors
/// As of [`start`].
pub async fn preview(
    ops: &Ops,
    _permit: &Permit<ViewPayments>,
    query: &PaymentQuery,
) -> Result<ExportPreview, OpsError> {
    Ok(Survey::make(ops, query).await?.preview())
}

/// The exports of a history, newest first; the default one for an empty name.
pub async fn list(ops: &Ops, _permit: &Permit<ViewPayments>, history: &str) -> Result<Vec<Export>, OpsError> {
    record::list(ops, history).await
}

/// One export.
///
/// # Errors
/// [`OpsError::NotFound`].
pub async fn find(ops: &Ops, _permit: &Permit<ViewPayments>, id: u64) -> Result<Export, OpsError> {
    record::find(ops, id).await
}

/// Asks whichever instance makes an export to end it, which it does within seconds.
///
/// # Errors
/// [`OpsError::NotFound`]; [`OpsError::Refused`] when it is over, or somebody has asked already.
pub async fn cancel(ops: &Ops, permit: &Permit<ExportPayments>, id: u64) -> Result<(), OpsError> {
    let export = record::find(ops, id).await?;
    let is_running = export.state == ExportState::Running;
    if is_running && record::ask_to_end(ops, &export.history, id, permit.actor()).await? {
        return Ok(());
    }
    Err(OpsError::refused(
        format!("the export {id} is {}", if is_running { "being cancelled already" } else { "over" }),
        "Look at it again to see how it ended.",
    ))
}
