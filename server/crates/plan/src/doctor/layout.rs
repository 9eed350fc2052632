//! How a table would be partitioned that is not, or not in a way that payhist can manage.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::Month;
use payhist_types::history::{HistorySpec, Policy};

use super::facts::{Column, Looks, Table};
use crate::months;
use crate::rotation::MONTHS_ADDED_MAX;

/// A column and the months that its rows and the policy need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The column to partition by.
    pub column: Column,
    /// Months and their upper edges, without a gap.
    pub months: Vec<(Month, DateTime<Utc>)>,
}

/// The months from `first`, or an earlier one of the rows, to what the policy asks for. `None`: there is no such column,
/// or the rows span absurdly many months.
pub(crate) fn layout(
    table: &Table,
    hint: &str,
    looks: &Looks,
    first: Option<Month>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<Layout> {
    let column = time_column(table, hint)?.clone();
    let zone = policy.zone.parse().unwrap_or(Tz::UTC);
    // A DATE has no time of day: its months are those of the calendar.
    let zone = if column.data_type == "date" { Tz::UTC } else { zone };
    let current = months::month_of(now, zone);
    let ahead = current.plus(policy.premake_months.unwrap_or(1).into()).unwrap_or(Month::MAX);
    let first = first.map_or(current, |first| first.min(current));
    let (first, last) = looks.extent.map_or((first, ahead), |(earliest, latest)| {
        (months::month_of(earliest, zone).min(first), months::month_of(latest, zone).max(ahead))
    });
    let months: Vec<_> = Month::range(first, last).map(|month| (month, months::end(month, zone))).collect();
    (months.len() <= MONTHS_ADDED_MAX as usize).then_some(Layout { column, months })
}

/// What a history's configuration says of the column that says when a row was created.
pub fn hint(spec: &HistorySpec) -> String {
    spec.columns.as_deref().map(|columns| format!("`{}`", columns.created_at)).unwrap_or_default()
}

/// The column that says when a row was created: the one that is named in `hint`, else `created_at`, else the only one
/// with a time.
pub fn time_column<'a>(table: &'a Table, hint: &str) -> Option<&'a Column> {
    let times = || {
        let kinds = ["date", "datetime", "timestamp"];
        table.columns.iter().filter(move |column| kinds.contains(&column.data_type.as_str()))
    };
    let hinted = times().find(|column| hint.contains(&format!("`{}`", column.name)));
    hinted.or_else(|| times().find(|column| column.name.eq_ignore_ascii_case("created_at"))).or_else(|| {
        let mut times = times();
        times.next().filter(|_| times.next().is_none())
    })
}
