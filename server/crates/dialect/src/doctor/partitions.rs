//! Of partitions that are missing, too large, or not where a month's are.

use super::sql::Writer;
use super::{Said, server};
use crate::Statement;
use crate::plan_sql::PlanSqlError;
use chrono::{DateTime, Utc};
use payhist_plan::doctor::Ailment;
use payhist_plan::doctor::facts::MAXVALUE_ROWS_MAX;
use payhist_types::{Month, plan_words};

const SPLIT_COPIES: &str = "It copies the partition's rows and blocks inserts meanwhile.";

pub(super) fn of_partitions(ailment: &Ailment, writer: &Writer) -> Said {
    match ailment {
        Ailment::Gap { partition, months } => {
            let names: Vec<_> = months.iter().map(|(month, _)| month.to_string()).collect();
            let said = Said::new(
                "gap",
                format!("partition {partition} holds {} together", names.join(", ")),
                "months without a partition of their own cannot expire one by one: payhist never drops this one, nor any after it",
            );
            let caution = if writer.capabilities.reorganize_is_crash_safe() {
                SPLIT_COPIES
            } else {
                "It copies the partition's rows and blocks inserts meanwhile; a crash of MariaDB in that moment can damage the \
                 table: back it up first."
            };
            split(said, months, partition, writer, Writer::split, caution)
        }
        Ailment::Irregular { partitions } => Said::new(
            "irregular",
            format!("{} partitions do not end where a month of {} does: {}", partitions.len(), writer.spec.policy.zone, partitions.join(", ")),
            "payhist drops whole months of the business zone only: these stay, and so does everything after them",
        )
        .steps("If all of them are another zone's months, correct policy.zone; otherwise redraw the edges by REORGANIZE PARTITION."),
        Ailment::MaxValue { partition, rows, months } => max_value(partition, *rows, months, writer),
        Ailment::Runway { months, wanted, adds } => {
            let said = Said::new(
                "runway",
                format!("{months} months ahead, the policy asks for {wanted}"),
                "an insert beyond the last partition fails with error 1526; INSERT IGNORE loses the row with a warning",
            );
            match adds.iter().find(|step| !step.is_active()) {
                Some(step) => said.steps(format!("The plan cannot add them: {}.", plan_words::guards(&step.blocked_by))),
                None => said.sql(writer.adds(adds)).steps("Or `payhist partitions apply`."),
            }
        }
        other => server::of_server(other),
    }
}

fn max_value(partition: &str, rows: u64, months: &[(Month, DateTime<Utc>)], writer: &Writer) -> Said {
    if rows == 0 && months.is_empty() {
        return Said::new(
            "maxvalue_empty",
            format!("the MAXVALUE partition {partition} is empty"),
            "months can only be split off it, never added below it (error 1493): payhist does so as long as it is empty",
        )
        .steps("Nothing needs mending.");
    }
    let said = if rows == 0 {
        Said::new(
            "maxvalue_empty",
            format!("the MAXVALUE partition {partition} is empty, and stands where {} months are to be", months.len()),
            "they can only be split off it, never added below it (error 1493), and only as long as it is empty: once rows of these \
             months collect in it, splitting copies them",
        )
    } else {
        let rows = if rows > MAXVALUE_ROWS_MAX { format!("more than {MAXVALUE_ROWS_MAX}") } else { rows.to_string() };
        Said::new(
            "maxvalue_has_rows",
            format!("the MAXVALUE partition {partition} has {rows} rows"),
            "no month can be added below it (error 1493) without copying them, and they never expire",
        )
    };
    let caution =
        if rows == 0 { "Or `payhist partitions apply`, which makes sure that it is empty." } else { SPLIT_COPIES };
    split(said, months, partition, writer, Writer::split_max_value, caution)
}

type Split<'a> = fn(&Writer<'a>, &str, &[(Month, DateTime<Utc>)]) -> Result<Vec<Statement>, PlanSqlError>;

fn split<'a>(
    said: Said,
    months: &[(Month, DateTime<Utc>)],
    partition: &str,
    writer: &Writer<'a>,
    sql: Split<'a>,
    caution: &str,
) -> Said {
    if months.is_empty() || writer.is_name_taken(months, partition) {
        return said.steps("A partition of one of the new names exists already: split it by REORGANIZE PARTITION with names of your own.");
    }
    said.sql(sql(writer, partition, months)).steps(caution)
}
