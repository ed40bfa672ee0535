//! How the assertions stand while a run is under way.
//!
//! Invariant: what is kept does not grow with the run, and after the last second
//! the assertions stand as they will be judged.

use super::State;
use super::evaluate::{Gathered, Observed, combined, evaluate, gathered, observed};
use super::judge::{SecondsMet, metrics, selection_of, weighed};
use super::watch::under_way;
use crate::plan::{MetricRef, Plan};
use crate::record::{Phase, Recording, ScenarioRow, Slice};
use crate::results::{Results, Window};
use crate::units::Quantity;

/// An assertion as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// As written.
    pub source: String,
    /// Whether it would hold if the run ended now.
    pub state: State,
    /// The left side as measured until now; absent without data, or with too few
    /// samples for a percentile.
    pub observed: Option<Quantity>,
    /// What it comes to, in one sentence without a full stop.
    pub explanation: String,
}

/// Follows the assertions of a plan, second by second. What it costs is what the
/// second has, not what the run has.
pub struct Standings {
    /// The second that is looked at, and which second was the last in which each
    /// scenario did something.
    now: Results,
    active: Vec<Option<u32>>,
    /// Each metric that is named, and what was gathered for it.
    sums: Vec<(MetricRef, Option<Gathered>)>,
    /// For each assertion.
    met: Vec<SecondsMet>,
    load_ms: u64,
}

impl Standings {
    /// Of a run of `plan` on so many threads.
    #[must_use]
    pub fn new(plan: &Plan, threads: usize) -> Standings {
        let mut sums: Vec<(MetricRef, Option<Gathered>)> = Vec::new();
        for assertion in &plan.assertions {
            for reference in metrics(&assertion.left).into_iter().chain(metrics(&assertion.right)) {
                if !sums.iter().any(|(known, _)| known == reference) {
                    sums.push((reference.clone(), None));
                }
            }
        }
        Standings {
            active: vec![None; plan.scenarios.len()],
            met: vec![SecondsMet::default(); plan.assertions.len()],
            load_ms: plan.load_ns().div_ceil(1_000_000),
            now: under_way(plan.clone(), threads),
            sums,
        }
    }

    /// A second has ended, over all threads. Seconds come in order.
    pub fn second(&mut self, slice: &Slice) {
        if self.met.is_empty() {
            return;
        }
        let at = slice.second;
        self.now.run.load_ms = (u64::from(at) + 1).saturating_mul(1000).min(self.load_ms);
        for row in slice.scenarios.iter().filter(|row| row.started + row.iterations > 0) {
            if let Some(last) = self.active.get_mut(row.scenario) {
                *last = Some(at);
            }
        }
        self.now.recording = Recording { seconds: vec![slice.clone()], ..Recording::default() };
        let window = Window::Second(at);
        for (reference, sum) in &mut self.sums {
            let more = gathered(&self.now, reference, window);
            match sum {
                Some(sum) => sum.add(more),
                None => *sum = Some(more),
            }
        }
        for (assertion, met) in self.now.plan.assertions.iter().zip(&mut self.met) {
            if assertion.share_of_seconds.is_some()
                && self.now.measured_seconds(&selection_of(&self.now, assertion)).contains(&at)
            {
                let [left, right] = [&assertion.left, &assertion.right].map(|side| evaluate(&self.now, side, window));
                met.add(left.value.zip(right.value).map(|(left, right)| assertion.comparison.holds(left, right)));
            }
        }
    }

    /// How the assertions stand, in the order of the file.
    #[must_use]
    pub fn all(&mut self) -> Vec<Standing> {
        // The length of a run of a fixed amount of work is known by its last sign of life.
        self.now.recording.seconds = self.signs_of_life();
        let sum = |reference: &MetricRef| {
            let sum = self.sums.iter().find(|(known, _)| known == reference).and_then(|(_, sum)| sum.as_ref());
            sum.map_or(Observed::NOTHING, |sum| observed(sum, &self.now, reference, Window::Whole))
        };
        let assertions = self.now.plan.assertions.iter().zip(&self.met);
        assertions
            .map(|(assertion, met)| {
                let [left, right] = [&assertion.left, &assertion.right].map(|side| combined(side, &sum));
                let weighed = weighed(assertion, left, right, *met);
                Standing {
                    source: assertion.source.clone(),
                    state: weighed.state,
                    observed: weighed.observed,
                    explanation: weighed.explanation,
                }
            })
            .collect()
    }

    fn signs_of_life(&self) -> Vec<Slice> {
        let mut recording = Recording::default();
        for (scenario, second) in self.active.iter().enumerate() {
            let Some(second) = *second else { continue };
            let row = ScenarioRow {
                scenario,
                phase: Phase::Warmup,
                started: 1,
                iterations: 0,
                dropped: 0,
                abandoned: 0,
                sessions: 0,
                lost: 0,
                times: Default::default(),
            };
            recording.add(Slice { second, scenarios: vec![row], ..Slice::default() });
        }
        recording.seconds
    }
}
