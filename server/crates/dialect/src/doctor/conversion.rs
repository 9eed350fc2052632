//! Of conversions that were not finished, and of what the finished ones keep.

use super::Said;
use super::sql::Writer;
use payhist_types::plan::PlanHash;

pub(super) fn unfinished(hash: &PlanHash, writer: &Writer) -> Said {
    let convert = format!("payhist partitions convert --history {}", writer.spec.name);
    Said::new(
        "conversion_unfinished",
        "its conversion was begun, and is neither finished nor given up",
        "its triggers write every row twice; what is to become of the table is open",
    )
    .steps(format!("`{convert} --apply {}` goes on where it stopped; `{convert} --abort` gives it up.", hash.0))
}

pub(super) fn left(shadow: Option<&str>, triggers: &[String], writer: &Writer) -> Said {
    let parts: Vec<_> = shadow.map(|shadow| format!("the table {shadow}")).into_iter().collect();
    let parts = parts.into_iter().chain(triggers.iter().map(|trigger| format!("the trigger {trigger}")));
    let said = Said::new(
        "conversion_left",
        format!("parts of a conversion that payhist has no record of: {}", parts.collect::<Vec<_>>().join(", ")),
        if triggers.is_empty() {
            "it takes room on the disk and its name is in a new conversion's way; nothing rotates it, and no erasure reaches it"
        } else {
            "the triggers repeat every write in that table: where it is gone, or lacks a month, the writes fail (1146, 1526)"
        },
    )
    .sql(writer.drop_triggers(triggers));
    match shadow {
        Some(shadow) => said.steps(format!(
            "Make sure that no payhist is converting the table with another control database. The rows of {shadow} are copies as \
             long as {} has them all: compare, then drop it yourself.",
            writer.table
        )),
        None => said,
    }
}

pub(super) fn kept(kept: &str, bytes: u64, writer: &Writer) -> Said {
    let said = Said::new(
        "conversion_kept",
        format!("{kept}, the table as it was before its conversion, takes about {} MB", bytes.div_ceil(1_000_000)),
        "it is the way back as long as nothing relies on newer rows; nothing rotates it, and no erasure reaches it",
    );
    match writer.name(kept) {
        Ok(name) => {
            said.steps(format!("When you are sure that it is not needed: DROP TABLE {name}; payhist never does that."))
        }
        Err(error) => said.steps(format!("No SQL can be given: {error}.")),
    }
}
