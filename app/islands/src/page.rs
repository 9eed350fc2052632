//! The island that keeps the page current, and says so when it cannot.

use crate::words::word;
use leptos::prelude::*;

/// Answers links and forms in place, follows the live parts, copies ids.
#[island]
pub fn Page() -> impl IntoView {
    // What the page cannot say itself, since the server did not answer.
    let (unanswered, stale) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    #[cfg(feature = "hydrate")]
    {
        crate::copy::listen();
        let visits = crate::visit::Visits::listen(unanswered);
        crate::live::follow(visits, stale);
    }
    let said = move || unanswered.get().or_else(|| stale.get());
    // A plain load of this very page; where the session has ended it leads to the login and back.
    let reload = || view! { <a href="" rel="external">{word("Reload")}</a> };
    view! {
        <div class="trouble" role="status">
            {move || said().map(|words| view! { <p class="notice warning">{words}" "{reload()}</p> })}
        </div>
    }
}
