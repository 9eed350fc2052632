//! Operators, roles and permissions.
//!
//! A role is nothing but its set of permissions; code asks for a permission, never for a role.

use serde::{Deserialize, Serialize};

/// An action that somebody may or may not take.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Permission {
    /// See payments, personal fields masked.
    ViewPayments,
    /// Take payments away in a file, personal fields masked.
    ExportPayments,
    /// See the partition map, plans and runs.
    ViewPartitions,
    /// Apply plans and turn switches.
    ManagePartitions,
    /// See pools, locks and deadlocks.
    ViewDatabase,
    /// See jobs and their runs.
    ViewJobs,
    /// Run, pause and resume jobs.
    ManageJobs,
    /// See personal fields in clear, one audited click each.
    RevealPersonalData,
    /// See legal holds.
    ViewHolds,
    /// Place legal holds, ask for their release and approve it.
    ManageHolds,
    /// Ask for, preview and approve erasures.
    ManageErasures,
    /// Add, change and disable operators.
    ManageOperators,
}

/// What an operator is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Finds payments and answers customers.
    Operator,
    /// Partitions, locks, pools, jobs.
    Dba,
    /// Erasure, holds, evidence.
    Compliance,
    /// Everything, and the operators.
    Admin,
}

impl Role {
    /// True when this role may do that.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::ViewPayments | P::ViewPartitions | P::ViewDatabase | P::ViewJobs | P::ViewHolds => true,
            P::ManagePartitions | P::ManageJobs => matches!(self, Self::Dba | Self::Admin),
            P::ExportPayments | P::RevealPersonalData => {
                matches!(self, Self::Operator | Self::Compliance | Self::Admin)
            }
            P::ManageErasures | P::ManageHolds => matches!(self, Self::Compliance | Self::Admin),
            P::ManageOperators => matches!(self, Self::Admin),
        }
    }
}

/// The operator who is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Row id.
    pub id: u64,
    /// Login name.
    pub login: String,
    /// Role.
    pub role: Role,
}

/// What every page's frame needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Who is logged in.
    pub operator: Operator,
    /// Environment badge, e.g. `demo` or `production`.
    pub environment: String,
    /// Business zone of the default history.
    pub zone: String,
    /// Names of all histories, the default first.
    pub histories: Vec<String>,
}
