//! The engine under virtual time, against a server that is a function.

mod cache;
mod habits;
mod language;
mod rounds;
mod rows;
mod sim;
mod slowest;
mod tasks;

use std::time::Duration;

use sim::{
    Answered, Sim, errors, level, one_call, open, plan, request, requests, scenario_sum, simulate, simulate_until,
    times,
};

use super::Measured;
use crate::expr::{BinaryOp, Expr, Given, Template, Value};
use crate::plan::{Arrivals, Check, Load, Save, Segment, Series, Step, Think};
use crate::record::{Distribution, ErrorClass, Phase, SessionTime, Time};

const SECOND: u64 = 1_000_000_000;

#[test]
fn an_open_load_serves_every_arrival_at_the_exact_latency() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(25)));
    let measured = simulate(plan(open(vec![level(40.0, 10)]), one_call()), &sim);
    assert_eq!(requests(&measured), 400);
    let latency = times(&measured, Time::Latency);
    assert_eq!(latency.count(), 400);
    for percentile in [1.0, 50.0, 99.0] {
        let value = latency.percentile(percentile).unwrap();
        assert!((value / 25e6 - 1.0).abs() < 2e-3, "p{percentile} is {value}");
    }
    assert_eq!(scenario_sum(&measured, |row| row.iterations), 400);
    assert_eq!(measured.load, Duration::from_secs(10));
}

#[test]
fn a_frozen_server_shows_in_the_latency_of_all_that_were_due() {
    // Frozen from second 3 to second 4 under 200/s: the arrivals of that second
    // wait between 0 and 1 s.
    fn frozen(at: Duration, _: u64) -> Answered {
        let (from, to) = (Duration::from_secs(3), Duration::from_secs(4));
        Answered::After(if at >= from && at < to { to - at } else { Duration::from_micros(500) })
    }
    let measured = simulate(plan(open(vec![level(200.0, 8)]), one_call()), &Sim::new(frozen));
    assert_eq!(requests(&measured), 1600, "every arrival was served");
    let latency = times(&measured, Time::Latency);
    let close = |percentile, expected: f64| {
        let value: f64 = latency.percentile(percentile).unwrap();
        assert!((value / expected - 1.0).abs() < 0.03, "p{percentile} is {value}, expected {expected}");
    };
    close(90.0, 200e6);
    close(99.0, 920e6);
}

#[test]
fn a_closed_load_coordinates_with_the_server_and_says_so() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(100)));
    let measured = simulate(plan(Load::Closed { segments: vec![level(5.0, 10)], work: None }, one_call()), &sim);
    // 5 users, 100 ms each; the first iterations begin after the 3 ms handshake.
    assert_eq!(requests(&measured), 500);
    assert_eq!(scenario_sum(&measured, |row| row.sessions), 5);
    let latency = times(&measured, Time::Latency);
    assert!((latency.max().unwrap() / 100e6 - 1.0).abs() < 2e-3, "the handshake is no part of it");
}

#[test]
fn users_come_and_go_with_the_stages() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(50)));
    let segments = vec![Segment { from: 0.0, to: 10.0, duration_ns: 5 * SECOND }, level(10.0, 2)];
    let measured = simulate(plan(Load::Closed { segments, work: None }, one_call()), &sim);
    let users: Vec<u64> = measured.recording.seconds.iter().map(|slice| slice.health.users).collect();
    assert_eq!(users[..6], [2, 4, 6, 8, 10, 10], "at the end of each second");
}

#[test]
fn the_warm_up_is_kept_apart_by_due_instant() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(300)));
    let mut plan = plan(open(vec![level(10.0, 4)]), one_call());
    plan.scenarios[0].warmup_ns = SECOND;
    let measured = simulate(plan, &sim);
    let in_phase = |phase| -> u64 {
        let rows = measured.recording.seconds.iter().flat_map(|slice| &slice.series);
        rows.filter(|row| row.phase == phase).map(|row| row.counts.requests).sum()
    };
    assert_eq!((in_phase(Phase::Warmup), in_phase(Phase::Measured)), (10, 30));
}

#[test]
fn arrivals_without_a_free_user_are_dropped_and_counted() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_secs(1)));
    let mut plan = plan(open(vec![level(10.0, 5)]), one_call());
    plan.scenarios[0].max_users = Some(4);
    let measured = simulate(plan, &sim);
    let (started, dropped) = (scenario_sum(&measured, |row| row.started), scenario_sum(&measured, |row| row.dropped));
    assert_eq!(started + dropped, 50);
    assert_eq!(requests(&measured), started);
    assert_eq!(dropped, 30, "4 of 10 arrivals a second find a user");
}

#[test]
fn work_that_outlives_the_drain_is_cut_off_and_counted() {
    let sim = Sim::new(|at, _| Answered::After(Duration::from_secs(if at > Duration::from_secs(1) { 60 } else { 0 })));
    let mut plan = plan(open(vec![level(10.0, 2)]), one_call());
    plan.scenarios[0].drain_ns = SECOND;
    plan.servers[0].timeout_ns = 100 * SECOND;
    let measured = simulate(plan, &sim);
    let abandoned = scenario_sum(&measured, |row| row.abandoned);
    assert_eq!(requests(&measured), 20, "nothing is lost without being counted");
    assert_eq!(errors(&measured, ErrorClass::Timeout), abandoned, "no answer is no success");
    assert!(abandoned >= 9);
    assert_eq!(measured.total, Duration::from_secs(3));
}

#[test]
fn each_failure_has_its_class() {
    fn mixed(_: Duration, number: u64) -> Answered {
        match number % 4 {
            0 => Answered::RpcError,
            1 => Answered::Breaks,
            2 => Answered::After(Duration::from_secs(60)),
            _ => Answered::Result(Duration::from_millis(1), r#"{"hits":[]}"#),
        }
    }
    let mut step = request(r#"{"name":"echo"}"#);
    let hits = Expr::Field(Box::new(Expr::Given(Given::Structured)), "hits".to_owned());
    let length = Expr::Call(crate::expr::Function::Length, vec![hits]);
    step.checks.push(Check {
        condition: Expr::Binary(BinaryOp::Greater, Box::new(length), Box::new(Expr::Const(Value::number(0.0)))),
        source: "length(structured.hits) > 0".to_owned(),
        label: Some(0),
        required: false,
    });
    let measured = simulate(plan(open(vec![level(8.0, 5)]), vec![Step::Request(Box::new(step))]), &Sim::new(mixed));
    let count = |class| errors(&measured, class);
    assert_eq!(count(ErrorClass::Rpc), 10);
    assert_eq!(count(ErrorClass::Transport), 10);
    assert_eq!(count(ErrorClass::Timeout), 10);
    assert_eq!(count(ErrorClass::Expectation), 10);
    assert_eq!(times(&measured, Time::Latency).count(), 0, "no failure counts as a latency");
    let tally: u64 = measured.recording.seconds.iter().flat_map(|slice| &slice.expectations).map(|t| t.failed).sum();
    assert_eq!(tally, 40, "an answer that never came does not meet an expectation");
    let messages: Vec<_> = measured.recording.failures.iter().map(|failure| failure.message.as_str()).collect();
    assert!(messages.contains(&"expected `length(structured.hits) > 0`, found 0"), "{messages:?}");
}

#[test]
fn what_a_step_saves_the_next_one_sends() {
    let sim = Sim::new(|_, _| Answered::Result(Duration::from_millis(1), r#"{"id":9007199254740993}"#));
    let mut first = request(r#"{"name":"echo"}"#);
    let id = Expr::Field(Box::new(Expr::Given(Given::Structured)), "id".to_owned());
    first.saves.push(Save { slot: 0, name: "id".to_owned(), value: id });
    let mut second = request("");
    second.ordinal = 1;
    second.params = Template::raw(r#"{"name":"get","arguments":{"id":"#);
    second.params.push_json(Expr::Local(0));
    second.params.push_raw("}}");
    let steps =
        vec![Step::Request(Box::new(first)), Step::Think(Think::Between(1e9, 1e9)), Step::Request(Box::new(second))];
    let measured = simulate(plan(open(vec![level(1.0, 1)]), steps), &sim);
    assert_eq!(sim.sent(), [r#"{"name":"echo"}"#, r#"{"name":"get","arguments":{"id":9007199254740993}}"#]);
    let mut iteration = Distribution::new();
    for row in measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios) {
        iteration.add_frozen(&row.times[SessionTime::Iteration as usize]);
    }
    assert!(iteration.max().unwrap() < 10e6, "think time is no part of an iteration");
}

#[test]
fn a_missing_value_ends_the_iteration_under_its_own_class() {
    let sim = Sim::new(|_, _| Answered::Result(Duration::from_millis(1), "{}"));
    let mut first = request(r#"{"name":"echo"}"#);
    let id = Expr::Field(Box::new(Expr::Given(Given::Structured)), "id".to_owned());
    first.saves.push(Save { slot: 0, name: "id".to_owned(), value: id });
    let mut second = request(r#"{"name":"never"}"#);
    second.ordinal = 1;
    let steps = vec![Step::Request(Box::new(first)), Step::Request(Box::new(second))];
    let measured = simulate(plan(open(vec![level(2.0, 1)]), steps), &sim);
    assert_eq!(errors(&measured, ErrorClass::Save), 2);
    assert!(sim.sent().iter().all(|params| !params.contains("never")));
}

#[test]
fn a_server_that_is_down_is_not_hammered() {
    let sim = Sim::new(|_, _| Answered::NoSession);
    let measured = simulate(plan(Load::Closed { segments: vec![level(2.0, 2)], work: None }, one_call()), &sim);
    let failed = errors(&measured, ErrorClass::Connect);
    assert_eq!(failed, 40, "each of 2 users tries every 100 ms");
}

#[test]
fn stopping_drains_and_keeps_what_was_measured() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(10)));
    let measured =
        simulate_until(plan(open(vec![level(10.0, 60)]), one_call()), &sim, Some(Duration::from_millis(2_050)));
    assert!(measured.stopped);
    // The sessions that are opened ahead take 3 ms of the time to the stop.
    assert_eq!(requests(&measured), 21);
    assert!(measured.load < Duration::from_secs(3));
}

#[test]
fn the_guard_bounds_the_rate_of_a_closed_load() {
    let sim = Sim::new(|_, _| Answered::After(Duration::ZERO));
    let mut plan = plan(Load::Closed { segments: vec![level(10.0, 5)], work: None }, one_call());
    plan.guard.max_rate = Some(20.0);
    let measured = simulate(plan, &sim);
    let sent = requests(&measured);
    assert!((100..=110).contains(&sent), "20/s for 5 s, and what was under way: {sent}");
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let run = || {
        let sim = Sim::new(|_, number| Answered::After(Duration::from_millis(number % 7)));
        let mut step = request("");
        step.params = Template::raw(r#"{"name":"echo","arguments":{"n":"#);
        let range = vec![Expr::Const(Value::number(1.0)), Expr::Const(Value::number(1e6))];
        step.params.push_json(Expr::Call(crate::expr::Function::Random, range));
        step.params.push_raw("}}");
        let load = Load::Open { segments: vec![level(50.0, 3)], arrivals: Arrivals::Poisson };
        let measured = simulate(plan(load, vec![Step::Request(Box::new(step))]), &sim);
        (sim.sent(), serde_json::to_string(&strip_cpu(measured)).unwrap())
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    assert_eq!(first.0.len(), 150);
}

/// CPU time is real even when the clock is not.
fn strip_cpu(mut measured: Measured) -> crate::record::Recording {
    measured.recording.seconds.iter_mut().for_each(|slice| slice.health.cpu_ns = 0);
    measured.recording
}

#[test]
fn a_connection_that_breaks_is_not_hammered_either() {
    let sim = Sim::new(|_, _| Answered::Breaks);
    let measured = simulate(plan(Load::Closed { segments: vec![level(2.0, 2)], work: None }, one_call()), &sim);
    let failed = errors(&measured, ErrorClass::Transport);
    assert!((38..=40).contains(&failed), "each of 2 users tries every 100 ms: {failed}");
}

#[test]
fn the_guard_bounds_the_users_of_all_scenarios_together() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_secs(10)));
    let mut plan = plan(open(vec![level(50.0, 2)]), one_call());
    let mut second = plan.scenarios[0].clone();
    second.name = "second".to_owned();
    plan.scenarios.push(second);
    plan.series.push(Series { scenario: 1, step: "step-0".to_owned(), kind: "call".to_owned(), ..Series::default() });
    plan.guard.max_users = Some(5);
    let measured = simulate(plan, &sim);
    assert_eq!(scenario_sum(&measured, |row| row.started), 5);
    assert_eq!(scenario_sum(&measured, |row| row.dropped), 195);
}

#[test]
fn a_let_that_leads_nowhere_fails_the_request_it_is_for() {
    let sim = Sim::new(|_, _| Answered::After(Duration::ZERO));
    let value = Expr::Field(Box::new(Expr::Const(Value::NULL)), "id".to_owned());
    let steps = vec![
        Step::Let(Save { slot: 0, name: "id".to_owned(), value }),
        Step::Request(Box::new(request(r#"{"name":"never"}"#))),
    ];
    let measured = simulate(plan(open(vec![level(3.0, 1)]), steps), &sim);
    assert_eq!(errors(&measured, ErrorClass::Save), 3);
    assert_eq!(measured.recording.failures[0].message, "cannot set `id`: `.id` is missing");
    assert!(sim.sent().is_empty());
}

#[test]
fn an_expected_error_may_come_through_either_channel() {
    fn both(_: Duration, number: u64) -> Answered {
        if number.is_multiple_of(2) { Answered::RpcError } else { Answered::ToolError }
    }
    let mut step = request(r#"{"name":"echo"}"#);
    step.expects_ok = false;
    let message = Expr::Field(Box::new(Expr::Given(Given::Error)), "message".to_owned());
    step.checks.push(Check {
        condition: Expr::Binary(BinaryOp::Contains, Box::new(message), Box::new(Expr::text("no such"))),
        source: "error.message contains \"no such\"".to_owned(),
        label: Some(0),
        required: false,
    });
    let load = open(vec![level(10.0, 1)]);
    let measured = simulate(plan(load, vec![Step::Request(Box::new(step))]), &Sim::new(both));
    let failed: u64 =
        measured.recording.seconds.iter().flat_map(|slice| &slice.series).map(|row| row.counts.failed()).sum();
    assert_eq!((requests(&measured), failed), (10, 0), "{:?}", measured.recording.failures);
}

#[test]
fn sessions_that_open_slowly_do_not_shift_the_seconds() {
    let sim = Sim { opening: Duration::from_millis(2_500), ..Sim::new(|_, _| Answered::After(Duration::ZERO)) };
    let measured = simulate(plan(open(vec![level(20.0, 3)]), one_call()), &sim);
    let counts: Vec<u64> = measured
        .recording
        .seconds
        .iter()
        .map(|slice| slice.series.iter().map(|row| row.counts.requests).sum())
        .take(3)
        .collect();
    assert_eq!(counts, [20, 20, 20]);
}

#[test]
fn a_user_that_comes_back_goes_on_counting() {
    let sim = Sim::new(|_, _| Answered::After(Duration::from_millis(100)));
    let mut step = request("");
    step.params = Template::raw("{\"n\":");
    step.params.push_json(Expr::Given(Given::UserIteration));
    step.params.push_raw("}");
    let segments = vec![level(1.0, 1), level(0.0, 1), level(1.0, 1)];
    simulate(plan(Load::Closed { segments, work: None }, vec![Step::Request(Box::new(step))]), &sim);
    let mut sent = sim.sent();
    let all = sent.len();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), all, "no iteration is numbered twice");
    assert!(all > 15);
}
