//! Rotation plans and their checker, by example and by proposition.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod carving;
mod checker;
mod drops;
mod findings;
mod holds;
mod model;
mod properties;
mod quarantine;
mod settling;
mod simulation;
mod turns;
mod windows;
