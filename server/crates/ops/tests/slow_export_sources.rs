//! An export of a history on two servers, one of which is killed while its rows stream: what there is of the file says so.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_export;
#[expect(dead_code, reason = "it uses a part of it")]
mod support_sources;

use payhist_ops::auth::Permit;
use payhist_ops::export;
use payhist_types::export::ExportState;
use payhist_types::payment::PaymentQuery;
use payhist_types::{EngineKind, ShardId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use support_export::{Took, start, take};
use support_sources::{Deployment, SCHEMA};

/// More than fits between a server and whoever takes the file.
const ROWS: usize = 60_000;

#[rstest]
#[case::mariadb_dies(EngineKind::MySql, EngineKind::MariaDb)]
#[case::mysql_dies(EngineKind::MariaDb, EngineKind::MySql)]
#[tokio::test]
async fn a_server_that_is_killed_in_mid_stream_fails_the_export_and_is_named(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
    #[values("csv", "ndjson")] format: &str,
) {
    let test = Deployment::new(first, second).await;
    fill(&test).await;
    let running = start(&test.ops, format, &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    test.second.kill9().await;
    let Took { bytes, ended } = take(running).await;

    let words = ended.unwrap_err().to_string();
    assert!(words.starts_with("shard 2 on second could not be read (2026-11 and newer): "), "{words}");
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() > 2 && lines.len() < ROWS, "it was on its way: {} lines", lines.len());
    let last = match format {
        "csv" => lines.last().unwrap().strip_prefix("# INCOMPLETE: ").unwrap().to_owned(),
        _ => serde_json::from_str::<serde_json::Value>(lines.last().unwrap()).unwrap()["incomplete"].to_string(),
    };
    assert!(last.contains("shard 2 on second"), "{last}");
    let export = export::find(&test.ops, &Permit::for_command(), id).await.unwrap();
    assert_eq!((export.state, export.failure, export.sha256), (ExportState::Failed, Some(words), None));
}

/// Makes shard 2, which is the first on the second server, large in its newest month.
async fn fill(test: &Deployment) {
    let columns =
        "payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, created_at, updated_at";
    let table = test.spec.table_of(ShardId(2));
    let digits = (0..10).map(|digit| format!("SELECT {digit} AS n")).collect::<Vec<_>>().join(" UNION ALL ");
    let digits: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|name| format!("({digits}) {name}")).collect();
    let sql = format!(
        "INSERT INTO `{SCHEMA}`.`{table}` ({columns}) SELECT ROW_NUMBER() OVER (), 2, 'o', 'p', 'card', 'PAID', 1, 'EUR', \
         REPEAT('n', 250), '2026-11-02', '2026-11-02' FROM {} LIMIT {ROWS}",
        digits.join(", ")
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&mut test.second.connect().await).await.unwrap();
}
