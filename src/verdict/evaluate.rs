//! The value of a metric expression over a run, or over one second of it.

use crate::plan::{Measure, Metric, MetricExpr, MetricRef, Selection, Statistic, TimeMetric};
use crate::record::{Distribution, ErrorClass, SessionTime, Time, sample_floor};
use crate::results::{Results, Window};

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observed {
    /// In the base unit; absent without data.
    pub(super) value: Option<f64>,
    /// Samples it rests on: the smallest number of any part.
    pub(super) samples: u64,
    /// Samples it needs: the largest number of any part; 0 when any will do.
    pub(super) needs: u64,
}

impl Observed {
    fn exact(value: f64) -> Observed {
        Observed { value: Some(value), samples: u64::MAX, needs: 0 }
    }

    fn combine(self, other: Observed, op: impl Fn(f64, f64) -> Option<f64>) -> Observed {
        Observed {
            value: self.value.zip(other.value).and_then(|(a, b)| op(a, b)).filter(|value| value.is_finite()),
            samples: self.samples.min(other.samples),
            needs: self.needs.max(other.needs),
        }
    }
}

/// Evaluates `expr` over `window`.
pub(super) fn evaluate(results: &Results, expr: &MetricExpr, window: Window) -> Observed {
    let both = |a: &MetricExpr, b: &MetricExpr| (evaluate(results, a, window), evaluate(results, b, window));
    match expr {
        MetricExpr::Const(quantity) => Observed::exact(quantity.value),
        MetricExpr::Metric(reference) => metric(results, reference, window),
        MetricExpr::Add(a, b) => {
            let (a, b) = both(a, b);
            a.combine(b, |a, b| Some(a + b))
        }
        MetricExpr::Subtract(a, b) => {
            let (a, b) = both(a, b);
            a.combine(b, |a, b| Some(a - b))
        }
        MetricExpr::Multiply(a, b) => {
            let (a, b) = both(a, b);
            a.combine(b, |a, b| Some(a * b))
        }
        MetricExpr::Divide(a, b) => {
            let (a, b) = both(a, b);
            a.combine(b, |a, b| (b != 0.0).then(|| a / b))
        }
    }
}

fn metric(results: &Results, reference: &MetricRef, window: Window) -> Observed {
    let selection = &reference.selection;
    let statistic = reference.statistic;
    match &reference.metric {
        Metric::Time(time) => of_distribution(&results.times(selection, kind(*time), window), statistic),
        Metric::Iteration => session(results, selection, SessionTime::Iteration, window, statistic),
        Metric::Connect => session(results, selection, SessionTime::Connect, window, statistic),
        Metric::SessionOpen => session(results, selection, SessionTime::Open, window, statistic),
        Metric::SessionClose => session(results, selection, SessionTime::Close, window, statistic),
        Metric::GeneratorLag => of_distribution(&results.lag(window), statistic),
        Metric::Group { group } => of_distribution(&results.group(*group, window), statistic),
        Metric::Measure { measure, dimension } => {
            let mut observed = of_distribution(&results.measure(*measure, window), statistic);
            observed.value = observed.value.map(|value| match statistic {
                Statistic::Count => value,
                Statistic::Mean | Statistic::Stddev => value / Measure::scale(*dimension),
                _ => Measure::value(*dimension, value),
            });
            observed
        }
        Metric::GeneratorCpu => of_seconds(results.generator_cpu(window), statistic),
        Metric::GeneratorRss => of_seconds(results.generator_rss(window), statistic),
        Metric::ServerCpu { server } => of_seconds(results.server_cpu(*server, window), statistic),
        Metric::ServerRss { server } => of_seconds(results.server_rss(*server, window), statistic),
        Metric::ServerFds { server } => of_seconds(results.server_fds(*server, window), statistic),
        Metric::Errors { class } => errors(results, selection, class.as_deref(), window, statistic),
        Metric::Expect { label } => {
            let (passed, failed) = results.tally(*label, window);
            of_share(passed, passed + failed, statistic)
        }
        counted => {
            let (count, basis) = count(results, selection, counted, window);
            of_count(results, selection, count, basis, window, statistic)
        }
    }
}

fn kind(time: TimeMetric) -> Time {
    match time {
        TimeMetric::Latency => Time::Latency,
        TimeMetric::ServiceTime => Time::Service,
        TimeMetric::Wait => Time::Wait,
        TimeMetric::FirstByte => Time::FirstByte,
    }
}

fn session(
    results: &Results,
    selection: &Selection,
    time: SessionTime,
    window: Window,
    statistic: Statistic,
) -> Observed {
    of_distribution(&results.session_times(selection, time, window), statistic)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn of_distribution(distribution: &Distribution, statistic: Statistic) -> Observed {
    let (value, needs) = match statistic {
        Statistic::Min => (distribution.min(), 1),
        Statistic::Mean => (distribution.mean(), 1),
        Statistic::Max => (distribution.max(), 1),
        Statistic::Stddev => (distribution.stddev(), 2),
        Statistic::Percentile(percentile) => (distribution.percentile(percentile), sample_floor(percentile)),
        Statistic::Count => (Some(distribution.count() as f64), 0),
        Statistic::Rate => (None, 0),
    };
    Observed { value, samples: distribution.count(), needs }
}

/// A statistic over seconds.
#[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
fn of_seconds(values: impl Iterator<Item = f64>, statistic: Statistic) -> Observed {
    let values: Vec<f64> = values.collect();
    let count = values.len() as u64;
    let value = match statistic {
        Statistic::Min => values.iter().copied().reduce(f64::min),
        Statistic::Max => values.iter().copied().reduce(f64::max),
        Statistic::Mean => (count > 0).then(|| values.iter().sum::<f64>() / count as f64),
        Statistic::Count => Some(count as f64),
        Statistic::Stddev | Statistic::Percentile(_) | Statistic::Rate => None,
    };
    Observed { value, samples: count, needs: 1 }
}

fn errors(
    results: &Results,
    selection: &Selection,
    class: Option<&str>,
    window: Window,
    statistic: Statistic,
) -> Observed {
    let counts = results.counts(selection, window);
    let failed = match class.map(ErrorClass::from_name) {
        None => counts.failed(),
        Some(Some(class)) => counts.errors.get(&class).copied().unwrap_or(0),
        Some(None) => 0,
    };
    of_share(failed, counts.requests, statistic)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn of_share(part: u64, whole: u64, statistic: Statistic) -> Observed {
    let value = match statistic {
        Statistic::Count => (whole > 0).then_some(part as f64),
        Statistic::Rate => (whole > 0).then(|| part as f64 / whole as f64),
        _ => None,
    };
    Observed { value, samples: whole, needs: 1 }
}

/// The count of a metric and the number of requests or iterations behind it: a
/// count of 0 means something only when something could have been counted.
fn count(results: &Results, selection: &Selection, metric: &Metric, window: Window) -> (u64, u64) {
    let requests = || results.counts(selection, window);
    let rows = |field: fn(&crate::record::ScenarioRow) -> u64| -> u64 {
        results.scenario_rows(selection, window).map(field).sum()
    };
    let begun = || rows(|row| row.started + row.dropped);
    match metric {
        Metric::Requests => (requests().requests, requests().requests),
        Metric::Violations => (requests().violations, requests().requests),
        Metric::Violation { kind: violation } => {
            let counts = requests();
            (counts.violation_kinds.get(violation).copied().unwrap_or(0), counts.requests)
        }
        Metric::Progress => (requests().progress, requests().requests),
        Metric::Updates => (requests().updates, requests().requests),
        Metric::Questions => (requests().questions, requests().requests),
        Metric::Rounds => (requests().rounds, requests().requests),
        Metric::Polls => (requests().polls, requests().requests),
        Metric::Late => (requests().late, requests().requests),
        Metric::Cached => {
            let counts = requests();
            (counts.cached, counts.requests + counts.cached)
        }
        Metric::BytesIn => (requests().bytes_in, requests().requests),
        Metric::BytesOut => (requests().bytes_out, requests().requests),
        Metric::Iterations => (rows(|row| row.iterations), begun()),
        Metric::Dropped => (rows(|row| row.dropped), begun()),
        Metric::SessionsLost => (rows(|row| row.lost), begun()),
        Metric::Sessions => {
            let opened = results.session_times(selection, SessionTime::Open, window).count();
            (opened, opened)
        }
        _ => (0, 0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds stay below 2^53")]
fn of_count(
    results: &Results,
    selection: &Selection,
    count: u64,
    basis: u64,
    window: Window,
    statistic: Statistic,
) -> Observed {
    let seconds = match window {
        Window::Whole => {
            let (from, to) = results.measured_span(selection);
            (to - from) as f64 / 1e9
        }
        Window::Second(second) => seconds_measured(results.measured_span(selection), second),
    };
    // A second without requests is a throughput of 0, which is data.
    let known = match window {
        Window::Whole => basis > 0,
        Window::Second(_) => true,
    };
    let value = match statistic {
        Statistic::Count => known.then_some(count as f64),
        Statistic::Rate => (known && seconds > 0.0).then(|| count as f64 / seconds),
        _ => None,
    };
    Observed { value, samples: basis, needs: 1 }
}

/// How much of `second` lies in the measured stretch, in seconds.
#[expect(clippy::cast_precision_loss, reason = "at most one second")]
fn seconds_measured((from, to): (u64, u64), second: u32) -> f64 {
    let start = u64::from(second) * 1_000_000_000;
    let (from, to) = (from.max(start), to.min(start + 1_000_000_000));
    to.saturating_sub(from) as f64 / 1e9
}
