//! Lists of payments that somebody gave a name.

use serde::{Deserialize, Serialize};

/// Longest name of a view, in characters.
pub const VIEW_NAME_CHARS_MAX: usize = 60;
/// Longest address of a view, in bytes.
pub const VIEW_ADDRESS_BYTES_MAX: usize = 2_000;
/// Views that one person may have.
pub const VIEWS_MAX: usize = 50;

/// A list that somebody gave a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whose it is, as the audit log names them.
    pub owner: String,
    /// Do all see it, or the owner alone?
    pub shared: bool,
    /// What follows the question mark of its page's address.
    pub address: String,
}
