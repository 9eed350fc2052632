//! The names of quarantine's twin tables, and of other tables that payhist makes beside a table.
//!
//! Invariant: a name is told from the table and the partition alone, fits the engines, and is no other pair's: what is
//! cut off or could be read in two ways is in the digest.

use sha2::{Digest, Sha256};

/// Longest table name that both engines take, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Hexadecimal digits of the digest.
const DIGEST_CHARS: usize = 10;
/// The twin of a table's partition, e.g. `payment_history_shard_7_p202510_q0a1b2c3d4e`.
pub fn name(table: &str, partition: &str) -> String {
    with_digest(&format!("{table}_{partition}"), "_q", &format!("{table}\0{partition}"))
}

/// As much as there is room for of what people read, the infix, and the digest of what the name stands for.
pub(crate) fn with_digest(readable: &str, infix: &str, stands_for: &str) -> String {
    let digest = hex::encode(Sha256::digest(stands_for));
    let readable: String = readable.chars().take(NAME_CHARS_MAX - infix.len() - DIGEST_CHARS).collect();
    format!("{readable}{infix}{}", &digest[..DIGEST_CHARS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_that_spell_the_same_have_twins_of_their_own() {
        assert_ne!(name("a", "b_c"), name("a_b", "c"));
        assert_eq!(name("payment_history_shard_7", "p202510"), "payment_history_shard_7_p202510_qc840568647");
    }

    proptest! {
        #[test]
        fn names_fit_and_differ(table in "\\PC{1,64}", one in "\\PC{1,64}", other in "\\PC{1,64}") {
            prop_assert!(name(&table, &one).chars().count() <= NAME_CHARS_MAX);
            prop_assert_eq!(name(&table, &one) == name(&table, &other), one == other);
        }
    }
}
