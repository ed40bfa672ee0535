//! The load generator was late, and whether that matters to who reads the run.

use super::bottleneck::measured_lag;
use super::{Finding, Judgement, Kind, Level, State};
use crate::plan::{Assertion, Metric, MetricExpr, Statistic, TimeMetric};
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
/// where it decides whether an assertion on latency holds; where there is no such
/// assertion, or the run is compared with others, where it is a good part of the latency.
pub(super) fn find(results: &Results, judgements: &[Judgement]) -> Option<Finding> {
    let lag = measured_lag(results);
    // The largest of a few is no percentile.
    let enough = lag.count() >= sample_floor(99.0);
    let p99 = lag.percentile(99.0).filter(|p99| enough && *p99 > LAG_LIMIT_NS)?;
    let pairs = results.plan.assertions.iter().zip(judgements);
    let decided: Vec<bool> = pairs.filter_map(|(assertion, judgement)| decides(&lag, assertion, judgement)).collect();
    let latency = results.times(&results.everything(), Time::Latency, Window::Whole).percentile(99.0);
    let is_judged = !decided.is_empty() && results.plan.baselines.is_empty();
    let matters = decided.contains(&true) || (!is_judged && latency.is_none_or(|latency| p99 >= latency * PART));
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

/// Whether an assertion would come out otherwise if nothing had begun late; `None` for
/// one that is not about a latency.
fn decides(lag: &Distribution, assertion: &Assertion, judgement: &Judgement) -> Option<bool> {
    let MetricExpr::Metric(reference) = &assertion.left else { return None };
    let is_latency = matches!(reference.metric, Metric::Time(TimeMetric::Latency | TimeMetric::Wait));
    if !is_latency || assertion.share_of_seconds.is_some() {
        return None;
    }
    let late = match reference.statistic {
        Statistic::Min => lag.min(),
        Statistic::Mean => lag.mean(),
        Statistic::Max => lag.max(),
        Statistic::Percentile(percentile) => lag.percentile(percentile),
        Statistic::Stddev | Statistic::Count | Statistic::Rate => None,
    }?;
    let (observed, limit) = (judgement.observed?.value, judgement.limit?.value);
    let held = judgement.state == State::Held;
    Some(assertion.comparison.holds(observed - late, limit) != held)
}
