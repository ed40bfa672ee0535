//! Targets that were missed beside symptoms of the same run: neither hides the other.

use super::*;

fn kinds(found: &[Finding]) -> Vec<Kind> {
    found.iter().map(|finding| finding.kind).collect()
}

/// What grows by so many milliseconds a second, with a spread of 1 ms.
fn growing(each_ms: f64) -> impl Fn(u32, usize, &mut Call) {
    move |second, step, call| {
        if step == COMPOSE {
            let spread = noise(call.latency) * 1e6;
            call.latency = ((7.0 + each_ms * f64::from(second)) * 1e6 + spread) as u64;
        }
    }
}

#[test]
fn a_smooth_rise_that_passes_a_limit_within_a_second_is_still_a_drift() {
    for (each_ms, limit_ms, kind) in [(0.6, 18.0, Kind::Drift), (80.0, 1000.0, Kind::Saturated)] {
        let p95 = p95("compose_rules.latency.p95 < limit", &[COMPOSE], limit_ms);
        let found = found(&run(40, 1, vec![p95], growing(each_ms)));
        assert_eq!(kinds(&found), [kind], "{found:#?}");
        assert!(found[0].text.contains("; `compose_rules.latency.p95 < limit` is missed by "), "{}", found[0].text);
    }
}

#[test]
fn a_drift_of_another_step_outlives_a_miss_of_no_single_step() {
    let p50 = |step: usize| {
        let p50 = below("m", &[step], Metric::Time(TimeMetric::Latency), Statistic::Percentile(50.0), 1.0);
        Box::new(p50.left)
    };
    let sum = Assertion {
        source: "compose_rules.latency.p50 + get_rule.latency.p50 < 40ms".to_owned(),
        ..assertion(MetricExpr::Add(p50(COMPOSE), p50(2)), Comparison::Less, 40e6, Dimension::Duration)
    };
    let change = |second: u32, step: usize, call: &mut Call| {
        growing(0.3)(second, step, call);
        if step == 2 && second >= 18 {
            call.latency += 40 * MS;
        }
    };
    let found = found(&run(40, 1, vec![sum], change));
    let mut kinds = kinds(&found);
    kinds.sort_by_key(|kind| *kind != Kind::Missed);
    assert_eq!(kinds, [Kind::Missed, Kind::Drift], "{found:#?}");
}

#[test]
fn a_late_load_generator_is_told_where_a_symptom_tells_the_miss() {
    let change = |second: u32, step: usize, call: &mut Call| {
        growing(0.5)(second, step, call);
        call.lag = 5 * MS;
    };
    let p95 = p95("compose_rules.latency.p95 < 30ms", &[COMPOSE], 30.0);
    let found = found(&run(40, 1, vec![p95], change));
    let drift = found.iter().find(|finding| finding.kind == Kind::Drift).unwrap();
    assert!(drift.text.contains("is missed by"), "{found:#?}");
    let late = found.iter().find(|finding| finding.kind == Kind::GeneratorLate);
    assert!(late.is_some_and(|late| late.level == Level::Problem), "{found:#?}");
}

#[test]
fn a_slow_start_does_not_tell_a_miss_that_outlasts_it() {
    let slow_at_first = |second: u32, step: usize, call: &mut Call| {
        if step == COMPOSE {
            call.latency += 70 * MS / u64::from(second * second + 1);
        }
    };
    let told = |limit_ms: f64| {
        let p75 =
            below("p75", &[0, 1, 2], Metric::Time(TimeMetric::Latency), Statistic::Percentile(75.0), limit_ms * 1e6);
        let found = found(&run(40, 1, vec![p75], slow_at_first));
        let start = found.iter().find(|finding| finding.kind == Kind::SlowStart).unwrap();
        (start.text.contains("is missed by"), found.iter().any(|finding| finding.kind == Kind::Missed))
    };
    assert_eq!(told(10.0), (false, true));
}

#[test]
fn a_small_count_of_errors_has_a_moment() {
    let count = below("errors.count < 1", &[0, 1, 2], Metric::Errors { class: None }, Statistic::Count, 1.0);
    let failing = |second: u32, step: usize, call: &mut Call| {
        if second >= 20 && step == SEARCH {
            (call.error, call.latency) = (Some(ErrorClass::Rpc), MS);
        }
    };
    let text = only(&run(40, 1, vec![count], failing));
    let start = "`errors.count < 1` is missed by 399, most in `search_rules`: 0 before second 20 and 400 from then on";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_load_that_changes_within_a_longer_cell_is_told() {
    let mut recorder = Recorder::new(Shape { series: 3, scenarios: 1, measures: 1, ..Shape::default() });
    for second in 0..200 {
        let (rate, usual) = if second < 103 { (2, 10.0) } else { (3, 40.0) };
        for number in 0..rate {
            let latency = ((usual + noise(u64::from(second) * 10 + number)) * 1e6) as u64;
            recorder.started(second, 0, Phase::Measured);
            let sample = Sample { latency, service: Some(latency), ..Sample::default() };
            recorder.request(second, COMPOSE, Phase::Measured, &sample);
        }
    }
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let mut results = run(200, 1, vec![p95("compose_rules.latency.p95 < 30ms", &[COMPOSE], 30.0)], |_, _, _| {});
    results.recording = recording;
    with_load(&mut results, &[(2.0, 2.0, 103), (3.0, 3.0, 97)]);
    let text = only(&results);
    assert!(
        text.contains("before about second 100 and") && text.ends_with("when the rate goes from 2/s to 3/s"),
        "{text}"
    );
}
