//! What the view says of a run whose numbers are known.

use super::sample;
use crate::plan::Comparison;
use crate::record::{Distribution, ErrorClass, Phase};
use crate::report::View;

fn typical() -> View {
    let (results, verdict) = sample::typical();
    View::new(&results, &verdict)
}

#[test]
fn totals_are_those_of_the_recording_without_the_warm_up() {
    let (results, verdict) = sample::typical();
    let view = View::new(&results, &verdict);
    let rows = || results.recording.seconds.iter().flat_map(|slice| &slice.series);
    let measured: u64 = rows().filter(|row| row.phase == Phase::Measured).map(|row| row.counts.requests).sum();
    let all: u64 = rows().map(|row| row.counts.requests).sum();
    assert!(measured < all);
    assert_eq!(view.totals.requests, measured);
    assert_eq!(view.steps.iter().map(|step| step.figures.requests).sum::<u64>(), measured);
    assert_eq!(view.timeline.rows.iter().map(|row| row.requests).sum::<u64>(), all, "over time it is included");
    assert_eq!(view.totals.rate, Some(measured as f64 / 13.0));
    let mut latency = Distribution::new();
    for row in rows().filter(|row| row.phase == Phase::Measured) {
        latency.add_frozen(&row.times[0]);
    }
    assert_eq!(view.totals.p95.ns, latency.percentile(95.0));
    assert_eq!(view.totals.p95.samples, latency.count());
    assert_eq!(view.totals.errors, view.errors.iter().map(|error| error.count).sum::<u64>());
    assert_eq!(view.totals.requests - view.totals.errors, view.totals.p95.samples, "latency counts successes only");
}

#[test]
fn a_percentile_on_too_few_samples_is_not_given() {
    let view = typical();
    let p99 = &view.steps[0].figures.p99;
    assert_eq!((p99.ns, p99.needs), (None, 368));
    assert_eq!(p99.text, format!("n/a (n={} < 368)", p99.samples));
    let known = &view.steps[1].figures.p99;
    assert!(known.ns.is_some() && known.samples >= 368 && !known.text.contains("n/a"));
}

#[test]
fn load_is_compared_with_its_plan() {
    let view = typical();
    let browse = &view.scenarios[0];
    assert_eq!(browse.load, "ramp 0/s → 40/s over 5s, hold 40/s for 10s, at most 50 users");
    assert_eq!((browse.model, browse.planned), ("open", Some(500)));
    assert_eq!(browse.started + browse.dropped, 500);
    assert_eq!(browse.fidelity, Some(browse.started as f64 / 500.0));
    let agents = &view.scenarios[1];
    assert_eq!((agents.model, agents.planned, agents.fidelity, agents.sessions), ("closed", None, None, 8));
    assert_eq!(view.planned_rate, [(0.0, 0.0), (5.0, 40.0), (15.0, 40.0)]);
    assert_eq!(view.planned_users, [(0.0, 8.0), (15.0, 8.0)]);
    let (results, verdict) = sample::interrupted();
    assert_eq!(View::new(&results, &verdict).scenarios[0].planned, Some(140), "what was due until it was stopped");
}

#[test]
fn rows_over_time_have_their_flags_and_levels() {
    let view = typical();
    let rows = &view.timeline.rows;
    assert_eq!((rows.len(), view.timeline.every_s, view.timeline.warmup_s), (15, 1, 2.0));
    assert_eq!(rows.iter().map(|row| row.warmup).take(4).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(rows[0].planned_rate, Some(4.0));
    assert_eq!((rows[9].started_rate, rows[9].dropped), (Some(35.0), 5));
    assert_eq!(rows[9].errors_by_class.keys().copied().collect::<Vec<_>>(), ["rpc", "timeout", "tool"]);
    assert_eq!(rows[9].errors, rows[9].errors_by_class.values().sum::<u64>());
    assert_eq!(rows[3].cpu, Some((180.0 + 60.0) / 1000.0 / 2.0));
    assert_eq!(view.generator.cpu_max, Some((180.0 + 280.0) / 1000.0 / 2.0));
}

#[test]
fn a_table_of_a_long_run_merges_its_seconds() {
    let (results, verdict) = sample::long(600, 2);
    let view = View::new(&results, &verdict);
    assert_eq!((view.timeline.rows.len(), view.table.rows.len(), view.table.every_s), (600, 60, 10));
    let ten = &view.timeline.rows[10..20];
    let merged = &view.table.rows[1];
    assert_eq!(merged.requests, ten.iter().map(|row| row.requests).sum::<u64>());
    assert_eq!(merged.max_ns, ten.iter().filter_map(|row| row.max_ns).reduce(f64::max));
    assert!(view.steps.iter().all(|step| step.trend.len() <= 40));
}

#[test]
fn margins_are_told_in_words() {
    let (results, mut verdict) = sample::typical();
    let view = View::new(&results, &verdict);
    assert_eq!(view.assertions[0].margin_text.as_deref(), Some("24.8% above the limit"));
    assert_eq!(view.assertions[1].margin_text.as_deref(), Some("87.6% below the limit"));
    assert_eq!(view.assertions[4].margin_text, None);
    verdict.assertions[0].comparison = Comparison::Greater;
    (verdict.assertions[0].observed, verdict.assertions[0].margin) = (verdict.assertions[0].limit, Some(0.0));
    assert_eq!(View::new(&results, &verdict).assertions[0].margin_text.as_deref(), Some("at the limit"));
}

#[test]
fn failures_that_say_the_same_stand_together_and_every_kind_is_there() {
    let (mut results, verdict) = sample::typical();
    let view = View::new(&results, &verdict);
    assert_eq!(view.failures[0].at_ns.len(), 5);
    assert!(view.failures.is_sorted_by(|a, b| a.at_ns[0] <= b.at_ns[0]));
    let example = results.recording.failures[0].clone();
    results.recording.failures = (0..100)
        .map(|n| {
            let mut failure = example.clone();
            (failure.at_ms, failure.message) = (n, format!("message {n}"));
            failure.class = if n == 99 { ErrorClass::Http } else { ErrorClass::Tool };
            failure
        })
        .collect();
    let view = View::new(&results, &verdict);
    assert_eq!(view.failures.len(), 40);
    assert!(view.failures.iter().any(|failure| failure.class == "http"), "a rare kind is not crowded out");
}

#[test]
fn a_scenario_that_begins_later_is_planned_later() {
    let (mut results, verdict) = sample::typical();
    let at_first = View::new(&results, &verdict).timeline;
    for scenario in &mut results.plan.scenarios {
        scenario.start_ns = 3_000_000_000;
    }
    let later = View::new(&results, &verdict).timeline;
    assert!(at_first.rows[0].planned_rate > Some(0.0));
    assert!(later.rows[..3].iter().all(|row| row.planned_rate == Some(0.0)), "{:?}", later.rows[0]);
    assert_eq!(later.rows[3].planned_rate, at_first.rows[0].planned_rate);
    assert!(later.borders_s.contains(&3.0), "{:?}", later.borders_s);
}
