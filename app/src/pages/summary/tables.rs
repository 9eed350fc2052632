//! Tables by provider, method and currency.

use super::form::Asked;
use super::groups::{Group, amount};
use crate::components::{Columns, Table};
use crate::format;
use crate::language::tr;
use leptos::prelude::*;

/// One row a group, those with most payments first.
#[component]
pub(super) fn GroupTable(
    title: String,
    head: String,
    mut groups: Vec<Group>,
    /// The groups are currencies, each of which leads to the same page of it alone.
    #[prop(optional)]
    choose: Option<Asked>,
) -> impl IntoView {
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    let content = if groups.is_empty() {
        view! { <p class="quiet">{tr!("No payments are known in these months.")}</p> }.into_any()
    } else {
        let rows = groups.iter().map(|group| row(group, choose.as_ref())).collect_view();
        view! {
            <Table
                label=title.clone()
                caption=title.clone()
                class="folding"
                columns=Columns::default().words([head]).figures([tr!("Payments"), tr!("Failed"), tr!("Failure rate"), tr!("Paid")])
            >
                {rows}
            </Table>
        }
        .into_any()
    };
    let hint = choose.is_some().then(|| {
        view! { <p class="quiet card-foot">{tr!("Choose a currency to see what was paid over time.")}</p> }
    });
    view! { <section class="card"><h2>{title}</h2>{content}{hint}</section> }
}

fn row(group: &Group, choose: Option<&Asked>) -> impl IntoView + use<> {
    let rate = group.failure_percent().map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
    let paid = group
        .paid
        .iter()
        .map(|(currency, paid)| {
            view! {
                <span class="money">{amount(*paid, currency)}" "<span class="currency">{currency.clone()}</span></span>
            }
        })
        .collect_view();
    let name = match (choose, &group.key) {
        (Some(asked), Some(code)) => view! { <a href=asked.in_currency(code)>{code.clone()}</a> }.into_any(),
        (_, Some(key)) => key.clone().into_any(),
        (_, None) => tr!("none").into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="whole">{name}</th>
            <td class="number" data-name=tr!("Payments")>{format::count(group.count)}</td>
            <td class="number" data-name=tr!("Failed")>{format::count(group.failed)}</td>
            <td class="number">{rate}</td>
            <td class="number amounts whole" data-name=tr!("Paid")>{paid}</td>
        </tr>
    }
}
