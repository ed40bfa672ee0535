//! What a run does because of the revision that it speaks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mcpl::results::Window;
use serde_json::json;

use crate::raw_server::{server, server_with};
use crate::support::{Scenario, assert_exit, stderr, stdout};

#[test]
fn users_of_one_server_speak_several_revisions() {
    let scenario = Scenario::new(
        r#"mcpl 1
server s {
  builtin rulebook
  protocol {
    70% 2025-11-25
    30% 2026-07-28
  }
}
scenario a {
  target s
  stages { iterations 5 each by 20 users }
  run f
}
flow f {
  call list_rules { tag revision = user.revision }
}
assert {
  list_rules[revision="2025-11-25"].requests.count == 70
  list_rules[revision="2026-07-28"].requests.count == 30
  a.sessions.count == 20
}
"#,
    );
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    let results = scenario.results();
    assert_eq!(results.servers[0].revision, "70% 2025-11-25, 30% 2026-07-28");
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed(), counts.violations), (100, 0, 0), "{}", stdout(&output));
}

#[test]
fn each_revision_of_a_mix_has_to_be_spoken() {
    let modern_only = server(|mut call| call.answer());
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {modern_only}\n  protocol {{\n    50% 2026-07-28\n    50% 2025-06-18\n  }}\n}}\nscenario a {{\n  target s\n  stages {{ hold 1 user for 1s }}\n  run f\n}}\nflow f {{ call list_rules }}\n"
    ));
    let output = scenario.run(&[]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("server `s`: initialize"), "{}", stderr(&output));
}

/// A file whose flow calls `echo`.
fn echo(server: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{ {server} }}\nguard {{ allow tools [\"*\"] }}\nscenario a {{\n  target s\n  stages {{ iterations 3 shared by 1 user }}\n  run f\n}}\nflow f {{ call echo {{ args {{ \"text\": f\"ä {{user.iteration}}\", \"n\": user.iteration }} }} }}\n"
    ))
}

fn annotated(kind: &str, name: &str) -> serde_json::Value {
    let properties = json!({
        "text": { "type": "string", "x-mcp-header": "Text" },
        "n": { "type": kind, "x-mcp-header": "N" },
    });
    json!({ "name": name, "inputSchema": { "type": "object", "properties": properties } })
}

#[test]
fn arguments_are_repeated_in_headers_as_the_tools_ask() {
    let seen: Arc<Mutex<BTreeMap<u64, Vec<String>>>> = Arc::default();
    let record = Arc::clone(&seen);
    let server = server_with(&json!([annotated("integer", "echo")]), move |mut call| {
        let params = call.head.lines().filter(|line| line.starts_with("mcp-param-")).map(str::to_owned).collect();
        record.lock().unwrap().insert(call.number, params);
        call.answer()
    });
    let output = echo(&server).run(&[]);
    assert_exit(&output, 0);
    let seen = seen.lock().unwrap();
    for number in 0..3 {
        let [text, n] = seen[&number].as_slice() else { panic!("{seen:?}") };
        // `ä ` and the digit; the head was put into lower case.
        assert!(text.starts_with("mcp-param-text: =?base64?w6qg") && text.ends_with("?="), "{text}");
        assert_eq!(*n, format!("mcp-param-n: {number}"));
    }
}

#[test]
fn a_tool_that_asks_for_what_may_not_be_is_not_called() {
    let server =
        server_with(&json!([annotated("integer", "echo"), annotated("number", "other")]), |mut call| call.answer());
    let output = echo(&server).run(&[]);
    assert_exit(&output, 0);
    let note =
        "note: server `s`: the tool `other` cannot be called: `x-mcp-header` \"N\" stands on a property whose type";
    assert!(stderr(&output).contains(note), "{}", stderr(&output));

    let server = server_with(&json!([annotated("number", "echo")]), |mut call| call.answer());
    let output = echo(&server).run(&[]);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains("E609: the protocol forbids to call the tool `echo`") && !said.contains("note: server"),
        "{said}"
    );
}

#[test]
fn structured_results_are_held_against_their_schema() {
    let tool = |name: &str, schema: serde_json::Value| {
        json!({
            "name": name,
            "inputSchema": { "type": "object" },
            "outputSchema": schema,
            "annotations": { "readOnlyHint": true },
        })
    };
    let tools = json!([
        tool("echo", json!({ "type": "object", "properties": { "n": { "type": "integer" } } })),
        tool("other", json!({ "$ref": "http://127.0.0.1:1/schema.json" })),
    ]);
    let of = |result: &'static str| {
        let scenario = echo(&server_with(&tools, move |mut call| call.give(result)));
        let output = scenario.run(&[]);
        assert_exit(&output, 0);
        let note =
            "note: server `s`: the results of `other` are not checked: `http://127.0.0.1:1/schema.json` leads nowhere";
        assert!(stderr(&output).contains(note), "{}", stderr(&output));
        let seconds = scenario.results().recording.seconds;
        let found = seconds.into_iter().flat_map(|slice| slice.violations);
        found.map(|found| (found.violation.name(), found.message)).collect::<Vec<_>>()
    };
    // Of three iterations of one user the first is in the sample.
    assert_eq!(
        of(r#"{"resultType":"complete","content":[],"structuredContent":{"n":"1"}}"#),
        [("output_schema", "echo: `structuredContent.n`: \"1\" is not of type \"integer\"".to_owned())]
    );
    assert_eq!(
        of(r#"{"resultType":"complete","content":[]}"#),
        [("structured_content", "echo: the result has no `structuredContent`".to_owned())]
    );
    assert_eq!(of(r#"{"resultType":"complete","content":[],"structuredContent":{"n":1}}"#), []);
    assert_eq!(of(r#"{"resultType":"complete","content":[],"structuredContent":{"n":"1"},"isError":true}"#), []);
}
