//! Server functions: what pages ask of the server.
//!
//! Each parses, authorises, makes one ops call and maps its answer. Reads are GET, whatever changes something is
//! POST, so that no link, prefetch or crawler changes anything.

mod database;
mod error;
mod exports;
mod frame;
mod holds;
mod jobs;
mod overview;
mod partitions;
mod payments;
mod policies;
mod server;
mod tokens;
mod views;

pub use database::{database, deadlock};
pub use error::{Error, Result};
pub use exports::{CancelExport, export_preview, exports};
pub use frame::frame;
pub use holds::{ApproveRelease, AskRelease, PlaceHold, holds};
pub use jobs::{PauseJob, RunJob, job, jobs};
pub use overview::overview;
pub use partitions::{
    ApplyPlan, RestoreMonth, TurnSwitch, archives, obstacles, partition_map, rotation_plan, rotation_run, rotation_runs,
};
pub use payments::{RevealPayment, explain_payment, payment, payments, search, summary};
pub use policies::{SetPolicy, policy, simulation};
pub(crate) use server::{is_me, may};
pub use tokens::{RevokeToken, tokens};
pub use views::{ForgetView, SaveView, views};
