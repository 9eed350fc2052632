//! Samples and what is said of them.

use anyhow::Result;
use std::time::{Duration, Instant};

/// The middle of the samples; zero without any.
pub(crate) fn median(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// The value that 99 of 100 samples do not pass; zero without any.
pub(crate) fn p99(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
}

/// How often the second goes into the first.
pub(crate) fn ratio(first: Duration, second: Duration) -> f64 {
    first.as_secs_f64() / second.as_secs_f64()
}

/// How long it took.
pub(crate) async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(Duration, T)> {
    let begun = Instant::now();
    let value = work.await?;
    Ok((begun.elapsed(), value))
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// Rows per second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 rows")]
pub(crate) fn rate(rows: u64, duration: Duration) -> f64 {
    rows as f64 / duration.as_secs_f64()
}

/// `123,456 rows/s`
pub(crate) fn rows_per_second(rate: f64) -> String {
    format!("{} rows/s", thousands(rate))
}

/// A whole number with commas.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_of_the_sorted_samples() {
        let mut samples = [9, 1, 5].map(Duration::from_millis);
        assert_eq!(median(&mut samples), Duration::from_millis(5));
        assert_eq!(median(&mut []), Duration::ZERO);
    }

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
