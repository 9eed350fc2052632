//! Exports as a table: what was asked for, how far it is, and what the file is known by.

use crate::components::{Badge, Columns, Copy, Icon, IconName, Table, Time, Tone};
use crate::pages::payments::{ListState, in_words};
use crate::{api, format};
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::export::{Export, ExportState};
use payhist_types::operator::Permission;
use payhist_types::payment::PaymentQuery;

/// Newest first.
#[component]
pub(super) fn ExportTable(exports: Vec<Export>, history: String) -> impl IntoView {
    if exports.is_empty() {
        let payments = crate::links::with_history("/payments", &history);
        return view! { <p class="quiet">"Nothing was exported yet. "<a href=payments>"Filter payments"</a>" and choose Export."</p> }
            .into_any();
    }
    let rows = exports.into_iter().map(|export| view! { <Row export /> });
    view! {
        <Table
            label="Exports"
            caption="Exports, newest first"
            class="exports folding"
            columns=Columns::default().words(["Export", "Payments", "State"]).figures(["Rows", "Size"]).words(["Begun", "Manifest"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(export: Export) -> impl IntoView {
    let query = as_it_was(&export);
    let words = in_words(&query);
    let what = if words.is_empty() { "all payments".to_owned() } else { format!("payments{words}") };
    let list = ListState::of(query).address();
    let personal = export.reveal_reason.clone().map(|reason| {
        view! { <p class="quiet">"Personal fields in clear: "{reason}</p> }
    });
    let id = export.id;
    let began = export.started_at;
    view! {
        <tr id=format!("export-{id}")>
            <th scope="row" data-name="export"><span>{id}" "<span class="quiet">{export.format.to_string()}</span></span></th>
            <td class="whole" data-name="of"><a href=list>{what}</a>{personal}</td>
            <td class="whole" data-name="state">{state(&export)}</td>
            <td class="number" data-name="rows">{format::count(export.rows)}</td>
            <td class="number" data-name="size">{format::bytes(export.bytes)}</td>
            <td class="whole" data-name="begun"><Time at=began /><p class="quiet">"by "{export.started_by.clone()}</p></td>
            <td class="whole">{manifest(&export)}</td>
        </tr>
    }
}

/// What was asked, with the range that moving words like `today` meant then.
fn as_it_was(export: &Export) -> PaymentQuery {
    let written =
        |at: Option<DateTime<FixedOffset>>| at.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default();
    let (from, to) = (written(export.scope.from), written(export.scope.until));
    PaymentQuery { from, to, ..export.query.clone() }
}

fn state(export: &Export) -> impl IntoView + use<> {
    let (tone, word) = match export.state {
        ExportState::Running => (Tone::Active, "at work"),
        ExportState::Complete => (Tone::Good, "complete"),
        ExportState::Failed => (Tone::Critical, "failed"),
        ExportState::Cancelled => (Tone::Warning, "cancelled"),
    };
    let progress = (export.state == ExportState::Running).then(|| {
        let (done, all) = (export.reads_done, export.scope.reads);
        let label = format!("Export {}", export.id);
        view! {
            <progress max=all value=done aria-label=label></progress>
            <p class="quiet">{format!("{done} of {all} reads")}</p>
        }
    });
    let failure = export.failure.clone().map(|failure| view! { <p class="quiet">{failure}</p> });
    view! { <Badge tone text=word />{progress}{failure} }
}

/// The manifest of what is over, and the way to end what is not.
fn manifest(export: &Export) -> AnyView {
    let id = export.id;
    if export.state == ExportState::Running {
        return api::may(Permission::ExportPayments).then(|| view! { <CancelForm id /> }).into_any();
    }
    let href = format!("/api/v1/exports/{id}/manifest");
    let sha256 = export
        .sha256
        .clone()
        .map(|sha256| view! { <p class="digest"><span class="quiet">"SHA-256 "</span><Copy value=sha256 /></p> });
    view! { <a href=href download="" aria-label=format!("Manifest of export {id}")>"Manifest"</a>{sha256} }.into_any()
}

#[component]
fn CancelForm(id: u64) -> impl IntoView {
    view! {
        <form method="post" action=api::CancelExport::PATH>
            <input type="hidden" name="export" value=id.to_string() />
            <button type="submit"><Icon name=IconName::Blocked />"Cancel"<span class="visually-hidden">{format!(" export {id}")}</span></button>
        </form>
    }
}
