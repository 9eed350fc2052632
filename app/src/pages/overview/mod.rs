//! The first page: is it healthy, and what came in?

mod days;

use crate::components::{Badge, Bar, BarChart, Columns, Known, Notice, Table, Time, Tone, history_of_url, loaded};
use crate::{api, format, links};
use days::{Day, MoneyRow, by_currency, by_day};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::overview::{Health, HealthCheck, Overview};

/// The overview of a history.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let history = history_of_url();
    view! {
        <Title text="Overview" />
        <div class="page-head"><h1>"Overview"</h1></div>
        {loaded(api::overview(history.clone()), |overview| view! { <Content overview history /> })}
    }
}

#[component]
fn Content(overview: Overview, history: String) -> impl IntoView {
    let today = overview.read_at.date_naive();
    let (days, money) = (by_day(&overview.days, today), by_currency(&overview.days, today));
    let is_short = !overview.missing.is_empty();
    let bars = days.iter().map(|day| bar(day, is_short)).collect();
    let summary = links::with_history("/payments/summary", &history);
    let Overview { zone, read_at, checks, missing, .. } = overview;
    let checks = checks.into_iter().map(|check| view! { <Check check history=history.clone() /> }).collect_view();
    let missing = (!missing.is_empty()).then(|| {
        let shards = missing.into_iter().map(|shard| view! { <li>{shard}</li> }).collect_view();
        view! {
            <Notice tone=Tone::Critical title="Incomplete: the figures below lack the payments of these shards.">
                <ul>{shards}</ul>
            </Notice>
        }
    });
    view! {
        <section class="cards checks" aria-label="Health">{checks}</section>
        {missing}
        <section class="card">
            <BarChart title="Payments per day" unit="payments" head="Day" part="failed" axis=format::short bars />
            <p class="card-foot"><a href=summary>"Summary by month, provider and method"</a></p>
        </section>
        <section class="card"><h2>"Paid, by currency"</h2><MoneyTable money /></section>
        <p class="quiet">"Read at "<Time at=read_at />". Days and times are in "{zone}"."</p>
    }
}

fn bar(day: &Day, is_short: bool) -> Bar {
    let so_far = if day.is_today { " so far" } else { "" };
    Bar {
        name: format!("{}{so_far}", day.date),
        label: if day.is_today { "today".to_owned() } else { day.date.format("%m-%d").to_string() },
        value: Some((day.count, format::count(day.count))),
        part: Some((day.failed, format::count(day.failed))),
        known: if is_short { Known::Partly } else { Known::Whole },
        note: is_short.then(|| "incomplete".to_owned()),
    }
}

#[component]
fn Check(check: HealthCheck, history: String) -> impl IntoView {
    let (tone, word) = match check.health {
        Health::Good => (Tone::Good, "Good"),
        Health::Warning => (Tone::Warning, "Look today"),
        Health::Critical => (Tone::Critical, "Look now"),
    };
    view! {
        <article class="card check">
            <div class="check-head">
                <h2><a href=links::with_history(&check.href, &history)>{check.title}</a></h2>
                <Badge tone text=word />
            </div>
            <p class="check-value">{check.value}</p>
            <p class="check-detail">{check.detail}</p>
        </article>
    }
}

#[component]
fn MoneyTable(money: Vec<MoneyRow>) -> impl IntoView {
    if money.is_empty() {
        return view! { <p class="quiet">"No payments in the last 14 days."</p> }.into_any();
    }
    let rows = money
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.currency.clone()}</th>
                    <td class="number">{days::amount(row.today, &row.currency)}</td>
                    <td class="number">{days::amount(row.all, &row.currency)}</td>
                    <td class="number">{format::count(row.count)}</td>
                    <td class="number">{format::count(row.failed)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Amounts by currency"
            caption="Amounts paid and payments by currency"
            columns=Columns::default().words(["Currency"]).figures(["Paid today", "Paid, 14 days", "Payments", "Failed"])
        >
            {rows}
        </Table>
    }
    .into_any()
}
