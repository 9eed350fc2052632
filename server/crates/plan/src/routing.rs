//! Which shard holds a user.
//!
//! Invariant: every user has exactly one shard, and it is one of [`Route::shards`].

use payhist_types::history::Route;
use payhist_types::{ShardId, UserId};

/// The shard that holds a user. A modulo route of no shards, which validation refuses, answers shard 0.
pub fn shard_of(route: &Route, user: UserId) -> ShardId {
    let number = match route {
        Route::Modulo { shards } => user.0.checked_rem((*shards).into()).unwrap_or(0),
        Route::Range { upper_bounds } => upper_bounds.partition_point(|upper| *upper < user) as u64,
        Route::Single => 0,
    };
    ShardId(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_route() -> impl Strategy<Value = Route> {
        prop_oneof![
            (1..=u16::MAX).prop_map(|shards| Route::Modulo { shards }),
            proptest::collection::btree_set(any::<u64>(), 0..20)
                .prop_map(|bounds| Route::Range { upper_bounds: bounds.into_iter().map(UserId).collect() }),
            Just(Route::Single),
        ]
    }

    proptest! {
        #[test]
        fn every_user_has_a_shard_of_the_route(route in any_route(), user: u64) {
            prop_assert!(shard_of(&route, UserId(user)).0 < route.shard_count());
        }

        #[test]
        fn modulo_is_the_remainder(shards in 1..=u16::MAX, user: u64) {
            prop_assert_eq!(u64::from(shard_of(&Route::Modulo { shards }, UserId(user)).0), user % u64::from(shards));
        }

        #[test]
        fn a_range_holds_the_users_above_the_bound_before_and_up_to_its_own(
            bounds in proptest::collection::btree_set(any::<u64>(), 1..20),
            user: u64,
        ) {
            let upper_bounds: Vec<_> = bounds.into_iter().map(UserId).collect();
            let shard = usize::from(shard_of(&Route::Range { upper_bounds: upper_bounds.clone() }, UserId(user)).0);
            prop_assert!(upper_bounds.get(shard).is_none_or(|upper| UserId(user) <= *upper));
            prop_assert!(shard == 0 || upper_bounds[shard - 1] < UserId(user));
        }
    }

    #[test]
    fn a_bound_is_inclusive_and_the_last_shard_is_open() {
        let route = Route::Range { upper_bounds: vec![UserId(10_000), UserId(20_000)] };
        let shards = [0, 10_000, 10_001, 20_000, 20_001, u64::MAX].map(|user| shard_of(&route, UserId(user)).0);
        assert_eq!(shards, [0, 0, 1, 1, 2, 2]);
    }
}
