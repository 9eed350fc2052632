//! Saved views of payments: one's own, and those that others share.
//!
//! Invariant: a view is changed by its owner alone.

use crate::auth::{Permit, ViewPayments};
use crate::recently::Recently;
use crate::{Ops, OpsError};
use payhist_storage::{audit, saved_views, tx};
use payhist_types::view::{SavedView, VIEW_ADDRESS_BYTES_MAX, VIEW_NAME_CHARS_MAX, VIEWS_MAX};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How old the views of a page may be, when another instance has changed them.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Most operators whose views are kept.
const OPERATORS_MAX: u64 = 1_000;

/// The views that each operator saw lately, by what the audit log calls them: every list of payments shows them.
#[derive(Debug)]
pub(crate) struct SeenViews(Recently<String, Arc<[SavedView]>>);

impl Default for SeenViews {
    fn default() -> Self {
        Self(Recently::new(OPERATORS_MAX, FRESH_FOR))
    }
}

/// The views that somebody sees, by name, at most [`FRESH_FOR`] old.
pub async fn list(ops: &Ops, permit: &Permit<ViewPayments>) -> Result<Arc<[SavedView]>, OpsError> {
    ops.seen_views().0.get(permit.actor().to_owned(), async { Ok(read(ops, permit).await?.into()) }).await
}

async fn read(ops: &Ops, permit: &Permit<ViewPayments>) -> Result<Vec<SavedView>, OpsError> {
    let mut connection = ops.control().acquire("views.list").await?;
    let views = saved_views::seen_by(&mut connection, permit.actor()).await?;
    connection.keep();
    Ok(views)
}

/// Keeps a list under a name; one's own of the same name is replaced. `address` is what follows its page's question mark.
///
/// # Errors
/// [`OpsError::BadInput`] for a name or an address that is empty or too long; [`OpsError::Refused`] for one too many.
pub async fn save(
    ops: &Ops,
    permit: &Permit<ViewPayments>,
    name: &str,
    shared: bool,
    address: &str,
) -> Result<(), OpsError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > VIEW_NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(OpsError::field("name", format!("use 1 to {VIEW_NAME_CHARS_MAX} characters")));
    }
    if address.is_empty() || address.len() > VIEW_ADDRESS_BYTES_MAX {
        return Err(OpsError::field("address", "choose a filter first: there is nothing to keep"));
    }
    let mine: Vec<_> = read(ops, permit).await?.into_iter().filter(|view| view.owner == permit.actor()).collect();
    if mine.len() >= VIEWS_MAX && mine.iter().all(|view| view.name != name) {
        return Err(OpsError::refused(format!("you have {VIEWS_MAX} views"), "Delete one that you no longer need."));
    }
    let now = ops.now();
    tx::run(ops.control(), "views.save", |connection| {
        let (owner, name, address) = (permit.actor().to_owned(), name.to_owned(), address.to_owned());
        Box::pin(async move {
            saved_views::save(connection, &owner, &name, shared, &address, now).await?;
            let detail = json!({ "shared": shared, "address": address });
            let entry = audit::Entry { at: now, actor: &owner, action: "view.save", target: &name, detail };
            audit::append(connection, &entry).await
        })
    })
    .await?;
    ops.seen_views().0.forget();
    Ok(())
}

/// Forgets one of one's own views.
///
/// # Errors
/// [`OpsError::NotFound`] when it is somebody else's, or gone.
pub async fn forget(ops: &Ops, permit: &Permit<ViewPayments>, id: u64) -> Result<(), OpsError> {
    let now = ops.now();
    let name = tx::run(ops.control(), "views.forget", |connection| {
        let owner = permit.actor().to_owned();
        Box::pin(async move {
            let name = saved_views::forget(connection, &owner, id).await?;
            if let Some(target) = &name {
                let entry = audit::Entry { at: now, actor: &owner, action: "view.forget", target, detail: json!({}) };
                audit::append(connection, &entry).await?;
            }
            Ok(name)
        })
    })
    .await?;
    ops.seen_views().0.forget();
    name.map(drop).ok_or_else(|| OpsError::NotFound(format!("The view {id} of yours")))
}
