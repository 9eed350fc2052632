//! A shop's table without partitions, and writers that know what they have left in it.

use payhist_ops::adopt::adopt;
use payhist_ops::archive::ArchiveConfig;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, rotation};
use payhist_storage::SourceConfig;
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::conversion::{ConversionOutcome, ConversionPlan, ShardConverted};
use payhist_types::history::{HistorySpec, Policy, Route, Switch};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const ROWS: u64 = 6_000;
const WRITERS: u64 = 2;
/// Writes after the tables have changed places.
const WRITES_AFTER: u64 = 50;

pub(crate) async fn run(test: &TestOps, sql: &str) {
    let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    test.db.connect().await.execute(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// A history of one table `t`, made by these statements.
pub(crate) async fn adopted(engine: EngineKind, create: &str) -> TestOps {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    if !create.is_empty() {
        run(&test, create).await;
    }
    let spec = HistorySpec {
        name: "shop".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "t".to_owned(),
        route: Route::Single,
        policy: Policy { premake_months: Some(2), zone: "Europe/London".to_owned(), ..Policy::default() },
        columns: None,
    };
    adopt(&test.ops, &Permit::for_command(), &[spec]).await.unwrap();
    test
}

/// Six thousand rows of half a year, with a number to come that is higher than the last one.
pub(crate) async fn shop(engine: EngineKind) -> TestOps {
    let create = "CREATE TABLE t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL, note VARCHAR(99) NULL, \
        paid DECIMAL(9,2) NOT NULL, twice DECIMAL(10,2) AS (paid * 2) STORED, `at` DATETIME(3) NOT NULL, KEY by_user (user_id, `at`)) COMMENT 'the shop''s'";
    let test = adopted(engine, create).await;
    let row = |id: u64| {
        format!("({id}, {}, {}, {id}.25, '{}')", id % 50, note_sql(first_note(id).as_deref()), first_time(id))
    };
    let values: Vec<_> = (1..=ROWS).map(row).collect();
    for values in values.chunks(1_000) {
        run(&test, &format!("INSERT INTO t (id, user_id, note, paid, `at`) VALUES {}", values.join(", "))).await;
    }
    run(&test, "ALTER TABLE t AUTO_INCREMENT = 900000").await;
    test
}

fn first_note(id: u64) -> Option<String> {
    (!id.is_multiple_of(3)).then(|| format!("it's {id}"))
}

fn first_time(id: u64) -> String {
    format!("2026-{:02}-{:02} 10:00:00.125", 6 + id % 6, 1 + id % 28)
}

fn note_sql(note: Option<&str>) -> String {
    note.map_or_else(|| "NULL".to_owned(), |note| format!("'{}'", note.replace('\'', "''")))
}

pub(crate) async fn plan(test: &TestOps) -> ConversionPlan {
    rotation::conversion_plan(&test.ops, &Permit::for_command(), "").await.unwrap()
}

pub(crate) async fn convert(test: &TestOps) -> ShardConverted {
    let hash = plan(test).await.hash.0;
    rotation::convert(&test.ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap().remove(0)
}

pub(crate) async fn count(test: &TestOps, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut test.db.connect().await).await.unwrap()
}

/// Every row of a table in every column, by id.
pub(crate) async fn rows(test: &TestOps, table: &str) -> Vec<(u64, String)> {
    let sql = format!(
        "SELECT id, CAST(CONCAT_WS('|', user_id, COALESCE(note, '-'), paid, twice, `at`) AS CHAR) FROM {table} ORDER BY id"
    );
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap()
}

#[derive(Clone)]
struct Row {
    note: Option<String>,
    at: String,
}

/// Writes rows of its own, and knows what it has left in the table.
pub(crate) struct Writer {
    number: u64,
    turn: u64,
    connection: MySqlConnection,
    rows: BTreeMap<u64, Row>,
    paid: BTreeMap<u64, u64>,
}

impl Writer {
    pub(crate) async fn new(test: &TestOps, number: u64) -> Self {
        let mine: Vec<_> = (1..=ROWS).filter(|id| id % WRITERS == number).collect();
        let rows = mine.iter().map(|id| (*id, Row { note: first_note(*id), at: first_time(*id) })).collect();
        let paid = mine.iter().map(|id| (*id, *id)).collect();
        Self { number, turn: 0, connection: test.db.connect().await, rows, paid }
    }

    /// What it has left, as [`rows`] reads it.
    pub(crate) fn rows(&self) -> Vec<(u64, String)> {
        let row = |(id, row): (&u64, &Row)| {
            let paid = self.paid[id];
            let (user, note) = (paid % 50, row.note.as_deref().unwrap_or("-"));
            (*id, format!("{user}|{note}|{paid}.25|{}.50|{}", paid * 2, row.at))
        };
        self.rows.iter().map(row).collect()
    }

    /// Writes until it is told to stop, and a little longer; what was a deadlock's victim is tried again.
    pub(crate) async fn write(&mut self, stop: &AtomicBool) {
        let mut left = WRITES_AFTER;
        while left > 0 {
            left -= u64::from(stop.load(Ordering::Relaxed));
            self.turn += 1;
            self.one().await;
        }
    }

    /// An old row and a fresh number.
    fn pick(&self) -> (u64, u64) {
        let nth = usize::try_from(self.turn * 7_919).unwrap() % self.rows.len();
        let id = *self.rows.keys().nth(nth).unwrap();
        (id, 100_000 * (self.number + 1) + self.turn)
    }

    async fn one(&mut self) {
        let (id, fresh) = self.pick();
        let (row, paid, turn) = (self.rows[&id].clone(), self.paid[&id], self.turn);
        let note = Some(format!("turn {turn}"));
        let values = |id: u64, paid: u64, note: &Option<String>, at: &str| {
            format!(
                "(id, user_id, note, paid, `at`) VALUES ({id}, {}, {}, {paid}.25, '{at}')",
                paid % 50,
                note_sql(note.as_deref())
            )
        };
        let later = "2026-12-24 01:02:03.004".to_owned();
        // The table's key, and with it what finds a row that is there, changes in mid-run: these name its time as well.
        let (sql, gone, new) = match turn % 8 {
            0 => (format!("DELETE FROM t WHERE id = {id}"), Some(id), None),
            1 => (format!("UPDATE t SET note = 'turn {turn}' WHERE id = {id}"), None, Some((id, Row { note, ..row }))),
            2 => (format!("UPDATE t SET `at` = '{later}' WHERE id = {id}"), None, Some((id, Row { at: later, ..row }))),
            3 => (format!("UPDATE t SET id = {fresh} WHERE id = {id}"), Some(id), Some((fresh, row))),
            4 => {
                (format!("REPLACE INTO t {}", values(id, paid, &note, &row.at)), None, Some((id, Row { note, ..row })))
            }
            5 => {
                let insert = values(id, paid, &row.note, &row.at);
                let sql = format!("INSERT INTO t {insert} ON DUPLICATE KEY UPDATE note = 'turn {turn}'");
                (sql, None, Some((id, Row { note, ..row })))
            }
            6 => {
                let rolled_back = format!("START TRANSACTION; DELETE FROM t WHERE id = {id}; ROLLBACK");
                (rolled_back, None, None)
            }
            _ => (
                format!("INSERT INTO t {}", values(fresh, paid, &note, &later)),
                None,
                Some((fresh, Row { note, at: later })),
            ),
        };
        self.execute(&sql).await;
        gone.map(|id| (self.rows.remove(&id), self.paid.remove(&id)));
        new.map(|(id, row)| (self.rows.insert(id, row), self.paid.insert(id, paid)));
    }

    async fn execute(&mut self, sql: &str) {
        loop {
            let Err(error) = self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await else {
                return;
            };
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("40001"), "{sql}: {error}");
            self.connection.execute("ROLLBACK").await.unwrap();
        }
    }
}

/// payhist as a user who has only these privileges on the schema, and perhaps PROCESS.
pub(crate) async fn user(test: &TestOps, grants: impl Iterator<Item = &'static str>, process: bool) -> (Ops, String) {
    let (schema, grants) = (test.db.name(), grants.collect::<Vec<_>>().join(", "));
    let name = format!("c{}", &schema[1..]);
    run(test, &format!("CREATE USER '{name}'@'localhost'; GRANT {grants} ON `{schema}`.* TO '{name}'@'localhost'"))
        .await;
    if process {
        run(test, &format!("GRANT PROCESS ON *.* TO '{name}'@'localhost'")).await;
    }
    let source =
        |pool: &str, options| SourceConfig { name: pool.to_owned(), options, pool_max: 4, replicas: Vec::new() };
    let config = OpsConfig {
        environment: "test".to_owned(),
        instance: "test:4".to_owned(),
        control: source("control", test.db.connect_options()),
        sources: vec![source("main", test.db.connect_options().username(&name))],
        clock: Arc::new(test.clock.clone()),
        archive: ArchiveConfig::default(),
    };
    (Ops::open(config).await.unwrap(), name)
}

/// Stops a conversion in its copy by the create switch.
pub(crate) async fn half_done(test: &TestOps) -> String {
    let hash = plan(test).await.hash.0;
    let off = AtomicBool::new(false);
    let stop = |_| {
        if !off.swap(true, Ordering::Relaxed) {
            let ops = test.ops.clone();
            let turn = async move { rotation::switch(&ops, &Permit::for_command(), "", Switch::Create, false).await };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(turn)).unwrap();
        }
    };
    let stopped = rotation::convert(&test.ops, &Permit::for_command(), "", &hash, stop).await.unwrap().remove(0);
    assert_eq!(stopped.outcome, ConversionOutcome::Failed, "{stopped:?}");
    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Create, true).await.unwrap();
    hash
}
