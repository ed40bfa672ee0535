//! Servers that want to know something first, and requests that are cancelled.

use std::time::Duration;

use super::sim::{Answered, Behaviour, Sim, errors, level, one_call, open, plan, request, requests, simulate, times};
use crate::engine::Measured;
use crate::plan::{Answer, Plan, Step};
use crate::record::{Counts, ErrorClass, Time};

/// A name, and a state with bytes that are easily changed on the way.
const ASKS: &str = r#"{"resultType":"input_required","inputRequests":{"a\"b":{"method":"elicitation/create",
    "params":{"message":"who?"}},"r":{"method":"roots/list"}},"requestState":"v1.\u00e9 \/ +="}"#;
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;

/// One request in all, to a server of which the file can answer two questions.
pub(super) fn asked(params: &str) -> Plan {
    let mut plan = plan(open(vec![level(1.0, 1)]), vec![Step::Request(Box::new(request(params)))]);
    let answer = |to: &str, value: &str| Answer { to: to.to_owned(), value: value.to_owned() };
    plan.servers[0].answers = vec![
        answer("elicitation", r#"{"action":"accept","content":{"name":"Bo"}}"#),
        answer("roots", r#"{"roots":[]}"#),
    ];
    plan
}

pub(super) fn run(plan: Plan, behaviour: Behaviour) -> (Sim, Measured) {
    let sim = Sim::new(behaviour);
    let measured = simulate(plan, &sim);
    (sim, measured)
}

pub(super) fn counts(measured: &Measured) -> Counts {
    let mut sum = Counts::default();
    measured.recording.seconds.iter().flat_map(|slice| &slice.series).for_each(|row| sum.add(&row.counts));
    sum
}

pub(super) fn failure(measured: &Measured) -> (ErrorClass, &str) {
    let failure = measured.recording.failures.first().unwrap();
    (failure.class, failure.message.as_str())
}

#[test]
fn a_request_is_sent_again_with_answers_and_the_state_as_it_came() {
    for (params, start) in [(r#"{"name":"echo"}"#, r#"{"name":"echo","#), ("{}", "{"), (" { } ", " { ")] {
        let (sim, measured) = run(asked(params), |_, number| Answered::Whole(if number < 2 { ASKS } else { DONE }));
        let again = [
            start,
            r#""inputResponses":{"a\"b":{"action":"accept","content":{"name":"Bo"}},"r":{"roots":[]}},"#,
            r#""requestState":"v1.\u00e9 \/ +="}"#,
        ]
        .concat();
        assert_eq!(sim.sent(), [params, &again, &again]);
        let counts = counts(&measured);
        assert_eq!((counts.requests, counts.failed(), counts.rounds, counts.questions), (1, 0, 2, 4));
        let latency = times(&measured, Time::Latency);
        assert!((latency.max().unwrap() - 30e6).abs() < 1e6, "from the first round to the last: {latency:?}");
    }
}

#[test]
fn a_state_alone_is_sent_back_at_once() {
    let (sim, measured) = run(asked("{}"), |_, number| {
        Answered::Whole(if number == 0 { r#"{"resultType":"input_required","requestState":"s"}"# } else { DONE })
    });
    assert_eq!(sim.sent(), ["{}", r#"{"requestState":"s"}"#]);
    assert_eq!(counts(&measured).failed(), 0);
}

#[test]
fn a_server_that_asks_for_ever_is_given_up() {
    let (sim, measured) = run(asked("{}"), |_, _| Answered::Whole(ASKS));
    assert_eq!(sim.sent().len(), 11);
    assert_eq!(failure(&measured), (ErrorClass::Protocol, "the server still wants input after 10 rounds of answers"));
    assert_eq!((counts(&measured).requests, counts(&measured).rounds), (1, 10));
}

#[test]
fn what_cannot_be_answered_is_named() {
    let table: [(Behaviour, &str); 5] = [
        (
            |_, _| {
                Answered::Whole(
                    r#"{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage"}}}"#,
                )
            },
            "the server asks for `sampling/createMessage` before it answers: add `answer sampling { … }` to the server",
        ),
        (
            |_, _| Answered::Whole(r#"{"resultType":"input_required","inputRequests":{"k":{"method":"their/own"}}}"#),
            "the server asks for `their/own` before it answers, which has no `answer`",
        ),
        (
            |_, _| Answered::Whole(r#"{"resultType":"input_required"}"#),
            "the server wants input, but has neither `inputRequests` nor `requestState`",
        ),
        (
            |_, _| Answered::Whole(r#"{"resultType":"input_required","inputRequests":{}}"#),
            "the server wants input, but has neither `inputRequests` nor `requestState`",
        ),
        (
            |_, _| Answered::Whole(r#"{"resultType":"input_required","inputRequests":[5]}"#),
            "the server wants input, but its result is malformed: invalid type: sequence, expected a map at line 1 column 47",
        ),
    ];
    for (behaviour, expected) in table {
        let (sim, measured) = run(asked("{}"), behaviour);
        assert_eq!(sim.sent().len(), 1);
        assert_eq!(failure(&measured), (ErrorClass::Protocol, expected));
    }
}

#[test]
fn the_timeout_and_the_guard_are_for_all_rounds() {
    let mut limited = asked("{}");
    limited.servers[0].timeout_ns = 35_000_000;
    let (sim, measured) = run(limited, |_, _| Answered::Whole(ASKS));
    assert_eq!(sim.sent().len(), 4);
    assert_eq!(failure(&measured), (ErrorClass::Timeout, "no answer within 35ms"));

    let mut guarded = asked("{}");
    guarded.guard.max_requests = Some(2);
    let (sim, measured) = run(guarded, |_, _| Answered::Whole(ASKS));
    assert_eq!(sim.sent().len(), 2);
    assert_eq!(failure(&measured).1, "the guard's `max requests` lets no further round pass");
}

#[test]
fn a_cancelled_request_is_neither_answered_nor_failed() {
    let mut steps = one_call();
    if let Step::Request(request) = &mut steps[0] {
        request.cancel_ns = Some(50_000_000);
    }
    let (_, measured) = run(plan(open(vec![level(10.0, 1)]), steps), |_, number| {
        Answered::After(Duration::from_millis(if number % 2 == 0 { 20 } else { 200 }))
    });
    assert_eq!((requests(&measured), errors(&measured, ErrorClass::Cancelled)), (10, 5));
    assert_eq!(counts(&measured).failed(), 0);
    let latency = times(&measured, Time::Latency);
    assert_eq!(latency.count(), 5);
    assert!(latency.max().unwrap() < 30e6, "{latency:?}");
}
