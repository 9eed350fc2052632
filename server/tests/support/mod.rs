//! A `payhist serve` process on a test's own database, and a browser without a screen.
#![expect(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod archive_site;
pub(crate) mod two_sources;

use payhist_ops::auth::{self, Permit};
use payhist_ops::tokens;
use payhist_testkit::TestOps;
use payhist_types::operator::{Permission, Role};
use payhist_types::token::{NewToken, TokenRequest};
use reqwest::{Client, Method, Response, redirect::Policy};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Password of every operator of these tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The binary under test.
pub(crate) const PAYHIST: &str = env!("CARGO_BIN_EXE_payhist");

/// Writes a configuration for the test's databases into a folder; answers its path.
pub(crate) fn configuration(test: &TestOps, folder: &Path) -> PathBuf {
    configuration_of(test.db.socket(), test.db.name(), folder)
}

/// Writes a configuration for the server on `socket`, with that control schema, into a folder; answers its path.
pub(crate) fn configuration_of(socket: &Path, control: &str, folder: &Path) -> PathBuf {
    let socket = socket.to_string_lossy().replace('/', "%2F");
    let text = format!(
        "environment = \"test\"\n[server]\nbind = \"127.0.0.1:0\"\nsecure_cookie = false\n\
         [control]\nurl = \"mysql://root@localhost/{control}?socket={socket}\"\n[[source]]\nname = \"main\"\nurl = \"mysql://root@localhost?socket={socket}\"\n"
    );
    let path = folder.join("payhist.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// The command lines of the processes on the data of a server folder: servers and their watchdogs.
pub(crate) fn processes_on(folder: &Path) -> Vec<String> {
    let datadir = folder.join("data").to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).filter(|line| line.contains(&datadir)).collect()
}

/// Adds an operator of that role, named like it.
pub(crate) async fn operator(test: &TestOps, role: Role) {
    auth::add_operator(&test.ops, &Permit::for_command(), &role.to_string(), role, PASSWORD).await.unwrap();
}

/// A token of the operator of that role. The server's clock is the real one, which may be later than the test's.
pub(crate) async fn token(test: &TestOps, role: Role, scopes: &[Permission]) -> NewToken {
    let request = TokenRequest { name: "test".to_owned(), scopes: scopes.iter().copied().collect(), days: None };
    let made = tokens::create_for(&test.ops, &Permit::for_command(), &role.to_string(), request).await.unwrap();
    let sql = "UPDATE api_token SET expires_at = '9000-01-01'";
    sqlx::query(sql).execute(&mut test.db.connect().await).await.unwrap();
    made
}

/// A process that stands still; killed when the test is over, however it ends.
pub(crate) struct Frozen(Child);

impl Frozen {
    /// Waits until it is stopped.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let frozen = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let state = format!("/proc/{}/stat", frozen.0.id());
        while !std::fs::read_to_string(&state).unwrap().contains(") T ") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        frozen
    }

    /// Lets it go on to its end.
    pub(crate) fn wake(&mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
        self.0.wait().unwrap()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A running `payhist serve`, killed with -9 when dropped.
pub(crate) struct Serve {
    child: Child,
    /// Its address.
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

impl Serve {
    /// Starts it and waits until it serves.
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_logging(config, "info")
    }

    /// The same, with that much in its log.
    pub(crate) fn start_logging(config: &Path, level: &str) -> Self {
        let mut child = Command::new(PAYHIST)
            .args(["serve", "--config"])
            .arg(config)
            .env("PAYHIST_LOG", level)
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                line.split_once("serving on ").map(|(_, url)| url.split('"').next().unwrap_or(url).to_owned())
            })
            .unwrap_or_else(|| panic!("payhist serve ended before it was ready"));
        // Its log must go somewhere, or it would block on a full pipe.
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, url, log }
    }

    /// What it has logged since it serves.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A browser that keeps its cookies and follows no redirect.
pub(crate) struct Browser {
    client: Client,
    url: String,
}

impl Browser {
    /// Without a session.
    pub(crate) fn new(serve: &Serve) -> Self {
        // reqwest has no cryptography of its own here, and wants some even for plain HTTP (payhist_archive::store).
        let _installed_already = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Self { client, url: serve.url.clone() }
    }

    /// Logged in as the operator of that role.
    pub(crate) async fn logged_in(serve: &Serve, role: Role) -> Self {
        let browser = Self::new(serve);
        let answer = browser
            .post("/login", &[("login", role.to_string().as_str()), ("password", PASSWORD), ("next", "/")])
            .await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (303, "/"),
            "login as {role}"
        );
        browser
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// GET with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.client.get(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }

    /// POST of a form, as a page of ours sends it.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.client
            .post(format!("{}{path}", self.url))
            .header("sec-fetch-site", "same-origin")
            .form(form)
            .send()
            .await
            .unwrap()
    }

    /// POST of a form as browsers send it from one of our pages.
    pub(crate) async fn post_from_page(&self, path: &str, form: &[(&str, &str)], page: &str) -> Response {
        self.client
            .post(format!("{}{path}", self.url))
            .header("accept", "text/html")
            .header("referer", format!("{}{page}", self.url))
            .form(form)
            .send()
            .await
            .unwrap()
    }

    /// POST of a form by who would take a compressed answer.
    pub(crate) async fn post_accepting_gzip(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.url)).header("sec-fetch-site", "same-origin");
        request.header("accept-encoding", "gzip").form(form).send().await.unwrap()
    }

    /// DELETE, as a program sends it.
    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.client.delete(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// A request as a program sends it, with a form, or with JSON.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &'static str) -> Response {
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.header("content-type", kind).body(body).send().await.unwrap()
    }

    /// POST of a form from another site.
    pub(crate) async fn post_from_elsewhere(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.client
            .post(format!("{}{path}", self.url))
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://evil.example")
            .form(form)
            .send()
            .await
            .unwrap()
    }
}
