//! Who pays how often: a few users very much, most of them little.

use super::dice::Dice;
use payhist_plan::routing::shard_of;
use payhist_types::history::Route;
use payhist_types::{ShardId, UserId};

/// Most users that a run may have.
pub(super) const USERS_MAX: u64 = 50_000_000;
/// The weight of rank r is 1 / (r + offset): of 10 million payments of 800,000 users, the first one makes 140,000.
const RANK_OFFSET: u64 = 6;
/// What the weights are a fraction of.
const WEIGHT_UNIT: u64 = 1 << 32;
/// Spreads the ranks over the ids, so that the heaviest users are not simply the first. A prime above [`USERS_MAX`], so
/// that every id has one rank.
const SPREAD: u64 = 2_654_435_761;

/// The users of one shard.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    users: Vec<UserId>,
    /// Running totals of their weights.
    totals: Vec<u64>,
}

impl Crowd {
    /// The users 1 to `users`, by shard.
    pub(super) fn of_route(route: &Route, users: u64) -> Vec<Self> {
        let mut crowds: Vec<Self> = route.shards().map(|_| Self::default()).collect();
        for rank in 0..users {
            let user = UserId(1 + rank.wrapping_mul(SPREAD) % users);
            let ShardId(shard) = shard_of(route, user);
            crowds[usize::from(shard)].add(user, WEIGHT_UNIT / (rank + RANK_OFFSET));
        }
        crowds
    }

    fn add(&mut self, user: UserId, weight: u64) {
        self.users.push(user);
        self.totals.push(self.weight() + weight);
    }

    /// How often these users pay, beside other shards.
    pub(super) fn weight(&self) -> u64 {
        self.totals.last().copied().unwrap_or(0)
    }

    /// Somebody who pays now.
    pub(super) fn pick(&self, dice: &mut Dice) -> UserId {
        self.users[dice.weighted(&self.totals)]
    }
}

/// Splits a number by weights, to the last one: the largest remainders get what is left.
pub(super) fn split(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let share = |weight: &u64| u128::from(total) * u128::from(*weight);
    let mut parts: Vec<u64> = weights.iter().map(|weight| u64::try_from(share(weight) / sum).unwrap_or(0)).collect();
    let missing = total - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(share(&weights[*at]) % sum));
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_when_a_number_is_split() {
        assert_eq!(split(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(split(0, &[1, 2]), [0, 0]);
        assert_eq!(split(7, &[0, 3, 0]), [0, 7, 0]);
        assert_eq!(split(1_000_003, &[5, 7, 11, 0]).iter().sum::<u64>(), 1_000_003);
    }

    #[test]
    fn every_user_is_on_the_shard_of_its_route_and_a_few_are_very_heavy() {
        let route = Route::Modulo { shards: 10 };
        let crowds = Crowd::of_route(&route, 1_000);
        let mut all: Vec<u64> = crowds.iter().flat_map(|crowd| crowd.users.iter().map(|user| user.0)).collect();
        all.sort_unstable();
        assert_eq!(all, (1..=1_000).collect::<Vec<_>>());
        for (shard, crowd) in crowds.iter().enumerate() {
            assert!(crowd.users.iter().all(|user| user.0 % 10 == shard as u64));
        }
        let total: u64 = crowds.iter().map(Crowd::weight).sum();
        assert!(WEIGHT_UNIT / RANK_OFFSET * 40 > total, "the heaviest user makes more than a 40th of all");
    }
}
