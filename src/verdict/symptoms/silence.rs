//! Answers that never come, or stop halfway, while all others come in good time.

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::{ErrorClass, Time};
use crate::results::{Results, Window};
use crate::units;

/// So many, in so many different seconds: a server that stands still once loses
/// nothing.
const LEAST: u64 = 3;

/// No second may hold more than this share of them.
const SPREAD: f64 = 0.5;

/// They were waited for so many times as long as 99% of the others of their step took: what is
/// merely slow ends somewhere between.
const TIMES: f64 = 5.0;

/// The silence of a server.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let everything = results.everything();
    let whole = results.counts(&everything, Window::Whole);
    let silent = silences(&whole);
    let seconds: Vec<u64> = results
        .measured_seconds(&everything)
        .map(|second| silences(&results.counts(&everything, Window::Second(second))))
        .filter(|count| *count > 0)
        .collect();
    let most = seconds.iter().copied().max()?;
    if silent < LEAST || (seconds.len() as u64) < LEAST || most as f64 > silent as f64 * SPREAD {
        return None;
    }
    let series = course::steps(results).max_by_key(|series| {
        (silences(&results.counts(&course::step(*series), Window::Whole)), std::cmp::Reverse(*series))
    })?;
    // Of the same step: what others take says nothing of a slow one.
    let its = course::step(series);
    let waited = results.times(&its, Time::Failed, Window::Whole).max()?;
    let usual = results.times(&its, Time::Latency, Window::Whole).percentile(99.0)?;
    if waited < usual * TIMES {
        return None;
    }
    let step = course::name(results, series);
    let share = units::percent(silent as f64 / whole.requests.max(1) as f64);
    let course = format!(
        "{silent} of {} requests ({share}), most of them `{step}`, in {} different seconds, while 99% of its others took at most {}",
        whole.requests,
        seconds.len(),
        units::duration(usual)
    );
    if whole.stalled * 2 > silent {
        let text = format!(
            "answers stop halfway: {course}: they begin, and nothing more comes within {}: look for a stream that is not flushed or \
             not closed, or a proxy that buffers",
            units::duration(waited)
        );
        return Some(problem(Kind::StalledReplies, text).of(series));
    }
    let text = format!(
        "answers are lost: {course}: nothing came within {}, so they are not slow but missing: look for a result \
         that is dropped on its way, such as by an exception after the work is done or by a stream that was replaced",
        units::duration(waited)
    );
    Some(problem(Kind::LostReplies, text).of(series))
}

fn silences(counts: &crate::record::Counts) -> u64 {
    counts.errors.get(&ErrorClass::Timeout).copied().unwrap_or(0)
}
