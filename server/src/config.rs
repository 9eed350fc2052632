//! The configuration: one TOML file, each key overridable as `PAYHIST__SECTION__KEY`.
//!
//! Invariant: an unknown or unreadable key is an error that names it; payhist never starts on a guess.

use anyhow::Context;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use payhist_ops::archive::{ArchiveConfig, MasterKey, Secret, TargetConfig};
use payhist_ops::{OpsError, adopt};
use payhist_storage::SourceConfig;
use payhist_types::history::HistorySpec;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Connections to the control database.
const CONTROL_POOL_MAX: u32 = 8;

/// What `payhist.toml` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Badge of every page: `demo`, `staging`, `production`, …
    #[serde(default = "default_environment")]
    pub(crate) environment: String,
    /// The web server.
    #[serde(default)]
    pub(crate) server: Server,
    /// payhist's own schema.
    pub(crate) control: Control,
    /// Where histories live.
    #[serde(default, rename = "source")]
    pub(crate) sources: Vec<SourceSection>,
    /// Tables that are there already, adopted as histories.
    #[serde(default, rename = "history", skip_serializing_if = "Vec::is_empty")]
    pub(crate) histories: Vec<HistorySpec>,
    /// Where months are archived.
    #[serde(default, rename = "archive", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) archives: BTreeMap<String, TargetConfig>,
    /// What personal columns of archives are encrypted with.
    #[serde(default, skip_serializing)]
    pub(crate) encryption: Encryption,
}

/// `[encryption]`: 64 hexadecimal digits, here or, better, in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encryption {
    /// A file that payhist alone can read.
    pub(crate) key_file: Option<PathBuf>,
    /// The digits themselves, for the environment.
    pub(crate) key: Option<Secret>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port to listen on.
    pub(crate) bind: SocketAddr,
    /// Folder of the site's assets; by default `site` beside the executable, else `target/site`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<PathBuf>,
    /// Send the session cookie over TLS only. Turn it off for plain HTTP on loopback alone.
    #[serde(default = "yes")]
    pub(crate) secure_cookie: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { bind: SocketAddr::from(([127, 0, 0, 1], 3000)), site: None, secure_cookie: true }
    }
}

/// `[control]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    /// `mysql://user:password@host/schema`, or with `?socket=/path`.
    pub(crate) url: String,
}

/// `[[source]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceSection {
    /// Its name in histories and pages.
    pub(crate) name: String,
    /// `mysql://user:password@host`, or with `?socket=/path`.
    pub(crate) url: String,
    /// Most connections for reading.
    #[serde(default = "default_pool_max")]
    pub(crate) pool_max: u32,
    /// Its replicas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replicas: Vec<ReplicaSection>,
}

/// One of `replicas` of a `[[source]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplicaSection {
    /// Its name in pages and logs.
    pub(crate) name: String,
    /// `mysql://user:password@host`, or with `?socket=/path`.
    pub(crate) url: String,
}

fn default_environment() -> String {
    "production".to_owned()
}

fn yes() -> bool {
    true
}

fn default_pool_max() -> u32 {
    16
}

impl Config {
    /// Reads a file and the environment.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            path.is_file(),
            "there is no configuration file {}: see `payhist config example`",
            path.display()
        );
        Figment::new()
            .merge(Toml::file_exact(path))
            .merge(Env::prefixed("PAYHIST__").split("__"))
            .extract()
            .with_context(|| format!("the configuration {} cannot be used", path.display()))
    }

    /// The control database's connection.
    pub(crate) fn control(&self) -> anyhow::Result<SourceConfig> {
        Ok(SourceConfig::from_url("control", &self.control.url, CONTROL_POOL_MAX)?)
    }

    /// Where months are archived, with the master key.
    pub(crate) fn archive(&self) -> anyhow::Result<ArchiveConfig> {
        let file = self.encryption.key_file.as_ref().map(|path| {
            std::fs::read_to_string(path)
                .map(Secret::from)
                .with_context(|| format!("cannot read encryption.key_file {}", path.display()))
        });
        let key = self.encryption.key.clone().map(Ok).or(file).transpose()?;
        let master_key = key.map(|key| MasterKey::from_hex(key.reveal())).transpose()?;
        Ok(ArchiveConfig { targets: self.archives.clone(), master_key })
    }

    /// Do the adopted histories make sense?
    pub(crate) fn check_histories(&self) -> Result<(), OpsError> {
        let sources: Vec<_> = self.sources.iter().map(|source| source.name.as_str()).collect();
        let archives: Vec<_> = self.archives.keys().map(String::as_str).collect();
        adopt::check(&self.histories, &sources, &archives)
    }

    /// The sources' connections.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<SourceConfig>> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.sources.iter().find(|source| !names.insert(&source.name)) {
            anyhow::bail!("two sections [[source]] are called {:?}", twice.name);
        }
        self.sources
            .iter()
            .map(|source| {
                let mut config = SourceConfig::from_url(&source.name, &source.url, source.pool_max)?;
                for replica in &source.replicas {
                    config.add_replica(&replica.name, &replica.url)?;
                }
                Ok(config)
            })
            .collect()
    }
}

/// What `payhist config example` prints.
pub(crate) const EXAMPLE: &str = r#"# payhist.toml. Each key can be overridden as PAYHIST__SECTION__KEY, e.g. PAYHIST__CONTROL__URL.

# The badge of every page.
environment = "production"

[server]
bind = "127.0.0.1:3000"
# secure_cookie = true      # send the session cookie over TLS only

# payhist's own schema: operators, jobs, runs, audit. Never mixed with payment data.
[control]
url = "mysql://payhist:secret@db.internal/payhist_control"

# One section for each server that holds payment histories.
[[source]]
name = "main"
url = "mysql://payhist:secret@db.internal"
# pool_max = 16             # most connections for reading; four more are used for imports and DDL
# replicas = [{ name = "copy", url = "mysql://payhist:secret@db2.internal" }]   # drops and copies wait for them: see docs/sources.md

# Tables that are there already: `payhist doctor` says whether they can be rotated. See docs/adopting.md.
# [[history]]
# name = "legacy"
# source = "main"                             # or { main = "0-4", second = "5-9" }: see docs/sources.md
# schema = "shop"
# table_pattern = "payments_{shard}"          # {shard} is 0, 1, …
# route = { kind = "modulo", shards = 10 }    # or { kind = "range", upper_bounds = [10000, 20000] }, the last shard open;
#                                             # or { kind = "single" }, one table, without {shard}
# [history.policy]
# zone = "Europe/London"                      # in which months begin
# premake_months = 3                          # without it no month is added
# retention_years = 5                         # or retention_months; without it no month expires; nothing is dropped before its switch is on
# quarantine_days = 30                        # without it expired months are dropped at once
# windows = ["Sat,Sun 01:00-05:00"]           # when months may be dropped, by the zone's clock; without it at any time
# max_drop_bytes_outside_windows = 100000000  # a month that is no larger is dropped at any time
# blockers = "wait"                           # or "kill": end the sessions that keep a step from its lock. See docs/policies.md
# replica_lag_max_secs = 10                   # seconds that a replica may be behind while rows are dropped or copied
# archive = "cold"                            # without it months are dropped without having been archived; not for
#                                             # tables with columns of their own
# [history.columns]                           # without it the tables have payhist's own columns and payment ids
# payment_id = "id"                           # a column that is not named has payhist's name for it
# currency = { constant = "EUR" }             # what holds for all rows: provider, method or currency
# payer_email = "mail"                        # what tables may lack is read only if it is named
# [history.columns.status_words]
# done = "PAID"                               # what their words for the states mean

# Where months are archived before they are dropped. See docs/archive.md.
# [archive.cold]
# url = "/var/lib/payhist/archive"            # or "s3://bucket/prefix", with the environment's AWS_* variables or with
# endpoint = "https://s3.internal"            # a server that is not Amazon's
# region = "eu-west-2"
# access_key_id = "..."                       # better: PAYHIST__ARCHIVE__COLD__ACCESS_KEY_ID
# secret_access_key = "..."                   # better: PAYHIST__ARCHIVE__COLD__SECRET_ACCESS_KEY

# What the persons in archives are encrypted with: 64 hexadecimal digits. Without it nothing is archived.
# [encryption]
# key_file = "/etc/payhist/archive.key"       # or PAYHIST__ENCRYPTION__KEY
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_valid_configuration() {
        let config: Config = toml::from_str(EXAMPLE).unwrap();
        assert_eq!((config.sources[0].pool_max, config.server.secure_cookie), (16, true));
        let config: Config = toml::from_str(&EXAMPLE.replace("# replicas", "replicas")).unwrap();
        assert_eq!(config.sources().unwrap()[0].replicas[0].name, "copy");
    }

    /// The example with its commented history, and another route.
    fn with_history(route: &str) -> Config {
        let (example, history) = EXAMPLE.split_once("# [[history]]").unwrap();
        let (history, _archives) = history.split_once("\n\n").unwrap();
        let history = history
            .replace("\n# archive", "\n## archive")
            .replace("\n# ", "\n")
            .replace("{ kind = \"modulo\", shards = 10 }", route);
        toml::from_str(&format!("{example}[[history]]{history}")).unwrap()
    }

    #[test]
    fn the_examples_history_is_valid_by_each_route() {
        for (route, shards) in [
            ("{ kind = \"modulo\", shards = 10 }", 10),
            ("{ kind = \"range\", upper_bounds = [10000, 20000] }", 3),
            ("{ kind = \"single\" }", 1),
        ] {
            let config = with_history(route);
            assert_eq!(config.histories[0].route.shard_count(), shards, "{route}");
            assert_eq!(config.histories[0].columns.as_ref().unwrap().status_words.len(), 1);
            config.check_histories().unwrap();
        }
    }

    #[test]
    fn the_examples_archive_is_valid_and_no_secret_of_it_is_ever_printed() {
        let (_, archive) = EXAMPLE.split_once("# Where months are archived").unwrap();
        let archive = archive.replace("\n# ", "\n").replace("\nWhat the persons", "\n# What the persons");
        let text = format!("{}\n# {archive}", EXAMPLE.split_once("# [[history]]").unwrap().0);
        let config: Config = toml::from_str(&text.replace("\"...\"", "\"hush\"")).unwrap();
        assert!(config.archives["cold"].access_key_id.is_some() && config.encryption.key_file.is_some());
        assert!(!format!("{config:?}").contains("hush") && !toml::to_string(&config).unwrap().contains("hush"));
    }

    #[test]
    fn a_policy_that_names_no_configured_archive_is_refused() {
        let mut config = with_history("{ kind = \"single\" }");
        config.histories[0].policy.archive = Some("cold".to_owned());
        assert!(config.check_histories().unwrap_err().to_string().contains("columns of their own"));
        config.histories[0].columns = None;
        assert!(config.check_histories().unwrap_err().to_string().contains("[archive.cold]"));
    }

    #[test]
    fn a_history_that_makes_no_sense_is_refused() {
        for route in ["{ kind = \"modulo\", shards = 0 }", "{ kind = \"range\", upper_bounds = [20000, 10000] }"] {
            assert!(with_history(route).check_histories().is_err(), "{route}");
        }
        let mut config = with_history("{ kind = \"single\" }");
        config.histories[0].source = "elsewhere".into();
        assert!(config.check_histories().is_err());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = toml::from_str::<Config>("[control]\nurl = \"x\"\nurll = \"y\"\n").unwrap_err();
        assert!(error.to_string().contains("urll"), "{error}");
    }
}
