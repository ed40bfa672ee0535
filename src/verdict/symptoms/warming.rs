//! A server that is slow at first.

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::Time;
use crate::results::Results;
use crate::stats::median;
use crate::units;

/// A shorter run has no time to settle.
const LEAST_SECONDS: usize = 10;

/// So many seconds at the beginning, each of them slower than all of the second half.
const FIRST: usize = 2;

/// The first second must take so many times as long as it does later, and so much
/// longer, in nanoseconds.
const TIMES: f64 = 2.0;
/// See [`TIMES`].
const LONGER_NS: f64 = 5e6;

/// The step has settled once it takes no more than this times as long as later.
const SETTLED: f64 = 1.5;

struct Warming {
    series: usize,
    times: f64,
    text: String,
}

/// The step that is slowest at first, against what it is later.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let found = course::steps(results).filter_map(|series| of_step(results, series));
    let worst = found.max_by(|a, b| a.times.total_cmp(&b.times))?;
    Some(problem(Kind::SlowStart, worst.text).of(worst.series))
}

fn of_step(results: &Results, series: usize) -> Option<Warming> {
    let step = course::step(series);
    let plan = &results.plan;
    let scenario = plan.scenarios.get(plan.series.get(series)?.scenario)?;
    // Who comes later finds a server that others have warmed.
    if plan.scenarios.iter().any(|other| other.start_ns < scenario.start_ns) {
        return None;
    }
    let seconds = results.measured_seconds(&results.everything());
    let medians: Vec<(u32, f64)> =
        seconds.filter_map(|second| Some((second, course::at(results, &step, Time::Service, 50.0, second)?))).collect();
    if medians.len() < LEAST_SECONDS {
        return None;
    }
    let later: Vec<f64> = medians.iter().skip(medians.len() / 2).map(|(_, value)| *value).collect();
    let slowest = later.iter().copied().reduce(f64::max)?;
    let usual = median(later)?;
    let (begin, first) = *medians.first()?;
    let slow = medians.iter().take(FIRST).all(|(_, value)| *value > slowest);
    if !slow || first < usual * TIMES || first - usual < LONGER_NS {
        return None;
    }
    let settled = medians.iter().find(|(_, value)| *value <= usual * SETTLED)?.0;
    // More load at first is no slow start.
    let level = |second: u32| scenario.level_at(u64::from(second) * 1_000_000_000 + 500_000_000);
    let later = medians.iter().skip(medians.len() / 2).map(|(second, _)| level(*second));
    if level(begin) > later.fold(0.0, f64::max) * SETTLED {
        return None;
    }
    let begun = u32::try_from(scenario.start_ns / 1_000_000_000).unwrap_or(u32::MAX);
    let (settled, begin) = (settled.saturating_sub(begun), begin.saturating_sub(begun));
    let text = format!(
        "the server is slow at first: the median of `{}` was {} in the first measured second and is {} later, from {} after \
         its start on: let it warm up before it takes users (connections, caches, compiled code), or leave those seconds \
         out with `warmup {}s`",
        course::name(results, series),
        units::duration(first),
        units::duration(usual),
        units::duration(f64::from(settled) * 1e9),
        settled.max(begin + 1)
    );
    Some(Warming { series, times: first / usual, text })
}
