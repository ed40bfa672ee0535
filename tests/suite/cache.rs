//! `cache hints on`, from the file to the verdict.

use std::fs;

use crate::raw_server::listing;
use crate::support::{Scenario, assert_exit, stderr};

use mcpl::results::Window;

/// Speaks 2025-11-25 and nothing else.
const LEGACY: &str = r#"
give() { echo "{\"jsonrpc\":\"2.0\",\"id\":$id,$1}"; }
while read -r line; do
    id="${line#*\"id\":}"; id="${id%%,*}"
    case "$line" in
        *'"method":"initialize"'*)
            give '"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}';;
        *'"method":"tools/list"'*) give '"result":{"tools":[],"ttlMs":60000,"cacheScope":"public"}';;
        *'"method":"notifications/'*) ;;
        *) give '"error":{"code":-32601,"message":"Method not found"}';;
    esac
done
"#;

#[test]
fn a_server_without_hints_is_named() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s {\nstdio [\"/bin/sh\", \"server.sh\"]\ncwd \".\"\n}\n\
         scenario a {\ntarget s\nstages { iterations 2 shared by 1 users }\ncache hints on\nrun f\n}\n\
         flow f { list tools }\n",
    );
    fs::write(scenario.path("server.sh"), LEGACY).unwrap();
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    let note = "note: server `s` speaks 2025-11-25, which has no cache hints: nothing is kept";
    assert!(stderr(&output).contains(note), "{}", stderr(&output));
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.cached), (2, 0));
}

#[test]
fn users_ask_once_for_what_they_may_keep() {
    let tools = r#"{"resultType":"complete","tools":[{"name":"list_rules","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}],"ttlMs":60000,"cacheScope":"private"}"#;
    let server = listing(tools.to_owned(), |mut call| call.answer());
    let scenario = |hints: &str| {
        Scenario::new(&format!(
            "mcpl 1\nserver s {{\n{server}\n}}\n\
             scenario a {{\ntarget s\nstages {{ iterations 10 each by 2 users }}\n{hints}\nrun f\n}}\n\
             flow f {{\nlist tools {{ save name = result.tools[0].name }}\ncall list_rules {{ args {{ \"q\": name }} }}\n}}\n\
             assert {{\ncached.count == 18\nrequests.count == 22\nerrors.count == 0\n}}\n"
        ))
    };
    let cached = scenario("cache hints on");
    assert_exit(&cached.run(&[]), 0);
    let results = cached.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.cached, counts.failed()), (22, 18, 0));

    let asked = scenario("");
    assert_exit(&asked.run(&[]), 1);
    let results = asked.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.cached), (40, 0));
    assert!(!results.to_json().contains("\"cached\":"), "a file without it is as it was");
}
