//! The doctor on real servers: each defect is found, and nothing else; the SQL it gives mends it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::{DateTime, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, doctor, histories};
use payhist_storage::SourceConfig;
use payhist_testkit::TestOps;
use payhist_types::doctor::{Diagnosis, Severity};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::{EngineKind, Month};
use rstest::rstest;
use sqlx::Executor;
use std::sync::Arc;

/// The servers' clocks cannot be set: payhist's is set to theirs, so the months are those of today.
async fn test_at_server_time(engine: EngineKind) -> TestOps {
    let test = TestOps::new(engine, "2026-01-01T00:00:00Z").await;
    let mut connection = test.db.connect().await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT UTC_TIMESTAMP(6)").fetch_one(&mut connection).await.unwrap();
    test.clock.set(now);
    test
}

fn policy(zone: &str) -> Policy {
    Policy {
        premake_months: Some(1),
        retention_months: Some(12),
        quarantine_days: Some(7),
        zone: zone.to_owned(),
        ..Policy::default()
    }
}

/// The month that many months from now, and its first day as text.
fn month(test: &TestOps, offset: i32) -> Month {
    payhist_plan::months::month_of(test.clock.now(), chrono_tz::Tz::UTC).plus(offset).unwrap()
}

fn day(test: &TestOps, offset: i32) -> String {
    month(test, offset).first_day().to_string()
}

/// A sound history of payhist's own layout: three shards, from two months ago to the next month.
async fn sound(test: &TestOps, zone: &str) -> HistorySpec {
    let (first, last) = (month(test, -2).to_string(), month(test, 1).to_string());
    test.history(3, policy(zone), Switches::default(), &first, &last).await
}

async fn diagnose(ops: &Ops) -> Diagnosis {
    doctor::diagnose(ops, &Permit::for_command(), "").await.unwrap()
}

fn codes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// What must not be left when everything is mended.
fn troubles(diagnosis: &Diagnosis) -> Vec<&str> {
    let troubles = diagnosis.findings.iter().filter(|finding| finding.severity > Severity::Info);
    troubles.map(|finding| finding.code.as_str()).collect()
}

/// Runs statements as root in the test's schema: `{day-1}` is the first day of last month, `{p-1}` its partition.
async fn run(test: &TestOps, sql: &str) {
    let mut filled = sql.to_owned();
    for offset in -4..=4 {
        let month = month(test, offset);
        filled = filled.replace(&format!("{{day{offset}}}"), &day(test, offset));
        filled = filled.replace(&format!("{{p{offset}}}"), &format!("p{:04}{:02}", month.year(), month.month()));
    }
    let mut connection = test.db.connect().await;
    connection
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(filled.clone())))
        .await
        .unwrap_or_else(|error| panic!("{filled}: {error}"));
}

/// Executes all the SQL that the doctor gives, in its order, in one session, as somebody would who pastes it.
async fn mend(test: &TestOps, diagnosis: &Diagnosis) {
    let mut connection = test.db.connect().await;
    for sql in diagnosis.findings.iter().flat_map(|finding| &finding.sql) {
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()));
        connection.execute(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_sound_history_has_no_findings(#[case] engine: EngineKind, #[values("UTC", "Asia/Seoul")] zone: &str) {
    let test = test_at_server_time(engine).await;
    sound(&test, zone).await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
}

const INSERT: &str =
    "(payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at)";
const T: &str = "payment_history_shard_1";

/// One defect each: code, what makes it from the sound history, and whether the doctor's SQL mends it.
#[rstest]
#[case::missing("missing_table", "DROP TABLE payment_history_shard_1", true)]
#[case::not_partitioned("not_partitioned", "ALTER TABLE payment_history_shard_1 REMOVE PARTITIONING", true)]
#[case::gap(
    "gap",
    "ALTER TABLE payment_history_shard_1 REORGANIZE PARTITION `{p-1}`, `{p0}` INTO (PARTITION `all` VALUES LESS THAN ('{day1}'))",
    true
)]
#[case::irregular(
    "irregular",
    "ALTER TABLE payment_history_shard_1 REORGANIZE PARTITION `{p0}`, `{p1}` INTO (PARTITION `odd` VALUES LESS THAN ('{day0} 07:00:00'), PARTITION rest VALUES LESS THAN ('{day2}'))",
    false
)]
#[case::name(
    "name_misleads",
    "ALTER TABLE payment_history_shard_1 REORGANIZE PARTITION `{p0}` INTO (PARTITION p199901 VALUES LESS THAN ('{day1}'))",
    false
)]
#[case::runway("runway", "ALTER TABLE payment_history_shard_1 DROP PARTITION `{p1}`", true)]
#[case::months_differ("months_differ", "ALTER TABLE payment_history_shard_1 DROP PARTITION `{p-2}`", false)]
#[case::default_now(
    "default_current_timestamp",
    "ALTER TABLE payment_history_shard_0 MODIFY created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6); ALTER TABLE payment_history_shard_1 MODIFY created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6); ALTER TABLE payment_history_shard_2 MODIFY created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)",
    true
)]
#[case::column_differs(
    "shards_differ",
    "ALTER TABLE payment_history_shard_1 MODIFY order_id VARCHAR(32) NULL DEFAULT 'a''b'",
    true
)]
#[case::column_lacks(
    "shards_differ",
    "ALTER TABLE payment_history_shard_0 ADD note VARCHAR(9) NOT NULL DEFAULT 'it''s'; ALTER TABLE payment_history_shard_2 ADD note VARCHAR(9) NOT NULL DEFAULT 'it''s'",
    true
)]
#[case::column_more("shards_differ", "ALTER TABLE payment_history_shard_1 ADD note VARCHAR(9) NULL", false)]
#[case::key_lacks("shards_differ", "ALTER TABLE payment_history_shard_1 DROP KEY by_order", true)]
#[case::key_differs(
    "shards_differ",
    "ALTER TABLE payment_history_shard_1 DROP PRIMARY KEY, ADD PRIMARY KEY (payment_id, created_at)",
    true
)]
#[case::collation("shards_differ", "ALTER TABLE payment_history_shard_1 COLLATE = utf8mb4_general_ci", true)]
#[case::orphan(
    "orphaned_exchange_table",
    "CREATE TABLE payment_history_shard_1_old LIKE payment_history_shard_1; ALTER TABLE payment_history_shard_1_old REMOVE PARTITIONING",
    false
)]
#[tokio::test]
async fn each_defect_is_found_and_nothing_else(
    #[case] code: &str,
    #[case] make: &str,
    #[case] mendable: bool,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    run(&test, make).await;
    let diagnosis = diagnose(&test.ops).await;
    let mut found = codes(&diagnosis);
    found.dedup();
    assert_eq!(found, [code], "{diagnosis:#?}");
    let finding = &diagnosis.findings[0];
    assert!(!finding.why.is_empty() && (!finding.sql.is_empty() || finding.steps.is_some()), "{finding:#?}");
    assert_eq!(!finding.sql.is_empty(), mendable, "{finding:#?}");
    if mendable {
        mend(&test, &diagnosis).await;
        let after = diagnose(&test.ops).await;
        assert_eq!(troubles(&after), [""; 0], "{after:#?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_maxvalue_partition_is_told_with_its_exact_rows(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    run(&test, &format!("ALTER TABLE {T} ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))")).await;
    let empty = diagnose(&test.ops).await;
    assert_eq!((codes(&empty), troubles(&empty)), (vec!["maxvalue_empty"], vec![]));
    for payment in 1..=3 {
        run(&test, &format!("INSERT INTO {T} {INSERT} VALUES ({payment}, 1, 'o', 'p', 'card', 'PAID', 1, 'EUR', '{{day2}}', '{{day2}}')")).await;
    }
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["maxvalue_has_rows"]);
    assert!(diagnosis.findings[0].what.contains("has 3 rows"), "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    let after = diagnose(&test.ops).await;
    assert_eq!(troubles(&after), [""; 0], "{after:#?}");
}

/// The planner cannot add below it, and rows would collect in it.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn months_that_an_empty_maxvalue_partition_keeps_out_are_split_off_it(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    run(&test, &format!("ALTER TABLE {T} DROP PARTITION `{{p1}}`")).await;
    run(&test, &format!("ALTER TABLE {T} ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))")).await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(troubles(&diagnosis), ["maxvalue_empty"], "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    let after = diagnose(&test.ops).await;
    assert_eq!((codes(&after), troubles(&after)), (vec!["maxvalue_empty"], vec![]), "{after:#?}");
}

#[rstest]
#[case::modulo(Route::Modulo { shards: 3 })]
#[case::range(Route::Range { upper_bounds: vec![payhist_types::UserId(10), payhist_types::UserId(20)] })]
#[tokio::test]
async fn rows_in_the_wrong_shard_are_found_and_go_home(
    #[case] route: Route,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = test_at_server_time(engine).await;
    let own = sound(&test, "UTC").await;
    let mut connection = test.db.connect().await;
    connection.execute("DELETE FROM history").await.unwrap();
    let spec = HistorySpec { route: route.clone(), ..own };
    histories::register(&test.ops, &Permit::for_command(), &spec, Switches::default()).await.unwrap();
    let row = |shard: u16, payment: u64, user: u64| {
        format!(
            "INSERT INTO payment_history_shard_{shard} {INSERT} VALUES ({payment}, {user}, 'o', 'p', 'card', 'PAID', 1, 'EUR', '{{day0}}', '{{day0}}')"
        )
    };
    let right = |user: u64| payhist_plan::routing::shard_of(&route, payhist_types::UserId(user)).0;
    for user in [1, 12, 25, 26] {
        run(&test, &row(right(user), user, user)).await;
    }
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
    for user in [3, 14, 15] {
        run(&test, &row((right(user) + 1) % 3, 100 + user, user)).await;
    }
    let diagnosis = diagnose(&test.ops).await;
    let mut found = codes(&diagnosis);
    found.dedup();
    assert_eq!(found, ["wrong_shard"], "{diagnosis:#?}");
    // Whoever pastes the SQL without its copies loses nothing.
    for sql in diagnosis.findings.iter().flat_map(|finding| &finding.sql).filter(|sql| !sql.starts_with("INSERT")) {
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))).await.unwrap();
    }
    mend(&test, &diagnosis).await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
    let rows: i64 = sqlx::query_scalar("SELECT (SELECT COUNT(*) FROM payment_history_shard_0) + (SELECT COUNT(*) FROM payment_history_shard_1) + (SELECT COUNT(*) FROM payment_history_shard_2)")
        .fetch_one(&mut connection).await.unwrap();
    assert_eq!(rows, 7, "moved, none lost");
}

/// MariaDB 10.11 has no WITHOUT VALIDATION.
#[rstest]
#[case::too_late("{p-2}", "{day0}")]
#[case::too_early("{p1}", "{day-1}")]
#[tokio::test]
async fn rows_that_an_unvalidated_exchange_brought_in_are_found_and_go_home(
    #[case] partition: &str,
    #[case] day: &str,
) {
    let test = test_at_server_time(EngineKind::MySql).await;
    sound(&test, "UTC").await;
    run(
        &test,
        &format!(
            "CREATE TABLE twin LIKE {T}; ALTER TABLE twin REMOVE PARTITIONING; \
        INSERT INTO twin {INSERT} VALUES (7, 1, 'o', 'p', 'card', 'PAID', 1, 'EUR', '{day}', '{day}'); \
        ALTER TABLE {T} EXCHANGE PARTITION `{partition}` WITH TABLE twin WITHOUT VALIDATION"
        ),
    )
    .await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["misplaced_rows"], "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
}

/// Adopts one table `t` that the SQL makes.
async fn adopted(test: &TestOps, create: &str, zone: &str) {
    run(test, create).await;
    let spec = HistorySpec {
        name: "adopted".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "t".to_owned(),
        route: Route::Single,
        policy: policy(zone),
        columns: None,
    };
    histories::register(&test.ops, &Permit::for_command(), &spec, Switches::default()).await.unwrap();
}

/// Info apart: these tables have few of payhist's columns.
#[rstest]
#[case::seed_example(&["key_lacks_column", "not_partitioned"], "UTC", "CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE)", true)]
#[case::auto_increment(&["key_lacks_column", "not_partitioned"], "Asia/Seoul", "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME NOT NULL); INSERT INTO t (at) VALUES ('{day-4}'), ('{day3}')", true)]
#[case::foreign_key(&["foreign_key", "foreign_key", "not_partitioned"], "UTC", "CREATE TABLE u (id BIGINT PRIMARY KEY); CREATE TABLE t (id BIGINT, u BIGINT, at TIMESTAMP NOT NULL DEFAULT '2020-01-01', PRIMARY KEY (id, at), CONSTRAINT f1 FOREIGN KEY (u) REFERENCES u (id)); CREATE TABLE child (t BIGINT, t_at TIMESTAMP NULL, CONSTRAINT f2 FOREIGN KEY (t, t_at) REFERENCES t (id, at))", true)]
#[case::floor(&["unknown_expression"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at TIMESTAMP(6) NOT NULL DEFAULT '2020-01-01', PRIMARY KEY (id, at)) PARTITION BY RANGE (FLOOR(UNIX_TIMESTAMP(at))) (PARTITION p VALUES LESS THAN (1900000000))", true)]
#[case::id_range(&["unknown_expression"], "UTC", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10))", true)]
#[case::days_in_seoul(&["zone_not_expressible", "irregular"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (TO_DAYS(at)) (PARTITION a VALUES LESS THAN (TO_DAYS('{day1}')), PARTITION b VALUES LESS THAN (TO_DAYS('{day2}')), PARTITION c VALUES LESS THAN (TO_DAYS('{day3}')))", true)]
#[case::dates_in_seoul(&["zone_not_expressible", "irregular"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at DATE NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE COLUMNS (at) (PARTITION a VALUES LESS THAN ('{day1}'), PARTITION b VALUES LESS THAN ('{day3}'))", false)]
#[case::unreadable_edge(&["unknown_boundary"], "UTC", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (YEAR(at) * 100 + MONTH(at)) (PARTITION a VALUES LESS THAN (202613))", false)]
#[tokio::test]
async fn foreign_tables_are_understood(
    #[case] expected: &[&str],
    #[case] zone: &str,
    #[case] create: &str,
    #[case] mendable: bool,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = test_at_server_time(engine).await;
    adopted(&test, create, zone).await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(troubles(&diagnosis), expected, "{diagnosis:#?}");
    if mendable {
        mend(&test, &diagnosis).await;
        let after = diagnose(&test.ops).await;
        assert_eq!(troubles(&after), [""; 0], "{after:#?}");
    }
}

/// The example of the document that payhist began with: refused as it stands, explained, and mended.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_example_that_the_server_refuses_is_explained(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    let mut connection = test.db.connect().await;
    let refused = connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE) PARTITION BY RANGE (UNIX_TIMESTAMP(created_at)) (PARTITION p VALUES LESS THAN (1900000000))").await;
    assert!(refused.is_err());
    adopted(&test, "CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE)", "UTC").await;
    let diagnosis = diagnose(&test.ops).await;
    let whys: String = diagnosis.findings.iter().map(|finding| finding.why.as_str()).collect();
    assert!(whys.contains("1486") && whys.contains("1503"), "{diagnosis:#?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_missing_privilege_is_named_with_its_grant(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    let (schema, user) = (test.db.name(), format!("d{}", &test.db.name()[1..]));
    run(&test, &format!("CREATE USER '{user}'@'localhost'; GRANT SELECT ON `{schema}`.* TO '{user}'@'localhost'"))
        .await;
    let options =
        |name: &str, options| SourceConfig { name: name.to_owned(), options, pool_max: 2, replicas: Vec::new() };
    let ops = Ops::open(OpsConfig {
        environment: "test".to_owned(),
        instance: "test:3".to_owned(),
        control: options("control", test.db.connect_options()),
        sources: vec![options("main", test.db.connect_options().username(&user))],
        archive: payhist_ops::archive::ArchiveConfig::default(),
        clock: Arc::new(test.clock.clone()),
    })
    .await
    .unwrap();
    let diagnosis = diagnose(&ops).await;
    assert_eq!(codes(&diagnosis), ["privilege_missing", "privilege_missing"], "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    assert_eq!(codes(&diagnose(&ops).await), [""; 0]);
    run(&test, &format!("REVOKE ALL PRIVILEGES ON `{schema}`.* FROM '{user}'@'localhost'")).await;
    let blind = diagnose(&ops).await;
    assert!(!blind.findings.is_empty() && codes(&blind).iter().all(|code| *code == "privilege_missing"), "{blind:#?}");
    ops.drain().await;
    run(&test, &format!("DROP USER '{user}'@'localhost'")).await;
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let test = test_at_server_time(EngineKind::MariaDb).await;
    sound(&test, "UTC").await;
    test.clock.advance(chrono::TimeDelta::seconds(-10));
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["clock"]);
    assert!(diagnosis.findings[0].what.contains("ahead of"), "{diagnosis:#?}");
}
