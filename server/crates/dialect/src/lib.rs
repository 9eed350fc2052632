//! What payhist knows of the engines: identifiers, capabilities, partition DDL, error classes and reports.
//!
//! Invariants: pure, no I/O; every difference between `MariaDB` and `MySQL` is here and nowhere else; a [`Statement`]
//! can be made only here, so that no caller ever pieces SQL together.

pub mod archive;
pub mod boundary;
pub mod capabilities;
pub mod conversion;
pub mod ddl;
pub mod deadlock;
pub mod doctor;
pub mod error_class;
pub mod held;
pub mod ident;
pub mod kept;
pub mod plan_sql;
pub mod probe;
pub mod quarantine;
pub mod replication;
pub mod split;
mod statement;

pub use capabilities::{Capabilities, UnknownEngine};
pub use ddl::DDL_LOCK_WAIT_SECS;
pub use ident::{Ident, IdentError, PartitionName, TableName};
pub use statement::{Destructive, Statement};
