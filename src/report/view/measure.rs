//! Everything that a view sums over a recording, in one pass over it.

use std::collections::BTreeMap;

use super::float;
use super::shape::{Heatmap, HeatmapBuilder};
use super::timeline::{Timeline, TimelineBuilder, length_s};
use super::{CHART_ROWS, TABLE_ROWS};
use crate::plan::Selection;
use crate::record::{Counts, Distribution, Frozen, Phase, SeriesRow, Sparse, Time};
use crate::results::Results;

/// Sums over the measured part of the run, and the run over time.
pub(super) struct Sums {
    /// By index of the series.
    pub(super) series: Vec<SeriesSums>,
    /// All series together.
    pub(super) total: SeriesSums,
    /// How late the load generator was.
    pub(super) lag: Distribution,
    /// For charts.
    pub(super) timeline: Timeline,
    /// For tables.
    pub(super) table: Timeline,
    /// Latencies over time.
    pub(super) heatmap: Heatmap,
}

/// Sums of one series.
#[derive(Clone, Default)]
pub(super) struct SeriesSums {
    pub(super) counts: Counts,
    pub(super) latency: Distribution,
    pub(super) service: Distribution,
    pub(super) wait: Distribution,
    pub(super) first_byte: Distribution,
    /// By the values of tags that requests brought.
    pub(super) tagged: BTreeMap<Vec<String>, TagSums>,
    /// The 95th percentile of each second that has requests, in nanoseconds.
    pub(super) p95_by_second: Vec<(u32, f64)>,
}

/// Sums of the requests of a series that brought the same values of tags.
#[derive(Clone, Default)]
pub(super) struct TagSums {
    pub(super) counts: Counts,
    pub(super) latency: Distribution,
}

impl Sums {
    pub(super) fn new(results: &Results) -> Sums {
        let mut series = vec![SeriesSums::default(); results.plan.series.len()];
        let mut timeline = TimelineBuilder::new(results, CHART_ROWS);
        let mut table = TimelineBuilder::new(results, TABLE_ROWS);
        let length_s = length_s(results);
        let mut heatmap = HeatmapBuilder::new(length_s);
        let mut lag = Distribution::new();
        for slice in &results.recording.seconds {
            let late = slice.health.lag.sparse();
            lag.add_sparse(&late);
            timeline.add(slice, &late);
            table.add(slice, &late);
            for row in &slice.series {
                let latency = row.times.get(Time::Latency as usize).map(Frozen::sparse).unwrap_or_default();
                timeline.add_latency(&latency);
                table.add_latency(&latency);
                heatmap.add(slice.second, &latency);
                if let Some(sums) = series.get_mut(row.series).filter(|_| row.phase == Phase::Measured) {
                    sums.add(slice.second, row, &latency);
                }
            }
        }
        let counted = series.iter().zip(&results.plan.series).filter(|(_, series)| !series.apart);
        let total = SeriesSums::sum(counted.map(|(sums, _)| sums));
        let (timeline, table, heatmap) = (timeline.finish(), table.finish(), heatmap.finish(length_s));
        Sums { series, total, lag, timeline, table, heatmap }
    }
}

impl SeriesSums {
    /// Adds a second of the series.
    fn add(&mut self, second: u32, row: &SeriesRow, latency: &Sparse) {
        self.counts.add(&row.counts);
        self.latency.add_sparse(latency);
        self.p95_by_second.extend(latency.percentile(95.0).map(|p95| (second, p95)));
        if !row.tags.is_empty() {
            let tagged = self.tagged.entry(row.tags.clone()).or_default();
            tagged.counts.add(&row.counts);
            tagged.latency.add_sparse(latency);
        }
        let times =
            [(&mut self.service, Time::Service), (&mut self.wait, Time::Wait), (&mut self.first_byte, Time::FirstByte)];
        for (sum, time) in times {
            if let Some(frozen) = row.times.get(time as usize) {
                sum.add_frozen(frozen);
            }
        }
    }

    fn sum<'a>(series: impl Iterator<Item = &'a SeriesSums>) -> SeriesSums {
        let mut total = SeriesSums::default();
        for sums in series {
            total.counts.add(&sums.counts);
            total.latency.add(&sums.latency);
            total.service.add(&sums.service);
            total.wait.add(&sums.wait);
            total.first_byte.add(&sums.first_byte);
        }
        total
    }
}

/// Length of the measured stretch of `selection`, in seconds.
pub(super) fn span_seconds(results: &Results, selection: &Selection) -> f64 {
    let (from, to) = results.measured_span(selection);
    float(to.saturating_sub(from)) / 1e9
}
