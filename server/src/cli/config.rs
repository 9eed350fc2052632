//! `payhist config`

use super::output::{Outcome, print, say, usage};
use crate::config::{Config, EXAMPLE};
use clap::Subcommand;
use serde_json::json;
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read the configuration and say whether it can be used.
    #[command(after_help = "Example: payhist config check --config /etc/payhist.toml")]
    Check,
    /// Print an example with every key explained.
    #[command(after_help = "Example: payhist config example > payhist.toml")]
    Example,
}

pub(super) fn run(command: &ConfigCommand, path: &Path, json: bool) -> anyhow::Result<Outcome> {
    match command {
        ConfigCommand::Check => {
            let config = Config::read(path).map_err(usage)?;
            config.control().and_then(|_| config.sources()).map_err(usage)?;
            config.check_histories()?;
            let names: Vec<_> = config.sources.iter().map(|source| source.name.as_str()).collect();
            let checked = json!({ "file": path, "environment": config.environment, "sources": names });
            Ok(say(json, &checked, || {
                format!(
                    "{} can be used: environment {}, sources {}.",
                    path.display(),
                    config.environment,
                    names.join(", ")
                )
            }))
        }
        ConfigCommand::Example => {
            print(EXAMPLE.trim_end());
            Ok(Outcome::Done)
        }
    }
}
