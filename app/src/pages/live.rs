//! Pages that follow what happens, in browsers with JavaScript.

use std::time::Duration;

use crate::api;
use leptos::prelude::*;

/// Fetches again a while after each answer that says so, by counting `tick`, which the resource must track.
pub(super) fn follow<T>(
    resource: Resource<api::Result<T>>,
    tick: RwSignal<u32>,
    pause: Duration,
    is_moving: fn(&T) -> bool,
) where
    T: Clone + Send + Sync + 'static,
{
    // Effects run in browsers only.
    Effect::new(move || {
        if resource.get().is_some_and(|answer| answer.is_ok_and(|value| is_moving(&value))) {
            // The page may be gone by then, and its signal with it.
            let look = move || {
                tick.try_update(|count| *count += 1);
            };
            set_timeout(look, pause);
        }
    });
}
