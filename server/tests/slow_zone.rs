//! The business zone changes between plan and apply, or between a kill and the run's resumption: months of the zone that was
//! are never touched by it. Through the binary.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::history::{HistorySpec, Policy, Switch};
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{EngineKind, Month, ShardId};
use rstest::rstest;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::{PAYHIST, configuration};

const SHARDS: u16 = 2;

/// A configured history with the months of London, of which some have expired.
struct Site {
    test: TestOps,
    config: PathBuf,
    base: String,
    rest_of_policy: &'static str,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new(engine: EngineKind, rest_of_policy: &'static str) -> Self {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        let base = std::fs::read_to_string(&config).unwrap();
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Europe::London);
        let month = |months| -> Month { today.plus(months).unwrap() };
        let policy = Policy { zone: "Europe/London".to_owned(), ..Policy::default() };
        let spec = HistorySpec { table_pattern: "shop_{shard}".to_owned(), ..test.spec(SHARDS, policy) };
        let (first, last) = (month(-6).to_string(), month(0).to_string());
        let shards = (0..SHARDS).map(ShardId);
        TestOps::make_tables(&mut test.db.connect().await, &spec, shards, &first, &last).await;
        let site = Self { test, config, base, rest_of_policy, _folder: folder };
        site.zone("Europe/London");
        assert!(site.payhist(&["config", "check"], None).status.success());
        assert!(site.payhist(&["partitions", "plan"], None).status.success(), "adopted");
        rotation::switch(&site.test.ops, &Permit::for_command(), "shop", Switch::Drop, true).await.unwrap();
        site
    }

    /// Writes the policy's zone into the configuration.
    fn zone(&self, zone: &str) {
        let history = format!(
            "[[history]]\nname = \"shop\"\nsource = \"main\"\nschema = \"{}\"\ntable_pattern = \"shop_{{shard}}\"\n\
             route = {{ kind = \"modulo\", shards = {SHARDS} }}\n[history.policy]\nzone = \"{zone}\"\n{}",
            self.test.db.name(),
            self.rest_of_policy
        );
        std::fs::write(&self.config, format!("{}{history}", self.base)).unwrap();
    }

    fn payhist(&self, arguments: &[&str], fault: Option<&str>) -> Output {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).args(["--json", "--config"]).arg(&self.config);
        if arguments[0] == "partitions" {
            command.args(["--history", "shop"]);
        }
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command.output().unwrap()
    }

    async fn partitions(&self) -> Vec<String> {
        let sql = "SELECT CAST(CONCAT(TABLE_NAME, ' ', PARTITION_NAME) AS CHAR) FROM information_schema.PARTITIONS \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'shop%' ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION";
        sqlx::query_scalar(sql).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the real clock")]
fn real_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_plan_made_in_another_zone_is_refused(#[case] engine: EngineKind) {
    let site = Site::new(engine, "premake_months = 1\nretention_months = 4\n").await;
    let before = site.partitions().await;
    let plan: serde_json::Value = serde_json::from_slice(&site.payhist(&["partitions", "plan"], None).stdout).unwrap();
    let hash = plan["hash"].as_str().unwrap();
    assert!(plan["steps"].as_array().unwrap().len() >= 4, "adds and drops: {plan}");
    site.zone("Asia/Seoul");
    let refused = site.payhist(&["partitions", "apply", "--plan", hash], None);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(said.contains("the situation has changed since this plan was made"), "{said}");
    assert_eq!(site.partitions().await, before);
    site.zone("Europe/London");
    let applied = site.payhist(&["partitions", "apply", "--plan", hash], None);
    assert!(applied.status.success(), "in its own zone it is the same plan: {applied:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_run_that_was_killed_does_nothing_more_in_another_zone(#[case] engine: EngineKind) {
    for fault in [
        "rotation.after_begin",
        "rotation.before_intent",
        "rotation.after_intent",
        "rotation.before_ddl",
        "rotation.after_ddl",
        "rotation.after_settle",
    ] {
        let site = Site::new(engine, "retention_months = 4\n").await;
        let died = site.payhist(&["partitions", "apply"], Some(fault));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&died.status), Some(6), "{fault}: {died:?}");
        let left = site.partitions().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'")
            .execute(&mut site.test.db.connect().await)
            .await
            .unwrap();
        site.zone("Asia/Seoul");
        let again = site.payhist(&["partitions", "apply"], None);
        assert_eq!(site.partitions().await, left, "{fault}: {again:?}");
        let runs = rotation::runs(&site.test.ops, &Permit::for_command(), "shop").await.unwrap();
        let [run] = &runs[..] else { panic!("{fault}: {runs:#?}") };
        assert!(matches!(run.outcome, RunOutcome::Failed | RunOutcome::Partial), "{fault}: {run:#?}");
        let run = rotation::run(&site.test.ops, &Permit::for_command(), run.id).await.unwrap();
        let done = run.steps.iter().filter(|step| step.outcome == StepOutcome::Done).count();
        assert!(done <= 1, "{fault}: {run:#?}");
        let blocked = run.steps.iter().filter_map(|step| step.detail.as_deref());
        let blocked = blocked.filter(|detail| detail.contains("the policy was changed since the run was planned"));
        assert_eq!(blocked.count() + done, run.steps.len(), "{fault}: {run:#?}");
    }
}
