//! A history on two servers of different engines.

use chrono::{DateTime, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, histories, rotation};
use payhist_storage::SourceConfig;
use payhist_testkit::{MockClock, TestDb, TestOps, TestServer};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::plan::RotationPlan;
use payhist_types::run::{RotationRun, StepOutcome};
use payhist_types::{EngineKind, PaymentId, ShardId};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

pub(crate) const SCHEMA: &str = "payments";
/// One payment on each shard, in the month that goes to quarantine.
const PAID_AT: &str = "2026-05-10T00:00:00Z";

/// Shards 0 and 1 on `first`, 2 and 3 on `second`; control tables on a third server.
pub(crate) struct Deployment {
    pub(crate) first: TestServer,
    pub(crate) second: TestServer,
    pub(crate) clock: MockClock,
    pub(crate) ops: Ops,
    pub(crate) spec: HistorySpec,
    _control: TestDb,
}

impl Deployment {
    /// May is to be quarantined and December to be added on each shard.
    pub(crate) async fn new(first: EngineKind, second: EngineKind) -> Self {
        let control = TestDb::new(EngineKind::MariaDb).await;
        let (first, second) = (TestServer::private(first).await, TestServer::private(second).await);
        let clock = MockClock::at("2026-11-15T02:14:30Z");
        let source =
            |name: &str, options| SourceConfig { name: name.to_owned(), options, pool_max: 6, replicas: Vec::new() };
        let config = OpsConfig {
            environment: "test".to_owned(),
            instance: "test:1".to_owned(),
            control: source("control", control.connect_options()),
            sources: vec![source("first", first.connect_options()), source("second", second.connect_options())],
            archive: payhist_ops::archive::ArchiveConfig::default(),
            clock: Arc::new(clock.clone()),
        };
        let ops = Ops::open(config).await.unwrap();
        let policy = Policy {
            premake_months: Some(1),
            retention_months: Some(6),
            quarantine_days: Some(30),
            ..Policy::default()
        };
        let spec = HistorySpec {
            source: serde_json::from_str(r#"{"first": "0-1", "second": "2-3"}"#).unwrap(),
            route: Route::Modulo { shards: 4 },
            ..TestOps::spec_in(SCHEMA, 4, policy)
        };
        let switches = Switches { drop: true, ..Switches::default() };
        histories::register(&ops, &Permit::for_command(), &spec, switches).await.unwrap();
        for (server, shards) in [(&first, [0, 1]), (&second, [2, 3])] {
            server.create_schema(SCHEMA).await;
            let mut connection = server.connect().await;
            let shards = shards.map(ShardId);
            TestOps::make_tables(&mut connection, &spec, shards.into_iter(), "2026-05", "2026-11").await;
            for shard in shards {
                pay(&mut connection, &spec, shard).await;
            }
        }
        Self { first, second, clock, ops, spec, _control: control }
    }

    pub(crate) async fn plan(&self) -> RotationPlan {
        rotation::plan(&self.ops, &Permit::for_command(), "").await.unwrap()
    }

    pub(crate) async fn apply(&self) -> RotationRun {
        let hash = self.plan().await.hash.0;
        rotation::apply_and_wait(&self.ops, &Permit::for_command(), "", &hash).await.unwrap()
    }
}

pub(crate) fn payment(shard: ShardId) -> PaymentId {
    let at: DateTime<Utc> = PAID_AT.parse().unwrap();
    PaymentId::new(u64::try_from(at.timestamp_millis()).unwrap(), shard, 1).unwrap()
}

async fn pay(connection: &mut sqlx::mysql::MySqlConnection, spec: &HistorySpec, shard: ShardId) {
    let sql = format!(
        "INSERT INTO `{SCHEMA}`.`{}` (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
         VALUES (?, ?, 'o', 'p', 'card', 'PAID', 1, 'EUR', ?, ?)",
        spec.table_of(shard)
    );
    let at: DateTime<Utc> = PAID_AT.parse().unwrap();
    let insert = sqlx::query(AssertSqlSafe(sql)).bind(payment(shard).get()).bind(u64::from(shard.0)).bind(at).bind(at);
    insert.execute(connection).await.unwrap();
}

pub(crate) fn steps(run: &RotationRun, shard: u16) -> Vec<(&str, StepOutcome)> {
    let table = format!("payment_history_shard_{shard}");
    run.steps.iter().filter(|step| step.table == table).map(|step| (step.action.as_str(), step.outcome)).collect()
}

pub(crate) const DONE: [(&str, StepOutcome); 2] =
    [("add 2026-12", StepOutcome::Done), ("quarantine 2026-05", StepOutcome::Done)];
