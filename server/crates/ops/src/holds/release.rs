//! The release of a hold, by two people.
//!
//! Invariant: whoever approves a release is an operator by name, and not who asked for it. The command line may ask,
//! never approve: it is whoever can read the configuration, nobody in particular.

use super::{REASON_CHARS_MAX, bounded};
use crate::auth::{ManageHolds, Permit, Principal};
use crate::{Ops, OpsError};
use chrono::{DateTime, Utc};
use payhist_storage::holds as stored;
use payhist_storage::{StorageError, audit, histories, tx};
use payhist_types::holds::Hold;
use serde_json::json;

/// Asks for a hold's release. It goes on holding until somebody else approves.
///
/// # Errors
/// [`OpsError::NotFound`]; [`OpsError::Refused`] when it has ended or its release was asked for already.
pub async fn ask_release(ops: &Ops, permit: &Permit<ManageHolds>, id: u64, reason: &str) -> Result<(), OpsError> {
    let reason = bounded("reason", reason, REASON_CHARS_MAX)?;
    change(ops, permit.actor(), id, Change::Ask(reason)).await
}

/// Approves a release that somebody else asked for: the hold ends.
///
/// # Errors
/// [`OpsError::NotFound`]; [`OpsError::Refused`] when it has ended, nobody asked, or the same operator did;
/// [`OpsError::Forbidden`].
pub async fn approve_release(ops: &Ops, approver: &Principal, id: u64) -> Result<(), OpsError> {
    let permit = approver.permit::<ManageHolds>()?;
    change(ops, permit.actor(), id, Change::Approve).await
}

#[derive(Debug, Clone)]
enum Change {
    Ask(String),
    Approve,
}

async fn change(ops: &Ops, actor: &str, id: u64, change: Change) -> Result<(), OpsError> {
    let now = ops.now();
    let refusal = tx::run(ops.control(), "holds.change", |connection| {
        let (actor, change) = (actor.to_owned(), change.clone());
        Box::pin(async move {
            let Some((history, hold)) = stored::lock(connection, id).await? else { return Ok(Some(Refusal::NotFound)) };
            if let Some(refusal) = refusal(&hold, &change, &actor, now) {
                return Ok(Some(refusal));
            }
            let action = match &change {
                Change::Ask(reason) => {
                    stored::ask_release(connection, id, reason, &actor, now).await?;
                    "hold.ask_release"
                }
                Change::Approve => {
                    stored::release(connection, id, &actor, now).await?;
                    "hold.release"
                }
            };
            let target = histories::name_of(connection, history).await?;
            let asked_by = hold.release_asked.map(|deed| deed.by);
            let detail = json!({ "hold": id, "case": hold.case_number, "asked_by": asked_by });
            let entry = audit::Entry { at: now, actor: &actor, action, target: &target, detail };
            audit::append(connection, &entry).await?;
            Ok::<_, StorageError>(None)
        })
    })
    .await?;
    refusal.map_or(Ok(()), |refusal| Err(refusal.error(id)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotFound,
    Ended,
    AskedAlready,
    NobodyAsked,
    SamePerson,
}

fn refusal(hold: &Hold, change: &Change, actor: &str, now: DateTime<Utc>) -> Option<Refusal> {
    match (change, &hold.release_asked) {
        _ if !hold.is_active(now) => Some(Refusal::Ended),
        (Change::Ask(_), Some(_)) => Some(Refusal::AskedAlready),
        (Change::Approve, None) => Some(Refusal::NobodyAsked),
        (Change::Approve, Some(asked)) if asked.by == actor => Some(Refusal::SamePerson),
        _ => None,
    }
}

impl Refusal {
    fn error(self, id: u64) -> OpsError {
        let (why, remedy) = match self {
            Self::NotFound => return OpsError::NotFound(format!("The hold {id}")),
            Self::Ended => ("has ended already", "Nothing is left to do."),
            Self::AskedAlready => ("is to be released already", "Somebody else approves it on the page Holds."),
            Self::NobodyAsked => ("is not asked to be released", "One operator asks, another approves."),
            Self::SamePerson => ("is not released by who asked for it", "Another operator approves it."),
        };
        OpsError::refused(format!("hold {id} {why}"), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::holds::{Deed, HoldScope};

    fn hold(asked_by: Option<&str>, until: Option<&str>, released: bool) -> Hold {
        let deed = |by: &str| Deed { by: by.to_owned(), at: DateTime::UNIX_EPOCH.fixed_offset() };
        Hold {
            id: 1,
            scope: HoldScope::History,
            reason: "r".into(),
            case_number: "c".into(),
            placed: deed("operator ann"),
            until: until.map(|until| until.parse().unwrap()),
            release_asked: asked_by.map(deed),
            release_reason: None,
            released: released.then(|| deed("operator bob")),
        }
    }

    #[test]
    fn a_hold_is_released_by_another_than_who_asked_and_only_once() {
        let now = "2026-11-15T12:00:00Z".parse().unwrap();
        let approve = |hold: &Hold, by| refusal(hold, &Change::Approve, by, now);
        let asked = hold(Some("operator ann"), None, false);
        assert_eq!(approve(&asked, "operator ann"), Some(Refusal::SamePerson));
        assert_eq!(approve(&asked, "operator bob"), None);
        assert_eq!(approve(&hold(None, None, false), "operator bob"), Some(Refusal::NobodyAsked));
        assert_eq!(approve(&hold(Some("operator ann"), None, true), "operator bob"), Some(Refusal::Ended));
        let over = hold(Some("operator ann"), Some("2026-11-15T12:00:00Z"), false);
        assert_eq!(approve(&over, "operator bob"), Some(Refusal::Ended));
        let ask = Change::Ask("settled".into());
        assert_eq!(refusal(&asked, &ask, "operator bob", now), Some(Refusal::AskedAlready));
    }
}
