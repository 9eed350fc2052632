//! Pure planning: which shard, which month, and what takes a history's partitions to its policy.
//!
//! Invariants: no I/O and no clock here, so everything can be tested by proposition; an edge that cannot be read never
//! leads to a drop; what [`rotation`] plans is judged by [`checker`], which shares nothing with it but the calendar.

pub mod checker;
pub mod classify;
pub mod conversion;
pub mod doctor;
pub mod held;
pub mod holds;
pub mod hot_path;
pub mod months;
pub mod months_needed;
pub mod rotation;
pub mod routing;
pub mod simulation;
pub mod twins;
pub mod validate;
pub mod windows;
