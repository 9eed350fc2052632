//! Conversions that were not finished, and what the finished ones keep.

use payhist_types::doctor::Severity;
use payhist_types::inventory::{ShardInventory, TableState};

use super::{Ailment, Case, Found, found};
use crate::conversion::{KEPT_SUFFIX, is_shadow, is_trigger};

pub(super) fn examine(case: &Case, entry: &ShardInventory) -> Vec<Found> {
    let kept = format!("{}{KEPT_SUFFIX}", entry.table);
    let mut ailments: Vec<_> = of_unfinished(case, entry, &kept).into_iter().collect();
    if let Some(table) = case.facts.tables.get(&kept) {
        ailments.push((Severity::Info, Ailment::ConversionKept { kept, bytes: table.bytes }));
    }
    ailments.into_iter().map(|(severity, ailment)| found(case.spec, severity, Some(entry.shard), ailment)).collect()
}

/// Is the conversion of this table under way, by the history's record?
pub(super) fn is_under_way(case: &Case, entry: &ShardInventory) -> bool {
    case.facts.conversion.is_some() && matches!(entry.state, TableState::NotPartitioned)
}

fn of_unfinished(case: &Case, entry: &ShardInventory, kept: &str) -> Option<(Severity, Ailment)> {
    let tables = &case.facts.tables;
    let shadow = tables.keys().find(|name| is_shadow(name, &entry.table)).cloned();
    // RENAME takes a table's triggers along.
    let there: Vec<_> = [&entry.table, kept].iter().filter_map(|name| tables.get(*name)).collect();
    let triggers = there.iter().flat_map(|table| &table.triggers);
    let triggers: Vec<_> = triggers.filter(|name| is_trigger(name, &entry.table)).cloned().collect();
    let is_left = shadow.is_some() || !triggers.is_empty();
    match &case.facts.conversion {
        Some(hash) if is_under_way(case, entry) => Some((Severity::Error, Ailment::ConversionUnfinished(hash.clone()))),
        Some(hash) if is_left => Some((Severity::Warning, Ailment::ConversionUnfinished(hash.clone()))),
        None if is_left => {
            // Without the shadow, every write that fires a trigger fails.
            let severity = if triggers.is_empty() { Severity::Warning } else { Severity::Error };
            Some((severity, Ailment::ConversionLeft { shadow, triggers }))
        }
        _ => None,
    }
}
