//! One's own API tokens: how to make one, the secret of the one that was just made, and how one ends.

mod form;
mod table;

use crate::api;
use crate::components::{Copy, ErrorView, Icon, IconName, Notice, Tone, failure_of, loaded};
use form::CreateForm;
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::error::ApiError;
use payhist_types::token::NewToken;
use table::TokenTable;

/// What came of the form that was sent to this page: a context of that one answer.
#[derive(Clone)]
pub struct TokenMade(pub Result<NewToken, ApiError>);

/// The page.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let answer = use_context::<TokenMade>().map(|TokenMade(made)| match made {
        Ok(made) => view! { <Made made /> }.into_any(),
        Err(error) => view! { <ErrorView error /> }.into_any(),
    });
    view! {
        <Title text="API tokens" />
        <div class="page-head">
            <h1>"API tokens"</h1>
            <a class="button" href="/settings"><Icon name=IconName::Back />"Settings"</a>
        </div>
        {answer}
        {failure_of::<api::RevokeToken>()}
        <p class="quiet">
            "A program sends a token as "<code>"Authorization: Bearer …"</code>
            " to the REST API and acts for you then: it may do what you ticked, as long as your role includes that. What there is says "
            <a href="/api/v1/openapi.json" rel="external">"the API’s OpenAPI document"</a>"."
        </p>
        <CreateForm />
        {loaded(api::tokens(), |tokens| view! {
            <section class="card">
                <h2>"Your tokens"</h2>
                <TokenTable tokens />
            </section>
        })}
    }
}

/// The secret, for the only time.
#[component]
fn Made(made: NewToken) -> impl IntoView {
    let title = format!("The token “{}” works from now on.", made.token.name);
    view! {
        <Notice tone=Tone::Good title>
            <p>"Copy it now: this is the only time that it is shown."</p>
            <p class="token-secret"><Copy value=made.secret /></p>
        </Notice>
    }
}
