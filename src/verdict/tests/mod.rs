//! Judging runs that are made up.

mod calibration;
mod compare;
mod generator;
mod misses;
mod processes;
mod symptoms;

use super::{Level, Outcome, State, judge};
use crate::plan::{
    Arrivals, Assertion, Comparison, Endpoint, Flow, Load, Metric, MetricExpr, MetricRef, Plan, Scenario, Segment,
    Selection, Series, Server, Share, Statistic, TimeMetric,
};
use crate::record::{ErrorClass, Phase, Recorder, Recording, Sample, Shape};
use crate::results::{Ended, Environment, Results, Run, SCHEMA, Tool};
use crate::units::{Dimension, Quantity};
use crate::violation::{Violation, Violations};

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

fn plan(assertions: Vec<Assertion>) -> Plan {
    let load = Load::Open {
        segments: vec![Segment { from: 100.0, to: 100.0, duration_ns: 5 * SECOND }],
        arrivals: Arrivals::Uniform,
    };
    Plan {
        schema: crate::plan::SCHEMA.to_owned(),
        name: "test".to_owned(),
        seed: 1,
        servers: vec![Server {
            timeout_ns: SECOND,
            connect_timeout_ns: SECOND,
            ..Server::new("s", Endpoint::Http { url: "http://127.0.0.1:1/".to_owned() })
        }],
        flows: vec![Flow { name: "f".to_owned(), doc: None, steps: vec![], locals: 0 }],
        scenarios: vec![Scenario {
            warmup_ns: SECOND,
            drain_ns: SECOND,
            ..Scenario::new("main", load, vec![Share { flow: 0, slots: 1 }])
        }],
        series: vec![Series { step: "tool".to_owned(), kind: "call".to_owned(), ..Series::default() }],
        expectations: vec!["label".to_owned()],
        assertions,
        ..Plan::default()
    }
}

/// 100 requests in each of 5 seconds, the first of warm-up: 10 ms, but 200 ms in
/// second 3; one in 50 fails.
fn recording() -> Recording {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..500_u64 {
        let second = u32::try_from(number / 100).unwrap();
        let phase = if second == 0 { Phase::Warmup } else { Phase::Measured };
        let latency = if second == 3 { 200_000_000 } else { 10_000_000 };
        let error = (number % 50 == 0).then_some(ErrorClass::Tool);
        recorder.started(second, 0, phase);
        recorder.request(second, 0, phase, &Sample { latency, error, bytes_in: 100, ..Sample::default() });
        recorder.expectation(second, 0, phase, number % 10 != 0);
        recorder.iteration(second, 0, phase, latency);
        if error.is_some() {
            recorder.failure(0, ErrorClass::Tool, number * 10, "no such rule");
        }
    }
    recorder.finish();
    let (slices, examples) = recorder.drain();
    let mut recording = Recording::default();
    slices.into_iter().for_each(|slice| recording.add(slice));
    recording.add_examples(examples);
    recording
}

fn results(recording: Recording, assertions: Vec<Assertion>) -> Results {
    let plan = plan(assertions);
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: "0".to_owned() },
        plan_hash: plan.hash(),
        plan,
        run: Run {
            id: "r".to_owned(),
            parts: Vec::new(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            load_ms: 5000,
            total_ms: 5000,
            ended: Ended::Completed,
            guarded: None,
            threads: 1,
        },
        environment: Environment::default(),
        servers: vec![],
        recording,
    }
}

fn metric(metric: Metric, statistic: Statistic) -> MetricExpr {
    let selection = Selection { series: vec![0], scenarios: vec![0], tags: Vec::new() };
    MetricExpr::Metric(MetricRef { source: "m".to_owned(), selection, metric, statistic })
}

fn assertion(left: MetricExpr, comparison: Comparison, limit: f64, dimension: Dimension) -> Assertion {
    let right = MetricExpr::Const(Quantity::new(limit, dimension));
    Assertion { source: "m < limit".to_owned(), left, comparison, right, share_of_seconds: None }
}

fn latency(percentile: f64) -> MetricExpr {
    metric(Metric::Time(TimeMetric::Latency), Statistic::Percentile(percentile))
}

fn judged(assertion: Assertion) -> super::Judgement {
    judge(&results(recording(), vec![assertion])).assertions.remove(0)
}

#[test]
fn the_warm_up_counts_in_nothing() {
    let count =
        judged(assertion(metric(Metric::Requests, Statistic::Count), Comparison::Equal, 400.0, Dimension::Number));
    assert_eq!(count.state, State::Held);
    let rate = judged(assertion(metric(Metric::Requests, Statistic::Rate), Comparison::Equal, 100.0, Dimension::Rate));
    assert_eq!(rate.state, State::Held, "400 requests in 4 s: {}", rate.explanation);
}

#[test]
fn a_failed_assertion_says_by_how_much_and_since_when() {
    let failed = judged(assertion(latency(90.0), Comparison::Less, 100e6, Dimension::Duration));
    assert_eq!(failed.state, State::Failed);
    assert_eq!(failed.explanation, "200ms is 100ms (100%) above the limit of 100ms");
    assert_eq!((failed.first_breach, failed.seconds_met), (Some(3), Some(0.75)));
    assert!((failed.margin.unwrap() + 1.0).abs() < 2e-3, "a whole limit beyond it");
    assert_eq!(failed.first_second, 1);
    assert_eq!(failed.per_second.len(), 4);
}

#[test]
fn far_beyond_a_limit_is_told_in_multiples() {
    let failed = judged(assertion(latency(50.0), Comparison::Less, 1e6, Dimension::Duration));
    assert_eq!(failed.explanation, "10ms is 10 times the limit of 1ms");
}

#[test]
fn a_share_of_seconds_is_what_is_compared() {
    let mut by_seconds = assertion(latency(50.0), Comparison::Less, 100e6, Dimension::Duration);
    by_seconds.share_of_seconds = Some(0.75);
    let held = judged(by_seconds.clone());
    assert_eq!((held.state, held.observed.map(|q| q.value)), (State::Held, Some(0.75)));
    by_seconds.share_of_seconds = Some(0.8);
    let failed = judged(by_seconds);
    assert_eq!(failed.state, State::Failed);
    assert_eq!(failed.explanation, "it held in 75% of 4 seconds, and had to in 80%");
}

#[test]
fn errors_and_expectations_are_shares() {
    let share = |metric_: Metric, limit| {
        judged(assertion(metric(metric_, Statistic::Rate), Comparison::Equal, limit, Dimension::Share)).state
    };
    assert_eq!(share(Metric::Errors { class: None }, 0.02), State::Held);
    assert_eq!(share(Metric::Errors { class: Some("tool".to_owned()) }, 0.02), State::Held);
    assert_eq!(share(Metric::Errors { class: Some("timeout".to_owned()) }, 0.0), State::Held, "0 of 400 is data");
    assert_eq!(share(Metric::Expect { label: 0 }, 0.9), State::Held);
}

#[test]
fn no_data_and_too_little_data_are_failures() {
    let few = judged(assertion(latency(99.9), Comparison::Less, 1e12, Dimension::Duration));
    assert_eq!(few.state, State::TooFewSamples);
    assert_eq!(few.explanation, "too few samples: 392 of the 3688 that p99.9 needs");
    let none =
        judged(assertion(metric(Metric::SessionClose, Statistic::Max), Comparison::Less, 1e12, Dimension::Duration));
    assert_eq!(none.state, State::NoData);
    let empty = judge(&results(
        Recording::default(),
        vec![assertion(latency(50.0), Comparison::Less, 1.0, Dimension::Duration)],
    ));
    assert_eq!((empty.outcome, empty.assertions[0].state), (Outcome::Failed, State::NoData));
    let nothing = judge(&results(Recording::default(), vec![]));
    assert_eq!(nothing.outcome, Outcome::Inconclusive);
}

#[test]
fn arithmetic_of_metrics_never_divides_by_nothing() {
    let ratio = MetricExpr::Divide(Box::new(latency(90.0)), Box::new(latency(50.0)));
    let twenty = judged(assertion(ratio, Comparison::Greater, 19.0, Dimension::Number));
    assert_eq!(twenty.state, State::Held, "{}", twenty.explanation);
    let zero = || Box::new(metric(Metric::Violations, Statistic::Count));
    let undefined = judged(assertion(MetricExpr::Divide(zero(), zero()), Comparison::Less, 1.0, Dimension::Number));
    assert_eq!(undefined.state, State::NoData);
    let sum = MetricExpr::Subtract(
        Box::new(MetricExpr::Add(Box::new(latency(50.0)), Box::new(latency(50.0)))),
        Box::new(MetricExpr::Multiply(
            Box::new(latency(50.0)),
            Box::new(MetricExpr::Const(Quantity::new(2.0, Dimension::Number))),
        )),
    );
    assert_eq!(judged(assertion(sum, Comparison::Equal, 0.0, Dimension::Duration)).state, State::Held);
}

#[test]
fn a_verdict_is_monotone_in_its_threshold() {
    let held: Vec<bool> = (1..40)
        .map(|step| {
            judged(assertion(latency(90.0), Comparison::Less, f64::from(step) * 1e7, Dimension::Duration)).state.held()
        })
        .collect();
    assert!(held.is_sorted(), "once a limit is wide enough, every wider one is: {held:?}");
    assert!(held.contains(&true) && held.contains(&false));
}

#[test]
fn an_interrupted_run_is_judged_and_says_so() {
    let mut interrupted =
        results(recording(), vec![assertion(latency(50.0), Comparison::Less, 1e9, Dimension::Duration)]);
    interrupted.run.ended = Ended::Interrupted;
    let verdict = judge(&interrupted);
    assert_eq!((verdict.outcome, verdict.outcome.exit_code()), (Outcome::Interrupted, 130));
    assert_eq!(verdict.sentence, "stopped early; of what was measured, the assertion held");
}

#[test]
fn findings_name_the_commonest_failure_with_an_example() {
    let verdict = judge(&results(recording(), vec![]));
    let texts: Vec<_> = verdict.findings.iter().map(|finding| finding.text.as_str()).collect();
    assert_eq!(
        texts,
        ["8 of 400 requests (2%) failed with a tool error (`isError`); the first in `tool` at 0ns: no such rule"]
    );
    assert_eq!(verdict.findings[0].level, Level::Problem);
}

#[test]
fn findings_name_what_was_dropped_abandoned_or_late() {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for _ in 0..400 {
        recorder.lag(0, 5_000_000);
        recorder.started(0, 0, Phase::Measured);
    }
    recorder.dropped(0, 0, Phase::Measured, 1);
    recorder.abandoned(0, 0, Phase::Measured, 1);
    let mut violations = Violations::default();
    violations.note(Violation::UnknownId, || "a response with id 9".to_owned());
    violations.note(Violation::UnknownId, String::new);
    violations.note(Violation::CrossWired, || "a token".to_owned());
    let sample = Sample { latency: 1, violations: Some(&violations), ..Sample::default() };
    recorder.request(0, 0, Phase::Measured, &sample);
    recorder.violations(0, 2500, &violations);
    let stale = Sample { error: Some(ErrorClass::Stale), ..Sample::default() };
    recorder.request(0, 0, Phase::Measured, &stale);
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let verdict = judge(&results(recording, vec![]));
    let starts: Vec<_> =
        verdict.findings.iter().map(|finding| finding.text.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    let expected =
        ["the load generator", "`violations.cross_wired`: an answer", "1 of 401", "1 iteration was", "1 request (50%)"];
    assert_eq!(starts, expected);
    let told = &verdict.findings[1].text;
    assert!(told.ends_with("of another request, once; the first after 2.5s in `tool`: a token"), "{told}");
}

#[test]
fn without_a_limit_of_users_the_server_is_not_blamed_for_what_was_dropped() {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    recorder.started(0, 0, Phase::Measured);
    recorder.dropped(0, 0, Phase::Measured, 3);
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let mut results = results(recording, vec![]);
    let said = |results: &Results| {
        let findings = judge(results).findings;
        findings.into_iter().find(|finding| finding.text.starts_with("3 of 4 arrivals")).unwrap().text
    };
    assert_eq!(
        said(&results),
        "3 of 4 arrivals (75%) could not begin before the load ended and were dropped: the load generator was late"
    );
    results.plan.guard.max_users = Some(4);
    assert!(said(&results).ends_with("the server was too slow for this rate, or `max users` is too low"));
}

#[test]
fn a_search_of_any_length_is_read_without_harm() {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, ..Shape::default() });
    recorder.request(3, 0, Phase::Measured, &Sample { latency: 1000, ..Sample::default() });
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let mut results = results(recording, vec![]);
    let mut seek = crate::plan::Seek::new(vec![1.0, 2.0], true, SECOND, SECOND);
    (seek.every_ns, seek.confirm_ns) = (u64::MAX, u64::MAX);
    results.plan.scenarios[0].load = Load::Seek(Box::new(seek));
    results.plan.scenarios[0].start_ns = u64::MAX - 1;
    assert_eq!(judge(&results).searches[0].ended, crate::verdict::SearchEnd::Unfinished);
}
