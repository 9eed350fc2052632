//! Does a configured history make sense? Everything else in this crate may then rely on it.
//!
//! Invariant: a history that is registered has passed [`validate`], so that no user is routed to a shard that does not
//! exist, no two shards share a table, and its zone is known.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use payhist_types::columns::Place;
use payhist_types::history::{HistorySpec, Route, SHARD_PLACEHOLDER};
use payhist_types::ids::PAYMENT_ID_SHARD_MAX;
use payhist_types::sources::Sources;
use payhist_types::{Currency, ShardId};

/// The most shards of a history: as many as a payment id can tell apart.
pub const SHARDS_MAX: usize = PAYMENT_ID_SHARD_MAX as usize + 1;

/// What is wrong with a configured history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The policy's zone is not in the time-zone database.
    #[error("{0:?} is not an IANA time zone such as Europe/London")]
    UnknownZone(String),
    /// No shards, or more than [`SHARDS_MAX`].
    #[error("{0} shards: a history has 1 to {SHARDS_MAX}")]
    ShardCount(usize),
    /// The upper bounds of a range route are not strictly ascending.
    #[error("the upper bounds of a range route must ascend: {upper} comes after {before}")]
    BoundsNotAscending {
        /// The bound before.
        before: u64,
        /// The bound that is not above it.
        upper: u64,
    },
    /// Several shards and no single place for their number in the tables' name.
    #[error("the table pattern {0:?} must say {SHARD_PLACEHOLDER} once, or all shards would share a table")]
    TablePattern(String),
    /// A shard that is on no source, or on two.
    #[error("shard {shard} is on {found}: each shard lives on exactly one source")]
    ShardPlaced {
        /// The shard.
        shard: ShardId,
        /// The sources that list it, in words.
        found: String,
    },
    /// A shard on a source that the route does not have.
    #[error("{on} has shards {shards}, of which the route knows only 0 to {last}")]
    ShardUnknown {
        /// The source.
        on: String,
        /// Its shards.
        shards: String,
        /// The last shard of the route.
        last: ShardId,
    },
    /// No schema, or no table pattern.
    #[error("a history needs the name of its schema and of its tables")]
    Nameless,
    /// A column without a name, or a currency that is none.
    #[error("{0}: {1:?} is not {2}")]
    Column(&'static str, String, &'static str),
    /// An archive without quarantine.
    #[error("an archive needs quarantine_days: what is archived is a month that nobody writes to any more")]
    ArchiveWithoutQuarantine,
    /// An archive of tables with columns of their own.
    #[error("tables with columns of their own are not archived: payhist cannot tell which of them are personal")]
    ArchiveOfOtherColumns,
    /// A retention of no months at all.
    #[error("a retention of 0 months would drop every month as soon as it ends; keep at least 1")]
    NoRetention,
    /// A limit for drops outside of windows without any window.
    #[error("max_drop_bytes_outside_windows means nothing without windows: months are dropped at any time then")]
    LimitWithoutWindows,
}

impl SpecError {
    /// The configuration's key that has to change, below `[[history]]`.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::UnknownZone(_) => "policy.zone",
            Self::ArchiveWithoutQuarantine | Self::ArchiveOfOtherColumns => "policy.archive",
            Self::NoRetention => "policy.retention_months",
            Self::LimitWithoutWindows => "policy.max_drop_bytes_outside_windows",
            Self::ShardCount(_) => "route.shards",
            Self::BoundsNotAscending { .. } => "route.upper_bounds",
            Self::TablePattern(_) => "table_pattern",
            Self::ShardPlaced { .. } | Self::ShardUnknown { .. } => "source",
            Self::Nameless => "schema",
            Self::Column(..) => "columns",
        }
    }
}

/// Checks a history and gives its zone.
///
/// # Errors
/// [`SpecError`]: the first thing that is wrong.
pub fn validate(spec: &HistorySpec) -> Result<Tz, SpecError> {
    let policy = &spec.policy;
    let zone = policy.zone.parse::<Tz>().map_err(|_| SpecError::UnknownZone(policy.zone.clone()))?;
    if policy.retention_months == Some(0) {
        return Err(SpecError::NoRetention);
    }
    if policy.windows.is_empty() && policy.max_drop_bytes_outside_windows.is_some() {
        return Err(SpecError::LimitWithoutWindows);
    }
    if policy.archive.is_some() && policy.quarantine_days.is_none() {
        return Err(SpecError::ArchiveWithoutQuarantine);
    }
    if policy.archive.is_some() && spec.columns.is_some() {
        return Err(SpecError::ArchiveOfOtherColumns);
    }
    let shards = match &spec.route {
        Route::Modulo { shards } => usize::from(*shards),
        Route::Range { upper_bounds } => upper_bounds.len() + 1,
        Route::Single => 1,
    };
    if !(1..=SHARDS_MAX).contains(&shards) {
        return Err(SpecError::ShardCount(shards));
    }
    if let Route::Range { upper_bounds } = &spec.route
        && let Some(pair) = upper_bounds.windows(2).find(|pair| pair[0] >= pair[1])
    {
        return Err(SpecError::BoundsNotAscending { before: pair[0].0, upper: pair[1].0 });
    }
    check_sources(spec)?;
    if spec.schema.is_empty() || spec.table_pattern.is_empty() {
        return Err(SpecError::Nameless);
    }
    let places = spec.table_pattern.matches(SHARD_PLACEHOLDER).count();
    if places > 1 || (places == 0 && shards > 1) {
        return Err(SpecError::TablePattern(spec.table_pattern.clone()));
    }
    for (own, place) in spec.columns.iter().flat_map(|columns| columns.places()) {
        match place {
            Place::Column("") => return Err(SpecError::Column(own, String::new(), "a column's name")),
            Place::Constant(code) if own == "currency" && code.parse::<Currency>().is_err() => {
                return Err(SpecError::Column(own, code.to_owned(), "three capital letters such as EUR"));
            }
            _ => {}
        }
    }
    Ok(zone)
}

fn check_sources(spec: &HistorySpec) -> Result<(), SpecError> {
    let Sources::Several(placed) = &spec.source else { return Ok(()) };
    let last = ShardId(spec.route.shard_count().saturating_sub(1));
    if let Some((source, shards)) = placed.iter().find(|(_, shards)| shards.iter().any(|shard| shard > last)) {
        return Err(SpecError::ShardUnknown { on: source.clone(), shards: shards.to_string(), last });
    }
    for shard in spec.route.shards() {
        let on = placed.iter().filter(|(_, shards)| shards.iter().any(|other| other == shard)).map(|(name, _)| name);
        match on.map(String::as_str).collect::<Vec<_>>()[..] {
            [_] => {}
            [] => return Err(SpecError::ShardPlaced { shard, found: "no source".to_owned() }),
            ref several => return Err(SpecError::ShardPlaced { shard, found: several.join(" and ") }),
        }
    }
    Ok(())
}

/// A table that both histories would rotate, each by its own policy.
pub fn shared_table(one: &HistorySpec, other: &HistorySpec) -> Option<String> {
    // Some servers do not tell the case of names apart.
    let name = |spec: &HistorySpec, shard: ShardId| {
        [spec.source.of(shard), &spec.schema, &spec.table_of(shard)].map(str::to_lowercase)
    };
    let taken: BTreeSet<_> = other.route.shards().map(|shard| name(other, shard)).collect();
    one.route.shards().find(|shard| taken.contains(&name(one, *shard))).map(|shard| one.table_of(shard))
}

#[cfg(test)]
mod tests {
    use payhist_types::UserId;
    use payhist_types::columns::Columns;
    use payhist_types::history::Policy;

    use super::*;

    fn spec() -> HistorySpec {
        HistorySpec {
            name: "payments".parse().unwrap(),
            source: "main".into(),
            schema: "pay".into(),
            table_pattern: "payment_history_shard_{shard}".into(),
            route: Route::Modulo { shards: 10 },
            policy: Policy {
                premake_months: Some(3),
                retention_months: Some(12),
                zone: "Europe/London".into(),
                ..Policy::default()
            },
            columns: None,
        }
    }

    fn refused(change: impl FnOnce(&mut HistorySpec)) -> SpecError {
        let mut spec = spec();
        change(&mut spec);
        validate(&spec).unwrap_err()
    }

    fn range(bounds: &[u64]) -> Route {
        Route::Range { upper_bounds: bounds.iter().copied().map(UserId).collect() }
    }

    #[test]
    fn a_sensible_history_gives_its_zone() {
        assert_eq!(validate(&spec()), Ok(Tz::Europe__London));
        for route in [Route::Single, range(&[]), range(&[10_000, 20_000]), Route::Modulo { shards: 256 }] {
            assert_eq!(validate(&HistorySpec { route, ..spec() }), Ok(Tz::Europe__London));
        }
        let one_table = HistorySpec { route: Route::Single, table_pattern: "payments".into(), ..spec() };
        assert!(validate(&one_table).is_ok());
    }

    #[test]
    fn no_user_is_routed_to_a_shard_that_is_not_there() {
        assert_eq!(refused(|spec| spec.route = Route::Modulo { shards: 0 }), SpecError::ShardCount(0));
        assert_eq!(refused(|spec| spec.route = Route::Modulo { shards: 257 }), SpecError::ShardCount(257));
        let many: Vec<u64> = (0..70_000).collect();
        assert_eq!(refused(|spec| spec.route = range(&many)), SpecError::ShardCount(70_001));
        for bounds in [[10, 10], [20, 10]] {
            let error = SpecError::BoundsNotAscending { before: bounds[0], upper: bounds[1] };
            assert_eq!(refused(|spec| spec.route = range(&bounds)), error);
        }
    }

    #[test]
    fn no_two_shards_share_a_table() {
        for pattern in ["payments", "p_{shard}_{shard}"] {
            assert_eq!(refused(|spec| spec.table_pattern = pattern.into()), SpecError::TablePattern(pattern.into()));
        }
        assert_eq!(refused(|spec| spec.schema.clear()), SpecError::Nameless);
        assert_eq!(refused(|spec| spec.table_pattern.clear()), SpecError::Nameless);
    }

    #[test]
    fn each_shard_lives_on_exactly_one_source() {
        let placed = |json: &str| HistorySpec { source: serde_json::from_str(json).unwrap(), ..spec() };
        assert!(validate(&placed(r#"{"main": "0-4", "second": "5-9"}"#)).is_ok());
        for (json, message) in [
            (
                r#"{"main": "0-4", "second": "4-9"}"#,
                "shard 4 is on main and second: each shard lives on exactly one source",
            ),
            (r#"{"main": "0-4", "second": "6-9"}"#, "shard 5 is on no source: each shard lives on exactly one source"),
            (r#"{"main": "0-4", "second": "5-10"}"#, "second has shards 5-10, of which the route knows only 0 to 9"),
        ] {
            assert_eq!(validate(&placed(json)).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn columns_have_names_and_a_currency_is_one() {
        let nameless = Columns { payer_email: Some(String::new()), ..Columns::default() };
        let error = refused(|spec| spec.columns = Some(nameless.into()));
        assert_eq!(error, SpecError::Column("payer_email", String::new(), "a column's name"));
        let currency = payhist_types::columns::Value::Constant { constant: "euro".into() };
        let error = refused(|spec| spec.columns = Some(Columns { currency, ..Columns::default() }.into()));
        assert_eq!(error.to_string(), "currency: \"euro\" is not three capital letters such as EUR");
    }

    #[test]
    fn a_policy_names_a_zone_and_keeps_something() {
        let error = SpecError::UnknownZone("Europe/Nowhere".into());
        assert_eq!(refused(|spec| spec.policy.zone = "Europe/Nowhere".into()), error);
        assert_eq!(refused(|spec| spec.policy.retention_months = Some(0)), SpecError::NoRetention);
        let limit = |spec: &mut HistorySpec| spec.policy.max_drop_bytes_outside_windows = Some(1);
        assert_eq!(refused(limit), SpecError::LimitWithoutWindows);
    }

    #[test]
    fn a_table_of_two_histories_is_noticed() {
        let one = spec();
        let other = HistorySpec { name: "other".parse().unwrap(), route: Route::Single, ..spec() };
        assert_eq!(shared_table(&one, &other), Some("payment_history_shard_0".to_owned()));
        let loud = HistorySpec { table_pattern: "PAYMENT_HISTORY_SHARD_9".into(), ..other };
        assert_eq!(shared_table(&loud, &one), Some("PAYMENT_HISTORY_SHARD_9".to_owned()));
        for apart in [
            HistorySpec { schema: "archive".into(), ..spec() },
            HistorySpec { source: "second".into(), ..spec() },
            HistorySpec { table_pattern: "t{shard}".into(), ..spec() },
        ] {
            assert_eq!(shared_table(&one, &apart), None);
        }
    }
}
