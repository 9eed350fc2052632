//! Partition edges between the catalogue's spelling and instants.
//!
//! Invariant: what cannot be read with certainty is [`Boundary::Unknown`] or [`PartitionExpression::Unknown`], never
//! a guess: a wrong edge would drop the wrong month.

use crate::Capabilities;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use payhist_types::inventory::{Boundary, PartitionExpression};

/// `TO_DAYS('1970-01-01')`.
const EPOCH_IN_DAYS: u64 = 719_528;

/// An edge that the table's partition expression cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the edge {edge} cannot be written for this table: {why}")]
pub struct NotExpressible {
    edge: DateTime<Utc>,
    why: &'static str,
}

/// Reads `PARTITION_METHOD` and `PARTITION_EXPRESSION`. `type_of` answers the data type of a column, e.g. `datetime`.
pub fn parse_expression(
    method: &str,
    expression: &str,
    type_of: impl Fn(&str) -> Option<String>,
) -> PartitionExpression {
    let unknown = || PartitionExpression::Unknown { raw: format!("{method} ({expression})") };
    let plain: String =
        expression.chars().filter(|c| !c.is_whitespace() && *c != '`').collect::<String>().to_ascii_lowercase();
    if method.eq_ignore_ascii_case("RANGE COLUMNS") {
        let Some(column) = quoted_column(expression) else { return unknown() };
        return match type_of(&column).as_deref() {
            Some("datetime") => PartitionExpression::RangeColumnsDatetime { column },
            Some("date") => PartitionExpression::RangeColumnsDate { column },
            _ => unknown(),
        };
    }
    if !method.eq_ignore_ascii_case("RANGE") {
        return unknown();
    }
    // The original spelling keeps the column's case; the folded one is only compared.
    let Some(column) = quoted_column(expression) else { return unknown() };
    let folded = column.to_ascii_lowercase();
    // MySQL wraps sums in one more pair of parentheses (FACTS §3).
    let inner = plain.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(&plain);
    if plain == format!("unix_timestamp({folded})") {
        PartitionExpression::UnixTimestamp { column }
    } else if plain == format!("to_days({folded})") {
        PartitionExpression::ToDays { column }
    } else if [plain.as_str(), inner, &format!("({inner}")].iter().any(|form| is_year_month(form, &folded)) {
        PartitionExpression::YearMonth { column }
    } else {
        unknown()
    }
}

fn is_year_month(form: &str, column: &str) -> bool {
    let (year, month) = (format!("year({column})"), format!("month({column})"));
    [format!("{year}*100+{month}"), format!("({year}*100)+{month}"), format!("(({year}*100)+{month})")]
        .iter()
        .any(|known| known == form)
}

/// The one column that the catalogue quotes in an expression; `None` when there is none or another one.
fn quoted_column(expression: &str) -> Option<String> {
    let mut names = expression.split('`').skip(1).step_by(2);
    let first = names.next()?.to_owned();
    names.all(|name| name == first).then_some(first)
}

/// What the method of a table is called whose server adds partitions by itself; it is none that is known.
pub const INTERVAL_METHOD: &str = "RANGE COLUMNS, INTERVAL";

/// What the method of a table is called that keeps the versions of its rows: no count shows the old ones, and they go with
/// their partition.
pub const VERSIONED_METHOD: &str = "SYSTEM VERSIONED, RANGE";

/// Does a table's own definition (`SHOW CREATE TABLE`) say that the server adds its partitions? Read to refuse such a table,
/// never to drop by: an INTERVAL in a comment refuses too much.
pub fn adds_partitions_itself(definition: &str) -> bool {
    let definition = definition.to_ascii_uppercase();
    definition.split_once("PARTITION BY").is_some_and(|(_, clause)| clause.contains("INTERVAL"))
}

/// Reads a `PARTITION_DESCRIPTION`.
pub fn parse(expression: &PartitionExpression, description: &str) -> Boundary {
    let text = description.trim();
    if text.eq_ignore_ascii_case("MAXVALUE") {
        return Boundary::MaxValue;
    }
    let instant = match expression {
        PartitionExpression::RangeColumnsDatetime { .. } | PartitionExpression::RangeColumnsDate { .. } => {
            parse_literal(text)
        }
        PartitionExpression::UnixTimestamp { .. } => {
            text.parse().ok().and_then(|secs| DateTime::from_timestamp(secs, 0))
        }
        PartitionExpression::ToDays { .. } => text.parse::<u64>().ok().and_then(from_days).map(midnight),
        PartitionExpression::YearMonth { .. } => text
            .parse::<i32>()
            .ok()
            .and_then(|n| NaiveDate::from_ymd_opt(n / 100, u32::try_from(n % 100).ok()?, 1))
            .map(midnight),
        PartitionExpression::Unknown { .. } => None,
    };
    instant.map_or_else(|| Boundary::Unknown(description.to_owned()), Boundary::Before)
}

fn parse_literal(text: &str) -> Option<DateTime<Utc>> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    if let Ok(date) = NaiveDate::parse_from_str(inner, "%Y-%m-%d") {
        return Some(midnight(date));
    }
    NaiveDateTime::parse_from_str(inner, "%Y-%m-%d %H:%M:%S%.f").ok().map(|time| time.and_utc())
}

fn from_days(days: u64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_days(Days::new(days.checked_sub(EPOCH_IN_DAYS)?))
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// Writes an edge as the literal that goes into `VALUES LESS THAN (…)`: never an expression of the session's zone.
///
/// # Errors
/// [`NotExpressible`] when the expression counts whole UTC days or months and the edge is inside one, when a TIMESTAMP
/// cannot reach it, or when the expression is unknown.
pub fn literal(
    expression: &PartitionExpression,
    edge: DateTime<Utc>,
    capabilities: &Capabilities,
) -> Result<String, NotExpressible> {
    let refused = |why| NotExpressible { edge, why };
    let date = edge.date_naive();
    let at_midnight = midnight(date) == edge;
    match expression {
        PartitionExpression::RangeColumnsDatetime { .. } => Ok(edge.format("'%Y-%m-%d %H:%M:%S%.f'").to_string()),
        PartitionExpression::RangeColumnsDate { .. } if at_midnight => Ok(edge.format("'%Y-%m-%d'").to_string()),
        PartitionExpression::UnixTimestamp { .. } if !capabilities.timestamp_reaches(edge) => {
            Err(refused("TIMESTAMP ends in 2038"))
        }
        PartitionExpression::UnixTimestamp { .. } => Ok(edge.timestamp().to_string()),
        PartitionExpression::ToDays { .. } if at_midnight => {
            let days = (date - NaiveDate::default()).num_days() + EPOCH_IN_DAYS.cast_signed();
            Ok(days.to_string())
        }
        PartitionExpression::YearMonth { .. } if at_midnight && date.day() == 1 => {
            Ok((date.year() * 100 + i32::try_from(date.month()).unwrap_or(0)).to_string())
        }
        PartitionExpression::Unknown { .. } => Err(refused("its partition expression is unknown")),
        _ => Err(refused("it counts whole days or months of UTC, and the business zone's month begins inside one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    #[expect(clippy::unnecessary_wraps, reason = "the form that parse_expression wants")]
    fn datetime(_: &str) -> Option<String> {
        Some("datetime".to_owned())
    }

    fn column() -> String {
        "created_at".to_owned()
    }

    #[test]
    fn expressions_are_read_in_both_engines_spellings() {
        let read = |method, expression| parse_expression(method, expression, datetime);
        assert_eq!(
            read("RANGE COLUMNS", "`created_at`"),
            PartitionExpression::RangeColumnsDatetime { column: column() }
        );
        assert_eq!(
            read("RANGE", "unix_timestamp(`created_at`)"),
            PartitionExpression::UnixTimestamp { column: column() }
        );
        assert_eq!(read("RANGE", "to_days(`created_at`)"), PartitionExpression::ToDays { column: column() });
        for year_month in
            ["year(`created_at`) * 100 + month(`created_at`)", "((year(`created_at`) * 100) + month(`created_at`))"]
        {
            assert_eq!(read("RANGE", year_month), PartitionExpression::YearMonth { column: column() }, "{year_month}");
        }
    }

    #[test]
    fn any_other_expression_is_unknown() {
        for (method, expression) in [
            ("RANGE", "`id`"),
            ("RANGE", "floor(unix_timestamp(`created_at`))"),
            ("RANGE", "year(`created_at`) * 100 + month(`updated_at`)"),
            ("RANGE", "to_days(`created_at`) + 1"),
            ("RANGE COLUMNS", "`created_at`,`id`"),
            ("LIST", "to_days(`created_at`)"),
            ("HASH", "`id`"),
        ] {
            let read = parse_expression(method, expression, datetime);
            assert!(matches!(read, PartitionExpression::Unknown { .. }), "{method} {expression}: {read:?}");
        }
    }

    /// As MariaDB's documentation of 13.1 and its 10.11 write them.
    #[test]
    fn an_interval_in_a_definition_is_seen() {
        let table = "CREATE TABLE `t` (\n  `interval` int,\n  `c` datetime\n) ENGINE=InnoDB\n PARTITION BY ";
        for clause in [
            "RANGE  COLUMNS(`c`) INTERVAL 1 DAY\n(PARTITION `p0` VALUES LESS THAN ('2026-04-20') ENGINE = InnoDB)",
            "RANGE COLUMNS (c) INTERVAL (NUMTOYMINTERVAL(1, 'MONTH')) (PARTITION p0 VALUES LESS THAN ('2026-01-01'))",
            "SYSTEM_TIME INTERVAL 1 MONTH STARTS TIMESTAMP'2026-11-25 00:00:00' AUTO\nPARTITIONS 3",
        ] {
            assert!(adds_partitions_itself(&format!("{table}{clause}")), "{clause}");
        }
        let plain = "RANGE  COLUMNS(`c`)\n(PARTITION `p0` VALUES LESS THAN ('2026-04-20') ENGINE = InnoDB)";
        assert!(!adds_partitions_itself(&format!("{table}{plain}")));
        assert!(!adds_partitions_itself("CREATE TABLE `t` (\n  `interval` int\n) ENGINE=InnoDB"));
    }

    #[test]
    fn descriptions_are_read_as_the_catalogue_spells_them() {
        let at = |y, m| Boundary::Before(Utc.with_ymd_and_hms(y, m, 1, 0, 0, 0).unwrap());
        let columns = PartitionExpression::RangeColumnsDatetime { column: column() };
        assert_eq!(parse(&columns, "'2026-02-01'"), at(2026, 2));
        assert_eq!(parse(&columns, "'2026-03-01 00:00:00.000000'"), at(2026, 3));
        assert_eq!(parse(&columns, "MAXVALUE"), Boundary::MaxValue);
        assert_eq!(parse(&PartitionExpression::UnixTimestamp { column: column() }, "1769904000"), at(2026, 2));
        assert_eq!(parse(&PartitionExpression::ToDays { column: column() }, "740013"), at(2026, 2));
        assert_eq!(parse(&PartitionExpression::YearMonth { column: column() }, "202602"), at(2026, 2));
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_never_guessed() {
        let columns = PartitionExpression::RangeColumnsDatetime { column: column() };
        for odd in ["", "2026-02-01", "'2026-13-01'", "'x'", "'2026-02-01','a'", "NULL", "'2026-02-01 25:00:00'"] {
            assert_eq!(parse(&columns, odd), Boundary::Unknown(odd.to_owned()));
        }
        let months = PartitionExpression::YearMonth { column: column() };
        assert!(matches!(parse(&months, "202613"), Boundary::Unknown(_)));
        assert!(matches!(parse(&PartitionExpression::ToDays { column: column() }, "-1"), Boundary::Unknown(_)));
    }

    #[test]
    fn an_edge_inside_a_utc_day_is_refused_where_days_are_counted() {
        let mysql = Capabilities::detect("9.7.4").unwrap();
        let seoul = Utc.with_ymd_and_hms(2026, 1, 31, 15, 0, 0).unwrap();
        assert!(literal(&PartitionExpression::ToDays { column: column() }, seoul, &mysql).is_err());
        assert!(literal(&PartitionExpression::RangeColumnsDatetime { column: column() }, seoul, &mysql).is_ok());
    }

    proptest! {
        #[test]
        fn reading_never_panics(method in "\\PC{0,12}", expression in "\\PC{0,40}", description in "\\PC{0,40}") {
            let read = parse_expression(&method, &expression, datetime);
            let _boundary = parse(&read, &description);
        }

        #[test]
        fn what_is_written_is_read_back(months in 0_u32..1_600) {
            let at = Utc.with_ymd_and_hms(1970 + (months / 12).cast_signed(), months % 12 + 1, 1, 0, 0, 0).unwrap();
            let mariadb = Capabilities::detect("11.8.6-MariaDB").unwrap();
            for expression in [
                PartitionExpression::RangeColumnsDatetime { column: column() },
                PartitionExpression::RangeColumnsDate { column: column() },
                PartitionExpression::UnixTimestamp { column: column() },
                PartitionExpression::ToDays { column: column() },
                PartitionExpression::YearMonth { column: column() },
            ] {
                let written = literal(&expression, at, &mariadb).unwrap();
                prop_assert_eq!(parse(&expression, &written), Boundary::Before(at));
            }
        }
    }
}
