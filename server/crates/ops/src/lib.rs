//! Use cases: what operators, jobs and commands do, on top of storage.
//!
//! Invariants:
//! - Every function that reads or writes takes an [`auth::Permit`]: there is no way to it without the permission.
//! - What changes anything is written to the audit log in the same transaction.
//! - Only [`clock`] reads the clock.

pub mod adopt;
pub mod archive;
pub mod auth;
pub mod browse;
pub mod catalogue;
pub mod clock;
pub mod doctor;
pub mod error;
pub mod export;
pub mod generate;
pub mod histories;
pub mod holds;
pub mod import;
pub mod jobs;
pub mod monitoring;
pub mod overview;
pub mod policies;
pub mod rotation;
pub mod summary;
pub mod tokens;
pub mod views;
pub mod zone;

mod context;
mod payment_json;
mod recently;
mod replicas;
mod turns;

pub use auth::{Permit, Principal};
pub use context::{Ops, OpsConfig};
pub use error::OpsError;
