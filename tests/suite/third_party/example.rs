//! `examples/everything.mcpl` against the server that it is written for.

use std::fs;
use std::path::Path;

use super::install::npm;
use super::servers::Server;
use crate::support::{assert_exit, example, mcpl, stdout};
use mcpl::results::{Results, Window};

/// The program within the folder of what was installed.
pub const PROGRAM: &str = "node_modules/.bin/mcp-server-everything";

pub fn start(place: &Path) -> Server {
    Server::node(place, PROGRAM, |port, node| {
        node.arg("streamableHttp").env("PORT", port.to_string());
    })
}

#[test]
fn the_example_runs_against_server_everything_over_http_and_stdio() {
    let Some(place) = npm() else { return };
    let server = start(&place);
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run.json");
    let output = mcpl()
        .arg("run")
        .arg(example("everything.mcpl"))
        .arg("--out")
        .arg(&run)
        .env("EVERYTHING", place.join(PROGRAM))
        .env("EVERYTHING_URL", server.url())
        .output()
        .unwrap();
    assert_exit(&output, 0);
    let results = Results::from_json(&fs::read_to_string(run).unwrap()).unwrap();
    let transports: Vec<_> =
        results.servers.iter().map(|server| (server.transport.as_str(), server.revision.as_str())).collect();
    assert_eq!(transports, [("http", "2025-11-25"), ("stdio", "2025-11-25")]);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.failed(), counts.violations), (0, 0), "{}", stdout(&output));
    assert!(counts.requests > 200);
}

#[test]
fn the_example_fits_server_everything_and_a_wrong_argument_is_found() {
    let Some(place) = npm() else { return };
    let server = start(&place);
    let check = |path: &Path| {
        let mut command = mcpl();
        command.args(["check", "--live", "--format", "json"]).arg(path);
        command.env("EVERYTHING", place.join(PROGRAM)).env("EVERYTHING_URL", server.url()).output().unwrap()
    };
    let output = check(&example("everything.mcpl"));
    assert_exit(&output, 0);
    assert_eq!(stdout(&output).trim(), "[]");

    let text = fs::read_to_string(example("everything.mcpl")).unwrap();
    let mut wrong = text.clone();
    for (right, mistake) in [
        ("\"b\": 7", "\"b\": \"7\""),
        ("\"location\": \"New York\"", "\"location\": \"New Yrok\""),
        ("\"simple-prompt\"", "\"simple-promt\""),
        ("demo://resource/dynamic/text/", "demo://resources/dynamic/text/"),
    ] {
        assert!(wrong.contains(right), "{right}");
        wrong = wrong.replace(right, mistake);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wrong.mcpl");
    fs::write(&path, &wrong).unwrap();
    let output = check(&path);
    assert_exit(&output, 2);
    let found: Vec<serde_json::Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let told: Vec<_> =
        found.iter().map(|found| (found["code"].as_str().unwrap(), found["help"].as_str().unwrap())).collect();
    let codes: Vec<_> = told.iter().map(|(code, _)| *code).collect();
    // Both servers are asked for the prompt.
    assert_eq!(codes, ["E605", "W603", "E608", "E608", "E606"], "{told:?}");
    assert_eq!(told[0].1, "write `7`");
    assert_eq!(told[2].1, "write `prompt \"simple-prompt\"`");
    assert_eq!(told[4].1, "write `\"New York\"`");
}
