//! What this machine allows, and what a run needs.

use std::process::{Command, Output};

use mcpl::record::ErrorClass;
use mcpl::results::Window;

use crate::support::{Scenario, assert_exit, stderr, stdout};

/// `mcpl run` under a limit of descriptors that `ulimit` sets with `options`.
fn run_with_ulimit(scenario: &Scenario, options: &str) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit {options} && exec \"$0\" run \"$1\" --threads 1 --out \"$2\""))
        .arg(env!("CARGO_BIN_EXE_mcpl"))
        .arg(&scenario.file)
        .arg(scenario.path("run.json"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn scenario(server: &str, stages: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{ builtin rulebook {{ rules 20\n {server} }} }}\nscenario a {{\n  target s\n  stages {{ {stages} }}\n  run f\n}}\nflow f {{ call list_rules }}\n"
    ))
}

#[test]
fn too_few_descriptors_are_found_before_the_start() {
    let scenario = scenario("", "iterations 60 shared by 60 users");
    let output = run_with_ulimit(&scenario, "-n 60");
    assert_exit(&output, 3);
    let said = stderr(&output);
    assert!(said.contains("open descriptors at once, and this machine allows it 60"), "{said}");
    let needed = said.split("`ulimit -n ").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    assert!(needed.parse::<u64>().unwrap() > 60, "{said}");
    assert!(!said.contains("running"), "nothing was sent: {said}");
    // The command that it names mends it.
    assert_exit(&run_with_ulimit(&scenario, &format!("-n {needed}")), 0);
}

#[test]
fn a_limit_that_may_be_raised_is_raised() {
    let scenario = scenario("", "iterations 60 shared by 60 users");
    let output = run_with_ulimit(&scenario, "-Sn 60");
    assert_exit(&output, 0);
    let results = scenario.results();
    assert!(results.environment.open_files > 60, "{}", results.environment.open_files);
    let most = results.recording.seconds.iter().map(|slice| slice.health.open_files).max().unwrap();
    assert!(!cfg!(target_os = "linux") || most > 0);
}

#[test]
fn descriptors_that_run_out_are_not_the_servers_fault() {
    // 100 users at a time by and by; at the start nobody can know.
    let scenario = scenario("latency 2s", "hold 50/s for 2s");
    let output = run_with_ulimit(&scenario, "-n 70");
    assert_exit(&output, 5);
    assert!(stdout(&output).contains("INVALID"), "{}", stdout(&output));
    assert!(stdout(&output).contains("no descriptor is left"), "{}", stdout(&output));
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert!(counts.errors.get(&ErrorClass::Local).is_some_and(|count| *count > 10), "{:?}", counts.errors);
}

#[test]
fn sockets_are_counted_second_by_second() {
    let web = scenario("", "hold 5 users for 2s");
    assert_exit(&web.run(&["--quiet"]), 0);
    let results = web.results();
    assert_eq!(results.recording.seconds[0].health.open_sockets, 5, "each user has a connection");
    let child = scenario("stdio on", "hold 2 users for 1s");
    assert_exit(&child.run(&["--quiet"]), 0);
    let most = child.results().recording.seconds.iter().map(|slice| slice.health.open_sockets).max();
    assert_eq!(most, Some(0), "pipes are no sockets");
}
