//! `payhist holds`

use super::output::{Outcome, say, table};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use payhist_ops::Ops;
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_types::holds::{HoldList, HoldScope, HoldView, Keeps};
use payhist_types::{Month, UserId};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum HoldsCommand {
    /// Place a hold: nothing that it keeps is dropped before it ends.
    #[command(
        after_help = "Example: payhist holds add --month 2025-10 --case 2026/88 --reason 'tax audit' --last-day 2027-12-31"
    )]
    Add(AddArgs),
    /// All holds, with what each keeps.
    #[command(after_help = "Example: payhist holds list --json | jq '.holds[] | select(.active)'")]
    List {
        /// Which history; the oldest one by default.
        #[arg(long, value_name = "NAME", default_value = "")]
        history: String,
    },
    /// Ask for a hold's release. It goes on holding until an operator approves on the page Holds.
    #[command(after_help = "Example: payhist holds release 12 --reason 'case closed'")]
    Release {
        /// The hold's number.
        hold: u64,
        /// Why it may end.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Which history; the oldest one by default.
    #[arg(long, value_name = "NAME", default_value = "")]
    history: String,
    #[command(flatten)]
    scope: ScopeArgs,
    /// The case's number.
    #[arg(long = "case", value_name = "NUMBER")]
    case_number: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// The last day that it holds, in the business zone; without it, until it is released.
    #[arg(long, value_name = "YYYY-MM-DD")]
    last_day: Option<NaiveDate>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ScopeArgs {
    /// All payments of a user.
    #[arg(long, value_name = "ID")]
    user: Option<UserId>,
    /// All payments of an order.
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// A month on every shard.
    #[arg(long)]
    month: Option<Month>,
    /// Everything.
    #[arg(long)]
    whole_history: bool,
}

impl ScopeArgs {
    /// The one that was given: clap sees to it that one was.
    fn scope(self) -> HoldScope {
        let user = self.user.map(|user| HoldScope::User { user });
        let order = self.order.map(|order| HoldScope::Order { order });
        let month = self.month.map(|month| HoldScope::Month { month });
        user.or(order).or(month).unwrap_or(HoldScope::History)
    }
}

pub(super) async fn run(command: HoldsCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    match command {
        HoldsCommand::Add(AddArgs { history, scope, case_number, reason, last_day }) => {
            let placement = Placement { scope: scope.scope(), reason, case_number, last_day };
            let scope = placement.scope.to_string();
            let id = holds::place(ops, &Permit::for_command(), &history, placement).await?;
            Ok(say(json, &json!({ "hold": id }), || format!("Hold {id} keeps {scope}.")))
        }
        HoldsCommand::List { history } => {
            let list = holds::list(ops, &Permit::for_command(), &history).await?;
            Ok(say(json, &list, || list_words(&list)))
        }
        HoldsCommand::Release { hold, reason } => {
            holds::ask_release(ops, &Permit::for_command(), hold, &reason).await?;
            Ok(say(json, &json!({ "hold": hold, "release": "asked" }), || {
                format!(
                    "The release of hold {hold} is asked for. It holds until an operator approves on the page Holds."
                )
            }))
        }
    }
}

fn list_words(list: &HoldList) -> String {
    if list.holds.is_empty() {
        return format!("Nothing of {} is held.", list.history);
    }
    let rows: Vec<_> = list.holds.iter().map(row).collect();
    table(&["HOLD", "ON", "CASE", "STATE", "KEEPS", "REASON"], &rows)
}

fn row(view: &HoldView) -> Vec<String> {
    let hold = &view.hold;
    let state = match (&hold.released, &hold.until, &hold.release_asked) {
        (Some(deed), ..) => format!("released {} by {}", deed.at.format("%Y-%m-%d"), deed.by),
        (None, Some(until), _) if !view.active => format!("ended {}", until.format("%Y-%m-%d %H:%M")),
        (None, _, Some(asked)) => format!("holds; release asked by {}", asked.by),
        (None, Some(until), None) => format!("holds until {}", until.format("%Y-%m-%d %H:%M")),
        (None, None, None) => "holds until released".to_owned(),
    };
    let keeps = view.keeps.as_ref().map(keeps_words).unwrap_or_default();
    vec![hold.id.to_string(), hold.scope.to_string(), hold.case_number.clone(), state, keeps, hold.reason.clone()]
}

fn keeps_words(keeps: &Keeps) -> String {
    match keeps {
        Keeps::Months(kept) => format!("{} months, ~{} rows", kept.months, kept.rows_estimate),
        Keeps::Rows(kept) => {
            let counted = (kept.shards > 0).then(|| match (kept.rows, kept.months) {
                (0, _) => "no rows yet".to_owned(),
                (rows, months) => format!("{rows} rows of {months} months"),
            });
            counted.into_iter().chain(kept.not_counted_words()).collect::<Vec<_>>().join("; ")
        }
    }
}
