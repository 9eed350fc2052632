//! phpMyAdmin and Adminer on PHP's own web server, with its code cache on, showing the rows that payhist shows.

use crate::demo::Demo;
use crate::http;
use crate::sample::Sample;
use crate::user_page::{PAGE_ROWS, SHARD};
use anyhow::{Context, Result, ensure};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::{Client, Url};
use rustix::process::{Pid, Signal, kill_process_group};
use sqlx::AssertSqlSafe;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Processes that answer at once: as many as clients ask.
const WORKERS: &str = "8";
const START_WAIT: Duration = Duration::from_secs(20);
/// The peers' database user.
const USER: &str = "bench";

/// Where Adminer and phpMyAdmin answer, below their roots.
const ADMINER: &str = "/adminer.php";
const PHPMYADMIN: &str = "/index.php";

/// A peer that shows rows of a table.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    _php: Php,
    session: http::Session,
    page: Page,
}

/// PHP's web server. Its workers do not end with it, but they are of its group.
struct Php(Child);

impl Drop for Php {
    fn drop(&mut self) {
        let group = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _gone_already = kill_process_group(group, Signal::KILL);
        }
    }
}

/// How a peer is asked for rows.
enum Page {
    /// The server as it was logged in to.
    Adminer {
        server: String,
    },
    PhpMyAdmin {
        token: String,
    },
}

/// A peer that nobody has logged in to yet.
struct Started {
    php: Php,
    client: Client,
    cookies: Arc<Jar>,
    url: String,
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
    let started = start("Adminer", Path::new("/usr/share/adminer")).await?;
    let server = format!("localhost:{}", demo.socket()?.display());
    let form = [
        ("auth[driver]", "server"),
        ("auth[server]", server.as_str()),
        ("auth[username]", USER),
        ("auth[password]", USER),
    ];
    let answer = started.client.post(format!("{}{ADMINER}", started.url)).form(&form).send().await?;
    ensure!(answer.status().is_success(), "Adminer's login: {}", answer.status());
    started.logged_in("Adminer", Page::Adminer { server })
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
    let started = start("phpMyAdmin", &root).await?;
    let front = started.client.get(format!("{}{PHPMYADMIN}?route=/", started.url)).send().await?.text().await?;
    let after = front.split("name=\"token\" value=\"").nth(1).context("phpMyAdmin gave no token")?;
    let token = after.split('"').next().unwrap_or_default().to_owned();
    started.logged_in("phpMyAdmin", Page::PhpMyAdmin { token })
}

async fn start(name: &str, root: &Path) -> Result<Started> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // free again at the end of this line
    let php = Command::new("php")
        .args(["-d", "opcache.enable_cli=1", "-d", "display_errors=0", "-S", &address.to_string(), "-t"])
        .arg(root)
        .env("PHP_CLI_SERVER_WORKERS", WORKERS)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(Php)
        .context("cannot run php: .setup/ensure peers")?;
    let cookies = Arc::new(Jar::default());
    let client = Client::builder().cookie_provider(Arc::clone(&cookies)).build()?;
    let url = format!("http://{address}");
    let begun = Instant::now();
    while client.get(&url).send().await.is_err() {
        ensure!(begun.elapsed() < START_WAIT, "{name} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Started { php, client, cookies, url })
}

impl Started {
    fn logged_in(self, name: &'static str, page: Page) -> Result<Peer> {
        let path = match page {
            Page::Adminer { .. } => ADMINER,
            Page::PhpMyAdmin { .. } => PHPMYADMIN,
        };
        let cookies = self.cookies.cookies(&Url::parse(&format!("{}{path}", self.url))?);
        let cookies = cookies.context("the login set no cookie")?;
        Ok(Peer { name, _php: self.php, session: http::Session::new(&self.url, cookies)?, page })
    }
}

impl Peer {
    /// The page of one user's newest payments.
    pub(crate) async fn page(&self, sample: Sample, user: u64) -> Result<String> {
        let (schema, table, limit) = (sample.schema(), sample.table(SHARD), PAGE_ROWS.to_string());
        let user = user.to_string();
        let (status, body) = match &self.page {
            Page::Adminer { server } => {
                let asked = [
                    ("server", server.as_str()),
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
                self.session.get(&format!("{ADMINER}?{}", serde_urlencoded::to_string(asked)?)).await?
            }
            Page::PhpMyAdmin { token } => {
                let sql =
                    format!("SELECT * FROM {table} WHERE user_id = {user} ORDER BY created_at DESC LIMIT {limit}");
                let form = [("db", &schema), ("table", &table), ("token", token), ("sql_query", &sql)];
                self.session.post(&format!("{PHPMYADMIN}?route=/sql"), serde_urlencoded::to_string(form)?).await?
            }
        };
        ensure!(status.is_success(), "{}: {status}", self.name);
        Ok(body)
    }
}
