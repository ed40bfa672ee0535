//! The files of `examples/suite` that suit any server, against servers of others: only
//! `server` is another, and what makes them short.

use std::fs;

use super::example::PROGRAM;
use super::install::{npm, python};
use crate::support::{example, mcpl, stderr, stdout};
use mcpl::results::{Results, Window};
use mcpl::verdict::{self, Judgement};

/// Without their endings.
const FILES: [&str; 5] = ["05-capacity", "06-session-churn", "08-list-heavy", "09-cold-start", "10-compliance"];

/// Few processes: a start in Python takes seconds where the other tests take the
/// processor.
const SHORT: [&str; 6] = ["low=5/s", "top=10/s", "pieces=6", "starts=6", "users=2 users", "time=3s"];

/// Runs all of them, and finds that each request was answered, and nothing broken but time.
#[track_caller]
fn answers(server: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (suite, kept) = (dir.path().join("suite"), dir.path().join("kept"));
    fs::create_dir(&suite).unwrap();
    for file in FILES {
        let name = format!("{file}.mcpl");
        fs::copy(example("suite").join(&name), suite.join(&name)).unwrap();
    }
    let mut command = mcpl();
    command.arg("run").arg(&suite).args(["--quiet", "--no-save", "--set", &format!("server={server}")]);
    for set in SHORT {
        command.args(["--set", set]);
    }
    let output = command.arg("--out").arg(&kept).output().unwrap();
    let told = format!("{}{}", stdout(&output), stderr(&output));
    for file in FILES {
        let results = Results::from_json(&fs::read_to_string(kept.join(format!("{file}.json"))).expect(&told)).unwrap();
        let counts = results.counts(&results.everything(), Window::Whole);
        assert!(counts.requests > 0, "{file}:\n{told}");
        assert_eq!((counts.failed(), counts.violations), (0, 0), "{file}:\n{told}");
        assert_eq!(results.servers[0].transport, "stdio", "{file}");
        // How long it takes is said of this machine, on which other tests run.
        let judged = verdict::judge(&results);
        let of_time = |judgement: &&Judgement| judgement.source.contains(" < ") && judgement.source.ends_with('s');
        for broken in judged.assertions.iter().filter(|judgement| !judgement.state.held()) {
            assert!(of_time(&broken), "{file}: {}:\n{told}", broken.source);
        }
    }
}

#[test]
fn the_general_files_suit_a_server_on_the_typescript_sdk() {
    let Some(place) = npm() else { return };
    answers(&format!("node {}", place.join(PROGRAM).display()));
}

#[test]
fn the_general_files_suit_a_server_on_the_python_sdk() {
    let Some(place) = python() else { return };
    answers(&format!("{} --local-timezone UTC", place.join("python/bin/mcp-server-time").display()));
}
