use super::*;
use payhist_types::UserId;
use payhist_types::history::{Policy, Route};
use payhist_types::inventory::PartitionExpression;

fn shelf(version: &str) -> Shelf {
    let spec = HistorySpec {
        name: "payments".parse().unwrap(),
        source: "main".into(),
        schema: "pay".into(),
        table_pattern: "t_{shard}".into(),
        route: Route::Modulo { shards: 2 },
        columns: None,
        policy: Policy::default(),
    };
    let column = |name: &str, is_text, key| Column { name: name.into(), is_text, key };
    let columns = [
        column("payment_id", false, Some(2)),
        column("code", true, Some(1)),
        column("amount", false, None),
        column("payer`name", true, None),
    ];
    Shelf::new(&spec, "t_1", &columns, &Capabilities::detect(version).unwrap()).unwrap()
}

fn rendered(version: &str) -> String {
    let shelf = shelf(version);
    let order = |order: &str| HeldRows::Order { order: order.into() };
    let rows =
        [HeldRows::User { user: UserId(7) }, order("ORD-7"), order("it's \\ 주문"), HeldRows::User { user: UserId(9) }];
    let holds: Vec<_> = (1..).zip(rows).map(|(hold, rows)| RowHold { hold, rows }).collect();
    let (twin, partition) =
        (Original::new("pay", "p1", Some("twin")).unwrap(), Original::new("pay", "p1", None).unwrap());
    let created = PartitionExpression::UnixTimestamp { column: "created_at".into() };
    let before = "2026-01-01T00:00:00Z".parse().unwrap();
    let statements = [
        Shelf::session(),
        shelf.create(),
        shelf.prepare(),
        shelf.copy(&twin, &holds),
        shelf.lock(&twin, true),
        shelf.lock(&partition, false),
        shelf.count_missing(&partition, &holds),
        shelf.count_changed(&twin, &holds[..1]),
        shelf.count_original(&partition, &holds[..1]),
        shelf.delete_released(&created, before, &holds).unwrap().statement().clone(),
        shelf.count_released(&created, before, &[], 1_000).unwrap(),
    ];
    statements.iter().map(ToString::to_string).collect::<Vec<_>>().join(";\n")
}

#[test]
fn held_rows_on_mariadb() {
    insta::assert_snapshot!(rendered("10.11.19-MariaDB"));
}

#[test]
fn held_rows_on_mysql() {
    insta::assert_snapshot!(rendered("9.7.4"));
}

#[test]
fn a_mark_is_one_tables() {
    assert!(is_marked("payhist held rows of t_1", "t_1") && !is_marked("payhist held rows of t_10", "t_1"));
    assert!(is_unmarked("") && !is_unmarked("payhist held rows of another"));
}
