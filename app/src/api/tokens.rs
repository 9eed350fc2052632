//! One's own API tokens. A token is made by `POST /settings/tokens`, which answers the page with its secret: a redirect after
//! it would have to carry the secret, or keep it.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::token::ApiToken;

use super::Result;
use super::server::{answer, principal};

/// One's own tokens, newest first.
#[server(name = ReadTokens, prefix = "/api/ui", endpoint = "tokens", input = GetUrl)]
pub async fn tokens() -> Result<Vec<ApiToken>> {
    let me = principal()?;
    answer(payhist_ops::tokens::list(&expect_context::<payhist_ops::Ops>(), &me).await)
}

/// Ends one of one's own tokens. Errors: `NotFound` for anybody else's, and for one that was revoked.
#[server(prefix = "/api/ui", endpoint = "tokens/revoke")]
pub async fn revoke_token(
    /// Its number.
    token: u64,
) -> Result<()> {
    let me = principal()?;
    answer(payhist_ops::tokens::revoke(&expect_context::<payhist_ops::Ops>(), &me, token).await)
}
