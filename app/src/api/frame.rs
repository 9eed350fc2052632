//! What every page's frame needs.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::operator::Frame;

use super::Result;
use super::server::{answer, principal};

/// Who is logged in, where, and which histories there are.
#[server(name = ReadFrame, prefix = "/api/ui", endpoint = "frame", input = GetUrl)]
pub async fn frame() -> Result<Frame> {
    let principal = principal()?;
    answer(expect_context::<payhist_ops::Ops>().frame(&principal).await)
}
