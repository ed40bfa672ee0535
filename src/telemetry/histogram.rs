//! Times in the buckets of those who take them.

use std::collections::BTreeMap;

use crate::record::Frozen;

/// Upper bounds of the buckets that Prometheus gets, in seconds: those of the convention
/// for `mcp.client.operation.duration`, and finer ones below, which servers nearby need.
pub(super) const BOUNDS: [f64; 18] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Sixteen buckets for each power of two, 4.4 % wide each: times from 1 ms to 1 s have 160,
/// as many as the SDKs of OpenTelemetry keep.
pub(super) const SCALE: i32 = 4;

/// Times since the run began.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    /// How many.
    pub(super) count: u64,
    /// Their sum in seconds, to 0.1 %.
    pub(super) sum: f64,
    /// The smallest in seconds, to 0.1 %.
    pub(super) min: Option<f64>,
    /// The largest in seconds, to 0.1 %.
    pub(super) max: Option<f64>,
    /// Those that no power of two describes.
    pub(super) zeros: u64,
    /// How many have an index, at [`SCALE`]: above `base^index`, up to
    /// `base^(index + 1)` seconds.
    pub(super) exponential: BTreeMap<i32, u64>,
    /// How many are within each of [`BOUNDS`] and above the one before; the last are above
    /// all.
    fixed: [u64; BOUNDS.len() + 1],
}

impl Histogram {
    /// Adds times of another second.
    pub(super) fn add(&mut self, times: &Frozen) {
        for &(nanos, count) in times.sparse().counts() {
            self.record(nanos, count);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns, 104 days")]
    fn record(&mut self, nanos: u64, count: u64) {
        let seconds = nanos as f64 / 1e9;
        self.count += count;
        self.sum += seconds * count as f64;
        self.min = Some(self.min.map_or(seconds, |min| min.min(seconds)));
        self.max = Some(self.max.map_or(seconds, |max| max.max(seconds)));
        if let Some(bucket) = self.fixed.get_mut(BOUNDS.partition_point(|bound| *bound < seconds)) {
            *bucket += count;
        }
        match index(seconds) {
            Some(index) => *self.exponential.entry(index).or_default() += count,
            None => self.zeros += count,
        }
    }

    /// How many times are within each of [`BOUNDS`]; all that are within one are within the
    /// next.
    pub(super) fn within(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut sum = 0;
        BOUNDS.into_iter().zip(&self.fixed).map(move |(bound, count)| {
            sum += count;
            (bound, sum)
        })
    }

    /// The index of the first exponential bucket, and the counts from there on; nothing
    /// where there are none.
    pub(super) fn dense(&self) -> Option<(i32, Vec<u64>)> {
        let (first, last) = (*self.exponential.keys().next()?, *self.exponential.keys().next_back()?);
        Some((first, (first..=last).map(|index| self.exponential.get(&index).copied().unwrap_or_default()).collect()))
    }
}

/// The index of the exponential bucket of a time, which includes its upper end.
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a time is small")]
fn index(seconds: f64) -> Option<i32> {
    (seconds > 0.0).then(|| (seconds.log2() * f64::from(1 << SCALE)).ceil() as i32 - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BOUNDS, Histogram, SCALE};

    #[test]
    fn times_fall_into_their_buckets() {
        let mut times = Histogram::default();
        assert_eq!((times.dense(), times.min), (None, None));
        for (nanos, count) in [(0, 1), (1_000_000, 2), (1_000_001, 1), (1_000_000_000, 1), (400_000_000_000, 1)] {
            times.record(nanos, count);
        }
        let within: Vec<_> = times.within().map(|(_, count)| count).collect();
        assert_eq!(within, [1, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5]);
        assert_eq!((times.count, times.zeros, times.max), (6, 1, Some(400.0)));
        // 1 s is 2^0, the upper end of the bucket before index 0.
        assert_eq!(times.exponential.get(&-1), Some(&1));
        assert!((times.sum - 401.003_000_001).abs() < 1e-9, "{}", times.sum);
    }

    proptest! {
        #[test]
        fn every_time_is_in_one_bucket_of_either_kind(nanos in prop::collection::vec(1..u64::from(u32::MAX) * 1_000, 1..50)) {
            let mut times = Histogram::default();
            nanos.iter().for_each(|nanos| times.record(*nanos, 1));
            let base = 2_f64.powf(0.5_f64.powi(SCALE));
            for (index, count) in &times.exponential {
                let (above, within) = (base.powi(*index) * 0.999_999_999, base.powi(index + 1) * 1.000_000_001);
                let here = nanos.iter().filter(|nanos| (above..=within).contains(&(**nanos as f64 / 1e9))).count() as u64;
                prop_assert!(here >= *count);
            }
            let (_, dense) = times.dense().unwrap();
            prop_assert_eq!(dense.iter().sum::<u64>(), times.count);
            for (bound, count) in times.within() {
                prop_assert_eq!(count, nanos.iter().filter(|nanos| **nanos as f64 / 1e9 <= bound).count() as u64);
            }
            prop_assert_eq!(times.fixed.len(), BOUNDS.len() + 1);
        }
    }
}
