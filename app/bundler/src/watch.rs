//! `make dev`: rebuild on change, restart the demo, reload the pages.
//!
//! Files are polled: no event can be lost, and it works on every file system.

use std::{
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, ensure};

use crate::{Layout, OUTPUT_NAME, client, files, reload::Pages};

const POLL: Duration = Duration::from_millis(300);
/// A cold demo installs a database and loads its sample.
const READY_WAIT_MAX: Duration = Duration::from_mins(2);

/// The newest modification that has been built.
struct Seen {
    code: SystemTime,
    style: SystemTime,
}

/// Runs until interrupted. A build that fails is shown, and the last good server stays up.
pub(crate) fn run(layout: &Layout, port: u16) -> Result<()> {
    let pages = Pages::listen()?;
    let code = ["app", "server", "migrations", "Cargo.toml", "Cargo.lock"].map(|path| layout.root.join(path));
    let style = [layout.root.join("style")];
    let mut server: Option<Child> = None;
    loop {
        // Before the build: what changes during it must be built again.
        let seen = Seen { code: files::newest_change(&code)?, style: files::newest_change(&style)? };
        match build(layout) {
            Ok(()) => {
                if let Some(old) = server.take() {
                    stop(old)?;
                }
                server = Some(start(layout, port)?);
                pages.reload_all();
                println!("dev: watching app, server, style, migrations");
            }
            Err(error) => eprintln!("dev: {error:#}; waiting for a change"),
        }
        watch_style_until_code_changes(layout, &pages, &code, &style, seen)?;
    }
}

fn build(layout: &Layout) -> Result<()> {
    let status = client::cargo().args(["build", "--bins"]).status().context("cannot run cargo")?;
    ensure!(status.success(), "the server does not compile");
    client::build_debug(layout)
}

/// The style alone needs neither compiler nor restart.
fn watch_style_until_code_changes(
    layout: &Layout,
    pages: &Pages,
    code: &[PathBuf],
    style: &[PathBuf],
    mut seen: Seen,
) -> Result<()> {
    while files::newest_change(code)? <= seen.code {
        thread::sleep(POLL);
        let style_now = files::newest_change(style)?;
        if style_now > seen.style {
            seen.style = style_now;
            match client::write_style(layout, &layout.debug_dir().join("site/pkg")) {
                Ok(()) => pages.reload_style(&format!("pkg/{OUTPUT_NAME}.css")),
                Err(error) => eprintln!("dev: {error:#}"),
            }
        }
    }
    Ok(())
}

/// Starts the demo and waits until it listens.
fn start(layout: &Layout, port: u16) -> Result<Child> {
    // A group of its own keeps the terminal's Ctrl-C from it; it is told once, by its parent's death (pdeathsig).
    let mut server = Command::new("setpriv")
        .args(["--pdeathsig", "TERM"])
        .arg(layout.debug_dir().join("payhist"))
        .args(["demo", "--port", &port.to_string()])
        .env("LEPTOS_WATCH", "1")
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start the demo (needs setpriv, Debian package util-linux)")?;
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if let Some(status) = server.try_wait()? {
            eprintln!("dev: the demo ended ({status}); waiting for a change");
            break;
        }
        ensure!(started.elapsed() < READY_WAIT_MAX, "the demo does not listen on port {port}");
        thread::sleep(POLL);
    }
    Ok(server)
}

/// Asks the demo to stop cleanly, with its database, and waits for it.
fn stop(mut server: Child) -> Result<()> {
    if server.try_wait()?.is_none() {
        Command::new("kill").args(["-TERM", &server.id().to_string()]).status()?;
    }
    server.wait()?;
    Ok(())
}
