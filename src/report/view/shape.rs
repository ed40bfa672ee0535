//! How latencies are spread: over time, and from the fastest to the slowest.

use serde::Serialize;

use super::baselines::Baselines;
use super::timeline::row_length;
use super::{float, share};
use crate::record::{Distribution, Sparse, sample_floor};

/// Columns of a heatmap: what a plot has pixels for.
const COLUMNS_MAX: u64 = 160;

/// The last column of results that say that they are shorter than they are.
const BEYOND: usize = 2 * COLUMNS_MAX as usize;

/// Bands of a heatmap: enough to tell two humps apart.
const BANDS_MAX: usize = 24;

/// Fewest bands: half a decade, in which some round number lies.
const BANDS_MIN: usize = 8;

/// Bands of each decade while latencies are counted.
const FINE: usize = 16;

/// Decades that are told apart, from [`FINEST_NS`] on.
const DECADES: usize = 10;

/// Where the lowest band begins, in nanoseconds.
const FINEST_NS: f64 = 1e3;

/// Points of a curve for each nine: 50, 90, 99 and so on lie one nine apart.
const POINTS_PER_NINE: u32 = 20;

/// Most nines of a curve: 99.999.
const NINES_MAX: u32 = 5;

/// How many requests had which latency at which time, warm-up included,
/// successes only.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Heatmap {
    /// Length of a column in seconds.
    pub every_s: u64,
    /// Borders of the bands in nanoseconds, from low to high, in equal ratios: one
    /// more than there are bands. Empty when no request succeeded.
    pub edges_ns: Vec<f64>,
    /// The bands over the whole run, from low to high.
    pub bands: Vec<Band>,
    /// In the order of time, without gaps: requests in each band, the lowest first.
    pub columns: Vec<Vec<u64>>,
}

/// Requests of the whole run with a latency between two borders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// The lower border.
    pub from_ns: f64,
    /// The upper border.
    pub to_ns: f64,
    /// Requests between them.
    pub requests: u64,
    /// The same as a share of all.
    pub share: Option<f64>,
}

/// Percentiles as far as there are samples for them, the warm-up excluded.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curves {
    /// Pairs of a percentile and latency in nanoseconds.
    pub latency: Vec<(f64, f64)>,
    /// Pairs of a percentile and service time in nanoseconds.
    pub service: Vec<(f64, f64)>,
    /// The baselines that the run can be compared with.
    pub baselines: Vec<BaselineCurve>,
}

/// Latencies of the runs of a baseline, all together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BaselineCurve {
    /// Its name.
    pub name: String,
    /// How many runs it has.
    pub runs: usize,
    /// Pairs of a percentile and latency in nanoseconds.
    pub latency: Vec<(f64, f64)>,
}

impl Curves {
    pub(super) fn new(latency: &Distribution, service: &Distribution, old: &Baselines) -> Curves {
        let baseline = |((name, runs), latency): (&(String, usize), &Distribution)| BaselineCurve {
            name: name.clone(),
            runs: *runs,
            latency: curve(latency),
        };
        let baselines = old.names.iter().zip(&old.totals).map(baseline).collect();
        Curves { latency: curve(latency), service: curve(service), baselines }
    }
}

/// A curve ends where a percentile would rest on too few samples.
pub(in crate::report) fn curve(distribution: &Distribution) -> Vec<(f64, f64)> {
    (0..=POINTS_PER_NINE * NINES_MAX)
        .map(|point| 100.0 * (1.0 - 0.1_f64.powf(f64::from(point) / f64::from(POINTS_PER_NINE))))
        .take_while(|percentile| sample_floor(*percentile) <= distribution.count())
        .filter_map(|percentile| Some((percentile, distribution.percentile(percentile)?)))
        .collect()
}

/// A total; what a file claims may be more than there can be.
fn sum<'a>(counts: impl Iterator<Item = &'a u64>) -> u64 {
    counts.fold(0, |total, count| total.saturating_add(*count))
}

/// Builds a heatmap from seconds in order.
pub(super) struct HeatmapBuilder {
    every_s: u64,
    columns: Vec<[u64; FINE * DECADES]>,
}

impl HeatmapBuilder {
    pub(super) fn new(length_s: u64) -> HeatmapBuilder {
        HeatmapBuilder { every_s: row_length(length_s, COLUMNS_MAX), columns: Vec::new() }
    }

    pub(super) fn add(&mut self, second: u32, latency: &Sparse) {
        let at = usize::try_from(u64::from(second) / self.every_s).unwrap_or(usize::MAX).min(BEYOND);
        if self.columns.len() <= at {
            self.columns.resize(at + 1, [0; FINE * DECADES]);
        }
        let Some(column) = self.columns.get_mut(at) else { return };
        for (nanos, count) in latency.counts() {
            if let Some(cell) = column.get_mut(fine(*nanos)) {
                *cell += count;
            }
        }
    }

    pub(super) fn finish(self, length_s: u64) -> Heatmap {
        let used = |band: &usize| self.columns.iter().any(|column| column.get(*band).is_some_and(|count| *count > 0));
        let (Some(low), Some(high)) = ((0..FINE * DECADES).find(used), (0..FINE * DECADES).rev().find(used)) else {
            return Heatmap::default();
        };
        // Room around what is nearly always the same.
        let lacking = BANDS_MIN.saturating_sub(high + 1 - low);
        let low = low.saturating_sub(lacking / 2);
        let high = (low + BANDS_MIN - 1).max(high).min(FINE * DECADES - 1);
        // As fine as there is room for, in whole fine bands.
        let group = (high + 1 - low).div_ceil(BANDS_MAX);
        let bands = (high + 1 - low).div_ceil(group);
        let edge = |band: usize| FINEST_NS * 10_f64.powf(float((low + band * group) as u64) / float(FINE as u64));
        let coarse = |column: &[u64; FINE * DECADES]| {
            let span = column.get(low..=high).unwrap_or_default();
            span.chunks(group).map(|cells| sum(cells.iter())).collect()
        };
        let mut columns: Vec<Vec<u64>> = self.columns.iter().map(coarse).collect();
        let length = usize::try_from(length_s.div_ceil(self.every_s)).unwrap_or(0);
        columns.resize(length.max(columns.len()), vec![0; bands]);
        let edges_ns: Vec<f64> = (0..=bands).map(edge).collect();
        let requests = |band: usize| sum(columns.iter().filter_map(|column| column.get(band)));
        let counts: Vec<u64> = (0..bands).map(requests).collect();
        let total = sum(counts.iter());
        let borders = edges_ns.iter().zip(edges_ns.iter().skip(1));
        let bands = borders
            .zip(counts)
            .map(|((from, to), requests)| Band { from_ns: *from, to_ns: *to, requests, share: share(requests, total) })
            .collect();
        Heatmap { every_s: self.every_s, edges_ns, bands, columns }
    }
}

/// The fine band of a latency; the first and the last have what lies beyond.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a handful of decades")]
fn fine(nanos: u64) -> usize {
    let decades = (float(nanos.max(1)) / FINEST_NS).log10().max(0.0);
    ((decades * FINE as f64) as usize).min(FINE * DECADES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::new();
        values.into_iter().for_each(|value| distribution.record(value));
        distribution
    }

    #[test]
    fn a_heatmap_counts_every_request_once_and_tells_humps_apart() {
        let mut builder = HeatmapBuilder::new(400);
        for second in 0..400 {
            let fast = (0..10).map(|n| 2_000_000 + n * 10_000);
            builder.add(second, &of(fast.chain([40_000_000, 7])).freeze().sparse());
        }
        let heat = builder.finish(400);
        assert_eq!((heat.every_s, heat.columns.len()), (5, 80));
        assert_eq!(heat.columns.iter().flatten().sum::<u64>(), 400 * 12);
        assert!(heat.edges_ns.len() <= BANDS_MAX + 1 && heat.edges_ns.is_sorted());
        assert!(heat.columns.iter().all(|column| column.len() + 1 == heat.edges_ns.len()));
        let full: Vec<_> = heat.columns[3].iter().filter(|count| **count > 0).copied().collect();
        assert_eq!(full, [5, 50, 5], "one band for each hump");
        let band = heat.columns[3].iter().position(|count| *count == 50).unwrap();
        assert!(heat.edges_ns[band] <= 2e6 && heat.edges_ns[band + 1] >= 2.09e6);
    }

    #[test]
    fn times_beyond_all_bands_are_in_the_last_ones() {
        assert_eq!((fine(0), fine(999), fine(1_000), fine(u64::MAX)), (0, 0, 0, FINE * DECADES - 1));
        let builder = HeatmapBuilder::new(0);
        assert_eq!(builder.finish(0), Heatmap::default());
    }

    #[test]
    fn a_curve_ends_where_its_samples_end() {
        let curves = Curves::new(&of((1..=400).map(|n| n * 1_000_000)), &of([]), &Baselines::new(&[]));
        assert!(curves.service.is_empty());
        let (last, nanos) = *curves.latency.last().unwrap();
        assert!((98.9..99.1).contains(&last), "{last}");
        assert!((395e6..=397e6).contains(&nanos), "{nanos}");
        assert_eq!(curves.latency[0].0, 0.0);
        assert!((curves.latency[0].1 / 1e6 - 1.0).abs() < 1e-3);
        assert!(curves.latency.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
    }
}
