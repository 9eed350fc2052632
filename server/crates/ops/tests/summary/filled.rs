//! Rows that payhist itself brings into a closed month outdate what was kept of it.

use crate::support::{ask, next_second, states};
use payhist_ops::auth::Permit;
use payhist_ops::generate::{self, GenerateRequest};
use payhist_ops::import::{self, Format, ImportRequest, OnError};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::summary::{PartState, SummaryBy, SummaryQuery};
use rstest::rstest;
use std::io::Write;

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_import_and_a_generate_into_a_closed_month_are_in_its_figures(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 2, None, "2026-08").await;
    next_second().await;
    let query = SummaryQuery { to: "2026-10".into(), ..SummaryQuery::default() };
    ask(&test.ops, &query).await;
    let kept = ask(&test.ops, &query).await;
    assert_eq!(states(&kept, "2026-10"), [(PartState::Kept, vec![0, 1])]);
    assert!(kept.by(SummaryBy::Month).is_empty(), "known, and nothing was paid");

    let mut file = tempfile::NamedTempFile::new().unwrap();
    let line = "1,A,stripe,tx,card,PAID,10.50,USD,2026-10-05T10:00:00Z";
    let header = "user_id,order_id,provider,provider_tx_id,method,status,amount,currency,created_at";
    writeln!(file, "{header}\n{line}").unwrap();
    let request = ImportRequest {
        file: file.path().to_owned(),
        format: Format::Csv,
        history: String::new(),
        source: String::new(),
        zone: String::new(),
        on_error: OnError::Stop,
        stop: tokio_util::sync::CancellationToken::new(),
    };
    import::run(&test.ops, &Permit::for_command(), &request, |_| {}).await.unwrap();
    let imported = ask(&test.ops, &query).await;
    assert_eq!(states(&imported, "2026-10"), [(PartState::Counted, vec![0, 1])]);
    assert_eq!(states(&imported, "2026-09").iter().map(|part| part.0).collect::<Vec<_>>(), [PartState::Kept]);
    assert_eq!(imported.by(SummaryBy::Month)[0].figures.count, 1);

    let request = GenerateRequest {
        history: String::new(),
        rows: 300,
        users: 30,
        months: 3,
        seed: 7,
        until: Some("2026-10-20T00:00:00Z".parse().unwrap()),
    };
    let made = generate::run(&test.ops, &Permit::for_command(), &request, |_| {}).await.unwrap();
    let all = ask(&test.ops, &SummaryQuery::default()).await;
    let counted: u64 = all.by(SummaryBy::Month).iter().map(|row| row.figures.count).sum();
    assert_eq!(counted, made.rows + 1);
}
