//! phpMyAdmin and Adminer on PHP's own web server, with its code cache on, showing the rows that payhist shows.

use crate::demo::Demo;
use crate::sample::Sample;
use crate::user_page::{PAGE_ROWS, SHARD};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Url};
use sqlx::AssertSqlSafe;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// Processes that answer at once: as many as clients ask.
const WORKERS: &str = "8";
const START_WAIT: Duration = Duration::from_secs(20);
/// The peers' database user.
const USER: &str = "bench";

/// A peer that shows rows of a table.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    _process: Child,
    client: Client,
    url: String,
    token: String,
    socket: PathBuf,
}

/// Who may read the demo's payments over a password, as both peers want one.
pub(crate) async fn grant(demo: &mut Demo) -> Result<()> {
    for statement in [
        format!("CREATE USER {USER}@localhost IDENTIFIED BY '{USER}'"),
        format!("GRANT SELECT ON *.* TO {USER}@localhost"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(demo.database()).await?;
    }
    Ok(())
}

/// Debian's Adminer.
pub(crate) async fn adminer(demo: &Demo) -> Result<Peer> {
    let mut peer = start("Adminer", Path::new("/usr/share/adminer"), demo).await?;
    let socket = format!("localhost:{}", peer.socket.display());
    let form = [
        ("auth[driver]", "server"),
        ("auth[server]", socket.as_str()),
        ("auth[username]", USER),
        ("auth[password]", USER),
    ];
    peer.url += "/adminer.php";
    let answer = peer.client.post(&peer.url).form(&form).send().await?;
    ensure!(answer.status().is_success(), "Adminer's login: {}", answer.status());
    Ok(peer)
}

/// Debian's phpMyAdmin, copied, so that it reads a configuration of its own.
pub(crate) async fn phpmyadmin(demo: &Demo) -> Result<Peer> {
    let root = demo.dir().join("phpmyadmin");
    let copied = Command::new("cp").arg("-a").arg("/usr/share/phpmyadmin").arg(&root).status().await?;
    ensure!(copied.success(), "phpMyAdmin is not installed: .setup/ensure peers");
    let (config, scratch) = (root.join("bench.inc.php"), root.join("scratch"));
    fs::create_dir_all(&scratch)?;
    let socket = demo.socket()?;
    let server = format!(
        "['auth_type' => 'config', 'host' => 'localhost', 'socket' => '{}', 'user' => '{USER}', 'password' => '{USER}']",
        socket.display()
    );
    fs::write(
        &config,
        format!("<?php\n$cfg['blowfish_secret'] = '{}';\n$cfg['Servers'][1] = {server};\n", "0".repeat(32)),
    )?;
    let vendor = root.join("libraries/vendor_config.php");
    let text = fs::read_to_string(&vendor)?;
    let text = text.replace("'/etc/phpmyadmin/config.inc.php'", &format!("'{}'", config.display()));
    fs::write(&vendor, text.replace("'/var/lib/phpmyadmin/tmp/'", &format!("'{}/'", scratch.display())))?;
    let mut peer = start("phpMyAdmin", &root, demo).await?;
    let front = peer.client.get(format!("{}/index.php?route=/", peer.url)).send().await?.text().await?;
    let after = front.split("name=\"token\" value=\"").nth(1).context("phpMyAdmin gave no token")?;
    after.split('"').next().unwrap_or_default().clone_into(&mut peer.token);
    peer.url += "/index.php?route=/sql";
    Ok(peer)
}

async fn start(name: &'static str, root: &Path, demo: &Demo) -> Result<Peer> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // free again at the end of this line
    let process = Command::new("php")
        .args(["-d", "opcache.enable_cli=1", "-d", "display_errors=0", "-S", &address.to_string(), "-t"])
        .arg(root)
        .env("PHP_CLI_SERVER_WORKERS", WORKERS)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("cannot run php: .setup/ensure peers")?;
    let client = Client::builder().cookie_store(true).build()?;
    let url = format!("http://{address}");
    let begun = std::time::Instant::now();
    while client.get(&url).send().await.is_err() {
        ensure!(begun.elapsed() < START_WAIT, "{name} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Peer { name, _process: process, client, url, token: String::new(), socket: demo.socket()? })
}

impl Peer {
    /// The page of one user's newest payments.
    pub(crate) async fn page(&self, sample: Sample, user: u64) -> Result<String> {
        let (schema, table, limit) = (sample.schema(), sample.table(SHARD), PAGE_ROWS.to_string());
        let user = user.to_string();
        let request = if self.token.is_empty() {
            let socket = format!("localhost:{}", self.socket.display());
            let asked = [
                ("server", socket.as_str()),
                ("username", USER),
                ("db", &schema),
                ("select", &table),
                ("where[0][col]", "user_id"),
                ("where[0][op]", "="),
                ("where[0][val]", &user),
                ("order[0]", "created_at"),
                ("desc[0]", "1"),
                ("limit", &limit),
            ];
            self.client.get(Url::parse_with_params(&self.url, asked)?)
        } else {
            let sql = format!("SELECT * FROM {table} WHERE user_id = {user} ORDER BY created_at DESC LIMIT {limit}");
            let form = [("db", &schema), ("table", &table), ("token", &self.token), ("sql_query", &sql)];
            self.client.post(&self.url).form(&form)
        };
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{}: {}", self.name, answer.status());
        Ok(answer.text().await?)
    }
}
