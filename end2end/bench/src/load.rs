//! Rows into the database: import against LOAD DATA LOCAL INFILE, and generate against the clock.

use crate::demo::Demo;
use crate::figures::{rate, rows_per_second, timed};
use crate::report::{Beside, Line};
use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;

/// Where LOAD DATA puts its rows.
const PEER_SCHEMA: &str = "bench_peer";
const SHARDS: u64 = 10;
/// Each side so often, in turns.
const TURNS: u32 = 2;
/// Share of LOAD DATA's rate, one table after the other.
const IMPORT_GOAL: f64 = 0.5;
/// Rows per second on two cores.
const GENERATE_GOAL: f64 = 100_000.0;

/// A shard's table of an imported history, and the file with its rows.
struct Shard {
    imported: String,
    file: PathBuf,
}

pub(crate) async fn import(demo: &mut Demo, rows: u64) -> Result<Vec<Line>> {
    let csv = demo.dir().join("bench.csv");
    let path = csv.to_str().context("the temporary folder is not UTF-8")?;
    eprintln!("bench: writing {rows} payments to a file …");
    demo.command(&["generate", "--rows", &rows.to_string(), "--history", "bench_import_0", "--to", path]).await?;
    let files = split(&csv, demo.dir())?;
    let (mut ours, mut one, mut two) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        let history = format!("bench_import_{turn}");
        let args = ["import", path, "--format", "csv", "--history", &history];
        let (took, report) = timed(demo.command(&args)).await?;
        ensure!(report["loaded"].as_u64() == Some(rows), "not all was imported: {report}");
        ours += took;
        let shards = shards(demo, &history, &files).await?;
        one += load_data(demo, &shards, 1, rows).await?;
        two += load_data(demo, &shards, 2, rows).await?;
    }
    let rate = |took| rate(rows * u64::from(TURNS), took);
    let (ours, one, two) = (rate(ours), rate(one), rate(two));
    let line = |what: String, peer: f64, goal: Option<f64>| Line {
        what,
        ours: rows_per_second(ours),
        beside: Beside::Peer(rows_per_second(peer)),
        ratio: format!("{:.2} ×", ours / peer),
        goal: goal.map_or("shown beside".to_owned(), |goal| format!("≥ {goal} ×")),
        met: goal.map(|goal| ours / peer >= goal),
    };
    let what =
        format!("import of {rows} CSV rows, checks included, against LOAD DATA LOCAL INFILE into the same tables");
    let beside = "the same against two LOAD DATA at a time".to_owned();
    Ok(vec![line(what, one, Some(IMPORT_GOAL)), line(beside, two, None)])
}

/// The rows of each shard in a file of its own, in the form that LOAD DATA takes without conversion: tabs, `\N`, and
/// times without a zone. That work is not counted against LOAD DATA.
fn split(csv: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let files: Vec<_> = (0..SHARDS).map(|shard| folder.join(format!("shard_{shard}.tsv"))).collect();
    let open =
        |file: &PathBuf| csv::WriterBuilder::new().delimiter(b'\t').quote_style(csv::QuoteStyle::Never).from_path(file);
    let mut writers = files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut reader = csv::Reader::from_path(csv)?;
    let header = reader.headers()?.clone();
    let user = header.iter().position(|name| name == "user_id").context("the file has no user_id")?;
    for writer in &mut writers {
        writer.write_record(&header)?;
    }
    for record in reader.records() {
        let record = record?;
        let shard = record[user].parse::<u64>()? % SHARDS;
        let native = header.iter().zip(&record).map(|(name, value)| match value {
            "" => "\\N".to_owned(),
            time if name.ends_with("_at") => time.trim_end_matches('Z').replacen('T', " ", 1),
            other => other.to_owned(),
        });
        writers[usize::try_from(shard)?].write_record(native)?;
    }
    for writer in &mut writers {
        writer.flush()?;
    }
    Ok(files)
}

/// The tables of an imported history, each with its file.
async fn shards(demo: &mut Demo, history: &str, files: &[PathBuf]) -> Result<Vec<Shard>> {
    let mut shards = Vec::new();
    for (shard, file) in files.iter().enumerate() {
        let sql = "SELECT CAST(TABLE_SCHEMA AS CHAR) FROM information_schema.TABLES WHERE TABLE_NAME = ?";
        let table = format!("{history}_shard_{shard}");
        let schema: String = sqlx::query_scalar(sql).bind(&table).fetch_one(demo.database()).await?;
        shards.push(Shard { imported: format!("`{schema}`.`{table}`"), file: file.clone() });
    }
    Ok(shards)
}

/// Fills fresh tables of the same definitions, so many at a time; the time of the filling alone.
async fn load_data(demo: &mut Demo, shards: &[Shard], at_a_time: usize, rows: u64) -> Result<Duration> {
    let header = std::fs::read_to_string(&shards[0].file)?;
    let columns = header.lines().next().context("an empty file")?.replace('\t', ", ");
    execute(demo, format!("DROP DATABASE IF EXISTS {PEER_SCHEMA}")).await?;
    execute(demo, format!("CREATE DATABASE {PEER_SCHEMA}")).await?;
    let mut batches = vec![String::new(); at_a_time];
    for (number, Shard { imported, file }) in shards.iter().enumerate() {
        execute(demo, format!("CREATE TABLE {PEER_SCHEMA}.shard_{number} LIKE {imported}")).await?;
        batches[number % at_a_time] += &format!(
            "LOAD DATA LOCAL INFILE '{}' INTO TABLE shard_{number} IGNORE 1 LINES ({columns});",
            file.display()
        );
    }
    let socket = demo.socket()?;
    let (took, ()) = timed(async {
        let mut clients: JoinSet<_> = batches.into_iter().map(|sql| client(socket.clone(), sql)).collect();
        while let Some(done) = clients.join_next().await {
            done??;
        }
        Ok(())
    })
    .await?;
    let mut loaded = 0;
    for number in 0..shards.len() {
        let sql = format!("SELECT COUNT(*) FROM {PEER_SCHEMA}.shard_{number}");
        loaded += sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(demo.database()).await?;
    }
    ensure!(u64::try_from(loaded)? == rows, "LOAD DATA loaded {loaded} of {rows} rows");
    Ok(took)
}

/// The database's own command-line client, as an operator would use it.
async fn client(socket: PathBuf, sql: String) -> Result<()> {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--local-infile=1", "--user=root", "--database", PEER_SCHEMA, "--socket"]);
    let status = command.arg(socket).arg("--execute").arg(sql).kill_on_drop(true).status().await;
    let status = status.context("cannot run mariadb: install mariadb-client-core")?;
    ensure!(status.success(), "LOAD DATA ended with {status}");
    Ok(())
}

async fn execute(demo: &mut Demo, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(demo.database()).await?;
    Ok(())
}

pub(crate) async fn generate(demo: &mut Demo, rows: u64) -> Result<Vec<Line>> {
    let args = ["generate", "--rows", &rows.to_string(), "--history", "bench_generated"];
    let (took, report) = timed(demo.command(&args)).await?;
    ensure!(report["rows"].as_u64() == Some(rows), "not all was generated: {report}");
    let rate = rate(rows, took);
    Ok(vec![Line {
        what: format!("generate {rows} payments into ten shards, from the command to its end"),
        ours: rows_per_second(rate),
        beside: Beside::Nothing,
        ratio: "–".to_owned(),
        goal: format!("≥ {}", rows_per_second(GENERATE_GOAL)),
        met: Some(rate >= GENERATE_GOAL),
    }])
}
