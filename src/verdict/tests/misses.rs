//! Targets that were missed: where, since when, at which load and beside what.

mod failures;
mod joined;
mod late;

use super::{MS, SECOND, assertion, metric, results};
use crate::plan::{
    Arrivals, Assertion, Comparison, Load, Measure, Metric, MetricExpr, MetricRef, Scenario, Segment, Selection,
    Series, Statistic, TimeMetric,
};
use crate::record::{ErrorClass, Moment, Phase, ProcessRow, Recorder, Recording, Sample, Shape};
use crate::results::Results;
use crate::units::Dimension;
use crate::verdict::{Finding, Kind, Level, judge};

/// The steps: 40 requests a second of the first, 20 of each of the others.
const COMPOSE: usize = 0;
const SEARCH: usize = 1;
const STEPS: [&str; 3] = ["compose_rules", "search_rules", "get_rule"];

/// One request of a made-up run.
struct Call {
    latency: u64,
    error: Option<ErrorClass>,
    /// Whether the server's cache had it: a metric of the file's own.
    hit: bool,
    bytes: u64,
    lag: u64,
}

/// Noise of a hash: even in 0 to 1, the same each time.
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 32)).wrapping_mul(0x94D0_49BB_1331_11EB);
    f64::from(u32::try_from(x >> 32).unwrap()) / f64::from(u32::MAX)
}

/// A run of even load as `change` makes it, by second and step. `seed` is that of the
/// noise.
fn run(seconds: u32, seed: u64, assertions: Vec<Assertion>, change: impl Fn(u32, usize, &mut Call)) -> Results {
    let mut recorder = Recorder::new(Shape { series: 3, scenarios: 1, measures: 1, ..Shape::default() });
    for second in 0..seconds {
        for number in 0..80_u64 {
            let draw = |what: u64| noise(((seed * 1000 + u64::from(second)) * 100 + number) * 10 + what);
            let step = usize::try_from(number / 20).unwrap().saturating_sub(1);
            let usual = [20.0, 4.0, 2.0][step] * 1e6;
            let mut call = Call {
                latency: (usual * (0.8 + 0.4 * draw(0))) as u64,
                error: None,
                hit: draw(2) < 0.92,
                bytes: 2000 + (draw(3) * 200.0) as u64,
                lag: (draw(4) * 2e5) as u64,
            };
            change(second, step, &mut call);
            let Call { latency, error, hit, bytes, lag } = call;
            let latency = latency + lag;
            let sample = Sample { latency, service: Some(latency - lag), error, bytes_in: bytes, ..Sample::default() };
            recorder.lag(second, lag);
            recorder.started(second, 0, Phase::Measured);
            recorder.request(second, step, Phase::Measured, &sample);
            if step == COMPOSE {
                recorder.measure(second, 0, Phase::Measured, if hit { 1_000_000_000 } else { 0 });
            }
            if let Some(class) = error {
                recorder.failure(step, class, u64::from(second) * 1000, "the index is being rebuilt");
            }
        }
        if second % 7 == 0 {
            recorder.session(second, 0, Phase::Measured, MS, MS);
        }
    }
    recorder.finish();
    let (slices, examples) = recorder.drain();
    let mut recording = Recording::default();
    slices.into_iter().for_each(|slice| recording.add(slice));
    recording.add_examples(examples);
    for slice in &mut recording.seconds {
        let draw = |what| noise(seed * 1000 + u64::from(slice.second) * 3 + what);
        slice.processes = vec![ProcessRow {
            moment: Moment::During,
            processes: 1,
            cpu_ns: (3e8 + 1e8 * draw(0)) as u64,
            cpu_of_ns: SECOND,
            rss_bytes: (50e6 + 1e6 * draw(1)) as u64,
            open_files: 40,
            ..ProcessRow::default()
        }];
    }
    let mut results = results(recording, assertions);
    let series = |step: &&str| Series { step: (*step).to_owned(), kind: "call".to_owned(), ..Series::default() };
    results.plan.series = STEPS.iter().map(series).collect();
    results.plan.measures = vec![Measure { name: "cache_hit".to_owned(), dimension: Dimension::Number }];
    results.plan.scenarios[0].warmup_ns = 0;
    results.run.load_ms = u64::from(seconds) * 1000;
    with_load(&mut results, &[(80.0, 80.0, u64::from(seconds))]);
    results
}

fn with_load(results: &mut Results, stages: &[(f64, f64, u64)]) {
    let segment =
        |(from, to, seconds): &(f64, f64, u64)| Segment { from: *from, to: *to, duration_ns: seconds * SECOND };
    let segments = stages.iter().map(segment).collect();
    results.plan.scenarios[0].load = Load::Open { segments, arrivals: Arrivals::Uniform };
}

/// `SOURCE < limit` for some steps.
fn below(source: &str, series: &[usize], of: Metric, statistic: Statistic, limit: f64) -> Assertion {
    let selection = Selection { series: series.to_vec(), scenarios: vec![0], tags: Vec::new() };
    let dimension = of.dimension(statistic).unwrap();
    let left = MetricExpr::Metric(MetricRef { source: source.to_owned(), selection, metric: of, statistic });
    Assertion { source: source.to_owned(), ..assertion(left, Comparison::Less, limit, dimension) }
}

fn p95(source: &str, series: &[usize], limit_ms: f64) -> Assertion {
    below(source, series, Metric::Time(TimeMetric::Latency), Statistic::Percentile(95.0), limit_ms * 1e6)
}

fn all() -> Assertion {
    p95("latency.p95 < 30ms", &[0, 1, 2], 30.0)
}

fn found(results: &Results) -> Vec<Finding> {
    judge(results).findings
}

/// What is said of targets; whatever else is said is in no finding of another kind.
fn only(results: &Results) -> String {
    let found = found(results);
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::Missed], "{found:#?}");
    found.into_iter().next().unwrap().text
}

fn slow_from(from: u32) -> impl Fn(u32, usize, &mut Call) {
    move |second, step, call| {
        if second >= from && step == COMPOSE {
            call.latency += 30 * MS;
        }
    }
}

#[test]
fn a_miss_names_its_step_its_moment_and_what_changed_in_the_same_second() {
    let cold = |second: u32, step: usize, call: &mut Call| {
        slow_from(34)(second, step, call);
        call.hit = if second >= 34 { noise(call.latency) < 0.11 } else { call.hit };
    };
    let text = only(&run(60, 1, vec![all()], cold));
    let start = "`latency.p95 < 30ms` is missed by 22.3ms, most in `compose_rules`";
    assert!(text.starts_with(start), "{text}");
    for words in [
        ": 23.7ms before second 34 and 53.7ms from then on; ",
        "the mean of `cache_hit` fell from 0.9",
        " to 0.1",
        " in the same second",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    assert!(!text.contains("rate"), "an even load is not told: {text}");
}

#[test]
fn the_load_is_told_where_it_changes() {
    let mut results = run(60, 1, vec![p95("compose_rules.latency.p95 < 30ms", &[COMPOSE], 30.0)], slow_from(30));
    with_load(&mut results, &[(20.0, 140.0, 60)]);
    let text = only(&results);
    assert!(text.contains("ms: 23.7ms before second 30 and 53.7ms from then on, when the rate passes 80/s"), "{text}");
    with_load(&mut results, &[(40.0, 40.0, 29), (120.0, 120.0, 31)]);
    let text = only(&results);
    assert!(text.ends_with("from then on, when the rate goes from 40/s to 120/s"), "{text}");
    let mut batch = Scenario::new("batch", results.plan.scenarios[0].load.clone(), vec![]);
    batch.start_ns = 30 * SECOND;
    with_load(&mut results, &[(80.0, 80.0, 60)]);
    results.plan.scenarios.push(batch);
    let text = only(&results);
    assert!(text.ends_with("when `batch` begins with 40/s"), "{text}");
}

#[test]
fn what_an_assertion_says_by_itself_is_not_said_again() {
    // One step, all the time, and nothing changes.
    let slow = run(30, 1, vec![p95("compose_rules.latency.p95 < 10ms", &[COMPOSE], 10.0)], |_, _, _| {});
    assert_eq!(found(&slow), []);
    // Of several steps, the one that carries it.
    let text = only(&run(30, 1, vec![p95("latency.p95 < 10ms", &[0, 1, 2], 10.0)], |_, _, _| {}));
    assert!(
        text.starts_with("`latency.p95 < 10ms` is missed by 13.")
            && text.ends_with(", most in `compose_rules` with 23.7ms"),
        "{text}"
    );
    // Now and then is no moment.
    let now_and_then =
        run(30, 1, vec![p95("compose_rules.latency.p95 < 30ms", &[COMPOSE], 30.0)], |second, step, call| {
            if second % 3 == 0 {
                slow_from(0)(second, step, call);
            }
        });
    assert_eq!(found(&now_and_then), []);
    // What holds is no miss.
    assert_eq!(found(&run(30, 1, vec![all()], |_, _, _| {})), []);
}

#[test]
fn single_slow_seconds_neither_begin_nor_end_what_lasts() {
    let ragged = |second: u32, step: usize, call: &mut Call| {
        if second == 5 || (second >= 20 && second != 31) {
            slow_from(0)(second, step, call);
        }
    };
    let text = only(&run(40, 1, vec![all()], ragged));
    assert!(text.contains("before second 20 and"), "{text}");
    let between = |second: u32, step: usize, call: &mut Call| {
        if (12..24).contains(&second) {
            slow_from(0)(second, step, call);
        }
    };
    let text = only(&run(40, 1, vec![all()], between));
    assert!(text.contains(": 53.8ms from second 12 to second 23 and 23.6ms otherwise"), "{text}");
}

#[test]
fn a_percentile_of_few_requests_a_second_is_followed_in_windows() {
    // 1 in 25 takes long, which no single second shows.
    let p99 = below("p99 < 100ms", &[COMPOSE], Metric::Time(TimeMetric::Latency), Statistic::Percentile(99.0), 1e8);
    let rarely = |second: u32, step: usize, call: &mut Call| {
        if second >= 60 && step == COMPOSE && noise(call.latency) < 0.04 {
            call.latency += 200 * MS;
        }
    };
    let text = only(&run(120, 1, vec![p99], rarely));
    let second: u32 = text.split("before second ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((58..=62).contains(&second), "{text}");
}

#[test]
fn targets_that_are_missed_together_are_one_finding() {
    let p50 = below("p50 < 30ms", &[COMPOSE], Metric::Time(TimeMetric::Latency), Statistic::Percentile(50.0), 3e7);
    let rate = metric(Metric::Requests, Statistic::Rate);
    let rate = Assertion {
        source: "requests.rate > 79/s".to_owned(),
        ..assertion(rate, Comparison::Greater, 79.0, Dimension::Rate)
    };
    let text = only(&run(40, 1, vec![all(), p50], slow_from(15)));
    assert!(text.contains("` is missed by") && text.contains(" (and `") && text.contains("` with it)"), "{text}");
    let mut results = run(40, 1, vec![rate], |_, _, _| {});
    for slice in results.recording.seconds.iter_mut().skip(25) {
        slice.series.iter_mut().for_each(|row| row.counts.requests /= 2);
    }
    results.plan.assertions[0].left = MetricExpr::Metric(MetricRef {
        source: "requests.rate".to_owned(),
        selection: Selection { series: vec![0, 1, 2], scenarios: vec![0], tags: Vec::new() },
        metric: Metric::Requests,
        statistic: Statistic::Rate,
    });
    let text = only(&results);
    assert!(text.contains(": 80/s before second 25 and 40/s from then on"), "{text}");
}

#[test]
fn failures_from_a_moment_on_are_told_once_with_the_first_of_them() {
    let errors = below("errors.rate < 1%", &[0, 1, 2], Metric::Errors { class: None }, Statistic::Rate, 0.01);
    let failing = |second: u32, step: usize, call: &mut Call| {
        if second >= 20 && step == SEARCH && noise(call.latency) < 0.5 {
            (call.error, call.latency) = (Some(ErrorClass::Rpc), MS);
        }
    };
    let text = only(&run(40, 1, vec![errors], failing));
    for words in [
        "is missed by 5 percentage points, most in `search_rules`: 0%",
        " before second 20 and ",
        "; most failed with a JSON-RPC error, the first in `search_rules` at 20s: the index is being rebuilt",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

#[test]
fn a_delay_of_the_load_generator_is_not_blamed_on_the_server() {
    let late = |second: u32, _: usize, call: &mut Call| {
        if second >= 20 {
            call.lag += 15 * MS;
        }
    };
    let text = only(&run(40, 1, vec![all()], late));
    assert!(text.contains("the load generator itself began 5% of its work more than 15"), "{text}");
    assert!(text.contains("no fault of the server"), "{text}");
    // Where the server is slow besides, it is named.
    let both = |second: u32, step: usize, call: &mut Call| {
        late(second, step, call);
        slow_from(20)(second, step, call);
    };
    let text = found(&run(40, 1, vec![all()], both)).remove(0).text;
    assert!(!text.contains("no fault of the server") && text.contains("own lateness (p99) rose"), "{text}");
}

#[test]
fn a_symptom_that_explains_a_miss_tells_it() {
    let growing = |second: u32, step: usize, call: &mut Call| {
        if step == COMPOSE {
            call.latency += u64::from(second) * MS;
        }
    };
    let found_of = |change: &dyn Fn(u32, usize, &mut Call)| {
        let found = found(&run(40, 1, vec![all()], change));
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap()
    };
    let drift = found_of(&growing);
    assert_eq!(drift.kind, Kind::Drift);
    assert!(drift.text.contains("; `latency.p95 < 30ms` is missed by "), "{}", drift.text);
    // What comes at once is no drift, though a trend goes through it.
    let step = found_of(&slow_from(22));
    assert_eq!((step.kind, step.level), (Kind::Missed, Level::Problem), "{}", step.text);
}

#[test]
fn other_steps_and_processes_are_named_if_they_change_then_and_not_if_they_change_elsewhere() {
    let slowed = |at: u32| {
        move |second: u32, step: usize, call: &mut Call| {
            slow_from(30)(second, step, call);
            if second >= at && step != COMPOSE {
                call.latency *= 3;
            }
        }
    };
    let text = only(&run(60, 1, vec![all()], slowed(31)));
    assert!(text.contains("; the median of `") && text.contains(" a second later, and another step with it"), "{text}");
    let text = only(&run(60, 1, vec![all()], slowed(40)));
    assert!(text.ends_with("from then on"), "{text}");
    let mut busy = run(60, 1, vec![all()], slow_from(30));
    busy.recording.seconds.iter_mut().skip(30).for_each(|slice| slice.processes[0].cpu_ns = 990_000_000);
    let text = only(&busy);
    assert!(
        text.contains("; the processor use of `s` rose from 3") && text.ends_with("to 99% in the same second"),
        "{text}"
    );
}

#[test]
fn with_noise_alone_nothing_is_said_to_have_changed() {
    let noisy = |second: u32, step: usize, call: &mut Call| {
        call.error = (noise(call.latency + call.lag) < 0.004).then_some(ErrorClass::Tool);
        slow_from(25)(second, step, call);
    };
    let named = |seed: &u64| found(&run(40, *seed, vec![all()], noisy)).remove(0).text.contains(';');
    let alarms: Vec<u64> = (0..100).filter(named).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
}
