//! What the doctor says of conversions that were not finished, and of what the finished ones keep.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_convert;

use payhist_ops::auth::Permit;
use payhist_ops::{doctor, rotation};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::doctor::{Finding, Severity};
use rstest::rstest;
use support_convert::{convert, half_done, run, shop};

/// But for the clock, since the servers' cannot be set, and the shop's columns, which nobody mapped.
async fn findings(test: &TestOps) -> Vec<Finding> {
    let mut findings = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap().findings;
    findings.retain(|finding| !["clock", "columns_missing"].contains(&finding.code.as_str()));
    findings
}

fn codes(findings: &[Finding]) -> Vec<(&str, Severity)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversion_under_way_is_told_with_how_it_goes_on(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    let hash = half_done(&test).await;
    let found = findings(&test).await;
    assert_eq!(codes(&found), [("conversion_unfinished", Severity::Error)], "{found:#?}");
    let steps = found[0].steps.as_ref().unwrap();
    assert!(steps.contains(&format!("--apply {hash}")) && steps.contains("--abort"), "{steps}");
    rotation::give_up_conversion(&test.ops, &Permit::for_command(), "").await.unwrap();
    let found = findings(&test).await;
    let expected = [("key_lacks_column", Severity::Error), ("not_partitioned", Severity::Error)];
    assert_eq!(codes(&found), expected, "{found:#?}");
}

/// E.g. by a payhist whose control database was lost.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_conversion_without_a_record_are_told_and_their_triggers_go(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    half_done(&test).await;
    run(&test, "SET FOREIGN_KEY_CHECKS = 0; DELETE FROM conversion").await;
    let unpartitioned = [("key_lacks_column", Severity::Error), ("not_partitioned", Severity::Error)];
    let found = findings(&test).await;
    assert_eq!(
        codes(&found),
        [unpartitioned.as_slice(), &[("conversion_left", Severity::Error)]].concat(),
        "{found:#?}"
    );
    assert!(found[2].what.contains("t_payhist_new") && found[2].sql.len() == 3, "{found:#?}");
    for sql in &found[2].sql {
        run(&test, sql).await;
    }
    let found = findings(&test).await;
    assert_eq!(
        codes(&found),
        [unpartitioned.as_slice(), &[("conversion_left", Severity::Warning)]].concat(),
        "{found:#?}"
    );
    assert!(found[2].sql.is_empty(), "its rows are for people to judge: {found:#?}");
    run(&test, "DROP TABLE t_payhist_new").await;
    let found = findings(&test).await;
    assert_eq!(codes(&found), unpartitioned, "{found:#?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_table_of_before_a_conversion_is_told_with_its_size_and_its_drop(#[case] engine: EngineKind) {
    let test = shop(engine).await;
    convert(&test).await;
    run(&test, "ANALYZE TABLE t_before_payhist").await;
    let found = findings(&test).await;
    assert_eq!(codes(&found), [("conversion_kept", Severity::Info)], "{found:#?}");
    assert!(found[0].sql.is_empty() && found[0].what.contains("about 1 MB"), "{found:#?}");
    let steps = found[0].steps.as_ref().unwrap();
    let drop = &steps[steps.find("DROP TABLE").unwrap()..steps.find(';').unwrap()];
    run(&test, drop).await;
    let found = findings(&test).await;
    assert_eq!(codes(&found), [], "{found:#?}");
}
