//! Summaries on real servers: what is kept is what a GROUP BY says, whatever changes rows outdates it, and what is unknown is
//! never zero.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod figures;
mod filled;
mod support;
