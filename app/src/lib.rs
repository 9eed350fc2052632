//! Leptos pages, components and server functions.
