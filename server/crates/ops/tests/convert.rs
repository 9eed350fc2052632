//! Tables without partitions get them while they are written to, on real servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_convert;

use payhist_ops::auth::Permit;
use payhist_ops::rotation::{self, Progress};
use payhist_ops::{OpsError, doctor};
use payhist_testkit::{Sessions, running};
use payhist_types::EngineKind;
use payhist_types::conversion::{ConversionOutcome, LeftAlone};
use payhist_types::doctor::{Diagnosis, Finding, Severity};
use payhist_types::history::Switch;
use rstest::rstest;
use std::sync::atomic::{AtomicBool, Ordering};
use support_convert::{ROWS, Writer, adopted, convert, count, half_done, plan, rows, run, shop, user};

const OBJECTS: &str = "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()) + \
     (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE())";

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_writes_of_every_kind_the_table_ends_as_its_writers_left_it(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let stop = AtomicBool::new(false);
    let converting = async {
        let converted = convert(&test).await;
        stop.store(true, Ordering::Relaxed);
        converted
    };
    let mut writers = [Writer::new(&test, 0).await, Writer::new(&test, 1).await];
    let [one, two] = &mut writers;
    let (converted, (), ()) = tokio::join!(converting, one.write(&stop), two.write(&stop));
    assert_eq!(converted.outcome, ConversionOutcome::Converted, "{converted:?}");
    assert_eq!(converted.kept_as.as_deref(), Some("t_before_payhist"));
    let mut expected: Vec<_> = writers.iter().flat_map(Writer::rows).collect();
    expected.sort();
    let found = rows(&test, "t").await;
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
    let triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
    assert_eq!(count(&test, triggers).await, 0);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_converted_table_is_the_same_but_for_its_partitions(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let before = rows(&test, "t").await;
    let shown = plan(&test).await;
    let table = &shown.tables[0];
    assert!(table.sql.iter().any(|sql| sql.starts_with("RENAME")) && table.notes[1].contains("(id, at)"), "{shown:#?}");
    assert_eq!(plan(&test).await.hash, shown.hash, "the same situation has the same hash");
    let converted = convert(&test).await;
    assert_eq!((converted.outcome, converted.rows), (ConversionOutcome::Converted, ROWS), "{converted:?}");
    assert_eq!((rows(&test, "t").await, rows(&test, "t_before_payhist").await), (before.clone(), before));
    run(&test, "INSERT INTO t (user_id, paid, `at`) VALUES (1, 1, '2026-11-20')").await;
    assert_eq!(count(&test, "SELECT CAST(MAX(id) AS SIGNED) FROM t").await, 900_000, "numbers go on");
    let (_, create): (String, String) =
        sqlx::query_as("SHOW CREATE TABLE t").fetch_one(&mut test.db.connect().await).await.unwrap();
    assert!(create.contains("PRIMARY KEY (`id`,`at`)") && create.contains("the shop''s"), "{create}");
    let rotation = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!((rotation.steps.len(), rotation.findings.len()), (0, 0), "{:#?}", rotation.findings);
    assert_eq!(plan(&test).await.tables[0].left_alone, Some(LeftAlone::Partitioned));
    let audited =
        "SELECT COUNT(*) FROM audit WHERE action IN ('conversion.begin', 'table.converted', 'conversion.finished')";
    assert_eq!(count(&test, audited).await, 3);
}

#[rstest]
#[case::bytes("BINARY(3) NOT NULL", "UNHEX(CONCAT('00', LPAD(HEX(n), 4, '0')))", "DATETIME(6)", "")]
#[case::text("VARCHAR(9) COLLATE utf8mb4_bin NOT NULL", "CONCAT('k''\\\\', n)", "DATE", "")]
#[case::huge("BIGINT UNSIGNED NOT NULL", "18446744073709540000 + n", "TIMESTAMP", " DEFAULT '2020-01-01'")]
#[case::amount("DECIMAL(30, 4) NOT NULL", "12345678901234567890 + n / 100", "DATETIME", "")]
#[tokio::test]
async fn keys_of_every_kind_are_copied_in_chunks_without_a_gap(
    #[case] key: &str,
    #[case] value: &str,
    #[case] time: &str,
    #[case] default: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let create =
        format!("CREATE TABLE t (id {key} PRIMARY KEY, user_id INT, note LONGBLOB, `at` {time} NOT NULL{default})");
    let test = adopted(engine, &create).await;
    let digits = "SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
         UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9";
    let numbers = format!(
        "SELECT a.d + b.d * 10 + c.d * 100 + e.d * 1000 AS n FROM ({digits}) a, ({digits}) b, ({digits}) c, (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2) e"
    );
    run(
        &test,
        &format!("INSERT INTO t SELECT {value}, n, UNHEX(LPAD(HEX(n), 8, '0')), '2026-09-03' FROM ({numbers}) x"),
    )
    .await;
    let converted = convert(&test).await;
    assert_eq!((converted.outcome, converted.rows), (ConversionOutcome::Converted, 3_000), "{converted:?}");
    let same = "SELECT COUNT(*) FROM t JOIN t_before_payhist b ON t.id = b.id AND t.user_id = b.user_id AND t.note = b.note AND t.`at` = b.`at`";
    assert_eq!(count(&test, same).await, 3_000);
}

const PLAIN: &str = "CREATE TABLE t (id INT PRIMARY KEY, user_id INT, at DATETIME NOT NULL)";

#[rstest]
#[case::trigger("; CREATE TRIGGER theirs BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id", "theirs")]
#[case::referred_to("; CREATE TABLE c (t INT, FOREIGN KEY (t) REFERENCES t (id))", "1506")]
#[case::referring(
    "; CREATE TABLE p (id INT PRIMARY KEY); ALTER TABLE t ADD FOREIGN KEY (user_id) REFERENCES p (id)",
    "1506"
)]
#[case::referred_to_from_elsewhere("; CREATE TABLE OTHER.c (t INT, FOREIGN KEY (t) REFERENCES t (id))", "1506")]
#[case::no_key("; ALTER TABLE t DROP PRIMARY KEY", "no primary key")]
#[case::nullable("; ALTER TABLE t MODIFY at DATETIME NULL", "NULL")]
#[case::unique("; ALTER TABLE t ADD UNIQUE KEY once (user_id)", "once")]
#[case::fulltext("; ALTER TABLE t ADD note TEXT, ADD FULLTEXT KEY words (note)", "1214")]
#[case::engine("; ALTER TABLE t ENGINE = MyISAM", "InnoDB")]
#[case::centuries("; INSERT INTO t VALUES (1, 1, '1066-10-14')", "twenty years")]
#[case::taken("; CREATE TABLE t_payhist_new (id INT)", "t_payhist_new")]
#[case::kept_before("; CREATE TABLE t_before_payhist (id INT)", "t_before_payhist")]
#[case::computed("; ALTER TABLE t DROP at, ADD at DATETIME AS ('2026-01-01') STORED", "computed")]
#[tokio::test]
async fn what_cannot_be_done_safely_is_refused_and_nothing_is_touched(
    #[case] more: &str,
    #[case] why: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = adopted(engine, "").await;
    let other = if more.contains("OTHER") { test.db.schema("other").await } else { String::new() };
    let other = format!("`{other}`");
    run(
        &test,
        &format!(
            "{PLAIN}{}",
            more.replace("OTHER", &other).replace("REFERENCES t", &format!("REFERENCES `{}`.t", test.db.name()))
        ),
    )
    .await;
    let before = count(&test, OBJECTS).await;
    let shown = plan(&test).await;
    let Some(LeftAlone::Obstacles(obstacles)) = &shown.tables[0].left_alone else { panic!("{shown:#?}") };
    assert!(obstacles.iter().any(|obstacle| obstacle.contains(why)), "{obstacles:?}");
    let refused = rotation::convert(&test.ops, &Permit::for_command(), "", &shown.hash.0, |_| ()).await;
    assert!(matches!(refused, Err(OpsError::Refused { .. })), "{refused:?}");
    assert_eq!(count(&test, OBJECTS).await, before);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_stale_hash_or_the_create_switch_off_stops_it(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let hash = plan(&test).await.hash.0;
    let stale = rotation::convert(&test.ops, &Permit::for_command(), "", "0000", |_| ()).await;
    assert!(matches!(stale, Err(OpsError::Refused { .. })), "{stale:?}");
    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Create, false).await.unwrap();
    let stopped = rotation::convert(&test.ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap().remove(0);
    assert_eq!(stopped.outcome, ConversionOutcome::Failed);
    assert!(stopped.detail.unwrap().contains("create switch"));
    assert_eq!(
        count(&test, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()").await,
        0
    );
    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Create, true).await.unwrap();
    assert!(plan(&test).await.begun);
    let converted = rotation::convert(&test.ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap().remove(0);
    assert_eq!(converted.outcome, ConversionOutcome::Converted, "{converted:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversion_can_be_given_up_and_begun_anew(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let (before, objects) = (rows(&test, "t").await, count(&test, OBJECTS).await);
    half_done(&test).await;
    let given_up = rotation::give_up_conversion(&test.ops, &Permit::for_command(), "").await.unwrap().remove(0);
    assert_eq!(given_up.outcome, ConversionOutcome::GivenUp, "{given_up:?}");
    assert_eq!((rows(&test, "t").await, count(&test, OBJECTS).await), (before, objects));
    let nothing = rotation::give_up_conversion(&test.ops, &Permit::for_command(), "").await;
    assert!(matches!(nothing, Err(OpsError::Refused { .. })), "{nothing:?}");
    assert_eq!(convert(&test).await.outcome, ConversionOutcome::Converted);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_never_overtakes_a_delete_that_is_not_committed(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let hash = half_done(&test).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    sessions.step("writer", "BEGIN").await.done();
    sessions.step("writer", "DELETE FROM t WHERE id = 1500").await.done();
    sessions.step("writer", "UPDATE t SET id = 7777 WHERE id = 1600").await.done();
    let ops = test.ops.clone();
    let converting =
        tokio::spawn(async move { rotation::convert(&ops, &Permit::for_command(), "", &hash, |_| ()).await });
    let copying = format!("INSERT INTO `{}`.`t_payhist_new`%", test.db.name());
    let passed = "SELECT COUNT(*) FROM conversion_shard WHERE copied_to LIKE '[\"6%'";
    let mut watcher = test.db.connect().await;
    while running(&mut watcher, &copying).await == 0 && count(&test, passed).await == 0 {
        tokio::task::yield_now().await;
    }
    sessions.step("writer", "COMMIT").await.done();
    let converted = converting.await.unwrap().unwrap().remove(0);
    assert_eq!((converted.outcome, converted.rows), (ConversionOutcome::Converted, ROWS - 1), "{converted:?}");
    assert_eq!(count(&test, "SELECT COUNT(*) FROM t WHERE id IN (1500, 1600)").await, 0);
}

#[rstest]
#[case::trigger_dropped("DROP TRIGGER payhist_delete_t", "triggers")]
#[case::column_added("ALTER TABLE t ADD extra INT", "columns")]
#[case::truncated("TRUNCATE TABLE t", "differs")]
#[case::lost_in_the_shadow("DELETE FROM t_payhist_new WHERE id = 5", "differs")]
#[case::changed_in_the_shadow("UPDATE t_payhist_new SET note = 'other' WHERE id = 5", "differs")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_change_places_only_when_they_are_equal_and_unchanged(
    #[case] meddle: &str,
    #[case] why: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = shop(engine).await;
    let hash = half_done(&test).await;
    run(&test, meddle).await;
    let failed = rotation::convert(&test.ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap().remove(0);
    assert_eq!(failed.outcome, ConversionOutcome::Failed);
    assert!(failed.detail.as_ref().unwrap().contains(why), "{failed:?}");
    assert_eq!(count(&test, "SELECT COUNT(*) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' AND PARTITION_NAME IS NOT NULL").await, 0);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_converts_and_the_other_is_refused(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let (before, hash) = (rows(&test, "t").await, plan(&test).await.hash.0);
    let second = test.second_instance().await;
    let of = |ops| {
        let hash = hash.clone();
        async move { rotation::convert(ops, &Permit::for_command(), "", &hash, |_| ()).await }
    };
    let (one, two) = tokio::join!(of(&test.ops), of(&second));
    let converted = |done: &Result<Vec<_>, OpsError>| done.is_ok();
    assert_eq!((converted(&one), converted(&two)), (!converted(&two), !converted(&one)), "{one:?} {two:?}");
    assert_eq!((rows(&test, "t").await, rows(&test, "t_before_payhist").await), (before.clone(), before));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn writers_get_through_while_a_conversion_waits_for_a_reader(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", "SELECT COUNT(*) FROM t").await.done();
    let (ops, hash) = (test.ops.clone(), plan(&test).await.hash.0);
    let converting =
        tokio::spawn(async move { rotation::convert(&ops, &Permit::for_command(), "", &hash, |_| ()).await });
    let waiting = format!("CREATE TRIGGER `{}`%", test.db.name());
    let mut watcher = test.db.connect().await;
    let (mut seen, mut given_up) = (false, 0);
    while given_up < 2 {
        let now = running(&mut watcher, &waiting).await > 0;
        given_up += u32::from(seen && !now);
        seen = now;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    run(&test, "INSERT INTO t (id, user_id, paid, `at`) VALUES (777777, 1, 1, '2026-11-20')").await;
    sessions.step("reader", "COMMIT").await.done();
    let converted = converting.await.unwrap().unwrap().remove(0);
    assert_eq!((converted.outcome, converted.rows), (ConversionOutcome::Converted, ROWS + 1), "{converted:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_snapshot_older_than_the_copy_never_sees_a_part_of_the_rows(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let hash = plan(&test).await.hash.0;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["backup"]).await;
    sessions.step("backup", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await.done();
    sessions.step("backup", "START TRANSACTION WITH CONSISTENT SNAPSHOT").await.done();
    let permit = Permit::for_command();
    let convert = || rotation::convert(&test.ops, &permit, "", &hash, |_: Progress| ());
    let failed = convert().await.unwrap().remove(0);
    assert!(failed.detail.as_ref().is_some_and(|detail| detail.contains("older than the copy")), "{failed:?}");
    assert_eq!(count(&test, "SELECT COUNT(*) FROM t").await.unsigned_abs(), ROWS);
    sessions.step("backup", "COMMIT").await.done();
    assert_eq!(convert().await.unwrap().remove(0).outcome, ConversionOutcome::Converted);
}

/// The privileges that are needed, and not only tell who is in the way.
fn missing(diagnosis: &Diagnosis) -> impl Iterator<Item = &Finding> {
    let missing = diagnosis.findings.iter().filter(|one| one.code == "privilege_missing");
    missing.filter(|one| one.severity > Severity::Info)
}

const GRANTS: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "TRIGGER"];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn what_doctor_asks_for_suffices_and_each_that_is_left_out_is_named(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    for left_out in ["INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "TRIGGER", "PROCESS"] {
        let (ops, name) = user(&test, GRANTS.into_iter().filter(|one| *one != left_out), left_out != "PROCESS").await;
        let diagnosis = doctor::diagnose(&ops, &Permit::for_command(), "").await.unwrap();
        let named = missing(&diagnosis).any(|one| one.what.contains(left_out));
        assert!(named, "{left_out}: {:#?}", diagnosis.findings);
        ops.drain().await;
        run(&test, &format!("DROP USER '{name}'@'localhost'")).await;
    }
    let (ops, name) = user(&test, GRANTS.into_iter(), true).await;
    let diagnosis = doctor::diagnose(&ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(missing(&diagnosis).count(), 0, "{diagnosis:#?}");
    let offer = diagnosis.findings.iter().find(|one| one.code == "not_partitioned").unwrap().steps.clone().unwrap();
    assert!(offer.contains("payhist partitions convert --history shop"), "{offer}");
    let hash = rotation::conversion_plan(&ops, &Permit::for_command(), "").await.unwrap().hash.0;
    let converted = rotation::convert(&ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap().remove(0);
    assert_eq!(converted.outcome, ConversionOutcome::Converted, "{converted:?}");
    ops.drain().await;
    run(&test, &format!("DROP USER '{name}'@'localhost'")).await;
}
