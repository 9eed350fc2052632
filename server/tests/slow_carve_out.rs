//! A carve-out and the deletion of what was carved out, killed with -9 at every fault point: the next command finishes, and
//! no held row is lost.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;
#[expect(dead_code, reason = "it uses a part of it")]
mod support_quarantine;

use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_types::EngineKind;
use payhist_types::history::Switch;
use rstest::rstest;
use support::Frozen;
use support_quarantine::{Site, TABLE, assert_died};

const CARVE_FAULTS: [&str; 6] = [
    "carve.after_create",
    "carve.after_prepare",
    "carve.before_copy",
    "carve.after_copy",
    "holds.before_destroy",
    "rotation.after_twin_drop",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_carve_out_killed_anywhere_is_finished_and_loses_no_held_row(#[case] engine: EngineKind) {
    let shelf = payhist_plan::held::name(TABLE);
    for fault in CARVE_FAULTS {
        let site = Site::new(engine, -7).await;
        let held = site.rows(TABLE).await[1].clone();
        assert!(held.starts_with("1302|1302|"), "{held}");
        assert!(site.command(&["holds", "add", "--user", "1302", "--case", "1", "--reason", "audit"], None).success());
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");
        assert_eq!((site.rows(&shelf).await, site.twins().await), (vec![held], vec![site.twin(-6)]), "{fault}");
        site.assert_nothing_left_to_do(fault).await;

        site.test.execute("UPDATE legal_hold SET until = '2000-01-01'").await;
        assert_died(site.apply(Some("held.after_batch")), "held.after_batch");
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the deletion is finished");
        assert_eq!(site.rows(&shelf).await, [""; 0], "{fault}");
        site.assert_nothing_left_to_do(fault).await;
    }
}

/// The one by kill -9, the other by the switch.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn both_steps_are_stopped_between_two_batches_and_gone_on_with(#[case] engine: EngineKind) {
    let (shelf, site) = (payhist_plan::held::name(TABLE), Site::new(engine, -7).await);
    let at = format!("{}-10", site.month(-7));
    site.test.pay(TABLE, (10_001..=11_500).map(|id| (id, 7, at.as_str()))).await;
    let all: Vec<_> = site.rows(TABLE).await.into_iter().filter(|row| row.split('|').nth(1) == Some("7")).collect();
    assert!(site.command(&["holds", "add", "--user", "7", "--case", "1", "--reason", "audit"], None).success());
    assert!(site.apply(None).success(), "both months go to quarantine");
    assert_died(site.apply(Some("carve.after_batch")), "carve.after_batch");
    assert_eq!((site.rows(&shelf).await.len(), site.rows(&site.twin(-7)).await.len()), (1_000, 1_503));
    site.end_lease().await;
    assert!(site.apply(None).success(), "the next one finishes");
    assert_eq!((site.rows(&shelf).await, site.twins().await), (all, vec![site.twin(-6)]));
    site.assert_nothing_left_to_do("carve.after_batch").await;

    site.test.execute("UPDATE legal_hold SET until = '2000-01-01'").await;
    let mut deleting = site.payhist(&["partitions", "apply"], Some("held.after_batch:freeze"));
    let mut frozen = Frozen::start(&mut deleting).await;
    let permit = Permit::for_command();
    let switch = |on| rotation::switch(&site.test.ops, &permit, "", Switch::Drop, on);
    switch(false).await.unwrap();
    assert!(!frozen.wake().success(), "the step is blocked");
    assert_eq!(site.rows(&shelf).await.len(), 500, "the switch stopped it between two batches");
    switch(true).await.unwrap();
    assert!(site.apply(None).success());
    assert_eq!(site.rows(&shelf).await, [""; 0]);
}
