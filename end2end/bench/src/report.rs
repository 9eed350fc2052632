//! The table that the benchmark prints and keeps.

use crate::machine::Machine;
use std::fmt::Write as _;

/// One line: ours beside a peer's, and the goal for the two or for ours alone.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) beside: Beside,
    /// What is held against the goal, as it is printed.
    pub(crate) ratio: String,
    pub(crate) goal: String,
    /// `None`: shown for comparison, no goal.
    pub(crate) met: Option<bool>,
}

/// What ours is held against.
pub(crate) enum Beside {
    /// Somebody else's way.
    Peer(String),
    /// What nobody can do better: the bare statement, or ours itself with less to do.
    Limit(String),
    Nothing,
}

impl Beside {
    /// The columns of the peer and of the limit.
    fn columns(&self) -> (&str, &str) {
        match self {
            Self::Peer(peer) => (peer, "–"),
            Self::Limit(limit) => ("–", limit),
            Self::Nothing => ("–", "–"),
        }
    }
}

/// All lines of one run on one machine.
pub(crate) struct Report {
    machine: Machine,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, lines: Vec::new() }
    }

    /// Adds lines, each told at once, since a run takes minutes.
    pub(crate) fn add(&mut self, lines: Vec<Line>) {
        for line in lines {
            let Line { what, ours, beside, ratio, goal, .. } = &line;
            let (peer, limit) = beside.columns();
            eprintln!("bench: {what}: {ours} | {peer} | {limit} | {ratio} (goal {goal})");
            self.lines.push(line);
        }
    }

    /// The day of the run, as the database knows it.
    pub(crate) fn day(&self) -> &str {
        &self.machine.day
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# Benchmark of {}\n\n{}\n\n", self.machine.day, self.machine.text);
        text += "| what | ours | peer | limit | ratio | goal | met |\n|---|---|---|---|---|---|---|\n";
        for Line { what, ours, beside, ratio, goal, met } in &self.lines {
            let (peer, limit) = beside.columns();
            let met = met.map_or("–", |met| if met { "yes" } else { "**no**" });
            let _ = writeln!(text, "| {what} | {ours} | {peer} | {limit} | {ratio} | {goal} | {met} |");
        }
        text
    }
}
