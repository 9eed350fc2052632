//! What happened to a payment, and what will.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::payment::PaymentStatus;

/// One line of a payment's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEntry {
    /// When, in the business zone.
    pub at: DateTime<FixedOffset>,
    /// What.
    #[serde(flatten)]
    pub event: PaymentEvent,
    /// Who, as the audit log names them; `None`: the payment service, or time itself.
    pub by: Option<String>,
}

/// Something that happens to a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PaymentEvent {
    /// Its row was made.
    Created,
    /// Its row was changed the last time.
    Changed {
        /// Since then it stands so.
        status: PaymentStatus,
        /// Changes so far, where the table counts them.
        version: Option<u32>,
    },
    /// Somebody saw its personal data in clear.
    Revealed {
        /// Why.
        reason: String,
    },
    /// A legal hold was placed on it.
    Held {
        /// The hold's number.
        hold: u64,
        /// Its case.
        case_number: String,
    },
    /// A legal hold on it ends by itself.
    HoldEnds {
        /// The hold's number.
        hold: u64,
    },
    /// Its month, which was put back from quarantine, is no longer left alone.
    RestoredEnds,
    /// Its month was archived.
    Archived {
        /// The archive's name in the configuration.
        target: String,
    },
    /// Its month's retention ends: from then on the month leaves the table, unless a hold keeps it.
    Expires,
}

impl fmt::Display for PaymentEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => write!(formatter, "Created"),
            Self::Changed { status, version: None } => write!(formatter, "Last change: {status}"),
            Self::Changed { status, version: Some(version) } => {
                write!(formatter, "Last change, to version {version}: {status}")
            }
            Self::Revealed { reason } => write!(formatter, "Personal data shown in clear: {reason}"),
            Self::Held { hold, case_number } => write!(formatter, "Hold {hold} placed, case {case_number}"),
            Self::HoldEnds { hold } => write!(formatter, "Hold {hold} ends"),
            Self::RestoredEnds => write!(formatter, "The restored month is no longer left alone"),
            Self::Archived { target } => write!(formatter, "The month was archived to {target}"),
            Self::Expires => write!(formatter, "The month's retention ends"),
        }
    }
}
