//! Exports on real servers: every format holds exactly what the list shows, and whatever makes one short is to be seen.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_export;
mod support_export_read;

use payhist_ops::auth::Permit;
use payhist_ops::{OpsError, export};
use payhist_types::EngineKind;
use payhist_types::export::{ExportRequest, ExportState};
use payhist_types::payment::{Payment, PaymentQuery};
use rstest::rstest;
use sha2::{Digest, Sha256};
use support_export::{Took, audited, history, request, start, take};
use support_export_read::{from_csv, from_ndjson, from_parquet, listed};
use tokio_util::sync::CancellationToken;

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn each_format_has_the_rows_of_the_list_and_its_record_says_what_is_in_the_file(#[case] engine: EngineKind) {
    type Narrow = (&'static str, fn(&mut PaymentQuery));
    type Read = (&'static str, fn(&[u8]) -> Vec<Payment>);
    let filters: [Narrow; 6] = [
        ("all", |_| ()),
        ("user", |query| query.user = "4".to_owned()),
        ("status", |query| query.status = "FAILED,REFUNDED".to_owned()),
        ("part of a month", |query| (query.from, query.to) = ("2026-05-07".to_owned(), "2026-06-12T10:30".to_owned())),
        ("amount and currency", |query| (query.min, query.currency) = ("30".to_owned(), "KRW".to_owned())),
        ("nothing", |query| query.order = "none".to_owned()),
    ];
    let formats: [Read; 3] = [("csv", from_csv), ("ndjson", from_ndjson), ("parquet", from_parquet)];
    let (test, _) = history(engine).await;
    for (name, narrow) in filters {
        let mut query = PaymentQuery::default();
        narrow(&mut query);
        let expected = listed(&test.ops, &query).await;
        for (format, read) in formats {
            let Took { bytes, ended } = take(start(&test.ops, format, &query).await.unwrap()).await;
            let export = ended.unwrap();
            let mut rows = read(&bytes);
            rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.payment_id)));
            assert_eq!(rows, expected, "{name} as {format}");
            assert_eq!(export.state, ExportState::Complete);
            assert_eq!((export.rows, export.bytes), (rows.len() as u64, bytes.len() as u64), "{name} as {format}");
            assert_eq!(export.sha256, Some(hex::encode(Sha256::digest(&bytes))));
            assert_eq!(export.reads_done, export.scope.reads, "{name} as {format}");
        }
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn personal_fields_are_masked_unless_they_are_asked_for_with_a_reason(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let query = PaymentQuery { user: "4".to_owned(), ..PaymentQuery::default() };
    let file = |bytes| String::from_utf8(bytes).unwrap();
    let hidden = file(take(start(&test.ops, "csv", &query).await.unwrap()).await.bytes);
    assert!(hidden.contains("a•••@example.com") && !hidden.contains("ada@example.com"), "{hidden}");

    let clear = |reason: &str| ExportRequest {
        personal: "clear".to_owned(),
        reason: reason.to_owned(),
        ..request("csv", &query)
    };
    let allowed = || Ok(Permit::for_command());
    let no_reason =
        export::start(&test.ops, &Permit::for_command(), allowed, &clear(" "), CancellationToken::default()).await;
    assert!(matches!(&no_reason, Err(OpsError::BadInput(wrong)) if wrong[0].field == "reason"), "{no_reason:?}");
    let asked = clear("court order 7");
    let refused = || Err(OpsError::Forbidden(payhist_types::operator::Permission::RevealPersonalData));
    let forbidden =
        export::start(&test.ops, &Permit::for_command(), refused, &asked, CancellationToken::default()).await;
    assert!(matches!(forbidden, Err(OpsError::Forbidden(_))), "{forbidden:?}");
    let revealed =
        export::start(&test.ops, &Permit::for_command(), allowed, &asked, CancellationToken::default()).await.unwrap();
    let id = revealed.export().id;
    let took = take(revealed).await;
    assert!(file(took.bytes).contains("ada@example.com"));
    assert_eq!(took.ended.unwrap().reveal_reason.as_deref(), Some("court order 7"));

    let entries = audited(&test).await;
    let actions: Vec<_> = entries.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["export.begin", "export.end", "export.begin", "export.end"]);
    assert!(entries[0].1["reveal_reason"].is_null());
    assert_eq!((entries[2].1["export"].as_u64(), &entries[2].1["reveal_reason"]), (Some(id), &"court order 7".into()));
    assert_eq!(entries[2].1["query"]["user"], "4");
    assert_eq!((&entries[3].1["state"], &entries[3].1["rows"]), (&"complete".into(), &34.into()));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn no_text_of_a_csv_file_is_a_formula_and_none_is_lost(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let texts = ["=1+1", "+49", "-2", "@x", "'quoted", "\tt", "a,b", "say \"x\"", "two\nlines", "é=1"];
    let rows = texts.iter().zip(1_u64..).map(|(text, id)| {
        let order = text.replace('\'', "''");
        format!("({id}, 3000000, '{order}', 'p', 'card', 'PAID', -1.5, 'EUR', '2026-05-02', '2026-05-02')")
    });
    let columns = "payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at";
    let table = spec.table_of(payhist_types::ShardId(0));
    test.execute(&format!("INSERT INTO `{table}` ({columns}) VALUES {}", rows.collect::<Vec<_>>().join(", "))).await;
    let query = PaymentQuery { user: "3000000".to_owned(), ..PaymentQuery::default() };
    let took = take(start(&test.ops, "csv", &query).await.unwrap()).await;
    let mut reader = csv::Reader::from_reader(took.bytes.as_slice());
    let mut fields: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
    fields.sort_by_key(|record| record[0].parse::<u64>().unwrap());
    for (record, text) in fields.iter().zip(texts) {
        let order = &record[2];
        assert!(!order.starts_with(['=', '+', '-', '@', '\t']), "{order:?}");
        assert_eq!(order.strip_prefix('\'').unwrap_or(order), text);
        assert_eq!(&record[7], "-1.5", "a number is left a number");
    }
    assert_eq!(fields.len(), texts.len());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn what_cannot_be_exported_is_refused_before_it_is_recorded(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let refused = async |change: fn(&mut ExportRequest)| {
        let mut asked = request("csv", &PaymentQuery::default());
        change(&mut asked);
        let allowed = || Ok(Permit::for_command());
        let error = export::start(&test.ops, &Permit::for_command(), allowed, &asked, CancellationToken::default())
            .await
            .unwrap_err();
        match error {
            OpsError::BadInput(fields) => fields.into_iter().map(|wrong| wrong.field).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    };
    assert_eq!(refused(|asked| asked.format = "xlsx".to_owned()).await, "format");
    assert_eq!(refused(|asked| asked.personal = "all".to_owned()).await, "personal");
    assert_eq!(refused(|asked| asked.query.user = "x".to_owned()).await, "user");
    assert_eq!(refused(|asked| asked.query.limit = "10".to_owned()).await, "limit");
    let lost = spec.table_of(payhist_types::ShardId(2));
    test.execute(&format!("RENAME TABLE `{0}`.`{lost}` TO `{0}`.lost", spec.schema)).await;
    assert_eq!(refused(|_| ()).await, "shard 2: The table does not exist");
    assert_eq!(audited(&test).await, []);

    // Of the others' users all is there.
    let query = PaymentQuery { user: "4".to_owned(), ..PaymentQuery::default() };
    let took = take(start(&test.ops, "csv", &query).await.unwrap()).await;
    assert_eq!(took.ended.unwrap().state, ExportState::Complete);
}

#[tokio::test]
async fn an_instance_makes_two_exports_at_once_and_the_next_when_one_is_done() {
    let (test, _) = history(EngineKind::MariaDb).await;
    let all = PaymentQuery::default();
    let [one, other] = [start(&test.ops, "csv", &all).await.unwrap(), start(&test.ops, "csv", &all).await.unwrap()];
    let third = start(&test.ops, "csv", &all).await;
    assert!(matches!(third, Err(OpsError::TooMany(_))), "{third:?}");
    take(one).await.ended.unwrap();
    take(start(&test.ops, "csv", &all).await.unwrap()).await.ended.unwrap();
    take(other).await.ended.unwrap();
}
