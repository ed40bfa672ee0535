//! Judging each assertion, and the run by them.

use super::evaluate::{Observed, evaluate};
use super::{Judgement, Outcome, SearchEnd, State, Verdict, bottleneck, findings, search};
use crate::plan::{Assertion, Comparison, Metric, MetricExpr, Selection, Statistic};
use crate::record::sample_floor;
use crate::results::{Ended, Results, Window};
use crate::units::{self, Dimension, Quantity};

/// Judges a run by the assertions of its plan.
#[must_use]
pub fn judge(results: &Results) -> Verdict {
    let assertions: Vec<Judgement> =
        results.plan.assertions.iter().map(|assertion| judge_one(results, assertion)).collect();
    let requests = results.counts(&results.everything(), Window::Whole).requests;
    let failed = assertions.iter().filter(|judgement| !judgement.state.held()).count();
    let searches = search::outcomes(results);
    let invalid = bottleneck::find(results);
    let found = |ended| searches.iter().any(|search| search.ended == ended);
    let nothing_held = searches.iter().any(|search| search.ended == SearchEnd::Broke && search.level.is_none());
    let outcome = match (results.run.ended, failed) {
        (Ended::Interrupted | Ended::Killed, _) => Outcome::Interrupted,
        (Ended::Guarded, _) => Outcome::Guarded,
        (Ended::Completed, 0) if requests == 0 => Outcome::Inconclusive,
        // Figures that cannot be trusted cannot fail an assertion either.
        (Ended::Completed, _) if !invalid.is_empty() => Outcome::Invalid,
        (Ended::Completed, 0) if nothing_held => Outcome::Failed,
        (Ended::Completed, 0) if found(SearchEnd::Generator) || found(SearchEnd::Unfinished) => Outcome::Inconclusive,
        (Ended::Completed, 0) => Outcome::Passed,
        (Ended::Completed, _) => Outcome::Failed,
    };
    let judged = || sentence(outcome, results.run.ended, &assertions, failed, requests);
    let sentence = match (&results.run.guarded, outcome) {
        (Some(why), Outcome::Guarded) => format!("the guard stopped the run: {why}"),
        _ if requests > 0 && !searches.is_empty() => {
            let mut found: Vec<String> = searches.iter().map(|search| search.sentence.clone()).collect();
            if !assertions.is_empty() || outcome == Outcome::Invalid {
                found.push(judged());
            }
            found.join("; ")
        }
        _ => judged(),
    };
    Verdict {
        outcome,
        sentence,
        searches,
        comparisons: Vec::new(),
        trend: None,
        findings: findings::find(results, invalid, &assertions),
        assertions,
    }
}

fn sentence(outcome: Outcome, ended: Ended, assertions: &[Judgement], failed: usize, requests: u64) -> String {
    let all = assertions.len();
    let judged = match (all, failed) {
        (0, _) => "nothing was asserted".to_owned(),
        (1, 0) => "the assertion held".to_owned(),
        (2, 0) => "both assertions held".to_owned(),
        (all, 0) => format!("all {all} assertions held"),
        (1, 1) => "the assertion did not hold".to_owned(),
        (all, failed) => format!("{failed} of {all} assertions did not hold"),
    };
    match outcome {
        Outcome::Inconclusive if requests == 0 => {
            "nothing was measured: no request came to an end after the warm-up".to_owned()
        }
        Outcome::Invalid => {
            format!("the load generator was the bottleneck, so the figures are not the server's; on them, {judged}")
        }
        Outcome::Interrupted if ended == Ended::Killed => {
            format!("cut off: the process died during the run; of what was measured until then, {judged}")
        }
        Outcome::Interrupted if requests == 0 => "stopped before anything was measured".to_owned(),
        Outcome::Interrupted | Outcome::Guarded => format!("stopped early; of what was measured, {judged}"),
        // A search without an answer says so before this.
        Outcome::Passed | Outcome::Failed | Outcome::Inconclusive => judged,
    }
}

fn judge_one(results: &Results, assertion: &Assertion) -> Judgement {
    let left = evaluate(results, &assertion.left, Window::Whole);
    let right = evaluate(results, &assertion.right, Window::Whole);
    let selection = selection_of(results, assertion);
    let seconds = results.measured_seconds(&selection);
    let first_second = seconds.start;
    let per_second: Vec<Option<f64>> =
        seconds.clone().map(|second| evaluate(results, &assertion.left, Window::Second(second)).value).collect();
    let limits: Vec<Option<f64>> =
        seconds.clone().map(|second| evaluate(results, &assertion.right, Window::Second(second)).value).collect();
    let held_in: Vec<Option<bool>> = per_second
        .iter()
        .zip(&limits)
        .map(|(left, right)| left.zip(*right).map(|(left, right)| assertion.comparison.holds(left, right)))
        .collect();
    let met = SecondsMet::of(&held_in);
    let seconds_met = met.share();
    let outcome = weighed(assertion, left, right, met);
    let breach = if averages_out(&assertion.left) {
        None
    } else {
        seconds.zip(&held_in).find(|(_, held)| **held == Some(false)).map(|(second, _)| second)
    };
    let Weighed { state, observed, comparison, limit, explanation } = outcome;
    let value = |quantity: Option<Quantity>| quantity.map(|quantity| quantity.value);
    Judgement {
        source: assertion.source.clone(),
        state,
        observed,
        comparison,
        limit,
        margin: value(observed).zip(value(limit)).and_then(|(observed, limit)| margin(state, observed, limit)),
        samples: if left.samples == u64::MAX { 0 } else { left.samples },
        explanation,
        first_breach: breach,
        seconds_met,
        per_second,
        first_second,
    }
}

/// A total over the run says nothing about one second.
pub(super) fn averages_out(expr: &MetricExpr) -> bool {
    match expr {
        MetricExpr::Const(_) => false,
        MetricExpr::Metric(reference) => matches!(reference.statistic, Statistic::Count),
        MetricExpr::Add(a, b) | MetricExpr::Subtract(a, b) | MetricExpr::Multiply(a, b) | MetricExpr::Divide(a, b) => {
            averages_out(a) || averages_out(b)
        }
    }
}

/// In how many seconds an assertion held, of those that have a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SecondsMet {
    held: u64,
    known: u64,
}

impl SecondsMet {
    fn of(held: &[Option<bool>]) -> SecondsMet {
        let mut met = SecondsMet::default();
        held.iter().for_each(|held| met.add(*held));
        met
    }

    /// Counts one more second.
    pub(super) fn add(&mut self, held: Option<bool>) {
        self.known += u64::from(held.is_some());
        self.held += u64::from(held == Some(true));
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of seconds")]
    fn share(self) -> Option<f64> {
        (self.known > 0).then(|| self.held as f64 / self.known as f64)
    }
}

/// What an assertion comes to.
pub(super) struct Weighed {
    pub(super) state: State,
    pub(super) observed: Option<Quantity>,
    pub(super) comparison: Comparison,
    pub(super) limit: Option<Quantity>,
    pub(super) explanation: String,
}

/// Compares what was measured.
pub(super) fn weighed(assertion: &Assertion, left: Observed, right: Observed, met: SecondsMet) -> Weighed {
    let (state, explanation) = match assertion.share_of_seconds {
        Some(wanted) => by_seconds(met, wanted),
        None => by_whole(assertion, left, right),
    };
    // With `in 99% of seconds`, what is compared is the share of seconds.
    let (observed, limit, comparison, dimension) = match assertion.share_of_seconds {
        Some(wanted) => (met.share(), Some(wanted), Comparison::GreaterOrEqual, Dimension::Share),
        // A percentile of too few samples is no figure to show.
        None if state == State::TooFewSamples => {
            (None, right.value, assertion.comparison, dimension_of(&assertion.left))
        }
        None => (left.value, right.value, assertion.comparison, dimension_of(&assertion.left)),
    };
    let quantity = |value: Option<f64>| value.map(|value| Quantity::new(value, dimension));
    Weighed { state, observed: quantity(observed), comparison, limit: quantity(limit), explanation }
}

fn by_seconds(seconds: SecondsMet, wanted: f64) -> (State, String) {
    let Some(met) = seconds.share() else {
        return (State::NoData, "no data: no second of the run has a value".to_owned());
    };
    let known = seconds.known;
    let text =
        format!("it held in {} of {known} seconds, and had to in {}", units::percent(met), units::percent(wanted));
    (if met + 1e-12 >= wanted { State::Held } else { State::Failed }, text)
}

fn by_whole(assertion: &Assertion, left: Observed, right: Observed) -> (State, String) {
    let dimension = dimension_of(&assertion.left);
    let (Some(observed), Some(limit)) = (left.value, right.value) else {
        return (State::NoData, format!("no data: nothing was measured for `{}`", missing_part(assertion, left)));
    };
    let (samples, needs) = (left.samples.min(right.samples), left.needs.max(right.needs));
    if samples < needs {
        return (
            State::TooFewSamples,
            format!(
                "too few samples: {samples} of the {needs} that {} needs",
                percentile_of(assertion).map_or("it".to_owned(), |p| format!("p{p}"))
            ),
        );
    }
    let (observed_text, limit_text) = texts(observed, limit, dimension);
    if assertion.comparison.holds(observed, limit) {
        return (State::Held, format!("{observed_text}, and the limit is {limit_text}"));
    }
    // Percent of percent is said twice, or not understood.
    let distance = match dimension {
        Dimension::Share => format!("{} percentage points", units::number((observed - limit).abs() * 100.0)),
        _ => Quantity::new((observed - limit).abs(), dimension).to_string(),
    };
    let side = if observed > limit { "above" } else { "below" };
    #[expect(clippy::float_cmp, reason = "asks whether it is the limit itself")]
    let text = if observed == limit {
        format!("{observed_text}, which is the limit itself")
    } else if limit == 0.0 {
        format!("{observed_text}, and the limit is {limit_text}")
    } else if observed / limit >= units::MANY_TIMES {
        format!("{observed_text} is {} times the limit of {limit_text}", units::number(observed / limit))
    } else {
        let relative = units::percent((observed - limit).abs() / limit.abs());
        format!("{observed_text} is {distance} ({relative}) {side} the limit of {limit_text}")
    };
    (State::Failed, text)
}

/// Both sides as text, with more digits when three would make them look equal.
pub(super) fn texts(observed: f64, limit: f64, dimension: Dimension) -> (String, String) {
    let (a, b) = (Quantity::new(observed, dimension).to_string(), Quantity::new(limit, dimension).to_string());
    #[expect(clippy::float_cmp, reason = "asks whether the same number was printed twice")]
    if a == b && observed != limit && dimension == Dimension::Duration {
        return (format!("{observed:.0}ns"), format!("{limit:.0}ns"));
    }
    (a, b)
}

fn missing_part(assertion: &Assertion, left: Observed) -> String {
    let side = if left.value.is_none() { &assertion.left } else { &assertion.right };
    metrics(side).first().map_or_else(|| assertion.source.clone(), |reference| reference.source.clone())
}

fn percentile_of(assertion: &Assertion) -> Option<f64> {
    let percentile = |reference: &&crate::plan::MetricRef| match reference.statistic {
        Statistic::Percentile(p) => Some(p),
        _ => None,
    };
    metrics(&assertion.left)
        .iter()
        .chain(&metrics(&assertion.right))
        .filter_map(percentile)
        .max_by_key(|percentile| sample_floor(*percentile))
}

/// Positive when it held, negative when it did not.
fn margin(state: State, observed: f64, limit: f64) -> Option<f64> {
    let distance = (limit != 0.0).then(|| (observed - limit).abs() / limit.abs())?;
    match state {
        State::Held => Some(distance),
        State::Failed => Some(-distance),
        State::NoData | State::TooFewSamples => None,
    }
}

/// The metrics that an expression names.
pub(super) fn metrics(expr: &MetricExpr) -> Vec<&crate::plan::MetricRef> {
    match expr {
        MetricExpr::Const(_) => Vec::new(),
        MetricExpr::Metric(reference) => vec![reference],
        MetricExpr::Add(a, b) | MetricExpr::Subtract(a, b) | MetricExpr::Multiply(a, b) | MetricExpr::Divide(a, b) => {
            let mut both = metrics(a);
            both.extend(metrics(b));
            both
        }
    }
}

/// What an assertion looks at; all of the run where it names nothing.
pub(super) fn selection_of(results: &Results, assertion: &Assertion) -> Selection {
    let mut selection = Selection::default();
    for reference in metrics(&assertion.left).into_iter().chain(metrics(&assertion.right)) {
        selection.series.extend(&reference.selection.series);
        selection.scenarios.extend(&reference.selection.scenarios);
    }
    if selection == Selection::default() { results.everything() } else { selection }
}

/// The dimension of an expression that was found well typed when the file was
/// compiled.
pub(super) fn dimension_of(expr: &MetricExpr) -> Dimension {
    match expr {
        MetricExpr::Const(quantity) => quantity.dimension,
        MetricExpr::Metric(reference) => match (&reference.metric, reference.statistic) {
            (Metric::BytesIn | Metric::BytesOut, Statistic::Rate) => Dimension::Rate,
            (metric, statistic) => metric.dimension(statistic).unwrap_or(Dimension::Number),
        },
        MetricExpr::Add(a, _) | MetricExpr::Subtract(a, _) => dimension_of(a),
        MetricExpr::Multiply(a, b) => match dimension_of(a) {
            Dimension::Number => dimension_of(b),
            dimension => dimension,
        },
        MetricExpr::Divide(a, b) => {
            let (a, b) = (dimension_of(a), dimension_of(b));
            if a == b { Dimension::Number } else { a }
        }
    }
}
