//! How things stand: badges, notices, errors.

use super::{Icon, IconName};
use crate::api;
use crate::language::tr;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::error::ApiError;

/// How loud something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Critical,
    Active,
    Neutral,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Active => "active",
            Self::Neutral => "neutral",
        }
    }

    /// The icon that says the same without colour.
    pub(crate) const fn icon(self) -> IconName {
        match self {
            Self::Good => IconName::Check,
            Self::Warning => IconName::Warning,
            Self::Critical => IconName::Critical,
            Self::Active => IconName::Running,
            Self::Neutral => IconName::Clock,
        }
    }
}

/// A state as icon and word: `<span class="badge good">`.
#[component]
pub(crate) fn Badge(tone: Tone, #[prop(into)] text: String, #[prop(optional)] icon: Option<IconName>) -> impl IntoView {
    let icon = icon.unwrap_or(tone.icon());
    view! { <span class=format!("badge {}", tone.class())><Icon name=icon />{text}</span> }
}

/// A box that says something about the page: `<section class="notice warning">`. Critical ones are announced.
#[component]
pub(crate) fn Notice(
    tone: Tone,
    #[prop(into)] title: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let role = if tone == Tone::Critical { "alert" } else { "note" };
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <p class="notice-title"><Icon name=tone.icon() />{title}</p>
            {children.map(|children| view! { <div class="notice-body">{children()}</div> })}
        </div>
    }
}

/// An error: what happened, which fields, what to do, and the incident id.
#[component]
pub(crate) fn ErrorView(error: ApiError) -> impl IntoView {
    let fields = error
        .fields
        .into_iter()
        .map(|field| view! { <li><strong>{field.field}</strong>": "{field.message}</li> })
        .collect_view();
    view! {
        <Notice tone=Tone::Critical title=error.message>
            <ul class="field-errors">{fields}</ul>
            {error.remedy.map(|remedy| view! { <p>{remedy}</p> })}
            {error.incident.map(|incident| view! { <p class="quiet">{tr!("Incident")}" "<code>{incident}</code></p> })}
        </Notice>
    }
}

/// Why the form of the server function `F` failed, on the page that answers it; outside of what is live.
pub(crate) fn failure_of<F>() -> impl IntoView
where
    F: ServerFn<Error = api::Error> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync,
{
    let answer = ServerAction::<F>::new().value().get_untracked();
    answer.and_then(Result::err).map(|api::Error(error)| view! { <ErrorView error /> })
}

/// Awaits an answer and shows it, or an [`ErrorView`] when it failed.
pub(crate) fn loaded<T, V, A>(answer: A, show: impl FnOnce(T) -> V + Send + 'static) -> impl IntoView
where
    T: 'static,
    V: IntoView + 'static,
    A: IntoFuture<Output = api::Result<T>>,
    A::IntoFuture: Send + 'static,
{
    let answer = answer.into_future();
    Suspend::new(async move {
        match answer.await {
            Ok(value) => show(value).into_any(),
            Err(api::Error(error)) => view! { <ErrorView error /> }.into_any(),
        }
    })
}
