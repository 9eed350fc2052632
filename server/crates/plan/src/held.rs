//! The name of the table that takes the held rows of a table's months.

use crate::twins::with_digest;

/// The held-rows table of a table, e.g. `payment_history_shard_7_h0a1b2c3d4e`.
pub fn name(table: &str) -> String {
    with_digest(table, "_h", table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_fit_and_are_no_twins(table in "\\PC{1,64}", other in "\\PC{1,64}", partition in "\\PC{1,64}") {
            prop_assert!(name(&table).chars().count() <= 64);
            prop_assert_eq!(name(&table) == name(&other), table == other);
            prop_assert_ne!(name(&table), crate::twins::name(&other, &partition));
        }
    }
}
