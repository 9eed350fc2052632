//! Rotation in a few words: payments, holds, plans and runs of a test's own history.

use crate::{TestEngine, TestOps, running};
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{histories, rotation};
use payhist_storage::runs;
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::plan::RotationPlan;
use payhist_types::run::{RotationRun, StepOutcome};
use sqlx::AssertSqlSafe;
use std::fmt::Debug;
use std::time::Duration;

/// How often the server is asked whether a statement waits.
const POLL: Duration = Duration::from_millis(20);

/// The SQLSTATE of error 1146.
const NO_SUCH_TABLE: &str = "42S02";

/// Rows that one INSERT brings.
const INSERTED_AT_ONCE: usize = 1_000;

impl TestOps {
    /// Noon of 15 November 2026: of shards with months from `first` to December those before May have expired, and in
    /// quarantine May is due.
    pub async fn expiring(
        engine: impl Into<TestEngine>,
        shards: u16,
        quarantine_days: Option<u16>,
        first: &str,
    ) -> Self {
        let test = Self::new(engine, "2026-11-15T12:00:00Z").await;
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days,
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        test.history(shards, policy, Switches { drop: true, ..Switches::default() }, first, "2026-12").await;
        test
    }

    /// Runs one statement as root.
    pub async fn execute(&self, sql: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.db.connect().await).await;
        expect(done, sql);
    }

    /// Puts payments into a table: number, user and time. The order is `O-` and the number, the payer `Ann` and the number.
    pub async fn pay(&self, table: &str, payments: impl IntoIterator<Item = (u64, u64, &str)>) {
        let row = |(id, user, at): (u64, u64, &str)| {
            format!("({id}, {user}, 'O-{id}', 'p', 'card', 'PAID', {id}.5, 'EUR', 'Ann {id}', '{at}', '{at}')")
        };
        let rows: Vec<_> = payments.into_iter().map(row).collect();
        for rows in rows.chunks(INSERTED_AT_ONCE) {
            let columns = "payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, created_at, updated_at";
            self.execute(&format!("INSERT INTO `{table}` ({columns}) VALUES {}", rows.join(", "))).await;
        }
    }

    /// The numbers of a table's payments; none where there is no such table.
    pub async fn payments(&self, table: &str) -> Vec<u64> {
        let sql = format!("SELECT payment_id FROM `{table}` ORDER BY payment_id");
        let read = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.db.connect().await).await;
        match read {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_TABLE) => Vec::new(),
            read => expect(read, table),
        }
    }

    /// Places a hold, of the case 2026/88.
    pub async fn hold(&self, scope: HoldScope, last_day: Option<&str>) -> u64 {
        let last_day = last_day.map(|day| expect(day.parse(), day));
        let placement = Placement { scope, reason: "audit".into(), case_number: "2026/88".into(), last_day };
        expect(holds::place(&self.ops, &Permit::for_command(), "", placement).await, "a hold")
    }

    /// Today's plan.
    pub async fn plan(&self) -> RotationPlan {
        expect(rotation::plan(&self.ops, &Permit::for_command(), "").await, "the plan")
    }

    /// Applies today's plan, to its end.
    pub async fn apply(&self) -> RotationRun {
        let hash = self.plan().await.hash.0;
        expect(rotation::apply_and_wait(&self.ops, &Permit::for_command(), "", &hash).await, "the run")
    }

    /// Records a run for the plan, as if its process had been killed at once.
    pub async fn record(&self, plan: &RotationPlan) -> u64 {
        let history = expect(histories::find(&self.ops, "").await, "the history");
        let mut connection = self.db.connect().await;
        expect(runs::create(&mut connection, history.id, plan, "a killed process", self.ops.now()).await, "its record")
    }

    /// Takes a run up to its end.
    pub async fn resume(&self, run: u64) -> RotationRun {
        expect(rotation::resume(&self.ops, &Permit::for_command(), "").await, "the run taken up");
        expect(rotation::run(&self.ops, &Permit::for_command(), run).await, "the run")
    }

    /// Waits until a statement that is LIKE this, with the table's name for `{table}`, has been seen waiting and then gone: it
    /// gave up once.
    pub async fn gives_up_once(&self, statement: &str, table: &str) {
        let statement = statement.replace("{table}", &format!("`{}`.`{table}`", self.db.name()));
        let mut connection = self.db.connect().await;
        let mut seen = false;
        loop {
            match (seen, running(&mut connection, &statement).await) {
                (true, 0) => return,
                (false, 0) => {}
                _ => seen = true,
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Verb and month of each step of a plan.
pub fn words(plan: &RotationPlan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.action.verb(), step.action.month())).collect()
}

/// The outcome of each step of a run.
pub fn outcomes(run: &RotationRun) -> Vec<StepOutcome> {
    run.steps.iter().map(|step| step.outcome).collect()
}

fn expect<T>(result: Result<T, impl Debug>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}
