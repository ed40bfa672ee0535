//! What this machine allows, and what a run needs.

use std::process::{Command, Output};

use mcpl::record::{ErrorClass, Time};
use mcpl::results::{Ended, Results, Window};

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

/// What was printed, with its lines joined.
fn words(output: &Output) -> String {
    stdout(output).split_whitespace().collect::<Vec<_>>().join(" ")
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

/// A network of its own, which only this command sees, with ten local ports for
/// what it connects to.
const TEN_PORTS: &str = "ip link set lo up && echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range";

#[test]
fn local_ports_that_run_out_are_not_the_servers_fault() {
    let unshared = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "sh", "-c", command]).env("NO_COLOR", "1");
        unshare
    };
    if !unshared(TEN_PORTS).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine allows no network namespace");
        return;
    }
    let scenario = scenario("latency 2s", "hold 30/s for 1s");
    let output = unshared(&format!("{TEN_PORTS} && exec \"$0\" run \"$1\" --threads 1 --out \"$2\""))
        .arg(env!("CARGO_BIN_EXE_mcpl"))
        .arg(&scenario.file)
        .arg(scenario.path("run.json"))
        .output()
        .unwrap();
    assert_exit(&output, 5);
    let said = words(&output);
    assert!(said.contains("this machine has no local address or port left for it"), "{said}");
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert!(counts.errors.get(&ErrorClass::Local).is_some_and(|count| *count >= 15), "{:?}", counts.errors);
    assert_eq!(counts.errors.len(), 1, "{:?}", counts.errors);
}

/// Far more than one thread can begin, with a drain of one second.
fn overload(guard: &str, asserts: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{ builtin rulebook {{ rules 20 }} }}\n{guard}\nscenario a {{\n  target s\n  stages {{\n    hold 5000000/s for 2s\n    drain up to 1s\n  }}\n  run f\n}}\nflow f {{ call list_rules }}\n{asserts}\n"
    ))
}

/// The run has ended with its plan, and each of its arrivals is accounted for.
#[track_caller]
fn ends_with_its_plan(results: &Results) -> u64 {
    assert_eq!(results.run.ended, Ended::Completed);
    // 2 s of load, 1 s of drain, and what a busy machine may add.
    assert!(results.run.total_ms < 6_000, "{} ms", results.run.total_ms);
    let everything = results.everything();
    let rows = || results.scenario_rows(&everything, Window::Whole);
    let (started, dropped): (u64, u64) = (rows().map(|row| row.started).sum(), rows().map(|row| row.dropped).sum());
    assert_eq!(started + dropped, 10_000_000);
    dropped
}

#[test]
fn a_load_beyond_the_machine_ends_with_its_plan_and_is_invalid() {
    let scenario = overload("guard { max users 20 users }", "assert { errors.rate < 90% }");
    let output = scenario.run(&["--threads", "1"]);
    assert_exit(&output, 5);
    let said = words(&output);
    assert!(said.contains("INVALID the load generator was the bottleneck"), "{said}");
    assert!(said.contains("found no free virtual user and were dropped"), "{said}");
    assert!(
        said.contains("the load generator itself made the latency") || said.contains("a thread of the load"),
        "{said}"
    );
    let results = scenario.results();
    let dropped = ends_with_its_plan(&results);
    assert!(dropped > 9_000_000, "{dropped}");
    let answered = results.times(&results.everything(), Time::Latency, Window::Whole).count();
    assert!(answered > 40, "answers are read while work begins, and users begin again: {answered}");
}

#[test]
fn a_load_beyond_the_machine_without_a_limit_of_users_ends_with_its_plan() {
    let scenario = overload("", "");
    let output = scenario.run(&["--threads", "1"]);
    assert_exit(&output, 5);
    let said = words(&output);
    assert!(
        said.contains("could not begin before the load ended and were dropped: the load generator was late"),
        "{said}"
    );
    ends_with_its_plan(&scenario.results());
}

#[test]
fn a_file_that_asserts_on_the_generator_is_judged_by_that() {
    let accepted = "assert {\n  generator.lag.max < 1h\n  generator.cpu.max < 1000%\n}";
    let scenario = overload("guard { max users 20 users }", accepted);
    assert_exit(&scenario.run(&["--threads", "2"]), 0);
    ends_with_its_plan(&scenario.results());
}
