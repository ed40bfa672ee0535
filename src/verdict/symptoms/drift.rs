//! Latency that grows while the load stays the same.

use std::ops::Range;

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::plan::Load;
use crate::record::Time;
use crate::results::Results;
use crate::stats::{chance, median, slope, trend_score};
use crate::units;

/// A shorter stretch shows nothing of a growth that takes minutes to matter.
const LEAST_SECONDS: usize = 20;

/// The stretch is cut into so many parts, since neighbouring seconds go together:
/// what the test counts must be worth counting.
const PARTS: usize = 12;

/// Beyond chance: one in about 700 stretches without a trend comes so far.
const SCORE: f64 = 3.0;

/// What matters: so much more at the end, and so much in nanoseconds.
const GROWTH: f64 = 0.25;
/// See [`GROWTH`].
const LEAST_NS: f64 = 2e6;

/// A latency that grows by this share of the time that passes is a queue: arrivals
/// come that much faster than they are answered (Little's law).
const QUEUE: f64 = 0.02;

struct Growth {
    series: usize,
    score: f64,
    /// Nanoseconds per second.
    slope: f64,
    from: f64,
    to: f64,
}

/// The step that grows surest.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let seconds = course::even(results);
    if seconds.len() < LEAST_SECONDS {
        return None;
    }
    let grown: Vec<Growth> = course::steps(results).filter_map(|series| growth(results, series, &seconds)).collect();
    let worst = grown.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(a.slope.total_cmp(&b.slope)))?;
    let others = match grown.len() {
        1 => String::new(),
        2 => " (another step grows too)".to_owned(),
        steps => format!(" ({} other steps grow too)", steps - 1),
    };
    let step = course::name(results, worst.series);
    let open = results.plan.scenarios.iter().any(|scenario| matches!(scenario.load, Load::Open { .. }));
    let course = format!(
        "from {} to {} within {} seconds of even load (Mann–Kendall, {})",
        units::duration(worst.from),
        units::duration(worst.to),
        seconds.len(),
        chance(worst.score)
    );
    if open && worst.slope / 1e9 >= QUEUE {
        let text = format!(
            "the server does not keep up with the rate: the median of `{step}` rises {course}{others}, since requests \
             arrive faster than they are answered and wait for longer and longer: `seek` finds the rate that it can take"
        );
        return Some(problem(Kind::Saturated, text).of(worst.series));
    }
    let text = format!(
        "`{step}` grows slower and slower: its median rises by {} a minute, {course}{others}: something in the server grows \
         with its age or with each request, such as a list that is searched or a table without an index",
        units::duration(worst.slope * 60.0)
    );
    Some(problem(Kind::Drift, text).of(worst.series))
}

fn growth(results: &Results, series: usize, seconds: &Range<u32>) -> Option<Growth> {
    let step = course::step(series);
    let medians: Vec<(f64, f64)> = seconds
        .clone()
        .filter_map(|second| Some((f64::from(second), course::at(results, &step, Time::Service, 50.0, second)?)))
        .collect();
    if medians.len() < LEAST_SECONDS {
        return None;
    }
    let parts = course::parts(&medians, PARTS);
    let values: Vec<f64> = parts.iter().map(|(_, value)| *value).collect();
    let (score, slope) = (trend_score(&values), slope(&parts)?);
    let (first, last) = (parts.first()?, parts.last()?);
    // By the line, since a single part is noise.
    let length = last.0 - first.0;
    let middle = median(values)?;
    let (from, to) = (middle - slope * length / 2.0, middle + slope * length / 2.0);
    let from = from.max(0.0);
    let matters = to - from >= LEAST_NS && to - from >= from * GROWTH;
    (score >= SCORE && matters).then_some(Growth { series, score, slope, from, to })
}
