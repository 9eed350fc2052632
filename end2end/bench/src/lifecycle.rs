//! A month of half a million rows leaves its table while others write to it: payhist's run against the bare statement, on
//! an idle table and beside the same writers, and against what people do without partitions (chunked DELETE, pt-archiver).
//!
//! The time of a statement is the server's own (performance schema), so that it means the same on both sides.

use crate::demo::Demo;
use crate::figures::{median, millis, timed};
use crate::month::{self, Layout, MONTH_ROWS, SCHEMA, copy, execute};
use crate::report::{Beside, Line};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use payhist_dialect::PartitionName;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;

/// Whose month leaves by the bare statement.
const BARE: &str = "bare";
const WRITERS: u64 = 4;
/// So many rows they have inserted before anything is measured.
const INSERTS_BEFORE: u64 = 100;
const WRITERS_START_MAX: Duration = Duration::from_secs(10);
/// The median of so many.
const TURNS: u32 = 5;
/// Rows of a DELETE, for both peers: pt-archiver's manual calls larger chunks risky.
const CHUNK_ROWS: u64 = 1_000;
const DDL_GOAL: f64 = 1.2;
const STALL_GOAL: f64 = 1.5;
const PEER_GOAL: f64 = 100.0;

#[derive(Debug, Clone, Copy)]
enum Way {
    Drop,
    Quarantine,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Quarantine => "quarantine",
        }
    }

    /// What it takes beside the retention.
    fn policy(self) -> &'static str {
        match self {
            Self::Drop => "",
            Self::Quarantine => "quarantine_days = 1\n",
        }
    }

    /// What the statement that takes the rows away looks like.
    fn digest(self) -> &'static str {
        match self {
            Self::Drop => "ALTER TABLE % DROP PARTITION %",
            Self::Quarantine => "ALTER TABLE % EXCHANGE PARTITION %",
        }
    }
}

/// One run while others write.
struct Busy {
    statement: Duration,
    worst_insert: Duration,
    /// All that was done, start and records included.
    whole: Duration,
}

pub(crate) async fn measure(demo: &mut Demo, now: DateTime<Utc>) -> Result<Vec<Line>> {
    let layout = month::prepare(demo.database(), now).await?;
    let mut lines = Vec::new();
    let mut statements = Vec::new();
    for way in [Way::Drop, Way::Quarantine] {
        let (statement, beside) = beside_bare(demo, way, &layout).await?;
        statements.push((way, statement));
        lines.extend(beside);
    }
    let peers =
        [("chunked DELETE", chunked_delete(demo, &layout).await?), ("pt-archiver", pt_archiver(demo, &layout).await?)];
    for (peer, took) in peers {
        for (way, statement) in &statements {
            let what = format!("{} of that month's rows while they insert against {peer} on an idle table", way.word());
            lines.push(quicker(what, *statement, took));
        }
    }
    Ok(lines)
}

/// Our statement's time, and the lines that hold it against the bare one.
async fn beside_bare(demo: &mut Demo, way: Way, layout: &Layout) -> Result<(Duration, Vec<Line>)> {
    let (mut ours, mut busy, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let table = format!("bench_{}_{turn}", way.word());
        copy(demo.database(), &table, layout).await?;
        ours.push(by_payhist(demo, way, &table).await?);
        fresh(demo.database(), layout).await?;
        busy.push(by_hand_busy(demo, way, layout[0].0).await?);
        fresh(demo.database(), layout).await?;
        idle.push(by_hand(demo.database(), way, layout[0].0).await?);
    }
    let statement = median_of(&ours, |run| run.statement);
    let worst = median_of(&ours, |run| run.worst_insert);
    let (busy_statement, busy_worst) =
        (median_of(&busy, |run| run.statement), median_of(&busy, |run| run.worst_insert));
    let idle = median(&mut idle);
    let what = format!("{} of a month of {MONTH_ROWS} rows while {WRITERS} writers insert", way.word());
    let lines = vec![
        line(format!("{what}: its statement against the bare one on an idle table"), statement, idle, Some(DDL_GOAL)),
        line(
            format!("{what}: its statement against the bare one beside the same writers"),
            statement,
            busy_statement,
            None,
        ),
        line(
            format!("{what}: the worst INSERT against the bare statement on an idle table"),
            worst,
            idle,
            Some(STALL_GOAL),
        ),
        line(format!("{what}: the worst INSERT against that beside the bare statement"), worst, busy_worst, None),
        line(
            format!("{what}: the whole command against the bare statement, start and records included"),
            median_of(&ours, |run| run.whole),
            busy_statement,
            None,
        ),
    ];
    Ok((statement, lines))
}

fn median_of(runs: &[Busy], figure: fn(&Busy) -> Duration) -> Duration {
    median(&mut runs.iter().map(figure).collect::<Vec<_>>())
}

fn line(what: String, ours: Duration, peer: Duration, goal: Option<f64>) -> Line {
    let ratio = ours.as_secs_f64() / peer.as_secs_f64();
    Line {
        what,
        ours: millis(ours),
        beside: Beside::Limit(millis(peer)),
        ratio: format!("{ratio:.2} ×"),
        goal: goal.map_or("shown beside".to_owned(), |goal| format!("≤ {goal} ×")),
        met: goal.map(|goal| ratio <= goal),
    }
}

fn quicker(what: String, ours: Duration, peer: Duration) -> Line {
    let ratio = peer.as_secs_f64() / ours.as_secs_f64();
    Line {
        what,
        ours: millis(ours),
        beside: Beside::Peer(millis(peer)),
        ratio: format!("{ratio:.0} × quicker"),
        goal: format!("≥ {PEER_GOAL} × quicker"),
        met: Some(ratio >= PEER_GOAL),
    }
}

/// Plans and applies by the command line while writers insert into the present month.
async fn by_payhist(demo: &mut Demo, way: Way, table: &str) -> Result<Busy> {
    month::adopt(demo, table, way.policy())?;
    demo.command(&["partitions", "switch", "drop", "on", "--history", table]).await?;
    let plan = demo.command(&["partitions", "plan", "--history", table]).await?;
    let hash = plan["hash"].as_str().context("a plan without a hash")?.to_owned();
    forget_statements(demo.database()).await?;
    let writers = Writers::start(demo, table).await?;
    let (took, run) = timed(demo.command(&["partitions", "apply", "--history", table, "--plan", &hash])).await?;
    let worst_insert = writers.stop().await?;
    ensure!(run["outcome"] == "done", "the run did not end well: {run}");
    ensure!(run["steps"][0]["rows"].as_u64() == Some(MONTH_ROWS), "not the whole month: {run}");
    Ok(Busy { statement: statement(demo.database(), way).await?, worst_insert, whole: took })
}

/// The bare statement while writers insert into the present month.
async fn by_hand_busy(demo: &mut Demo, way: Way, partition: PartitionName) -> Result<Busy> {
    let writers = Writers::start(demo, BARE).await?;
    let (whole, statement) = timed(by_hand(demo.database(), way, partition)).await?;
    Ok(Busy { statement, worst_insert: writers.stop().await?, whole })
}

/// The table [`BARE`] with its month, and no twin.
async fn fresh(database: &mut MySqlConnection, layout: &Layout) -> Result<()> {
    execute(database, &format!("DROP TABLE IF EXISTS {SCHEMA}.twin")).await?;
    copy(database, BARE, layout).await
}

/// The bare statement on the table [`BARE`]: its time by the server. What must be there before it is made just before, as
/// payhist does: its time is that of a dozen small writes to the disk, which the files that were made meanwhile share.
async fn by_hand(database: &mut MySqlConnection, way: Way, partition: PartitionName) -> Result<Duration> {
    let sql = match way {
        Way::Drop => format!("ALTER TABLE {SCHEMA}.{BARE} DROP PARTITION {partition}"),
        Way::Quarantine => {
            execute(database, &format!("CREATE TABLE {SCHEMA}.twin LIKE {SCHEMA}.{BARE}")).await?;
            execute(database, &format!("ALTER TABLE {SCHEMA}.twin REMOVE PARTITIONING")).await?;
            format!("ALTER TABLE {SCHEMA}.{BARE} EXCHANGE PARTITION {partition} WITH TABLE {SCHEMA}.twin")
        }
    };
    execute(database, &format!("SELECT COUNT(*) FROM {SCHEMA}.{BARE} PARTITION ({partition})")).await?;
    forget_statements(database).await?;
    execute(database, &sql).await?;
    statement(database, way).await
}

async fn forget_statements(database: &mut MySqlConnection) -> Result<()> {
    execute(database, "TRUNCATE TABLE performance_schema.events_statements_summary_by_digest").await
}

/// How long the server worked on the one statement of that kind.
async fn statement(database: &mut MySqlConnection, way: Way) -> Result<Duration> {
    let sql = "SELECT CAST(MAX_TIMER_WAIT DIV 1000 AS UNSIGNED), CAST(COUNT_STAR AS UNSIGNED) \
               FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST_TEXT LIKE ?";
    let found: Vec<(u64, u64)> = sqlx::query_as(sql).bind(way.digest()).fetch_all(database).await?;
    let [(nanoseconds, 1)] = found[..] else { anyhow::bail!("not one statement like {}: {found:?}", way.digest()) };
    Ok(Duration::from_nanos(nanoseconds))
}

/// Sessions that insert one row after another.
struct Writers {
    stop: Arc<AtomicBool>,
    sessions: JoinSet<Result<Duration>>,
}

impl Writers {
    /// Answers when they are at work.
    async fn start(demo: &Demo, table: &str) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU64::new(MONTH_ROWS + 1));
        let options = MySqlConnectOptions::new().socket(demo.socket()?).username("root");
        let mut sessions = JoinSet::new();
        for _ in 0..WRITERS {
            sessions.spawn(write(options.clone(), table.to_owned(), Arc::clone(&next), Arc::clone(&stop)));
        }
        let at_work = async {
            while next.load(Relaxed) < MONTH_ROWS + INSERTS_BEFORE {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(WRITERS_START_MAX, at_work).await.context("the writers do not get to work")?;
        Ok(Self { stop, sessions })
    }

    /// Ends them; answers how long the slowest INSERT took.
    async fn stop(mut self) -> Result<Duration> {
        self.stop.store(true, Relaxed);
        let mut worst = Duration::ZERO;
        while let Some(slowest) = self.sessions.join_next().await {
            worst = worst.max(slowest??);
        }
        Ok(worst)
    }
}

async fn write(
    options: MySqlConnectOptions,
    table: String,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Result<Duration> {
    let mut connection = options.connect().await?;
    let sql = format!(
        "INSERT INTO {SCHEMA}.{table} SELECT ?, ?, 'order', 'acme', NULL, 'card', 'PAID', 1, 'EUR', NULL, NULL, NULL, 1, \
         UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)"
    );
    let mut worst = Duration::ZERO;
    while !stop.load(Relaxed) {
        let id = next.fetch_add(1, Relaxed);
        let insert = sqlx::query(AssertSqlSafe(sql.clone())).bind(id).bind(id).execute(&mut connection);
        let (took, _) = timed(async { Ok(insert.await?) }).await?;
        worst = worst.max(took);
    }
    Ok(worst)
}

async fn chunked_delete(demo: &mut Demo, layout: &Layout) -> Result<Duration> {
    copy(demo.database(), "chunked", layout).await?;
    let before = layout[0].1.naive_utc();
    let sql =
        format!("DELETE FROM {SCHEMA}.chunked WHERE created_at < '{before}' ORDER BY created_at LIMIT {CHUNK_ROWS}");
    let deleting = async {
        while sqlx::query(AssertSqlSafe(sql.clone())).execute(demo.database()).await?.rows_affected() > 0 {}
        Ok(())
    };
    let (took, ()) = timed(deleting).await?;
    ensure_gone(demo.database(), "chunked").await?;
    Ok(took)
}

async fn pt_archiver(demo: &mut Demo, layout: &Layout) -> Result<Duration> {
    copy(demo.database(), "archived", layout).await?;
    let socket: PathBuf = demo.socket()?;
    let mut command = Command::new("pt-archiver");
    command
        .args(["--purge", "--bulk-delete", "--commit-each", "--no-check-charset", "--primary-key-only"])
        .arg("--source")
        .arg(format!("S={},u=root,D={SCHEMA},t=archived,i=by_time", socket.display()))
        .args(["--limit", &CHUNK_ROWS.to_string()])
        .args(["--where", &format!("created_at < '{}'", layout[0].1.naive_utc())])
        .kill_on_drop(true);
    let running = async { command.status().await.context("cannot run pt-archiver: install percona-toolkit") };
    let (took, status) = timed(running).await?;
    ensure!(status.success(), "pt-archiver ended with {status}");
    ensure_gone(demo.database(), "archived").await?;
    Ok(took)
}

async fn ensure_gone(database: &mut MySqlConnection, table: &str) -> Result<()> {
    let sql = format!("SELECT COUNT(*) FROM {SCHEMA}.{table}");
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(database).await?;
    ensure!(rows == 0, "{table} still has {rows} rows");
    Ok(())
}
