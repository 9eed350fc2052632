//! Legal holds: placing and listing them.
//!
//! Invariant: rows are destroyed only through [`Doomed::destroy`], which looks at the holds under a lock that whoever
//! places a hold takes as well, or where there are none to destroy (`payhist_storage::permit`).

mod doomed;
mod keeps;
mod kept_rows;
mod release;

pub(crate) use doomed::Doomed;
pub(crate) use kept_rows::{KeptRows, count as count_rows};
pub use release::{approve_release, ask_release};

use crate::auth::{ManageHolds, Permit, ViewHolds};
use crate::zone::{day_start, local};
use crate::{Ops, OpsError, catalogue, histories, rotation, zone};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use payhist_storage::histories::History;
use payhist_storage::holds::{self as stored, NewHold};
use payhist_storage::{audit, tx};
use payhist_types::Month;
use payhist_types::holds::{Deed, Hold, HoldList, HoldScope, HoldView};
use payhist_types::payment::{HeldBy, Payment};
use serde_json::json;

/// Longest case number, in characters.
const CASE_NUMBER_CHARS_MAX: usize = 64;
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;
/// Longest order id, in characters.
const ORDER_CHARS_MAX: usize = 64;

/// The holds of a history: those that hold, then those that have ended, newest first.
pub async fn list(ops: &Ops, _permit: &Permit<ViewHolds>, history: &str) -> Result<HoldList, OpsError> {
    let history = histories::find(ops, history).await?;
    let zone = zone::parse(&history.spec.policy.zone)?;
    let now = ops.now();
    let (mut active, ended) = {
        let mut connection = ops.control().acquire("holds.list").await?;
        (
            stored::active(&mut connection, history.id, now).await?,
            stored::ended(&mut connection, history.id, now).await?,
        )
    };
    active.reverse();
    let inventory = catalogue::read_for_plan(ops, &history).await?;
    let rows = count_rows(ops, &history, &inventory.shards, &active).await?;
    let map = rotation::map_of(ops, &history, &inventory, &rows).await?;
    let view = |hold: Hold| {
        let active = hold.is_active(now);
        let keeps = if active { keeps::keeps(&hold, &map, &rows) } else { None };
        HoldView { active, keeps, hold: localised(hold, zone) }
    };
    let holds = active.into_iter().chain(ended).map(view).collect();
    Ok(HoldList { history: history.spec.name.to_string(), zone: zone.name().to_owned(), holds })
}

/// The holds that are on a payment of that month, oldest first.
pub(crate) async fn on_payment(
    ops: &Ops,
    history: &History,
    payment: &Payment,
    month: Month,
) -> Result<Vec<HeldBy>, OpsError> {
    let zone = zone::parse(&history.spec.policy.zone)?;
    let mut connection = ops.control().acquire("payments.holds").await?;
    let holds = stored::active(&mut connection, history.id, ops.now()).await?.into_iter();
    let on_it = holds.filter(|hold| hold.scope.is_on(payment.user_id, &payment.order_id, month));
    let held_by = on_it.map(|hold| HeldBy {
        hold: hold.id,
        case_number: hold.case_number,
        until: hold.until.map(|until| local(until.to_utc(), zone)),
    });
    Ok(held_by.collect())
}

/// What somebody wants to hold.
#[derive(Debug, Clone)]
pub struct Placement {
    /// On what.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// The case's number.
    pub case_number: String,
    /// The last day that it holds, in the business zone; `None`: until it is released.
    pub last_day: Option<NaiveDate>,
}

/// Places a hold; from its return on nothing that it keeps is destroyed. Answers its number.
///
/// # Errors
/// [`OpsError::BadInput`] by field.
pub async fn place(
    ops: &Ops,
    permit: &Permit<ManageHolds>,
    history: &str,
    placement: Placement,
) -> Result<u64, OpsError> {
    let history = histories::find(ops, history).await?;
    let (now, zone) = (ops.now(), zone::parse(&history.spec.policy.zone)?);
    let hold = checked(placement, zone, now)?;
    let id = tx::run(ops.control(), "holds.place", |connection| {
        let (hold, actor, history) = (hold.clone(), permit.actor().to_owned(), history.clone());
        Box::pin(async move {
            let id = stored::place(connection, history.id, &hold, &actor, now).await?;
            let detail = json!({ "hold": id, "scope": hold.scope, "case": hold.case_number, "until": hold.until });
            let target = history.spec.name.as_str();
            audit::append(connection, &audit::Entry { at: now, actor: &actor, action: "hold.place", target, detail })
                .await?;
            Ok(id)
        })
    })
    .await?;
    Ok(id)
}

fn checked(placement: Placement, zone: Tz, now: DateTime<Utc>) -> Result<NewHold, OpsError> {
    let Placement { scope, reason, case_number, last_day } = placement;
    let reason = bounded("reason", &reason, REASON_CHARS_MAX)?;
    let case_number = bounded("case_number", &case_number, CASE_NUMBER_CHARS_MAX)?;
    let scope = match scope {
        HoldScope::Order { order } => HoldScope::Order { order: bounded("order", &order, ORDER_CHARS_MAX)? },
        HoldScope::Unknown { .. } => return Err(OpsError::field("scope", "say what is to be held")),
        scope => scope,
    };
    let until = last_day.map(|day| day.succ_opt().map(|next| day_start(next, zone)));
    let until = until.map(|until| until.filter(|until| *until > now));
    let until = until.map(|until| until.ok_or_else(|| OpsError::field("last_day", "the day is over already")));
    Ok(NewHold { scope, reason, case_number, until: until.transpose()? })
}

fn bounded(field: &str, text: &str, chars_max: usize) -> Result<String, OpsError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > chars_max {
        return Err(OpsError::field(field, format!("use 1 to {chars_max} characters")));
    }
    Ok(text.to_owned())
}

fn localised(hold: Hold, zone: Tz) -> Hold {
    let deed = |deed: Deed| Deed { at: local(deed.at.to_utc(), zone), ..deed };
    Hold {
        placed: deed(hold.placed),
        until: hold.until.map(|until| local(until.to_utc(), zone)),
        release_asked: hold.release_asked.map(deed),
        released: hold.released.map(deed),
        ..hold
    }
}
