//! The first page: is it healthy, and what came in?

use crate::auth::{Permit, ViewPayments};
use crate::summary::{Range, Reader, Rows, Told};
use crate::zone::local;
use crate::{Ops, OpsError, catalogue, histories, rotation, zone};
use chrono::{DateTime, Days, TimeDelta, Utc};
use payhist_storage::histories::History;
use payhist_storage::summaries::Wanted;
use payhist_storage::{deadlocks, jobs};
use payhist_types::Month;
use payhist_types::findings::{Reach, Runway, Severity, grouped};
use payhist_types::jobs::JobRunStatus;
use payhist_types::overview::{DayTotal, Health, HealthCheck, Overview};
use payhist_types::plan::RotationPlan;
use payhist_types::sources::ShardSet;
use payhist_types::summary::{Figures, Part, PartState, SummaryBy, SummaryRow};

/// Days shown.
const DAYS: u64 = 14;

/// The overview of a history.
pub async fn view(ops: &Ops, _permit: &Permit<ViewPayments>, history: &str) -> Result<Overview, OpsError> {
    let history = histories::find(ops, history).await?;
    let zone = zone::parse(&history.spec.policy.zone)?;
    let now = ops.now();
    let plan = rotation::plan_of(ops, &history).await?;
    let runway = shortest(&plan.runway);
    let mut checks = vec![
        runway_check(&plan, runway),
        partitions_check(&plan),
        jobs_check(ops).await?,
        deadlocks_check(ops, now).await?,
    ];
    let (days, missing) = days(ops, &history).await?;
    checks.push(sources_check(&missing));
    checks.sort_by_key(|check| std::cmp::Reverse(check.health));
    Ok(Overview {
        history: history.spec.name.to_string(),
        zone: zone.name().to_owned(),
        read_at: local(now, zone),
        checks,
        runway,
        days,
        missing,
    })
}

/// The shard that runs out first; one that cannot be read counts as the worst.
fn shortest(runway: &[Runway]) -> Option<Runway> {
    runway.iter().copied().min_by_key(|runway| match runway.reach {
        Reach::Unknown => i32::MIN,
        Reach::Until { months, .. } => months,
        Reach::Endless => i32::MAX,
    })
}

fn check(title: &str, health: Health, value: impl Into<String>, detail: impl Into<String>, href: &str) -> HealthCheck {
    HealthCheck { title: title.to_owned(), health, value: value.into(), detail: detail.into(), href: href.to_owned() }
}

fn runway_check(plan: &RotationPlan, shortest: Option<Runway>) -> HealthCheck {
    let (health, value, detail) = match shortest.map(|runway| (runway.shard, runway.reach)) {
        None => (Health::Critical, "unknown".to_owned(), "The history has no shards.".to_owned()),
        Some((shard, Reach::Unknown)) => {
            (Health::Critical, "unknown".to_owned(), format!("Shard {shard} cannot be read."))
        }
        Some((shard, Reach::Endless)) => (
            Health::Good,
            "endless".to_owned(),
            format!("A MAXVALUE partition takes whatever comes on shard {shard} and all others."),
        ),
        Some((shard, Reach::Until { month, months })) => {
            let wanted = i32::from(plan.policy.premake_months.unwrap_or(0));
            let health = match months {
                ..=0 if wanted > 0 || months < 0 => Health::Critical,
                months if months < wanted => Health::Warning,
                _ => Health::Good,
            };
            let plural = if months == 1 { "" } else { "s" };
            (
                health,
                format!("{months} month{plural}"),
                format!("Shard {shard} has partitions to the end of {month}; no shard has fewer."),
            )
        }
    };
    check("Runway", health, value, detail, "/partitions")
}

fn partitions_check(plan: &RotationPlan) -> HealthCheck {
    let worst = plan.findings.iter().map(|finding| finding.severity).max();
    let health = match worst {
        Some(Severity::Critical) => Health::Critical,
        Some(Severity::Warning) => Health::Warning,
        _ => Health::Good,
    };
    let loud = grouped(plan.findings.iter().filter(|finding| finding.severity >= Severity::Warning));
    let detail =
        loud.first().map_or_else(|| "Every shard has the months it should have.".to_owned(), ToString::to_string);
    let waiting = plan.active_steps().count();
    let value = match (loud.len(), waiting) {
        (0, 0) => "in order".to_owned(),
        (0, steps) => format!("{steps} steps due"),
        (1, _) => "1 finding".to_owned(),
        (findings, _) => format!("{findings} findings"),
    };
    check("Partitions", health, value, detail, "/partitions")
}

async fn jobs_check(ops: &Ops) -> Result<HealthCheck, OpsError> {
    let mut connection = ops.control().acquire("overview.jobs").await?;
    let mut bad = Vec::new();
    for job in jobs::all(&mut connection).await? {
        let ended = jobs::runs(&mut connection, &job.name, 5).await?.into_iter().find(|run| run.finished_at.is_some());
        if let Some(run) = ended
            && matches!(run.status.0, JobRunStatus::Failed | JobRunStatus::Partial)
        {
            bad.push(format!("{}: {}", job.name, run.summary.unwrap_or_default()));
        }
    }
    Ok(match bad.first() {
        None => check("Jobs", Health::Good, "in order", "Every job's latest run succeeded.", "/jobs"),
        Some(first) => check("Jobs", Health::Warning, format!("{} not well", bad.len()), first.clone(), "/jobs"),
    })
}

async fn deadlocks_check(ops: &Ops, now: DateTime<Utc>) -> Result<HealthCheck, OpsError> {
    let mut connection = ops.control().acquire("overview.deadlocks").await?;
    let count = deadlocks::count_since(&mut connection, now - TimeDelta::hours(24)).await?;
    let health = if count == 0 { Health::Good } else { Health::Warning };
    let detail = if count == 0 {
        "No server has reported one."
    } else {
        "Open the database page for the transactions involved."
    };
    Ok(check("Deadlocks, 24 h", health, count.to_string(), detail, "/database"))
}

fn sources_check(missing: &[String]) -> HealthCheck {
    match missing.first() {
        None => check("Shards", Health::Good, "all answer", "Every shard answered within its deadline.", "/database"),
        Some(first) => {
            check("Shards", Health::Critical, format!("{} silent", missing.len()), first.clone(), "/database")
        }
    }
}

/// The last days' totals, and what is not in them.
async fn days(ops: &Ops, history: &History) -> Result<(Vec<DayTotal>, Vec<String>), OpsError> {
    let recent = catalogue::recent(ops, history.spec.name.as_str()).await?;
    let reader = Reader::new(ops, &recent)?;
    let today = ops.now().with_timezone(&reader.zone()).date_naive();
    let first = today.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(today);
    let month = |day| Month::of_date(day).map_err(|error| OpsError::Internal(error.to_string()));
    let range = Range {
        first: month(first)?,
        last: reader.current().max(month(today)?),
        wanted: Wanted { whole: false, days: true },
        days: Some((first, today)),
    };
    let rows = Rows::new(&[SummaryBy::Day], None, range.days);
    let (rows, told) = reader.read(&range, rows).await?;
    let total = |row: SummaryRow| {
        let Figures { count, failed, paid, .. } = row.figures;
        Some(DayTotal { day: row.key?.parse().ok()?, currency: row.currency, count, failed, amount: paid })
    };
    let days = rows.of(SummaryBy::Day).into_iter().filter_map(total).collect();
    Ok((days, lacking(&told)))
}

/// What the figures lack, in words.
fn lacking(told: &Told) -> Vec<String> {
    let silent =
        told.missing.iter().map(|missing| format!("Shard {} on {}: {}", missing.shard, missing.source, missing.reason));
    let unknown = |part: &&Part| !part.state.is_known() && part.state != PartState::Silent;
    let others = told.months.iter().filter(|month| !month.is_complete()).flat_map(|coverage| {
        let month = coverage.month;
        coverage.parts.iter().filter(unknown).map(move |part| {
            let shards = part.shards.iter().copied().collect::<ShardSet>();
            format!("{month} of shards {shards}: {}", part.state.words())
        })
    });
    silent.chain(others).collect()
}
