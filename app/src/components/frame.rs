//! The frame of every page: rail, top bar, content.

use super::{Icon, IconName, history_of_url, loaded};
use crate::{api, links};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
use payhist_islands::{Keyboard, Page, ThemeSwitch};
use payhist_types::operator::{self, Permission};

/// Address, word, keys and icon of the pages in the rail.
const PAGES: [(&str, &str, Option<&str>, IconName); 7] = [
    ("/", "Overview", None, IconName::Overview),
    ("/payments", "Payments", Some("g p"), IconName::Payments),
    ("/partitions", "Partitions", Some("g r"), IconName::Partitions),
    ("/holds", "Holds", Some("g h"), IconName::Hold),
    ("/database", "Database", Some("g d"), IconName::Database),
    ("/jobs", "Jobs", Some("g j"), IconName::Jobs),
    ("/settings", "Settings", Some("g s"), IconName::Settings),
];
const SEARCH_KEYS: &str = "/";

/// Rail and top bar around the page.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    view! {
        <a class="skip-link" href="#content">"Skip to content"</a>
        <div class="frame">
            <Rail />
            <header class="topbar">{loaded(api::frame(), |frame| view! { <TopBar frame /> })}</header>
            <main id="content" class="content" tabindex="-1"><Outlet /></main>
        </div>
        <Keyboard><Shortcuts /></Keyboard>
        <Page />
    }
}

#[component]
fn Rail() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    let history = history_of_url();
    let entry = |(href, word, keys, icon): (&'static str, &'static str, Option<&'static str>, IconName)| {
        let is_current = if href == "/" { path == "/" } else { path.starts_with(href) };
        view! {
            <li>
                <a href=links::with_history(href, &history) aria-current=is_current.then_some("page") data-keys=keys>
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
    let kinds = if api::may(Permission::RevealPersonalData) {
        "Payment, user, order, reference, e-mail"
    } else {
        "Payment, user, order, reference"
    };
    view! {
        <span class=format!("environment {environment}")>{environment.clone()}</span>
        <form class="search" method="get" action="/payments" role="search">
            <label class="visually-hidden" for="search">{format!("Find a payment: {kinds}")}</label>
            <Icon name=IconName::Search />
            <input id="search" name="search" type="search" placeholder=kinds autocomplete="off" data-keys=SEARCH_KEYS />
            <kbd class="needs-js" aria-hidden="true">{SEARCH_KEYS}</kbd>
            {(!history.is_empty()).then(|| view! { <input type="hidden" name="history" value=history /> })}
        </form>
        <HistoryPicker histories />
        <span class="zone" title="Business time zone of the times on this page">{zone}</span>
        <ThemeSwitch><Icon name=IconName::Theme /></ThemeSwitch>
        <form class="operator" method="post" action="/logout">
            <span title=format!("Role: {}", operator.role)>{operator.login}</span>
            <button type="submit" class="quiet-button"><Icon name=IconName::Logout /><span>"Log out"</span></button>
        </form>
    }
}

/// The keys of the pages, and those of every page.
#[component]
fn Shortcuts() -> impl IntoView {
    let pages = PAGES.into_iter().filter_map(|(_, word, keys, _)| Some((keys?, word)));
    let shortcuts = [(SEARCH_KEYS, "Search"), ("j", "Next row"), ("k", "Previous row"), ("Enter", "Open the row")];
    let rows = shortcuts.into_iter().chain(pages).chain([("?", "This help")]).map(|(keys, what)| {
        let keys = keys.split(' ').map(|key| view! { <kbd>{key}</kbd>" " }).collect_view();
        view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
    });
    view! {
        <h2 id="shortcuts">"Keyboard"</h2>
        <dl class="facts">{rows.collect_view()}</dl>
        <form method="dialog"><button type="submit" class="primary">"Close"</button></form>
    }
}

/// Which history the page is about; shown when there are several.
#[component]
fn HistoryPicker(histories: Vec<String>) -> impl IntoView {
    let chosen = history_of_url();
    let path = use_location().pathname.get_untracked();
    (histories.len() > 1).then(|| {
        let entries = histories.into_iter().enumerate().map(|(place, name)| {
            let current = (chosen == name || (place == 0 && chosen.is_empty())).then_some("true");
            let href = links::with_history(&path, &name);
            view! { <a href=href aria-current=current>{name}</a> }
        });
        view! { <nav class="histories" aria-label="History">{entries.collect_view()}</nav> }
    })
}
