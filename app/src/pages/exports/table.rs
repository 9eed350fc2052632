//! Exports as a table: what was asked for, how far it is, and what the file is known by.

use super::form::name;
use super::{as_it_was, what};
use crate::components::{Badge, Columns, Copy, Icon, IconName, Table, Time, Tone};
use crate::language::tr;
use crate::pages::payments::ListState;
use crate::{api, format};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::export::{Export, ExportState};
use payhist_types::operator::Permission;

/// Newest first.
#[component]
pub(super) fn ExportTable(exports: Vec<Export>, history: String) -> impl IntoView {
    if exports.is_empty() {
        let payments = crate::links::with_history("/payments", &history);
        return view! { <p class="quiet">{tr!("Nothing was exported yet. ")}<a href=payments>{tr!("Filter payments")}</a>{tr!(" and choose Export.")}</p> }
            .into_any();
    }
    let rows = exports.into_iter().map(|export| view! { <Row export /> });
    let columns = Columns::default()
        .words([tr!("column" => "Export"), tr!("Payments"), tr!("State")])
        .figures([tr!("Rows"), tr!("Size")])
        .words([tr!("Begun"), tr!("Manifest")]);
    view! {
        <Table
            label=tr!("Exports")
            caption=tr!("Exports, newest first")
            class="exports folding"
            columns
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(export: Export) -> impl IntoView {
    let query = as_it_was(&export.query, &export.scope);
    let what = what(&query);
    let list = ListState::of(query).address();
    let personal = export.reveal_reason.clone().map(|reason| {
        view! { <p class="quiet">{tr!("Personal fields in clear: {}", reason)}</p> }
    });
    let id = export.id;
    view! {
        <tr id=format!("export-{id}")>
            <th scope="row" data-name=tr!("export")><span>{id}" "<span class="quiet">{name(export.format)}</span></span></th>
            <td class="whole"><a href=list>{what}</a>{personal}</td>
            <td class="whole">{state(&export)}</td>
            <td class="number" data-name=tr!("rows")>{format::count(export.rows)}</td>
            <td class="number" data-name=tr!("size")>{format::bytes(export.bytes)}</td>
            <td class="whole" data-name=tr!("begun")><Time at=export.started_at /><p class="quiet">{tr!("by {}", export.started_by)}</p></td>
            <td class="whole">{manifest(&export)}</td>
        </tr>
    }
}

fn state(export: &Export) -> impl IntoView + use<> {
    let (tone, word) = match export.state {
        ExportState::Running => (Tone::Active, tr!("at work")),
        ExportState::Complete => (Tone::Good, tr!("complete")),
        ExportState::Failed => (Tone::Critical, tr!("failed")),
        ExportState::Cancelled => (Tone::Warning, tr!("cancelled")),
    };
    let progress = (export.state == ExportState::Running).then(|| {
        let (done, all) = (export.reads_done, export.scope.reads);
        let label = tr!("Export {}", export.id);
        view! {
            <progress max=all value=done aria-label=label></progress>
            <p class="quiet">{tr!("{} of {} reads", done, all)}</p>
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
    let sha256 = export.sha256.clone().map(|sha256| {
        view! { <span class="quiet">" · SHA-256"</span><p class="digest"><Copy value=sha256 /></p> }
    });
    view! { <a href=href download="" aria-label=tr!("Manifest of export {}", id)>{tr!("Manifest")}</a>{sha256} }
        .into_any()
}

#[component]
fn CancelForm(id: u64) -> impl IntoView {
    view! {
        <form method="post" action=api::CancelExport::PATH>
            <input type="hidden" name="export" value=id.to_string() />
            <button type="submit" aria-label=tr!("Cancel export {}", id)><Icon name=IconName::Blocked />{tr!("Cancel")}</button>
        </form>
    }
}
