//! Holds as tables: those in force with what each keeps and how it ends, and those that have ended.

use crate::components::{Badge, Columns, Icon, IconName, Table, Time, Tone};
use crate::{api, format, links};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::holds::{Deed, Hold, HoldScope, HoldView, Keeps, MonthsKept, RowsKept};

/// Those in force.
#[component]
pub(super) fn HoldTable(holds: Vec<HoldView>, history: String, may: bool) -> impl IntoView {
    if holds.is_empty() {
        return view! { <p class="quiet">"Nothing is held."</p> }.into_any();
    }
    let rows = holds.into_iter().map(move |view| {
        let HoldView { hold, keeps, .. } = view;
        let until = match hold.until {
            Some(at) => view! { <Time at /> }.into_any(),
            None => view! { <span>"its release"</span> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row" data-name="hold">{hold.id}</th>
                <td>{scope(&hold.scope, &history)}</td>
                <td class="whole" data-name="case">{case(&hold)}</td>
                <td class="whole" data-name="placed">{deed(&hold.placed)}</td>
                <td data-name="until">{until}</td>
                <td class="whole" data-name="keeps">{keeps.map(|keeps| kept(&hold.scope, &keeps))}</td>
                <td class="whole">{release(&hold, may)}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Holds in force"
            caption="Holds in force, newest first"
            class="holds folding"
            columns=Columns::default().words(["Hold", "On", "Case", "Placed", "Until", "Keeps", "Release"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

/// Those that have ended.
#[component]
pub(super) fn EndedTable(holds: Vec<HoldView>) -> impl IntoView {
    let rows = holds.into_iter().map(|HoldView { hold, .. }| {
        let end = match (&hold.released, hold.until) {
            (Some(released), _) => view! { "Released "{deed(released)} }.into_any(),
            (None, Some(at)) => view! { "Ran out "<Time at /> }.into_any(),
            (None, None) => ().into_any(),
        };
        view! {
            <tr>
                <th scope="row" data-name="hold">{hold.id}</th>
                <td>{hold.scope.to_string()}</td>
                <td class="whole" data-name="case">{case(&hold)}</td>
                <td class="whole" data-name="placed">{deed(&hold.placed)}</td>
                <td class="whole">{end}{asked(&hold)}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Ended holds"
            caption="Ended holds, newest first"
            class="holds folding"
            columns=Columns::default().words(["Hold", "On", "Case", "Placed", "Ended"])
        >
            {rows.collect_view()}
        </Table>
    }
}

fn scope(scope: &HoldScope, history: &str) -> impl IntoView + use<> {
    let words = scope.to_string();
    let payments = match scope {
        HoldScope::User { user } => Some(links::of_user(*user, history)),
        HoldScope::Order { order } => Some(links::of_order(order, history)),
        _ => None,
    };
    match payments {
        Some(href) => view! { <a href=href>{words}</a> }.into_any(),
        None => words.into_any(),
    }
}

fn case(hold: &Hold) -> impl IntoView + use<> {
    view! { <span class="mono">{hold.case_number.clone()}</span><p class="quiet">{hold.reason.clone()}</p> }
}

fn deed(deed: &Deed) -> impl IntoView + use<> {
    view! { <Time at=deed.at />" "<span class="quiet">"by "{deed.by.clone()}</span> }
}

fn asked(hold: &Hold) -> impl IntoView + use<> {
    let reason = hold.release_reason.clone();
    hold.release_asked.as_ref().map(|asked| view! { <p class="quiet">"asked for "{deed(asked)}": "{reason}</p> })
}

fn kept(scope: &HoldScope, keeps: &Keeps) -> impl IntoView + use<> {
    match keeps {
        Keeps::Months(kept) => months_kept(scope, *kept).into_any(),
        Keeps::Rows(kept) => rows_kept(kept).into_any(),
    }
}

fn months_kept(scope: &HoldScope, kept: MonthsKept) -> String {
    match (scope, kept.months) {
        (HoldScope::Month { .. }, 0) => "nothing is there".to_owned(),
        _ => format!(
            "{}, ≈ {} rows, {}",
            counted(kept.months.into(), "month"),
            format::count(kept.rows_estimate),
            format::bytes(kept.bytes)
        ),
    }
}

fn rows_kept(kept: &RowsKept) -> impl IntoView + use<> {
    let all = match (kept.shards, kept.rows) {
        (0, _) => None,
        (_, 0) => Some("no rows yet".to_owned()),
        (_, rows) => Some(format!("{} in {}", counted(rows, "row"), counted(kept.months.into(), "month"))),
    };
    let places = [(kept.quarantined_rows, "in quarantine"), (kept.carved_out_rows, "carved out")];
    let places = places.into_iter().filter(|(rows, _)| *rows > 0);
    let places: Vec<_> = places.map(|(rows, place)| format!("{} {place}", format::count(rows))).collect();
    let lost = kept.not_counted_words().into_iter().map(|words| view! { <p class="quiet">{words}</p> });
    view! {
        {all}
        {(!places.is_empty()).then(|| view! { <p class="quiet">"of these, "{places.join(", ")}</p> })}
        {lost.collect_view()}
    }
}

/// `1 month`, `12 months`
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", format::count(count), if count == 1 { "" } else { "s" })
}

/// How the release stands, and the form for its next step.
fn release(hold: &Hold, may: bool) -> impl IntoView + use<> {
    let id = hold.id.to_string();
    match &hold.release_asked {
        None if may => view! { <AskForm id /> }.into_any(),
        None => view! { <span class="quiet">"not asked for"</span> }.into_any(),
        Some(by) => {
            let next = if !may {
                ().into_any()
            } else if api::is_me(&by.by) {
                view! { <p class="quiet">"You asked: another operator approves."</p> }.into_any()
            } else {
                view! { <ApproveForm id /> }.into_any()
            };
            view! { <Badge tone=Tone::Warning text="asked for, still holds" icon=IconName::Clock />{asked(hold)}{next} }
                .into_any()
        }
    }
}

#[component]
fn AskForm(id: String) -> impl IntoView {
    let field = format!("release-{id}");
    view! {
        <details>
            <summary>"Ask for release"</summary>
            <form method="post" action=api::AskRelease::PATH class="stack">
                <input type="hidden" name="hold" value=id.clone() />
                <div class="field">
                    <label for=field.clone()>{format!("Why hold {id} may end")}</label>
                    <input id=field name="reason" required maxlength="500" autocomplete="off" />
                </div>
                <button type="submit">{format!("Ask to release hold {id}")}</button>
            </form>
        </details>
    }
}

#[component]
fn ApproveForm(id: String) -> impl IntoView {
    view! {
        <form method="post" action=api::ApproveRelease::PATH class="inline-form">
            <input type="hidden" name="hold" value=id.clone() />
            <button type="submit" class="danger"><Icon name=IconName::Check />{format!("Approve: end hold {id}")}</button>
        </form>
    }
}
