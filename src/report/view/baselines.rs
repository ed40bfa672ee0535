//! Latencies of the baselines that a run can be compared with.

use crate::record::{Distribution, Frozen};
use crate::report::clean::clean;
use crate::verdict::compare::{Comparison, Spread};

/// Baselines, in the order of the comparisons.
pub(super) struct Baselines<'a> {
    /// Their names, and how many runs each has.
    pub(super) names: Vec<(String, usize)>,
    /// Latency of what `totals` counts, in each.
    pub(super) totals: Vec<Distribution>,
    spreads: Vec<&'a Spread>,
}

impl<'a> Baselines<'a> {
    pub(super) fn new(comparisons: &'a [Comparison]) -> Baselines<'a> {
        let known = || comparisons.iter().filter_map(|comparison| Some((comparison, comparison.spread.as_ref()?)));
        let name = |comparison: &Comparison| comparison.baseline.as_deref().map_or("earlier runs".to_owned(), clean);
        Baselines {
            names: known().map(|(comparison, _)| (name(comparison), comparison.old.len())).collect(),
            totals: known().map(|(_, spread)| thawed(&spread.latency)).collect(),
            spreads: known().map(|(_, spread)| spread).collect(),
        }
    }

    /// Latency of a series in each.
    pub(super) fn of_series(&self, index: usize) -> Vec<Distribution> {
        let of = |spread: &&Spread| spread.series.get(index).map(thawed).unwrap_or_default();
        self.spreads.iter().map(of).collect()
    }
}

fn thawed(frozen: &Frozen) -> Distribution {
    let mut distribution = Distribution::new();
    distribution.add_frozen(frozen);
    distribution
}
