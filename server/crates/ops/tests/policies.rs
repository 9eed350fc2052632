//! Policies on real servers: every change a version, one owner for each, and the version that a run ran by.

use payhist_ops::adopt::adopt;
use payhist_ops::auth::Permit;
use payhist_ops::{OpsError, policies, rotation};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::plan::Step;
use payhist_types::policy_edit::PolicyEdit;
use payhist_types::simulation::Simulation;
use rstest::rstest;
use std::collections::BTreeSet;

const NOW: &str = "2026-11-15T12:00:00Z";

fn policy() -> Policy {
    Policy { premake_months: Some(1), retention_months: Some(12), ..Policy::default() }
}

fn keep(retention: &str) -> PolicyEdit {
    PolicyEdit { retention: Some(retention.to_owned()), ..PolicyEdit::default() }
}

async fn history(test: &TestOps) -> HistorySpec {
    test.history(2, policy(), Switches { drop: true, ..Switches::default() }, "2025-10", "2026-11").await
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn every_change_is_a_version_and_a_run_says_by_which_it_ran(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    history(&test).await;
    let set = async |edit, version| policies::set(&test.ops, &Permit::for_command(), "", &edit, version).await;
    let view = set(keep("5 years"), Some(1)).await.unwrap();
    assert_eq!((view.version, view.policy.retention_months, view.configured), (2, Some(60), false));
    let change = &view.changes[0];
    assert_eq!((change.version, change.from.as_ref(), change.by.as_str()), (2, Some(&policy()), "command"));
    assert_eq!(view.changes[1].from, None, "{view:#?}");

    // Whoever looked at version 1 does not undo version 2; what changes nothing is no version.
    assert!(matches!(set(keep("1 year"), Some(1)).await, Err(OpsError::Refused { .. })));
    assert_eq!(set(keep("60"), Some(2)).await.unwrap().version, 2);
    assert!(matches!(set(keep("0"), None).await, Err(OpsError::BadInput(_))));

    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let run = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &plan.hash.0).await.unwrap();
    assert_eq!((run.policy_version, run.steps.len()), (Some(2), 2), "months are made, none is dropped: {run:#?}");
    let mut connection = test.db.connect().await;
    let changes: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit WHERE action = 'history.change'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(changes, 1);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_policy_of_the_configuration_is_changed_only_there(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    let spec = history(&test).await;
    let longer = HistorySpec { policy: Policy { retention_months: Some(24), ..policy() }, ..spec };
    adopt(&test.ops, &Permit::for_command(), std::slice::from_ref(&longer)).await.unwrap();
    let refused = policies::set(&test.ops, &Permit::for_command(), "", &keep("1 month"), None).await;
    assert!(
        matches!(&refused, Err(OpsError::Refused { reason, .. }) if reason.contains("configuration")),
        "{refused:?}"
    );
    let view = policies::show(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!((view.version, view.configured, view.policy), (2, true, longer.policy));
    // No longer configured, it is everybody's.
    adopt(&test.ops, &Permit::for_command(), &[]).await.unwrap();
    policies::set(&test.ops, &Permit::for_command(), "", &keep("36"), Some(2)).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_simulation_begins_with_todays_plan_and_changes_nothing(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    history(&test).await;
    let simulate = async |edit| policies::simulate(&test.ops, &Permit::for_command(), "", &edit, 24).await.unwrap();
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let simulation = simulate(PolicyEdit::default()).await;
    let today = simulation.steps.iter().filter(|step| step.at == simulation.from);
    let keys =
        today.flat_map(|step| step.shards.iter().map(move |shard| format!("s{shard}:{}:{}", step.action, step.month)));
    let planned: BTreeSet<_> = plan.active_steps().map(Step::key).collect();
    assert_eq!(keys.collect::<BTreeSet<_>>(), planned);
    let drops = |simulation: &Simulation| simulation.steps.iter().filter(|step| step.action == "drop").count();
    assert_eq!((drops(&simulation), drops(&simulate(keep("none")).await)), (24, 0));
    let again = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(again.hash, plan.hash);
}
