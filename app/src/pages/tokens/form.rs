//! The form that makes a token. It is sent to the page itself.

use crate::api;
use crate::components::{Icon, IconName};
use leptos::prelude::*;
use payhist_types::operator::Permission;
use payhist_types::token::{EXPIRY_DAYS_DEFAULT, EXPIRY_DAYS_MAX, TOKEN_NAME_CHARS_MAX};
use strum::IntoEnumIterator;

/// Days to choose from.
const DAYS: [u16; 4] = [7, 30, EXPIRY_DAYS_DEFAULT, EXPIRY_DAYS_MAX];

/// Name, scopes and end of a new token.
#[component]
pub(super) fn CreateForm() -> impl IntoView {
    let scopes = Permission::iter().filter(|permission| api::may(*permission)).map(|permission| {
        view! {
            <label>
                <input type="checkbox" name="scopes" value=permission.to_string() checked=permission == Permission::ViewPayments />
                {words(permission)}
            </label>
        }
    });
    let days = DAYS.map(|days| {
        view! { <option value=days.to_string() selected=days == EXPIRY_DAYS_DEFAULT>{format!("{days} days")}</option> }
    });
    view! {
        <section class="card stack">
            <h2>"Make a token"</h2>
            <form method="post" action="/settings/tokens" class="stack">
                <div class="filters">
                    <div class="field">
                        <label for="token-name">"Name"</label>
                        <input
                            id="token-name"
                            name="name"
                            required
                            maxlength=TOKEN_NAME_CHARS_MAX.to_string()
                            placeholder="nightly report"
                            autocomplete="off"
                        />
                    </div>
                    <div class="field">
                        <label for="token-days">"Ends after"</label>
                        <select id="token-days" name="days">{days.collect_view()}</select>
                    </div>
                </div>
                <fieldset>
                    <legend>"It may"</legend>
                    <div class="token-scopes">{scopes.collect_view()}</div>
                </fieldset>
                <div><button type="submit" class="primary"><Icon name=IconName::Add />"Make the token"</button></div>
            </form>
        </section>
    }
}

/// `view payments`
pub(super) fn words(permission: Permission) -> String {
    permission.to_string().replace('_', " ")
}
