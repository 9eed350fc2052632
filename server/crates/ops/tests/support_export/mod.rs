//! A history to export, and exports taken to their end.

use chrono::{DateTime, TimeDelta, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::export::{self, Running};
use payhist_ops::{Ops, OpsError};
use payhist_testkit::TestOps;
use payhist_types::export::{Export, ExportRequest};
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::payment::{PAYMENT_COLUMNS, PaymentQuery};
use payhist_types::{EngineKind, PaymentId, ShardId};
use serde_json::Value;
use sqlx::QueryBuilder;
use tokio_util::sync::CancellationToken;

const SHARDS: u16 = 3;
const USERS: u64 = 7;
const ROWS: u64 = 240;
pub(crate) const ZONE: &str = "America/New_York";

/// Payments over eight months: NULLs and values in turn, microseconds, several at one instant. At the test's time April is
/// due for quarantine, and once it is there, for its drop.
pub(crate) async fn history(engine: EngineKind) -> (TestOps, HistorySpec) {
    history_with(engine, Some(10)).await
}

/// The same; without days of quarantine April is due for its drop at once.
pub(crate) async fn history_with(engine: EngineKind, quarantine_days: Option<u16>) -> (TestOps, HistorySpec) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy {
        premake_months: None,
        retention_months: Some(6),
        quarantine_days,
        zone: ZONE.to_owned(),
        ..Policy::default()
    };
    let switches = Switches { drop: true, ..Switches::default() };
    let spec = test.history(SHARDS, policy, switches, "2026-04", "2026-12").await;
    let start: DateTime<Utc> = "2026-04-10T00:00:00Z".parse().unwrap();
    let mut connection = test.db.connect().await;
    for shard in 0..SHARDS {
        let mut insert = QueryBuilder::<sqlx::MySql>::new(format!(
            "INSERT INTO `{}`.`{}` ({}) ",
            spec.schema,
            spec.table_of(ShardId(shard)),
            PAYMENT_COLUMNS.join(", ")
        ));
        let mine = (0..ROWS).filter(|row| (row % USERS) % u64::from(SHARDS) == u64::from(shard));
        insert.push_values(mine, |mut values, row| {
            let at = start
                + TimeDelta::hours(i64::try_from(row / 3 * 60).unwrap())
                + TimeDelta::microseconds([0, 120_000, 123_456][usize::try_from(row % 3).unwrap()]);
            let millis = u64::try_from(at.timestamp_millis()).unwrap();
            let even = row.is_multiple_of(2);
            values
                .push_bind(PaymentId::new(millis, ShardId(shard), u16::try_from(row).unwrap()).unwrap().get())
                .push_bind(row % USERS)
                .push_bind(format!("order-{}, “{row}”", row / 2))
                .push_bind("acme")
                .push_bind(even.then(|| format!("tx-{row}")))
                .push_bind("card")
                .push_bind(if row % 5 == 0 { "FAILED" } else { "PAID" })
                .push_bind(format!("{row}.{}", ["5", "0001", "25"][usize::try_from(row % 3).unwrap()]))
                .push_bind(if row.is_multiple_of(3) { "KRW" } else { "EUR" })
                .push_bind(even.then_some("Ada Lovelace"))
                .push_bind(even.then_some("ada@example.com"))
                .push_bind((row % 5 == 0).then_some("declined"))
                .push_bind(row + 1)
                .push_bind(at)
                .push_bind(at + TimeDelta::seconds(5));
        });
        insert.build().execute(&mut connection).await.unwrap();
    }
    (test, spec)
}

pub(crate) fn request(format: &str, query: &PaymentQuery) -> ExportRequest {
    ExportRequest { query: query.clone(), format: format.to_owned(), ..ExportRequest::default() }
}

pub(crate) async fn start(ops: &Ops, format: &str, query: &PaymentQuery) -> Result<Running, OpsError> {
    let allowed = || Ok(Permit::for_command());
    export::start(ops, &Permit::for_command(), allowed, &request(format, query), CancellationToken::new()).await
}

/// What came of an export, and how it ended.
pub(crate) struct Took {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: Result<Export, OpsError>,
}

pub(crate) async fn take(mut running: Running) -> Took {
    let mut bytes = Vec::new();
    loop {
        match running.next().await {
            Some(Ok(piece)) => bytes.extend_from_slice(&piece),
            Some(Err(error)) => return Took { bytes, ended: Err(error) },
            None => return Took { bytes, ended: running.finish().await },
        }
    }
}

/// Actions and details of the audit log's entries about exports, oldest first.
pub(crate) async fn audited(test: &TestOps) -> Vec<(String, Value)> {
    let entries: Vec<(String, String)> =
        sqlx::query_as("SELECT action, detail FROM audit WHERE action LIKE 'export.%' ORDER BY sequence")
            .fetch_all(&mut test.db.connect().await)
            .await
            .unwrap();
    entries.into_iter().map(|(action, detail)| (action, serde_json::from_str(&detail).unwrap())).collect()
}
