//! How a run went, second by second.
//!
//! Most symptoms look at service times: what the load generator was late by on a busy
//! machine is in latencies, and no fault of the server.

use std::ops::Range;

use crate::plan::{Load, Selection};
use crate::record::{Distribution, Time};
use crate::results::{Results, Window};
use crate::stats::median;

/// A second with fewer answers has no median worth the name.
const ENOUGH: u64 = 5;

const SECOND_NS: u64 = 1_000_000_000;

/// One step.
pub(super) fn step(series: usize) -> Selection {
    Selection { series: vec![series], ..Selection::default() }
}

/// The name of a step.
pub(super) fn name(results: &Results, series: usize) -> &str {
    results.plan.series.get(series).map_or("", |series| series.step.as_str())
}

/// The steps that users take in their iterations.
pub(super) fn steps(results: &Results) -> impl Iterator<Item = usize> {
    results.everything().series.into_iter()
}

/// The longest stretch of measured seconds in which no scenario changes its load;
/// empty when there is none, as in a search.
pub(super) fn even(results: &Results) -> Range<u32> {
    let scenarios = &results.plan.scenarios;
    if scenarios.iter().any(|scenario| matches!(scenario.load, Load::Seek(_))) {
        return 0..0;
    }
    // A level that is the same at three instants of a second is a line without slope,
    // or one that no stage is short enough to hide.
    let levels = |second: u32| {
        let at = |part: u64| u64::from(second) * SECOND_NS + part;
        let of = |instant: u64| scenarios.iter().map(move |scenario| scenario.level_at(instant)).collect::<Vec<f64>>();
        let begin = of(at(0));
        let same = [SECOND_NS / 2, SECOND_NS - 1].into_iter().all(|part| of(at(part)) == begin);
        (same && begin.iter().any(|level| *level > 0.0)).then_some(begin)
    };
    let (mut best, mut current, mut held) = (0..0, 0..0, None);
    for second in results.measured_seconds(&results.everything()) {
        let now = levels(second);
        if now.is_some() && now == held {
            current.end = second + 1;
        } else {
            current = if now.is_some() { second..second + 1 } else { second..second };
            held = now;
        }
        if current.len() > best.len() {
            best = current.clone();
        }
    }
    best
}

/// A percentile of a step's times in a second, where there are enough answers.
pub(super) fn at(results: &Results, selection: &Selection, time: Time, percentile: f64, second: u32) -> Option<f64> {
    let mut rows = results.rows(selection, Window::Second(second)).peekable();
    let first = rows.next()?;
    let answered = |counts: &crate::record::Counts| counts.requests.saturating_sub(counts.failed());
    if rows.peek().is_none() {
        let times = first.times.get(time as usize)?;
        return if answered(&first.counts) >= ENOUGH { times.sparse().percentile(percentile) } else { None };
    }
    let mut sum = Distribution::new();
    for row in std::iter::once(first).chain(rows) {
        sum.add_frozen(row.times.get(time as usize)?);
    }
    if sum.count() >= ENOUGH { sum.percentile(percentile) } else { None }
}

/// A course of seconds and values cut into parts of the same length: the median second
/// and the median value of each.
pub(super) fn parts(course: &[(f64, f64)], parts: usize) -> Vec<(f64, f64)> {
    let piece = |part: usize| course.get(part * course.len() / parts..(part + 1) * course.len() / parts);
    let middle = |part: usize| {
        let (seconds, values) = piece(part)?.iter().copied().unzip();
        Some((median(seconds)?, median(values)?))
    };
    (0..parts).filter_map(middle).collect()
}
