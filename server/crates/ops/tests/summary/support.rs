//! Asking for summaries, and what they should say: every row read and added up here.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, histories, summary};
use payhist_storage::{leases, summaries};
use payhist_testkit::{TestOps, waiting};
use payhist_types::ShardId;
use payhist_types::summary::{PartState, Summary, SummaryBy, SummaryQuery};
use rust_decimal::Decimal;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) async fn ask(ops: &Ops, query: &SummaryQuery) -> Summary {
    summary::view(ops, &Permit::for_command(), query).await.unwrap()
}

/// The shards of a month by where their figures come from.
pub(crate) fn states(summary: &Summary, month: &str) -> Vec<(PartState, Vec<u16>)> {
    let coverage = summary.months.iter().find(|coverage| coverage.month.to_string() == month).unwrap();
    let shards = |shards: &[ShardId]| shards.iter().map(|shard| shard.0).collect();
    coverage.parts.iter().map(|part| (part.state, shards(&part.shards))).collect()
}

/// Grouping, key, currency, count, decided, failed, amount and paid.
pub(crate) type Row = (SummaryBy, String, String, u64, u64, u64, String, String);

pub(crate) fn as_rows(summary: &Summary) -> Vec<Row> {
    let mut rows: Vec<_> = summary
        .breakdowns
        .iter()
        .flat_map(|breakdown| breakdown.rows.iter().map(|row| (breakdown.by, row)))
        .map(|(by, row)| {
            let (figures, text) = (row.figures, |amount: Decimal| amount.normalize().to_string());
            let key = row.key.clone().unwrap_or_default();
            (
                by,
                key,
                row.currency.clone(),
                figures.count,
                figures.decided,
                figures.failed,
                text(figures.amount),
                text(figures.paid),
            )
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// The same from all rows of both shards.
pub(crate) async fn truth(test: &TestOps, zone: &str) -> Vec<Row> {
    type Sums = (u64, u64, u64, Decimal, Decimal);
    type Stored = (DateTime<Utc>, String, String, String, String, Decimal);
    let zone: Tz = zone.parse().unwrap();
    let columns = "created_at, provider, method, status, currency, amount";
    let sql = format!(
        "SELECT {columns} FROM payment_history_shard_0 UNION ALL SELECT {columns} FROM payment_history_shard_1"
    );
    let stored: Vec<Stored> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap();
    let mut sums: BTreeMap<(SummaryBy, String, String), Sums> = BTreeMap::new();
    for (at, provider, method, status, currency, amount) in stored {
        let day = at.with_timezone(&zone).format("%Y-%m-%d").to_string();
        let is = |words: &[&str]| u64::from(words.contains(&status.as_str()));
        let paid = if status == "PAID" { amount } else { Decimal::ZERO };
        let keys = [
            (SummaryBy::Month, day[..7].to_owned()),
            (SummaryBy::Day, day),
            (SummaryBy::Provider, provider),
            (SummaryBy::Method, method),
            (SummaryBy::Status, status.clone()),
        ];
        for (by, key) in keys {
            let sum = sums.entry((by, key, currency.clone())).or_default();
            let decided = 1 - is(&["REQUESTED", "PENDING", "AUTHORIZED"]);
            *sum = (sum.0 + 1, sum.1 + decided, sum.2 + is(&["FAILED"]), sum.3 + amount, sum.4 + paid);
        }
    }
    let row = |((by, key, currency), (count, decided, failed, amount, paid)): ((SummaryBy, String, String), _)| {
        let text = |amount: Decimal| amount.normalize().to_string();
        (by, key, currency, count, decided, failed, text(amount), text(paid))
    };
    sums.into_iter().map(row).collect()
}

/// A payment at each of these moments, of all kinds, on two shards.
pub(crate) async fn pay_at(test: &TestOps, times: &[DateTime<Utc>]) {
    let statuses = ["PAID", "FAILED", "PENDING", "REFUNDED", "CANCELLED"];
    for shard in 0..2 {
        let values: Vec<_> = times
            .iter()
            .enumerate()
            .filter(|(row, _)| row % 2 == shard)
            .map(|(row, at)| {
                let (provider, method) = (["acme", "Globex", "ACME"][row % 3], ["card", "wallet"][row % 2]);
                let (status, currency) = (statuses[row % 5], ["KRW", "EUR"][row / 3 % 2]);
                let at = at.format("%Y-%m-%d %H:%M:%S%.6f");
                format!("({row}, {row}, 'o', '{provider}', '{method}', '{status}', {row}.0101, '{currency}', '{at}', '{at}')")
            })
            .collect();
        let columns =
            "payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at";
        test.execute(&format!("INSERT INTO payment_history_shard_{shard} ({columns}) VALUES {}", values.join(", ")))
            .await;
    }
    next_second().await;
}

/// Puts payments into a table, and waits until what the server remembers of it is in the past.
pub(crate) async fn pay(test: &TestOps, table: &str, payments: impl IntoIterator<Item = (u64, u64, &str)>) {
    test.pay(table, payments).await;
    next_second().await;
}

/// Outdates a month of every shard, as whoever is about to change its rows.
pub(crate) async fn outdate(test: &TestOps, month: &str) {
    let history = histories::find(&test.ops, "").await.unwrap();
    let mut connection = test.db.connect().await;
    for shard in history.spec.route.shards() {
        summaries::outdate(&mut connection, history.id, shard, month.parse().unwrap()).await.unwrap();
    }
}

/// The version of a month of shard 0.
pub(crate) async fn version(test: &TestOps, month: &str) -> u64 {
    let sql = "SELECT version FROM summary WHERE shard = 0 AND month = ?";
    sqlx::query_scalar(sql).bind(month).fetch_one(&mut test.db.connect().await).await.unwrap()
}

/// Waits until a SELECT waits for a lock of that table.
pub(crate) async fn waits_for_lock(test: &TestOps, table: &str) {
    let mut connection = test.db.connect().await;
    let counting = format!("SELECT TO_DAYS%`{}`.`{table}`%", test.db.name());
    while waiting(&mut connection, &counting).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn take_lease(test: &TestOps, name: &str) -> u64 {
    let (term, now) = (TimeDelta::minutes(1), test.clock.now());
    leases::take(&mut test.db.connect().await, name, "another", term, now).await.unwrap().unwrap()
}

pub(crate) async fn release_lease(test: &TestOps, name: &str, token: u64) {
    leases::release(&mut test.db.connect().await, name, token).await.unwrap();
}

/// What the server remembers of changes has whole seconds.
pub(crate) async fn next_second() {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
}
