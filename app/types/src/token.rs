//! API tokens: what programs say who they act for.

use crate::operator::Permission;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a token's secret begins, so that people and secret scanners know what they have found.
pub const SECRET_PREFIX: &str = "payhist_";
/// Days that a token lives when nothing else is asked.
pub const EXPIRY_DAYS_DEFAULT: u16 = 90;
/// Most days that a token may live.
pub const EXPIRY_DAYS_MAX: u16 = 366;
/// Longest name of a token.
pub const TOKEN_NAME_CHARS_MAX: usize = 64;

/// A token as people see it; its secret is shown once and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Its number.
    pub id: u64,
    /// What its owner calls it.
    pub name: String,
    /// Login name of the operator whom it acts for.
    pub owner: String,
    /// What it may do at most; what its owner's role does not include it may not.
    pub scopes: BTreeSet<Permission>,
    /// When it was made.
    pub created_at: DateTime<FixedOffset>,
    /// When it ends by itself.
    pub expires_at: DateTime<FixedOffset>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<FixedOffset>>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<FixedOffset>>,
    /// Did it work when this was read, but for its owner's role?
    pub active: bool,
}

/// A token that was just made, and its secret: the only time that anybody sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// The token.
    pub token: ApiToken,
    /// What goes into `Authorization: Bearer …`.
    pub secret: String,
}

impl std::fmt::Debug for NewToken {
    /// Without the secret, which no log may hold.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// What an operator asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name.
    pub name: String,
    /// What it may do at most.
    pub scopes: BTreeSet<Permission>,
    /// Days until it ends; `None` for [`EXPIRY_DAYS_DEFAULT`].
    pub days: Option<u16>,
}
