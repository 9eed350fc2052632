//! Monitoring of real servers.

use payhist_ops::auth::Permit;
use payhist_ops::monitoring;
use payhist_testkit::{TestOps, provoke_deadlock};
use payhist_types::EngineKind;
use rstest::rstest;

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_captured_deadlock_names_the_one_that_was_really_rolled_back(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let provoked = provoke_deadlock(&test.db.connect_options()).await;
    let captured = monitoring::capture(&test.ops).await.unwrap();
    assert_eq!((captured.kept, captured.failed.len()), (1, 0), "{captured:?}");

    let permit = Permit::for_command();
    let newest = monitoring::database(&test.ops, &permit).await.unwrap().deadlocks[0].id;
    let report = monitoring::deadlock(&test.ops, &permit, newest).await.unwrap().report.unwrap();
    let connection = |index: usize| report.transactions[index].connection_id.unwrap();
    let victim = report.victim.expect("the report is whole");
    assert_eq!((report.transactions.len(), connection(victim)), (2, provoked.victim.connection_id), "{report:#?}");
    assert_eq!(connection(1 - victim), provoked.survivor.connection_id);

    assert_eq!(monitoring::capture(&test.ops).await.unwrap().kept, 0, "the same deadlock is kept once");
}
