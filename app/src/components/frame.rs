//! The frame of every page: rail, top bar, content.

use super::{BrowserWords, Icon, IconName, Kept, LanguageSwitch, history_of_url, loaded};
use crate::language::{Language, tr};
use crate::{api, links};
use leptos::context::Provider;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
use payhist_islands::{Keyboard, Page, ThemeSwitch};
use payhist_types::operator::{self, Permission};

/// Address, word, keys and icon of the pages in the rail.
fn pages() -> [(&'static str, String, Option<&'static str>, IconName); 7] {
    [
        ("/", tr!("Overview"), None, IconName::Overview),
        ("/payments", tr!("Payments"), Some("g p"), IconName::Payments),
        ("/partitions", tr!("Partitions"), Some("g r"), IconName::Partitions),
        ("/holds", tr!("Holds"), Some("g h"), IconName::Hold),
        ("/database", tr!("Database"), Some("g d"), IconName::Database),
        ("/jobs", tr!("Jobs"), Some("g j"), IconName::Jobs),
        ("/settings", tr!("Settings"), Some("g s"), IconName::Settings),
    ]
}

const SEARCH_KEYS: &str = "/";

/// Rail and top bar around the page.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    let own = Language::of_frame();
    let lang = Some(Language::current()).filter(|language| *language != own).map(Language::code);
    let page = view! { <main id="content" class="content" tabindex="-1" lang=lang><Outlet /></main> };
    view! {
        <Provider value=own>
            <a class="skip-link" href="#content">{tr!("Skip to content")}</a>
            <div class="frame">
                <Rail />
                <header class="topbar">{loaded(api::frame(), |frame| view! { <TopBar frame /> })}</header>
                {page}
            </div>
            <Keyboard><Shortcuts /></Keyboard>
            <BrowserWords />
            <Page />
        </Provider>
    }
}

#[component]
fn Rail() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    let history = history_of_url();
    let entry = |(href, word, keys, icon): (&'static str, String, Option<&'static str>, IconName)| {
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
        <nav class="rail" aria-label=tr!("Pages")>
            <a class="brand" href="/">"payhist"</a>
            <ul>{pages().map(entry).collect_view()}</ul>
        </nav>
    }
}

#[component]
fn TopBar(frame: operator::Frame) -> impl IntoView {
    let operator::Frame { operator, environment, zone, histories } = frame;
    let history = history_of_url();
    let kinds = if api::may(Permission::RevealPersonalData) {
        tr!("Payment, user, order, reference, e-mail")
    } else {
        tr!("Payment, user, order, reference")
    };
    view! {
        <span class=format!("environment {environment}")>{environment.clone()}</span>
        <form class="search" method="get" action="/payments" role="search">
            <label class="visually-hidden" for="search">{tr!("Find a payment: {}", kinds)}</label>
            <Icon name=IconName::Search />
            <input id="search" name="search" type="search" placeholder=kinds autocomplete="off" data-keys=SEARCH_KEYS />
            <kbd class="needs-js" aria-hidden="true">{SEARCH_KEYS}</kbd>
            {(!history.is_empty()).then(|| view! { <input type="hidden" name="history" value=history /> })}
        </form>
        <HistoryPicker histories />
        <span class="zone" title=tr!("Business time zone of the times on this page")>{zone}</span>
        <LanguageSwitch />
        <ThemeSwitch><Icon name=IconName::Theme /><span class="visually-hidden">{tr!("Change theme")}</span></ThemeSwitch>
        <form class="operator" method="post" action="/logout">
            <span title=tr!("Role: {}", operator.role)>{operator.login}</span>
            <button type="submit" class="quiet-button"><Icon name=IconName::Logout /><span>{tr!("Log out")}</span></button>
        </form>
    }
}

/// The keys of the pages, and those of every page.
#[component]
fn Shortcuts() -> impl IntoView {
    static KEYS: Kept = Kept::new();
    view! {
        <h2 id="shortcuts">{tr!("Keyboard")}</h2>
        {KEYS.show(keys)}
        <form method="dialog"><button type="submit" class="primary">{tr!("Close")}</button></form>
    }
}

fn keys() -> impl IntoView {
    let pages = pages().into_iter().filter_map(|(_, word, keys, _)| Some((keys?, word)));
    let shortcuts = [
        (SEARCH_KEYS, tr!("Search")),
        ("j", tr!("Next row")),
        ("k", tr!("Previous row")),
        ("Enter", tr!("Open the row")),
    ];
    let rows = shortcuts.into_iter().chain(pages).chain([("?", tr!("This help"))]).map(|(keys, what)| {
        let keys = keys.split(' ').map(|key| view! { <kbd>{key}</kbd>" " }).collect_view();
        view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
    });
    view! { <dl class="facts">{rows.collect_view()}</dl> }
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
        view! { <nav class="histories" aria-label=tr!("History")>{entries.collect_view()}</nav> }
    })
}
