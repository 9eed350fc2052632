//! Imports and generate runs killed with -9, at every fault point and at random moments: the same command goes on, and
//! afterwards every row is there once.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use rstest::rstest;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use support::{PAYHIST, configuration};

const ROWS: u64 = 6_000;
const SHARDS: u16 = 10;

/// A file like the CDNOW one: four months, several rows of a customer on a day, 31 rows on most milliseconds.
fn purchases(folder: &Path) -> std::path::PathBuf {
    let mut content = String::new();
    for n in 0..ROWS {
        let (customer, day, month) = (n / 3 + 1, n % 7 * 4 + 1, n % 4 + 1);
        writeln!(content, " {customer:05} 1997{month:02}{day:02}  1 {:>7}.25\r", n % 90).unwrap();
    }
    let path = folder.join("purchases.txt");
    std::fs::write(&path, content).unwrap();
    path
}

/// One history, one file, and the commands on them.
struct Case {
    test: TestOps,
    folder: tempfile::TempDir,
    history: String,
}

impl Case {
    async fn new(engine: EngineKind) -> Self {
        let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
        // Its schema is payhist_<history>, so the name must be this test's own.
        let history = test.db.name().to_owned();
        Self { test, folder: tempfile::tempdir().unwrap(), history }
    }

    fn import(&self) -> Command {
        let mut command = self.command("import");
        command.arg(purchases(self.folder.path())).args(["--format", "cdnow"]);
        command
    }

    fn generate(&self) -> Command {
        let mut command = self.command("generate");
        command.args([
            "--rows",
            "20000",
            "--users",
            "900",
            "--months",
            "3",
            "--seed",
            "5",
            "--until",
            "2026-11-15T12:00:00Z",
        ]);
        command
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(PAYHIST);
        command
            .arg(name)
            .args(["--json", "--history", &self.history, "--config"])
            .arg(configuration(&self.test, self.folder.path()));
        command
    }

    /// Runs a command that must be killed by its fault point.
    async fn die(&self, mut command: Command, fault: &str) {
        let status = command.env("PAYHIST_FAULT", fault).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(6),
            "{fault} was not reached: {status}"
        );
        self.end_lease().await;
    }

    /// The lease of a killed process lasts for seconds; the command waits for it, the test does not.
    async fn end_lease(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    /// Keys of all the history's tables.
    async fn keys(&self) -> u64 {
        let sql = "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND SEQ_IN_INDEX = 1";
        let mut connection = self.test.db.connect().await;
        let keys: i64 =
            sqlx::query_scalar(sql).bind(format!("payhist_{}", self.history)).fetch_one(&mut connection).await.unwrap();
        keys.unsigned_abs()
    }

    /// Rows, different payment ids, different orders of a customer, and the sum, over all shards.
    async fn figures(&self) -> (i64, i64, i64, String) {
        let tables: Vec<_> =
            (0..SHARDS).map(|shard| format!("SELECT * FROM payhist_{0}.{0}_shard_{shard}", self.history)).collect();
        let sql = format!(
            "SELECT COUNT(*), COUNT(DISTINCT payment_id), COUNT(DISTINCT user_id, order_id, provider_tx_id), CAST(SUM(amount) AS CHAR) FROM ({}) a",
            tables.join(" UNION ALL ")
        );
        sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut self.test.db.connect().await).await.unwrap()
    }

    async fn clean_up(self) {
        let drop = format!("DROP DATABASE payhist_{}", self.history);
        self.test.db.connect().await.execute(AssertSqlSafe(drop)).await.unwrap();
    }
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// 6,000 rows; each amount is (n % 90) + 0.25.
fn purchases_sum() -> String {
    format!("{}.0000", (0..ROWS).map(|n| n % 90).sum::<u64>() + ROWS / 4)
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_import_killed_at_every_fault_point_is_finished_by_the_same_command(#[case] engine: EngineKind) {
    let case = Case::new(engine).await;
    for fault in [
        "import.after_register",
        "import.after_table",
        "import.after_table:4",
        "import.before_batch",
        "import.after_batch",
        "import.before_batch:9",
        "import.after_batch:7",
    ] {
        case.die(case.import(), fault).await;
    }
    let output = case.import().output().unwrap();
    let last = report(&output);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(last["rows_read"], ROWS);
    assert_eq!(last["loaded"].as_u64().unwrap() + last["already_there"].as_u64().unwrap(), ROWS);
    assert!(last["already_there"].as_u64().unwrap() > 0, "the killed runs had committed batches: {last}");
    let orders = case.figures().await;
    assert_eq!((orders.0, orders.1, orders.3), (6_000, 6_000, purchases_sum()));
    let again = report(&case.import().output().unwrap());
    assert_eq!((again["loaded"].as_u64(), again["already_there"].as_u64()), (Some(0), Some(ROWS)));
    case.clean_up().await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_import_killed_at_random_moments_ends_with_the_same_figures(#[case] engine: EngineKind) {
    let case = Case::new(engine).await;
    for round in 1_u64..=8 {
        let mut child = case.import().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Spread over the run: from the checking to the last batches, whatever the machine's speed.
        tokio::time::sleep(Duration::from_millis(round * round * 40)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        case.end_lease().await;
    }
    assert_eq!(case.import().output().unwrap().status.code(), Some(0));
    let figures = case.figures().await;
    assert_eq!((figures.0, figures.1, figures.3), (6_000, 6_000, purchases_sum()));
    case.clean_up().await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_generate_run_killed_under_way_is_finished_by_the_same_command(#[case] engine: EngineKind) {
    let case = Case::new(engine).await;
    for fault in [
        "import.after_table:2",
        "generate.before_fill",
        "generate.before_cell:3",
        "generate.after_cell:5",
        "generate.before_keys",
    ] {
        case.die(case.generate(), fault).await;
    }
    let output = case.generate().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let killed = case.figures().await;
    assert_eq!((killed.0, killed.1), (20_000, 20_000));
    assert_eq!(case.keys().await, u64::from(SHARDS) * 7, "no table is left without its secondary keys");
    assert_eq!(report(&case.generate().output().unwrap())["rows"], 0, "nothing is made twice");
    assert_eq!(case.figures().await, killed);
    case.clean_up().await;
}

#[tokio::test]
async fn an_import_that_is_stopped_says_so_and_the_same_command_goes_on() {
    let case = Case::new(EngineKind::MariaDb).await;
    let child = case.import().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let table =
        format!("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'payhist_{}'", case.history);
    let mut connection = case.test.db.connect().await;
    while sqlx::query_scalar::<_, i64>(AssertSqlSafe(table.clone())).fetch_one(&mut connection).await.unwrap()
        < i64::from(SHARDS)
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stopped = report(&output);
    assert_eq!((output.status.code(), &stopped["interrupted"]), (Some(4), &Value::Bool(true)), "{stopped}");
    let rest = report(&case.import().output().unwrap());
    assert_eq!(rest["already_there"], stopped["loaded"]);
    assert_eq!(rest["loaded"].as_u64().unwrap() + rest["already_there"].as_u64().unwrap(), ROWS);
    case.clean_up().await;
}
