//! `payhist demo`: everything on a private database server in one folder.

use super::output::Outcome;
use super::{operator, serve};
use crate::config::{Config, Control, Server, SourceSection};
use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use payhist_dbserver::{PrivateServer, Profile, ServerConfig};
use payhist_ops::auth::{self, Permit};
use payhist_ops::generate::{self, GenerateRequest};
use payhist_ops::{Ops, OpsError, histories};
use payhist_types::EngineKind;
use payhist_types::history::{HistoryName, Policy, QUARANTINE_DAYS_DEFAULT, Switches};
use payhist_types::operator::Role;
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Name of the first operator.
const OPERATOR: &str = "admin";
/// Where the first operator's password is kept for the next start.
const PASSWORD_FILE: &str = "operator-password";
/// Months of sample payments.
const SAMPLE_MONTHS: u32 = 18;
/// Users of the sample: one for so many payments.
const ROWS_PER_USER: u64 = 12;
/// The sample is the same each time.
const SAMPLE_SEED: u64 = 1997;

#[derive(Debug, Args)]
#[command(after_help = "Example: payhist demo --port 3001 --rows 1000000")]
pub(super) struct DemoArgs {
    /// Folder of the private database server and the configuration.
    #[arg(long, default_value = ".payhist")]
    dir: PathBuf,
    /// Which server to start; by default the one whose data the folder has, else any that is installed.
    #[arg(long, value_parser = PossibleValuesParser::new(["mariadb", "mysql"]).try_map(|name| name.parse::<EngineKind>()))]
    engine: Option<EngineKind>,
    /// Port of the web server, on 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Sample payments to make at the first start.
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// Make no sample payments.
    #[arg(long, conflicts_with = "rows")]
    no_sample: bool,
}

/// With --json one line is printed when everything is ready.
pub(super) async fn run(args: DemoArgs, json: bool) -> anyhow::Result<Outcome> {
    let stop = serve::stop_on_signals()?;
    // The port first: without it nothing need be started.
    let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], args.port))).await?;
    let address = listener.local_addr()?;
    progress(json, &format!("Starting a private database server in {} …", args.dir.display()));
    let server = PrivateServer::start(ServerConfig {
        dir: args.dir.clone(),
        engine: args.engine,
        tree: None,
        profile: Profile::Demo,
        options: Vec::new(),
    })
    .await?;
    let served = async {
        let config = write_config(&args.dir, server.socket(), address)?;
        let ops = super::open(&config).await?;
        let served = tokio::select! {
            served = prepare_and_serve(&ops, &config, &args, json, listener, stop) => served,
            failure = server.failure() => Err(failure.into()),
        };
        ops.drain().await;
        served
    }
    .await;
    progress(json, "Stopping the database server …");
    let stopped = server.stop().await;
    served?;
    stopped?;
    Ok(Outcome::Done)
}

fn progress(json: bool, what: &str) {
    if !json {
        eprintln!("{what}");
    }
}

/// Writes `DIR/payhist.toml`, so that every other command works on the same database.
fn write_config(dir: &Path, socket: &Path, address: SocketAddr) -> anyhow::Result<Config> {
    let socket = std::path::absolute(socket)?;
    let encoded: String =
        percent_encoding::utf8_percent_encode(&socket.to_string_lossy(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    let config = Config {
        environment: "demo".to_owned(),
        server: Server { bind: address, site: None, secure_cookie: false },
        control: Control { url: format!("mysql://root@localhost/payhist_control?socket={encoded}") },
        sources: vec![SourceSection {
            name: "main".to_owned(),
            url: format!("mysql://root@localhost?socket={encoded}"),
            pool_max: 16,
            replicas: Vec::new(),
        }],
        histories: Vec::new(),
        archives: std::collections::BTreeMap::new(),
        encryption: crate::config::Encryption::default(),
    };
    let path = dir.join("payhist.toml");
    let text = format!("# Written by `payhist demo` at each start.\n{}", toml::to_string(&config)?);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(config)
}

async fn prepare_and_serve(
    ops: &Ops,
    config: &Config,
    args: &DemoArgs,
    json: bool,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Some(password) = stop.run_until_cancelled(prepare(ops, args, json)).await else { return Ok(()) };
    let password = password?;
    let ready = |address| announce(json, address, &password, &args.dir);
    serve::serve(ops.clone(), config, listener, stop, ready).await
}

/// Everything that the first start makes, and that every later start completes if it was cut off.
async fn prepare(ops: &Ops, args: &DemoArgs, json: bool) -> anyhow::Result<String> {
    let password = first_operator(ops, &args.dir).await?;
    let policy = Policy {
        premake_months: Some(3),
        retention_months: Some(12),
        quarantine_days: Some(QUARANTINE_DAYS_DEFAULT),
        archive: None,
        zone: "UTC".to_owned(),
        ..Policy::default()
    };
    let name: HistoryName = "payments".parse()?;
    let spec = histories::own_layout(name, "main", "payhist_payments".to_owned(), policy);
    let history = histories::register(ops, &Permit::for_command(), &spec, Switches::default()).await?;
    let rows = if args.no_sample { 0 } else { args.rows };
    let request = GenerateRequest {
        history: spec.name.to_string(),
        rows,
        users: (rows / ROWS_PER_USER).max(1),
        months: SAMPLE_MONTHS,
        seed: SAMPLE_SEED,
        until: Some(history.created_at), // so that a start that was cut off is completed by the same payments
    };
    progress(json, "Making sample payments, unless they are there already …");
    generate::run(ops, &Permit::for_command(), &request, |_| {}).await?;
    Ok(password)
}

/// Adds the first operator. The password is kept in a file that only its owner can read, so that a second start can
/// print it again.
async fn first_operator(ops: &Ops, dir: &Path) -> anyhow::Result<String> {
    let path = dir.join(PASSWORD_FILE);
    if let Ok(password) = std::fs::read_to_string(&path) {
        return match auth::add_operator(ops, &Permit::for_command(), OPERATOR, Role::Admin, &password).await {
            Ok(()) | Err(OpsError::Refused { .. }) => Ok(password),
            Err(error) => Err(error.into()),
        };
    }
    let password = operator::made_up();
    let mut file = tempfile::Builder::new().prefix(PASSWORD_FILE).tempfile_in(dir)?; // made with mode 0600
    file.write_all(password.as_bytes())?;
    match auth::add_operator(ops, &Permit::for_command(), OPERATOR, Role::Admin, &password).await {
        Ok(()) => {}
        Err(OpsError::Refused { .. }) => auth::set_password(ops, &Permit::for_command(), OPERATOR, &password).await?,
        Err(error) => return Err(error.into()),
    }
    file.persist(&path)?;
    Ok(password)
}

fn announce(json: bool, address: SocketAddr, password: &str, dir: &Path) {
    let url = format!("http://{address}");
    if json {
        println!("{}", json!({ "ready": true, "url": url, "operator": OPERATOR, "password": password }));
        return;
    }
    println!("\n  payhist is ready at {url}\n\n  operator  {OPERATOR}\n  password  {password}\n");
    println!("  Other commands: payhist --config {} …", dir.join("payhist.toml").display());
    println!("  Ctrl-C stops it, database server and all.\n");
}
