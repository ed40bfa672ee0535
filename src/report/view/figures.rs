//! The figures of one step, or of all.

use serde::Serialize;

use super::baselines::Baselines;
use super::measure::{SeriesSums, Sums, span_seconds};
use super::slowest::SlowView;
use super::{float, share};
use crate::plan::Selection;
use crate::record::{Distribution, sample_floor};
use crate::report::clean::clean;
use crate::results::Results;
use crate::units;

/// Points of a trend: what fits a cell of a table.
const TREND_POINTS: u32 = 40;

/// Values of tags that a report shows of a step.
const TAGS_SHOWN: usize = 20;

/// Percentiles at which the parts of a request's time are told.
pub(in crate::report) const RUNGS: [(&str, f64); 7] =
    [("p25", 25.0), ("p50", 50.0), ("p75", 75.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9)];

/// One request step of one flow of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepView {
    /// The scenario's name.
    pub scenario: String,
    /// The flow's name.
    pub flow: String,
    /// The step's label.
    pub step: String,
    /// `call`, `read`, `prompt` or `list`.
    pub kind: String,
    /// What was measured.
    #[serde(flatten)]
    pub figures: Figures,
    /// The 95th percentile of latency in up to 40 equal stretches of the
    /// measured time, each the largest of its seconds, in nanoseconds; none
    /// where no request succeeded.
    pub trend: Vec<Option<f64>>,
    /// The same requests by the values of tags that they brought, most requests
    /// first; at most 20. Empty without such tags.
    pub tags: Vec<TagView>,
    /// Its slowest answered requests, the slowest first; at most 5.
    pub slowest: Vec<SlowView>,
}

/// Requests of a step that brought the same values of tags.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagView {
    /// The tags: `tenant=a, size=large`.
    pub tags: String,
    /// Requests answered or failed.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Latency.
    pub p50: Reading,
    /// Latency.
    pub p95: Reading,
    /// Latency.
    pub p99: Reading,
}

/// What was measured of one step, or of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Requests answered or failed.
    pub requests: u64,
    /// Requests per second of the measured time; none without such time.
    pub rate: Option<f64>,
    /// Requests that failed.
    pub errors: u64,
    /// Failed requests as a share of all; none without requests.
    pub error_share: Option<f64>,
    /// Failed requests by class, most frequent first.
    pub errors_by_class: Vec<ClassCount>,
    /// Latency: from the instant a request was due to its response; successes
    /// only.
    pub p50: Reading,
    /// Latency.
    pub p90: Reading,
    /// Latency.
    pub p95: Reading,
    /// Latency.
    pub p99: Reading,
    /// Latency.
    pub max: Reading,
    /// Service time: from the first byte written to the response; successes
    /// only.
    pub service_p50: Reading,
    /// Service time.
    pub service_p95: Reading,
    /// From the due instant to the first byte written: what the connection and
    /// the load generator took.
    pub wait_p99: Reading,
    /// The parts of a request's time at each of some percentiles, from low to high.
    pub ladder: Vec<Rung>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

/// The parts of a request's time at one percentile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// The percentile, such as `p99.9`.
    pub name: &'static str,
    /// The same as a number: 99.9.
    pub percentile: f64,
    /// Latency, successes only.
    pub latency: Reading,
    /// Service time, successes only.
    pub service: Reading,
    /// From the due instant to the first byte written.
    pub wait: Reading,
    /// From the first byte written to the first byte of the response.
    pub first_byte: Reading,
    /// Latency of each of the view's `curves.baselines`.
    pub baselines: Vec<Reading>,
}

/// A statistic of a distribution of times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// In nanoseconds; none when there are fewer samples than it needs.
    pub ns: Option<f64>,
    /// For people: `12.3ms`, or `n/a (n=212 < 368)`.
    pub text: String,
    /// Samples there are.
    pub samples: u64,
    /// Samples it needs.
    pub needs: u64,
}

/// How many failures of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    /// The class's name in metrics, such as `timeout`.
    pub class: &'static str,
    /// How many.
    pub count: u64,
}

impl Reading {
    pub(in crate::report) fn percentile(distribution: &Distribution, percentile: f64) -> Reading {
        Reading::new(distribution.percentile(percentile), distribution.count(), sample_floor(percentile))
    }

    fn new(value: Option<f64>, samples: u64, needs: u64) -> Reading {
        let ns = value.filter(|_| samples >= needs);
        let text = match ns {
            Some(ns) => units::duration(ns),
            None if samples == 0 => "n/a".to_owned(),
            None => format!("n/a (n={samples} < {needs})"),
        };
        Reading { ns, text, samples, needs }
    }
}

impl Rung {
    fn new((name, percentile): (&'static str, f64), sums: &SeriesSums, old: &[Distribution]) -> Rung {
        let reading = |times: &Distribution| Reading::percentile(times, percentile);
        Rung {
            name,
            percentile,
            latency: reading(&sums.latency),
            service: reading(&sums.service),
            wait: reading(&sums.wait),
            first_byte: reading(&sums.first_byte),
            baselines: old.iter().map(reading).collect(),
        }
    }
}

impl Figures {
    /// `seconds` is the length of the measured stretch; `old` are latencies of the same in
    /// baselines.
    pub(super) fn new(sums: &SeriesSums, seconds: f64, old: &[Distribution]) -> Figures {
        let counts = &sums.counts;
        let (latency, service) = (&sums.latency, &sums.service);
        Figures {
            requests: counts.requests,
            rate: (seconds > 0.0).then(|| float(counts.requests) / seconds),
            errors: counts.failed(),
            error_share: share(counts.failed(), counts.requests),
            errors_by_class: by_class(counts),
            p50: Reading::percentile(latency, 50.0),
            p90: Reading::percentile(latency, 90.0),
            p95: Reading::percentile(latency, 95.0),
            p99: Reading::percentile(latency, 99.0),
            max: Reading::new(latency.max(), latency.count(), 1),
            service_p50: Reading::percentile(service, 50.0),
            service_p95: Reading::percentile(service, 95.0),
            wait_p99: Reading::percentile(&sums.wait, 99.0),
            ladder: RUNGS.into_iter().map(|rung| Rung::new(rung, sums, old)).collect(),
            bytes_in: counts.bytes_in,
            bytes_out: counts.bytes_out,
        }
    }
}

/// Failures by class, most frequent first.
pub(super) fn by_class(counts: &crate::record::Counts) -> Vec<ClassCount> {
    let mut classes: Vec<ClassCount> =
        counts.errors.iter().map(|(class, count)| ClassCount { class: class.name(), count: *count }).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.count));
    classes
}

/// The steps of a plan, in its order.
pub(super) fn steps(results: &Results, sums: &Sums, old: &Baselines) -> Vec<StepView> {
    let plan = &results.plan;
    let step = |(index, (series, sums)): (usize, (&crate::plan::Series, &SeriesSums))| {
        let selection = Selection { series: vec![index], ..Selection::default() };
        StepView {
            scenario: plan.scenarios.get(series.scenario).map(|scenario| clean(&scenario.name)).unwrap_or_default(),
            flow: plan.flows.get(series.flow).map(|flow| clean(&flow.name)).unwrap_or_default(),
            step: clean(&series.step),
            kind: clean(&series.kind),
            figures: Figures::new(sums, span_seconds(results, &selection), &old.of_series(index)),
            trend: trend(&sums.p95_by_second, results.measured_seconds(&selection)),
            tags: tags(&series.tag_keys, sums),
            slowest: super::slowest::of_step(results, index),
        }
    };
    plan.series.iter().zip(&sums.series).enumerate().map(step).collect()
}

/// The requests of a step by their tags, most requests first.
fn tags(keys: &[String], sums: &SeriesSums) -> Vec<TagView> {
    let mut tagged: Vec<_> = sums.tagged.iter().collect();
    tagged.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.counts.requests));
    tagged
        .into_iter()
        .take(TAGS_SHOWN)
        .map(|(values, sums)| {
            let pairs: Vec<String> =
                keys.iter().zip(values).map(|(key, value)| format!("{}={}", clean(key), clean(value))).collect();
            TagView {
                tags: pairs.join(", "),
                requests: sums.counts.requests,
                errors: sums.counts.failed(),
                p50: Reading::percentile(&sums.latency, 50.0),
                p95: Reading::percentile(&sums.latency, 95.0),
                p99: Reading::percentile(&sums.latency, 99.0),
            }
        })
        .collect()
}

/// The largest value of each of up to [`TREND_POINTS`] stretches of `seconds`.
fn trend(by_second: &[(u32, f64)], seconds: std::ops::Range<u32>) -> Vec<Option<f64>> {
    let length = seconds.end.saturating_sub(seconds.start);
    let stretch = length.div_ceil(TREND_POINTS).max(1);
    let mut points = vec![None; length.div_ceil(stretch) as usize];
    for (second, value) in by_second.iter().filter(|(second, _)| seconds.contains(second)) {
        if let Some(point) = points.get_mut(((second - seconds.start) / stretch) as usize) {
            *point = Some(f64::max(point.unwrap_or(0.0), *value));
        }
    }
    points
}
