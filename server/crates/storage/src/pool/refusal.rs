//! Knowing at once that a server is down.
//!
//! sqlx takes a refused connection for a server that is starting, and goes on trying until the acquire timeout (0.9.0,
//! `PoolInner::connect`): each look at a dead source would take all of it. So while the pool has been connecting for a
//! moment, it is asked whether the server refuses. Nothing is remembered: the first look after a restart finds it.
//!
//! Invariant: a healthy server is asked nothing. Who waits because all connections are lent is no reason to open another.

use super::{Pool, lock};
use sqlx::ConnectOptions;
use std::io::ErrorKind;
use std::time::Duration;

/// After how long. A server in reach has answered by then, and one that is down has refused sqlx some times.
const ASK_AFTER: Duration = Duration::from_millis(200);

impl Pool {
    /// Waits until the server refuses a connection that the pool wants; for ever when it does not. It is asked once.
    pub(super) async fn refusal(&self) -> sqlx::Error {
        tokio::time::sleep(ASK_AFTER).await;
        while !self.is_connecting() {
            tokio::time::sleep(ASK_AFTER).await;
        }
        match self.inner.connect_options().connect().await {
            Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => sqlx::Error::Io(error),
            _ => std::future::pending().await,
        }
    }

    /// Does the pool count a connection that is neither lent nor idle?
    fn is_connecting(&self) -> bool {
        let lent = lock(&self.meter.holders).len();
        let kept = lock(&self.meter.queue).kept.len();
        self.inner.size() as usize > lent + kept + self.inner.num_idle()
    }
}
