//! `mcpl check --live`, and the same check at the start of a run.

use std::net::TcpStream;
use std::process::Output;

use crate::support::{Scenario, answer, assert_exit, example, mcpl, misbehaving, stderr, stdout};

fn check(scenario: &Scenario, more: &[&str]) -> Output {
    mcpl().args(["check", "--live"]).arg(&scenario.file).args(more).output().unwrap()
}

/// One flow against the built-in server over stdio.
fn against_rulebook(flow: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  builtin rulebook\n}}\nscenario a {{\n  target s\n  stages {{ hold 5/s for 1s }}\n  run f\n}}\nflow f {{\n{flow}\n}}\n"
    ))
}

#[test]
fn the_examples_fit_the_built_in_server() {
    let directory = example("");
    let mut checked = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if path.extension().is_none_or(|ending| ending != "mcpl") || !text.contains("builtin rulebook") {
            continue;
        }
        let output = mcpl().args(["check", "--live"]).arg(&path).output().unwrap();
        assert_exit(&output, 0);
        assert!(stderr(&output).contains("no mistakes found"), "{}", stderr(&output));
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn what_the_built_in_server_offers_is_clean() {
    let scenario = against_rulebook(
        "call list_rules\ncall search_rules { args { \"query\": pick([\"naming\", \"tests\"]), \"limit\": 5 }\n save id = \
         structured.hits[0].id }\ncall get_rule { args { \"id\": id } }\ncall compose_rules { args { \"ids\": [id, \
         \"rule-0002\"], \"format\": \"markdown\" } }\nprompt apply_rules { args { \"ids\": id } }\nread \
         \"rule://stats\"\nread f\"rule://{id}\"",
    );
    let output = check(&scenario, &[]);
    assert_exit(&output, 0);
    assert!(stderr(&output).ends_with("no mistakes found\n"), "{}", stderr(&output));
}

const MISTAKES: &str = "call search_rules { args { \"query\": \"\", \"limit\": \"5\" } }\ncall compose_rules { args { \"id\": [] } }\nprompt apply_rules\nread \"rules://stats\"\ncall serch_rules";

#[test]
fn every_mistake_is_found_in_one_pass() {
    let output = check(&against_rulebook(MISTAKES), &["--format", "json"]);
    assert_exit(&output, 2);
    let found: Vec<serde_json::Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let codes: Vec<_> = found.iter().map(|found| found["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E606", "E605", "E604", "E603", "W603", "E601"], "{found:#?}");
    assert_eq!(found[1]["fix"]["edits"][0]["replacement"], "5");
    let output = check(&against_rulebook(MISTAKES), &["--format", "short"]);
    assert_exit(&output, 2);
    assert!(
        stdout(&output).contains("test.mcpl:11:50: error[E605]: `limit` must be an integer (write `5`)"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn without_the_option_nothing_is_asked() {
    let scenario = against_rulebook(MISTAKES);
    let output = mcpl().arg("check").arg(&scenario.file).output().unwrap();
    assert_exit(&output, 0);
}

#[test]
fn a_run_stops_for_errors_and_goes_on_after_warnings() {
    let output = against_rulebook(MISTAKES).run(&["--quiet"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("E605"), "{}", stderr(&output));
    let warned = against_rulebook("read \"rules://stats\" { expect error }");
    let output = warned.run(&["--quiet"]);
    assert_exit(&output, 0);
    assert!(stderr(&output).contains("W603: the server `s` lists no resource `rules://stats`"), "{}", stderr(&output));
    assert!(warned.path("run.json").exists());
}

#[test]
fn a_server_that_is_not_there_is_exit_code_3() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let text = |server: &str| {
        format!(
            "mcpl 1\nserver s {{ {server} }}\nscenario a {{\n  target s\n  stages {{ hold 1/s for 1s }}\n  run f\n}}\nflow f {{ call x }}\n"
        )
    };
    let gone = Scenario::new(&text(&format!("http \"http://{address}/mcp\"")));
    let output = check(&gone, &[]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("connection refused"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("no mistakes found"), "{}", stderr(&output));
    let broken = Scenario::new(&text("builtin rulebook"));
    let output = mcpl().args(["check", "--live"]).arg(&gone.file).arg(&broken.file).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("E601"), "one server does not keep the others from being asked");
}

/// A server of 2025-11-25 that says that it has tools only, and knows nothing
/// else; its words are not fit for a terminal.
fn bare(stream: TcpStream) {
    let mut stream = stream;
    let mut request = [0; 65536];
    loop {
        let read = std::io::Read::read(&mut stream, &mut request).unwrap_or(0);
        if read == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        let id: u64 = text
            .split("\"id\":")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
            .and_then(|id| id.parse().ok())
            .unwrap_or(0);
        let result = if text.contains("\"initialize\"") {
            "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{},\"prompts\":{}},\"serverInfo\":{\"name\":\"b\",\"version\":\"1\"}}"
        } else if text.contains("\"tools/list\"") {
            "\"result\":{\"tools\":[{\"name\":\"echo\\u001b[31m\",\"annotations\":{\"readOnlyHint\":true},\"inputSchema\":{\"type\":\"objekt\\u001b[31m\"}}]}"
        } else {
            "\"error\":{\"code\":-32601,\"message\":\"no such method\"}"
        };
        let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{result}}}");
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            if text.contains("notifications/") { "202 Accepted" } else { "200 OK" },
            if text.contains("notifications/") { 0 } else { body.len() }
        );
        let body = if text.contains("notifications/") { String::new() } else { body };
        if std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_server_that_has_tools_only_is_asked_for_no_more() {
    let url = misbehaving(bare);
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{ http \"{url}\" }}\nscenario a {{\n  target s\n  stages {{ hold 1/s for 1s }}\n  run f\n}}\nflow f {{\n  call \"echo\\u001b[31m\" {{ args {{ \"a\": 1 }} }}\n  call ech\n  prompt p\n  read \"x://y\"\n}}\n"
    ));
    let output = check(&scenario, &["--format", "json"]);
    assert_exit(&output, 2);
    let found: Vec<serde_json::Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let codes: Vec<_> = found.iter().map(|found| found["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["W602", "E601", "E608", "W603"], "{}", stderr(&output));
    let output = check(&scenario, &[]);
    assert!(!stderr(&output).contains('\u{1b}'), "{}", stderr(&output));
}

#[test]
fn what_is_no_mcp_server_is_exit_code_3() {
    let url = misbehaving(|stream| answer(stream, b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"));
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{ http \"{url}\" }}\nscenario a {{\n  target s\n  stages {{ hold 1/s for 1s }}\n  run f\n}}\nflow f {{ call x }}\n"
    ));
    assert_exit(&check(&scenario, &[]), 3);
}
