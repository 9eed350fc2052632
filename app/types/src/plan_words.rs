//! Guards and findings as people read them: one wording for pages, commands, logs and job summaries.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::findings::{Finding, FindingKind, Group};
use crate::inventory::ROWS_COUNTED_MAX;
use crate::plan::Guard;
use crate::sources::ShardSet;

impl fmt::Display for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchOff { switch } => write!(formatter, "the {switch} switch is off"),
            Self::UnknownBoundary { partition } => {
                write!(formatter, "the edge of partition {partition} cannot be read")
            }
            Self::MaxValueHasRows { partition, rows } => write!(
                formatter,
                "the MAXVALUE partition {partition} has {}: whoever runs this step's ALTER TABLE copies them all and keeps \
                 writers out meanwhile, so payhist does not",
                counted(*rows)
            ),
            Self::LastPartition => formatter.write_str("a table's last partition is never dropped"),
            Self::OlderPartitionStays { partition } => {
                write!(formatter, "the older partition {partition} stays, and a gap would swallow late rows")
            }
            Self::NameTaken { partition } => write!(formatter, "another partition is called {partition} already"),
            Self::Restored { until } => {
                write!(
                    formatter,
                    "the month was restored and is left alone until {}",
                    until.format("%Y-%m-%d %H:%M UTC")
                )
            }
            Self::TwinUnclear { twin, reason } => write!(formatter, "the table {twin} is in the way: {reason}"),
            Self::LateRows { rows } => {
                write!(formatter, "{} came late and must join the quarantined ones first", counted(*rows))
            }
            Self::Held { hold, case_number, until } => {
                write!(formatter, "hold {hold} (case {case_number}) keeps it ")?;
                match until {
                    Some(until) => write!(formatter, "until {}", until.format("%Y-%m-%d %H:%M UTC")),
                    None => formatter.write_str("until it is released"),
                }
            }
            Self::NotCarvable { reason } => {
                write!(formatter, "rows that holds keep cannot be carved out: {reason}")
            }
            Self::NotCarvedOut { hold, rows } => write!(
                formatter,
                "{} that hold {hold} keeps, or a hold beside it, must be carved out first",
                counted(Some(*rows))
            ),
            Self::ComparisonTooLong { hold, secs, in_quarantine } => {
                write!(
                    formatter,
                    "comparing what hold {hold} keeps, or a hold beside it, with the copies took more than the {secs} s that "
                )?;
                formatter.write_str(if *in_quarantine {
                    "whoever places a hold may wait; a key that begins with the column of users, or of orders, makes it quicker"
                } else {
                    "writers may wait; set quarantine_days in the policy, so that none waits for it"
                })
            }
            Self::HoldsUnreadable => formatter.write_str("the legal holds cannot be read"),
            Self::NotArchived { target } => {
                write!(formatter, "the month must be in the archive {target} first, verified, with exactly its rows")
            }
            Self::NotExpressible { reason } => formatter.write_str(reason),
            Self::OutsideWindow { opens } => {
                write!(formatter, "no maintenance window is open; {}", next_window(*opens))
            }
            Self::TooLargeOutsideWindow { bytes, bytes_max, opens } => write!(
                formatter,
                "{bytes} bytes are more than the {bytes_max} that may be dropped outside a maintenance window; {}",
                next_window(*opens)
            ),
        }
    }
}

/// `the next one opens at 2026-12-12 01:00 UTC`.
fn next_window(opens: Option<DateTime<Utc>>) -> String {
    opens.map_or_else(
        || "none opens soon".to_owned(),
        |opens| format!("the next one opens at {}", opens.format("%Y-%m-%d %H:%M UTC")),
    )
}

/// `1 row`, `12 rows`, `1000 rows or more`.
fn counted(rows: Option<u64>) -> String {
    match rows {
        None => "an unknown number of rows".to_owned(),
        Some(1) => "1 row".to_owned(),
        Some(rows) if rows >= ROWS_COUNTED_MAX => format!("{rows} rows or more"),
        Some(rows) => format!("{rows} rows"),
    }
}

/// Several guards, joined.
pub fn guards(guards: &[Guard]) -> String {
    guards.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What is wrong, said of "it": the shard's table.
impl fmt::Display for FindingKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTable => formatter.write_str("its table does not exist"),
            Self::NotPartitioned => formatter.write_str("its table has no partitions"),
            Self::Unreadable { reason } => write!(formatter, "it cannot be read: {reason}"),
            Self::Misplaced { found_on, configured } => write!(
                formatter,
                "its table is on {}, and should be on {configured} alone: which one counts cannot be told, and nothing \
                 is done to either",
                found_on.join(" and on ")
            ),
            Self::NotInventoried => formatter.write_str("it is in the route but was not found exactly once"),
            Self::UnknownExpression { raw } => {
                write!(formatter, "it is partitioned by {raw}, which payhist does not know")
            }
            Self::UnknownBoundary { partition, raw } => {
                write!(formatter, "the edge of partition {partition} cannot be read: {raw}")
            }
            Self::MaxValuePresent { partition, rows_estimate } => {
                write!(formatter, "the MAXVALUE partition {partition} holds about {rows_estimate} rows")
            }
            Self::Gap { partition, first, last } => {
                write!(formatter, "partition {partition} also swallows {first} to {last}, which have none of their own")
            }
            Self::Irregular { partition, .. } => {
                write!(formatter, "partition {partition} is not a month of the business zone; it is never dropped")
            }
            Self::NameMisleads { partition, month } => {
                write!(formatter, "partition {partition} holds {month}, whatever its name says")
            }
            Self::ShardDiffers { missing } => {
                let months: Vec<_> = missing.iter().map(ToString::to_string).collect();
                write!(formatter, "it lacks {}, which other shards have", months.join(", "))
            }
            Self::RunwayShort { months, wanted } => {
                write!(formatter, "{months} months ahead, the policy asks for {wanted}")
            }
            Self::LateRows { partition, twin, rows } => write!(
                formatter,
                "{} came into partition {partition} after its month went to quarantine in {twin}: the next run or a \
                 restore puts them together",
                counted(*rows)
            ),
            Self::OrphanTwin { twin, rows_estimate } => write!(
                formatter,
                "the quarantine table {twin} (about {rows_estimate} rows) belongs to no partition: payhist never drops it"
            ),
            Self::TwinUnclear { twin, reason } => {
                write!(formatter, "the table {twin} is in quarantine's way: {reason}")
            }
            Self::TooFarBehind { months } => {
                write!(formatter, "{months} months are missing: too many to add by plan")
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shard) = self.shard {
            write!(formatter, "shard {shard}: ")?;
        }
        self.kind.fmt(formatter)
    }
}

/// One finding as it is; several in one sentence, with the shards' numbers.
impl fmt::Display for Group<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, ..] = self.findings[..] else { return Ok(()) };
        if self.findings.len() == 1 {
            return first.fmt(formatter);
        }
        let shards: ShardSet = self.findings.iter().filter_map(|finding| finding.shard).collect();
        if let FindingKind::LateRows { .. } = first.kind {
            let mut months = BTreeSet::new();
            for finding in &self.findings {
                if let FindingKind::LateRows { partition, .. } = &finding.kind {
                    months.insert(partition);
                }
            }
            let months = months.len();
            return write!(
                formatter,
                "late rows in {months} quarantined months on {} shards: the next run or a restore puts them together",
                shards.iter().count()
            );
        }
        write!(formatter, "shards {shards}: {}", first.kind)
    }
}
