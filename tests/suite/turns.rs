//! `mcpl compare --a TARGET --b TARGET FILE`: runs of two builds in turns.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use mcpl::results::Results;
use mcpl::verdict::compare::{Change, Comparison};

use crate::support::{Rulebook, Scenario, assert_exit, example, journals, mcpl, stderr, stdout};

/// Some calls at once, and nothing that takes long.
fn calls(server: &str) -> Scenario {
    file(&format!("server s {{\n  {server}\n  connect_timeout 2s\n}}"), "target s")
}

fn file(servers: &str, target: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nparam calls = 8\n{servers}\nscenario a {{\n  {target}\n  stages {{ iterations calls shared by 4 users \
         within 10s }}\n  run f\n}}\nflow f {{ call list_rules }}\n"
    ))
}

const RULEBOOK: &str = "builtin rulebook { rules 20 }";

fn compare(scenario: &Scenario, more: &[&str]) -> Output {
    mcpl().arg("compare").args(more).arg(&scenario.file).output().unwrap()
}

/// The sides in the order in which they were run.
fn order(output: &Output) -> String {
    let said = stderr(output);
    let lines = said.lines().filter(|line| line.starts_with("pair ") && line.contains(": p50 "));
    lines.map(|line| line.split(": p50").next().unwrap().chars().last().unwrap()).collect()
}

fn results(scenario: &Scenario, name: &str) -> Results {
    Results::from_json(&fs::read_to_string(scenario.path(name)).unwrap()).unwrap()
}

#[test]
fn sides_take_turns_by_seed_and_pairs_send_the_same() {
    let scenario = calls(RULEBOOK);
    let out = scenario.path("kept").display().to_string();
    let more = ["--runs", "4", "--force", "--seed", "3", "--out", &out, "--format", "json"];
    let sides = ["--a", "builtin rulebook --rules=21", "--b", "builtin rulebook --rules=22"];
    let output = compare(&scenario, &[&more[..], &sides].concat());
    let found = order(&output);
    assert_eq!(found.len(), 8, "{}", stderr(&output));
    // Of the two pairs of a block each side begins one: ABBA or BAAB.
    assert!([&found[..4], &found[4..]].iter().all(|block| ["ABBA", "BAAB"].contains(block)), "{found}");
    let comparison: Comparison = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((comparison.old.len(), comparison.new.len()), (4, 4));
    assert_eq!(
        comparison,
        serde_json::from_str(&fs::read_to_string(scenario.path("kept/comparison.json")).unwrap()).unwrap()
    );
    for pair in 1..=4 {
        let [a, b] = ["a", "b"].map(|side| results(&scenario, &format!("kept/0{pair}-{side}.json")));
        assert_eq!((a.plan.seed, b.plan.seed), (pair + 2, pair + 2));
        let options =
            |run: &Results| serde_json::to_value(&run.plan.servers[0].endpoint).unwrap()["builtin"]["options"].clone();
        assert_eq!((options(&a), options(&b)), (serde_json::json!(["--rules=21"]), serde_json::json!(["--rules=22"])));
        let at = usize::try_from(pair - 1).unwrap();
        assert_eq!((&comparison.old[at].id, &comparison.new[at].id), (&a.run.id, &b.run.id));
    }
    assert!(journals(&scenario).is_empty());
    // Runs of two comparisons in one directory could not be told apart.
    let mixed = compare(&scenario, &[&more[..], &sides].concat());
    assert_exit(&mixed, 2);
    let said = stderr(&mixed);
    assert!(said.contains("has an earlier comparison: `") && order(&mixed).is_empty(), "{said}");
    let again = compare(&scenario, &[&more[..5], &sides].concat());
    assert_eq!(order(&again), found);
}

#[test]
fn programs_of_the_command_line_are_found_from_where_it_is_given() {
    let scenario = Scenario::new("");
    let new = scenario.path("new/scenarios");
    fs::create_dir_all(&new).unwrap();
    fs::create_dir(scenario.path("old")).unwrap();
    let text = fs::read_to_string(&calls("stdio [\"./server\"]").file).unwrap();
    fs::write(new.join("calls.mcpl"), text).unwrap();
    for build in ["old", "new"] {
        script(&scenario.path(&format!("{build}/server")), "");
    }
    let given = |a: &str| {
        let mut command = mcpl();
        command.current_dir(scenario.dir.path()).args(["compare", "--runs", "1", "--force", "--a", a]);
        command.args(["--b", "./new/server", "new/scenarios/calls.mcpl"]).output().unwrap()
    };
    let output = given("old/server");
    assert_exit(&output, 0);
    assert_eq!(order(&output).len(), 2);
    let missing = given("older/server");
    assert_exit(&missing, 3);
    let here = fs::canonicalize(scenario.dir.path()).unwrap();
    let words = format!("side A: there is no `older/server` in `{}`", here.display());
    assert!(stderr(&missing).contains(&words), "{}", stderr(&missing));
}

/// A program that serves over stdio, after some commands of a shell.
fn script(path: &Path, before: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let program = env!("CARGO_BIN_EXE_mcpl");
    fs::write(path, format!("#!/bin/sh\n{before}\nexec '{program}' serve rulebook --stdio --rules=20\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn pairs_that_are_whole_count_when_a_server_is_gone() {
    let scenario = calls("stdio [\"./old\"]");
    let [old, server, alive] = ["old", "new", "alive"].map(|name| scenario.path(name));
    script(&old, "");
    script(&server, &format!("[ -e '{}' ] || exit 1", alive.display()));
    fs::write(&alive, "").unwrap();
    let report = scenario.path("c.md");
    let mut child = mcpl()
        .args(["compare", "--runs", "200", "--report", &format!("markdown={}", report.display())])
        .args(["--b", &server.display().to_string()])
        .arg(&scenario.file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.by_ref().filter(|line| line.starts_with("pair 1 of 200, ")).take(2).count(), 2);
    fs::remove_file(&alive).unwrap();
    let said = lines.collect::<Vec<_>>().join("\n");
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 3);
    assert!(said.contains("side B: server `s`"), "{said}");
    let printed = stdout(&output);
    assert!(printed.contains("unreachable after ") && printed.contains(" of 200 pairs"), "{printed}");
    assert!(fs::read_to_string(report).unwrap().to_lowercase().contains("unreachable after "));
}

#[test]
fn a_full_standard_output_takes_no_file_with_it() {
    let scenario = calls(RULEBOOK);
    let [out, junit] = ["kept", "c.xml"].map(|name| scenario.path(name));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = mcpl()
        .args(["compare", "--runs", "1", "--force", "--out"])
        .arg(&out)
        .args(["--report", &format!("junit={}", junit.display())])
        .arg(&scenario.file)
        .stdout(full)
        .output()
        .unwrap();
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("cannot write to standard output"), "{said}");
    assert!(said.contains("\n1 pair of runs, at least "), "{said}");
    assert!(out.join("comparison.json").exists() && junit.exists());
}

#[test]
fn a_slower_build_has_regressed_and_reports_say_so() {
    let scenario = calls(RULEBOOK);
    let [markdown, junit] = ["c.md", "c.xml"].map(|name| scenario.path(name));
    let output = compare(
        &scenario,
        &[
            "--b",
            "builtin rulebook --rules=20 --latency=60ms",
            "--runs",
            "7",
            "--quiet",
            "--report",
            &format!("markdown={}", markdown.display()),
            "--report",
            &format!("junit={}", junit.display()),
        ],
    );
    assert_exit(&output, 1);
    assert_eq!(stderr(&output), "");
    assert!(stdout(&output).contains("REGRESSED"), "{}", stdout(&output));
    assert!(fs::read_to_string(markdown).unwrap().starts_with("## ❌ Regressed"));
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains(r#"<testcase classname="comparison" name="latency.p50">"#), "{junit}");
    assert!(junit.contains(r#"<failure type="regressed""#), "{junit}");
    assert!(junit.contains(r#"<testcase classname="comparison" name="errors.rate"/>"#), "{junit}");
    closes_in_order(&junit);
}

/// Whether the elements of a document are closed in order.
#[track_caller]
fn closes_in_order(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1).filter_map(|part| part.split('>').next()) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{text}"),
            None if tag.starts_with('?') || tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn one_server_may_be_compared_with_itself() {
    let rulebook = Rulebook::start(&["--rules", "20"]);
    let scenario = calls(&format!("at \"{}\"", rulebook.url));
    let output = compare(&scenario, &["--runs", "1", "--force"]);
    assert_exit(&output, 0);
    assert!(stderr(&output).contains("both sides are the same"), "{}", stderr(&output));
    assert!(stdout(&output).contains("DESCRIPTIVE"), "{}", stdout(&output));
}

#[test]
fn a_parameter_may_make_the_difference_and_a_server_is_named_among_several() {
    let two = "param delay = 0ms\nserver s {\n  builtin rulebook {\n    rules 20\n    latency delay\n  }\n}\nserver t {\n  \
               builtin rulebook { rules 20 }\n}";
    let scenario = file(two, "target {\n    50% s\n    50% t\n  }");
    let output = compare(
        &scenario,
        &["--set-b", "delay=30ms", "--a", "t=builtin rulebook --rules=30", "--runs", "1", "--force"],
    );
    assert_exit(&output, 0);
    assert!(stderr(&output).starts_with("A  t=builtin rulebook --rules=30\nB  delay=30ms\n"), "{}", stderr(&output));
    let unnamed = compare(&scenario, &["--a", "builtin rulebook"]);
    assert_exit(&unnamed, 2);
    assert!(
        stderr(&unnamed).contains("name it: `--a \"s=builtin rulebook\"`; the file has `s`, `t`"),
        "{}",
        stderr(&unnamed)
    );
}

#[test]
fn what_cannot_come_to_a_verdict_is_refused_before_any_load() {
    let scenario = calls(RULEBOOK);
    let out = scenario.path("kept").display().to_string();
    let itself = format!("text={out}/comparison.json");
    let refused: [(&[&str], i32, &str); 11] = [
        (&["--a", "foo=./server"], 2, "the file has no server `foo`\n  help: name one that it has: `s`"),
        (&["--set-b", "nope=1"], 2, "`--set-b nope=…`: the file has no `param nope`"),
        (&["--runs", "8", "--out", &out, "--report", &itself], 2, "comparison.json` is named for two things"),
        (&["--runs", "6"], 2, "make at least 7 pairs"),
        (&["--b", "http://127.0.0.1:1/mcp"], 3, "side B: server `s`: connection refused"),
        (&["--a", "http://127.0.0.1:1/mcp"], 3, "side A: server `s`: connection refused"),
        (&["--a", "builtin rulebok"], 2, "unknown built-in server"),
        (&["--b", "https://example.com/mcp"], 2, "E501"),
        (&["--set-b", "calls=9"], 5, "the two sides are not the same load: scenario `a`"),
        (&["--runs", "8", "--report", "pdf=x.pdf"], 2, "there is no report format `pdf`"),
        (&["--runs", "8", "--baseline", "x"], 2, "cannot be used with"),
    ];
    for (more, code, words) in refused {
        let output = compare(&scenario, more);
        assert_exit(&output, code);
        let said = stderr(&output);
        assert!(said.contains(words) && order(&output).is_empty(), "{more:?}: {said}");
        assert_eq!(stdout(&output), "");
    }
    let search = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook }\nscenario a {\n  target s\n  stages {\n    seek 10/s -> 20/s step 10/s while latency.p95 < 1s\n  }\n  run f\n}\nflow f { call list_rules }\n",
    );
    let output = compare(&search, &["--runs", "8"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("searches for a limit"), "{}", stderr(&output));
}

#[test]
fn a_load_that_is_never_made_is_tried_again_and_then_given_up() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook {\n  rules 20\n  latency 50ms\n}  }\nscenario a {\n  target s\n  stages {\n    hold 100/s for 300ms\n    max users 1 user\n  }\n  run f\n}\nflow f { call list_rules }\n",
    );
    let output = compare(&scenario, &["--runs", "8"]);
    assert_exit(&output, 5);
    let said = stderr(&output);
    assert_eq!(said.matches("is of no use and is made again").count(), 2, "{said}");
    assert!(said.contains("no pair of runs is of use: side ") && said.contains("of its arrivals"), "{said}");
    // The other side of a pair that is of no use is not run.
    assert_eq!(order(&output).len(), 3, "{said}");
}

#[test]
fn pairs_that_are_whole_count_after_an_interruption() {
    let scenario = calls("builtin rulebook {\n  rules 20\n  latency 100ms\n}");
    let mut child = mcpl()
        .args(["compare", "--runs", "200", "--set", "calls=4"])
        .arg(&scenario.file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let seen = lines.by_ref().filter(|line| line.starts_with("pair 1 of 200, ")).take(2).count();
    assert_eq!(seen, 2);
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 130);
    let said = stdout(&output);
    assert!(said.contains("INCONCLUSIVE  interrupted after ") && said.contains(" of 200 pairs"), "{said}");
    assert_eq!(Change::Inconclusive.exit_code(), 5, "which is not what an interruption says");
}

#[test]
fn the_workflow_in_the_book_is_that_of_the_examples_and_its_commands_have_these_options() {
    let workflow = fs::read_to_string(example("ci/github.yml")).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    assert!(fs::read_to_string(page).unwrap().contains(&workflow), "docs/ci.md has another workflow");
    let joined = workflow.replace("\\\n", " ");
    let commands: Vec<&str> = joined.lines().map(str::trim).filter(|line| line.starts_with("mcpl ")).collect();
    assert_eq!(commands.len(), 2);
    for command in commands {
        // Options are read up to the one that asks for help.
        let output = mcpl().args(command.split_whitespace().skip(1)).arg("--help").output().unwrap();
        assert_exit(&output, 0);
    }
}
