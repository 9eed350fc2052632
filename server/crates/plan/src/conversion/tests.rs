use chrono::TimeZone;

use super::*;

fn column(name: &str, kind: &str, nullable: bool) -> Column {
    Column {
        name: name.into(),
        data_type: kind.split('(').next().unwrap().into(),
        column_type: kind.into(),
        nullable,
        default: None,
        extra: String::new(),
        collation: None,
    }
}

fn key(name: &str, columns: &[&str]) -> Key {
    let columns = columns.iter().map(|column| (Some((*column).to_owned()), None)).collect();
    Key { name: name.into(), unique: true, columns }
}

fn table_of(columns: Vec<Column>, keys: Vec<Key>) -> Table {
    Table { engine: "InnoDB".into(), columns, keys, ..Table::default() }
}

fn plain() -> Table {
    table_of(vec![column("id", "bigint", false), column("at", "datetime", false)], vec![key("PRIMARY", &["id"])])
}

fn policy() -> Policy {
    Policy { premake_months: Some(1), zone: "Europe/London".into(), ..Policy::default() }
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 15, 0, 0, 0).unwrap()
}

fn judged(table: &Table, around: &Surroundings) -> Result<Conversion, Vec<String>> {
    judge(table, "", around, &policy(), now())
}

#[test]
fn a_plain_table_gets_the_time_into_its_key_and_the_plan_says_so() {
    let around = Surroundings::default();
    let conversion = judged(&plain(), &around).unwrap();
    assert!(conversion.widens_key && conversion.months.len() == 2);
    assert!(notes(&conversion, &around)[1].contains("(id, at)"));
    let wide = Table { keys: vec![key("PRIMARY", &["id", "at"])], ..plain() };
    assert!(!judged(&wide, &around).unwrap().widens_key);
}

#[test]
fn each_obstacle_is_said() {
    let said = |table: &Table| judged(table, &Surroundings::default()).unwrap_err().join("; ");
    let (id, at) = (column("id", "bigint", false), column("at", "datetime", false));
    let primary = || vec![key("PRIMARY", &["id"])];
    for (table, word) in [
        (Table { keys: Vec::new(), ..plain() }, "no primary key"),
        (table_of(vec![id.clone(), column("at", "datetime", true)], primary()), "NULL"),
        (table_of(vec![id.clone(), column("at", "timestamp(6)", false)], primary()), "1491"),
        (Table { keys: vec![key("PRIMARY", &["id"]), key("u", &["id"])], ..plain() }, "1503"),
        (Table { engine: "MyISAM".into(), ..plain() }, "InnoDB"),
        (table_of(vec![column("id", "float", false), at.clone()], primary()), "resumed"),
        (table_of(vec![id, column("at", "timestamp", false)], vec![key("PRIMARY", &["id", "at"])]), "resumed"),
        (table_of(vec![column("id", "bigint", false)], primary()), "no single column"),
    ] {
        assert!(said(&table).contains(word), "{word}: {}", said(&table));
    }
    let one = || vec!["this".to_owned()];
    for around in [
        Surroundings { triggers: one(), ..Surroundings::default() },
        Surroundings { foreign_keys: one(), ..Surroundings::default() },
        Surroundings { special_keys: one(), ..Surroundings::default() },
        Surroundings { names_taken: one(), ..Surroundings::default() },
        Surroundings { unknown: one(), ..Surroundings::default() },
    ] {
        assert!(judged(&plain(), &around).unwrap_err()[0].contains("this"));
    }
    let around = Surroundings { triggers_forbidden: true, ..Surroundings::default() };
    assert!(judged(&plain(), &around).unwrap_err()[0].contains("1419"));
}

#[test]
fn the_judge_finds_what_a_planner_could_get_wrong() {
    let extent = Some((now() - chrono::TimeDelta::days(99), now()));
    let around = Surroundings { extent, ..Surroundings::default() };
    let good = judged(&plain(), &around).unwrap();
    let checked = |conversion: &Conversion| check(conversion, &plain(), &around, &policy(), now());
    checked(&good).unwrap();
    let mut gap = good.clone();
    gap.months.remove(1);
    let mut short = good.clone();
    short.months.truncate(2);
    let mut edge = good.clone();
    edge.months[0].before += chrono::TimeDelta::hours(1);
    let narrow = Conversion { widens_key: false, ..good.clone() };
    let mut left_out = good.clone();
    left_out.columns.pop();
    for bad in [gap, short, edge, narrow, left_out] {
        assert!(checked(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_alter_of_somebody_else_is_noticed() {
    let conversion = judged(&plain(), &Surroundings::default()).unwrap();
    let shadow = Table { partitioned: true, keys: vec![key("PRIMARY", &["id", "at"])], ..plain() };
    same_shape(&plain(), &shadow, &conversion).unwrap();
    let mut wider = plain();
    wider.columns.push(column("note", "text", true));
    same_shape(&wider, &shadow, &conversion).unwrap_err();
    let both = Table { columns: wider.columns.clone(), ..shadow.clone() };
    same_shape(&wider, &both, &conversion).unwrap_err();
    let keyed = Table { keys: vec![key("PRIMARY", &["id"]), key("k", &["at"])], ..plain() };
    same_shape(&keyed, &shadow, &conversion).unwrap_err();
}
