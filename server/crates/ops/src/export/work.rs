//! Making an export: receiving on one side, encoding, hashing and handing over on the other, and an eye on both.
//!
//! Invariants: a failure stands in the file before whoever takes it is told; an export is complete only after the taker has
//! confirmed that it has all; whatever ends one early also ends its statement on the server (`Pool::ask`).

use super::encode::{Encoder, Ready};
use super::read::Part;
use super::record::{self, BEAT_EVERY};
use super::survey::Survey;
use super::{Piece, read};
use crate::{Ops, OpsError};
use bytes::Bytes;
use payhist_storage::exports::{self, End, Progress};
use payhist_types::export::{Export, ExportFormat, ExportState};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// How long a taker may take nothing. A statement waits for it in the meantime, and the table's DDL for the statement.
const TAKEN_WITHIN: Duration = Duration::from_secs(45);
/// What waits to be encoded: a few milliseconds of work, so that neither side stops when the other is not on a core.
const PARTS_WAITING: usize = 16;
/// Why an export is cancelled whose taker is not there any more, whoever notices it first.
const GONE: &str = "whoever fetched it went away";

/// How far the work is; written by those who do it, read by the heartbeat.
#[derive(Debug, Default)]
pub(super) struct Counters {
    reads: AtomicU32,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(super) fn progress(&self) -> Progress {
        Progress {
            reads_done: self.reads.load(Relaxed),
            rows: self.rows.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

/// An export that was recorded and is to be made.
pub(super) struct Work {
    pub(super) ops: Ops,
    pub(super) id: u64,
    pub(super) actor: String,
    pub(super) survey: Survey,
    pub(super) format: ExportFormat,
    pub(super) masks: bool,
    pub(super) counters: Arc<Counters>,
    pub(super) stop: CancellationToken,
    pub(super) place: OwnedSemaphorePermit,
}

/// Where an export goes, and how its taker says that it has all.
pub(super) struct Taker {
    pub(super) pieces: mpsc::Sender<Piece>,
    pub(super) confirmed: oneshot::Receiver<()>,
    pub(super) outcome: oneshot::Sender<Result<Export, OpsError>>,
}

/// Why an export ended early.
enum Early {
    Failed(OpsError),
    Cancelled(String),
}

/// Makes it, to its end.
pub(super) async fn run(work: Work, taker: Taker) {
    let Taker { pieces, confirmed, outcome } = taker;
    let counters = &work.counters;
    let ended = CancellationToken::new();
    let made = tokio::select! {
        made = make(&work, pieces.clone(), ended.clone(), confirmed) => made.map_err(|error| {
            if pieces.is_closed() { Early::Cancelled(GONE.to_owned()) } else { Early::Failed(error) }
        }),
        by = beat(&work) => Err(Early::Cancelled(format!("cancelled by {by}"))),
        () = pieces.closed() => Err(Early::Cancelled(GONE.to_owned())),
        () = work.stop.cancelled() => Err(Early::Cancelled("payhist was told to stop".to_owned())),
    };
    ended.cancel();
    let progress = counters.progress();
    let (end, told) = match made {
        Ok(sha256) => (End { state: ExportState::Complete, progress, sha256: Some(sha256), failure: None }, None),
        Err(early) => {
            let (state, error) = match early {
                Early::Failed(error) => (ExportState::Failed, error),
                Early::Cancelled(words) => (ExportState::Cancelled, OpsError::Incomplete(words)),
            };
            let failure = Some(error.to_string());
            tracing::warn!(export = work.id, error = &error as &dyn std::error::Error, "an export is not complete");
            (End { state, progress, sha256: None, failure }, Some(error))
        }
    };
    let recorded = record::finish(&work.ops, &work.survey.recent.history, work.id, &work.actor, &end).await;
    if let Err(error) = &recorded {
        tracing::error!(export = work.id, error = error as &dyn std::error::Error, "an export's end was not recorded");
    }
    drop(work.place);
    if let Some(error) = told {
        let _gone = tokio::time::timeout(TAKEN_WITHIN, pieces.send(Piece::Short(error))).await;
        return;
    }
    let _gone = outcome.send(match recorded {
        Ok(()) => record::find(&work.ops, work.id).await,
        Err(error) => Err(error),
    });
}

/// Says that the work goes on, until somebody wants it to end: who. A control database that does not answer is no reason to.
async fn beat(work: &Work) -> String {
    loop {
        tokio::time::sleep(BEAT_EVERY).await;
        let beaten = async {
            let mut connection = work.ops.control().acquire("export.beat").await?;
            let by = exports::beat(&mut connection, work.id, work.counters.progress(), work.ops.now()).await?;
            connection.keep();
            Ok::<_, payhist_storage::StorageError>(by)
        };
        match beaten.await {
            Ok(Some(by)) => return by,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    export = work.id,
                    error = &error as &dyn std::error::Error,
                    "an export's progress was not recorded"
                );
            }
        }
    }
}

/// Hands all of the file over; answers its SHA-256.
async fn make(
    work: &Work,
    pieces: mpsc::Sender<Piece>,
    ended: CancellationToken,
    confirmed: oneshot::Receiver<()>,
) -> Result<String, OpsError> {
    let (sender, parts) = mpsc::channel(PARTS_WAITING);
    let (told, all_read) = oneshot::channel();
    let encoder = Encoder::new(work.format, work.survey.zone, work.masks)?;
    let head = Some(encoder.head());
    let hand = Hand { head, hasher: Sha256::new(), pieces, counters: Arc::clone(&work.counters), ended };
    let mut handing = tokio::task::spawn_blocking(move || hand.over(encoder, parts, all_read));
    let joined = |handed: Result<_, JoinError>| handed.map_err(|error| OpsError::Internal(error.to_string())).flatten();
    tokio::select! {
        read = read::all(&work.ops, &work.survey, &sender) => read?,
        handed = &mut handing => return joined(handed), // before all was read: nobody takes it, or a row cannot be read
    }
    let _hand_is_gone = told.send(());
    drop(sender);
    let sha256 = joined(handing.await)?;
    match tokio::time::timeout(TAKEN_WITHIN, confirmed).await {
        Ok(Ok(())) => Ok(sha256),
        Ok(Err(_)) | Err(_) => {
            Err(OpsError::Incomplete("whoever fetched it did not confirm that it has all".to_owned()))
        }
    }
}

/// Encodes and hashes, and hands pieces to the taker.
struct Hand {
    /// What stands before all rows. It goes with the first of them: until then a failure is an answer of its own.
    head: Option<Bytes>,
    hasher: Sha256,
    pieces: mpsc::Sender<Piece>,
    counters: Arc<Counters>,
    ended: CancellationToken,
}

impl Hand {
    /// Until there are no more parts, which is the end only if all were read.
    fn over(
        mut self,
        mut encoder: Encoder,
        mut parts: mpsc::Receiver<Part>,
        all_read: oneshot::Receiver<()>,
    ) -> Result<String, OpsError> {
        while let Some(part) = parts.blocking_recv() {
            match part {
                Part::Rows(rows, place) => {
                    for row in rows.payments() {
                        let row = row.map_err(|error| place.unreadable(&error.into()))?;
                        let ready = encoder.push(&row).map_err(|error| place.unreadable(&error))?;
                        self.rows(ready)?;
                    }
                }
                Part::End => {
                    self.rows(encoder.pause()?)?;
                    self.counters.reads.fetch_add(1, Relaxed);
                }
            }
        }
        all_read.blocking_recv().map_err(|_| OpsError::Incomplete("it was ended".to_owned()))?;
        self.rows(encoder.take()?)?;
        self.head()?;
        self.bytes(encoder.end()?)?;
        self.piece(Piece::All)?;
        Ok(hex::encode(self.hasher.finalize()))
    }

    fn rows(&mut self, ready: Option<Ready>) -> Result<(), OpsError> {
        let Some(Ready { bytes, rows }) = ready else { return Ok(()) };
        self.head()?;
        self.bytes(bytes)?;
        self.counters.rows.fetch_add(rows, Relaxed);
        Ok(())
    }

    fn head(&mut self) -> Result<(), OpsError> {
        self.head.take().map_or(Ok(()), |head| self.bytes(head))
    }

    fn bytes(&mut self, bytes: Bytes) -> Result<(), OpsError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.hasher.update(&bytes);
        let count = bytes.len() as u64;
        self.piece(Piece::Bytes(bytes))?;
        self.counters.bytes.fetch_add(count, Relaxed);
        Ok(())
    }

    fn piece(&self, piece: Piece) -> Result<(), OpsError> {
        let sent = self.ended.run_until_cancelled(tokio::time::timeout(TAKEN_WITHIN, self.pieces.send(piece)));
        match Handle::current().block_on(sent) {
            Some(Ok(Ok(()))) => Ok(()),
            Some(Err(_)) => Err(OpsError::Incomplete(format!("nothing was taken for {} s", TAKEN_WITHIN.as_secs()))),
            Some(Ok(Err(_))) | None => Err(OpsError::Incomplete("it was ended".to_owned())),
        }
    }
}
