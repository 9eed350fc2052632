//! The histogram of how long acquiring takes.

/// Upper edges of the acquire-wait histogram, in microseconds; one open bucket follows.
pub(super) const WAIT_EDGES_US: [u64; 12] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000];

/// The upper edge of the bucket that holds the given percentile; `None` without samples or in the open bucket.
pub(super) fn quantile(counts: &[u64], percent: u64) -> Option<u64> {
    let total: u64 = counts.iter().sum();
    let rank = (total * percent).div_ceil(100).max(1);
    let mut seen = 0;
    let bucket = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    WAIT_EDGES_US.get(bucket).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_name_the_bucket_that_holds_the_rank() {
        assert_eq!(quantile(&[0; 13], 50), None, "no samples, no figure");
        let mut counts = [0; 13];
        counts[0] = 98;
        counts[3] = 2;
        assert_eq!(quantile(&counts, 50), Some(50));
        assert_eq!(quantile(&counts, 99), Some(500));
        counts[12] = 1_000;
        assert_eq!(quantile(&counts, 99), None, "the open bucket has no edge");
    }
}
