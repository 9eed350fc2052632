//! The client of the benchmark: one request at a time on a connection that is kept, with a session's cookies.
//!
//! It shares the machine with what it measures, so it does no more than HTTP asks for: hyper alone, without the layers of a
//! client for people. The same for payhist and for the sites beside it.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpStream;

/// A session with a site.
pub(crate) struct Session {
    address: String,
    cookies: HeaderValue,
    /// Connections that nobody uses just now.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Session {
    /// `url` is without a path: `http://127.0.0.1:3000`.
    pub(crate) fn new(url: &str, cookies: HeaderValue) -> Result<Self> {
        let address = url.strip_prefix("http://").with_context(|| format!("{url} is not plain HTTP"))?;
        Ok(Self { address: address.trim_end_matches('/').to_owned(), cookies, idle: Mutex::default() })
    }

    /// Status and body, received whole.
    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, String)> {
        self.send(Request::get(path), Bytes::new()).await
    }

    /// Sends a form; status and body, received whole.
    pub(crate) async fn post(&self, path: &str, form: String) -> Result<(StatusCode, String)> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Bytes::from(form)).await
    }

    async fn send(&self, request: hyper::http::request::Builder, body: Bytes) -> Result<(StatusCode, String)> {
        let request = request.header(HOST, &self.address).header(COOKIE, &self.cookies).body(Full::new(body))?;
        let mut connection = self.connection().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok((status, String::from_utf8(body.into())?))
    }

    /// One that was kept and that the site has not closed, or a new one.
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        while let Some(mut kept) = self.take() {
            if kept.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
