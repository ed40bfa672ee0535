//! A server that stands still again and again, as by the clock.

use std::collections::BTreeMap;

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::Time;
use crate::results::{Results, Window};
use crate::stats::median;
use crate::units;

/// A pause is a second whose p90 is so many times that of a usual second, and so much
/// more, in nanoseconds: whoever is under way meets it, not one request alone.
const TIMES: f64 = 4.0;
/// See [`TIMES`].
const LONGER_NS: f64 = 30e6;

/// So many pauses, with the same distance between them, are no coincidence.
const LEAST: usize = 4;

/// How far distances may lie apart: a pause shows in the second in which its last
/// request is answered.
const SLACK: f64 = 1.0;

/// The pauses must be alike: the longest no more than so many times a usual one.
const ALIKE: f64 = 2.0;

/// Distances between pauses are even where this share of them is.
const EVEN: f64 = 0.9;

/// The regular pauses of a run.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let everything = results.everything();
    let steps: Vec<Step> = course::steps(results).filter_map(|series| Step::of(results, series)).collect();
    // What the load generator's own delay explains is no pause of the server.
    let own = |second: u32| results.lag(Window::Second(second)).max().unwrap_or(0.0);
    let longest = |second: u32| results.times(&everything, Time::Latency, Window::Second(second)).max();
    let high: Vec<(u32, f64)> = results
        .measured_seconds(&everything)
        .filter(|second| stands_still(&steps, *second))
        .filter_map(|second| Some((second, longest(second).filter(|longest| own(second) < longest / 2.0)?)))
        .collect();
    let pauses = together(&high);
    let (period, length) = regular(&pauses)?;
    let first = pauses.first()?.0;
    let usual = median(steps.iter().map(|step| step.usual).collect())?;
    let whom = if steps.len() > 1 { "most steps" } else { "requests" };
    let text = format!(
        "the server stands still every {period} seconds: {whom} waited for up to {} in {} pauses, the first in second {first}, \
         while the p90 of a usual second is {}: look for what it does by the clock, such as garbage \
         collection, a flush to disk or a scheduled task",
        units::duration(length),
        pauses.len(),
        units::duration(usual)
    );
    Some(problem(Kind::Freeze, text))
}

/// How a step went: each is held against itself, since a slow one is slow all the time.
struct Step {
    /// The p90 of the seconds in which it had enough answers, with their number.
    highs: BTreeMap<u32, (f64, u64)>,
    usual: f64,
}

impl Step {
    fn of(results: &Results, series: usize) -> Option<Step> {
        let step = course::step(series);
        let high = |second: u32| {
            let high = course::at(results, &step, Time::Latency, 90.0, second)?;
            Some((second, (high, results.counts(&step, Window::Second(second)).requests)))
        };
        let highs: BTreeMap<u32, (f64, u64)> =
            results.measured_seconds(&results.everything()).filter_map(high).collect();
        let usual = median(highs.values().map(|(high, _)| *high).collect())?;
        Some(Step { highs, usual })
    }
}

/// Whether most requests of a second are of steps that took much longer than usual.
fn stands_still(steps: &[Step], second: u32) -> bool {
    let then = || steps.iter().filter_map(move |step| Some((step, step.highs.get(&second)?)));
    let all: u64 = then().map(|(_, (_, requests))| requests).sum();
    let paused = |(step, (high, _)): &(&Step, &(f64, u64))| *high >= (step.usual * TIMES).max(step.usual + LONGER_NS);
    let still: u64 = then().filter(paused).map(|(_, (_, requests))| requests).sum();
    still * 2 > all
}

/// Neighbouring seconds are one pause, as long as the longer of them.
fn together(high: &[(u32, f64)]) -> Vec<(u32, f64)> {
    let mut pauses: Vec<(u32, f64)> = Vec::new();
    let mut last = None;
    for (second, length) in high {
        match pauses.last_mut() {
            Some(pause) if last == second.checked_sub(1) => pause.1 = pause.1.max(*length),
            _ => pauses.push((*second, *length)),
        }
        last = Some(*second);
    }
    pauses
}

/// The period in seconds and the longest pause, where they come as by the clock.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
fn regular(pauses: &[(u32, f64)]) -> Option<(u32, f64)> {
    if pauses.len() < LEAST {
        return None;
    }
    let distances = pauses.windows(2).filter_map(|pair| Some(f64::from(pair.get(1)?.0 - pair.first()?.0)));
    let distances: Vec<f64> = distances.collect();
    let period = median(distances.clone())?;
    let even = distances.iter().filter(|distance| (*distance - period).abs() <= SLACK).count();
    // Pauses with hardly a second between them are no pauses.
    let regular = period > 2.0 && even as f64 >= distances.len() as f64 * EVEN;
    let lengths = pauses.iter().map(|(_, length)| *length);
    let (usual, long) = (median(lengths.clone().collect())?, lengths.reduce(f64::max)?);
    (regular && long <= usual * ALIKE).then_some((period.round() as u32, long))
}
