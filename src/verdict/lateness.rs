//! The load generator was late, and whether that matters to who reads the run.

use super::bottleneck::measured_lag;
use super::evaluate::evaluate;
use super::judge::metrics;
use super::{Finding, Judgement, Kind, Level, State};
use crate::plan::{Assertion, Comparison, Metric, MetricExpr, MetricRef, Statistic, TimeMetric};
use crate::record::{Distribution, Time, sample_floor};
use crate::results::{Results, Window};
use crate::units;

/// Due work that starts later than this shows in the latencies (they count
/// from the due instant): 1 ms, the budget for a generator that is not itself
/// the bottleneck.
pub(super) const LAG_LIMIT_NS: f64 = 1e6;

/// From this part of the latency on, the delay is no longer little beside it.
const PART: f64 = 0.25;

/// Whether one percent of the work began later than the budget allows. It is a problem
/// where it can decide whether an assertion on latency holds; where there is no such
/// assertion, or that is not known of one, or the run is compared with others, where it is
/// a good part of the latency.
pub(super) fn find(results: &Results, judgements: &[Judgement]) -> Option<Finding> {
    let lag = measured_lag(results);
    // The largest of a few is no percentile.
    let enough = lag.count() >= sample_floor(99.0);
    let p99 = lag.percentile(99.0).filter(|p99| enough && *p99 > LAG_LIMIT_NS)?;
    let pairs = results.plan.assertions.iter().zip(judgements).filter(|(assertion, _)| is_on_latency(assertion));
    let decided: Vec<Option<bool>> =
        pairs.map(|(assertion, judgement)| decides(results, &lag, assertion, judgement)).collect();
    let latency = results.times(&results.everything(), Time::Latency, Window::Whole).percentile(99.0);
    let is_judged = !decided.is_empty() && !decided.contains(&None) && results.plan.baselines.is_empty();
    let matters = decided.contains(&Some(true)) || (!is_judged && latency.is_none_or(|latency| p99 >= latency * PART));
    let late = format!(
        "the load generator started 1% of the work more than {} late (its budget is {})",
        units::duration(p99),
        units::duration(LAG_LIMIT_NS)
    );
    let (level, text) = match latency {
        Some(latency) if !matters => {
            let latency = units::duration(latency);
            let beside = if is_judged {
                format!("that decides no assertion on latency, and the p99 of the latency is {latency}")
            } else {
                format!("that is little beside the p99 of the latency, {latency}")
            };
            (Level::Notice, format!("{late}, and the latencies hold that delay: {beside}"))
        }
        _ => (
            Level::Problem,
            format!("{late}, and the latencies hold that delay: give it more threads or a machine of its own"),
        ),
    };
    Some(Finding { kind: Kind::GeneratorLate, level, text })
}

/// Whether the times in an assertion hold the delay.
fn is_on_latency(assertion: &Assertion) -> bool {
    let sides = [metrics(&assertion.left), metrics(&assertion.right)].concat();
    sides.iter().any(|side| matches!(side.metric, Metric::Time(TimeMetric::Latency | TimeMetric::Wait)))
}

/// Whether an assertion could come out otherwise if nothing had begun late; `None` where
/// that is not known.
///
/// Percentiles do not subtract. But without the delay a latency is no less than what the
/// server took, and no less than the latency without the longest delay: where an assertion
/// comes out the same with these, so it does with all between them and what was measured.
fn decides(results: &Results, lag: &Distribution, assertion: &Assertion, judgement: &Judgement) -> Option<bool> {
    let held = match judgement.state {
        State::Held => true,
        State::Failed => false,
        // There are as many samples without it.
        State::NoData | State::TooFewSamples => return Some(false),
    };
    let MetricExpr::Metric(reference) = &assertion.left else { return None };
    let is_one_sided = !matches!(assertion.comparison, Comparison::Equal | Comparison::NotEqual);
    let is_in_order =
        matches!(reference.statistic, Statistic::Min | Statistic::Mean | Statistic::Max | Statistic::Percentile(_));
    let is_constant = matches!(assertion.right, MetricExpr::Const(_));
    if !is_one_sided || !is_in_order || !is_constant || assertion.share_of_seconds.is_some() {
        return None;
    }
    let (observed, limit) = (judgement.observed?.value, judgement.limit?.value);
    let service = (reference.metric == Metric::Time(TimeMetric::Latency)).then(|| {
        let service = MetricRef { metric: Metric::Time(TimeMetric::ServiceTime), ..reference.clone() };
        evaluate(results, &MetricExpr::Metric(service), Window::Whole).value
    });
    let least = service.flatten().unwrap_or(0.0).max(observed - lag.max()?);
    Some(assertion.comparison.holds(least, limit) != held)
}
