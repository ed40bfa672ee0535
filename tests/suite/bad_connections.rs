//! Connections that servers leave silent, break off or close in the middle of a
//! run: each ends as a class of errors, and the run with its plan.

use std::time::Duration;

use mcpl::record::{ErrorClass, SessionTime};
use mcpl::results::{Ended, Results, Window};

use crate::raw_server::{Call, Then, server};
use crate::support::{Scenario, assert_exit, stdout};

/// So much longer than its plan a run may take on a busy machine. A run that
/// waits for its server takes for ever.
const SLACK_MS: u64 = 3_000;

/// One second of load and at most one of drain; a call may take half a second.
fn scenario(server: &str, load: &str, flow: &str, asserts: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {server}\n  timeout 500ms\n}}\nscenario a {{\n  target s\n  stages {{\n    {load}\n    drain up to 1s\n  }}\n  run f\n}}\nflow f {{\n  {flow}\n}}\nassert {{\n  {asserts}\n}}\n"
    ))
}

/// How many requests failed with a class. The run has ended by itself, in time,
/// and nothing else went wrong.
#[track_caller]
fn failed_with(results: &Results, class: ErrorClass) -> u64 {
    assert_eq!(results.run.ended, Ended::Completed);
    let planned_ms = results.plan.load_ns() / 1_000_000 + 1_000;
    assert!(results.run.total_ms <= planned_ms + SLACK_MS, "{} of {planned_ms} ms", results.run.total_ms);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert!(counts.errors.keys().all(|found| *found == class), "{:?}", counts.errors);
    counts.errors.get(&class).copied().unwrap_or(0)
}

#[track_caller]
fn says(results: &Results, words: &str) {
    let failures = &results.recording.failures;
    assert!(failures.iter().any(|failure| failure.message.contains(words)), "{failures:?}");
}

/// Ten calls are answered, and then none.
fn after_ten(then: fn(Call<'_>) -> Then) -> String {
    server(move |mut call| if call.number < 10 { call.answer() } else { then(call) })
}

#[test]
fn a_server_that_stops_answering_in_the_middle_of_a_run_times_out() {
    let server = after_ten(|mut call| call.ignore());
    let scenario = scenario(&server, "hold 20/s for 1s", "call list_rules", "errors.timeout.rate < 10%");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(results.counts(&results.everything(), Window::Whole).requests, 20, "every arrival was sent");
    assert!(failed_with(&results, ErrorClass::Timeout) >= 10);
    says(&results, "no answer within 500ms");
}

#[test]
fn a_server_that_resets_connections_in_the_middle_of_a_run_is_a_broken_transport() {
    let server = after_ten(|mut call| call.reset());
    let scenario = scenario(&server, "hold 20/s for 1s", "call list_rules", "errors.transport.rate < 10%");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(failed_with(&results, ErrorClass::Transport), 10);
    says(&results, "the server reset the connection before answering");
}

#[test]
fn a_server_that_accepts_and_never_reads_times_out() {
    // 8 MiB are more than the system takes off a client's hands.
    let double = |to: &str, from: &str| format!("let {to} = f\"{{{from}}}{{{from}}}\"\n  ");
    let mut flow = format!("let t0 = \"{}\"\n  ", "x".repeat(8192));
    (0..10).for_each(|n| flow.push_str(&double(&format!("t{}", n + 1), &format!("t{n}"))));
    flow.push_str("call list_rules { args { \"text\": t10 } }");
    let server = server(|mut call| call.never_read());
    let scenario = scenario(&server, "hold 2 users for 1s", &flow, "errors.timeout.count == 0");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert!(failed_with(&results, ErrorClass::Timeout) >= 2);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert!(counts.bytes_out < counts.requests * (8 << 20), "nobody waited to send: {counts:?}");
}

#[test]
fn connections_that_the_server_closes_while_idle_cost_no_request() {
    let server = server(|mut call| {
        call.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        call.answer()
    });
    let scenario = scenario(&server, "hold 3 users for 2s", "call list_rules\n  think 500ms", "errors.rate == 0%");
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let results = scenario.results();
    assert_eq!(failed_with(&results, ErrorClass::Transport), 0);
    let everything = results.everything();
    let requests = results.counts(&everything, Window::Whole).requests;
    let connections = results.session_times(&everything, SessionTime::Connect, Window::Whole).count();
    assert!(requests >= 6, "{requests}");
    assert!(connections * 2 > requests, "{connections} connections for {requests} requests");
}

#[test]
fn a_request_that_crosses_the_close_of_an_idle_connection_says_so() {
    // As if the server had closed just before the second request came.
    let server = server(|mut call| if call.before == 0 { call.answer() } else { Then::Closes });
    let scenario = scenario(&server, "hold 2 users for 3s", "call list_rules\n  think 1100ms", "errors.rate == 0%");
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    let stale = failed_with(&results, ErrorClass::Stale);
    assert!(stale >= 2 && counts.requests - stale >= stale, "each costs one request only: {counts:?}");
    assert_eq!(counts.failed(), 0, "it says nothing about the server");
    says(&results, "the server had closed the idle connection when it was used again");
    assert!(stdout(&output).contains("count neither as answered nor as failed"), "{}", stdout(&output));
}

#[test]
fn a_connection_that_was_hardly_idle_is_not_excused() {
    let server = server(|mut call| if call.before == 0 { call.answer() } else { Then::Closes });
    let scenario = scenario(&server, "hold 2 users for 1s", "call list_rules\n  think 100ms", "errors.rate < 90%");
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    assert!(failed_with(&scenario.results(), ErrorClass::Transport) >= 2);
    assert!(stdout(&output).contains("failed with a broken connection"), "{}", stdout(&output));
}
