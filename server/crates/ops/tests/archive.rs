//! Archives on real servers: written and read back before a month is dropped, again when rows came, and restored.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::TimeDelta;
use payhist_ops::archive::{ArchiveConfig, MasterKey, TargetConfig};
use payhist_ops::auth::Permit;
use payhist_ops::holds::Placement;
use payhist_ops::{OpsError, archive, histories, holds, rotation};
use payhist_storage::archive_keys;
use payhist_testkit::TestOps;
use payhist_types::archive::{ArchiveState, Verification};
use payhist_types::history::{Policy, Switch, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::plan::{Guard, RotationPlan};
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::path::PathBuf;

const NOW: &str = "2026-11-15T12:00:00Z";
const TABLE: &str = "payment_history_shard_0";
const RESTORED: &str = "payment_history_shard_0_restored_202605";

/// One shard whose May is in quarantine: 300 users, of whom the first has most payments.
struct Site {
    test: TestOps,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new(engine: EngineKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetConfig {
            url: folder.path().to_str().unwrap().to_owned(),
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
        };
        let archive = ArchiveConfig {
            targets: BTreeMap::from([("cold".to_owned(), target)]),
            master_key: Some(MasterKey::from_hex(&"5a".repeat(32)).unwrap()),
        };
        let test = TestOps::with_archive(engine, NOW, archive).await;
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days: Some(30),
            archive: Some("cold".to_owned()),
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-05", "2026-12").await;
        let site = Self { test, folder };
        let users = [(1, 200)].into_iter().chain((2..=300).map(|user| (user, 2)));
        let values = users.flat_map(|(user, payments)| {
            (0..payments).map(move |number| {
                let (id, day, hour) = (user * 1_000 + number, 1 + number % 31, user % 24);
                let name = if user % 7 == 0 { "NULL".to_owned() } else { format!("'Zoë Müller {user}'") };
                let amount = if number % 5 == 0 { "-0.0001".to_owned() } else { format!("{id}.25") };
                let currency = if user % 2 == 0 { "EUR" } else { "KRW" };
                format!(
                    "({id}, {user}, 'o{id}', 'p', 'card', 'PAID', {amount}, '{currency}', {name}, 'mail{user}@example.org', \
                     '2026-05-{day:02} {hour:02}:00:00.000001', '2026-05-{day:02} 23:59:59.999999')"
                )
            })
        });
        site.insert(TABLE, &values.collect::<Vec<_>>().join(",")).await;
        let run = site.apply().await;
        assert_eq!((run.steps[0].action.as_str(), run.outcome), ("quarantine 2026-05", RunOutcome::Done), "{run:#?}");
        site
    }

    async fn insert(&self, table: &str, values: &str) {
        self.execute(&format!(
            "INSERT INTO `{table}` (payment_id, user_id, order_id, provider, method, status, amount, currency, \
             payer_name, payer_email, created_at, updated_at) VALUES {values}"
        ))
        .await;
    }

    /// One more payment of May, with that id.
    async fn insert_one(&self, table: &str, id: u64) {
        let values =
            format!("({id}, 1, 'late', 'p', 'card', 'PAID', 1, 'EUR', 'Late', NULL, '2026-05-09', '2026-05-09')");
        self.insert(table, &values).await;
    }

    async fn execute(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.test.db.connect().await).await.unwrap();
    }

    async fn plan(&self) -> RotationPlan {
        rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap()
    }

    async fn steps(&self) -> Vec<(&'static str, bool)> {
        self.plan().await.steps.iter().map(|step| (step.action.verb(), step.is_active())).collect()
    }

    async fn apply(&self) -> RotationRun {
        let hash = self.plan().await.hash.0;
        rotation::apply_and_wait(&self.test.ops, &Permit::for_command(), "", &hash).await.unwrap()
    }

    async fn applied(&self) -> Vec<(StepOutcome, Option<u64>)> {
        self.apply().await.steps.iter().map(|step| (step.outcome, step.rows)).collect()
    }

    async fn twin(&self) -> String {
        let sql = "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_0\\_p202605\\_q%'";
        sqlx::query_scalar(sql).bind(self.test.db.name()).fetch_one(&mut self.test.db.connect().await).await.unwrap()
    }

    /// Every row of a table, each value in full.
    async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT CAST(CONCAT_WS('|', payment_id, user_id, order_id, provider, method, status, amount, currency, \
             COALESCE(payer_name, '-'), COALESCE(payer_email, '-'), COALESCE(failure_code, '-'), version, created_at, \
             updated_at) AS CHAR) FROM `{table}` ORDER BY payment_id"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }

    async fn states(&self) -> Vec<(ArchiveState, u64)> {
        let archives = archive::list(&self.test.ops, &Permit::for_command(), "", None).await.unwrap();
        archives.iter().map(|archive| (archive.state, archive.rows)).collect()
    }

    async fn verify(&self) -> Vec<Verification> {
        archive::verify(&self.test.ops, &Permit::for_command(), "", None).await.unwrap()
    }

    async fn restore(&self) -> payhist_types::archive::ArchiveRestored {
        let month = "2026-05".parse().unwrap();
        archive::restore(&self.test.ops, &Permit::for_command(), "", month).await.unwrap().remove(0)
    }

    /// The files of the archive, by name.
    fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("payments/2026-05");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

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
