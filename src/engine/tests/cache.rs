//! `cache hints on`: what is kept, for whom and for how long.

use std::time::Duration;

use super::language::{Ran, run_with};
use super::sim::{Answered, Behaviour, times};
use crate::record::{Counts, Time};

const TOOLS: &str = r#"{"resultType":"complete","tools":[{"name":"t"}],"ttlMs":1000,"cacheScope":"private"}"#;

fn tools(_: Duration, _: u64) -> Answered {
    Answered::Whole(TOOLS)
}

/// Runs a scenario with these statements, and others that the flow is for.
fn run(scenario: &str, flow: &str, behaviour: Behaviour) -> Ran {
    run_as("", scenario, flow, behaviour)
}

fn run_as(server: &str, scenario: &str, flow: &str, behaviour: Behaviour) -> Ran {
    let text = format!(
        "mcpl 1\nserver s {{\nhttp \"http://127.0.0.1:1/\"\n{server}\n}}\n\
         scenario a {{\ntarget s\n{scenario}\nrun f\n}}\nflow f {{\n{flow}\n}}\n"
    );
    run_with(&text, 1, behaviour)
}

fn counts(ran: &Ran) -> Counts {
    let mut sum = Counts::default();
    let rows = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.series);
    rows.for_each(|row| sum.add(&row.counts));
    sum
}

/// Requests that were sent, and those that were not.
fn sent_and_cached(ran: &Ran) -> (u64, u64) {
    let counts = counts(ran);
    assert_eq!(counts.requests, ran.sim.sent().len() as u64);
    (counts.requests, counts.cached)
}

const TEN_SECONDS: &str = "stages {\nhold 10/s for 10s\nmax users 1 users\n}\n";

#[test]
fn nothing_is_kept_unless_the_file_asks_for_it() {
    for off in ["", "cache hints off"] {
        let ran = run(&format!("{TEN_SECONDS}{off}"), "list tools", tools);
        assert_eq!(sent_and_cached(&ran), (100, 0));
    }
}

#[test]
fn a_list_is_asked_for_again_when_its_time_is_over() {
    let ran = run(&format!("{TEN_SECONDS}cache hints on"), "list tools", tools);
    // At 0 s, 1.1 s and so on: the answer that comes 10 ms later is fresh at 1 s.
    assert_eq!(sent_and_cached(&ran), (10, 90));
    let sent: Vec<u64> = ran.sim.log.lock().unwrap().iter().map(|(at, _)| at / 100_000_000).collect();
    assert_eq!(sent, [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]);
    let latency = times(&ran.measured, Time::Latency);
    assert_eq!(latency.count(), 10, "what was not sent has no latency");
    assert!(latency.min().unwrap() > 9e6);
    assert_eq!(ran.iterations(), 100, "the schedule is as it was");
}

#[test]
fn each_user_keeps_its_own() {
    let load = "stages { iterations 20 each by 5 users }\ncache hints on";
    let ran = run(load, "list tools", tools);
    assert_eq!(sent_and_cached(&ran), (5, 95));
    // One session, and what it has kept, for all of them: those that come while the
    // first waits for its answer ask themselves.
    let ran = run(&format!("{load}\nsessions shared 1"), "list tools\nthink 20ms", tools);
    assert_eq!(sent_and_cached(&ran), (5, 95));
    // A client that begins anew has kept nothing.
    let ran = run(&format!("{load}\nsessions per iteration"), "list tools", tools);
    assert_eq!(sent_and_cached(&ran), (100, 0));
}

#[test]
fn only_users_of_the_newest_revision_have_hints_to_follow() {
    let ran = run_as(
        "protocol {\n50% 2025-11-25\n50% 2026-07-28\n}",
        "stages { iterations 10 each by 2 users }\ncache hints on",
        "list tools",
        tools,
    );
    assert_eq!(sent_and_cached(&ran), (11, 9));
}

#[test]
fn another_request_is_another_result() {
    fn read(_: Duration, _: u64) -> Answered {
        Answered::Whole(r#"{"contents":[],"ttlMs":60000,"cacheScope":"public"}"#)
    }
    let flow = "read \"a://b\"\nread \"a://c\"\nread \"a://b\"\nread f\"a://{\"b\"}\"";
    let ran = run("stages { iterations 3 shared by 1 user }\ncache hints on", flow, read);
    assert_eq!(ran.sim.sent(), [r#"{"uri":"a://b"}"#, r#"{"uri":"a://c"}"#]);
    assert_eq!(sent_and_cached(&ran), (2, 10));
}

#[test]
fn each_page_is_kept_by_its_cursor() {
    fn pages(_: Duration, number: u64) -> Answered {
        Answered::Whole(match number {
            0 => r#"{"tools":[],"nextCursor":"2","ttlMs":60000}"#,
            _ => r#"{"tools":[],"ttlMs":100}"#,
        })
    }
    let load = "stages { iterations 4 shared by 1 user }\ncache hints on";
    let ran = run(load, "list tools\nthink 60ms", pages);
    // The second page is stale at the third iteration, the first is not.
    assert_eq!(ran.sim.sent(), ["{}", r#"{"cursor":"2"}"#, r#"{"cursor":"2"}"#]);
    assert_eq!(sent_and_cached(&ran), (3, 5));
}

#[test]
fn expectations_and_saves_see_what_was_kept() {
    let flow = "list tools {\nexpect length(result.tools) == 1 as \"one\"\nexpect latency < 1s\nsave name = result.tools[0].name\n}\n\
                call t { args { \"a\": name } }";
    let ran = run("stages { iterations 3 shared by 1 user }\ncache hints on", flow, tools);
    let call = r#"{"name":"t","arguments":{"a":"t"}}"#;
    assert_eq!(ran.sim.sent(), ["{}", call, call, call]);
    let tallies = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.expectations);
    assert_eq!(tallies.map(|tally| (tally.passed, tally.failed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)), (3, 0));
    assert_eq!((counts(&ran).cached, counts(&ran).failed()), (2, 0));
}

#[test]
fn what_fails_on_a_kept_result_is_no_error_of_a_request() {
    let flow = "list tools {\nrequire length(result.tools) == user.iteration + 1\n}\ncall t";
    let ran = run("stages { iterations 2 shared by 1 user }\ncache hints on", flow, tools);
    assert_eq!((counts(&ran).cached, counts(&ran).failed(), counts(&ran).requests), (1, 0, 2));
    let failures = &ran.measured.recording.failures;
    assert!(failures.iter().any(|failure| failure.message.contains("length(result.tools)")), "{failures:?}");
}

#[test]
fn a_server_calls_back_what_it_let_be_kept() {
    // Each call says what has changed; a list and a resource were read before it.
    fn changes(_: Duration, number: u64) -> Answered {
        const RESULT: &str = r#"{"contents":[],"tools":[],"ttlMs":60000}"#;
        match number {
            2 => Answered::Telling(RESULT, |changes| changes.tools = true),
            4 => Answered::Telling(RESULT, |changes| changes.update("a://b/part".to_owned())),
            6 => Answered::Telling(RESULT, |changes| {
                changes.update("a://other".to_owned());
                (changes.prompts, changes.resources) = (true, true);
            }),
            _ => Answered::Whole(RESULT),
        }
    }
    let flow = "list tools\nread \"a://b\"\ncall t";
    let ran = run("stages { iterations 4 shared by 1 user }\ncache hints on", flow, changes);
    let (list, read, call) = ("{}", r#"{"uri":"a://b"}"#, r#"{"name":"t"}"#);
    assert_eq!(ran.sim.sent(), [list, read, call, list, call, read, call, call]);
}

#[test]
fn a_cursor_that_is_refused_takes_its_list_with_it() {
    fn pages(_: Duration, number: u64) -> Answered {
        match number {
            0 => Answered::Whole(r#"{"tools":[],"nextCursor":"2","ttlMs":60000}"#),
            1 => Answered::RpcError,
            _ => Answered::Whole(r#"{"tools":[],"ttlMs":60000}"#),
        }
    }
    let ran = run("stages { iterations 3 shared by 1 user }\ncache hints on", "list tools", pages);
    assert_eq!(ran.sim.sent(), ["{}", r#"{"cursor":"2"}"#, "{}"]);
}

#[test]
fn requests_that_go_together_send_what_is_not_kept() {
    let flow = "list tools\nparallel {\nlist tools\ncall t\nlist tools\n}";
    let ran = run("stages { iterations 2 shared by 1 user }\ncache hints on", flow, tools);
    assert_eq!(sent_and_cached(&ran), (3, 5));
}

#[test]
fn what_is_sent_first_is_due_at_the_arrival() {
    let flow = "think 50ms\nlist tools\ncall t";
    let ran = run("stages { hold 10/s for 500ms }\ncache hints on\nsessions shared 1", flow, tools);
    let latency = times(&ran.measured, Time::Latency);
    // The list of the first, and the calls of the others; not the call of the first.
    assert_eq!((latency.count(), sent_and_cached(&ran)), (6, (6, 4)));
    assert!((latency.min().unwrap() - 10e6).abs() < 1e6);
    assert!((latency.percentile(20.0).unwrap() - 60e6).abs() < 1e6);
}

#[test]
fn users_that_wait_for_nothing_share_their_thread() {
    let ran = run("stages { hold 2 users for 900ms }\ncache hints on", "list tools", tools);
    let (sent, cached) = sent_and_cached(&ran);
    assert_eq!(sent, 2);
    assert!((1000..=2000).contains(&cached), "{cached}: one in a millisecond for each user");
}
