//! The doctor on real servers: each defect is found, and nothing else; the SQL it gives mends it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_doctor;

use payhist_ops::auth::Permit;
use payhist_ops::{histories, rotation};
use payhist_testkit::TestEngine;
use payhist_types::EngineKind;
use payhist_types::history::{HistorySpec, Route, Switches};
use rstest::rstest;
use sqlx::Executor;
use sqlx::mysql::MySqlDatabaseError;
use support_doctor::{adopted, codes, diagnose, mend, run, sound, test_at_server_time, troubles};

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_sound_history_has_no_findings(#[case] engine: TestEngine, #[values("UTC", "Asia/Seoul")] zone: &str) {
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
    #[values(TestEngine::MariaDb11, TestEngine::MySql)] engine: TestEngine,
) {
    let test = test_at_server_time(engine).await;
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

/// Info apart: these tables have few of payhist's columns.
#[rstest]
#[case::seed_example(&["key_lacks_column", "not_partitioned"], "UTC", "CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE)", true)]
#[case::auto_increment(&["key_lacks_column", "not_partitioned"], "Asia/Seoul", "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME NOT NULL); INSERT INTO t (at) VALUES ('{day-4}'), ('{day3}')", true)]
#[case::foreign_key(&["foreign_key", "foreign_key", "not_partitioned"], "UTC", "CREATE TABLE u (id BIGINT PRIMARY KEY); CREATE TABLE t (id BIGINT, u BIGINT, at TIMESTAMP NOT NULL DEFAULT '2020-01-01', PRIMARY KEY (id, at), CONSTRAINT f1 FOREIGN KEY (u) REFERENCES u (id)); CREATE TABLE child (t BIGINT, t_at TIMESTAMP NULL, CONSTRAINT f2 FOREIGN KEY (t, t_at) REFERENCES t (id, at))", true)]
#[case::floor(&["unknown_expression"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at TIMESTAMP(6) NOT NULL DEFAULT '2020-01-01', PRIMARY KEY (id, at)) PARTITION BY RANGE (FLOOR(UNIX_TIMESTAMP(at))) (PARTITION p VALUES LESS THAN (1900000000))", true)]
#[case::id_range(&["unknown_expression"], "UTC", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10))", true)]
#[case::days_in_seoul(&["zone_not_expressible", "irregular"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (TO_DAYS(at)) (PARTITION a VALUES LESS THAN (TO_DAYS('{day1}')), PARTITION b VALUES LESS THAN (TO_DAYS('{day2}')), PARTITION c VALUES LESS THAN (TO_DAYS('{day3}')))", true)]
#[case::dates_in_seoul(&["zone_not_expressible", "irregular"], "Asia/Seoul", "CREATE TABLE t (id BIGINT, at DATE NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE COLUMNS (at) (PARTITION a VALUES LESS THAN ('{day1}'), PARTITION b VALUES LESS THAN ('{day3}'))", false)]
#[case::subpartitions(&["unknown_expression"], "UTC", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (TO_DAYS(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION a VALUES LESS THAN (TO_DAYS('{day1}')), PARTITION b VALUES LESS THAN (TO_DAYS('{day2}')))", true)]
#[case::decades_behind(&["too_far_behind"], "UTC", "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE COLUMNS (at) (PARTITION a VALUES LESS THAN ('2004-02-01'))", false)]
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
    let refused = connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE) PARTITION BY RANGE (UNIX_TIMESTAMP(created_at)) (PARTITION p VALUES LESS THAN (1900000000))").await.unwrap_err();
    let refused = refused.as_database_error().unwrap().downcast_ref::<MySqlDatabaseError>().number();
    assert!([1486, 1503].contains(&refused), "{refused}");
    adopted(&test, "CREATE TABLE t (id BIGINT PRIMARY KEY, amount INT, created_at DATE)", "UTC").await;
    let diagnosis = diagnose(&test.ops).await;
    let whys: String = diagnosis.findings.iter().map(|finding| finding.why.as_str()).collect();
    assert!(whys.contains("1486") && whys.contains("1503"), "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    let (_, created): (String, String) =
        sqlx::query_as("SHOW CREATE TABLE t").fetch_one(&mut connection).await.unwrap();
    assert!(created.replace('`', "").contains("COLUMNS(created_at)"), "{created}");
    assert_eq!(troubles(&diagnose(&test.ops).await), [""; 0]);
}

/// On MySQL only InnoDB has partitions, so there a shard of another engine lacks them, too.
#[rstest]
#[case::mariadb(EngineKind::MariaDb, "ALTER TABLE payment_history_shard_1 ENGINE = Aria", &["shards_differ"])]
#[case::mysql(EngineKind::MySql, "ALTER TABLE payment_history_shard_1 REMOVE PARTITIONING; ALTER TABLE payment_history_shard_1 ENGINE = MEMORY", &["shards_differ", "not_partitioned"])]
#[tokio::test]
async fn a_shard_of_another_storage_engine_is_found_and_mended(
    #[case] engine: EngineKind,
    #[case] make: &str,
    #[case] expected: &[&str],
) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    run(&test, make).await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), expected, "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    let after = diagnose(&test.ops).await;
    assert_eq!(codes(&after), [""; 0], "{after:#?}");
}

/// No count shows the old versions, and a drop would take them along. MySQL has no such tables.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[tokio::test]
async fn a_table_that_keeps_the_versions_of_its_rows_is_refused(#[case] engine: TestEngine) {
    let test = test_at_server_time(engine).await;
    let create = "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) WITH SYSTEM VERSIONING \
         PARTITION BY RANGE COLUMNS (at) (PARTITION a VALUES LESS THAN ('2020-01-01'), PARTITION b VALUES LESS THAN ('{day2}'))";
    adopted(&test, create, "UTC").await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["system_versioned"], "{diagnosis:#?}");
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(plan.steps, [], "{plan:#?}");
    run(&test, "ALTER TABLE t DROP SYSTEM VERSIONING").await;
    assert!(!codes(&diagnose(&test.ops).await).contains(&"system_versioned"));
}

/// MySQL has no such tables.
#[tokio::test]
async fn partitions_that_the_server_makes_by_itself_are_left_to_it() {
    let test = test_at_server_time(EngineKind::MariaDb).await;
    let create = "CREATE TABLE t (id BIGINT, at DATETIME NOT NULL, PRIMARY KEY (id, at)) WITH SYSTEM VERSIONING \
         PARTITION BY SYSTEM_TIME INTERVAL 1 MONTH AUTO PARTITIONS 3";
    adopted(&test, create, "UTC").await;
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["server_partitions"], "{diagnosis:#?}");
    assert_eq!(diagnosis.findings[0].sql, [""; 0], "nothing is to be changed there");
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(plan.steps, [], "{plan:#?}");
}
