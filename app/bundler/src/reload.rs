//! Tells open pages to reload, in the protocol of Leptos's `AutoReload` component.
//!
//! Pages connect to `ws://127.0.0.1:3001/live_reload` and act on `{"all":true}` and `{"css":"pkg/payhist.css"}`.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use tungstenite::{Message, WebSocket};

/// `reload_port` of Leptos's options, where the page's script connects.
const RELOAD_PORT: u16 = 3001;

/// The open pages. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Pages(Arc<Mutex<Vec<WebSocket<TcpStream>>>>);

impl Pages {
    /// Starts to accept pages. Error: the port is taken.
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, RELOAD_PORT))
            .with_context(|| format!("port {RELOAD_PORT} is taken: is another `make dev` running?"))?;
        let pages = Self::default();
        let accepted = pages.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A page that hangs in its handshake must not keep the others waiting.
                let accepted = accepted.clone();
                thread::spawn(move || {
                    if let Ok(page) = tungstenite::accept(stream) {
                        accepted.lock().push(page);
                    }
                });
            }
        });
        Ok(pages)
    }

    /// Reloads every page.
    pub(crate) fn reload_all(&self) {
        self.send(r#"{"all":true}"#);
    }

    /// Swaps the stylesheet in place.
    pub(crate) fn reload_style(&self, path: &str) {
        self.send(&format!(r#"{{"css":"{path}"}}"#));
    }

    /// A page that has gone is forgotten; it reconnects by itself if it lives.
    fn send(&self, message: &str) {
        self.lock().retain_mut(|page| page.send(Message::text(message)).is_ok());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<WebSocket<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
