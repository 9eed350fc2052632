//! The form that places a hold.

use crate::api;
use crate::components::{Icon, IconName};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// On one of four things, with its case and its reason.
#[component]
pub(super) fn PlaceForm(history: String) -> impl IntoView {
    view! {
        <section class="card stack">
            <h2>"Place a hold"</h2>
            <form method="post" action=api::PlaceHold::PATH class="stack">
                <input type="hidden" name="history" value=history />
                <div class="filters hold-fields">
                    <div class="field">
                        <label for="kind">"Hold"</label>
                        <select id="kind" name="kind">
                            <option value="user">"all payments of a user"</option>
                            <option value="order">"all payments of an order"</option>
                            <option value="month">"a month, on every shard"</option>
                            <option value="history">"the whole history"</option>
                        </select>
                    </div>
                    <div class="field">
                        <label for="which">"Which one"</label>
                        <input id="which" name="which" placeholder="42, ORD-7 or 2026-05" autocomplete="off" spellcheck="false" />
                    </div>
                    <div class="field">
                        <label for="case_number">"Case number"</label>
                        <input id="case_number" name="case_number" required maxlength="64" autocomplete="off" />
                    </div>
                    <div class="field">
                        <label for="last_day">"Last day, if any"</label>
                        <input id="last_day" name="last_day" type="date" />
                    </div>
                    <div class="field hold-reason">
                        <label for="reason">"Reason"</label>
                        <input id="reason" name="reason" required maxlength="500" autocomplete="off" />
                    </div>
                </div>
                <div><button type="submit" class="primary"><Icon name=IconName::Hold />"Place the hold"</button></div>
            </form>
        </section>
    }
}
