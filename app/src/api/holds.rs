//! Legal holds and their release.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::holds::HoldList;

use super::Result;
use super::server::{answer, authorise, principal, respond_with};

/// The holds of a history with what each keeps; empty means the default one.
#[server(name = ReadHolds, prefix = "/api/ui", endpoint = "holds", input = GetUrl)]
pub async fn holds(#[server(default)] history: String) -> Result<HoldList> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::holds::list(&ops, &permit, &history).await)
}

/// Places a hold; answers its number. Errors: `BadInput` by field.
#[server(prefix = "/api/ui", endpoint = "holds/place")]
pub async fn place_hold(
    /// The history.
    history: String,
    /// `user`, `order`, `month` or `history`.
    kind: String,
    /// Which user, order or month.
    #[server(default)]
    which: String,
    /// The case's number.
    case_number: String,
    /// Why.
    reason: String,
    /// The last day in the business zone, as `YYYY-MM-DD`; empty: until it is released.
    #[server(default)]
    last_day: String,
) -> Result<u64> {
    use payhist_ops::holds::{Placement, place};
    use payhist_types::error::{ApiError, ErrorKind, FieldError};
    use payhist_types::holds::HoldScope;
    let (ops, permit) = authorise()?;
    let wrong = |field: &str, message: String| {
        let mut error = ApiError::new(ErrorKind::BadInput, "The hold was not placed.");
        error.fields.push(FieldError { field: field.to_owned(), message });
        respond_with(error)
    };
    let scope = HoldScope::parse(&kind, &which).map_err(|why| wrong("which", why))?;
    let last_day = match last_day.trim() {
        "" => None,
        day => Some(day.parse().map_err(|_| wrong("last_day", format!("{day:?} is no day like 2027-12-31")))?),
    };
    answer(place(&ops, &permit, &history, Placement { scope, reason, case_number, last_day }).await)
}

/// Asks for a hold's release; it holds until another operator approves. Errors: `Refused` when it was asked already.
#[server(prefix = "/api/ui", endpoint = "holds/ask-release")]
pub async fn ask_release(
    /// The hold's number.
    hold: u64,
    /// Why it may end.
    reason: String,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::holds::ask_release(&ops, &permit, hold, &reason).await)
}

/// Approves a release that another operator asked for: the hold ends. Errors: `Refused` for whoever asked.
#[server(prefix = "/api/ui", endpoint = "holds/approve-release")]
pub async fn approve_release(
    /// The hold's number.
    hold: u64,
) -> Result<()> {
    let approver = principal()?;
    let ops = expect_context::<payhist_ops::Ops>();
    answer(payhist_ops::holds::approve_release(&ops, &approver, hold).await)
}
