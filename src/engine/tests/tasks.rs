//! Calls that become tasks, in both eras.

use std::time::Duration;

use super::rounds::{asked, counts, failure, run};
use super::sim::{Answered, Behaviour, errors, times};
use crate::engine::Measured;
use crate::expr::{BinaryOp, Expr, Given, Value};
use crate::plan::{Check, Plan, Step, Task};
use crate::record::{ErrorClass, Time};

const BEGUN: &str = r#"{"resultType":"task","taskId":"t\"1","status":"working","ttlMs":null,"pollIntervalMs":200}"#;
const WORKING: &str = r#"{"resultType":"complete","taskId":"t\"1","status":"working","pollIntervalMs":300}"#;
const DONE: &str = r#"{"resultType":"complete","taskId":"t\"1","status":"completed",
    "result":{"structuredContent":{"n":7},"content":[]}}"#;

const LEGACY_BEGUN: &str = r#"{"task":{"taskId":"t1","status":"working","ttl":60000,"pollInterval":50}}"#;
const LEGACY_WORKING: &str = r#"{"taskId":"t1","status":"working","pollInterval":50}"#;
const LEGACY_DONE: &str = r#"{"taskId":"t1","status":"completed"}"#;
const RESULT: &str = r#"{"structuredContent":{"n":7},"content":[]}"#;

/// A call that may become a task and expects `structured.n == 7`.
fn plan() -> Plan {
    let mut plan = asked(r#"{"name":"echo"}"#);
    let n = Expr::Field(Box::new(Expr::Given(Given::Structured)), "n".to_owned());
    plan.flows[0].steps.iter_mut().for_each(|step| {
        if let Step::Request(request) = step {
            request.task = Some(Task::default());
            request.checks.push(Check {
                condition: Expr::Binary(
                    BinaryOp::Equal,
                    Box::new(n.clone()),
                    Box::new(Expr::Const(Value::number(7.0))),
                ),
                source: "structured.n == 7".to_owned(),
                label: None,
                required: false,
            });
        }
    });
    plan
}

fn is(found: &[(u64, String)], expected: &[(u64, &str)]) {
    let found: Vec<(u64, &str)> = found.iter().map(|(at, method)| (*at, method.as_str())).collect();
    let start = found.first().map_or(0, |(at, _)| *at);
    let found: Vec<(u64, &str)> = found.iter().map(|(at, method)| (at - start, *method)).collect();
    assert_eq!(found, expected);
}

fn latency_ms(measured: &Measured) -> f64 {
    times(measured, Time::Latency).max().unwrap() / 1e6
}

#[test]
fn a_task_is_polled_as_often_as_its_server_says_and_is_one_request() {
    let (sim, measured) = run(plan(), |_, number| Answered::Whole([BEGUN, WORKING, DONE][number as usize]));
    // Each answer takes 10 ms.
    is(&sim.asked(), &[(0, "tools/call"), (210, "tasks/get"), (520, "tasks/get")]);
    assert_eq!(sim.sent(), [r#"{"name":"echo"}"#, r#"{"taskId":"t\"1"}"#, r#"{"taskId":"t\"1"}"#]);
    let counts = counts(&measured);
    assert_eq!((counts.requests, counts.failed(), counts.polls), (1, 0, 2), "{:?}", measured.recording.failures);
    assert!((latency_ms(&measured) - 530.0).abs() < 2.0, "from the call to the final result");
}

#[test]
fn in_2025_11_25_the_result_is_asked_for_apart() {
    let (sim, measured) =
        run(plan(), |_, number| Answered::Whole([LEGACY_BEGUN, LEGACY_WORKING, LEGACY_DONE, RESULT][number as usize]));
    is(&sim.asked(), &[(0, "tools/call"), (60, "tasks/get"), (120, "tasks/get"), (130, "tasks/result")]);
    assert_eq!(sim.sent()[3], r#"{"taskId":"t1"}"#);
    let counts = counts(&measured);
    assert_eq!((counts.requests, counts.failed(), counts.polls), (1, 0, 2), "{:?}", measured.recording.failures);
    assert!((latency_ms(&measured) - 140.0).abs() < 2.0);
}

#[test]
fn a_server_that_answers_at_once_is_not_polled() {
    let (sim, measured) = run(plan(), |_, _| Answered::Whole(RESULT));
    is(&sim.asked(), &[(0, "tools/call")]);
    assert_eq!((counts(&measured).failed(), counts(&measured).polls), (0, 0));
}

#[test]
fn a_call_that_was_not_to_become_a_task_is_not_followed() {
    let (sim, _) = run(asked("{}"), |_, _| Answered::Whole(BEGUN));
    assert_eq!(sim.sent().len(), 1);
}

#[test]
fn the_interval_between_polls_has_bounds_and_a_default() {
    let table: [(Behaviour, u64); 4] = [
        (
            |_, n| {
                Answered::Whole(
                    [r#"{"task":{"taskId":"t","status":"working","pollInterval":0}}"#, LEGACY_DONE, RESULT][n as usize],
                )
            },
            10,
        ),
        (
            |_, n| {
                Answered::Whole(
                    [r#"{"task":{"taskId":"t","status":"working","pollInterval":-1}}"#, LEGACY_DONE, RESULT]
                        [n as usize],
                )
            },
            1000,
        ),
        (
            |_, n| Answered::Whole([r#"{"task":{"taskId":"t","status":"working"}}"#, LEGACY_DONE, RESULT][n as usize]),
            1000,
        ),
        (
            |_, n| {
                Answered::Whole(
                    [r#"{"task":{"taskId":"t","status":"working","pollInterval":1e9}}"#, LEGACY_DONE, RESULT]
                        [n as usize],
                )
            },
            60_000,
        ),
    ];
    for (behaviour, interval) in table {
        let mut plan = plan();
        plan.servers[0].timeout_ns = 100_000_000_000;
        plan.scenarios[0].drain_ns = 100_000_000_000;
        let (sim, _) = run(plan, behaviour);
        is(&sim.asked(), &[(0, "tools/call"), (10 + interval, "tasks/get"), (20 + interval, "tasks/result")]);
    }
}

#[test]
fn what_a_task_wants_to_know_is_answered_once() {
    const ASKS: &str = r#"{"resultType":"complete","taskId":"t\"1","status":"input_required","pollIntervalMs":100,
        "inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?"}}}}"#;
    const ASKS_MORE: &str = r#"{"resultType":"complete","taskId":"t\"1","status":"input_required","pollIntervalMs":100,
        "inputRequests":{"k":{"method":"elicitation/create"},"l":{"method":"roots/list"}}}"#;
    const TAKEN: &str = r#"{"resultType":"complete"}"#;
    let (sim, measured) =
        run(plan(), |_, number| Answered::Whole([BEGUN, ASKS, TAKEN, ASKS, ASKS_MORE, TAKEN, DONE][number as usize]));
    let get = "tasks/get";
    is(
        &sim.asked(),
        &[
            (0, "tools/call"),
            (210, get),
            (220, "tasks/update"),
            (330, get),
            (440, get),
            (450, "tasks/update"),
            (560, get),
        ],
    );
    let bo = r#"{"taskId":"t\"1","inputResponses":{"k":{"action":"accept","content":{"name":"Bo"}}}}"#;
    assert_eq!((&*sim.sent()[2], &*sim.sent()[5]), (bo, r#"{"taskId":"t\"1","inputResponses":{"l":{"roots":[]}}}"#));
    let counts = counts(&measured);
    assert_eq!((counts.failed(), counts.polls, counts.questions, counts.rounds), (0, 4, 2, 2));
}

#[test]
fn in_2025_11_25_questions_come_on_the_way_of_the_result() {
    let (sim, measured) = run(plan(), |_, number| {
        Answered::Whole([LEGACY_BEGUN, r#"{"taskId":"t1","status":"input_required"}"#, RESULT][number as usize])
    });
    is(&sim.asked(), &[(0, "tools/call"), (60, "tasks/get"), (70, "tasks/result")]);
    assert_eq!(counts(&measured).failed(), 0);
}

#[test]
fn the_end_of_a_task_is_the_end_of_the_call() {
    let table: [(Behaviour, ErrorClass, &str); 8] = [
        (
            |_, n| {
                Answered::Whole(
                    [BEGUN, r#"{"taskId":"t","status":"failed","error":{"code":-32603,"message":"no"}}"#][n as usize],
                )
            },
            ErrorClass::Rpc,
            "no (-32603)",
        ),
        (
            |_, n| {
                Answered::Whole(
                    [
                        BEGUN,
                        r#"{"taskId":"t","status":"completed","result":{"content":[{"type":"text","text":"bad"}],"isError":true}}"#,
                    ][n as usize],
                )
            },
            ErrorClass::Tool,
            "bad",
        ),
        (
            |_, n| {
                Answered::Whole(
                    [BEGUN, r#"{"taskId":"t","status":"cancelled","statusMessage":"too\nlate"}"#][n as usize],
                )
            },
            ErrorClass::Rpc,
            "the server cancelled the task: too late",
        ),
        (
            |_, n| Answered::Whole([LEGACY_BEGUN, r#"{"taskId":"t","status":"cancelled"}"#][n as usize]),
            ErrorClass::Rpc,
            "the server cancelled the task",
        ),
        (
            |_, n| if n == 0 { Answered::Whole(LEGACY_BEGUN) } else { Answered::RpcError },
            ErrorClass::Rpc,
            "no such tool (-32602)",
        ),
        (
            |_, n| match n {
                0 => Answered::Whole(LEGACY_BEGUN),
                1 => Answered::Whole(r#"{"taskId":"t","status":"failed"}"#),
                _ => Answered::ToolError,
            },
            ErrorClass::Tool,
            "no such rule",
        ),
        (
            |_, n| if n == 0 { Answered::Whole(BEGUN) } else { Answered::Breaks },
            ErrorClass::Transport,
            "the server closed the connection",
        ),
        (
            |_, n| Answered::Whole([BEGUN, r#"{"taskId":"t","status":"completed"}"#, "{}"][n as usize]),
            ErrorClass::Protocol,
            "the task has ended, but has neither `result` nor `error`",
        ),
    ];
    for (behaviour, class, message) in table {
        let (_, measured) = run(plan(), behaviour);
        assert_eq!(failure(&measured), (class, message));
        assert_eq!((counts(&measured).requests, counts(&measured).failed()), (1, 1));
    }
}

#[test]
fn what_is_no_task_is_named() {
    let (_, measured) = run(plan(), |_, _| Answered::Whole(r#"{"resultType":"task","taskId":"t","status":"asleep"}"#));
    let (class, message) = failure(&measured);
    assert_eq!(class, ErrorClass::Protocol);
    assert!(
        message.starts_with("the server tells of a task, but that is malformed: unknown variant `asleep`"),
        "{message}"
    );
}

#[test]
fn a_task_that_takes_too_long_is_cancelled() {
    let forever: Behaviour = |_, number| Answered::Whole(if number == 0 { BEGUN } else { WORKING });
    let mut late = plan();
    late.servers[0].timeout_ns = 600_000_000;
    let (sim, measured) = run(late, forever);
    is(&sim.asked(), &[(0, "tools/call"), (210, "tasks/get"), (520, "tasks/get"), (600, "tasks/cancel")]);
    assert_eq!(sim.sent()[3], r#"{"taskId":"t\"1"}"#);
    assert_eq!(failure(&measured), (ErrorClass::Timeout, "no answer within 600ms"));

    let mut given_up = plan();
    if let Step::Request(request) = &mut given_up.flows[0].steps[0] {
        request.cancel_ns = Some(215_000_000);
    }
    let (sim, measured) = run(given_up, forever);
    is(&sim.asked(), &[(0, "tools/call"), (210, "tasks/get"), (215, "tasks/cancel")]);
    assert_eq!((errors(&measured, ErrorClass::Cancelled), counts(&measured).failed()), (1, 0));
}

#[test]
fn polls_are_requests_to_the_guard() {
    let mut guarded = plan();
    guarded.guard.max_requests = Some(2);
    let (sim, measured) = run(guarded, |_, number| Answered::Whole(if number == 0 { BEGUN } else { WORKING }));
    is(&sim.asked(), &[(0, "tools/call"), (210, "tasks/get")]);
    assert_eq!(failure(&measured).1, "the guard's `max requests` lets no further poll pass");
}

#[test]
fn a_poll_that_meets_a_stale_connection_is_sent_once_more() {
    let (sim, measured) = run(plan(), |_, number| match number {
        0 => Answered::Whole(BEGUN),
        1 => Answered::Stale,
        _ => Answered::Whole(DONE),
    });
    is(&sim.asked(), &[(0, "tools/call"), (210, "tasks/get"), (210, "tasks/get")]);
    assert_eq!((counts(&measured).failed(), counts(&measured).polls), (0, 2));

    let (_, measured) = run(plan(), |_, number| if number == 0 { Answered::Whole(BEGUN) } else { Answered::Stale });
    assert_eq!(errors(&measured, ErrorClass::Stale), 1);
    assert!(times(&measured, Time::Latency).max().is_none_or(|max| max < Duration::from_secs(1).as_nanos() as f64));
}
