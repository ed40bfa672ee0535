//! A server that stands still again and again, as by the clock.

use super::super::statistics::median;
use super::super::{Finding, Kind};
use super::{course, problem};
use crate::record::Time;
use crate::results::{Results, Window};
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
const SLACK: u32 = 1;

/// The pauses must be alike: the longest no more than so many times the shortest.
const ALIKE: f64 = 2.0;

/// The regular pauses of a run.
pub(super) fn find(results: &Results) -> Option<Finding> {
    let everything = results.everything();
    let seconds = results.measured_seconds(&everything);
    let high = |second: u32| course::at(results, &everything, Time::Latency, 90.0, second);
    let course: Vec<(u32, f64)> = seconds.filter_map(|second| Some((second, high(second)?))).collect();
    let usual = median(course.iter().map(|(_, high)| *high).collect())?;
    let limit = (usual * TIMES).max(usual + LONGER_NS);
    // What the load generator's own delay explains is no pause of the server.
    let own = |second: u32| results.lag(Window::Second(second)).max().unwrap_or(0.0);
    let high: Vec<(u32, f64)> =
        course.into_iter().filter(|(second, high)| *high >= limit && own(*second) < high / 2.0).collect();
    let slowest = |(second, high): &(u32, f64)| {
        let longest = results.times(&everything, Time::Latency, Window::Second(*second)).max();
        (*second, longest.unwrap_or(*high))
    };
    let pauses = together(&high.iter().map(slowest).collect::<Vec<_>>());
    let (period, length) = regular(&pauses)?;
    let first = pauses.first()?.0;
    let steps: Vec<&str> = course::steps(results).map(|series| course::name(results, series)).collect();
    let whom = if steps.len() > 1 { "all steps" } else { "requests" };
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
fn regular(pauses: &[(u32, f64)]) -> Option<(u32, f64)> {
    if pauses.len() < LEAST {
        return None;
    }
    let distances: Vec<u32> = pauses.windows(2).filter_map(|pair| Some(pair.get(1)?.0 - pair.first()?.0)).collect();
    let (shortest, longest) = (distances.iter().min()?, distances.iter().max()?);
    // Pauses with hardly a second between them are no pauses.
    let regular = *shortest > 2 && longest - shortest <= 2 * SLACK;
    let lengths = pauses.iter().map(|(_, length)| *length);
    let (short, long) = (lengths.clone().reduce(f64::min)?, lengths.reduce(f64::max)?);
    let span = pauses.last()?.0 - pauses.first()?.0;
    let count = u32::try_from(distances.len()).ok()?;
    (regular && long <= short * ALIKE).then_some(((span + count / 2) / count, long))
}
