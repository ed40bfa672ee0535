//! A server that wants to know something before it answers, over the standard
//! streams of a child process.

use std::fs;

use mcpl::results::Window;

use crate::support::{Scenario, assert_exit};

/// Asks for a name and for the roots, then for nothing but its own state, and
/// answers when it has all that it wants. Keeps each call.
const SERVER: &str = r#"
give() { echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
while read -r line; do
    id="${line#*\"id\":}"; id="${id%%,*}"
    case "$line" in
        *'"method":"server/discover"'*)
            give '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"asks","version":"1"}}}';;
        *'"method":"tools/list"'*)
            give '{"resultType":"complete","ttlMs":0,"cacheScope":"public","tools":[{"name":"greet","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]}';;
        *'"method":"tools/call"'*)
            echo "$line" >> calls
            case "$line" in
                *'"requestState":"two"'*)
                    give '{"resultType":"complete","content":[{"type":"text","text":"hello"}]}';;
                *'"inputResponses":{"where":{"roots":[]},"who":{"action":"accept","content":{"name":"Bo"}}},"requestState":"one"'*)
                    give '{"resultType":"input_required","requestState":"two"}';;
                *)
                    give '{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}},"where":{"method":"roots/list"}},"requestState":"one"}';;
            esac;;
    esac
done
"#;

#[test]
fn over_stdio_a_request_is_sent_again_until_the_server_is_content() {
    let scenario = Scenario::new(
        r#"mcpl 1
server s {
  stdio ["/bin/sh", "server.sh"]
  cwd "."
  answer elicitation { "action": "accept", "content": { "name": "Bo" } }
  answer roots { "roots": [] }
}
scenario a {
  target s
  stages { iterations 4 shared by 2 users }
  run f
}
flow f {
  call greet {
    expect text == "hello"
  }
}
"#,
    );
    fs::write(scenario.path("server.sh"), SERVER).unwrap();
    assert_exit(&scenario.run(&[]), 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed(), counts.rounds, counts.questions), (4, 0, 8, 8));
    let calls = fs::read_to_string(scenario.path("calls")).unwrap();
    assert_eq!(calls.lines().count(), 12);
    let declared = r#""io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}},"roots":{}}"#;
    assert!(calls.lines().all(|call| call.contains(declared)), "{calls}");
}
