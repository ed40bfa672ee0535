//! Baselines, and runs without their course.

use super::text;
use crate::record::{Phase, Recorder, Recording, Sample, Shape};
use crate::results::{BASELINE, Baseline, ReadError, Results, Window};

fn runs() -> Vec<Results> {
    let mut first = Results::from_json(&text()).unwrap();
    first.environment.cpu = "A processor".to_owned();
    let mut second = first.clone();
    second.run.id = "s".to_owned();
    second.plan.seed = 9;
    vec![first, second]
}

#[test]
fn a_baseline_survives_the_round_trip_and_begins_with_where_it_comes_from() {
    let baseline = Baseline::new("nightly", &runs());
    let text = baseline.to_json();
    assert_eq!(Baseline::from_json(&text).unwrap(), baseline);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((value["schema"].as_str(), value["runs"][1]["seed"].as_u64()), (Some(BASELINE), Some(9)));
    let line = |number: usize| text.lines().nth(number).unwrap().trim().to_owned();
    assert_eq!([line(1), line(2)], ["\"schema\": \"mcpl.baseline/1\",", "\"name\": \"nightly\","]);
    assert!(text.find("\"cpu\": \"A processor\"").unwrap() < text.find("\"plan\":").unwrap());
    // One line each, so that a run that is added is a line that is added.
    assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("{\"seconds\"")).count(), 2);
}

#[test]
fn a_baseline_that_does_not_fit_together_is_refused() {
    let text = Baseline::new("nightly", &runs()).to_json();
    let read = |text: &str| Baseline::from_json(text).unwrap_err();
    let cut = text.lines().filter(|line| !line.ends_with("},") || !line.trim_start().starts_with("{\"seconds\""));
    let fewer: String = cut.flat_map(|line| [line, "\n"]).collect();
    assert_eq!(read(&fewer).to_string(), "it is inconsistent: it has 2 runs and 1 recordings");
    assert!(matches!(read(&text.replace("\"series\":0", "\"series\":9")), ReadError::Inconsistent(_)));
    assert!(matches!(read(&text.replace(BASELINE, "mcpl.baseline/2")), ReadError::OtherBaseline { .. }));
    assert!(matches!(read(&super::text()), ReadError::NoBaseline));
    assert!(matches!(read("3"), ReadError::NoBaseline));
    assert!(matches!(read(&text[..text.len() / 2]), ReadError::Damaged { .. }));
}

/// A fixed amount of work that is done after 3 of 10 seconds; something else is seen
/// in the tenth.
#[test]
fn without_its_course_a_run_has_the_same_figures() {
    let mut results = Results::from_json(&text()).unwrap();
    let work = crate::plan::Work { iterations: 300, shared: true };
    let segments = vec![crate::plan::Segment { from: 1.0, to: 1.0, duration_ns: 10_000_000_000 }];
    results.plan.scenarios[0].load = crate::plan::Load::Closed { segments, work: Some(work) };
    results.run.load_ms = 10_000;
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..300_u64 {
        let second = u32::try_from(number / 100).unwrap();
        recorder.started(second, 0, Phase::Measured);
        recorder.request(second, 0, Phase::Measured, &Sample { latency: 1_000_000 + number, ..Sample::default() });
        recorder.iteration(second, 0, Phase::Measured, 1_000_000);
    }
    recorder.lag(9, 5_000_000);
    recorder.finish();
    results.recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| results.recording.add(slice));
    let condensed = results.condensed();
    assert!(condensed.to_json().len() < results.to_json().len());
    let everything = results.everything();
    assert_eq!(results.measured_span(&everything), (0, 3_000_000_000));
    assert_eq!(condensed.measured_span(&everything), results.measured_span(&everything));
    let figures = |results: &Results| {
        let times = results.times(&everything, crate::record::Time::Latency, Window::Whole);
        (results.counts(&everything, Window::Whole), times.percentile(50.0), times.percentile(99.0), times.mean())
    };
    assert_eq!(figures(&condensed), figures(&results));
    assert_eq!(condensed.lag(Window::Whole).count(), results.lag(Window::Whole).count());
    assert_eq!(condensed.condensed(), condensed);
}
