//! Use cases on a test's own schemas, with a history of a few small shards.

use crate::{MockClock, TestDb, TestEngine};
use payhist_dialect::ddl::Keys;
use payhist_dialect::{PartitionName, TableName};
use payhist_ops::archive::ArchiveConfig;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, histories};
use payhist_plan::months;
use payhist_storage::SourceConfig;
use payhist_types::history::{HistoryName, HistorySpec, Policy, Route, Switches};
use payhist_types::{Month, ShardId};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use std::sync::Arc;

/// Connections that a test's pools may open.
const POOL_MAX: u32 = 6;

/// payhist on a database of the test's own, at a time of the test's own.
#[derive(Debug)]
pub struct TestOps {
    /// The database.
    pub db: TestDb,
    /// The clock that everything reads.
    pub clock: MockClock,
    /// The use cases.
    pub ops: Ops,
}

impl TestOps {
    /// Opens payhist at that time, e.g. `2026-11-15T12:00:00Z`, without any history.
    pub async fn new(engine: impl Into<TestEngine>, now: &str) -> Self {
        Self::with_archive(engine, now, ArchiveConfig::default()).await
    }

    /// The same, with places to archive to.
    pub async fn with_archive(engine: impl Into<TestEngine>, now: &str, archive: ArchiveConfig) -> Self {
        let db = TestDb::new(engine).await;
        let clock = MockClock::at(now);
        let ops = Self::open_with(&db.connect_options(), db.name(), &clock, "test:1", &archive).await;
        Self { db, clock, ops }
    }

    /// One more payhist process on the same databases, under another name.
    pub async fn second_instance(&self) -> Ops {
        Self::open(&self.db.connect_options(), self.db.name(), &self.clock, "test:2").await
    }

    /// Opens payhist with control tables and payments in one schema of any server.
    pub async fn open(options: &MySqlConnectOptions, schema: &str, clock: &MockClock, instance: &str) -> Ops {
        Self::open_with(options, schema, clock, instance, &ArchiveConfig::default()).await
    }

    async fn open_with(
        options: &MySqlConnectOptions,
        schema: &str,
        clock: &MockClock,
        instance: &str,
        archive: &ArchiveConfig,
    ) -> Ops {
        let source = |name: &str, options: MySqlConnectOptions| SourceConfig {
            name: name.to_owned(),
            options,
            pool_max: POOL_MAX,
            replicas: Vec::new(),
        };
        let config = OpsConfig {
            environment: "test".to_owned(),
            instance: instance.to_owned(),
            control: source("control", options.clone().database(schema)),
            sources: vec![source("main", options.clone())],
            archive: archive.clone(),
            clock: Arc::new(clock.clone()),
        };
        Ops::open(config).await.unwrap_or_else(|error| panic!("payhist does not open: {error}"))
    }

    /// The specification of a history `payments` in the test's own schema.
    pub fn spec(&self, shards: u16, policy: Policy) -> HistorySpec {
        Self::spec_in(self.db.name(), shards, policy)
    }

    /// The specification of a history `payments` in a schema.
    pub fn spec_in(schema: &str, shards: u16, policy: Policy) -> HistorySpec {
        let name: HistoryName = "payments".parse().unwrap_or_else(|error| panic!("{error}"));
        let table_pattern = "payment_history_shard_{shard}".to_owned();
        HistorySpec {
            name,
            source: "main".into(),
            schema: schema.to_owned(),
            table_pattern,
            route: Route::Modulo { shards },
            policy,
            columns: None,
        }
    }

    /// Registers a history and makes its tables with a partition for each month from `first` to `last`.
    pub async fn history(
        &self,
        shards: u16,
        policy: Policy,
        switches: Switches,
        first: &str,
        last: &str,
    ) -> HistorySpec {
        let spec = self.spec(shards, policy);
        Self::make_history(&self.ops, &mut self.db.connect().await, &spec, switches, first, last).await;
        spec
    }

    /// The same on any server.
    pub async fn make_history(
        ops: &Ops,
        connection: &mut MySqlConnection,
        spec: &HistorySpec,
        switches: Switches,
        first: &str,
        last: &str,
    ) {
        histories::register(ops, &Permit::for_command(), spec, switches)
            .await
            .unwrap_or_else(|error| panic!("the history cannot be registered: {error}"));
        Self::make_tables(connection, spec, spec.route.shards(), first, last).await;
    }

    /// Makes the tables of some shards on any server, with a partition for each month from `first` to `last`.
    pub async fn make_tables(
        connection: &mut MySqlConnection,
        spec: &HistorySpec,
        shards: impl Iterator<Item = ShardId>,
        first: &str,
        last: &str,
    ) {
        let zone = spec.policy.zone.parse().unwrap_or_else(|error| panic!("{error}"));
        let month = |text: &str| text.parse::<Month>().unwrap_or_else(|error| panic!("{error}"));
        let partitions: Vec<_> = Month::range(month(first), month(last))
            .map(|month| (PartitionName::for_month(month), months::bounds(month, zone).1))
            .collect();
        for shard in shards {
            let table = TableName::new(&spec.schema, &spec.table_of(shard)).unwrap_or_else(|error| panic!("{error}"));
            payhist_storage::shards::create(&mut *connection, &table, &partitions, Keys::Now)
                .await
                .unwrap_or_else(|error| panic!("shard {shard} cannot be made: {error}"));
        }
    }
}
