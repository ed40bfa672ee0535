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
    /// Without any data.
    pub(super) const NOTHING: Observed = Observed { value: None, samples: 0, needs: 0 };

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
    combined(expr, &|reference| observed(&gathered(results, reference, window), results, reference, window))
}

/// The value of `expr`, given that of each metric in it.
pub(super) fn combined(expr: &MetricExpr, metric: &impl Fn(&MetricRef) -> Observed) -> Observed {
    let both = |a: &MetricExpr, b: &MetricExpr| (combined(a, metric), combined(b, metric));
    match expr {
        MetricExpr::Const(quantity) => Observed::exact(quantity.value),
        MetricExpr::Metric(reference) => metric(reference),
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

/// What a metric is computed from. That of a run is the sum over its seconds.
#[derive(Clone, Debug)]
pub(super) enum Gathered {
    /// Single values.
    Values(Distribution),
    /// One value for each second.
    Seconds(Extent),
    /// A part of a whole, such as failures of requests.
    Share { part: u64, whole: u64 },
    /// A count, and how often something could have been counted.
    Count { count: u64, basis: u64 },
}

/// Values of seconds, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    count: u64,
    sum: f64,
    least: Option<f64>,
    most: Option<f64>,
}

impl Extent {
    fn of(values: impl Iterator<Item = f64>) -> Extent {
        values.fold(Extent::default(), |mut extent, value| {
            extent.add(Extent { count: 1, sum: value, least: Some(value), most: Some(value) });
            extent
        })
    }

    fn add(&mut self, other: Extent) {
        self.count += other.count;
        self.sum += other.sum;
        let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| a.into_iter().chain(b).reduce(pick);
        self.least = either(self.least, other.least, f64::min);
        self.most = either(self.most, other.most, f64::max);
    }
}

impl Gathered {
    /// Adds what was gathered for the same metric in other seconds.
    pub(super) fn add(&mut self, other: Gathered) {
        match (self, other) {
            (Gathered::Values(values), Gathered::Values(more)) => values.add(&more),
            (Gathered::Seconds(extent), Gathered::Seconds(more)) => extent.add(more),
            (Gathered::Share { part, whole }, Gathered::Share { part: more, whole: of }) => {
                *part += more;
                *whole += of;
            }
            (Gathered::Count { count, basis }, Gathered::Count { count: more, basis: of }) => {
                *count += more;
                *basis += of;
            }
            // The same metric is always computed from the same kind of thing.
            _ => {}
        }
    }
}

/// Gathers what a metric is computed from.
pub(super) fn gathered(results: &Results, reference: &MetricRef, window: Window) -> Gathered {
    let selection = &reference.selection;
    let session = |time| Gathered::Values(results.session_times(selection, time, window));
    match &reference.metric {
        Metric::Time(time) => Gathered::Values(results.times(selection, kind(*time), window)),
        Metric::Iteration => session(SessionTime::Iteration),
        Metric::Connect => session(SessionTime::Connect),
        Metric::SessionOpen => session(SessionTime::Open),
        Metric::SessionClose => session(SessionTime::Close),
        Metric::GeneratorLag => Gathered::Values(results.lag(window)),
        Metric::Group { group } => Gathered::Values(results.group(*group, window)),
        Metric::Measure { measure, .. } => Gathered::Values(results.measure(*measure, window)),
        Metric::GeneratorCpu => Gathered::Seconds(Extent::of(results.generator_cpu(window))),
        Metric::GeneratorRss => Gathered::Seconds(Extent::of(results.generator_rss(window))),
        Metric::ServerCpu { server } => Gathered::Seconds(Extent::of(results.server_cpu(*server, window))),
        Metric::ServerRss { server } => Gathered::Seconds(Extent::of(results.server_rss(*server, window))),
        Metric::ServerFds { server } => Gathered::Seconds(Extent::of(results.server_fds(*server, window))),
        Metric::Errors { class } => {
            let counts = results.counts(selection, window);
            let part = match class.as_deref().map(ErrorClass::from_name) {
                None => counts.failed(),
                Some(Some(class)) => counts.errors.get(&class).copied().unwrap_or(0),
                Some(None) => 0,
            };
            Gathered::Share { part, whole: counts.requests }
        }
        Metric::Expect { label } => {
            let (passed, failed) = results.tally(*label, window);
            Gathered::Share { part: passed, whole: passed + failed }
        }
        counted => {
            let (count, basis) = count(results, selection, counted, window);
            Gathered::Count { count, basis }
        }
    }
}

/// The value of a metric, given what it is computed from. Rates need to know how
/// long the window is.
pub(super) fn observed(gathered: &Gathered, results: &Results, reference: &MetricRef, window: Window) -> Observed {
    let statistic = reference.statistic;
    match gathered {
        Gathered::Values(values) => {
            let mut observed = of_distribution(values, statistic);
            if let Metric::Measure { dimension, .. } = &reference.metric {
                observed.value = observed.value.map(|value| match statistic {
                    Statistic::Count => value,
                    Statistic::Mean | Statistic::Stddev => value / Measure::scale(*dimension),
                    _ => Measure::value(*dimension, value),
                });
            }
            observed
        }
        Gathered::Seconds(extent) => of_seconds(extent, statistic),
        Gathered::Share { part, whole } => of_share(*part, *whole, statistic),
        Gathered::Count { count, basis } => of_count(results, &reference.selection, *count, *basis, window, statistic),
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
fn of_seconds(extent: &Extent, statistic: Statistic) -> Observed {
    let count = extent.count;
    let value = match statistic {
        Statistic::Min => extent.least,
        Statistic::Max => extent.most,
        Statistic::Mean => (count > 0).then(|| extent.sum / count as f64),
        Statistic::Count => Some(count as f64),
        Statistic::Stddev | Statistic::Percentile(_) | Statistic::Rate => None,
    };
    Observed { value, samples: count, needs: 1 }
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
