//! Payments wherever they are listed: the state as a badge, the rows as a table.

use super::payment_rows::rows_html;
use super::{Badge, IconName, Tone};
use crate::language::tr;
use leptos::prelude::*;
use payhist_types::payment::{PaymentRow, PaymentStatus};

/// The status as people say it.
pub(crate) fn status_word(status: PaymentStatus) -> String {
    match status {
        PaymentStatus::Requested => tr!("Requested"),
        PaymentStatus::Pending => tr!("Pending"),
        PaymentStatus::Authorized => tr!("Authorized"),
        PaymentStatus::Paid => tr!("Paid"),
        PaymentStatus::Failed => tr!("Failed"),
        PaymentStatus::Cancelled => tr!("Cancelled"),
        PaymentStatus::Expired => tr!("Expired"),
        PaymentStatus::PartiallyRefunded => tr!("Partially refunded"),
        PaymentStatus::Refunded => tr!("Refunded"),
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

    pub(crate) fn heading(self) -> String {
        match self {
            Self::Created => tr!("Created"),
            Self::Amount => tr!("Amount"),
            Self::Status => tr!("Status"),
            Self::Payment => tr!("column" => "Payment"),
            Self::User => tr!("User"),
            Self::Order => tr!("Order"),
            Self::Method => tr!("Method"),
            Self::Provider => tr!("Provider"),
            Self::Reference => tr!("Reference"),
            Self::Payer => tr!("Payer"),
            Self::Failure => tr!("Failure"),
            Self::Changed => tr!("Changed"),
            Self::Place => tr!("Shard, month"),
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
    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::User => Some(tr!("user")),
            Self::Order => Some(tr!("order")),
            Self::Reference => Some(tr!("reference")),
            Self::Payer => Some(tr!("payer")),
            Self::Changed => Some(tr!("changed")),
            Self::Place => Some(tr!("shard")),
            _ => None,
        }
    }
}

/// Payments in their order; each row leads to its payment.
#[component]
pub(crate) fn PaymentTable(
    rows: Vec<PaymentRow>,
    history: String,
    caption: String,
    #[prop(default = PaymentColumn::USUAL.to_vec())] columns: Vec<PaymentColumn>,
    #[prop(optional)] compact: bool,
) -> impl IntoView {
    let heading = |column: &PaymentColumn| view! { <th scope="col" class=column.class()>{column.heading()}</th> };
    let headings = columns.iter().map(heading).collect_view();
    let rows = rows_html(&rows, &columns, &history);
    let label = caption.clone();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="folding" class:compact=compact>
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr>{headings}</tr></thead>
                <tbody inner_html=rows></tbody>
            </table>
        </div>
    }
}
