//! `payhist operator token`

use super::output::{Outcome, say, table};
use clap::Subcommand;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, tokens};
use payhist_types::operator::Permission;
use payhist_types::token::{ApiToken, EXPIRY_DAYS_MAX, TokenRequest};
use serde_json::json;
use strum::IntoEnumIterator;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for an operator; its secret is printed once and kept nowhere.
    #[command(
        after_help = "Example: payhist operator token create --login ada --name report --scopes view_payments --expires 30d"
    )]
    Create {
        /// The operator for whom it acts.
        #[arg(long)]
        login: String,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What it may do at most: permissions, separated by commas. What the operator's role does not include it may not.
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scopes: Vec<Permission>,
        /// How long it lives: days, e.g. 30d. 90d when not given.
        #[arg(long, value_parser = days)]
        expires: Option<u16>,
    },
    /// List tokens, newest first.
    #[command(after_help = "Example: payhist operator token list --login ada")]
    List {
        /// Those of this operator only.
        #[arg(long)]
        login: Option<String>,
    },
    /// End a token at once.
    #[command(after_help = "Example: payhist operator token revoke 7")]
    Revoke {
        /// Its number.
        id: u64,
    },
}

fn scope(text: &str) -> Result<Permission, String> {
    let names = || Permission::iter().map(|scope| scope.to_string()).collect::<Vec<_>>().join(", ");
    text.trim().parse().map_err(|_| format!("scopes are {}", names()))
}

fn days(text: &str) -> Result<u16, String> {
    text.strip_suffix('d')
        .and_then(|days| days.parse().ok())
        .ok_or_else(|| format!("write days, from 1d to {EXPIRY_DAYS_MAX}d"))
}

pub(super) async fn run(command: TokenCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let permit = Permit::for_command();
    match command {
        TokenCommand::Create { login, name, scopes, expires } => {
            let request = TokenRequest { name, scopes: scopes.into_iter().collect(), days: expires };
            let made = tokens::create_for(ops, &permit, &login, request).await?;
            Ok(say(json, &made, || {
                let end = made.token.expires_at.format("%Y-%m-%d");
                format!("{}\nThis is shown once. It acts for {login} until {end}.", made.secret)
            }))
        }
        TokenCommand::List { login } => {
            let tokens = tokens::list_of(ops, &permit, login.as_deref()).await?;
            Ok(say(json, &tokens, || words(&tokens)))
        }
        TokenCommand::Revoke { id } => {
            tokens::revoke_any(ops, &permit, id).await?;
            Ok(say(json, &json!({ "revoked": id }), || format!("Token {id} works no more.")))
        }
    }
}

fn words(tokens: &[ApiToken]) -> String {
    let rows: Vec<_> = tokens.iter().map(row).collect();
    table(&["TOKEN", "OWNER", "NAME", "STATE", "ENDS", "LAST USED", "SCOPES"], &rows)
}

fn row(token: &ApiToken) -> Vec<String> {
    let state = match (token.active, token.revoked_at) {
        (true, _) => "works",
        (false, Some(_)) => "revoked",
        (false, None) => "ended",
    };
    let used = token.last_used_at.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
    let scopes = token.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let ends = token.expires_at.format("%Y-%m-%d").to_string();
    vec![token.id.to_string(), token.owner.clone(), token.name.clone(), state.to_owned(), ends, used, scopes]
}
