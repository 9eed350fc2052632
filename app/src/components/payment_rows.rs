//! The rows of a table of payments, written as HTML in one go.
//!
//! A page has hundreds of cells; as a tree of views, each of some ten small allocations, they took half of the page's time.
//! Invariant: what comes from a row or an address goes through [`push_text`]; a time has nothing to escape.

use super::StatusBadge;
use super::payment::PaymentColumn;
use crate::{format, links};
use chrono::{DateTime, FixedOffset};
use html_escape::encode_double_quoted_attribute_to_string;
use leptos::prelude::*;
use payhist_types::money::Money;
use payhist_types::payment::{PaymentRow, PaymentStatus};
use std::collections::HashMap;

/// Bytes of a usual row.
const ROW_BYTES: usize = 1_024;

/// `<tr>…</tr>` for each payment.
pub(super) fn rows_html(rows: &[PaymentRow], columns: &[PaymentColumn], history: &str) -> String {
    let columns: Vec<_> = columns.iter().map(|column| (*column, cell_tag(*column))).collect();
    let mut badges = HashMap::new();
    let mut html = String::with_capacity(rows.len() * ROW_BYTES);
    for row in rows {
        html.push_str("<tr>");
        for (column, tag) in &columns {
            html.push_str(tag);
            push_cell(&mut html, *column, row, history, &mut badges);
            html.push_str("</td>");
        }
        html.push_str("</tr>");
    }
    html
}

fn cell_tag(column: PaymentColumn) -> String {
    let name = column.name().map(|name| format!(" data-name=\"{name}\"")).unwrap_or_default();
    let class = Some(column.class()).filter(|class| !class.is_empty());
    let class = class.map(|class| format!(" class=\"{class}\"")).unwrap_or_default();
    format!("<td{class}{name}>")
}

fn push_cell(
    html: &mut String,
    column: PaymentColumn,
    row: &PaymentRow,
    history: &str,
    badges: &mut HashMap<PaymentStatus, String>,
) {
    let PaymentRow { payment, shard, month } = row;
    match column {
        PaymentColumn::Created => push_time(html, &payment.created_at),
        PaymentColumn::Amount => push_amount(html, payment.money),
        PaymentColumn::Status => {
            let status = payment.status;
            html.push_str(badges.entry(status).or_insert_with(|| view! { <StatusBadge status /> }.to_html()));
        }
        PaymentColumn::Payment => {
            let id = payment.payment_id;
            push_link(html, "row-link mono", &links::payment(id, history), &id.to_string());
        }
        PaymentColumn::User => {
            push_link(html, "mono", &links::of_user(payment.user_id, history), &payment.user_id.to_string());
        }
        PaymentColumn::Order => {
            push_link(html, "mono", &links::of_order(&payment.order_id, history), &payment.order_id);
        }
        PaymentColumn::Method => {
            push_text(html, &payment.method);
            html.push(' ');
            push_within(html, "<span class=\"quiet\">", &payment.provider, "</span>");
        }
        PaymentColumn::Provider => push_text(html, &payment.provider),
        PaymentColumn::Reference => {
            if let Some(reference) = &payment.provider_tx_id {
                push_within(html, "<span class=\"mono\">", reference, "</span>");
            }
        }
        PaymentColumn::Payer => push_text(html, payment.payer_name.as_deref().unwrap_or_default()),
        PaymentColumn::Failure => {
            if let Some(code) = &payment.failure_code {
                push_within(html, "<code>", code, "</code>");
            }
        }
        PaymentColumn::Changed => {
            if let Some(at) = &payment.updated_at {
                push_time(html, at);
            }
        }
        PaymentColumn::Place => push_text(html, &format!("{shard}, {month}")),
    }
}

/// Text as it is, also within an attribute.
fn push_text(html: &mut String, text: &str) {
    encode_double_quoted_attribute_to_string(text, html);
}

fn push_within(html: &mut String, open: &str, text: &str, close: &str) {
    html.push_str(open);
    push_text(html, text);
    html.push_str(close);
}

fn push_link(html: &mut String, class: &str, href: &str, text: &str) {
    push_within(html, "<a class=\"", class, "\" href=\"");
    push_within(html, "", href, "\">");
    push_within(html, "", text, "</a>");
}

/// As [`super::Time`] shows it.
fn push_time(html: &mut String, at: &DateTime<FixedOffset>) {
    for piece in
        ["<time datetime=\"", &at.to_rfc3339(), "\" title=\"", &format::utc(at), "\">", &format::time(at), "</time>"]
    {
        html.push_str(piece);
    }
}

/// As [`super::Amount`] shows it.
fn push_amount(html: &mut String, money: Money) {
    push_within(html, "<span class=\"money\">", &money.grouped(), " <span class=\"currency\">");
    push_within(html, "", money.currency().as_str(), "</span></span>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn what_a_row_says_is_never_markup() {
        let evil = "<b>&\"'</b>";
        let row = serde_json::json!({
            "payment_id": "7", "user_id": "42", "order_id": evil, "provider": evil, "provider_tx_id": evil, "method": evil,
            "status": "PAID", "amount": "1234.50", "currency": "EUR", "payer_name": evil, "payer_email": evil,
            "failure_code": evil, "version": 1, "created_at": "2026-11-26T09:30:15+09:00",
            "updated_at": "2026-11-26T09:31:15+09:00", "shard": 3, "month": "2026-11"
        });
        let row: PaymentRow = serde_json::from_value(row).unwrap();
        let columns: Vec<_> = PaymentColumn::iter().collect();
        let html = rows_html(&[row], &columns, "h&\"");
        assert!(!html.contains("<b>") && !html.contains("&\""), "{html}");
        assert_eq!(html.matches("<td").count(), columns.len());
        assert!(html.contains("<time datetime=\"2026-11-26T09:30:15+09:00\" title=\"2026-11-26 00:30:15 UTC\">2026-11-26 09:30:15</time>"), "{html}");
        assert!(html.contains("1,234.50 <span class=\"currency\">EUR</span>") && html.contains("badge good"), "{html}");
    }

    #[test]
    fn rows_look_as_the_components_do() {
        let at: DateTime<FixedOffset> = "2026-11-26T09:30:15+09:00".parse().unwrap();
        let mut html = String::new();
        push_time(&mut html, &at);
        assert_eq!(html, view! { <crate::components::Time at /> }.to_html().replace("<!>", ""));
        let money = Money::parse("1234.5", "KRW".parse().unwrap()).unwrap();
        let mut html = String::new();
        push_amount(&mut html, money);
        assert_eq!(html, view! { <crate::components::Amount money /> }.to_html().replace("<!>", ""));
    }
}
