//! Payments wherever they are listed: the state as a badge, the rows as a table.

use super::{Amount, Badge, IconName, Time, Tone};
use crate::links;
use leptos::prelude::*;
use payhist_types::payment::{PaymentRow, PaymentStatus};

/// The status as people say it.
pub(crate) const fn status_word(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Requested => "Requested",
        PaymentStatus::Pending => "Pending",
        PaymentStatus::Authorized => "Authorized",
        PaymentStatus::Paid => "Paid",
        PaymentStatus::Failed => "Failed",
        PaymentStatus::Cancelled => "Cancelled",
        PaymentStatus::Expired => "Expired",
        PaymentStatus::PartiallyRefunded => "Partially refunded",
        PaymentStatus::Refunded => "Refunded",
    }
}

/// The status as icon and word.
#[component]
pub(crate) fn StatusBadge(status: PaymentStatus) -> impl IntoView {
    let (tone, icon) = match status {
        PaymentStatus::Requested => (Tone::Neutral, IconName::Clock),
        PaymentStatus::Pending => (Tone::Active, IconName::Running),
        PaymentStatus::Authorized => (Tone::Active, IconName::Check),
        PaymentStatus::Paid => (Tone::Good, IconName::Check),
        PaymentStatus::Failed => (Tone::Critical, IconName::Critical),
        PaymentStatus::Cancelled => (Tone::Neutral, IconName::Blocked),
        PaymentStatus::Expired => (Tone::Warning, IconName::Clock),
        PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => (Tone::Neutral, IconName::Refund),
    };
    view! { <Badge tone text=status_word(status) icon /> }
}

/// A column of the table of payments, by its name in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum PaymentColumn {
    Created,
    Amount,
    Status,
    Payment,
    User,
    Order,
    Method,
    Provider,
    Reference,
    Payer,
    Failure,
    Changed,
    Place,
}

impl PaymentColumn {
    /// What is shown unless something else is chosen. Every choice has [`Self::Payment`], which leads to the payment.
    pub(crate) const USUAL: [Self; 8] =
        [Self::Created, Self::Amount, Self::Status, Self::Payment, Self::User, Self::Order, Self::Method, Self::Place];

    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Amount => "Amount",
            Self::Status => "Status",
            Self::Payment => "Payment",
            Self::User => "User",
            Self::Order => "Order",
            Self::Method => "Method",
            Self::Provider => "Provider",
            Self::Reference => "Reference",
            Self::Payer => "Payer",
            Self::Failure => "Failure",
            Self::Changed => "Changed",
            Self::Place => "Shard, month",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Amount => "number",
            Self::Place | Self::Payer => "quiet",
            _ => "",
        }
    }

    /// Names in a folded row what would not be clear without its heading.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::User => Some("user"),
            Self::Order => Some("order"),
            Self::Reference => Some("reference"),
            Self::Payer => Some("payer"),
            Self::Changed => Some("changed"),
            Self::Place => Some("shard"),
            _ => None,
        }
    }

    fn cell(self, row: &PaymentRow, history: &str) -> AnyView {
        let PaymentRow { payment, shard, month } = row;
        let text = |value: &Option<String>| value.clone().unwrap_or_default().into_any();
        match self {
            Self::Created => view! { <Time at=payment.created_at /> }.into_any(),
            Self::Amount => view! { <Amount money=payment.money /> }.into_any(),
            Self::Status => view! { <StatusBadge status=payment.status /> }.into_any(),
            Self::Payment => {
                let href = links::payment(payment.payment_id, history);
                view! { <a class="row-link mono" href=href>{payment.payment_id.to_string()}</a> }.into_any()
            }
            Self::User => {
                let href = links::of_user(payment.user_id, history);
                view! { <a class="mono" href=href>{payment.user_id.to_string()}</a> }.into_any()
            }
            Self::Order => {
                let href = links::of_order(&payment.order_id, history);
                view! { <a class="mono" href=href>{payment.order_id.clone()}</a> }.into_any()
            }
            Self::Method => {
                view! { {payment.method.clone()}" "<span class="quiet">{payment.provider.clone()}</span> }.into_any()
            }
            Self::Provider => payment.provider.clone().into_any(),
            Self::Reference => match payment.provider_tx_id.clone() {
                Some(reference) => view! { <span class="mono">{reference}</span> }.into_any(),
                None => ().into_any(),
            },
            Self::Payer => text(&payment.payer_name),
            Self::Failure => match payment.failure_code.clone() {
                Some(code) => view! { <code>{code}</code> }.into_any(),
                None => ().into_any(),
            },
            Self::Changed => payment.updated_at.map(|at| view! { <Time at /> }).into_any(),
            Self::Place => format!("{shard}, {month}").into_any(),
        }
    }
}

/// Payments in their order; each row leads to its payment.
#[component]
pub(crate) fn PaymentTable(
    rows: Vec<PaymentRow>,
    history: String,
    caption: &'static str,
    #[prop(default = PaymentColumn::USUAL.to_vec())] columns: Vec<PaymentColumn>,
    #[prop(optional)] compact: bool,
) -> impl IntoView {
    let heading = |column: &PaymentColumn| view! { <th scope="col" class=column.class()>{column.heading()}</th> };
    let headings = columns.iter().map(heading).collect_view();
    let cell = |column: &PaymentColumn, row: &PaymentRow| {
        view! { <td class=column.class() data-name=column.name()>{column.cell(row, &history)}</td> }
    };
    let row = |row: &PaymentRow| {
        let cells = columns.iter().map(|column| cell(column, row)).collect_view();
        view! { <tr>{cells}</tr> }
    };
    let rows = rows.iter().map(row).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=caption>
            <table class="folding" class:compact=compact>
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr>{headings}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
