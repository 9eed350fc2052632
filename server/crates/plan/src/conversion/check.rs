//! The judge of a conversion: it believes nothing that the planner says.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::conversion::Conversion;
use payhist_types::history::Policy;

use super::Surroundings;
use crate::doctor::facts::Table;
use crate::months;

/// Checks that every row and the policy's months have a place, and that no key or column is left out.
///
/// # Errors
/// Each rule that is broken.
pub fn check(
    conversion: &Conversion,
    table: &Table,
    around: &Surroundings,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), Vec<String>> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, words: &str| {
        if !holds {
            broken.push(words.to_owned());
        }
    };
    let zone = if conversion.time_type == "date" { Tz::UTC } else { policy.zone.parse().unwrap_or(Tz::UTC) };
    let months = &conversion.months;
    rule(months.iter().all(|new| months::ending_at(new.before, zone) == Some(new.month)), "an edge is no month's end");
    rule(months.windows(2).all(|pair| pair[0].month.next() == Some(pair[1].month)), "months have a gap");
    let ahead = months.iter().filter(|new| new.before > now).count();
    rule(ahead > usize::from(policy.premake_months.unwrap_or(1)), "months ahead are missing");
    let latest = around.extent.map(|(_, latest)| latest).max(Some(now));
    rule(months.last().map(|new| new.before) > latest, "the latest row has no partition");
    let key: Vec<_> = conversion.key.iter().map(|column| Some(column.name.as_str())).collect();
    for unique in table.keys.iter().filter(|key| key.unique) {
        let names: Vec<_> = unique.columns.iter().map(|(name, _)| name.as_deref()).collect();
        let is_primary = unique.name == "PRIMARY";
        rule(!is_primary || names == key, "the primary key is another");
        let widened = is_primary && conversion.widens_key;
        rule(names.contains(&Some(conversion.time.as_str())) != widened, "a unique key lacks the partition column");
    }
    let names =
        |all: bool| table.columns.iter().filter(move |column| all || !column.is_generated()).map(|one| &one.name);
    rule(names(true).eq(&conversion.columns) && names(false).eq(&conversion.written), "a column is left out");
    rule(table.column(&conversion.time).is_some_and(|time| !time.nullable), "the partition column may be NULL");
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}
