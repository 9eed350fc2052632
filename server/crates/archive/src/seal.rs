//! Encrypting and decrypting a batch's personal columns.

use crate::ArchiveError;
use crate::cipher::{Bound, PersonKey, Workspace, key_of};
use crate::layout::Layout;
use payhist_storage::columns::{Batch, Blobs, Value, Values};
use payhist_types::UserId;
use payhist_types::archive::Column;
use std::collections::{BTreeSet, HashMap};

/// Keys by whatever they are looked for by.
pub type Keys = HashMap<u64, PersonKey>;

/// The persons of a batch.
pub fn persons(batch: &Batch, layout: &Layout) -> BTreeSet<UserId> {
    match &batch.cells[layout.user].values {
        Values::Longs(users) => users.iter().map(|user| UserId(user.cast_unsigned())).collect(),
        _ => BTreeSet::new(),
    }
}

/// The numbers of the keys that a batch's personal columns are encrypted with.
///
/// # Errors
/// [`ArchiveError::Damaged`].
pub fn keys_used(batch: &Batch, layout: &Layout) -> Result<BTreeSet<u64>, ArchiveError> {
    let mut keys = BTreeSet::new();
    let (mut rows, mut row) = (batch.rows(), Vec::new());
    while rows.read(&mut row) {
        for place in &layout.personal {
            if let Value::Blob(sealed) = row[*place] {
                keys.insert(key_of(sealed)?);
            }
        }
    }
    Ok(keys)
}

/// Encrypts the personal columns; `keys` by user id.
///
/// # Errors
/// [`ArchiveError::Unfit`] when a person has no key.
pub fn seal(
    batch: &mut Batch,
    columns: &[Column],
    layout: &Layout,
    history: &str,
    keys: &Keys,
) -> Result<(), ArchiveError> {
    let mut work = Workspace::default();
    change(batch, columns, layout, history, |value, bound, blobs| {
        let key = keys.get(&bound.user.0);
        let key = key.ok_or_else(|| ArchiveError::Unfit(format!("user {} has no key", bound.user)))?;
        blobs.push(key.seal(value, bound, &mut work)?);
        Ok(true)
    })?;
    Ok(())
}

/// Decrypts the personal columns; `keys` by their number. What a destroyed key had encrypted becomes NULL; answers in how
/// many rows.
///
/// # Errors
/// [`ArchiveError::Damaged`] for what does not open though its key is there.
pub fn open(
    batch: &mut Batch,
    columns: &[Column],
    layout: &Layout,
    history: &str,
    keys: &Keys,
) -> Result<u64, ArchiveError> {
    let mut work = Workspace::default();
    change(batch, columns, layout, history, |sealed, bound, blobs| {
        let Some(key) = keys.get(&key_of(sealed)?) else { return Ok(false) };
        blobs.push(key.open(sealed, bound, &mut work)?);
        Ok(true)
    })
}

/// Replaces each value of the personal columns, or makes it NULL; answers in how many rows any became NULL.
fn change(
    batch: &mut Batch,
    columns: &[Column],
    layout: &Layout,
    history: &str,
    mut each: impl FnMut(&[u8], Bound, &mut Blobs) -> Result<bool, ArchiveError>,
) -> Result<u64, ArchiveError> {
    let mut changed: Vec<_> =
        layout.personal.iter().map(|_| (Vec::with_capacity(batch.rows), Blobs::with_room(batch.rows))).collect();
    let (mut rows, mut row, mut lost) = (batch.rows(), Vec::new(), 0);
    while rows.read(&mut row) {
        let (Value::Long(user), Value::Long(payment)) = (row[layout.user], row[layout.payment]) else {
            return Err(ArchiveError::Damaged("a row without user or payment".to_owned()));
        };
        let mut any_lost = false;
        for (place, (present, blobs)) in layout.personal.iter().zip(&mut changed) {
            let column = columns[*place].name.as_str();
            let bound = Bound { history, user: UserId(user.cast_unsigned()), payment: payment.cast_unsigned(), column };
            let is_there = match row[*place] {
                Value::Blob(value) => {
                    let is_there = each(value, bound, blobs)?;
                    any_lost |= !is_there;
                    is_there
                }
                _ => false,
            };
            present.push(i16::from(is_there));
        }
        lost += u64::from(any_lost);
    }
    for (place, (present, blobs)) in layout.personal.iter().zip(changed) {
        batch.cells[*place].present = present;
        batch.cells[*place].values = Values::Blobs(blobs);
    }
    Ok(lost)
}
