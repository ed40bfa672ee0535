//! The verdict on a made-up run, written by hand: reports are tested apart from
//! judging.

use crate::plan::{Comparison, Metric, MetricRef, Selection, Statistic, TimeMetric};
use crate::units::{Dimension, Quantity};
use crate::verdict::compare::{Change, Compared, Comparison as Compare, Needed, Pairing, RunOf, Scale};
use crate::verdict::trend::{History, Run, Trend, Triage, trend as trend_of};
use crate::verdict::{Finding, Judgement, Kind, Level, Outcome, State, Verdict};

const MS: f64 = 1e6;

/// Five assertions, two of which did not hold.
pub(super) fn verdict(seconds: u32) -> Verdict {
    Verdict {
        searches: Vec::new(),
        comparisons: Vec::new(),
        trend: None,
        outcome: Outcome::Failed,
        sentence: "2 of 5 assertions did not hold".to_owned(),
        assertions: vec![
            late(seconds),
            quick(seconds),
            few_errors(seconds),
            too_few_samples(),
            no_limit_to_be_far_from(),
        ],
        findings: vec![
            finding(
                Level::Problem,
                "10 of 471 arrivals (2.12%) found no free virtual user and were dropped: the server was too slow \
                 for this rate, or `max users` is too low",
            ),
            finding(
                Level::Notice,
                "`violations.not_a_message`: an event or a line that is no JSON-RPC message, 3 times",
            ),
        ],
    }
}

fn finding(level: Level, text: &str) -> Finding {
    Finding { kind: Kind::Errors, level, text: text.to_owned() }
}

/// An assertion that held, without numbers.
fn held(source: &str, dimension: Dimension, observed: f64, limit: f64) -> Judgement {
    Judgement {
        source: source.to_owned(),
        state: State::Held,
        observed: Some(Quantity::new(observed, dimension)),
        comparison: Comparison::Less,
        limit: Some(Quantity::new(limit, dimension)),
        margin: (limit > 0.0).then(|| (limit - observed) / limit),
        samples: 412,
        explanation: format!(
            "{}, and the limit is {}",
            Quantity::new(observed, dimension),
            Quantity::new(limit, dimension)
        ),
        first_breach: None,
        seconds_met: None,
        per_second: Vec::new(),
        first_second: 2,
    }
}

/// `normal` in every second but the two of the stall.
fn by_second(seconds: u32, normal: f64, stalled: f64) -> Vec<Option<f64>> {
    let value =
        |second| if (9..=10).contains(&second) { stalled } else { normal + f64::from(second % 3) * normal / 20.0 };
    (2..seconds).map(|second| Some(value(second))).collect()
}

fn late(seconds: u32) -> Judgement {
    Judgement {
        state: State::Failed,
        margin: Some(-0.248),
        explanation: "312ms is 62ms (24.8%) above the limit of 250ms".to_owned(),
        first_breach: (seconds > 9).then_some(9),
        seconds_met: Some(0.846),
        per_second: by_second(seconds, 18.0 * MS, 312.0 * MS),
        ..held("search.latency.p95 < 250ms", Dimension::Duration, 312.0 * MS, 250.0 * MS)
    }
}

fn quick(seconds: u32) -> Judgement {
    Judgement {
        seconds_met: Some(1.0),
        per_second: by_second(seconds, 6.0 * MS, 31.0 * MS),
        ..held("fetch_page.latency.p50 < 50ms", Dimension::Duration, 6.2 * MS, 50.0 * MS)
    }
}

fn few_errors(seconds: u32) -> Judgement {
    Judgement {
        first_breach: (seconds > 9).then_some(9),
        seconds_met: Some(0.846),
        per_second: by_second(seconds, 0.0, 0.08),
        ..held("browse.errors.rate < 5%", Dimension::Share, 0.0312, 0.05)
    }
}

fn too_few_samples() -> Judgement {
    Judgement {
        state: State::TooFewSamples,
        margin: None,
        samples: 88,
        explanation: "too few samples: 88 of the 368 that p99 needs".to_owned(),
        ..held("summarise_page.latency.p99 < 1s", Dimension::Duration, 640.0 * MS, 1000.0 * MS)
    }
}

fn no_limit_to_be_far_from() -> Judgement {
    Judgement { comparison: Comparison::Equal, ..held("agents.dropped.count == 0", Dimension::Number, 0.0, 0.0) }
}

/// A comparison with a metric of each kind.
pub(super) fn comparison() -> Compare {
    let of = |id: &str| RunOf {
        id: id.to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        servers: vec!["rulebook 1.2".to_owned()],
    };
    let metric = |source: &str, verdict: Change, change: f64, explanation: &str| Compared {
        source: source.to_owned(),
        dimension: Dimension::Duration,
        scale: Scale::Ratio,
        verdict,
        explanation: explanation.to_owned(),
        old: vec![Some(40.0 * MS); 3],
        new: vec![Some(40.0 * MS * (1.0 + change))],
        old_typical: Some(40.0 * MS),
        new_typical: Some(40.0 * MS * (1.0 + change)),
        change: Some(change),
        low: Some(change - 0.04),
        high: Some(change + 0.04),
        above: Some(0.05),
        below: None,
        p: Some(0.01),
        detectable: Some(0.1),
        spread: Some(0.02),
        needed: (verdict == Change::Inconclusive).then_some(Needed { old: 8, new: 8 }),
    };
    Compare {
        baseline: Some("nightly".to_owned()),
        outcome: Change::Regressed,
        sentence: "regressed: latency.p50 +12%".to_owned(),
        reasons: vec!["server `rules`: timeout 1s, and now 2s".to_owned()],
        notes: vec!["mcpl was 0.1.0 before, and now 0.2.0".to_owned()],
        method: "1 new run against the prediction interval of 3 runs, Holm over all metrics at 5%".to_owned(),
        pairing: Pairing::Independent,
        level: 0.05,
        old: vec![of("a"), of("b"), of("c")],
        new: vec![of("d")],
        metrics: vec![
            metric("latency.p50", Change::Regressed, 0.12, "40ms to 44.8ms, +12% (+8% to +16%); up to +5% is accepted"),
            metric("search_rules.latency.p95", Change::NoMeaningfulChange, 0.01, "40ms to 40.4ms, +1% (-3% to +5%)"),
            metric(
                "latency.p99",
                Change::Inconclusive,
                0.04,
                "40ms to 41.6ms, +4% (0% to +8%); 8 runs of each side would tell",
            ),
        ],
        spread: None,
    }
}

/// 24 runs up to `this` one, in which one metric became slower and the other has a value in
/// the newest runs only.
pub(super) fn trend(this: &str) -> Trend {
    let metric = |source: &str, percentile: f64| MetricRef {
        source: source.to_owned(),
        selection: Selection::default(),
        metric: Metric::Time(TimeMetric::Latency),
        statistic: Statistic::Percentile(percentile),
    };
    let run = |n: u32| Run {
        id: if n == 23 { this.to_owned() } else { format!("run-{n:02}") },
        started: format!("2026-01-{:02}T08:00:00Z", 1 + n),
        commit: n.is_multiple_of(2).then(|| format!("{n:040x}")),
        machine: "a machine".to_owned(),
        values: vec![
            Some(f64::from(n % 3 + if n < 16 { 20 } else { 40 }) * MS),
            (n > 10).then(|| f64::from(90 + n % 4) * MS),
        ],
    };
    let history = History {
        scenario: "docs_search".to_owned(),
        metrics: vec![metric("latency.p95", 95.0), metric("search.latency.p99", 99.0)],
        runs: (0..24).map(run).collect(),
        left_out: vec!["2 invalid".to_owned()],
    };
    trend_of(&[history], &Triage::default(), "2026-01-24")
}
