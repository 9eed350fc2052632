//! Scheduled jobs and their runs.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// How a job's run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum JobRunStatus {
    /// Its row is there; no instance has taken it yet.
    Due,
    /// An instance holds its lease.
    Running,
    /// Done.
    Succeeded,
    /// Done in part; the summary names what is missing.
    Partial,
    /// Failed, or its instance panicked.
    Failed,
    /// Passed over, since a later one was due as well (misfire policy).
    Skipped,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// Its number.
    pub id: u64,
    /// The job.
    pub job: String,
    /// The tick it stands for; unique with the job.
    pub scheduled_at: DateTime<FixedOffset>,
    /// When an instance took it.
    pub started_at: Option<DateTime<FixedOffset>>,
    /// When it ended.
    pub finished_at: Option<DateTime<FixedOffset>>,
    /// How it stands.
    pub status: JobRunStatus,
    /// `schedule`, or who asked for it.
    pub trigger: String,
    /// The instance that ran it: host and process.
    pub instance: Option<String>,
    /// Fencing token of its lease.
    pub fencing_token: u64,
    /// What it did, in a sentence.
    pub summary: Option<String>,
    /// The rotation run that it made, if it made one.
    pub rotation_run: Option<u64>,
}

impl JobRun {
    /// Milliseconds from start to end, when it has ended.
    pub fn duration_ms(&self) -> Option<i64> {
        Some((self.finished_at? - self.started_at?).num_milliseconds())
    }
}

/// A job with its schedule and its latest runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name, e.g. `premake`.
    pub name: String,
    /// What it does, in a sentence.
    pub purpose: String,
    /// Cron expression, five fields, in the business zone.
    pub schedule: String,
    /// The schedule as a person says it.
    pub schedule_words: String,
    /// Zone of the schedule.
    pub zone: String,
    /// True when no new runs become due.
    pub paused: bool,
    /// The next five times; empty when paused.
    pub next: Vec<DateTime<FixedOffset>>,
    /// The latest runs, newest first, at most 30.
    pub runs: Vec<JobRun>,
}
