//! A step that waits while another runs (head-of-line blocking).

use std::collections::BTreeSet;

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::Time;
use crate::results::{Results, Window};
use crate::stats::{chance, larger_score, median};
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
    /// The step that waits.
    series: usize,
    times: f64,
    text: String,
}

/// The step that waits most for another.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let steps: Vec<Step> = course::steps(results).map(|series| Step::of(results, series)).collect();
    let slow = || steps.iter().filter(|step| step.usual >= SLOW_NS);
    let pairs = slow().flat_map(|slow| steps.iter().map(move |quick| (slow, quick)));
    let found = pairs.filter(|(slow, quick)| slow.series != quick.series);
    let found = found.filter_map(|(slow, quick)| pair(results, slow, quick));
    let worst = found.max_by(|a, b| a.times.total_cmp(&b.times))?;
    Some(problem(Kind::Blocking, worst.text).of(worst.series))
}

/// How a step went, second by second.
struct Step {
    series: usize,
    /// Its median over the run; 0 without an answer.
    usual: f64,
    /// The seconds in which it ran.
    ran: BTreeSet<u32>,
    /// The p90 of the seconds in which it had enough answers.
    highs: Vec<(u32, f64)>,
}

impl Step {
    fn of(results: &Results, series: usize) -> Step {
        let step = course::step(series);
        let seconds = || results.measured_seconds(&results.everything());
        let ended = |second: &u32| results.rows(&step, Window::Second(*second)).any(|row| row.counts.requests > 0);
        // What ends in a second may have begun in the one before.
        let ran = seconds().filter(ended).flat_map(|second| [second.saturating_sub(1), second]).collect();
        let high = |second| Some((second, course::at(results, &step, Time::Service, 90.0, second)?));
        let usual = results.times(&step, Time::Service, Window::Whole).percentile(50.0).unwrap_or(0.0);
        Step { series, usual, ran, highs: seconds().filter_map(high).collect() }
    }
}

fn pair(results: &Results, slow: &Step, quick: &Step) -> Option<Blocked> {
    let (with, without): (Vec<_>, Vec<_>) = quick.highs.iter().partition(|(second, _)| slow.ran.contains(second));
    let values = |seconds: &[(u32, f64)]| seconds.iter().map(|(_, high)| *high).collect::<Vec<f64>>();
    let (high, low) = (values(&with), values(&without));
    if high.len() < LEAST_SECONDS || low.len() < LEAST_SECONDS {
        return None;
    }
    let score = larger_score(&high, &low);
    let (waiting, free) = (median(high)?, median(low)?);
    if score < SCORE || waiting < free * TIMES || waiting - free < slow.usual * SHARE {
        return None;
    }
    let series = quick.series;
    let (slow_name, quick) = (course::name(results, slow.series), course::name(results, quick.series));
    let text = format!(
        "`{quick}` waits behind `{slow_name}`: the p90 of a usual second is {} in the {} seconds in which `{slow_name}` runs and \
         {} in the {} in which it does not (Mann–Whitney, {}), and `{slow_name}` takes {}: look for a lock that is held, or a \
         thread that is kept, while `{slow_name}` works",
        units::duration(waiting),
        with.len(),
        units::duration(free),
        without.len(),
        chance(score),
        units::duration(slow.usual)
    );
    Some(Blocked { series, times: waiting / free, text })
}
