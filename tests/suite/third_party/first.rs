//! A run without a file against the reference server.

use std::process::Output;

use super::install::npm;
use super::servers::Server;
use crate::support::{assert_exit, mcpl, stderr, stdout};

const PROGRAM: &str = "node_modules/.bin/mcp-server-everything";

fn run(arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    mcpl().current_dir(dir.path()).args(["run", "--set", "time=3s"]).args(arguments).output().unwrap()
}

/// Nothing fails, and what only reads is called.
#[track_caller]
fn assert_called(output: &Output, server: &str) {
    assert_exit(output, 0);
    for part in [server, "call \"get-sum\"", "\"a\": 1", "read \"demo://resource/"] {
        assert!(stderr(output).contains(part), "{part:?} in:\n{}", stderr(output));
    }
    assert!(stderr(output).contains("#   toggle-simulated-logging: not marked read-only"), "{}", stderr(output));
    // It takes ten seconds for each.
    assert!(stderr(output).contains("#   trigger-long-running-operation: tried once: no answer within 5s"));
    assert!(stdout(output).contains("PASSED  the assertion held"), "{}", stdout(output));
}

#[test]
fn a_command_needs_no_file() {
    let Some(place) = npm() else { return };
    let program = place.join(PROGRAM).display().to_string();
    assert_called(&run(&["--", "node", &program]), "stdio [\"node\"");
}

#[test]
fn http_and_the_older_transport_are_told_apart() {
    let Some(place) = npm() else { return };
    for (transport, path, statement) in [("streamableHttp", "mcp", "http \""), ("sse", "sse", "sse \"")] {
        let server = Server::node(&place, PROGRAM, |port, node| {
            node.arg(transport).env("PORT", port.to_string());
        });
        assert_called(&run(&[&server.at(path)]), &format!("{statement}{}", server.at(path)));
    }
}
