//! A private `MariaDB` or `MySQL` server process, on a unix socket in a folder of its own.
//!
//! `payhist demo` and the tests run on it. It listens on no port, reads no system configuration and never touches
//! a server that it did not start.
//!
//! Layout of the folder: `lock` (held while a payhist owns the folder; its content is the owner's pid), `data`
//! (the engine's files and the marker `payhist-engine`), `run` (mode 0700: socket and pid file), `tmp`, `server.log`.
//!
//! Invariants:
//! - At most one owner per folder: the exclusive lock on `lock`.
//! - `data` is complete or absent: it is initialised beside, as `data.new`, and renamed.
//! - The server does not outlive its owner, not even one that is killed with -9: a watchdog stops it.
//! - A signal is only ever sent to a process whose command line names our own data folder, through a pidfd, so that
//!   a reused pid cannot be hit.

mod config;
mod error;
mod folder;
mod init;
mod install;
mod server;
mod stray;
mod watchdog;

pub use config::{Profile, ServerConfig};
pub use error::ServerError;
pub use init::initialise;
pub use install::{Installation, Version, cache_folder};
pub use server::{Lifeline, PrivateServer, ServerExit};
