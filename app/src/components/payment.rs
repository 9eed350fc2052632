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

/// Payments, newest first; each row leads to its payment.
#[component]
pub(crate) fn PaymentTable(rows: Vec<PaymentRow>, history: String, caption: &'static str) -> impl IntoView {
    let rows = rows.into_iter().map(|row| view! { <Row row history=history.clone() /> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=caption>
            <table>
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Created"</th>
                        <th scope="col" class="number">"Amount"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Payment"</th>
                        <th scope="col">"User"</th>
                        <th scope="col">"Order"</th>
                        <th scope="col">"Method"</th>
                        <th scope="col">"Shard, month"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: PaymentRow, history: String) -> impl IntoView {
    let PaymentRow { payment, shard, month } = row;
    let of_user = links::of_user(payment.user_id, &history);
    let of_order = links::of_order(&payment.order_id, &history);
    view! {
        <tr>
            <td><Time at=payment.created_at /></td>
            <td class="number"><Amount money=payment.money /></td>
            <td><StatusBadge status=payment.status /></td>
            <td><a class="row-link mono" href=links::payment(payment.payment_id, &history)>{payment.payment_id.to_string()}</a></td>
            <td><a class="mono" href=of_user>{payment.user_id.to_string()}</a></td>
            <td><a class="mono" href=of_order>{payment.order_id}</a></td>
            <td>{payment.method}" "<span class="quiet">{payment.provider}</span></td>
            <td class="quiet">{format!("{shard}, {month}")}</td>
        </tr>
    }
}
