//! Login: a plain form, answered by the server; works without JavaScript.

use crate::components::{LanguageSwitch, Notice, Tone};
use crate::language::tr;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The login page. `next` is where to go afterwards; `error` says why the last try failed.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let problem = match query.get("error").as_deref() {
        Some("ended") => Some(tr!("The session has ended. Nothing was changed: log in, then try again.")),
        Some("locked") => Some(tr!("Too many failed logins: this account is locked for a quarter of an hour.")),
        Some(_) => Some(tr!("The name or the password is wrong.")),
        None => None,
    };
    view! {
        <Title text=tr!("Log in") />
        <main class="alone">
            <h1>"payhist"</h1>
            <form class="card login" method="post" action="/login">
                {problem.map(|problem| view! { <Notice tone=Tone::Critical title=problem /> })}
                <input type="hidden" name="next" value=query.get("next").unwrap_or_default() />
                <div class="field">
                    <label for="login">{tr!("Name")}</label>
                    <input id="login" name="login" required autocomplete="username" autofocus />
                </div>
                <div class="field">
                    <label for="password">{tr!("Password")}</label>
                    <input id="password" name="password" type="password" required autocomplete="current-password" />
                </div>
                <button type="submit" class="primary">{tr!("Log in")}</button>
            </form>
            <div class="languages"><LanguageSwitch /></div>
        </main>
    }
}
