//! Distributions of times: HDR histograms, live and at rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

use super::sparse::{self, Bounds};

/// Values are kept to three significant digits: an error of at most 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Finer than any clock that is read here; it saves the buckets below.
const LOWEST_NS: u64 = 64;

/// Buckets for values up to here exist from the start; beyond, the histogram
/// grows by itself.
const FIRST_HIGHEST_NS: u64 = 100_000_000;

/// What tells encodings of ours from those of others.
const BOUNDS: Bounds = Bounds { digits: SIGNIFICANT_DIGITS as u32, lowest: LOWEST_NS };

/// A distribution of times in nanoseconds, to three significant digits.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
}

impl Default for Distribution {
    fn default() -> Distribution {
        Distribution::new()
    }
}

impl Distribution {
    /// An empty one.
    #[must_use]
    pub fn new() -> Distribution {
        Distribution::up_to(FIRST_HIGHEST_NS)
    }

    /// An empty one that takes as little memory as it can: for the few values of a second,
    /// where making a histogram would be most of the work.
    #[must_use]
    pub fn narrow() -> Distribution {
        Distribution::up_to(2 * LOWEST_NS)
    }

    /// With buckets for values up to `highest` from the start.
    fn up_to(highest: u64) -> Distribution {
        #[expect(clippy::expect_used, reason = "the bounds are constants, and a test constructs each")]
        let mut histogram =
            Histogram::new_with_bounds(LOWEST_NS, highest, SIGNIFICANT_DIGITS).expect("constant bounds are in order");
        histogram.auto(true);
        Distribution { histogram }
    }

    /// Records a time in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        // Fails only for a histogram that may not grow. (`saturating_record`
        // would clamp to the present size instead of growing.)
        let _ = self.histogram.record(nanos);
    }

    /// Adds everything in `other`.
    pub fn add(&mut self, other: &Distribution) {
        // Fails only for a histogram that may not grow; this one may.
        let _ = self.histogram.add(&other.histogram);
    }

    /// Adds everything in `frozen`. Damaged bytes add nothing and return false.
    pub fn add_frozen(&mut self, frozen: &Frozen) -> bool {
        let sparse = frozen.sparse();
        self.add_sparse(&sparse);
        frozen.is_empty() || !sparse.counts.is_empty()
    }

    /// Adds everything in `sparse`.
    pub fn add_sparse(&mut self, sparse: &Sparse) {
        for &(value, count) in &sparse.counts {
            // Fails only for a histogram that may not grow; this one may.
            let _ = self.histogram.record_n(value, count);
        }
    }

    /// At rest. An empty distribution takes no bytes.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        let mut bytes = Vec::new();
        if !self.histogram.is_empty() {
            // Writing to a Vec fails only for counts beyond 2^63.
            let _ = V2Serializer::new().serialize(&self.histogram, &mut bytes);
        }
        Frozen { bytes }
    }

    /// Empties it; the memory stays.
    pub fn clear(&mut self) {
        self.histogram.reset();
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether it holds no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The value at `percentile` (0 to 100) in nanoseconds; `None` when empty.
    /// No value is reported beyond the largest one recorded.
    #[must_use]
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        self.known(self.histogram.value_at_percentile(percentile).min(self.histogram.max()))
    }

    /// The smallest value in nanoseconds; `None` when empty.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.known(self.histogram.min())
    }

    /// The largest value in nanoseconds; `None` when empty.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.known(self.histogram.max())
    }

    /// The arithmetic mean in nanoseconds; `None` when empty.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.histogram.mean())
    }

    /// The standard deviation in nanoseconds; `None` when empty.
    #[must_use]
    pub fn stddev(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.histogram.stdev())
    }

    /// Values and how many of each, from small to large.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }

    #[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns, 104 days")]
    fn known(&self, nanos: u64) -> Option<f64> {
        (!self.is_empty()).then_some(nanos as f64)
    }
}

/// Fewer samples than this leave the upper end of a two-sided 95 % interval for
/// the percentile unbounded: n ≥ ln 0.025 / ln(p/100), the binomial
/// order-statistic interval. At least 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
pub fn sample_floor(percentile: f64) -> u64 {
    let share = percentile / 100.0;
    if share <= 0.0 || share >= 1.0 {
        return 1;
    }
    (0.025_f64.ln() / share.ln()).ceil().max(1.0) as u64
}

/// What a distribution at rest holds: values in order and how often each was
/// recorded. It costs as much as there is, where a histogram costs its range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse {
    counts: Vec<(u64, u64)>,
}

impl Sparse {
    /// Each value in nanoseconds, as the smallest that is kept as one with it, and how
    /// often it was recorded, in order.
    #[must_use]
    pub fn counts(&self) -> &[(u64, u64)] {
        &self.counts
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Like [`Distribution::percentile`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns, 104 days")]
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        sparse::percentile(&self.counts, percentile, BOUNDS).map(|nanos| nanos as f64)
    }

    /// Like [`Distribution::max`].
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.percentile(100.0)
    }
}

/// Distributions at rest that are being summed up. It costs as much as there is, where a
/// [`Distribution`] costs its range: for many small sums.
#[derive(Clone, Debug, Default)]
pub struct SparseSum {
    /// In no order, and values more than once.
    counts: Vec<(u64, u64)>,
    /// How many there were when each value was there once.
    settled: usize,
}

impl SparseSum {
    /// More than twice as many entries as values, and so many more, are brought in order:
    /// memory is bounded in values.
    const LOOSE: usize = 4096;

    /// Adds everything in `sparse`.
    pub fn add(&mut self, sparse: &Sparse) {
        self.counts.extend_from_slice(&sparse.counts);
        if self.counts.len() > 2 * self.settled + SparseSum::LOOSE {
            self.settle();
            self.settled = self.counts.len();
        }
    }

    /// The sum.
    #[must_use]
    pub fn finish(mut self) -> Sparse {
        self.settle();
        Sparse { counts: self.counts }
    }

    /// Brings values in order, each once.
    fn settle(&mut self) {
        self.counts.sort_unstable();
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
    }
}

/// A distribution at rest: the HDR V2 encoding, in JSON as base64. Empty for an
/// empty distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    bytes: Vec<u8>,
}

impl Frozen {
    /// Whether it holds no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds everything in `other`; commutative and associative.
    pub fn merge(&mut self, other: &Frozen) {
        if self.is_empty() {
            self.clone_from(other);
        } else if !other.is_empty() {
            let mut sum = Distribution::new();
            sum.add_frozen(self);
            sum.add_frozen(other);
            *self = sum.freeze();
        }
    }

    /// What it holds; nothing where its bytes are damaged.
    #[must_use]
    pub fn sparse(&self) -> Sparse {
        if self.is_empty() {
            return Sparse::default();
        }
        let counts = self.counts().or_else(|| {
            // Made by another program, with other bounds.
            let other = Distribution { histogram: self.thaw()? };
            Some(other.buckets().collect())
        });
        Sparse { counts: counts.unwrap_or_default() }
    }

    /// What was recorded and how often, unless the bounds are not ours.
    fn counts(&self) -> Option<Vec<(u64, u64)>> {
        sparse::counts(&self.bytes, BOUNDS)
    }

    fn thaw(&self) -> Option<Histogram<u64>> {
        Deserializer::new().deserialize(&mut self.bytes.as_slice()).ok()
    }
}

impl Serialize for Frozen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.bytes))
    }
}

impl schemars::JsonSchema for Frozen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Distribution".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "An HdrHistogram in the V2 encoding without compression, in base64; empty for an empty \
                            distribution.",
        })
    }
}

impl<'de> Deserialize<'de> for Frozen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Frozen, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text).map_err(serde::de::Error::custom)?;
        let frozen = Frozen { bytes };
        if !frozen.is_empty() && sparse::each(&frozen.bytes, BOUNDS, |_, _| ()).is_none() && frozen.thaw().is_none() {
            return Err(serde::de::Error::custom("not an HDR histogram in V2 encoding"));
        }
        Ok(frozen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::new();
        values.iter().for_each(|value| distribution.record(*value));
        distribution
    }

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let values: Vec<u64> = (1..=10_000).map(|n| n * 10_000).collect();
        let distribution = of(&values);
        for percentile in [50.0, 90.0, 99.0, 99.9] {
            let exact = percentile / 100.0 * 10_000.0 * 10_000.0;
            let reported = distribution.percentile(percentile).unwrap();
            assert!((reported / exact - 1.0).abs() < 1.1e-3, "p{percentile}: {reported} for {exact}");
        }
    }

    #[test]
    fn a_long_wait_is_not_cut_short() {
        let hour = 3_600_000_000_000;
        assert!((of(&[5, hour]).max().unwrap() / hour as f64 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn nothing_is_known_of_an_empty_distribution() {
        let empty = Distribution::new();
        assert_eq!((empty.percentile(50.0), empty.mean(), empty.max()), (None, None, None));
        assert!(empty.freeze().is_empty());
    }

    #[test]
    fn sample_floors_are_those_of_the_order_statistic() {
        let floors = [(50.0, 6), (75.0, 13), (90.0, 36), (95.0, 72), (99.0, 368), (99.9, 3688), (99.99, 36887)];
        for (percentile, floor) in floors {
            assert_eq!(sample_floor(percentile), floor, "p{percentile}");
        }
    }

    #[test]
    fn damaged_bytes_are_refused_when_read() {
        assert!(serde_json::from_str::<Frozen>("\"AAAA\"").is_err());
        assert!(serde_json::from_str::<Frozen>("\"%\"").is_err());
        assert!(serde_json::from_str::<Frozen>("\"\"").unwrap().is_empty());
    }

    #[test]
    fn bytes_with_other_bounds_are_read_too() {
        let mut other = Histogram::<u64>::new_with_bounds(1, 1_000_000, 2).unwrap();
        other.record_n(5_000, 3).unwrap();
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&other, &mut bytes).unwrap();
        let frozen = Frozen { bytes };
        assert_eq!(frozen.counts(), None);
        let mut sum = of(&[1_000]);
        assert!(sum.add_frozen(&frozen));
        assert_eq!(sum.count(), 4);
    }

    proptest! {
        #[test]
        fn a_tally_has_the_percentiles_of_its_distribution(
            values in prop::collection::vec(prop_oneof![0_u64..200, 0_u64..10_000_000, any::<u64>().prop_map(|v| v >> 8)], 0..50),
            percentile in 0.001..=100.0,
        ) {
            let distribution = of(&values);
            prop_assert_eq!(distribution.freeze().sparse().percentile(percentile), distribution.percentile(percentile));
        }

        #[test]
        fn the_counts_at_rest_are_those_of_the_histogram(values in prop::collection::vec(0..u64::from(u32::MAX) * 1_000, 1..200), damage in any::<(prop::sample::Index, u8)>()) {
            let distribution = of(&values);
            let mut frozen = distribution.freeze();
            let (thawed, counts) = (frozen.thaw().unwrap(), frozen.counts().unwrap());
            let expected = thawed.iter_recorded().map(|bucket| {
                let value = bucket.value_iterated_to();
                (thawed.lowest_equivalent(value), bucket.count_at_value())
            });
            prop_assert_eq!(counts, expected.collect::<Vec<_>>());
            let mut again = Distribution::new();
            prop_assert!(again.add_frozen(&frozen));
            prop_assert_eq!((again.min(), again.max(), again.mean()), (distribution.min(), distribution.max(), distribution.mean()));
            // Damaged bytes are refused or read, and never more than that.
            let at = damage.0.index(frozen.bytes.len());
            frozen.bytes[at] ^= damage.1;
            let _ = frozen.counts();
        }

        #[test]
        fn a_sparse_sum_has_what_a_histogram_has(
            parts in prop::collection::vec(prop::collection::vec(prop_oneof![0_u64..200, 0_u64..10_000_000], 0..300), 0..60),
            percentile in 0.001..=100.0,
        ) {
            let (mut sum, mut whole, mut narrow) = (SparseSum::default(), Distribution::new(), Distribution::narrow());
            for part in &parts {
                let frozen = of(part).freeze();
                sum.add(&frozen.sparse());
                whole.add_frozen(&frozen);
                narrow.add_frozen(&frozen);
            }
            let sum = sum.finish();
            prop_assert_eq!((sum.count(), sum.max()), (whole.count(), whole.max()));
            prop_assert_eq!(sum.percentile(percentile), whole.percentile(percentile));
            prop_assert_eq!(narrow.percentile(percentile), whole.percentile(percentile));
            prop_assert!(sum.counts().is_sorted_by(|a, b| a.0 < b.0));
        }

        #[test]
        fn merging_at_rest_is_recording_together(a in prop::collection::vec(1..u64::from(u32::MAX) * 100, 0..50), b in prop::collection::vec(1..1_000_000_u64, 0..50)) {
            let mut merged = of(&a).freeze();
            merged.merge(&of(&b).freeze());
            let mut reversed = of(&b).freeze();
            reversed.merge(&of(&a).freeze());
            let both = of(&a.iter().chain(&b).copied().collect::<Vec<_>>());
            for merged in [merged, reversed] {
                let mut thawed = Distribution::new();
                prop_assert!(thawed.add_frozen(&merged));
                prop_assert_eq!(thawed.count(), both.count());
                prop_assert_eq!(thawed.percentile(90.0), both.percentile(90.0));
                prop_assert_eq!(thawed.buckets().collect::<Vec<_>>(), both.buckets().collect::<Vec<_>>());
            }
        }
    }
}
