//! What `partitions plan --json` says beside the plan.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use rstest::rstest;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{PAYHIST, configuration};

fn plan(config: &Path) -> Value {
    let arguments = ["partitions", "plan", "--json"];
    let output = Command::new(PAYHIST).env("PAYHIST_CONFIG", config).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One that replicates from nobody, and one that does not answer.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn replicas_are_beside_the_plan_and_no_part_of_its_hash(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { retention_months: Some(1), zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-08", "2026-11").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let without = plan(&config);
    let none = &without["obstacles"];
    assert_eq!((&none["replicas"], &none["replica_lag_max_secs"]), (&json!([]), &json!(10)), "{without}");

    let socket = test.db.socket().to_string_lossy().replace('/', "%2F");
    let replica =
        |name: &str, socket: &str| format!("{{ name = \"{name}\", url = \"mysql://root@localhost?socket={socket}\" }}");
    let replicas = [replica("copy", &socket), replica("gone", "%2Fnowhere")].join(", ");
    fs::write(&config, format!("{}replicas = [{replicas}]\n", fs::read_to_string(&config).unwrap())).unwrap();
    let with = plan(&config);
    let told: Vec<_> = with["obstacles"]["replicas"].as_array().unwrap().iter().collect();
    let words =
        |replica: &Value| [&replica["source"], &replica["name"], &replica["state"]["kind"]].map(Value::to_string);
    let words: Vec<_> = told.iter().map(|replica| words(replica).join(" ")).collect();
    assert_eq!(words, [r#""main" "copy" "no_replica""#, r#""main" "gone" "unreachable""#], "{with}");
    assert_eq!((&with["hash"], &with["steps"]), (&without["hash"], &without["steps"]));
    assert!(with["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{with}");
}
