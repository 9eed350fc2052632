//! What each server says of itself.

use crate::components::{Columns, Table};
use crate::format;
use leptos::prelude::*;
use payhist_types::EngineKind;
use payhist_types::database::ServerStats;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `3 days 4 h`, `2 h 5 min`, `40 s`
fn uptime(secs: u64) -> String {
    match secs {
        0..MINUTE => format!("{secs} s"),
        MINUTE..HOUR => format!("{} min", secs / MINUTE),
        HOUR..DAY => format!("{} h {} min", secs / HOUR, secs % HOUR / MINUTE),
        _ => format!("{} d {} h", secs / DAY, secs % DAY / HOUR),
    }
}

const fn engine(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::MariaDb => "MariaDB",
        EngineKind::MySql => "MySQL",
    }
}

/// The table.
#[component]
pub(super) fn Servers(servers: Vec<ServerStats>) -> impl IntoView {
    if servers.is_empty() {
        return view! { <p>"No server answered. The notices above say why."</p> }.into_any();
    }
    let rows = servers.into_iter().map(|server| {
        let deadlocks = server.deadlocks.map_or_else(|| "not said".to_owned(), format::count);
        view! {
            <tr>
                <th scope="row" class="mono">{server.source}</th>
                <td>{engine(server.engine)}</td>
                <td class="mono">{server.version}</td>
                <td class="number">{uptime(server.uptime_secs)}</td>
                <td class="number">{format::count(server.threads_connected)}" of "{format::count(server.max_connections)}</td>
                <td class="number">{deadlocks}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Servers"
            caption="Database servers"
            columns=Columns::default().words(["Source", "Engine", "Version"]).figures(["Up for", "Connections", "Deadlocks since start"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_has_two_units_at_most() {
        assert_eq!([59, 3_599, 7_500, 273_600].map(uptime), ["59 s", "59 min", "2 h 5 min", "3 d 4 h"]);
    }
}
