//! Following a run: its records are read once for all who look, however many they are.
//!
//! Invariants: the control database is the source of truth, since another instance may do the work; nothing is read once
//! nobody looks or the run is over.

use super::view;
use crate::auth::{Permit, ViewPartitions};
use crate::{Ops, OpsError};
use payhist_types::run::{RotationRun, RunOutcome};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch::{self, Receiver, Sender};

/// How often the records of a run that is followed are read.
const READ_EVERY: Duration = Duration::from_millis(500);
/// Runs that are followed at once.
const FOLLOWED_MAX: usize = 100;

/// The runs that somebody follows.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<HashMap<u64, Sender<RotationRun>>>);

impl Followed {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Sender<RotationRun>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run as it is now and with each change, until it is over; of too many runs only as it is now.
///
/// # Errors
/// [`OpsError::NotFound`].
pub async fn follow(ops: &Ops, _permit: &Permit<ViewPartitions>, id: u64) -> Result<Receiver<RotationRun>, OpsError> {
    let run = view(ops, id).await?;
    let mut followed = ops.followed().lock();
    let mut receiver = if let Some(sender) = followed.get(&id) {
        sender.subscribe()
    } else {
        let is_running = run.outcome == RunOutcome::Running;
        let (sender, receiver) = watch::channel(run);
        if is_running && followed.len() < FOLLOWED_MAX {
            followed.insert(id, sender);
            tokio::spawn(read_on(ops.clone(), id));
        }
        receiver
    };
    receiver.mark_changed();
    Ok(receiver)
}

/// Reads the run again and again, and tells what has changed.
async fn read_on(ops: Ops, id: u64) {
    loop {
        tokio::time::sleep(READ_EVERY).await;
        let read = view(&ops, id).await;
        let mut followed = ops.followed().lock();
        let Some(sender) = followed.get(&id) else { return };
        let is_over = match read {
            Ok(run) => {
                let is_over = run.outcome != RunOutcome::Running;
                sender.send_if_modified(|known| {
                    let is_news = *known != run;
                    *known = run;
                    is_news
                });
                is_over
            }
            Err(error) => {
                tracing::warn!(run = id, error = &error as &dyn std::error::Error, "a followed run was not read");
                false
            }
        };
        if is_over || sender.receiver_count() == 0 {
            followed.remove(&id);
            return;
        }
    }
}
