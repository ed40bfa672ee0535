//! What a reader should know besides the assertions, derived from the data.

use super::bottleneck::users_are_limited;
use super::misses::{self, Miss};
use super::symptoms::{self, Symptom};
use super::{Finding, Judgement, Kind, Level, lateness, stall, tags};
use crate::plan::{Load, Selection, schedule};
use crate::record::ErrorClass;
use crate::results::{Results, Window};
use crate::units;
use crate::violation::Violation;

/// No reader acts on more.
const FINDINGS_SHOWN: usize = 5;

/// The findings, most important first: first those that make the run invalid.
pub(super) fn find(results: &Results, invalid: Vec<Finding>, assertions: &[Judgement]) -> Vec<Finding> {
    // The figures of an invalid run are not the server's.
    let misses = if invalid.is_empty() { misses::find(results, assertions) } else { Vec::new() };
    let mut found = invalid;
    // One mistake makes one finding.
    let said = found.iter().any(|finding| finding.text.contains("generator.lag"));
    // Nothing that was measured is worse than an answer that somebody else gets.
    let (crossed, others): (Vec<_>, Vec<_>) =
        violations(results).into_iter().partition(|finding| finding.level == Level::Problem);
    found.extend(crossed);
    let Joined { missed, symptoms, explained, late } = join(results, misses, symptoms::find(results));
    found.extend(missed);
    found.extend(lateness::find(results, assertions).filter(|_| !said && !late));
    found.extend(dropped(results));
    found.extend(held_back(results));
    found.extend(abandoned(results));
    found.extend(symptoms);
    found.extend(errors(results, &results.everything(), "requests", &explained));
    found.extend(errors(results, &results.apart(), "requests before or after a user's iterations", &[]));
    found.extend(unfinished(results));
    found.extend(stale(results));
    found.extend(others);
    found.extend(stall::find(results));
    found.extend(tags::find(results));
    found.sort_by_key(|finding| finding.level);
    found.truncate(FINDINGS_SHOWN);
    // Above all else: whoever reads the figures must not take them for measured.
    found.splice(..0, rehearsed(results));
    found
}

/// Misses and symptoms, each mistake told once.
struct Joined {
    /// Targets that were missed, some of them told by the symptom that explains them.
    missed: Vec<Finding>,
    /// The other symptoms.
    symptoms: Vec<Finding>,
    /// Failures that need no finding of their own.
    explained: Vec<ErrorClass>,
    /// Whether one of them says that the load generator was late.
    late: bool,
}

fn join(results: &Results, misses: Vec<(Miss, Vec<Miss>)>, mut symptoms: Vec<Symptom>) -> Joined {
    symptoms.retain(|symptom| !misses.iter().any(|(miss, _)| miss.is_mistaken_by(symptom, results)));
    let counts = results.counts(&results.everything(), Window::Whole);
    let failures = counts.errors.iter().filter(|(class, _)| class.is_failure());
    let most = failures.max_by_key(|(_, count)| **count).map(|(class, _)| *class);
    let of_symptoms = symptoms.iter().filter_map(|symptom| match symptom.finding.kind {
        Kind::LostReplies | Kind::StalledReplies => Some(ErrorClass::Timeout),
        Kind::LostSessions => Some(ErrorClass::SessionLost),
        Kind::ErrorBursts => most,
        _ => None,
    });
    let mut explained: Vec<ErrorClass> = of_symptoms.collect();
    let (mut missed, mut late) = (Vec::new(), false);
    for (miss, others) in misses {
        match symptoms.iter().position(|symptom| miss.is_explained_by(symptom, results)) {
            Some(at) => {
                let mut finding = symptoms.remove(at).finding;
                finding.text.push_str(&format!("; {}", miss.clause(&others)));
                missed.push(finding);
            }
            None => {
                // It says how they fail; those of other steps are still to be told.
                explained.extend(miss.class.filter(|_| miss.is_all));
                missed.push(miss.finding(&others));
                late |= miss.own.is_some();
            }
        }
    }
    Joined { missed, symptoms: symptoms.into_iter().map(|symptom| symptom.finding).collect(), explained, late }
}

fn finding(kind: Kind, level: Level, text: String) -> Finding {
    Finding { kind, level, text }
}

fn rehearsed(results: &Results) -> Option<Finding> {
    let text = "rehearsed in virtual time; no server was contacted";
    results.rehearsed().then(|| finding(Kind::Rehearsed, Level::Notice, text.to_owned()))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn dropped(results: &Results) -> Option<Finding> {
    let everything = results.everything();
    let rows = || results.scenario_rows(&everything, Window::Whole);
    let (dropped, started): (u64, u64) =
        rows().fold((0, 0), |(dropped, started), row| (dropped + row.dropped, started + row.started));
    (dropped > 0).then(|| {
        let arrivals = format!(
            "{dropped} of {} arrivals ({})",
            dropped + started,
            units::percent(dropped as f64 / (dropped + started) as f64)
        );
        let text = if users_are_limited(results) {
            format!(
                "{arrivals} found no free virtual user and were dropped: the server was too slow for this rate, or \
                 `max users` is too low"
            )
        } else {
            format!("{arrivals} could not begin before the load ended and were dropped: the load generator was late")
        };
        finding(Kind::Dropped, Level::Problem, text)
    })
}

/// Requests that the guard's `max in_flight` made wait.
fn held_back(results: &Results) -> Option<Finding> {
    let held: u64 = results.recording.seconds.iter().map(|slice| slice.health.held).sum();
    let limit = results.plan.guard.max_in_flight?;
    (held > 0).then(|| {
        let noun = if held == 1 { "request" } else { "requests" };
        let text = format!("{held} {noun} waited because the guard's `max in_flight {limit}` was reached");
        finding(Kind::HeldBack, Level::Notice, text)
    })
}

fn abandoned(results: &Results) -> Option<Finding> {
    let everything = results.everything();
    let abandoned: u64 = results.scenario_rows(&everything, Window::Whole).map(|row| row.abandoned).sum();
    (abandoned > 0).then(|| {
        let noun = if abandoned == 1 { "iteration was" } else { "iterations were" };
        finding(
            Kind::Abandoned, Level::Problem,
            format!(
                "{abandoned} {noun} still under way when the drain ended and cut off; a request on its way then counts as a timeout"
            ),
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn errors(results: &Results, selection: &Selection, what: &str, explained: &[ErrorClass]) -> Option<Finding> {
    let counts = results.counts(selection, Window::Whole);
    let failures = counts.errors.iter().filter(|(class, _)| class.is_failure() && !explained.contains(class));
    let (class, count) = failures.max_by_key(|(_, count)| **count)?;
    let kept = results.recording.failures.iter();
    let kept = kept.filter(|failure| failure.class == *class && selection.series.contains(&failure.series));
    let example = kept.min_by_key(|failure| failure.at_ms);
    let step = example.and_then(|failure| results.plan.series.get(failure.series)).map(|series| series.step.as_str());
    let mut text = format!(
        "{count} of {} {what} ({}) failed with {}",
        counts.requests,
        units::percent(*count as f64 / counts.requests.max(1) as f64),
        describe(*class)
    );
    if let (Some(step), Some(example)) = (step, example) {
        text.push_str(&format!(
            "; the first in `{step}` at {}: {}",
            units::duration(example.at_ms as f64 * 1e6),
            example.message
        ));
    }
    Some(finding(Kind::Errors, Level::Problem, text))
}

/// A fixed amount of work that was not done in its time.
fn unfinished(results: &Results) -> Option<Finding> {
    let parts = results.plan.scenarios.iter().enumerate().filter_map(|(index, scenario)| {
        let Load::Closed { work: Some(work), .. } = &scenario.load else { return None };
        let users = if work.shared { 1 } else { schedule::peak_users(&scenario.load) };
        let wanted = work.iterations.saturating_mul(users);
        let rows = results.recording.seconds.iter().flat_map(|slice| &slice.scenarios);
        let done: u64 = rows.filter(|row| row.scenario == index).map(|row| row.iterations).sum();
        (done < wanted).then(|| format!("{done} of {wanted} iterations of `{}`", scenario.name))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| {
        let text = format!("only {} were done: their time was over, or their users had stopped", parts.join(" and "));
        finding(Kind::Unfinished, Level::Problem, text)
    })
}

pub(super) fn describe(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Connect => "no connection",
        ErrorClass::Timeout => "a timeout",
        ErrorClass::Transport => "a broken connection",
        ErrorClass::Http => "an HTTP status",
        ErrorClass::Protocol => "an answer that breaks the protocol",
        ErrorClass::Rpc => "a JSON-RPC error",
        ErrorClass::Tool => "a tool error (`isError`)",
        ErrorClass::Expectation => "an expectation that did not hold",
        ErrorClass::Save => "a path that led nowhere",
        ErrorClass::Local => "this machine at its limit, not the server",
        ErrorClass::Stale => "a connection that was idle for too long",
        ErrorClass::Cancelled => "cancelled, as the file says",
        ErrorClass::SessionLost => "a session that the server did not know any more",
    }
}

/// Each kind of violation with its first example: answers that reached somebody else
/// are a problem whatever else holds, the others are for whoever mends the server.
fn violations(results: &Results) -> Vec<Finding> {
    let counts = results.counts(&results.everything(), Window::Whole);
    let told = |(violation, count): (&Violation, &u64)| {
        let examples = results.recording.seconds.iter().flat_map(|slice| &slice.violations);
        let example = examples.filter(|example| example.violation == *violation).min_by_key(|example| example.at_ms);
        let example = example.map(|example| {
            let step = results.plan.series.get(example.series).map_or("", |series| series.step.as_str());
            format!(
                "; the first after {} in `{step}`: {}",
                units::duration(example.at_ms as f64 * 1e6),
                example.message
            )
        });
        let (kind, level) = match violation {
            Violation::CrossWired => (Kind::CrossWired, Level::Problem),
            _ => (Kind::Violation, Level::Notice),
        };
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let text = format!("`violations.{violation}`: {}, {times}{}", violation.phrase(), example.unwrap_or_default());
        finding(kind, level, text)
    };
    counts.violation_kinds.iter().map(told).collect()
}

/// Requests that crossed the end of a connection on their way.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn stale(results: &Results) -> Option<Finding> {
    let counts = results.counts(&results.everything(), Window::Whole);
    let count = counts.errors.get(&ErrorClass::Stale).copied().filter(|count| *count > 0)?;
    let share = count as f64 / counts.requests.max(1) as f64;
    // So many are no coincidence: either every think time is as long as the
    // server's limit, or it is not for idleness that the server hangs up.
    let level = if share > 0.01 { Level::Problem } else { Level::Notice };
    let noun = if count == 1 { "request" } else { "requests" };
    let text = format!(
        "{count} {noun} ({}) met a connection that the server was closing because it had been idle, and count neither as \
         answered nor as failed: let the server keep connections for longer than the users think",
        units::percent(share)
    );
    Some(finding(Kind::Stale, level, text))
}
