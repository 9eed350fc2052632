//! schemathesis tries the REST API as its OpenAPI document describes it, valid and not: no answer may be another one than the
//! document says, and no defect shows.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::{Permission, Role};
use payhist_types::{EngineKind, PaymentId, ShardId};
use rstest::rstest;
use std::path::Path;
use std::process::Command;
use strum::IntoEnumIterator;
use support::{Serve, configuration, operator, token};

/// How long it tries; the first phases take as long as they take.
const TRIES_SECS: &str = "40";
/// The same tries each time: a build must not fail by chance.
const SEED: &str = "20261126";

/// A history with payments whose ids tell their place.
async fn history(engine: EngineKind) -> TestOps {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: Some(1), zone: "Europe/London".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-09", "2026-12").await;
    for shard in 0..2 {
        let row = |number: u16| {
            let at = test.clock.now() - chrono::TimeDelta::days(number.into());
            let id = PaymentId::new(u64::try_from(at.timestamp_millis()).unwrap(), ShardId(shard), number).unwrap();
            let at = at.format("%F %T");
            format!(
                "({id}, {shard}, 'ORD-{number}', 'stripe', 'card', 'PAID', {number}.5, 'EUR', 'Ann', '{at}', '{at}')"
            )
        };
        let rows: Vec<_> = (0..40).map(row).collect();
        let columns = "payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, created_at, updated_at";
        test.execute(&format!("INSERT INTO payment_history_shard_{shard} ({columns}) VALUES {}", rows.join(", ")))
            .await;
    }
    test
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_api_answers_as_its_document_says_whatever_it_is_asked(#[case] engine: EngineKind) {
    let test = history(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    operator(&test, Role::Admin).await;
    let all: Vec<_> = Permission::iter().collect();
    let token = token(&test, Role::Admin, &all).await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let run = Command::new("schemathesis")
        .current_dir(folder.path())
        .env("PAYHIST_HOOKS", here.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .args(["run", &format!("{}/api/v1/openapi.json", serve.url)])
        .args(["--header", &format!("Authorization: Bearer {}", token.secret)])
        .args(["--checks", "all", "--continue-on-failure", "--no-color", "--generation-database", "none"])
        .args(["--max-time", TRIES_SECS, "--seed", SEED])
        .output()
        .expect("schemathesis is on the PATH (.setup/ensure openapi puts it into the cache folder's tools/bin)");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let document: serde_json::Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let operations: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    let tested = format!("Tested: {}", operations - 1); // it leaves out the document itself
    assert!(said.contains(&tested), "not every operation was tried: {said}");
}
