//! API tokens: programs act for an operator, with less than the operator may.
//!
//! Invariants: the secret is shown once and never kept, nor logged; a token may do what both its scopes and its owner's
//! present role include; no token makes, shows or ends tokens.

use crate::auth::{ManageOperators, Permit, Principal};
use crate::{Ops, OpsError};
use chrono::{DateTime, TimeDelta, Utc};
use itertools::Itertools;
use payhist_storage::api_tokens::{self, NewApiToken};
use payhist_storage::{StorageError, audit, operators, tx};
use payhist_types::error::FieldError;
use payhist_types::operator::Operator;
use payhist_types::token::{
    ApiToken, EXPIRY_DAYS_DEFAULT, EXPIRY_DAYS_MAX, NewToken, SECRET_PREFIX, TOKEN_NAME_CHARS_MAX, TokenRequest,
};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Bytes of a secret: nobody can guess it, nor find it from its hash.
const SECRET_BYTES: usize = 32;
/// Working tokens that an operator may have.
const ACTIVE_MAX: i64 = 50;
/// How exact the time of last use is: a write for each request would cost more than most requests.
const LAST_USE_EXACT_TO: TimeDelta = TimeDelta::minutes(1);

/// Makes a token for whoever is logged in.
///
/// # Errors
/// [`OpsError::BadInput`] by field, also for scopes beyond the role; [`OpsError::Refused`] when there are too many.
pub async fn create(ops: &Ops, me: &Principal, request: TokenRequest) -> Result<NewToken, OpsError> {
    me.in_person()?;
    make(ops, &me.actor(), me.operator(), request).await
}

/// Makes a token for another operator.
///
/// # Errors
/// As [`create`], and [`OpsError::NotFound`] for an unknown or disabled operator.
pub async fn create_for(
    ops: &Ops,
    permit: &Permit<ManageOperators>,
    login: &str,
    request: TokenRequest,
) -> Result<NewToken, OpsError> {
    let owner = operator(ops, login).await?;
    make(ops, permit.actor(), &owner, request).await
}

/// The tokens of whoever is logged in, newest first.
pub async fn list(ops: &Ops, me: &Principal) -> Result<Vec<ApiToken>, OpsError> {
    me.in_person()?;
    read(ops, Some(me.operator().id)).await
}

/// The tokens of an operator, or of all, newest first.
pub async fn list_of(
    ops: &Ops,
    _permit: &Permit<ManageOperators>,
    login: Option<&str>,
) -> Result<Vec<ApiToken>, OpsError> {
    let owner = match login {
        Some(login) => Some(operator(ops, login).await?.id),
        None => None,
    };
    read(ops, owner).await
}

/// Ends a token of whoever is logged in.
///
/// # Errors
/// [`OpsError::NotFound`] for another operator's, for none and for one that was revoked.
pub async fn revoke(ops: &Ops, me: &Principal, id: u64) -> Result<(), OpsError> {
    me.in_person()?;
    end(ops, &me.actor(), Some(me.operator().id), id).await
}

/// Ends anybody's token.
///
/// # Errors
/// [`OpsError::NotFound`] for none and for one that was revoked.
pub async fn revoke_any(ops: &Ops, permit: &Permit<ManageOperators>, id: u64) -> Result<(), OpsError> {
    end(ops, permit.actor(), None, id).await
}

/// Who holds that secret. What does not look like one costs no statement, and the others are found by their hash, so that
/// neither the time nor the answer tells how close a guess was.
///
/// # Errors
/// [`OpsError::TokenRefused`] when there is no such token, it has ended, or its owner is disabled.
pub async fn authenticate(ops: &Ops, secret: &str) -> Result<Principal, OpsError> {
    let random = secret.strip_prefix(SECRET_PREFIX).ok_or(OpsError::TokenRefused)?;
    if random.len() != SECRET_BYTES * 2 || !random.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(OpsError::TokenRefused);
    }
    let now = ops.now();
    let mut connection = ops.control().acquire("token.authenticate").await?;
    let holder = api_tokens::holder(&mut connection, &hash(secret), now).await?.ok_or(OpsError::TokenRefused)?;
    let before = now - LAST_USE_EXACT_TO;
    if holder.last_used_at.is_none_or(|last| last <= before) {
        api_tokens::used(&mut connection, holder.token_id, before, now).await?;
    }
    Ok(Principal::of_token(holder.operator, holder.scopes))
}

async fn operator(ops: &Ops, login: &str) -> Result<Operator, OpsError> {
    let mut connection = ops.control().acquire("token.owner").await?;
    let found = operators::credentials(&mut connection, login).await?;
    found.map(|found| found.operator).ok_or_else(|| OpsError::NotFound(format!("The operator {login}")))
}

async fn read(ops: &Ops, owner: Option<u64>) -> Result<Vec<ApiToken>, OpsError> {
    let mut connection = ops.control().acquire("token.list").await?;
    Ok(api_tokens::list(&mut connection, owner, ops.now()).await?)
}

async fn make(ops: &Ops, actor: &str, owner: &Operator, request: TokenRequest) -> Result<NewToken, OpsError> {
    let now = ops.now();
    let expires_at = check(owner, &request, now)?;
    let secret = format!("{SECRET_PREFIX}{}", hex::encode(rand::random::<[u8; SECRET_BYTES]>()));
    let new = NewApiToken {
        operator_id: owner.id,
        name: request.name.trim().to_owned(),
        secret_hash: hash(&secret),
        scopes: request.scopes,
        expires_at,
    };
    let id = tx::run(ops.control(), "token.create", |connection| {
        let (new, actor, login) = (new.clone(), actor.to_owned(), owner.login.clone());
        Box::pin(async move {
            if api_tokens::lock_and_count_active(connection, new.operator_id, now).await? >= ACTIVE_MAX {
                return Ok(None);
            }
            let id = api_tokens::create(connection, &new, now).await?;
            let detail = json!({ "token": id, "name": new.name, "scopes": new.scopes, "expires_at": new.expires_at });
            let entry = audit::Entry { at: now, actor: &actor, action: "token.create", target: &login, detail };
            audit::append(connection, &entry).await?;
            Ok::<_, StorageError>(Some(id))
        })
    })
    .await?;
    let Some(id) = id else { return Err(too_many()) };
    let token = ApiToken {
        id,
        name: new.name,
        owner: owner.login.clone(),
        scopes: new.scopes,
        created_at: now.fixed_offset(),
        expires_at: expires_at.fixed_offset(),
        last_used_at: None,
        revoked_at: None,
        active: true,
    };
    Ok(NewToken { token, secret })
}

/// When the token ends, if it may be made.
fn check(owner: &Operator, request: &TokenRequest, now: DateTime<Utc>) -> Result<DateTime<Utc>, OpsError> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, message: String| wrong.push(FieldError { field: field.to_owned(), message });
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > TOKEN_NAME_CHARS_MAX || name.chars().any(char::is_control) {
        refuse("name", format!("use 1 to {TOKEN_NAME_CHARS_MAX} characters"));
    }
    let beyond = request.scopes.iter().filter(|scope| !owner.role.may(**scope)).join(", ");
    if request.scopes.is_empty() {
        refuse("scopes", "choose at least one".to_owned());
    } else if !beyond.is_empty() {
        refuse("scopes", format!("the role {} does not include {beyond}", owner.role));
    }
    let days = request.days.unwrap_or(EXPIRY_DAYS_DEFAULT);
    if !(1..=EXPIRY_DAYS_MAX).contains(&days) {
        refuse("days", format!("a token lives 1 to {EXPIRY_DAYS_MAX} days"));
    }
    if wrong.is_empty() { Ok(now + TimeDelta::days(days.into())) } else { Err(OpsError::BadInput(wrong)) }
}

fn too_many() -> OpsError {
    OpsError::refused(format!("an operator has at most {ACTIVE_MAX} working tokens"), "Revoke one that is not needed.")
}

async fn end(ops: &Ops, actor: &str, owner: Option<u64>, id: u64) -> Result<(), OpsError> {
    let now = ops.now();
    let ended = tx::run(ops.control(), "token.revoke", |connection| {
        let actor = actor.to_owned();
        Box::pin(async move {
            let found = api_tokens::lock(connection, id).await?;
            let Some((_, login, name)) = found.filter(|(id, ..)| owner.is_none_or(|owner| owner == *id)) else {
                return Ok(false);
            };
            api_tokens::revoke(connection, id, now).await?;
            let detail = json!({ "token": id, "name": name });
            let entry = audit::Entry { at: now, actor: &actor, action: "token.revoke", target: &login, detail };
            audit::append(connection, &entry).await?;
            Ok::<_, StorageError>(true)
        })
    })
    .await?;
    if ended { Ok(()) } else { Err(OpsError::NotFound(format!("A working token {id}"))) }
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}
