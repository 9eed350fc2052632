//! Builds the site that the `payhist` binary serves: WASM, its JavaScript bindings and the style.
//!
//! It does the part of cargo-leptos that this project needs, without cargo-leptos's half hour of set-up.
//! Invariant: a site is always beside its executable (`target/debug/site`, `dist/payhist/site`),
//! and an interrupted build never leaves an asset that the next build takes for finished.

mod assets;
mod client;
mod files;
mod release;
mod reload;
mod watch;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

/// Name of the site's files, as in `[workspace.metadata.leptos] output-name`.
const OUTPUT_NAME: &str = "payhist";

#[derive(Parser)]
#[command(about = "Builds the payhist site; run at the root of the checkout")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the debug site beside the debug binary.
    Build,
    /// Build the optimised site, hashed and precompressed, beside the release binary in dist/payhist.
    Release,
    /// Rebuild on change, restart `payhist demo` and reload the browser.
    Watch {
        /// Where the demo listens.
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
}

/// The folders that a build reads and writes.
struct Layout {
    root: PathBuf,
    target: PathBuf,
}

impl Layout {
    fn of_current_dir() -> Result<Self> {
        let root = std::env::current_dir()?;
        ensure!(
            root.join("app/frontend/Cargo.toml").is_file(),
            "{} is not the root of the payhist checkout: run `make build` there",
            root.display()
        );
        let target = root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        Ok(Self { root, target })
    }

    fn debug_dir(&self) -> PathBuf {
        self.target.join("debug")
    }

    fn dist_dir(&self) -> PathBuf {
        self.root.join("dist/payhist")
    }
}

fn main() -> Result<()> {
    let layout = Layout::of_current_dir()?;
    match Cli::parse().command {
        Command::Build => client::build_debug(&layout),
        Command::Release => release::build(&layout),
        Command::Watch { port } => watch::run(&layout, port),
    }
}
