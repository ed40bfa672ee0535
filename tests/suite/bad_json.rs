//! Answers that are no JSON, or JSON that nothing can hold: each ends as a class of
//! errors, and what nobody asks for is no error.

use mcpl::record::ErrorClass;
use mcpl::results::{Results, Window};
use serde_json::json;

use crate::raw_server::{Call, SSE, Then, chunk, server, server_with};
use crate::support::Scenario;

/// Nested this deep, of which a parser that calls itself would die.
const DEEP: usize = 10_000;

/// What is said of a result that is nested too deeply.
const UNREADABLE: &str = "the result cannot be read: recursion limit exceeded at line 1 column ";

fn deep() -> String {
    nested(DEEP)
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// One call with this block.
fn run(server: &str, block: &str) -> Results {
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {server}\n}}\nscenario a {{\n  target s\n  stages {{ iterations 1 shared by 1 users }}\n  run f\n}}\nflow f {{\n  call list_rules {{\n    {block}\n  }}\n}}\n"
    ));
    scenario.run(&["--quiet"]);
    scenario.results()
}

/// How the one call ended: the class and the message, if it failed.
#[track_caller]
fn end(results: &Results) -> Option<(ErrorClass, String)> {
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!(counts.requests, 1);
    let class = counts.errors.keys().next().copied();
    class.map(|class| (class, results.recording.failures[0].message.clone()))
}

/// Requires that it failed so.
#[track_caller]
fn failed(results: &Results, class: ErrorClass, start: &str) {
    let (found, message) = end(results).expect("the call fails");
    assert_eq!(found, class, "{message}");
    assert!(message.starts_with(start), "{message}");
    assert!(message.chars().count() <= 400, "{message}");
}

/// A server whose answers have this result.
fn giving(result: String) -> String {
    server(move |mut call| call.give(&result))
}

/// A server whose answers have this body.
fn saying(body: impl Into<Vec<u8>>) -> String {
    let body = body.into();
    server(move |mut call| say(&mut call, &body))
}

fn say(call: &mut Call<'_>, body: &[u8]) -> Then {
    call.read();
    let length = body.len();
    call.send(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"));
    call.send(body)
}

#[test]
fn deep_nesting_in_a_result_is_told_to_whoever_asks_for_it() {
    let result = format!(r#"{{"resultType":"complete","content":[],"structuredContent":{}}}"#, deep());
    assert_eq!(end(&run(&giving(result.clone()), "")), None);
    assert_eq!(end(&run(&giving(result.clone()), "expect text == \"\"")), None);
    for block in ["expect result.content == []", "expect structured == null", "save x = structured", "save x = result"]
    {
        failed(&run(&giving(result.clone()), block), ErrorClass::Protocol, UNREADABLE);
    }
    assert_eq!(end(&run(&giving(nested(127)), "expect result != null")), None);
    failed(&run(&giving(nested(128)), "expect result == null"), ErrorClass::Protocol, UNREADABLE);
}

#[test]
fn deep_nesting_in_the_envelope_does_not_hurt() {
    let text = deep();
    failed(&run(&saying(text.clone()), ""), ErrorClass::Protocol, "the answer is a JSON-RPC batch");
    let error = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":1,"message":"","data":{text}}}}}"#);
    failed(
        &run(&saying(error), ""),
        ErrorClass::Protocol,
        "the answer is an error that cannot be read (recursion limit",
    );
    let id = format!(r#"{{"jsonrpc":"2.0","id":{text},"result":{{}}}}"#);
    failed(&run(&saying(id), ""), ErrorClass::Protocol, "the answer carries id [[[[");
    let unclosed = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}"#, "[".repeat(DEEP));
    failed(&run(&saying(unclosed), ""), ErrorClass::Protocol, "the answer is text that is not JSON");
}

#[test]
fn deep_nesting_is_not_held_against_a_schema() {
    let object = json!({ "type": "object" });
    let annotations = json!({ "readOnlyHint": true });
    let tools =
        json!([{ "name": "list_rules", "inputSchema": object, "outputSchema": object, "annotations": annotations }]);
    let result = format!(r#"{{"resultType":"complete","content":[],"structuredContent":{}}}"#, deep());
    assert_eq!(end(&run(&server_with(&tools, move |mut call| call.give(&result)), "")), None);
}

#[test]
fn bytes_that_are_no_utf_8_are_no_json() {
    let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[],\"x\":\"\xff\"}}";
    failed(&run(&saying(*body), ""), ErrorClass::Protocol, "the answer is text that is not UTF-8: {\"jsonrpc\"");
    let event = [b"data: ", &body[..], b"\n\n"].concat();
    let size = format!("{:x}\r\n", event.len());
    let stream = server(move |mut call| {
        call.read();
        call.send([SSE.as_bytes(), size.as_bytes(), &event, b"\r\n", chunk("").as_bytes()].concat())
    });
    failed(&run(&stream, ""), ErrorClass::Protocol, "the event stream ended without the response");
}
