//! Exports that are short say so: in the file, to whoever takes it, in the record; and they leave no statement behind.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_export;

use chrono::TimeDelta;
use parquet::file::reader::SerializedFileReader;
use payhist_ops::auth::Permit;
use payhist_ops::export;
use payhist_storage::exports;
use payhist_testkit::{Sessions, TestOps, running};
use payhist_types::export::{Export, ExportFormat, ExportScope, ExportState};
use payhist_types::holds::HoldScope;
use payhist_types::payment::PaymentQuery;
use payhist_types::run::RunOutcome;
use payhist_types::{EngineKind, ShardId, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use support_export::{Took, audited, history, history_with, start, take};

const POLL: Duration = Duration::from_millis(20);
const SHARD_1: &str = "payment_history_shard_1";

async fn recorded(test: &TestOps, id: u64) -> Export {
    export::find(&test.ops, &Permit::for_command(), id).await.unwrap()
}

/// Waits until an export is over.
async fn over(test: &TestOps, id: u64) -> Export {
    loop {
        let export = recorded(test, id).await;
        if export.state != ExportState::Running {
            return export;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The export after its heart has beaten once more, or its end: by the clock it has been silent for too long until then.
async fn after_a_beat(test: &TestOps, id: u64) -> Export {
    test.clock.advance(TimeDelta::seconds(31));
    loop {
        let export = recorded(test, id).await;
        if export.state != ExportState::Failed {
            return export;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Statements that read payments of the test at this moment.
async fn reading(test: &TestOps) -> usize {
    running(&mut test.db.connect().await, &format!("SELECT `payment_id`%`{}`%", test.db.name())).await
}

async fn until_reading(test: &TestOps, statements: usize) {
    while reading(test).await != statements {
        tokio::time::sleep(POLL).await;
    }
}

/// A session that keeps everybody from a shard's table.
async fn locked(test: &TestOps) -> Sessions {
    let mut sessions = Sessions::new(&test.db.connect_options(), &["owner"]).await;
    sessions.step("owner", &format!("LOCK TABLES {SHARD_1} WRITE")).await.done();
    sessions
}

fn is_marked(format: &str, bytes: &[u8], words: &str) {
    let text = String::from_utf8_lossy(bytes);
    match format {
        "csv" => assert!(text.lines().last().unwrap().starts_with(&format!("# INCOMPLETE: {words}")), "{text}"),
        "ndjson" => {
            let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert!(last["incomplete"].as_str().unwrap().starts_with(words), "{last}");
        }
        _ => assert!(SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).is_err()),
    }
}

/// It is in April, which is read last.
#[rstest]
#[tokio::test]
async fn a_row_that_cannot_be_read_fails_the_export_and_is_named(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values("csv", "ndjson", "parquet")] format: &str,
) {
    let (test, _) = history(engine).await;
    test.execute(&format!("UPDATE {SHARD_1} SET currency = 'eu?' ORDER BY created_at LIMIT 1")).await;
    let sql = format!("SELECT payment_id FROM {SHARD_1} WHERE currency = 'eu?'");
    let payment: u64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut test.db.connect().await).await.unwrap();

    let (bytes, error) = match start(&test.ops, format, &PaymentQuery::default()).await {
        Ok(running) => {
            let Took { bytes, ended } = take(running).await;
            (bytes, ended.unwrap_err())
        }
        Err(error) => (Vec::new(), error), // a row group is larger than all there is
    };
    let words = format!(
        "shard 1 on main could not be read (2026-04 and older): inconsistent data: payment {payment} has the unknown currency \"eu?\""
    );
    assert_eq!(error.to_string(), words);
    assert_eq!(bytes.is_empty(), format == "parquet");
    is_marked(format, &bytes, "shard 1 on main could not be read");
    let exports = export::list(&test.ops, &Permit::for_command(), "").await.unwrap();
    let [export] = &exports[..] else { panic!("{exports:?}") };
    assert_eq!((export.state, export.failure.as_deref()), (ExportState::Failed, Some(words.as_str())));
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Quarantined,
    Restored,
    Dropped,
    CarvedOut,
}

/// April, which is read last, goes elsewhere while the newest months are taken.
#[rstest]
#[tokio::test]
async fn a_month_that_goes_elsewhere_in_mid_export_fails_it(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values(Meanwhile::Quarantined, Meanwhile::Restored, Meanwhile::Dropped, Meanwhile::CarvedOut)]
    meanwhile: Meanwhile,
) {
    let leaves_at_once = meanwhile == Meanwhile::CarvedOut;
    let (test, _) = history_with(engine, if leaves_at_once { None } else { Some(10) }).await;
    let is_there_first = matches!(meanwhile, Meanwhile::Quarantined | Meanwhile::CarvedOut);
    if !is_there_first {
        assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    }
    let running = start(&test.ops, "csv", &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    let in_quarantine: Vec<_> = running.export().scope.quarantined.iter().map(ToString::to_string).collect();
    match meanwhile {
        Meanwhile::Quarantined => assert_eq!(test.apply().await.outcome, RunOutcome::Done),
        Meanwhile::Restored => {
            let month = "2026-04".parse().unwrap();
            payhist_ops::rotation::restore(&test.ops, &Permit::for_command(), "", month).await.unwrap();
        }
        Meanwhile::Dropped => {
            let run = test.apply().await;
            assert!(run.steps.iter().all(|step| step.action.contains("drop")), "{run:#?}");
        }
        Meanwhile::CarvedOut => {
            test.hold(HoldScope::User { user: UserId(3) }, None).await; // on shard 0
            let run = test.apply().await;
            let of_shard_0: Vec<_> = run.steps.iter().take(2).map(|step| step.action.as_str()).collect();
            assert_eq!((run.outcome, of_shard_0), (RunOutcome::Done, vec!["carve-out 2026-04", "drop 2026-04"]));
        }
    }
    let Took { bytes, ended } = take(running).await;
    let words = ended.unwrap_err().to_string();
    let where_it_went = match meanwhile {
        Meanwhile::Restored => "2026-04 and older: a month was restored",
        _ => "2026-04 and older: partitions of payment_history_shard_0 were moved",
    };
    assert!(words.starts_with(where_it_went), "{words}");
    is_marked("csv", &bytes, &words);
    let export = recorded(&test, id).await;
    assert_eq!((export.state, export.failure, export.sha256), (ExportState::Failed, Some(words), None));
    let before = if is_there_first { vec![] } else { vec!["2026-04".to_owned()] };
    assert_eq!(in_quarantine, before, "what a quarantine has is not in the file, and the export says so");
}

#[rstest]
#[tokio::test]
async fn a_shard_that_is_lost_in_mid_export_is_named_in_the_file_and_in_its_record(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values("csv", "ndjson", "parquet")] format: &str,
) {
    let (test, _) = history(engine).await;
    let mut owner = locked(&test).await;
    let running = start(&test.ops, format, &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    until_reading(&test, 1).await;
    owner.step("owner", &format!("ALTER TABLE {SHARD_1} RENAME TO lost")).await.done();
    owner.step("owner", "UNLOCK TABLES").await.done();
    let Took { bytes, ended } = take(running).await;
    let words = ended.unwrap_err().to_string();
    assert!(words.starts_with("shard 1 on main could not be read (2026-11 and newer): "), "{words}");
    is_marked(format, &bytes, &words);
    let export = recorded(&test, id).await;
    assert_eq!((export.state, export.failure, export.sha256), (ExportState::Failed, Some(words), None));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_cancelled_export_ends_its_statement_and_says_who_cancelled_it(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let _owner = locked(&test).await;
    let running = start(&test.ops, "ndjson", &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    until_reading(&test, 1).await;
    let permit = Permit::for_command();
    export::cancel(&test.ops, &permit, id).await.unwrap();
    until_reading(&test, 0).await; // though its table is still locked
    let Took { bytes, ended } = take(running).await;
    assert_eq!(ended.unwrap_err().to_string(), "cancelled by command");
    is_marked("ndjson", &bytes, "cancelled by command");
    let export = recorded(&test, id).await;
    assert_eq!((export.state, export.failure.as_deref()), (ExportState::Cancelled, Some("cancelled by command")));
    assert!(export::cancel(&test.ops, &permit, id).await.is_err(), "it is over");
    let actions: Vec<_> = audited(&test).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["export.begin", "export.cancel", "export.end"]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_export_that_stands_still_says_that_it_is_alive_and_how_far_it_is(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let _owner = locked(&test).await;
    let running = start(&test.ops, "csv", &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    until_reading(&test, 1).await;
    let export = after_a_beat(&test, id).await;
    assert_eq!((export.state, export.reads_done), (ExportState::Running, 1), "one of the first shard");
}

/// While rows stream, and while none come.
#[rstest]
#[tokio::test]
async fn an_export_that_nobody_takes_any_more_ends_with_its_statement(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values(true, false)] streams: bool,
) {
    let (test, spec) = history(engine).await;
    let _owner = if streams { None } else { Some(locked(&test).await) };
    if streams {
        let columns = "payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, created_at, updated_at";
        let table = spec.table_of(ShardId(0));
        let sql = format!(
            "INSERT INTO `{table}` ({columns}) SELECT ROW_NUMBER() OVER (), 3, a.order_id, 'p', 'card', 'PAID', 1, 'EUR', \
             REPEAT('n', 250), '2026-11-02', '2026-11-02' FROM `{table}` a, `{table}` b, `{table}` c LIMIT 60000"
        );
        test.execute(&sql).await;
    }
    let running = start(&test.ops, "csv", &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    until_reading(&test, 1).await;
    drop(running);
    until_reading(&test, 0).await;
    let export = over(&test, id).await;
    let words = Some("whoever fetched it went away".to_owned());
    assert_eq!((export.state, export.failure), (ExportState::Cancelled, words));
}

#[tokio::test]
async fn an_export_whose_taker_does_not_confirm_is_not_complete() {
    let (test, _) = history(EngineKind::MariaDb).await;
    let mut running = start(&test.ops, "csv", &PaymentQuery::default()).await.unwrap();
    let id = running.export().id;
    while running.next().await.is_some() {}
    assert_eq!(after_a_beat(&test, id).await.state, ExportState::Running, "all of it is there, and waits for the word");
    drop(running); // as when the last of it cannot be written
    assert_eq!(over(&test, id).await.state, ExportState::Cancelled);
}

#[tokio::test]
async fn the_record_that_a_killed_process_leaves_is_shown_as_failed() {
    let (test, _) = history(EngineKind::MariaDb).await;
    let history = payhist_ops::histories::find(&test.ops, "").await.unwrap();
    let scope = ExportScope {
        from: None,
        until: None,
        shards: vec![ShardId(0)],
        months: None,
        quarantined: Vec::new(),
        reads: 8,
    };
    let asked = exports::NewExport {
        history_id: history.id,
        started_by: "a killed process".to_owned(),
        query: PaymentQuery::default(),
        format: ExportFormat::Csv,
        reveal_reason: None,
        scope,
    };
    let id = exports::begin(&mut test.db.connect().await, &asked, test.clock.now()).await.unwrap();
    assert_eq!(recorded(&test, id).await.state, ExportState::Running);
    test.clock.set("2026-11-15T12:00:31Z".parse().unwrap());
    let export = recorded(&test, id).await;
    assert_eq!(export.state, ExportState::Failed);
    assert!(export.failure.unwrap().starts_with("its process ended"));
    assert!(export::cancel(&test.ops, &Permit::for_command(), id).await.is_err());
}
