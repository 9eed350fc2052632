//! Who may do what.
//!
//! Authorisation is a typestate: a use case takes a [`Permit`] of its action, and a permit comes only from a
//! [`Principal`] whose role includes it, or from payhist itself (a job, or somebody with the configuration file).

use crate::{Ops, OpsError};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use chrono::TimeDelta;
use payhist_storage::{audit, operators, tx};
use payhist_types::operator::{Operator, Permission, Role};
use serde_json::json;
use std::collections::BTreeSet;
use std::marker::PhantomData;

/// Failed logins in a row before the account is locked.
const FAILED_LOGINS_MAX: u32 = 5;
/// For how long it is then locked.
const LOCK_OUT_MINUTES: i64 = 15;
/// Shortest password that is taken.
pub const PASSWORD_CHARS_MIN: usize = 12;

/// An action that needs a permission.
pub trait Action {
    /// The permission it needs.
    const PERMISSION: Permission;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl Action for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

actions! {
    /// See payments.
    ViewPayments,
    /// Take payments away in a file.
    ExportPayments,
    /// See personal fields in clear.
    RevealPersonalData,
    /// See partitions, plans and runs.
    ViewPartitions,
    /// Apply plans and turn switches.
    ManagePartitions,
    /// See pools and deadlocks.
    ViewDatabase,
    /// See jobs.
    ViewJobs,
    /// Run and pause jobs.
    ManageJobs,
    /// See legal holds.
    ViewHolds,
    /// Place legal holds and see to their release.
    ManageHolds,
    /// Add and change operators.
    ManageOperators,
}

/// Proof that somebody may do `A`, and who it is.
#[derive(Debug)]
pub struct Permit<A> {
    actor: String,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> Permit<A> {
    fn of(actor: String) -> Self {
        Self { actor, action: PhantomData }
    }

    /// For a scheduled job of payhist itself.
    pub fn for_job(job: &str) -> Self {
        Self::of(format!("job {job}"))
    }

    /// For the command line: who can read the configuration file holds the databases' passwords already.
    pub fn for_command() -> Self {
        Self::of("command".to_owned())
    }

    /// Who acts, as the audit log names it.
    pub fn actor(&self) -> &str {
        &self.actor
    }
}

/// Who asks: an operator in person, or by one of their API tokens.
///
/// Invariant: by token or in person, the actor is the same one, so that nobody is two people by means of a token.
#[derive(Debug, Clone)]
pub struct Principal {
    operator: Operator,
    /// What the token may do at most; `None` in person.
    scopes: Option<BTreeSet<Permission>>,
}

impl Principal {
    fn in_session(operator: Operator) -> Self {
        Self { operator, scopes: None }
    }

    pub(crate) fn of_token(operator: Operator, scopes: BTreeSet<Permission>) -> Self {
        Self { operator, scopes: Some(scopes) }
    }

    /// Who it is.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// True when the role and, by token, its scopes include that.
    pub fn may(&self, permission: Permission) -> bool {
        self.operator.role.may(permission) && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&permission))
    }

    /// A permit for `A`.
    ///
    /// # Errors
    /// [`OpsError::Forbidden`] when the role, or the token, does not include it.
    pub fn permit<A: Action>(&self) -> Result<Permit<A>, OpsError> {
        if self.may(A::PERMISSION) { Ok(Permit::of(self.actor())) } else { Err(OpsError::Forbidden(A::PERMISSION)) }
    }

    pub(crate) fn actor(&self) -> String {
        format!("operator {}", self.operator.login)
    }

    /// What no token may do for its owner.
    pub(crate) fn in_person(&self) -> Result<(), OpsError> {
        if self.scopes.is_none() {
            return Ok(());
        }
        Err(OpsError::refused("an API token neither makes, shows nor ends tokens", "Log in, or use the command line."))
    }
}

/// The principal of a session's operator, unless disabled meanwhile.
pub async fn principal(ops: &Ops, operator_id: u64) -> Result<Option<Principal>, OpsError> {
    let mut connection = ops.control().acquire("auth.principal").await?;
    Ok(operators::active(&mut connection, operator_id).await?.map(Principal::in_session))
}

/// Checks a password. Takes as long for an unknown name as for a wrong password.
///
/// # Errors
/// [`OpsError::LoginRequired`] for a wrong name or password, [`OpsError::TooMany`] while locked out.
pub async fn login(ops: &Ops, login: &str, password: &str) -> Result<Principal, OpsError> {
    let mut connection = ops.control().acquire("auth.login").await?;
    let known = operators::credentials(&mut connection, login).await?;
    drop(connection); // not held while the password is hashed
    let now = ops.now();
    if let Some(until) = known.as_ref().and_then(|known| known.locked_until).filter(|until| *until > now) {
        return Err(OpsError::TooMany(format!(
            "Too many failed logins: try again after {} UTC.",
            until.format("%H:%M")
        )));
    }
    let right = verify(known.as_ref().map(|known| known.password_hash.clone()), password.to_owned()).await?;
    let mut connection = ops.control().acquire("auth.login").await?;
    match known {
        Some(known) if right => {
            operators::clear_failures(&mut connection, known.operator.id).await?;
            Ok(Principal::in_session(known.operator))
        }
        Some(known) => {
            if operators::count_failure(&mut connection, known.operator.id).await? >= FAILED_LOGINS_MAX {
                operators::lock(&mut connection, known.operator.id, now + TimeDelta::minutes(LOCK_OUT_MINUTES)).await?;
                tracing::warn!(operator = known.operator.login, "locked out after {FAILED_LOGINS_MAX} failed logins");
            }
            Err(OpsError::LoginRequired)
        }
        None => Err(OpsError::LoginRequired),
    }
}

/// Adds an operator.
///
/// # Errors
/// [`OpsError::BadInput`] for a short password or a bad name, [`OpsError::Refused`] when the name is taken.
pub async fn add_operator(
    ops: &Ops,
    permit: &Permit<ManageOperators>,
    login: &str,
    role: Role,
    password: &str,
) -> Result<(), OpsError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if login.is_empty() || login.len() > 64 || !login.chars().all(plain) {
        return Err(OpsError::field("login", "use 1 to 64 letters, digits, dots, dashes, underscores or @"));
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(OpsError::field("password", format!("use at least {PASSWORD_CHARS_MIN} characters")));
    }
    let hash = hash(password.to_owned()).await?;
    let now = ops.now();
    let added = tx::run(ops.control(), "operator.add", |connection| {
        let (login, hash, actor) = (login.to_owned(), hash.clone(), permit.actor().to_owned());
        Box::pin(async move {
            let added = operators::add(connection, &login, role, &hash, now).await?;
            if added {
                let detail = json!({ "role": role });
                audit::append(
                    connection,
                    &audit::Entry { at: now, actor: &actor, action: "operator.add", target: &login, detail },
                )
                .await?;
            }
            Ok(added)
        })
    })
    .await?;
    if added {
        Ok(())
    } else {
        Err(OpsError::refused(format!("the login name {login} is taken"), "Choose another name."))
    }
}

/// Gives an operator a new password.
pub async fn set_password(
    ops: &Ops,
    permit: &Permit<ManageOperators>,
    login: &str,
    password: &str,
) -> Result<(), OpsError> {
    let hash = hash(password.to_owned()).await?;
    let now = ops.now();
    let found = tx::run(ops.control(), "operator.password", |connection| {
        let (login, hash, actor) = (login.to_owned(), hash.clone(), permit.actor().to_owned());
        Box::pin(async move {
            let found = operators::set_password(connection, &login, &hash).await?;
            if found {
                let entry = audit::Entry {
                    at: now,
                    actor: &actor,
                    action: "operator.password",
                    target: &login,
                    detail: json!({}),
                };
                audit::append(connection, &entry).await?;
            }
            Ok(found)
        })
    })
    .await?;
    if found { Ok(()) } else { Err(OpsError::NotFound(format!("The operator {login}"))) }
}

async fn hash(password: String) -> Result<String, OpsError> {
    blocking(move || {
        Ok(Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|error| OpsError::Internal(error.to_string()))?
            .to_string())
    })
    .await
}

/// Argon2 over the stored hash; over a hash of nothing when there is none, so that the time tells nobody which names
/// exist.
async fn verify(stored: Option<String>, password: String) -> Result<bool, OpsError> {
    blocking(move || {
        let Some(stored) = stored else {
            let _unused = Argon2::default().hash_password(password.as_bytes());
            return Ok(false);
        };
        let parsed = PasswordHash::new(&stored)
            .map_err(|error| OpsError::Internal(format!("a stored password hash cannot be read: {error}")))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    })
    .await
}

/// Argon2 takes tens of milliseconds of a core: not on the threads that serve requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpsError> + Send + 'static,
) -> Result<T, OpsError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| OpsError::Internal(error.to_string()))?
}
