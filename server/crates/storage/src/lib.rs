//! The only owner of SQL: pools, transactions, payments, partitions, runs, jobs, operators, audit and what the
//! engines say of themselves.
//!
//! Invariants:
//! - Sessions are at +00:00, so that DATETIME columns are UTC (FACTS §2: any other zone is silently wrong).
//! - Dynamic SQL has two doors, [`ddl`] and [`dynamic`]; `AssertSqlSafe` appears nowhere else.
//! - Every query on a history carries its shard and its month range ([`payments::PaymentScope`]).
//! - Nothing here reads a clock: `now` is an argument.

pub mod api_tokens;
pub mod archive_keys;
pub mod archives;
pub mod audit;
pub mod blockers;
pub mod bulk;
pub mod columns;
pub mod control;
pub mod conversions;
pub mod ddl;
pub mod deadlocks;
pub mod doctor;
pub mod dynamic;
pub mod engine_stats;
pub mod error;
pub mod exports;
pub mod fault;
pub mod held;
pub mod histories;
pub mod holds;
pub mod intervals;
pub mod jobs;
pub mod kept;
pub mod leases;
pub mod operators;
pub mod partitions;
pub mod payments;
pub mod permit;
pub mod policies;
pub mod pool;
pub mod replicas;
pub mod restored;
pub mod reveals;
pub mod runs;
pub mod saved_views;
pub mod sessions;
pub mod shards;
pub mod source;
pub mod summaries;
pub mod twins;
pub mod tx;

pub use error::StorageError;
pub use pool::{Pool, PooledConnection};
pub use source::{Source, SourceConfig};
