//! Quarantine, final drop and restore killed with -9 at every fault point: the next command finishes, and every row is
//! where it belongs.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;
mod support_quarantine;

use payhist_types::EngineKind;
use rstest::rstest;
use support_quarantine::{Site, TABLE, assert_died};

const QUARANTINE_FAULTS: [&str; 8] = [
    "rotation.after_intent",
    "rotation.before_ddl",
    "rotation.after_create",
    "rotation.after_prepare",
    "rotation.before_exchange",
    "rotation.after_exchange",
    "rotation.after_mark",
    "rotation.after_settle",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_quarantine_killed_anywhere_is_finished_by_the_next_apply(#[case] engine: EngineKind) {
    for fault in QUARANTINE_FAULTS {
        let site = Site::new(engine, -6).await;
        let before = site.rows(TABLE).await;
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let twin = site.twin(-6);
        assert_eq!(site.twins().await, std::slice::from_ref(&twin), "{fault}");
        let (away, stayed) = before.split_at(3);
        assert_eq!((site.rows(&twin).await, site.rows(TABLE).await), (away.to_vec(), stayed.to_vec()), "{fault}");
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn late_rows_are_moved_once_wherever_the_process_is_killed(#[case] engine: EngineKind) {
    for fault in ["rotation.before_ddl", "rotation.after_ddl"] {
        let site = Site::new(engine, -6).await;
        assert!(site.apply(None).success());
        site.insert(-6, 9).await;
        let twin = site.twin(-6);
        let rows = site.rows(&twin).await.len() + site.rows(TABLE).await.len();
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let (away, stayed) = (site.rows(&twin).await, site.rows(TABLE).await);
        assert_eq!((away.len(), away.len() + stayed.len()), (4, rows), "{fault}: {away:?}");
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_final_drop_killed_anywhere_is_finished_and_takes_its_month_only(#[case] engine: EngineKind) {
    for fault in ["rotation.before_ddl", "rotation.after_twin_drop", "rotation.after_ddl"] {
        let site = Site::new(engine, -7).await;
        let before = site.rows(TABLE).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let kept = site.twin(-6);
        assert_eq!(site.twins().await, std::slice::from_ref(&kept), "{fault}");
        let (quarantined, stayed) = before[3..].split_at(3);
        assert_eq!(
            (site.rows(&kept).await, site.rows(TABLE).await),
            (quarantined.to_vec(), stayed.to_vec()),
            "{fault}"
        );
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_row_that_comes_after_a_final_drop_was_killed_is_kept(#[case] engine: EngineKind) {
    for (fault, twin_is_left) in [("rotation.after_intent", true), ("rotation.after_twin_drop", false)] {
        let site = Site::new(engine, -7).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.insert(-7, 9).await;
        let late = site.rows(TABLE).await.remove(0);
        site.end_lease().await;
        // The step was planned without the row: it refuses. What is planned next takes the row to the twin.
        site.apply(None);
        let twin = site.rows(&site.twin(-7)).await;
        assert_eq!((twin.contains(&late), twin.len() > 1), (true, twin_is_left), "{fault}: {twin:?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_that_comes_after_a_final_drop_was_killed_keeps_what_is_left(#[case] engine: EngineKind) {
    for (fault, is_left) in
        [("rotation.before_intent", true), ("rotation.before_ddl", true), ("rotation.after_twin_drop", false)]
    {
        let site = Site::new(engine, -7).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        let held = site.command(&["holds", "add", "--whole-history", "--case", "1", "--reason", "audit"], None);
        assert!(held.success());
        site.end_lease().await;
        let code = site.apply(None).code();
        assert_eq!(
            code,
            if is_left { Some(3) } else { Some(0) },
            "{fault}: the run that is resumed is blocked as well"
        );
        let twin = site.twin(-7);
        assert_eq!(site.twins().await.contains(&twin), is_left, "{fault}");
        if is_left {
            assert_eq!(site.rows(&twin).await.len(), 3, "{fault}");
        }
    }
}

const RESTORE_FAULTS: [&str; 6] = [
    "restore.after_begin",
    "restore.after_merge",
    "restore.before_exchange",
    "restore.after_exchange",
    "restore.before_twin_drop",
    "restore.after_twin_drop",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_restore_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    for fault in RESTORE_FAULTS {
        let site = Site::new(engine, -6).await;
        let before = site.rows(TABLE).await;
        assert!(site.apply(None).success());
        site.insert(-6, 9).await;
        assert_died(site.restore(-6, Some(fault)), fault);
        site.end_lease().await;
        // Half way, a run leaves it alone: neither a step more nor a row less.
        site.assert_nothing_left_to_do(fault).await;
        assert!(site.restore(-6, None).success(), "{fault}: the next one finishes");

        let mut after = site.rows(TABLE).await;
        let late = after.remove(3);
        assert_eq!((after, late.starts_with("1409|")), (before, true), "{fault}: {late}");
        assert_eq!(site.twins().await, [""; 0], "{fault}");
        assert!(site.restore(-6, None).success(), "{fault}: repeated once more, it changes nothing");
        site.assert_nothing_left_to_do(fault).await;
    }
}
