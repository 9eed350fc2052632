//! Payments wherever they are listed: the state as a badge, the rows as a table.

use super::payment_rows::rows_html;
use super::{Badge, IconName, Tone};
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

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Amount => "number",
            Self::Place | Self::Payer => "quiet",
            _ => "",
        }
    }

    /// Names in a folded row what would not be clear without its heading.
    pub(super) const fn name(self) -> Option<&'static str> {
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
    let rows = rows_html(&rows, &columns, &history);
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=caption>
            <table class="folding" class:compact=compact>
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr>{headings}</tr></thead>
                <tbody inner_html=rows></tbody>
            </table>
        </div>
    }
}
