//! The command line. Every command answers in words, or in JSON with `--json`.
//!
//! Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 refused by a guard · 4 finished in part.

mod archive;
mod config;
mod convert;
mod demo;
mod doctor;
mod generate;
mod holds;
mod import;
mod jobs;
mod monitor;
mod operator;
mod output;
mod partitions;
mod payments;
mod policy;
mod serve;
mod summary;
mod tokens;

use crate::config::Config;
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use output::Outcome;
use payhist_ops::auth::Permit;
use payhist_ops::clock::SystemClock;
use payhist_ops::{Ops, OpsConfig, adopt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Browse payment history, rotate its partitions, and see what the databases do.
#[derive(Debug, Parser)]
#[command(name = "payhist", version, after_help = "Start with `payhist demo`: it needs no configuration.")]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
struct Global {
    /// Configuration file. `payhist demo` writes one to .payhist/payhist.toml.
    #[arg(long, global = true, env = "PAYHIST_CONFIG", value_name = "FILE", default_value = ".payhist/payhist.toml")]
    config: PathBuf,
    /// Answer in JSON on standard output.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on a private database with sample payments.
    Demo(demo::DemoArgs),
    /// Serve the web pages and run the jobs on your databases.
    Serve(serve::ServeArgs),
    /// Create or upgrade payhist's control database.
    #[command(after_help = "Example: payhist migrate --config /etc/payhist.toml")]
    Migrate,
    /// Check a configuration, or print an example.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Examine a history and its tables: what is wrong, why it matters, and the SQL that mends it. Changes nothing.
    Doctor(doctor::DoctorArgs),
    /// Load payments from a file.
    Import(import::ImportArgs),
    /// Make sample payments, the same for the same seed.
    Generate(generate::GenerateArgs),
    /// Find payments.
    #[command(subcommand)]
    Payments(payments::PaymentsCommand),
    /// See, plan and change partitions.
    #[command(subcommand)]
    Partitions(partitions::PartitionsCommand),
    /// See and place legal holds, and ask for their release.
    #[command(subcommand)]
    Holds(holds::HoldsCommand),
    /// See, verify and restore archives of months.
    #[command(subcommand)]
    Archive(archive::ArchiveCommand),
    /// See and run scheduled jobs.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// See pools and deadlocks.
    #[command(subcommand)]
    Monitor(monitor::MonitorCommand),
    /// Add operators, change their passwords, and make API tokens.
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
}

/// Runs a command and says how it ended.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let Cli { global, command } = cli;
    let json = global.json;
    let outcome = match command {
        Command::Demo(args) => demo::run(args, json).await,
        Command::Config(command) => config::run(&command, &global.config, json),
        other => with_ops(other, &global).await,
    };
    output::finish(outcome, json)
}

async fn with_ops(command: Command, global: &Global) -> anyhow::Result<Outcome> {
    let config = Config::read(&global.config).map_err(output::usage)?;
    let ops = open(&config).await?;
    adopt::adopt(&ops, &Permit::for_command(), &config.histories).await?;
    let json = global.json;
    let outcome = match command {
        Command::Serve(args) => serve::run(args, &config, ops.clone()).await,
        Command::Migrate => Ok(output::say(json, &serde_json::json!({ "migrated": true }), || {
            "The control database is up to date.".to_owned()
        })),
        Command::Doctor(args) => doctor::run(&args, &ops, json).await,
        Command::Import(args) => import::run(args, &ops, json).await,
        Command::Generate(args) => generate::run(args, &ops, json).await,
        Command::Payments(command) => payments::run(command, &ops, json).await,
        Command::Partitions(command) => partitions::run(command, &ops, json).await,
        Command::Holds(command) => holds::run(command, &ops, json).await,
        Command::Archive(command) => archive::run(command, &ops, json).await,
        Command::Jobs(command) => jobs::run(command, &ops, json).await,
        Command::Monitor(command) => monitor::run(command, &ops, json).await,
        Command::Operator(command) => operator::run(command, &ops, json).await,
        Command::Demo(_) | Command::Config(_) => unreachable!("handled without a database"),
    };
    ops.drain().await;
    outcome
}

/// Opens the databases of a configuration.
async fn open(config: &Config) -> anyhow::Result<Ops> {
    let ops = OpsConfig {
        environment: config.environment.clone(),
        instance: format!("{}:{}", hostname(), std::process::id()),
        control: config.control()?,
        sources: config.sources()?,
        archive: config.archive().map_err(output::usage)?,
        clock: Arc::new(SystemClock),
    };
    Ops::open(ops).await.context("the control database cannot be used")
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn assert_examples(command: &clap::Command) {
        if command.has_subcommands() {
            command.get_subcommands().for_each(assert_examples);
        } else {
            let help = command.get_after_help().unwrap_or_default().to_string();
            assert!(help.starts_with("Example"), "{} --help shows no example", command.get_name());
        }
    }

    #[test]
    fn the_help_of_every_command_shows_an_example() {
        assert_examples(&Cli::command());
    }
}
