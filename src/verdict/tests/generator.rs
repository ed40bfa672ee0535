//! Runs whose load generator was the bottleneck, and runs that only look like
//! it.

use super::*;
use crate::record::Slice;
use crate::results::Results;
use crate::verdict::{Kind, Verdict};

/// 4 measured seconds of 100 requests that take 300 ms, in which the busiest of
/// two threads used these parts of its processor, and every start was late.
fn run(busiest: [f64; 4], late_ns: u64, assertions: Vec<Assertion>) -> Results {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..500_u64 {
        let second = u32::try_from(number / 100).unwrap();
        let phase = if second == 0 { Phase::Warmup } else { Phase::Measured };
        recorder.started(second, 0, phase);
        recorder.lag(second, if second == 0 { 500 * MS } else { late_ns });
        let service = Some(300 * MS - late_ns);
        recorder.request(second, 0, phase, &Sample { latency: 300 * MS, service, ..Sample::default() });
    }
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    for (slice, share) in recording.seconds.iter_mut().zip([1.0].iter().chain(&busiest)) {
        let used = (share * 1e9) as u64;
        (slice.health.cpu_ns, slice.health.cpu_of_ns, slice.health.busiest_ns) = (used, 2 * SECOND, used);
    }
    let mut results = results(recording, assertions);
    results.run.threads = 2;
    results
}

fn judged(busiest: [f64; 4], late_ns: u64, assertions: Vec<Assertion>) -> Verdict {
    let results = run(busiest, late_ns, assertions);
    let verdict = judge(&results);
    // Whatever is found: what is kept of a run without its seconds proves it as well.
    let condensed = judge(&results.condensed());
    let invalid = |verdict: &Verdict| {
        let kind = Kind::GeneratorBottleneck;
        verdict.findings.iter().filter(|finding| finding.kind == kind).cloned().collect::<Vec<_>>()
    };
    assert_eq!((condensed.outcome, invalid(&condensed)), (verdict.outcome, invalid(&verdict)));
    verdict
}

fn first(verdict: &Verdict) -> &str {
    verdict.findings.first().map_or("", |finding| finding.text.as_str())
}

#[test]
fn one_busy_thread_among_idle_ones_makes_a_run_invalid() {
    let verdict = judged([0.9, 0.97, 0.3, 0.2], 0, vec![]);
    assert_eq!((verdict.outcome, verdict.outcome.exit_code()), (Outcome::Invalid, 5));
    assert!(first(&verdict).contains("at least 90% of a processor in 2 of 4 measured seconds, at most 97%"));
    assert!(first(&verdict).contains("`--threads`"), "{}", first(&verdict));
    assert_eq!(verdict.findings[0].level, Level::Problem);
}

#[test]
fn a_short_burst_and_a_busy_warm_up_do_not() {
    for busiest in [[0.89; 4], [1.0, 0.2, 0.2, 0.2]] {
        assert_eq!(judged(busiest, 0, vec![]).outcome, Outcome::Passed, "{busiest:?}");
    }
}

#[test]
fn lateness_counts_when_it_is_both_large_and_most_of_the_latency() {
    // More than half of 300 ms.
    let late = judged([0.1; 4], 160 * MS, vec![]);
    assert_eq!(late.outcome, Outcome::Invalid);
    assert!(first(&late).contains("(p99), and the p99 of the latency is 300ms"), "{}", first(&late));
    assert_eq!(late.findings.len(), 1, "one mistake makes one finding: {:?}", late.findings);
    let noisy = judged([0.1; 4], 140 * MS, vec![]);
    assert_eq!(noisy.outcome, Outcome::Passed, "140 of 300 ms are a finding and no more");
    assert!(first(&noisy).contains("started 1% of the work"), "{}", first(&noisy));
}

#[test]
fn lateness_is_a_problem_where_it_decides_something_and_a_notice_elsewhere() {
    let p95 = |limit_ms: u64| assertion(latency(95.0), Comparison::Less, limit_ms as f64 * 1e6, Dimension::Duration);
    let level = |late_ms: u64, assertions: Vec<Assertion>| {
        let found = judged([0.1; 4], late_ms * MS, assertions).findings;
        let late = found.into_iter().find(|finding| finding.kind == Kind::GeneratorLate)?;
        assert!(late.text.contains("more than ") && late.text.contains("(its budget is 1ms)"), "{}", late.text);
        Some(late.level)
    };
    // Beside 300 ms.
    assert_eq!(level(30, vec![]), Some(Level::Notice));
    assert_eq!(level(90, vec![]), Some(Level::Problem));
    // Whatever it is beside, it changes nothing that is judged.
    assert_eq!(level(90, vec![p95(400)]), Some(Level::Notice));
    assert_eq!(level(90, vec![p95(200)]), Some(Level::Notice), "missed without it, too");
    // Of a limit that is missed by less, the finding of the miss says it.
    let verdict = judged([0.1; 4], 90 * MS, vec![p95(290)]);
    assert!(verdict.findings[0].text.contains("no fault of the server"), "{:?}", verdict.findings);
    assert_eq!(verdict.findings.len(), 1);
    let least = assertion(latency(95.0), Comparison::Greater, 280e6, Dimension::Duration);
    assert_eq!(level(90, vec![least]), Some(Level::Problem), "it holds for the delay alone");
}

#[test]
fn lateness_of_what_began_in_the_drain_counts() {
    let mut results = run([0.1; 4], 0, vec![]);
    let of_the_load = run([0.1; 4], 200 * MS, vec![]).recording.seconds[4].clone();
    // As often as the rest together.
    for second in 5..9 {
        results.recording.seconds.push(Slice { second, ..of_the_load.clone() });
    }
    let verdict = judge(&results);
    assert_eq!(verdict.outcome, Outcome::Invalid);
    assert!(first(&verdict).contains("it started work late by 200ms (p99)"), "{}", first(&verdict));
}

#[test]
fn arrivals_that_could_not_begin_make_a_run_invalid_even_without_a_success() {
    let lag = || {
        let lag = metric(Metric::GeneratorLag, Statistic::Percentile(50.0));
        assertion(lag, Comparison::Less, 1e12, Dimension::Duration)
    };
    let outcome = |limit: Option<u64>, assertions: Vec<Assertion>| {
        let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
        for second in 1..5 {
            let timeout = Some(ErrorClass::Timeout);
            recorder.request(second, 0, Phase::Measured, &Sample { error: timeout, ..Sample::default() });
            recorder.dropped(second, 0, Phase::Measured, 1);
        }
        recorder.finish();
        let mut recording = Recording::default();
        recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
        let mut results = results(recording, assertions);
        results.plan.scenarios[0].max_users = limit;
        let verdict = judge(&results);
        (verdict.findings.iter().any(|finding| finding.text.contains("did not keep up")), verdict.outcome)
    };
    assert_eq!(outcome(None, vec![]), (true, Outcome::Invalid));
    assert!(!outcome(Some(5), vec![]).0, "the server may have been slow");
    assert!(!outcome(None, vec![lag()]).0, "it is judged by the assertion");
}

#[test]
fn an_assertion_on_the_generator_is_what_decides() {
    let cpu = |limit| {
        assertion(metric(Metric::GeneratorCpu, Statistic::Max), Comparison::LessOrEqual, limit, Dimension::Share)
    };
    assert_eq!(judged([1.0; 4], 0, vec![cpu(1.0)]).outcome, Outcome::Passed);
    assert_eq!(judged([1.0; 4], 0, vec![cpu(0.5)]).outcome, Outcome::Failed);
    assert_eq!(judged([1.0; 4], 200 * MS, vec![cpu(1.0)]).outcome, Outcome::Invalid, "it says nothing about lag");
    let lag = || {
        assertion(
            metric(Metric::GeneratorLag, Statistic::Percentile(99.0)),
            Comparison::Less,
            1e12,
            Dimension::Duration,
        )
    };
    assert_eq!(judged([1.0; 4], 200 * MS, vec![cpu(1.0), lag()]).outcome, Outcome::Passed);
}

#[test]
fn invalid_wins_over_failed_and_says_both() {
    let verdict = judged([1.0; 4], 0, vec![assertion(latency(50.0), Comparison::Less, 1.0, Dimension::Duration)]);
    assert_eq!(verdict.outcome, Outcome::Invalid);
    assert_eq!(
        verdict.sentence,
        "the load generator was the bottleneck, so the figures are not the server's; on them, the assertion did not hold"
    );
    let mut interrupted = run([1.0; 4], 0, vec![]);
    interrupted.run.ended = Ended::Interrupted;
    assert_eq!(judge(&interrupted).outcome, Outcome::Interrupted, "the user knows why it ended");
    assert!(first(&judge(&interrupted)).contains("at least 90%"));
}

#[test]
fn a_machine_without_descriptors_is_not_the_server() {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..100 {
        let error = (number == 7).then_some(ErrorClass::Local);
        recorder.request(1, 0, Phase::Measured, &Sample { latency: MS, error, ..Sample::default() });
    }
    recorder.failure(0, ErrorClass::Local, 1070, "no descriptor is left");
    recorder.finish();
    let mut recording = Recording::default();
    let (slices, examples) = recorder.drain();
    slices.into_iter().for_each(|slice| recording.add(slice));
    recording.add_examples(examples);
    let verdict = judge(&results(recording.clone(), vec![]));
    assert_eq!(verdict.outcome, Outcome::Invalid);
    assert!(first(&verdict).starts_with("1 of 100 requests failed because the machine that makes the load"));
    let class = Some("local".to_owned());
    let accepted =
        assertion(metric(Metric::Errors { class }, Statistic::Rate), Comparison::Less, 0.5, Dimension::Share);
    assert_eq!(judge(&results(recording, vec![accepted])).outcome, Outcome::Passed);
}

#[test]
fn memory_is_judged_where_it_is_known() {
    let rss = || {
        assertion(metric(Metric::GeneratorRss, Statistic::Max), Comparison::Less, f64::from(64 << 20), Dimension::Size)
    };
    let mut results = run([0.1; 4], 0, vec![rss()]);
    assert_eq!(judge(&results).assertions[0].state, State::NoData);
    results.recording.seconds.iter_mut().for_each(|slice| slice.health.rss_bytes = 32 << 20);
    assert_eq!(judge(&results).assertions[0].state, State::Held);
}

#[test]
fn the_drain_does_not_make_a_busy_generator_look_idle() {
    let cpu = assertion(metric(Metric::GeneratorCpu, Statistic::Min), Comparison::Greater, 0.6, Dimension::Share);
    let mut results = run([0.7; 4], 0, vec![cpu]);
    let mut drain = results.recording.seconds[4].clone();
    (drain.second, drain.health.busiest_ns) = (5, MS);
    results.recording.seconds.push(drain);
    results.run.total_ms = 6000;
    assert_eq!(judge(&results).assertions[0].state, State::Held);
}

#[test]
fn a_tag_with_too_many_values_is_named() {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..1250_u32 {
        let tags = [(number % 2).to_string(), format!("user {number}")];
        recorder.tagged_request(1, 0, Phase::Measured, &tags, &Sample { latency: MS, ..Sample::default() });
    }
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let mut results = results(recording, vec![]);
    results.plan.series[0].tag_keys = vec!["kind".to_owned(), "user".to_owned()];
    let verdict = judge(&results);
    assert_eq!(
        first(&verdict),
        "the tag `user` of `tool` has too many values to keep them apart: 1000 were, and 250 requests (20%) are counted \
         under `(other)`: tag with what has few values, such as a kind instead of an identity"
    );
}
