//! The frame of every page: rail, top bar, content.

use super::{ErrorView, Icon, IconName, Keyboard, ThemeSwitch, history_of_url};
use crate::{api, links};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
use payhist_types::operator;

const PAGES: [(&str, &str, IconName); 5] = [
    ("/", "Overview", IconName::Overview),
    ("/payments", "Payments", IconName::Payments),
    ("/partitions", "Partitions", IconName::Partitions),
    ("/database", "Database", IconName::Database),
    ("/jobs", "Jobs", IconName::Jobs),
];

/// Rail and top bar around the page.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    let frame = Resource::new(|| (), |()| api::frame());
    view! {
        // The browser itself follows this one: the router would scroll without moving the focus.
        <a class="skip-link" href="#content" rel="external">"Skip to content"</a>
        <div class="frame">
            <Rail />
            <header class="topbar">
                <Transition fallback=|| ()>
                    {move || Suspend::new(async move {
                        match frame.await {
                            Ok(frame) => view! { <TopBar frame /> }.into_any(),
                            Err(api::Error(error)) => view! { <ErrorView error /> }.into_any(),
                        }
                    })}
                </Transition>
            </header>
            <main id="content" class="content" tabindex="-1"><Outlet /></main>
        </div>
        <Keyboard />
    }
}

#[component]
fn Rail() -> impl IntoView {
    let path = use_location().pathname;
    let history = history_of_url();
    let is_current = move |href: &str| {
        let path = path.read();
        if href == "/" { *path == "/" } else { path.starts_with(href) }
    };
    let entry = move |(href, word, icon): (&'static str, &'static str, IconName)| {
        view! {
            <li>
                <a href=move || links::with_history(href, &history.read()) aria-current=move || is_current(href).then_some("page")>
                    <Icon name=icon /><span>{word}</span>
                </a>
            </li>
        }
    };
    view! {
        <nav class="rail" aria-label="Pages">
            <a class="brand" href="/">"payhist"</a>
            <ul>{PAGES.map(entry).collect_view()}</ul>
        </nav>
    }
}

#[component]
fn TopBar(frame: operator::Frame) -> impl IntoView {
    let operator::Frame { operator, environment, zone, histories } = frame;
    let history = history_of_url();
    view! {
        <span class=format!("environment {environment}")>{environment.clone()}</span>
        <form class="search" method="get" action="/payments" role="search">
            <label class="visually-hidden" for="search">"Find a payment, user or order"</label>
            <Icon name=IconName::Search />
            <input id="search" name="search" type="search" placeholder="Payment, user or order id" autocomplete="off" />
            <kbd class="needs-js" aria-hidden="true">"/"</kbd>
            {move || (!history.read().is_empty()).then(|| view! { <input type="hidden" name="history" value=history.get() /> })}
        </form>
        <HistoryPicker histories />
        <span class="zone" title="Business time zone of the times on this page">{zone}</span>
        <ThemeSwitch />
        <form class="operator" method="post" action="/logout">
            <span title=format!("Role: {}", operator.role)>{operator.login}</span>
            <button type="submit" class="quiet-button"><Icon name=IconName::Logout /><span>"Log out"</span></button>
        </form>
    }
}

/// Which history the page is about; shown when there are several.
#[component]
fn HistoryPicker(histories: Vec<String>) -> impl IntoView {
    let chosen = history_of_url();
    let path = use_location().pathname;
    (histories.len() > 1).then(move || {
        let entries = histories
            .into_iter()
            .enumerate()
            .map(|(place, name)| {
                let current = {
                    let name = name.clone();
                    move || (*chosen.read() == name || (place == 0 && chosen.read().is_empty())).then_some("true")
                };
                let href = {
                    let name = name.clone();
                    move || links::with_history(&path.read(), &name)
                };
                view! { <a href=href aria-current=current>{name}</a> }
            })
            .collect_view();
        view! { <nav class="histories" aria-label="History">{entries}</nav> }
    })
}
