//! `payhist serve`

use super::output::Outcome;
use crate::config::Config;
use crate::http;
use anyhow::Context;
use clap::Args;
use payhist_ops::jobs::Scheduler;
use payhist_ops::{Ops, rotation};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
#[command(after_help = "Example: payhist serve --config /etc/payhist.toml")]
pub(super) struct ServeArgs {
    /// Listen here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
}

pub(super) async fn run(args: ServeArgs, config: &Config, ops: Ops) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let bind = args.bind.unwrap_or(config.server.bind);
    let listener = listen(bind).await?;
    serve(ops, config, listener, stop, |address| tracing::info!("serving on http://{address}")).await?;
    Ok(Outcome::Done)
}

/// Takes the port, or says who is in the way and what to do.
pub(super) async fn listen(bind: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bind).await.with_context(|| format!("cannot listen on {bind}: another program has this port, or it is not ours; choose another one with --port or server.bind"))
}

/// Cancelled by SIGINT or SIGTERM.
pub(super) fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let (mut signal, stop) = (signal(kind)?, stop.clone());
        tokio::spawn(async move {
            signal.recv().await;
            stop.cancel();
        });
    }
    Ok(stop)
}

/// Resumes what was left behind, runs the jobs and serves until told to stop; then lets requests and runs end.
pub(super) async fn serve(
    ops: Ops,
    config: &Config,
    listener: TcpListener,
    stop: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let router = http::router(&ops, config, address, &stop);
    let scheduler = Scheduler::start(ops.clone()).await?;
    resume_in_background(ops.clone());
    ready(address);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await?;
    scheduler.stop().await;
    Ok(())
}

fn resume_in_background(ops: Ops) {
    tokio::spawn(async move {
        match rotation::resume_all(&ops).await {
            Ok(0) => {}
            Ok(runs) => tracing::info!(runs, "took up rotation runs that had been left behind"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "rotation runs could not be taken up");
            }
        }
    });
}
