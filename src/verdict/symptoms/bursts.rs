//! Failures that come in bursts.

use super::super::Kind;
use super::{Symptom, problem};
use crate::plan::Load;
use crate::record::ErrorClass;
use crate::results::{Results, Window};
use crate::stats::{chance, uneven_score};
use crate::units;

/// Fewer failures make no bursts.
const LEAST_FAILURES: u64 = 20;

/// A run must be so long that a burst is a part of it.
const LEAST_SECONDS: usize = 10;

/// The share of the failures that bursts hold, in at most this share of the seconds
/// and of the requests.
const FAILURES: f64 = 0.8;
/// See [`FAILURES`].
const SECONDS: f64 = 0.25;

/// What two steps of one bad iteration make together is no burst: so many failures in a
/// second of one, on the average.
const DENSE: u64 = 10;

/// Beyond chance.
const SCORE: f64 = 4.0;

/// The bursts of a run.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(super) fn find(results: &Results) -> Option<Symptom> {
    // A search fails at its end.
    if results.plan.scenarios.iter().any(|scenario| matches!(scenario.load, Load::Seek(_))) {
        return None;
    }
    let everything = results.everything();
    let counts = |second: u32| {
        let counts = results.counts(&everything, Window::Second(second));
        // Sessions that are lost at once are a symptom of their own.
        let lost = counts.errors.get(&ErrorClass::SessionLost).copied().unwrap_or(0);
        (second, counts.failed().saturating_sub(lost), counts.requests)
    };
    let mut seconds: Vec<(u32, u64, u64)> =
        results.measured_seconds(&everything).map(counts).filter(|(.., requests)| *requests > 0).collect();
    let failed: u64 = seconds.iter().map(|(_, failed, _)| failed).sum();
    let requests: u64 = seconds.iter().map(|(.., requests)| requests).sum();
    if failed < LEAST_FAILURES || seconds.len() < LEAST_SECONDS {
        return None;
    }
    let rate = failed as f64 / requests as f64;
    let observed: Vec<f64> = seconds.iter().map(|(_, failed, _)| *failed as f64).collect();
    let expected: Vec<f64> = seconds.iter().map(|(.., requests)| *requests as f64 * rate).collect();
    let score = uneven_score(&observed, &expected);
    let whole = seconds.len();
    seconds.sort_by_key(|(second, failed, _)| (std::cmp::Reverse(*failed), *second));
    let mut held = 0;
    let worst: Vec<u32> = seconds
        .iter()
        .take_while(|(_, failed_then, _)| {
            let wanted = (held as f64) < failed as f64 * FAILURES;
            held += failed_then;
            wanted
        })
        .map(|(second, ..)| *second)
        .collect();
    let held = || seconds.iter().take(worst.len());
    let inside: u64 = held().map(|(_, failed, _)| failed).sum();
    let asked: u64 = held().map(|(.., requests)| requests).sum();
    // Where most of the load is, most of the failures are.
    let few = worst.len() as f64 <= whole as f64 * SECONDS && asked as f64 <= requests as f64 * SECONDS;
    if score < SCORE || !few || inside < DENSE * worst.len() as u64 {
        return None;
    }
    let mut shown = worst.clone();
    shown.sort_unstable();
    let counted = |class: ErrorClass| class.is_failure() && class != ErrorClass::SessionLost;
    let failures = results.recording.failures.iter().filter(|failure| counted(failure.class));
    let example = failures.min_by_key(|failure| failure.at_ms).map_or("", |failure| failure.message.as_str());
    let text = format!(
        "failures come in bursts: {inside} of {failed} ({}) fell into {} of {whole} seconds ({}), which even chances do \
         not make (chi-square, {}); the first: {example}: look for what happens then, such as a deploy, a limit that is \
         reached or a dependency that fails",
        units::percent(inside as f64 / failed as f64),
        worst.len(),
        listed(&shown),
        chance(score)
    );
    Some(problem(Kind::ErrorBursts, text))
}

/// The first few seconds.
fn listed(seconds: &[u32]) -> String {
    const SHOWN: usize = 5;
    let mut words: Vec<String> = seconds.iter().take(SHOWN).map(u32::to_string).collect();
    if seconds.len() > SHOWN {
        words.push("…".to_owned());
    }
    words.join(", ")
}
