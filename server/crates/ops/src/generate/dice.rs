//! Random choices that stay the same for ever.
//!
//! Invariant: only `ChaCha8` and integer arithmetic of our own: `rand`'s ranges and the platform's floats may change with
//! a version or a machine, and the same seed would give other payments.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A stream of choices.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of that seed and place; two places have nothing in common.
    pub(super) fn new(seed: u64, place: [u64; 3]) -> Self {
        let mut bytes = [0; 32];
        for (part, number) in bytes.chunks_exact_mut(8).zip([seed, place[0], place[1], place[2]]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        scaled(self.bits(), bound)
    }

    /// True `n` times in a thousand.
    pub(super) fn permille(&mut self, n: u64) -> bool {
        self.below(1_000) < n
    }

    /// A number below `bound`, small ones far more often than large ones.
    pub(super) fn mostly_small(&mut self, bound: u64) -> u64 {
        let third = self.below(bound);
        let second = scaled(self.bits(), third + 1);
        scaled(self.bits(), second + 1)
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[usize::try_from(self.below(list.len() as u64)).unwrap_or(0)]
    }

    /// The place of a weighted choice, by the running totals of the weights.
    pub(super) fn weighted(&mut self, totals: &[u64]) -> usize {
        let at = self.below(totals.last().copied().unwrap_or(0).max(1));
        totals.partition_point(|total| *total <= at)
    }
}

/// Maps 64 bits onto 0..bound, evenly.
fn scaled(bits: u64, bound: u64) -> u64 {
    u64::try_from((u128::from(bits) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// Scatters a number's bits (`SplitMix64`): what belongs to a user follows from the user alone.
pub(super) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let mut dice = Dice::new(1997, [1, 2, 3]);
        let drawn = [dice.below(1_000_000), dice.below(1_000_000), dice.below(6)];
        assert_eq!(drawn, [812_009, 102_224, 2]);
        assert_ne!(Dice::new(1997, [1, 2, 3]).bits(), Dice::new(1997, [1, 3, 2]).bits());
    }

    #[test]
    fn choices_stay_within_their_bounds_and_reach_both_ends() {
        let mut dice = Dice::new(7, [0; 3]);
        let drawn: Vec<_> = (0..1_000).map(|_| dice.below(6)).collect();
        assert!((0..6).all(|face| drawn.contains(&face)) && drawn.iter().all(|face| *face < 6));
        let weighted: Vec<_> = (0..1_000).map(|_| dice.weighted(&[1, 1, 10])).collect();
        assert!(!weighted.contains(&1), "a weight of nothing is never chosen");
        assert!(weighted.iter().filter(|place| **place == 2).count() > 800);
    }
}
