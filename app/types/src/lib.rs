//! The words of the domain, shared by server and browser: ids, months, money, filters, plans, statuses and
//! the views that pages and the API show.
//!
//! Invariant: wasm-safe and free of I/O; nothing here reads a clock or knows SQL. Ids travel as JSON strings,
//! because JavaScript numbers lose bits above 2^53; money is [`rust_decimal::Decimal`], never a float.

pub mod archive;
pub mod columns;
pub mod conversion;
pub mod cursor;
pub mod database;
pub mod deadlock;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod export;
pub mod findings;
pub mod history;
pub mod holds;
pub mod ids;
pub mod inventory;
pub mod jobs;
pub mod money;
pub mod month;
pub mod obstacles;
#[cfg(feature = "openapi")]
mod openapi;
pub mod operator;
pub mod overview;
pub mod partition;
pub mod payment;
pub mod plan;
pub mod plan_words;
pub mod policy;
pub mod policy_edit;
pub mod replicas;
pub mod rfc3339;
pub mod run;
pub mod search;
pub mod simulation;
pub mod sources;
pub mod summary;
pub mod timeline;
pub mod token;
pub mod view;
pub mod window;

pub use cursor::Cursor;
pub use engine::EngineKind;
pub use ids::{PaymentId, ShardId, UserId};
pub use money::{Currency, Money};
pub use month::Month;
