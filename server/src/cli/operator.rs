//! `payhist operator`

use super::output::{Outcome, say};
use super::tokens::{self, TokenCommand};
use clap::Subcommand;
use payhist_ops::Ops;
use payhist_ops::auth::{self, Permit};
use payhist_types::operator::Role;
use serde_json::json;
use std::io::{IsTerminal, Read};

/// Bytes of a password that `demo` and `operator add` make up.
const MADE_UP_PASSWORD_BYTES: usize = 12;

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Add an operator. The password is read from standard input, or made up and printed when that is a terminal.
    #[command(after_help = "Example: payhist operator add ada --role admin < password.txt")]
    Add {
        /// Login name.
        login: String,
        /// viewer, operator, dba, compliance or admin.
        #[arg(long)]
        role: Role,
    },
    /// Give an operator a new password, read or made up in the same way.
    #[command(after_help = "Example: payhist operator password ada < password.txt")]
    Password {
        /// Login name.
        login: String,
    },
    /// Make, list and revoke API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
}

pub(super) async fn run(command: OperatorCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let (login, given, password) = match command {
        OperatorCommand::Add { login, role } => {
            let (given, password) = password()?;
            auth::add_operator(ops, &Permit::for_command(), &login, role, &password).await?;
            (login, given, password)
        }
        OperatorCommand::Password { login } => {
            let (given, password) = password()?;
            auth::set_password(ops, &Permit::for_command(), &login, &password).await?;
            (login, given, password)
        }
        OperatorCommand::Token(command) => return tokens::run(command, ops, json).await,
    };
    let shown = (!given).then_some(&password);
    Ok(say(json, &json!({ "operator": login, "password": shown }), || match shown {
        Some(password) => format!("{login} may log in with the password {password}"),
        None => format!("{login} may log in."),
    }))
}

/// The password on standard input, or a made-up one; and whether it was given.
fn password() -> anyhow::Result<(bool, String)> {
    if std::io::stdin().is_terminal() {
        return Ok((false, made_up()));
    }
    let mut text = String::new();
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() { Ok((false, made_up())) } else { Ok((true, password)) }
}

/// A password that nobody can guess.
pub(super) fn made_up() -> String {
    hex::encode(rand::random::<[u8; MADE_UP_PASSWORD_BYTES]>())
}
