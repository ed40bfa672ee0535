//! Rehearsals whose outcome can be told by arithmetic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Behaviour, Capacity, Latency, Replies, ReplyError, rehearse};
use crate::engine::Control;
use crate::model::{self, NoFiles, Options};
use crate::plan::Plan;
use crate::record::{ErrorClass, Time};
use crate::results::{Results, Window};

fn plan(stages: &str, flow: &str) -> Plan {
    let text = format!(
        "mcpl 1\nserver s {{\n  http \"http://127.0.0.1:1/mcp\"\n  timeout 10s\n}}\nscenario one {{\n  target s\n  stages {{ {stages} }}\n  run f\n}}\nflow f {{\n{flow}\n}}\n"
    );
    let options = Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let lowered = model::compile("test.mcpl", &text, &options).lowered;
    lowered.plan.unwrap_or_else(|| panic!("{:#?}", lowered.diagnostics))
}

fn with(plan: Plan, behaviour: Behaviour) -> Results {
    let replies = Replies::new(&plan, &BTreeMap::new()).unwrap();
    rehearse(&Arc::new(plan), &[], &behaviour, &replies, &Control::new(), |_| {}).unwrap()
}

fn fixed(millis: u64) -> Latency {
    Latency::Between(Duration::from_millis(millis), Duration::from_millis(millis))
}

fn requests(results: &Results) -> u64 {
    results.counts(&results.everything(), Window::Whole).requests
}

fn failed(results: &Results) -> u64 {
    results.counts(&results.everything(), Window::Whole).failed()
}

fn percentile(results: &Results, percentile: f64) -> f64 {
    let mut sum = crate::record::Distribution::new();
    for row in results.recording.seconds.iter().flat_map(|slice| &slice.series) {
        sum.add_frozen(&row.times[Time::Latency as usize]);
    }
    sum.percentile(percentile).unwrap()
}

#[test]
fn a_fixed_latency_is_measured_exactly() {
    let results = with(plan("hold 200/s for 5s", "call t"), Behaviour { latency: fixed(5), ..Behaviour::default() });
    assert_eq!(requests(&results), 1_000);
    assert!((percentile(&results, 99.0) / 5e6 - 1.0).abs() < 0.001, "{}", percentile(&results, 99.0));
}

#[test]
fn what_is_beyond_the_capacity_waits() {
    // 200/s arrive and 100/s are begun: after 4 s the last of 800 waits 4 s.
    let rate = Behaviour { latency: fixed(5), capacity: Some(Capacity::Rate(100.0)), ..Behaviour::default() };
    let results = with(plan("hold 200/s for 4s\n drain up to 10s", "call t"), rate);
    assert_eq!((requests(&results), failed(&results)), (800, 0));
    assert!((percentile(&results, 100.0) / 4.0e9 - 1.0).abs() < 0.01, "{}", percentile(&results, 100.0));
    // One at once that takes 10 ms is the same server.
    let one = Behaviour { latency: fixed(10), capacity: Some(Capacity::AtOnce(1)), ..Behaviour::default() };
    let results = with(plan("hold 200/s for 4s\n drain up to 10s", "call t"), one);
    assert!((percentile(&results, 100.0) / 4.0e9 - 1.0).abs() < 0.01, "{}", percentile(&results, 100.0));
}

#[test]
fn users_never_wait_below_the_capacity() {
    let behaviour = Behaviour { latency: fixed(10), capacity: Some(Capacity::AtOnce(4)), ..Behaviour::default() };
    let results = with(plan("hold 4 users for 2s", "call t"), behaviour);
    assert!((percentile(&results, 100.0) / 10e6 - 1.0).abs() < 0.001);
}

#[test]
fn errors_come_in_the_share_that_was_asked_for() {
    let behaviour = Behaviour { errors: 0.1, ..Behaviour::default() };
    let results = with(plan("hold 1000/s for 10s", "call t"), behaviour);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!(counts.failed(), counts.errors[&ErrorClass::Rpc]);
    assert!((900..1_100).contains(&counts.failed()), "{}", counts.failed());
}

#[test]
fn an_exponential_latency_has_its_mean() {
    let behaviour = Behaviour { latency: Latency::Exponential(Duration::from_millis(10)), ..Behaviour::default() };
    let results = with(plan("hold 1000/s for 10s", "call t"), behaviour);
    // The median of an exponential distribution is ln 2 of its mean.
    assert!((percentile(&results, 50.0) / 6.93e6 - 1.0).abs() < 0.05, "{}", percentile(&results, 50.0));
}

#[test]
fn a_request_that_takes_too_long_times_out() {
    let results = with(
        plan("hold 1/s for 3s", "call t { timeout 1s }"),
        Behaviour { latency: fixed(2_000), ..Behaviour::default() },
    );
    assert_eq!(results.counts(&results.everything(), Window::Whole).errors[&ErrorClass::Timeout], 3);
}

#[test]
fn usual_conditions_hold() {
    let flow = r##"
call search {
  expect length(structured.hits) > 2 and structured.total >= 3
  expect structured.kind == "rule"
  expect structured.state in ["open", "done"]
  expect text contains "#" and text contains "yes"
  expect exists structured.page.next
  expect structured.hits[1].score < 5
  require result.isError == false
  save best = structured.hits[0].id
  measure size = structured.bytes
}
call get {
  args { "id": best }
  expect structured.id == best
  tag kind = structured.kind
}
read f"rule://{best}" { expect length(text) > 20 }
prompt apply { expect text == "do it" }
list tools { expect length(result.tools) == 4 }
call echo {
  args { "text": best, "count": 17 }
  expect text contains best
}
call fails { expect error.code == -32602 }
complete prompt "apply" { argument "id" value "a" }
request "x/y" { expect result.a.b == 1 }
"##;
    let results = with(plan("hold 10/s for 1s", flow), Behaviour::default());
    assert_eq!(failed(&results), 0, "{:#?}", results.recording.failures);
    assert_eq!(requests(&results), 90);
}

#[test]
fn a_reply_that_is_given_is_used() {
    let flow = "call a { save id = structured.id }\ncall b {\n expect structured.n == 7\n}";
    let plan = plan("hold 10/s for 1s", flow);
    let given = BTreeMap::from([("b".to_owned(), json!({ "structuredContent": { "n": 8 } }))]);
    let replies = Replies::new(&plan, &given).unwrap();
    let results = rehearse(&Arc::new(plan), &[], &Behaviour::default(), &replies, &Control::new(), |_| {}).unwrap();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!(counts.errors[&ErrorClass::Expectation], 10);
}

#[test]
fn replies_that_cannot_be_used_are_refused() {
    let plan = plan("hold 10/s for 1s", "call a");
    let refused = |step: &str, result| Replies::new(&plan, &BTreeMap::from([(step.to_owned(), result)])).unwrap_err();
    let steps = vec!["a".to_owned()];
    assert_eq!(refused("b", json!({})), ReplyError::NoStep { step: "b".to_owned(), steps });
    assert_eq!(refused("a", json!(1)), ReplyError::NoObject("a".to_owned()));
}

#[test]
fn results_say_that_they_were_rehearsed() {
    let results = with(plan("hold 10/s for 1s", "call t"), Behaviour::default());
    assert!(results.rehearsed());
    assert_eq!(results, Results::from_json(&results.to_json()).unwrap());
}

#[test]
fn a_subscription_lasts_and_gets_one_update() {
    let flow = "subscribe \"a://b\" for 2s { expect updates.count == 1 }\ncall t { cancel after 3ms }";
    let behaviour = Behaviour { latency: fixed(5), ..Behaviour::default() };
    let results = with(plan("iterations 3 each by 1 user within 1m", flow), behaviour);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed(), counts.updates), (6, 0, 3));
    assert_eq!(counts.errors.get(&ErrorClass::Cancelled), Some(&3));
    assert!((percentile(&results, 99.0) / 5e6 - 1.0).abs() < 0.001, "the two seconds are no latency");
    // The drain cuts it off, for which the server can do nothing.
    let results = with(plan("hold 1 user for 1s\n drain up to 100ms", "subscribe \"a://b\" for 1m"), behaviour);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed()), (1, 0));
}
