//! `make bench`: payhist beside what a database offers without it, as ratios measured in one run.
//!
//! Invariants: everything runs on a private demo in a temporary folder, on this machine, through the release binary;
//! both sides of a ratio are measured in turns, so that another program's load falls on both. Nothing is asserted:
//! the goals are printed beside what was measured.

mod archive;
mod crowd;
mod demo;
mod export;
mod figures;
mod footprint;
mod html_page;
mod http;
mod lifecycle;
mod load;
mod machine;
mod month;
mod peers;
mod planning;
mod report;
mod sample;
mod summary;
mod user_page;
mod walk;

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use clap::{Parser, ValueEnum};
use demo::Demo;
use mimalloc::MiMalloc;
use report::Report;
use sample::Sample;
use std::path::PathBuf;

// The product's allocator: the planner is measured within this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Compare payhist with the bare driver, LOAD DATA, pt-archiver, phpMyAdmin and Adminer; prints a Markdown table and keeps it below end2end/bench/results.
#[derive(Debug, Parser)]
struct Args {
    /// Only these; all by default.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Payments to page through. The deep page is at half of them, 10,000 pages of 50 at most.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Payments of the sample that shows whether cost grows.
    #[arg(long, default_value_t = 1_000_000)]
    small_rows: u64,
    /// Payments of the CSV file to import.
    #[arg(long, default_value_t = 300_000)]
    import_rows: u64,
    /// Payments to generate against the clock.
    #[arg(long, default_value_t = 1_000_000)]
    generate_rows: u64,
    /// Samples of each page.
    #[arg(long, default_value_t = 5_000)]
    samples: usize,
    /// The server to measure on: mariadb, or mysql.
    #[arg(long, default_value = "mariadb")]
    engine: String,
    /// The release to measure.
    #[arg(long, default_value = "dist/payhist", value_name = "FOLDER")]
    dist: PathBuf,
    /// Where the table is kept.
    #[arg(long, default_value = "end2end/bench/results", value_name = "FOLDER")]
    results: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// One user's newest 50 over HTTP against the bare driver.
    UserPage,
    /// A deep page of a keyset walk against the first one, and OFFSET.
    Walk,
    /// The page as HTML against phpMyAdmin and Adminer.
    HtmlPage,
    /// Two hundred people at once.
    Crowd,
    /// The summary of all months against its GROUP BY.
    Summary,
    /// Everything as CSV against the database's own client.
    Export,
    /// Import against LOAD DATA LOCAL INFILE.
    Import,
    /// Rows generated per second.
    Generate,
    /// Resident memory of an idle server; bytes that a browser fetches.
    Footprint,
    /// The catalogue of many partitions, and the planner on many more.
    Planning,
    /// A month leaves its table while others write, against the bare statement, chunked DELETE and pt-archiver.
    Lifecycle,
    /// A quarantined month goes to an archive, against pt-archiver's plain file.
    Archive,
}

// One thread: hand-overs between threads of the benchmark are no part of what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    tokio::select! {
        done = run(&args) => done,
        // Leaving `run` ends the demo and removes its folder.
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    }
}

async fn run(args: &Args) -> Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let folder = tempfile::Builder::new().prefix("payhist-bench-").tempdir()?;
    let mut demo = Demo::start(&args.dist, &folder.path().join("demo"), &args.engine, 0).await?;
    let mut report = Report::new(machine::describe(&mut demo).await?);

    if [Part::UserPage, Part::Walk, Part::HtmlPage, Part::Crowd, Part::Summary, Part::Export].into_iter().any(wanted) {
        let small = Sample::generate("small", args.small_rows, &mut demo).await?;
        let large = Sample::generate("large", args.rows, &mut demo).await?;
        if wanted(Part::UserPage) {
            report.add(user_page::measure(&mut demo, large, small, args.samples).await?);
        }
        if wanted(Part::Walk) {
            report.add(walk::measure(&mut demo, large, small, args.samples).await?);
        }
        if wanted(Part::HtmlPage) {
            report.add(html_page::measure(&mut demo, large).await?);
        }
        if wanted(Part::Summary) {
            report.add(summary::measure(&mut demo, large).await?);
        }
        // After the summaries: they wait until the job has counted the closed months, which is no part of anybody's page.
        if wanted(Part::Crowd) {
            report.add(crowd::measure(&mut demo, large).await?);
        }
        if wanted(Part::Export) {
            report.add(export::measure(&mut demo, large).await?);
        }
    }
    if wanted(Part::Import) {
        report.add(load::import(&mut demo, args.import_rows).await?);
    }
    if wanted(Part::Generate) {
        report.add(load::generate(&mut demo, args.generate_rows).await?);
    }
    if wanted(Part::Footprint) {
        report.add(footprint::memory(&mut demo).await?);
        report.add(footprint::assets(&args.dist)?);
    }
    let now =
        sqlx::query_scalar::<_, NaiveDateTime>("SELECT UTC_TIMESTAMP()").fetch_one(demo.database()).await?.and_utc();
    if wanted(Part::Planning) {
        report.add(planning::inventory(&mut demo, now).await?);
        report.add(planning::planning(&mut demo, now).await?);
    }
    if wanted(Part::Lifecycle) {
        report.add(lifecycle::measure(&mut demo, now).await?);
    }
    if wanted(Part::Archive) {
        report.add(archive::measure(&mut demo, now).await?);
    }
    demo.stop().await?;

    println!("{}", report.markdown());
    let path = args.results.join(format!("{}-{}.md", report.day(), args.engine));
    std::fs::create_dir_all(&args.results)
        .and_then(|()| std::fs::write(&path, report.markdown()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("bench: written to {}", path.display());
    Ok(())
}
