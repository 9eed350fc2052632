//! Comparing held rows with their copies at the moment of deletion: nobody waits long for it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_dialect::held::Original;
use payhist_ops::histories;
use payhist_plan::twins;
use payhist_storage::held::{self, Doomed};
use payhist_storage::permit::Gate;
use payhist_testkit::{Sessions, TestEngine, TestOps, words};
use payhist_types::holds::HoldScope;
use payhist_types::plan::Guard;
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{ShardId, UserId};
use rstest::rstest;
use std::time::Duration;

const TABLE: &str = "payment_history_shard_0";

/// Asks for leave to destroy March, and lets everything go again.
async fn ask(test: &TestOps, original: &Original, compared_for_max: Duration) -> Result<(), Guard> {
    let history = histories::find(&test.ops, "").await.unwrap();
    let capabilities = test.ops.source("main").unwrap().capabilities().await.unwrap();
    let (month, shard, original) = ("2026-03".parse().unwrap(), ShardId(0), original.clone());
    let doomed = Doomed { spec: &history.spec, shard, table: TABLE, month, original, capabilities, compared_for_max };
    let (mut control, mut source) = (test.db.connect().await, test.db.connect().await);
    let mut gate = Gate::enter(&mut control, history.id).await.unwrap();
    let answer = gate.permit(&doomed, &mut source, test.ops.now()).await.unwrap().map(drop);
    held::unlock(&mut source).await.unwrap();
    gate.leave().await.unwrap();
    answer
}

/// The same comparison is made without a lock, where writers would wait, and under the lock in quarantine.
#[rstest]
#[case::without_quarantine_on_mariadb(TestEngine::MariaDb, None)]
#[case::without_quarantine_on_mysql(TestEngine::MySql, None)]
#[case::in_quarantine_on_mariadb(TestEngine::MariaDb, Some(30))]
#[case::in_quarantine_on_mariadb11(TestEngine::MariaDb11, Some(30))]
#[case::in_quarantine_on_mysql(TestEngine::MySql, Some(30))]
#[tokio::test]
async fn what_cannot_be_compared_in_time_is_not_destroyed(
    #[case] engine: TestEngine,
    #[case] quarantine_days: Option<u16>,
) {
    let test = TestOps::expiring(engine, 1, quarantine_days, "2026-03").await;
    test.pay(TABLE, (1..=10_000).map(|id| (id, 2, "2026-03-10"))).await;
    if quarantine_days.is_some() {
        test.apply().await;
    }
    let hold = test.hold(HoldScope::User { user: UserId(2) }, None).await;
    let mut carve_out = test.plan().await;
    assert_eq!(words(&carve_out)[0], "carve-out 2026-03");
    carve_out.steps.truncate(1);
    let run = test.record(&carve_out).await;
    assert_eq!(test.resume(run).await.outcome, RunOutcome::Done);

    let twin = quarantine_days.map(|_| twins::name(TABLE, "p202603"));
    let original = Original::new(test.db.name(), "p202603", twin.as_deref()).unwrap();
    // On a busy machine the server may look at its clock only when it is done.
    let mut answer = Ok(());
    for _ in 0..20 {
        answer = ask(&test, &original, Duration::from_millis(1)).await;
        if answer.is_err() {
            break;
        }
    }
    let guard = answer.unwrap_err();
    assert_eq!(guard, Guard::ComparisonTooLong { hold, secs: 0, in_quarantine: twin.is_some() });
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    let table = twin.as_deref().unwrap_or(TABLE);
    sessions.step("writer", &format!("DELETE FROM `{table}` WHERE payment_id = 1")).await.done();
    assert_eq!(ask(&test, &original, Duration::from_mins(1)).await, Ok(()));
}

mod slow {
    use super::*;
    use payhist_ops::adopt::adopt;
    use payhist_ops::auth::Permit;
    use payhist_ops::rotation;
    use payhist_types::EngineKind;
    use payhist_types::columns::Columns;
    use payhist_types::history::{HistorySpec, Policy, Route, Switch};
    use std::time::Instant;

    /// A shop whose orders have no key, and a number that takes the server a millisecond and more to make.
    async fn shop(test: &TestOps) {
        test.execute(
            "CREATE TABLE shop (payment_id BIGINT UNSIGNED NOT NULL, user_id INT NOT NULL, code CHAR(4) CHARACTER SET ascii NOT NULL, \
             basket VARCHAR(64) CHARACTER SET ascii AS (IF(SHA2(REPEAT(code, 250000), 512) = '', 'none', code)) VIRTUAL, \
             provider VARCHAR(9) NOT NULL, method VARCHAR(9) NOT NULL, status VARCHAR(9) NOT NULL, amount DECIMAL(9,2) NOT NULL, \
             currency CHAR(3) NOT NULL, created_at DATETIME NOT NULL, PRIMARY KEY (payment_id, created_at)) \
             PARTITION BY RANGE COLUMNS (created_at) (PARTITION march VALUES LESS THAN ('2026-04-01'), \
             PARTITION april VALUES LESS THAN ('2026-05-01'), PARTITION may VALUES LESS THAN ('2026-06-01'), \
             PARTITION june VALUES LESS THAN ('2026-07-01'))",
        )
        .await;
        let row = |id| format!("({id}, 1, {id}, 'p', 'card', 'PAID', 1.5, 'EUR', '2026-03-10')");
        let rows: Vec<_> = (1_000..3_000).map(row).collect();
        let columns = "payment_id, user_id, code, provider, method, status, amount, currency, created_at";
        test.execute(&format!("INSERT INTO shop ({columns}) VALUES {}", rows.join(", "))).await;
        configure(test, None).await;
        rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Drop, true).await.unwrap();
    }

    async fn configure(test: &TestOps, quarantine_days: Option<u16>) {
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days,
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        let columns = Columns { order_id: "basket".to_owned(), ..Columns::default() };
        let spec = HistorySpec {
            table_pattern: "shop".to_owned(),
            route: Route::Single,
            columns: Some(columns.into()),
            ..test.spec(1, policy)
        };
        adopt(&test.ops, &Permit::for_command(), &[spec]).await.unwrap();
    }

    /// The longest that a writer waits, until it is told to stop.
    async fn write(test: &TestOps) -> Duration {
        let mut longest = Duration::ZERO;
        for id in 4_000.. {
            let begun = Instant::now();
            test.execute(&format!(
                "INSERT INTO shop (payment_id, user_id, code, provider, method, status, amount, currency, created_at) \
                 VALUES ({id}, 1, 'new', 'p', 'card', 'PAID', 1, 'EUR', '2026-06-10')"
            ))
            .await;
            longest = longest.max(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
            let runs = rotation::runs(&test.ops, &Permit::for_command(), "").await.unwrap();
            if runs.first().is_some_and(|run| run.outcome != RunOutcome::Running) {
                break;
            }
        }
        longest
    }

    #[rstest]
    #[case::mariadb(EngineKind::MariaDb)]
    #[case::mysql(EngineKind::MySql)]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_month_that_takes_too_long_to_compare_stays_and_the_step_says_what_helps(#[case] engine: EngineKind) {
        let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
        shop(&test).await;
        test.hold(HoldScope::Order { order: "2222".to_owned() }, None).await;
        let (run, longest) = tokio::join!(test.apply(), write(&test));
        assert_eq!((run.steps[0].outcome, run.steps[0].rows), (StepOutcome::Done, Some(1)), "{run:#?}");
        assert_eq!((run.steps[1].action.as_str(), run.steps[1].outcome), ("drop 2026-03", StepOutcome::Blocked));
        assert!(run.steps[1].detail.as_ref().unwrap().contains("set quarantine_days"), "{run:#?}");
        assert!(longest < Duration::from_secs(4), "a writer waited {longest:?}");
        assert!(test.payments("shop").await.contains(&2_222));

        configure(&test, Some(30)).await;
        test.apply().await;
        let run = test.apply().await;
        assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
        assert_eq!(test.payments(&payhist_plan::held::name("shop")).await, [2_222]);
        assert!(test.payments("shop").await.iter().all(|id| *id >= 4_000));
    }
}
