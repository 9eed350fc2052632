//! Archives of months: Parquet files with their manifests in a folder or an object store.
//!
//! Invariants:
//! - An archive is complete when its manifest is there; a file without one is none.
//! - Personal columns never leave this crate in clear: they are encrypted with a key per person ([`cipher`]).
//! - Memory is bounded by a few batches, whatever the month's size ([`payhist_storage::columns`]).
//! - Nothing here knows SQL or reads a clock.

pub mod cipher;
pub mod error;
pub mod file;
pub mod layout;
pub mod seal;
pub mod store;
pub mod tally;

pub use error::ArchiveError;
