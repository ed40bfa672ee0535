//! How the requests of the old side were spread: to be drawn, and no basis of a verdict.

use super::{Change, Comparison};
use crate::plan::Selection;
use crate::record::{Distribution, Frozen, Time};
use crate::results::{Results, Window};

/// Latencies of all old runs together, successes only, warm-up excluded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Of everything that a run has in sum ([`Results::everything`]).
    pub latency: Frozen,
    /// Of each series of the plan, by its index.
    pub series: Vec<Frozen>,
}

impl Comparison {
    /// The same with the latencies of the `old` runs that it was made of. Runs that cannot
    /// be compared are not laid over one another either.
    #[must_use]
    pub fn with_spread(self, old: &[Results]) -> Comparison {
        let comparable = self.outcome != Change::NotComparable;
        Comparison { spread: comparable.then(|| Spread::of(old)), ..self }
    }
}

impl Spread {
    /// Of runs of one load.
    fn of(runs: &[Results]) -> Spread {
        let sum = |selection: &dyn Fn(&Results) -> Selection| {
            let mut sum = Distribution::new();
            runs.iter().for_each(|run| sum.add(&run.times(&selection(run), Time::Latency, Window::Whole)));
            sum.freeze()
        };
        let series = runs.first().map_or(0, |run| run.plan.series.len());
        let one = |index: usize| sum(&|_| Selection { series: vec![index], ..Selection::default() });
        Spread { latency: sum(&Results::everything), series: (0..series).map(one).collect() }
    }
}
