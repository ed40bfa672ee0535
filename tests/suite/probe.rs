//! `mcpl probe`: what a server is, in text and JSON, and what is wrong with it.

use std::io::{Read as _, Write as _};
use std::process::Output;

use crate::support::{assert_exit, mcpl, misbehaving, stderr, stdout};

fn probe(arguments: &[&str]) -> Output {
    mcpl().arg("probe").args(arguments).output().unwrap()
}

const SERVE: [&str; 4] = [env!("CARGO_BIN_EXE_mcpl"), "serve", "rulebook", "--stdio"];

#[test]
fn the_built_in_server_speaks_everything_and_breaks_nothing() {
    let output = probe(&[&["--json", "--"][..], &SERVE].concat());
    assert_exit(&output, 0);
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&found["name"], &found["transport"]), (&"rulebook".into(), &"stdio".into()));
    assert_eq!(found["revision"], "2026-07-28");
    let revisions: Vec<_> = found["revisions"].as_array().unwrap().iter().map(|of| of["revision"].clone()).collect();
    assert_eq!(revisions, ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]);
    assert!(found["revisions"].as_array().unwrap().iter().all(|of| of["connect_ns"].as_u64() > Some(0)));
    let list = |what: &str| found["lists"].as_array().unwrap().iter().find(|list| list["what"] == what).unwrap();
    assert_eq!((&list("tools")["count"], &list("tools")["read_only"]), (&7.into(), &5.into()));
    assert!(list("resources")["count"].as_u64() > Some(100) && list("resources")["pages"].as_u64() > Some(1));
    assert_eq!(found["violations"], serde_json::json!([]));
}

#[test]
fn the_text_fits_on_a_screen() {
    let output = probe(&[&["--"][..], &SERVE].concat());
    assert_exit(&output, 0);
    let said = stdout(&output);
    for part in ["rulebook ", "· stdio · MCP 2026-07-28", "5 read-only", "tools: ", "no violations of the protocol"] {
        assert!(said.contains(part), "{part:?} in:\n{said}");
    }
    assert!(said.lines().count() < 24 && said.lines().all(|line| line.chars().count() <= 160), "{said}");
}

#[test]
fn what_is_wrong_is_told_with_its_rule() {
    let url = misbehaving(|mut stream| {
        let mut request = vec![0; 65536];
        while let Ok(read @ 1..) = stream.read(&mut request) {
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let id = text.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or("1");
            let result = if text.contains("server/discover") {
                r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"},"ttlMs":0,"cacheScope":"public"}"#
            } else if text.contains("tools/list") {
                r#"{"tools":[{"name":"a\u001b[31m","inputSchema":{"type":"object"}}]}"#
            } else {
                return;
            };
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
            if stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).is_err() {
                return;
            }
        }
    });
    let output = probe(&[&url]);
    assert_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.contains("! result_type (1): the result of tools/list"), "{said}");
    assert!(said.contains("! cache_hints (1): the result of tools/list has no `ttlMs`"), "{said}");
    assert!(said.contains("MCP 2026-07-28, schema: every result has `resultType`"), "{said}");
    assert!(!said.contains('\u{1b}'), "nothing of a server's reaches the terminal as it is: {said}");
}

#[test]
fn what_cannot_be_probed_says_why() {
    let table: [(&[&str], i32, &str); 7] = [
        (&[], 2, "required arguments"),
        (&["ftp://localhost/mcp"], 2, "`ftp` URLs are not supported"),
        (&["https://127.0.0.1:1/mcp"], 3, "connection refused by 127.0.0.1:1"),
        (&["http://127.0.0.1:1/mcp", "--header", "nonsense"], 2, "write `--header \"Name: value\"`"),
        (&["http://127.0.0.1:1/mcp", "--", "node"], 2, "cannot be used with"),
        (&["http://127.0.0.1:1/mcp"], 3, "check that the server runs and that `http://127.0.0.1:1/mcp` is its address"),
        (&["--", "/no/such/program"], 3, "cannot start `/no/such/program`"),
    ];
    for (arguments, code, expected) in table {
        let output = probe(arguments);
        assert_exit(&output, code);
        let said = stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
