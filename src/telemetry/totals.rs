//! What a run has come to so far.

use std::collections::BTreeMap;

use super::Context;
use super::histogram::Histogram;
use crate::record::{Distribution, ErrorClass, Health, Phase, Slice, Time};

/// What a run has come to so far, and how its last second was.
#[derive(Clone, Debug)]
pub struct Totals {
    pub(super) context: Context,
    /// By series, phase and tags.
    pub(super) series: BTreeMap<(usize, Phase, Vec<String>), SeriesTotal>,
    /// By scenario and phase.
    pub(super) scenarios: BTreeMap<(usize, Phase), ScenarioTotal>,
    /// The last second.
    pub(super) now: Option<Now>,
}

/// One series.
#[derive(Clone, Debug, Default)]
pub(super) struct SeriesTotal {
    pub(super) labels: super::Labels,
    pub(super) requests: u64,
    pub(super) errors: BTreeMap<ErrorClass, u64>,
    pub(super) latency: Histogram,
    pub(super) failed: Histogram,
    pub(super) service: Histogram,
}

/// One scenario.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScenarioTotal {
    pub(super) iterations: u64,
    pub(super) dropped: u64,
    pub(super) sessions: u64,
}

/// How a second was.
#[derive(Clone, Debug)]
pub(super) struct Now {
    pub(super) second: u32,
    pub(super) users: u64,
    pub(super) in_flight: u64,
    /// The share of a processor that the busiest thread used, where it is known.
    pub(super) cpu: Option<f64>,
    /// How late due work was started at the 99th percentile, in seconds.
    pub(super) lag: Option<f64>,
}

impl Now {
    pub(super) fn of(second: u32, health: &Health, threads: usize) -> Now {
        let mut lag = Distribution::new();
        lag.add_frozen(&health.lag);
        Now {
            second,
            users: health.users,
            in_flight: health.in_flight,
            cpu: health.busiest(threads),
            lag: lag.percentile(99.0).map(|nanos| nanos / 1e9),
        }
    }
}

impl Totals {
    /// Nothing yet.
    #[must_use]
    pub fn new(context: Context) -> Totals {
        Totals { context, series: BTreeMap::new(), scenarios: BTreeMap::new(), now: None }
    }

    /// A second has ended.
    pub fn add(&mut self, slice: &Slice) {
        for row in &slice.series {
            let total = self.series.entry((row.series, row.phase, row.tags.clone())).or_default();
            if total.labels.is_empty() {
                total.labels = self.context.labels(row);
            }
            total.requests += row.counts.requests;
            for (class, count) in row.counts.errors.iter().filter(|(class, _)| class.is_failure()) {
                *total.errors.entry(*class).or_default() += count;
            }
            for (time, histogram) in [
                (Time::Latency, &mut total.latency),
                (Time::Failed, &mut total.failed),
                (Time::Service, &mut total.service),
            ] {
                row.times.get(time as usize).into_iter().for_each(|times| histogram.add(times));
            }
        }
        for row in &slice.scenarios {
            let total = self.scenarios.entry((row.scenario, row.phase)).or_default();
            total.iterations += row.iterations;
            total.dropped += row.dropped;
            total.sessions += row.sessions;
        }
        self.now = Some(Now::of(slice.second, &slice.health, self.context.threads));
    }
}
