//! A step that waits while another runs (head-of-line blocking).

use super::super::statistics::{chance, larger_score};
use super::super::{Finding, Kind};
use super::{course, problem};
use crate::plan::Selection;
use crate::record::Time;
use crate::results::{Results, Window};
use crate::units;

/// So many seconds with and without the slow step.
const LEAST_SECONDS: usize = 5;

/// A step that others could wait for takes so long, in nanoseconds.
const SLOW_NS: f64 = 20e6;

/// A step waits when its p90 is so many times what it is otherwise, and the
/// difference is this share of what the slow step takes: who shares a processor with
/// it waits for less, who waits behind it for more.
const TIMES: f64 = 3.0;
/// See [`TIMES`].
const SHARE: f64 = 0.25;

/// Beyond chance.
const SCORE: f64 = 2.6;

struct Blocked {
    times: f64,
    text: String,
}

/// The step that waits most for another.
pub(super) fn find(results: &Results) -> Option<Finding> {
    let slow = course::steps(results).filter(|series| {
        let whole = course::services(results, &course::step(*series), results.measured_seconds(&results.everything()));
        whole.percentile(50.0).is_some_and(|median| median >= SLOW_NS)
    });
    let slow: Vec<usize> = slow.collect();
    let pairs = slow.iter().flat_map(|slow| course::steps(results).map(move |quick| (*slow, quick)));
    let found = pairs.filter(|(slow, quick)| slow != quick).filter_map(|(slow, quick)| pair(results, slow, quick));
    let worst = found.max_by(|a, b| a.times.total_cmp(&b.times))?;
    Some(problem(Kind::Blocking, worst.text))
}

fn pair(results: &Results, slow: usize, quick: usize) -> Option<Blocked> {
    let (slow_step, quick_step) = (course::step(slow), course::step(quick));
    let seconds: Vec<u32> = results.measured_seconds(&results.everything()).collect();
    let ended = |second: u32| results.counts(&slow_step, Window::Second(second)).requests > 0;
    // What ends in a second may have begun in the one before.
    let (with, without): (Vec<u32>, Vec<u32>) =
        seconds.iter().partition(|second| ended(**second) || ended(**second + 1));
    let (high, low) = (highs(results, &quick_step, &with), highs(results, &quick_step, &without));
    if high.len() < LEAST_SECONDS || low.len() < LEAST_SECONDS {
        return None;
    }
    let p90 = |seconds: &[u32]| course::services(results, &quick_step, seconds.iter().copied()).percentile(90.0);
    let (waiting, free) = (p90(&with)?, p90(&without)?);
    let slow_for = course::services(results, &slow_step, with.iter().copied()).percentile(50.0)?;
    let score = larger_score(&high, &low);
    if score < SCORE || waiting < free * TIMES || waiting - free < slow_for * SHARE {
        return None;
    }
    let (slow, quick) = (course::name(results, slow), course::name(results, quick));
    let text = format!(
        "`{quick}` waits behind `{slow}`: its p90 is {} in the {} seconds in which `{slow}` runs and {} in the {} in which it \
         does not (Mann–Whitney, {}), and `{slow}` takes {}: look for a lock that is held, or a thread that is kept, while \
         `{slow}` works",
        units::duration(waiting),
        with.len(),
        units::duration(free),
        without.len(),
        chance(score),
        units::duration(slow_for)
    );
    Some(Blocked { times: waiting / free, text })
}

fn highs(results: &Results, step: &Selection, seconds: &[u32]) -> Vec<f64> {
    seconds.iter().filter_map(|second| course::at(results, step, Time::Service, 90.0, *second)).collect()
}
