//! The browser side: hydrates the server-rendered pages.
