//! A month that is archived and of which rows are held: the archive has it whole, the held rows are carved out, and only
//! then it goes.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_archive;

use chrono::TimeDelta;
use payhist_plan::held;
use payhist_types::archive::ArchiveState;
use payhist_types::holds::HoldScope;
use payhist_types::plan::Guard;
use payhist_types::run::StepOutcome;
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use support_archive::{RESTORED, Site, TABLE};

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_archived_whole_then_carved_out_then_dropped(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    let (twin, shelf) = (site.twin().await, held::name(TABLE));
    let whole = site.rows(&twin).await;
    let of_first: Vec<_> = whole.iter().filter(|row| row.split('|').nth(1) == Some("1")).cloned().collect();
    site.test.hold(HoldScope::User { user: UserId(1) }, Some("2026-12-20")).await;
    site.test.clock.advance(TimeDelta::days(16));

    // May is at its end and not archived yet: it is neither carved out nor dropped.
    assert_eq!(site.steps().await, [("archive", true), ("carve-out", false), ("final-drop", false)]);
    let not_archived = Guard::NotArchived { target: "cold".to_owned() };
    assert_eq!(site.plan().await.steps[1].blocked_by, [not_archived]);
    assert_eq!(site.applied().await[0], (StepOutcome::Done, Some(798)));
    assert_eq!(site.states().await, [(ArchiveState::Verified, 798)]);
    assert_eq!((site.rows(&twin).await.len(), site.test.payments(&shelf).await.len()), (798, 0));

    assert_eq!(site.steps().await, [("carve-out", true), ("final-drop", true)]);
    assert_eq!(site.applied().await, [(StepOutcome::Done, Some(200)), (StepOutcome::Done, Some(798))]);
    assert_eq!((of_first.len(), site.rows(&shelf).await), (200, of_first));
    assert!(site.test.payments(TABLE).await.is_empty() && site.test.payments(&twin).await.is_empty());
    let restored = site.restore().await;
    assert_eq!((restored.rows, restored.problem), (798, None));
    assert_eq!(site.rows(RESTORED).await, whole, "the archive has the held rows, too");

    site.test.clock.advance(TimeDelta::days(30));
    let run = site.apply().await;
    let deleted = run.steps.iter().find(|step| step.action.starts_with("delete-held"));
    assert_eq!(deleted.map(|step| (step.outcome, step.rows)), Some((StepOutcome::Done, Some(200))), "{run:#?}");
    assert!(site.test.payments(&shelf).await.is_empty());
    assert_eq!(site.verify().await[0].rows, 798, "the archive is as it was");
}

/// The hold comes between the archive and the drop, and a row is changed: both are found out at the end.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_row_changed_after_it_was_archived_and_carved_out_keeps_the_month(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    let (twin, shelf) = (site.twin().await, held::name(TABLE));
    site.apply().await;
    site.test.hold(HoldScope::User { user: UserId(1) }, None).await;
    site.test.clock.advance(TimeDelta::days(16));
    let mut planned = site.plan().await;
    let whole_run = planned.clone();
    planned.steps.truncate(1);
    let run = site.test.record(&planned).await;
    assert_eq!(site.test.resume(run).await.steps[0].rows, Some(200));
    site.execute(&format!("UPDATE `{twin}` SET amount = amount + 1 WHERE payment_id = 1001")).await;
    let mut drop = whole_run;
    drop.steps.remove(0);
    let run = site.test.record(&drop).await;
    let run = site.test.resume(run).await;
    assert_eq!(run.steps[0].outcome, StepOutcome::Failed, "{run:#?}");
    assert_eq!((site.rows(&twin).await.len(), site.rows(&shelf).await.len()), (798, 200));
    // The archive is outdated, and written again; the copy is somebody's to look at.
    assert_eq!(site.steps().await, [("archive", true), ("carve-out", false), ("final-drop", false)]);
    site.apply().await;
    let run = site.apply().await;
    assert!(run.steps[0].detail.as_ref().is_some_and(|why| why.contains("1 of 200 held rows differ")), "{run:#?}");
    assert_eq!(site.rows(&twin).await.len(), 798);
}
