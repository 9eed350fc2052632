//! payhist, the one binary: the web server and every command.

mod cli;
mod config;
mod http;
mod telemetry;

use clap::Parser;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A page of payments is some thousand small strings, made and dropped: the system's allocator took an eighth of its
/// time. Without huge pages: they saved a page no time, and doubled what an export takes, since a byte holds two megabytes.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    telemetry::init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("payhist: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(cli::run(command))
}
