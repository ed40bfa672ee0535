//! Servers that ask their client, tell of their progress and send updates.

use std::fs;
use std::process::{Command, Output};

use super::example::{PROGRAM, start};
use super::install::{npm, python};
use super::servers::Server;
use crate::support::{Scenario, assert_exit, example, mcpl, stdout};
use mcpl::results::{Results, Window};

#[test]
fn the_reference_server_is_answered_over_http_and_stdio() {
    let Some(place) = npm() else { return };
    let server = start(&place);
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run.json");
    let output = mcpl()
        .arg("run")
        .arg(example("conversation.mcpl"))
        .arg("--out")
        .arg(&run)
        .env("EVERYTHING", place.join(PROGRAM))
        .env("EVERYTHING_URL", server.url())
        .output()
        .unwrap();
    assert_exit(&output, 0);
    let results = Results::from_json(&fs::read_to_string(run).unwrap()).unwrap();
    let counts = results.counts(&results.everything(), Window::Whole);
    // A form and a sample in each of four sessions, and roots when it likes.
    assert!((8..=16).contains(&counts.questions), "{}", counts.questions);
}

#[test]
fn a_server_on_the_python_sdk_is_answered_by_rounds_and_by_requests() {
    let Some(place) = python() else { return };
    let beside = |name: &str| example("../tests/suite/third_party/asks").join(name);
    let server = Server::start(|port| {
        let mut python = Command::new(place.join("python/bin/python"));
        python.arg(beside("asks.py")).arg("http").arg(port.to_string());
        python
    });
    let scenario = Scenario::new(&fs::read_to_string(beside("asks.mcpl")).unwrap());
    let output: Output = mcpl()
        .arg("run")
        .arg(&scenario.file)
        .arg("--out")
        .arg(scenario.path("run.json"))
        .env("ASKS_URL", server.url())
        .output()
        .unwrap();
    assert_exit(&output, 0);
    let failures = scenario.results().recording.failures;
    let messages: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
    let expected =
        "the server asks for `elicitation/create` before it answers: add `answer elicitation { … }` to the server";
    assert_eq!(messages, [expected], "{}", stdout(&output));
}
