//! Was the load generator the bottleneck? Then the figures are not the
//! server's.

use super::judge::metrics;
use super::{Finding, Kind, Level};
use crate::plan::Metric;
use crate::record::{Distribution, ErrorClass, Slice, Time, sample_floor};
use crate::results::{Results, Window};
use crate::units;

/// A thread that uses so much of a processor has no time left to be on time:
/// answers wait until it comes to them, and that wait is measured as the
/// server's.
const BUSY: f64 = 0.9;

/// In so large a part of the measured seconds a thread has to be busy. A burst,
/// such as connections that are opened, is over sooner.
const BUSY_SECONDS: f64 = 0.2;

/// And in at least so many seconds: one alone may be the machine's doing.
const BUSY_LEAST: usize = 2;

/// A start that is late by less is within what any system does to a process that
/// shares its processors, such as those of a CI machine: beside compilers on two
/// cores, tens of milliseconds were seen at the 99th percentile.
const LATE_NS: f64 = 100e6;

/// The lateness has to make up so large a part of the latency: of an answer that
/// takes two seconds, 100 ms say nothing.
const LATE_PART: f64 = 0.5;

/// Percentiles of lateness and latency that are compared: the tail, and the
/// middle for runs with too few arrivals to have a tail.
const COMPARED: [f64; 2] = [99.0, 50.0];

/// Why the run is invalid; empty when it is not. What the file makes an
/// assertion about is judged by that assertion and by nothing else.
pub(super) fn find(results: &Results) -> Vec<Finding> {
    let mut found = Vec::new();
    if !asserted(results, &Metric::GeneratorCpu) {
        found.extend(busy(results));
    }
    if !asserted(results, &Metric::GeneratorLag) {
        found.extend(late(results).or_else(|| behind(results)));
    }
    let class = ErrorClass::Local;
    if !asserted(results, &Metric::Errors { class: Some(class.name().to_owned()) }) {
        found.extend(exhausted(results));
    }
    found.into_iter().map(|text| Finding { kind: Kind::GeneratorBottleneck, level: Level::Problem, text }).collect()
}

fn asserted(results: &Results, metric: &Metric) -> bool {
    let mut sides = results.plan.assertions.iter().flat_map(|assertion| [&assertion.left, &assertion.right]);
    sides.any(|side| metrics(side).iter().any(|reference| reference.metric == *metric))
}

/// Any such failure is too much: the server had no part in it, and a machine that
/// has nothing left is rarely short of it once only.
fn exhausted(results: &Results) -> Option<String> {
    let counts = results.counts(&results.everything(), Window::Whole);
    let count = counts.errors.get(&ErrorClass::Local).copied().filter(|count| *count > 0)?;
    let example = results.recording.failures.iter().find(|failure| failure.class == ErrorClass::Local);
    let said = example.map_or_else(String::new, |failure| format!(" ({})", failure.message));
    Some(format!(
        "{count} of {} requests failed because the machine that makes the load had no descriptor, port or process \
         left{said}: raise its limit, or assert `errors.local.rate` to accept it",
        counts.requests
    ))
}

fn busy(results: &Results) -> Option<String> {
    let seconds = results.measured_seconds(&results.everything());
    let shares: Vec<f64> = seconds.flat_map(|second| results.generator_cpu(Window::Second(second))).collect();
    let busy = shares.iter().filter(|share| **share >= BUSY).count();
    #[expect(clippy::cast_precision_loss, reason = "numbers of seconds")]
    let part = busy as f64 / shares.len().max(1) as f64;
    let most = shares.iter().copied().reduce(f64::max)?;
    (busy >= BUSY_LEAST && part >= BUSY_SECONDS).then(|| {
        format!(
            "a thread of the load generator used at least {} of a processor in {busy} of {} measured seconds, at \
             most {}: give it more threads with `--threads`, a machine of its own or a lower load, or assert \
             `generator.cpu.mean < 100%` to accept it",
            units::percent(BUSY),
            shares.len(),
            units::percent(most)
        )
    })
}

/// How late work was begun behind the warm-up, to the end of the recording: what begins
/// in the drain was due before.
pub(super) fn measured_lag(results: &Results) -> Distribution {
    let from = results.measured_seconds(&results.everything()).start;
    let seconds = results.recording.seconds.iter().map(|slice| slice.second);
    let mut lag = Distribution::new();
    for second in seconds.filter(|second| *second >= from) {
        lag.add(&results.lag(Window::Second(second)));
    }
    lag
}

fn late(results: &Results) -> Option<String> {
    let everything = results.everything();
    let lag = measured_lag(results);
    let latency = results.times(&everything, Time::Latency, Window::Whole);
    let dominated = |percentile: &f64| {
        let enough = lag.count() >= sample_floor(*percentile);
        let (late, whole) = (lag.percentile(*percentile)?, latency.percentile(*percentile)?);
        (enough && late >= LATE_NS && late >= whole * LATE_PART).then_some((*percentile, late, whole))
    };
    let (percentile, late, whole) = COMPARED.iter().find_map(dominated)?;
    Some(format!(
        "the load generator itself made the latency: it started work late by {} (p{percentile}), and the p{percentile} \
         of the latency is {}: give it more threads with `--threads`, a machine of its own or a lower rate, or assert \
         a limit for `generator.lag.p{percentile}` to accept it",
        units::duration(late),
        units::duration(whole)
    ))
}

/// Arrivals that were still to begin long after the end of the load, whatever the
/// latency of the others was, if there was one.
fn behind(results: &Results) -> Option<String> {
    let dropped: u64 = results.scenario_rows(&results.everything(), Window::Whole).map(|row| row.dropped).sum();
    (dropped > 0 && !users_are_limited(results)).then(|| {
        "the load generator did not keep up with the rate: give it more threads with `--threads`, a machine of its own \
         or a lower rate, or assert a limit for `generator.lag.p99` to accept it"
            .to_owned()
    })
}

/// Whether an arrival may find no free user. Where users are not limited there is
/// one for each, and those that are dropped came too late.
pub(super) fn users_are_limited(results: &Results) -> bool {
    let plan = &results.plan;
    plan.guard.max_users.is_some() || plan.scenarios.iter().any(|scenario| scenario.max_users.is_some())
}

/// Whether the load generator is about to be the bottleneck, second by second. A hint
/// while a run is under way: judged is the whole run.
#[derive(Clone, Debug, Default)]
pub struct Strain {
    /// In how many seconds in a row each held.
    busy: usize,
    late: usize,
    /// Requests for which the machine had nothing left.
    local: u64,
}

impl Strain {
    /// A second has ended; with how late work was begun in it, and its latency.
    pub fn second(&mut self, slice: &Slice, threads: usize, lag: &Distribution, latency: &Distribution) {
        let row = |seconds: &mut usize, holds: bool| *seconds = if holds { *seconds + 1 } else { 0 };
        row(&mut self.busy, slice.health.busiest(threads).is_some_and(|share| share >= BUSY));
        let [late, whole] = [lag, latency].map(|times| times.percentile(99.0));
        let dominates = |late: f64| late >= LATE_NS && whole.is_none_or(|whole| late >= whole * LATE_PART);
        row(&mut self.late, late.is_some_and(dominates));
        let classes = slice.series.iter().filter_map(|row| row.counts.errors.get(&ErrorClass::Local));
        self.local += classes.sum::<u64>();
    }

    /// What strains it, in a clause; `None` when nothing does.
    #[must_use]
    pub fn now(&self) -> Option<String> {
        if self.local > 0 {
            Some(format!("this machine had no descriptor, port or process left for {} requests", self.local))
        } else if self.busy >= BUSY_LEAST {
            Some("a thread of the load generator has no time left: what is measured may be its own waiting".to_owned())
        } else if self.late >= BUSY_LEAST {
            Some("the load generator begins work late: what is measured may be its own lateness".to_owned())
        } else {
            None
        }
    }
}
