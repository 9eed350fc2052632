//! An S3-compatible server on loopback, which keeps everything in its memory.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// `moto_server` (of the Python package moto), killed when dropped.
#[derive(Debug)]
pub struct S3Server {
    child: Child,
    endpoint: String,
}

impl S3Server {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::start_on("0")
    }

    fn start_on(port: &str) -> Self {
        let mut child = Command::new("moto_server")
            .args(["--host", "127.0.0.1", "--port", port])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto_server is on the PATH (.setup/ensure s3 puts it into the cache folder's tools/bin)");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let endpoint = lines.by_ref().map_while(Result::ok).find_map(|line| {
            Some(line[line.find("http://127.0.0.1:")?..].split_whitespace().next()?.trim_end_matches('/').to_owned())
        });
        // Its log must go somewhere, or it would block on a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, endpoint: endpoint.expect("moto_server says where it listens") }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Kills it.
    pub fn kill9(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }

    /// Kills it and starts another in its place, which has nothing.
    #[must_use]
    pub fn replace(mut self) -> Self {
        self.kill9();
        Self::start_on(self.endpoint.rsplit(':').next().unwrap_or_default())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill9();
    }
}
