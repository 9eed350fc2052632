//! What the operator who looks at a page may do there. The server decides again when it is done.

use crate::api;
use payhist_types::operator::Permission;

/// May whoever is logged in do that?
pub(super) async fn permitted(permission: Permission) -> api::Result<bool> {
    Ok(api::frame().await?.operator.role.may(permission))
}
