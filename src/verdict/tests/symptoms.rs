//! Servers with one fault each, made up, and healthy ones beside them.

use super::{SECOND, results};
use crate::plan::{Load, Plan, Segment, Series};
use crate::record::{ErrorClass, Moment, Phase, ProcessRow, Recorder, Recording, Sample, Shape};
use crate::results::Results;
use crate::verdict::{Finding, Kind, judge};

/// One request of a made-up run.
#[derive(Clone, Copy)]
struct Fake {
    series: usize,
    second: u32,
    latency: u64,
    error: Option<ErrorClass>,
    began: bool,
    late: u32,
}

const MS: u64 = 1_000_000;

/// Noise of a hash: even in 0 to 1, the same each time.
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    f64::from(u32::try_from(x >> 32).unwrap()) / f64::from(u32::MAX)
}

/// 40 requests of `quick` in each of 30 seconds of even load, of about 4 ms, as
/// `change` makes of them, and what `more` adds.
fn run(change: impl Fn(u64, &mut Fake), more: &[Fake]) -> Results {
    let mut recorder = Recorder::new(Shape { series: 2, scenarios: 1, expectations: 1, ..Shape::default() });
    let usual = (0..30 * 40_u64).map(|number| {
        let latency = 3 * MS + u64::try_from((noise(number) * 2e6) as i64).unwrap();
        let second = u32::try_from(number / 40).unwrap();
        let mut fake = Fake { series: 0, second, latency, error: None, began: false, late: 0 };
        change(number, &mut fake);
        fake
    });
    let mut all: Vec<Fake> = usual.chain(more.iter().copied()).collect();
    all.sort_by_key(|fake| fake.second);
    for fake in all {
        let first_byte = fake.began.then_some(MS);
        let sample = Sample {
            latency: fake.latency,
            service: Some(fake.latency),
            error: fake.error,
            first_byte,
            late: fake.late,
            ..Sample::default()
        };
        recorder.request(fake.second, fake.series, Phase::Measured, &sample);
        if let Some(class) = fake.error {
            recorder.failure(fake.series, class, u64::from(fake.second) * 1000, "an example");
        }
    }
    recorder.finish();
    let (slices, examples) = recorder.drain();
    let mut recording = Recording::default();
    slices.into_iter().for_each(|slice| recording.add(slice));
    recording.add_examples(examples);
    let mut results = results(recording, vec![]);
    results.plan = even(results.plan);
    results.run.load_ms = 30_000;
    results
}

fn even(mut plan: Plan) -> Plan {
    let quick = |step: &str| Series { step: step.to_owned(), kind: "call".to_owned(), ..Series::default() };
    plan.series = vec![quick("quick"), quick("slow")];
    for scenario in &mut plan.scenarios {
        scenario.warmup_ns = 0;
        let segments = vec![Segment { from: 4.0, to: 4.0, duration_ns: 30 * SECOND }];
        scenario.load = Load::Closed { segments, work: None };
    }
    plan
}

fn found(results: &Results) -> Vec<Finding> {
    judge(results).findings
}

fn kinds(results: &Results) -> Vec<Kind> {
    found(results).iter().map(|finding| finding.kind).collect()
}

/// The only finding, with these words in it.
fn only(results: &Results, kind: Kind, words: &[&str]) {
    let found = found(results);
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [kind], "{found:?}");
    for word in words {
        assert!(found[0].text.contains(word), "{word} is not in: {}", found[0].text);
    }
}

#[test]
fn a_healthy_server_shows_no_symptom() {
    assert_eq!(kinds(&run(|_, _| {}, &[])), []);
}

#[test]
fn noise_alone_shows_no_symptom_whatever_its_seed() {
    for seed in 0..200 {
        // A hundredth of the requests is ten times as slow, and a second may be slower as a whole.
        let noisy = run(
            |number, fake| {
                let draw = noise(number + seed * 1_000_000);
                fake.latency = 3 * MS + (draw * 4e6) as u64;
                fake.latency *= if draw > 0.99 { 10 } else { 1 };
                fake.latency += (noise(u64::from(fake.second) + seed * 1000) * 2e6) as u64;
                fake.error = (noise(number * 7 + seed) < 0.02).then_some(ErrorClass::Tool);
            },
            &[],
        );
        let symptoms: Vec<Kind> = kinds(&noisy).into_iter().filter(|kind| *kind != Kind::Errors).collect();
        assert_eq!(symptoms, [], "seed {seed}");
    }
}

#[test]
fn latency_that_grows_under_even_load_drifts() {
    let drifting = run(|_, fake| fake.latency += u64::from(fake.second) * MS, &[]);
    only(&drifting, Kind::Drift, &["`quick` grows slower", "1m", "30 seconds of even load", "p < 0.0001"]);
    // The same growth while the load grows is what load does.
    let mut ramp = drifting.clone();
    for scenario in &mut ramp.plan.scenarios {
        let segments = vec![Segment { from: 1.0, to: 9.0, duration_ns: 30 * SECOND }];
        scenario.load = Load::Closed { segments, work: None };
    }
    assert_eq!(kinds(&ramp), []);
}

#[test]
fn a_queue_that_grows_is_a_rate_that_is_too_high() {
    let mut queue = run(|_, fake| fake.latency += u64::from(fake.second) * 100 * MS, &[]);
    for scenario in &mut queue.plan.scenarios {
        let segments = vec![Segment { from: 40.0, to: 40.0, duration_ns: 30 * SECOND }];
        scenario.load = Load::Open { segments, arrivals: crate::plan::Arrivals::Uniform };
    }
    only(&queue, Kind::Saturated, &["does not keep up with the rate", "`seek`"]);
}

#[test]
fn pauses_by_the_clock_are_a_freeze_and_others_are_not() {
    let pauses = |at: &'static [u32]| {
        run(
            move |number, fake| {
                if number % 40 < 8 && at.contains(&fake.second) {
                    fake.latency += 400 * MS
                }
            },
            &[],
        )
    };
    only(&pauses(&[4, 9, 14, 19, 24, 29]), Kind::Freeze, &["every 5 seconds", "in 6 pauses", "the first in second 4"]);
    assert_eq!(kinds(&pauses(&[2, 9, 11, 24, 27])), []);
    assert_eq!(kinds(&pauses(&[5, 15, 25])), []);
}

#[test]
fn failures_in_few_seconds_are_bursts_and_even_ones_are_not() {
    let failing = |second: fn(u32) -> bool, share: f64| {
        run(
            move |number, fake| {
                if second(fake.second) && noise(number * 3) < share {
                    fake.error = Some(ErrorClass::Rpc);
                }
            },
            &[],
        )
    };
    only(&failing(|second| second % 10 == 9, 0.5), Kind::ErrorBursts, &["3 of 30 seconds (9, 19, 29)", "an example"]);
    assert_eq!(kinds(&failing(|_| true, 0.05)), [Kind::Errors]);
}

#[test]
fn a_slow_beginning_is_told_with_the_moment_it_ended() {
    let cold = run(|_, fake| fake.latency += 300 * MS / 5 * u64::from(5_u32.saturating_sub(fake.second)), &[]);
    only(&cold, Kind::SlowStart, &["slow at first", "`quick`", "from 5s after its start on", "`warmup 5s`"]);
}

#[test]
fn who_waits_for_another_step_is_blocked_and_who_shares_with_it_is_not() {
    let slow: Vec<Fake> = (15..30)
        .flat_map(|second| {
            (0..2).map(move |_| Fake { series: 1, second, latency: 200 * MS, error: None, began: false, late: 0 })
        })
        .collect();
    let beside = |delay: u64| {
        run(
            move |number, fake| {
                if fake.second >= 15 && number % 3 == 0 {
                    fake.latency += delay * MS
                }
            },
            &slow,
        )
    };
    only(&beside(150), Kind::Blocking, &["`quick` waits behind `slow`", "200ms", "a lock that is held"]);
    assert_eq!(kinds(&beside(10)), []);
}

#[test]
fn answers_that_never_come_are_lost_or_stalled_and_late_ones_are_neither() {
    let silent = |began: bool, patience: u64, at: fn(u64) -> bool| {
        run(
            move |number, fake| {
                if at(number) {
                    (fake.latency, fake.error, fake.began) = (patience * MS, Some(ErrorClass::Timeout), began);
                }
            },
            &[],
        )
    };
    let now_and_then: fn(u64) -> bool = |number| number % 150 == 7;
    only(
        &silent(false, 1000, now_and_then),
        Kind::LostReplies,
        &["answers are lost: 8 of 1200 requests", "`quick`", "1s"],
    );
    only(&silent(true, 1000, now_and_then), Kind::StalledReplies, &["answers stop halfway: 8 of 1200"]);
    // A timeout that is close to what others take says nothing of the sort.
    assert_eq!(kinds(&silent(false, 8, now_and_then)), [Kind::Errors]);
    // All at once: the server was away.
    assert_eq!(kinds(&silent(false, 1000, |number| (600..630).contains(&number))), [Kind::ErrorBursts]);
}

/// A healthy run whose server's process has this much memory in each second, and
/// afterwards.
fn with_memory(bytes: impl Fn(u64) -> u64, afterwards: u64) -> Results {
    let mut results = run(|_, _| {}, &[]);
    let row = |moment, rss_bytes| ProcessRow { moment, rss_bytes, processes: 1, ..ProcessRow::default() };
    for slice in &mut results.recording.seconds {
        slice.processes = vec![row(Moment::During, bytes(u64::from(slice.second)))];
    }
    let last = results.recording.seconds.last_mut().unwrap();
    last.processes.push(row(Moment::After, afterwards));
    results
}

const MIB: u64 = 1024 * 1024;

#[test]
fn memory_that_grows_evenly_and_stays_is_a_leak() {
    let leaking = with_memory(|second| (20 + second) * MIB, 49 * MIB);
    only(
        &leaking,
        Kind::Leak,
        &["`s` grows by 1MiB a second", "49MiB are left after the load", "25.6KiB for each request"],
    );
    // What comes back was in use, and was not lost.
    assert_eq!(kinds(&with_memory(|second| (20 + second) * MIB, 22 * MIB)), []);
    // What fills up comes to an end.
    let filling = |second: u64| (20 * MIB) + 30 * MIB * second / (second + 4);
    assert_eq!(kinds(&with_memory(filling, filling(30))), []);
    // A little is the process getting on.
    assert_eq!(kinds(&with_memory(|second| 20 * MIB + second * 10_000, 20 * MIB + 300_000)), []);
    // Up and down is no growth.
    assert_eq!(kinds(&with_memory(|second| (20 + second % 5 * 3) * MIB, 30 * MIB)), []);
}

#[test]
fn sessions_that_are_forgotten_are_told_with_the_first_of_them() {
    let mut forgetful = run(
        |number, fake| {
            if number % 300 == 150 {
                fake.error = Some(ErrorClass::SessionLost)
            }
        },
        &[],
    );
    let mut row = |second: usize, lost| {
        forgetful.recording.seconds[second].scenarios.push(crate::record::ScenarioRow {
            scenario: 0,
            phase: Phase::Measured,
            started: 0,
            iterations: 0,
            dropped: 0,
            abandoned: 0,
            sessions: 0,
            lost,
            times: Default::default(),
        });
    };
    row(3, 1);
    row(11, 1);
    only(&forgetful, Kind::LostSessions, &["forgot 2 sessions", "the first after 3s in `quick`", "4 of 1200 requests"]);
}

#[test]
fn cancelled_requests_that_are_answered_are_told_when_they_are_many_of_them() {
    // Each tenth request is given up; the next of the session hears of its result.
    let answered = |every: u64, of: u64| {
        run(
            move |number, fake| {
                if number < of * 10 && number % 10 == 3 {
                    (fake.latency, fake.error) = (100 * MS, Some(ErrorClass::Cancelled));
                }
                fake.late = u32::from(number < of * 10 && number % (every * 10) == 7);
            },
            &[],
        )
    };
    let words = ["of 20 requests of `quick` that were cancelled 20 (100%)", "`notifications/cancelled`"];
    only(&answered(1, 20), Kind::IgnoredCancellation, &words);
    only(&answered(2, 20), Kind::IgnoredCancellation, &["cancelled 10 (50%)"]);
    assert_eq!(kinds(&answered(3, 20)), [], "fewer than half");
    only(&answered(1, 3), Kind::IgnoredCancellation, &["cancelled 3 (100%)"]);
    assert_eq!(kinds(&answered(1, 2)), [], "too few");
    // More than were cancelled can come from the warm-up only.
    let more = run(
        |number, fake| {
            fake.error = (number % 300 == 3).then_some(ErrorClass::Cancelled);
            fake.late = u32::from(number % 100 == 7);
        },
        &[],
    );
    only(&more, Kind::IgnoredCancellation, &["cancelled 4 (100%)"]);
}

/// Answers of the slow step in some seconds.
fn slow_in(seconds: &[u32], times: u64, latency: u64, error: Option<ErrorClass>) -> Vec<Fake> {
    let fakes = seconds.iter().flat_map(|second| {
        (0..times).map(move |_| Fake { series: 1, second: *second, latency, error, began: false, late: 0 })
    });
    fakes.collect()
}

#[test]
fn a_few_failures_at_a_time_are_no_burst() {
    let bad = [2, 7, 13, 19, 22, 28];
    let few = run(
        |number, fake| {
            if number % 40 < 4 && bad.contains(&fake.second) {
                fake.error = Some(ErrorClass::Tool);
            }
        },
        &[],
    );
    assert_eq!(kinds(&few), [Kind::Errors]);
}

#[test]
fn timeouts_of_a_step_that_is_slow_anyway_are_no_lost_answers() {
    let mut slow = slow_in(&[1, 5, 9, 13, 17, 21, 25], 3, 600 * MS, None);
    slow.extend(slow_in(&[3, 11, 19, 27], 1, 1000 * MS, Some(ErrorClass::Timeout)));
    assert_eq!(kinds(&run(|_, _| {}, &slow)), [Kind::Errors]);
}

#[test]
fn a_slow_step_that_runs_by_the_clock_is_no_freeze() {
    let slow = slow_in(&[4, 9, 14, 19, 24, 29], 45, 500 * MS, None);
    assert_eq!(kinds(&run(|_, _| {}, &slow)), []);
}
