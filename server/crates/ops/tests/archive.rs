//! Archives on real servers: written and read back before a month is dropped, again when rows came, and restored.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_archive;

use chrono::TimeDelta;
use payhist_ops::auth::Permit;
use payhist_ops::holds::Placement;
use payhist_ops::{OpsError, archive, histories, holds, rotation};
use payhist_storage::archive_keys;
use payhist_types::archive::ArchiveState;
use payhist_types::history::Switch;
use payhist_types::holds::HoldScope;
use payhist_types::plan::Guard;
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use support_archive::{RESTORED, Site, TABLE};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_dropped_only_when_exactly_its_rows_are_archived_and_comes_back_whole(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    let twin = site.twin().await;
    assert_eq!(site.steps().await, [("archive", true)]);
    assert_eq!(site.applied().await, [(StepOutcome::Done, Some(798))]);
    assert_eq!((site.steps().await, site.states().await), (vec![], vec![(ArchiveState::Verified, 798)]));
    let map = rotation::map(&site.test.ops, &Permit::for_command(), "").await.unwrap();
    assert!(map.rows[0].cells[0].archived);
    let verified = site.verify().await.remove(0);
    assert_eq!((verified.rows, verified.unreadable_rows, verified.problem), (798, 0, None));

    // Rows that came late: the archive is out of date before they are moved.
    site.test.clock.advance(TimeDelta::days(16));
    site.insert_one(TABLE, 1).await;
    assert_eq!(site.steps().await, [("late-rows", true), ("final-drop", false)]);
    site.apply().await;
    assert_eq!(site.states().await, [(ArchiveState::Stale, 798)]);
    assert_eq!(site.steps().await, [("archive", true), ("final-drop", false)]);
    let guard = Guard::NotArchived { target: "cold".to_owned() };
    assert_eq!(site.plan().await.steps[1].blocked_by, [guard]);
    assert_eq!(site.applied().await[0], (StepOutcome::Done, Some(799)));

    // Somebody changes a row behind payhist's back: the drop is refused, and the month archived again.
    assert_eq!(site.steps().await, [("final-drop", true)]);
    site.execute(&format!("UPDATE `{twin}` SET amount = amount + 1 WHERE payment_id = 2000")).await;
    let refused = site.apply().await;
    assert!(refused.steps[0].detail.as_ref().unwrap().contains("is kept"), "{refused:#?}");
    assert_eq!((site.rows(&twin).await.len(), site.steps().await[0]), (799, ("archive", true)));
    let before = site.rows(&twin).await;
    site.apply().await;
    assert_eq!(site.applied().await, [(StepOutcome::Done, Some(799))], "the final drop");
    assert_eq!(site.steps().await, []);

    let restored = site.restore().await;
    assert_eq!((restored.table.as_str(), restored.rows, restored.problem), (RESTORED, 799, None));
    assert_eq!(site.rows(RESTORED).await, before);
    let again = site.restore().await;
    assert_eq!((again.already_there, again.rows, again.problem), (true, 799, None), "repeated, it changes nothing");
    site.execute(&format!("DELETE FROM {RESTORED} WHERE payment_id = 1")).await;
    assert!(site.restore().await.problem.unwrap().contains("has not the rows"));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_key_is_destroyed_is_in_no_archive_any_more(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    site.apply().await;
    let [file, _manifest] = &site.files()[..] else { panic!("{:?}", site.files()) };
    let bytes = std::fs::read(file).unwrap();
    assert!(!contains(&bytes, "Zoë") && !contains(&bytes, "example.org"), "personal columns are encrypted");

    let history = histories::find(&site.test.ops, "").await.unwrap().id;
    let mut connection = site.test.db.connect().await;
    assert!(archive_keys::destroy(&mut connection, history, UserId(1)).await.unwrap());
    assert!(!archive_keys::destroy(&mut connection, history, UserId(1)).await.unwrap());
    let verified = site.verify().await.remove(0);
    assert_eq!((verified.rows, verified.unreadable_rows, verified.problem), (798, 200, None));
    let restored = site.restore().await;
    assert_eq!((restored.rows, restored.unreadable_rows, restored.problem), (798, 200, None));
    let rows = site.rows(RESTORED).await;
    let (erased, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.contains("|1|o1"));
    assert!(erased.len() == 200 && erased.iter().all(|row| row.contains("|-|-|")));
    assert!(others.iter().all(|row| row.contains("@example.org")));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_damaged_or_gone_is_named_and_no_month_is_dropped_on_its_strength(
    #[case] engine: EngineKind,
) {
    let site = Site::new(engine).await;
    site.apply().await;
    let [file, manifest] = &site.files()[..] else { panic!("{:?}", site.files()) };
    let whole = std::fs::read(file).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    std::fs::write(file, damaged).unwrap();
    assert!(site.verify().await[0].problem.is_some());
    std::fs::write(file, whole).unwrap();
    assert_eq!(site.verify().await[0].problem, None);
    std::fs::remove_file(manifest).unwrap();
    assert!(site.verify().await[0].problem.as_ref().unwrap().contains("is not in the archive's store"));
    site.test.clock.advance(TimeDelta::days(16));
    assert_eq!(site.steps().await, [("final-drop", true)]);
    let run = site.apply().await;
    assert_eq!(run.outcome, RunOutcome::Failed);
    assert!(run.steps[0].detail.as_ref().unwrap().contains("is not any more what was read back"), "{run:#?}");
    assert_eq!(site.rows(&site.twin().await).await.len(), 798, "nothing was dropped");
    assert_eq!(site.steps().await[0], ("archive", true), "it is archived again before it is dropped");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn archives_are_deleted_only_when_no_hold_may_keep_rows_of_them(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    let month = "2026-05".parse().unwrap();
    let delete =
        async || archive::delete(&site.test.ops, &Permit::for_command(), "", month, "ten years are over").await;
    assert!(delete().await.unwrap_err().to_string().contains("no archive"));
    site.apply().await;
    let last_day = Some("2026-11-16".parse().unwrap());
    for scope in [
        HoldScope::User { user: UserId(999) },
        HoldScope::Order { order: "o1".to_owned() },
        HoldScope::Month { month },
        HoldScope::History,
    ] {
        let (reason, case_number) = ("audit".to_owned(), "1".to_owned());
        let placement = Placement { scope: scope.clone(), reason, case_number, last_day };
        holds::place(&site.test.ops, &Permit::for_command(), "", placement).await.unwrap();
        let refused = delete().await.unwrap_err();
        assert!(matches!(refused, OpsError::Held(_)), "{scope}: {refused}");
        assert_eq!((site.files().len(), site.states().await), (2, vec![(ArchiveState::Verified, 798)]), "{scope}");
        // Each ends before the next one is tried alone.
        site.execute("UPDATE legal_hold SET until = '2026-11-15 12:00:00'").await;
    }
    let off = rotation::switch(&site.test.ops, &Permit::for_command(), "", Switch::Drop, false).await;
    off.unwrap();
    assert!(delete().await.unwrap_err().to_string().contains("drop switch"));
    rotation::switch(&site.test.ops, &Permit::for_command(), "", Switch::Drop, true).await.unwrap();

    assert_eq!(delete().await.unwrap()[0].problem, None);
    assert_eq!((site.files().len(), site.states().await), (0, vec![(ArchiveState::Deleted, 798)]));
    assert!(site.verify().await.is_empty() && delete().await.is_err());
    assert!(archive::restore(&site.test.ops, &Permit::for_command(), "", month).await.is_err());
    assert_eq!(site.steps().await, [("archive", true)], "it is archived again before it is dropped");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_in_the_store_keeps_the_month_and_has_it_archived_again(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    site.apply().await;
    let file = site.files().remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    site.test.clock.advance(TimeDelta::days(16));
    let refused = site.apply().await;
    assert!(refused.steps[0].detail.as_ref().unwrap().contains("is not any more what was read back"), "{refused:#?}");
    assert_eq!((site.rows(&site.twin().await).await.len(), site.steps().await[0]), (798, ("archive", true)));
    site.apply().await;
    assert_eq!(site.applied().await, [(StepOutcome::Done, Some(798))], "the final drop");
}
