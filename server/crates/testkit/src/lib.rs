//!
//! Failures here are failures of the test's surroundings, so this crate panics with what is missing.
//!
//! Invariants: no system server is touched; a test sees its own schemas only; nothing is left running when the last
//! test process has been gone for some seconds.
#![expect(clippy::missing_panics_doc, reason = "every function here panics when the test cannot go on")]

mod clock;
mod deadlock;
mod engine;
mod history;
mod private;
mod processes;
mod replicated;
mod rotation;
mod s3;
mod sessions;
mod shared;
mod template;
mod test_db;

pub use clock::MockClock;
pub use deadlock::{DeadlockSession, ProvokedDeadlock, provoke_deadlock};
pub use engine::TestEngine;
pub use history::TestOps;
pub use private::TestServer;
pub use processes::{running, waiting};
pub use replicated::Replicated;
pub use rotation::{outcomes, words};
pub use s3::S3Server;
pub use sessions::{Answer, Sessions, Step};
pub use test_db::TestDb;
