//! Many at once: what each of them needs is read once, however many ask for it while it is being read.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_export;

use futures::future::join_all;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, browse};
use payhist_types::EngineKind;
use payhist_types::payment::PaymentQuery;
use rstest::rstest;

const PEOPLE: usize = 20;

/// Connections taken so far: of payhist's own database, and of the source.
fn taken(ops: &Ops) -> (u64, u64) {
    (ops.control().stats().acquired, ops.source("main").unwrap().pool.stats().acquired)
}

fn of_user(history: &str) -> PaymentQuery {
    PaymentQuery { user: "4".to_owned(), history: history.to_owned(), ..PaymentQuery::default() }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_crowd_reads_the_catalogue_as_often_as_one_does(#[case] engine: EngineKind) {
    let (test, spec) = support_export::history(engine).await;
    let (for_one, for_many) = (test.second_instance().await, test.second_instance().await);
    let (one_begins, many_begin) = (taken(&for_one), taken(&for_many));

    let query = of_user(spec.name.as_str());
    let page = browse::list(&for_one, &Permit::for_command(), &query).await.unwrap();
    assert!(!page.payments.is_empty());
    let permit = Permit::for_command();
    let pages = join_all((0..PEOPLE).map(|_| browse::list(&for_many, &permit, &query))).await;
    assert!(pages.into_iter().all(|other| other.unwrap().payments == page.payments));

    let (one, many) = (taken(&for_one), taken(&for_many));
    assert_eq!(many.0 - many_begin.0, one.0 - one_begins.0, "of payhist's own database");
    browse::list(&for_one, &permit, &query).await.unwrap();
    let rounds = taken(&for_one).1 - one.1;
    let others = u64::try_from(PEOPLE - 1).unwrap() * rounds;
    assert_eq!(many.1 - many_begin.1, one.1 - one_begins.1 + others, "of the source: what each page reads");
    assert_eq!(rounds, 2, "the latest months, then all others");
}

#[tokio::test]
async fn each_of_a_crowd_is_told_what_went_wrong() {
    let (test, _) = support_export::history(EngineKind::MariaDb).await;
    let (permit, query) = (Permit::for_command(), of_user("elsewhere"));
    let pages = join_all((0..PEOPLE).map(|_| browse::list(&test.ops, &permit, &query))).await;
    for page in pages {
        assert!(matches!(&page, Err(OpsError::NotFound(what)) if what.contains("elsewhere")), "{page:?}");
    }
}
