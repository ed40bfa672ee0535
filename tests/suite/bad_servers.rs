//! Servers that are not there, or not what they should be: each a clear message
//! and exit code 3, or a class of errors in the results.

use std::io::Read as _;

use mcpl::record::ErrorClass;
use mcpl::results::Window;

use crate::raw_server::{Then, server};
use crate::support::{answer, assert_exit, misbehaving, scenario_against, stderr};

/// The message for a server that cannot be set up.
#[track_caller]
fn refused(server: &str, expected: &str) {
    let output = scenario_against(server).run(&["--quiet"]);
    assert_exit(&output, 3);
    let said = stderr(&output);
    assert!(said.contains(expected), "expected {expected:?} in:\n{said}");
    assert!(said.contains("help: "), "it says what to do:\n{said}");
}

fn http(url: &str) -> String {
    format!("http \"{url}\"")
}

#[test]
fn nothing_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    refused(&http(&format!("http://{address}/mcp")), &format!("connection refused by {address}"));
}

#[test]
fn the_connection_is_closed() {
    let url = misbehaving(|mut stream| {
        let _ = stream.read(&mut [0; 65536]);
    });
    refused(&http(&url), "before answering");
}

#[test]
fn the_answer_is_html() {
    let page = |stream| {
        let body = "<html><body>Welcome</body></html>";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", body.len());
        answer(stream, format!("{head}{body}").as_bytes());
    };
    refused(&http(&misbehaving(page)), "answered HTML (text/html) instead of JSON or an event stream");
}

#[test]
fn there_is_never_an_answer() {
    let url = misbehaving(|mut stream| while stream.read(&mut [0; 65536]).is_ok_and(|read| read > 0) {});
    refused(&http(&url), "no answer within 2s");
}

#[test]
fn credentials_are_wanted() {
    let unauthorized = |stream| answer(stream, b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    refused(&http(&misbehaving(unauthorized)), "it wants credentials");
}

#[test]
fn the_child_exits_at_once() {
    refused(r#"stdio ["sh", "-c", "echo no config >&2; exit 3"]"#, "its last words were: no config");
}

#[test]
fn the_child_prints_rubbish() {
    refused(r#"stdio ["sh", "-c", "while read line; do echo rubbish; done"]"#, "rubbish");
}

#[test]
fn the_child_does_not_exist() {
    refused(r#"stdio ["/no/such/program"]"#, "cannot start `/no/such/program`");
}

#[test]
fn a_server_that_breaks_under_load_shows_in_its_class() {
    // It answers the handshake of the modern revision and the list of tools, and
    // every call with a broken connection.
    let scenario = scenario_against(&server(|mut call| {
        call.read();
        Then::Closes
    }));
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!(counts.requests, 40);
    assert_eq!(counts.errors.get(&ErrorClass::Transport), Some(&40), "{counts:?}");
    assert!(results.recording.failures.len() <= 5, "only some texts are kept");
}
