//! Requests that were cancelled, and whose results came all the same.

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::plan::Selection;
use crate::record::{Counts, ErrorClass};
use crate::results::{Results, Window};
use crate::units;

/// So many: one alone may have been nearly done.
const LEAST: u64 = 3;

/// So large a share of those that were cancelled: a server that looks only now and
/// then whether it is to stop is late for some.
const SHARE: f64 = 0.5;

/// The scenario most of whose cancelled requests were answered. A result counts in
/// the next request of its session, whichever that is, so no step can be told by
/// itself.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let found = (0..results.plan.scenarios.len()).filter_map(|scenario| one(results, scenario));
    let (_, text) = found.max_by_key(|(late, _)| *late)?;
    Some(problem(Kind::IgnoredCancellation, text))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn one(results: &Results, scenario: usize) -> Option<(u64, String)> {
    let all = results.plan.series.iter().enumerate().filter(|(_, series)| series.scenario == scenario);
    let series: Vec<usize> = all.map(|(index, _)| index).collect();
    let given_up: Vec<usize> = series
        .iter()
        .copied()
        .filter(|series| cancelled(&results.counts(&course::step(*series), Window::Whole)) > 0)
        .collect();
    let counts = results.counts(&Selection { series, ..Selection::default() }, Window::Whole);
    let cancelled = cancelled(&counts);
    // Some of the warm-up may be among those that came.
    let late = counts.late.min(cancelled);
    if late < LEAST || (late as f64) < cancelled as f64 * SHARE {
        return None;
    }
    let steps: Vec<String> = given_up.iter().map(|series| format!("`{}`", course::name(results, *series))).collect();
    let text = format!(
        "cancellation is ignored: of {cancelled} requests of {} that were cancelled {late} ({}) were answered with a result all \
         the same, and too late to have crossed the cancellation: the server goes on with work that nobody waits for, and its \
         cost is paid: let the handler stop when its request is cancelled (`notifications/cancelled`; SDKs hand it a signal, a \
         token or a context), and pass that on to whatever it waits for",
        steps.join(" and "),
        units::percent(late as f64 / cancelled as f64)
    );
    Some((late, text))
}

fn cancelled(counts: &Counts) -> u64 {
    counts.errors.get(&ErrorClass::Cancelled).copied().unwrap_or(0)
}
