//! Statements that wait for their lock within bounds, again and again for a while.

use super::killer::Killer;
use crate::holds::Doomed;
use crate::{Ops, OpsError};
use payhist_dialect::error_class::ErrorClass;
use payhist_dialect::{DDL_LOCK_WAIT_SECS, Destructive, Statement};
use payhist_storage::permit::DropPermit;
use payhist_storage::{PooledConnection, Source, StorageError, ddl, engine_stats};
use payhist_types::holds::RowHold;
use std::time::{Duration, Instant};

/// How often an ALTER is tried before the step gives up and names who is in the way.
pub(super) const DDL_ATTEMPTS_MAX: u32 = 20;
/// Upper edge of the pause before the next try; the pause is random below it, so that tries do not fall in step with
/// what they wait for.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A session that changes tables. Its lock wait may be shortened, so it never goes back to the pool.
pub(crate) struct Patient<'a> {
    ops: &'a Ops,
    source: &'a Source,
    pub(crate) connection: PooledConnection,
    /// Tries of the statement that took the most.
    pub(super) attempts: u32,
    /// For how long all its statements were turned away: from the first try of each to the one that went through.
    pub(super) waited: Duration,
    /// Who may end what is in the way when the tries run out.
    pub(super) killer: Option<Killer<'a>>,
}

impl<'a> Patient<'a> {
    pub(crate) async fn open(ops: &'a Ops, source: &'a Source) -> Result<Self, OpsError> {
        let mut connection = source.work.acquire("rotation.ddl").await?;
        connection.close_on_drop();
        Ok(Self { ops, source, connection, attempts: 0, waited: Duration::ZERO, killer: None })
    }

    /// Executes a statement, again and again for as long as it only fails to get its lock in time. Answers how many rows it
    /// touched.
    pub(crate) async fn run(&mut self, statement: &Statement) -> Result<u64, OpsError> {
        let (mut tries, mut rows) = (0, 0);
        loop {
            tries += 1;
            let begun = Instant::now();
            let tried = ddl::execute(&mut self.connection, statement).await.map(|touched| rows = touched);
            if self.went_through(tries, begun, tried.map_err(OpsError::from)).await? {
                return Ok(rows);
            }
        }
    }

    /// The same for a statement that destroys a month's rows: the holds are looked at before each try.
    pub(super) async fn destroy(&mut self, statement: &Destructive, month: &Doomed<'_>) -> Result<(), OpsError> {
        for tries in 1.. {
            let begun = Instant::now();
            let tried = month.destroy(self.ops, &mut self.connection, statement).await;
            if self.went_through(tries, begun, tried).await? {
                break;
            }
        }
        Ok(())
    }

    /// The same for a statement that deletes carved-out rows but for those of `keeps`. Answers how many.
    pub(super) async fn release(
        &mut self,
        statement: &Destructive,
        month: &Doomed<'_>,
        keeps: &[RowHold],
    ) -> Result<u64, OpsError> {
        let (mut tries, mut rows) = (0, 0);
        loop {
            tries += 1;
            let begun = Instant::now();
            let tried = month.release(self.ops, &mut self.connection, statement, keeps).await;
            if self.went_through(tries, begun, tried.map(|deleted| rows = deleted)).await? {
                return Ok(rows);
            }
        }
    }

    /// The same for a statement on what was counted empty.
    pub(super) async fn remove(&mut self, statement: &Destructive, permit: &DropPermit<'_>) -> Result<(), OpsError> {
        for tries in 1.. {
            let begun = Instant::now();
            let tried = ddl::destroy(&mut self.connection, statement, permit).await.map(drop);
            if self.went_through(tries, begun, tried.map_err(OpsError::from)).await? {
                break;
            }
        }
        Ok(())
    }

    /// Has a try gone through? If it only failed to get its lock in time, false, after a pause.
    async fn went_through(
        &mut self,
        tries: u32,
        begun: Instant,
        tried: Result<(), OpsError>,
    ) -> Result<bool, OpsError> {
        self.attempts = self.attempts.max(tries);
        let Err(error) = tried else { return Ok(true) };
        let waited =
            |error: &StorageError| matches!(error.class(), Some(ErrorClass::LockWaitTimeout | ErrorClass::Deadlock));
        if !matches!(&error, OpsError::Storage(error) if waited(error)) {
            return Err(error);
        }
        let is_to_go_on = self.pause(tries).await;
        self.waited += begun.elapsed();
        is_to_go_on.map(|()| false)
    }

    /// Pauses before the next try, or gives up.
    async fn pause(&mut self, tries: u32) -> Result<(), OpsError> {
        if tries.is_multiple_of(DDL_ATTEMPTS_MAX) {
            match self.kill().await {
                Ok(true) => {}
                Ok(false) => return Err(self.gave_up(tries, "").await),
                Err(why) => return Err(self.gave_up(tries, &format!(" Not all could be killed: {why}.")).await),
            }
        }
        tokio::time::sleep(RETRY_PAUSE_MAX.mul_f64(rand::random())).await;
        Ok(())
    }

    /// Was something in the way killed, so that trying goes on?
    async fn kill(&mut self) -> Result<bool, OpsError> {
        match &mut self.killer {
            Some(killer) => killer.kill(&mut self.connection).await,
            None => Ok(false),
        }
    }

    async fn gave_up(&self, attempts: u32, more: &str) -> OpsError {
        let blockers = async {
            let capabilities = self.source.capabilities().await?;
            let mut connection = self.source.pool.acquire("rotation.blockers").await?;
            Ok::<_, OpsError>(engine_stats::open_transactions(&mut connection, capabilities).await?)
        };
        let who = match blockers.await {
            Ok(blockers) if blockers.is_empty() => "no open transaction is visible".to_owned(),
            Ok(blockers) => blockers.join("; "),
            Err(error) => format!("who blocks it cannot be seen: {error}"),
        };
        OpsError::refused(
            format!(
                "no metadata lock in {attempts} tries of {DDL_LOCK_WAIT_SECS} s. Open transactions, oldest first: {who}.{more}"
            ),
            "End the transaction in the way, then apply again.",
        )
    }
}
