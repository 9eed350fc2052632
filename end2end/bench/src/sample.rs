//! The payments to page through: 24 months on ten shards, a few users with very many, in two sizes on one server.

use crate::demo::Demo;
use anyhow::{Result, ensure};
use sqlx::AssertSqlSafe;

/// Months of a sample.
pub(crate) const MONTHS: u32 = 24;
/// Its shards.
pub(crate) const SHARDS: u16 = 10;

/// A generated history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Its name.
    pub(crate) history: &'static str,
    /// Payments.
    pub(crate) rows: u64,
}

impl Sample {
    /// Makes it.
    pub(crate) async fn generate(history: &'static str, rows: u64, demo: &mut Demo) -> Result<Self> {
        eprintln!("bench: {rows} payments over {MONTHS} months into the history {history} …");
        let (rows_text, months) = (rows.to_string(), MONTHS.to_string());
        let made = demo.command(&["generate", "--history", history, "--rows", &rows_text, "--months", &months]).await?;
        ensure!(made["rows"].as_u64() == Some(rows), "generate said {made}");
        let sample = Self { history, rows };
        for shard in 0..SHARDS {
            let analyse = format!("ANALYZE TABLE {}.{}", sample.schema(), sample.table(shard));
            sqlx::query(AssertSqlSafe(analyse)).fetch_all(demo.database()).await?;
        }
        Ok(sample)
    }

    pub(crate) fn schema(&self) -> String {
        format!("payhist_{}", self.history)
    }

    pub(crate) fn table(&self, shard: u16) -> String {
        format!("{}_shard_{shard}", self.history)
    }

    /// `10 M` or `300,000`
    pub(crate) fn size(&self) -> String {
        if self.rows.is_multiple_of(1_000_000) { format!("{} M", self.rows / 1_000_000) } else { self.rows.to_string() }
    }
}
