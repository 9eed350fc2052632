//! One's own tokens as a table.

use super::form::words;
use crate::api;
use crate::components::{Badge, Columns, Icon, IconName, Table, Time, Tone};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::token::ApiToken;

/// Newest first; those that work can be revoked.
#[component]
pub(super) fn TokenTable(tokens: Vec<ApiToken>) -> impl IntoView {
    if tokens.is_empty() {
        return view! { <p class="quiet">"You have none."</p> }.into_any();
    }
    let rows = tokens.into_iter().map(|token| {
        let scopes = token.scopes.iter().copied().map(words).collect::<Vec<_>>().join(", ");
        let used = match token.last_used_at {
            Some(at) => view! { <Time at /> }.into_any(),
            None => view! { <span class="quiet">"never"</span> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row" class="whole">{token.name.clone()}</th>
                <td class="whole" data-name="may">{scopes}</td>
                <td data-name="made"><Time at=token.created_at /></td>
                <td data-name="ends"><Time at=token.expires_at /></td>
                <td data-name="used">{used}</td>
                <td>{state(&token)}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Your tokens"
            caption="Your tokens, newest first"
            class="tokens folding"
            columns=Columns::default().words(["Name", "May", "Made", "Ends", "Last used", "State"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

fn state(token: &ApiToken) -> impl IntoView + use<> {
    if !token.active {
        let word = if token.revoked_at.is_some() { "revoked" } else { "ended" };
        return view! { <Badge tone=Tone::Neutral text=word icon=IconName::Blocked /> }.into_any();
    }
    view! {
        <form method="post" action=api::RevokeToken::PATH class="inline-form">
            <input type="hidden" name="token" value=token.id.to_string() />
            <button type="submit" aria-label=format!("Revoke the token {}", token.name)>
                <Icon name=IconName::Drop />"Revoke"
            </button>
        </form>
    }
    .into_any()
}
