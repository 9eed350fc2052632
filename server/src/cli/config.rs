//! `payhist config`

use super::output::{Outcome, print, usage};
use crate::config::{Config, EXAMPLE};
use clap::Subcommand;
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read the configuration and say whether it can be used.
    Check,
    /// Print an example with every key explained.
    Example,
}

pub(super) fn run(command: &ConfigCommand, path: &Path) -> anyhow::Result<Outcome> {
    match command {
        ConfigCommand::Check => {
            let config = Config::read(path).map_err(usage)?;
            config.control().and_then(|_| config.sources()).map_err(usage)?;
            let names: Vec<_> = config.sources.iter().map(|source| source.name.as_str()).collect();
            println!(
                "{} can be used: environment {}, sources {}.",
                path.display(),
                config.environment,
                names.join(", ")
            );
            Ok(Outcome::Done)
        }
        ConfigCommand::Example => {
            print(EXAMPLE.trim_end());
            Ok(Outcome::Done)
        }
    }
}
