//! How sure it is that a condition holds, given as many samples as there were.

use crate::plan::{Assertion, Comparison, Metric, MetricExpr, Statistic};
use crate::record::{Distribution, Time};
use crate::results::{Results, Window};

/// How sure it is that the true value keeps to the limit: one minus the
/// probability to see so few samples beyond it if the true value were the limit
/// itself. Exact, by the binomial distribution; requests count as independent.
///
/// For `….latency.pN < LIMIT` (a sample is beyond it when it took longer; a
/// share of 1 - N/100 may) and `….errors.rate < LIMIT`. `None` for conditions of
/// another form.
pub(super) fn confidence(results: &Results, condition: &Assertion) -> Option<f64> {
    let (MetricExpr::Metric(reference), MetricExpr::Const(limit)) = (&condition.left, &condition.right) else {
        return None;
    };
    if !matches!(condition.comparison, Comparison::Less | Comparison::LessOrEqual) {
        return None;
    }
    let (beyond, samples, share) = match (&reference.metric, reference.statistic) {
        (Metric::Time(crate::plan::TimeMetric::Latency), Statistic::Percentile(percentile)) => {
            let times = results.times(&reference.selection, Time::Latency, Window::Whole);
            (above(&times, limit.value), times.count(), 1.0 - percentile / 100.0)
        }
        (Metric::Errors { class: None }, Statistic::Rate) => {
            let counts = results.counts(&reference.selection, Window::Whole);
            (counts.failed(), counts.requests, limit.value)
        }
        _ => return None,
    };
    (samples > 0 && share > 0.0 && share < 1.0).then(|| 1.0 - at_most(beyond, samples, share))
}

/// How many values are above `limit`.
#[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns")]
fn above(times: &Distribution, limit: f64) -> u64 {
    times.buckets().filter(|(value, _)| *value as f64 > limit).map(|(_, count)| count).sum()
}

/// The probability of at most `k` successes in `n` trials of chance `p`.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    // In logarithms: the first term may be smaller than any number.
    let odds = (p / (1.0 - p)).ln();
    let mut term = n as f64 * (1.0 - p).ln();
    let (mut largest, mut sum) = (term, 1.0);
    for i in 0..k {
        term += ((n - i) as f64 / (i + 1) as f64).ln() + odds;
        if term > largest {
            sum = sum * (largest - term).exp() + 1.0;
            largest = term;
        } else {
            sum += (term - largest).exp();
        }
    }
    (largest.exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (k, n, p, expected) in [
            (0, 10, 0.5, 1.0 / 1024.0),
            (5, 10, 0.5, 0.623_046_875),
            (2, 20, 0.05, 0.924_516_3),
            (10, 10, 0.3, 1.0),
            (40, 1000, 0.05, 0.080_636_6),
        ] {
            let found = at_most(k, n, p);
            assert!((found - expected).abs() < 1e-4, "{k} of {n} at {p}: {found}");
        }
        // The first term is 1e-2228, far below the smallest number.
        assert!((at_most(5000, 100_000, 0.05) - 0.5).abs() < 0.01);
    }
}
