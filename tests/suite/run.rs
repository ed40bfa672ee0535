//! `mcpl run` on the built-in server, and what follows from its results.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use mcpl::record::ErrorClass;
use mcpl::results::{Ended, Window};
use mcpl::verdict::{self, Outcome, State};

use crate::raw_server::server;
use crate::support::{Scenario, assert_exit, example, mcpl, stderr, stdout};

const SMALL: &str = r#"mcpl 1
server rules { builtin rulebook { rules 20 } }
scenario look {
  target rules
  warmup 1s
  stages { hold 100/s for 3s }
  run search
}
flow search {
  call search_rules {
    args { "query": "naming", "limit": 3 }
    expect length(structured.hits) > 0 as "finds something"
    save best = structured.hits[0].id
  }
  call get_rule {
    args { "id": best }
    expect structured.id == best
  }
}
assert {
  look.errors.rate == 0%
  look.latency.p50 < 10s
  expect("finds something").rate == 100%
}
"#;

#[test]
fn the_quickstart_passes_and_writes_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let (run, html) = (dir.path().join("run.json"), dir.path().join("report.html"));
    let output = mcpl()
        .arg("run")
        .arg(example("quickstart.mcpl"))
        .arg("--out")
        .arg(&run)
        .arg("--report")
        .arg(format!("html={}", html.display()))
        .output()
        .unwrap();
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("PASSED"), "{}", stdout(&output));
    let html = fs::read_to_string(html).unwrap();
    assert!(html.contains("<!DOCTYPE html>") || html.contains("<!doctype html>"));
    let judged = mcpl().arg("judge").arg(&run).output().unwrap();
    assert_exit(&judged, 0);
    assert_eq!(stdout(&judged), stdout(&output), "the verdict is repeated from the file alone");
}

#[test]
fn every_arrival_is_served_and_the_warm_up_is_kept_apart() {
    let scenario = Scenario::new(SMALL);
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    let results = scenario.results();
    // 2 of 3 seconds are measured, 100 arrivals each, 2 requests each.
    assert_eq!(results.counts(&results.everything(), Window::Whole).requests, 400);
    assert_eq!(results.servers[0].server_name, "rulebook");
    assert_eq!(results.run.ended, Ended::Completed);
}

#[test]
fn an_impossible_limit_fails_and_the_report_says_which_and_by_how_much() {
    let scenario = Scenario::new(&SMALL.replace("look.latency.p50 < 10s", "look.latency.p50 < 1ns"));
    let output = scenario.run(&["--report", &format!("html={}", scenario.path("report.html").display())]);
    assert_exit(&output, 1);
    let summary = stdout(&output);
    assert!(summary.contains("FAILED"), "{summary}");
    assert!(summary.contains("look.latency.p50 < 1ns"), "{summary}");
    let html = fs::read_to_string(scenario.path("report.html")).unwrap();
    let first_screen = html.split("id=\"assertions\"").next().unwrap();
    assert!(first_screen.contains("look.latency.p50 &lt; 1ns") && first_screen.contains("times the limit of 1ns"));
    let results = scenario.results();
    let verdict = verdict::judge(&results);
    assert_eq!(verdict.outcome, Outcome::Failed);
    let failed = &verdict.assertions[1];
    assert_eq!(failed.state, State::Failed);
    assert!(failed.explanation.contains("times the limit of 1ns"), "{}", failed.explanation);
}

#[test]
fn too_few_samples_fail_an_assertion() {
    let scenario = Scenario::new(&SMALL.replace("look.latency.p50 < 10s", "look.latency.p99.9 < 10s"));
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 1);
    let verdict = verdict::judge(&scenario.results());
    assert_eq!(verdict.assertions[1].state, State::TooFewSamples);
    assert_eq!(verdict.assertions[1].explanation, "too few samples: 400 of the 3688 that p99.9 needs");
}

#[test]
fn the_same_seed_sends_the_same_whatever_the_number_of_threads() {
    let text = SMALL.replace("\"naming\"", "pick([\"naming\", \"errors\", \"tests\"])");
    let sent = |threads: &str| {
        let scenario = Scenario::new(&text);
        assert_exit(&scenario.run(&["--threads", threads, "--seed", "7"]), 0);
        let results = scenario.results();
        let counts = results.counts(&results.everything(), Window::Whole);
        (results.plan_hash.clone(), counts.requests, counts.bytes_in)
    };
    let (one, two) = (sent("1"), sent("2"));
    assert_eq!((&one.0, one.1), (&two.0, two.1));
}

/// What a run with so many threads sends, without the ids: in no order.
fn sent_with(threads: &str) -> Vec<String> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&sent);
    let server = server(move |mut call| {
        call.recorded(|request| {
            let request: serde_json::Value = serde_json::from_str(request).unwrap();
            list.lock().unwrap().push(request["params"].to_string());
        })
    });
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{\n{server}\n}}\ndata rows {{\norder shuffle\nat_end wrap\nrows [{{\"n\": 1}}, {{\"n\": 2}}, {{\"n\": 3}}]\n}}\n\
         scenario a {{\ntarget s\nstages {{\narrivals poisson\nramp 20/s -> 80/s over 2s\n}}\nmix {{\n70% one\n30% two\n}}\n}}\n\
         flow one {{\ncall list_rules {{\nargs {{ \"tag\": pick([\"a\", \"b\", \"c\"]), \"limit\": random(1..99) }}\n}}\n}}\n\
         flow two {{\ntake row from rows\ncall list_rules {{\nargs {{ \"tag\": uuid(), \"n\": row.n, \"t\": unique() }}\n}}\n\
         call list_rules {{\nargs {{ \"tag\": unique() }}\n}}\n}}\n"
    ));
    assert_exit(&scenario.run(&["--threads", threads, "--seed", "7", "--quiet"]), 0);
    let mut sent = sent.lock().unwrap().clone();
    sent.sort();
    sent
}

#[test]
fn a_server_that_records_sees_the_same_requests_from_one_thread_and_from_two() {
    let (one, two) = (sent_with("1"), sent_with("2"));
    assert!(one.len() > 100, "{}", one.len());
    assert_eq!(one, two);
}

#[test]
fn a_stored_run_is_rendered_in_every_format_without_another_run() {
    let scenario = Scenario::new(SMALL);
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let render = |arguments: &[&str]| {
        let output = mcpl().arg("report").arg(scenario.path("run.json")).args(arguments).output().unwrap();
        assert_exit(&output, 0);
        stdout(&output)
    };
    assert!(render(&["--format", "html"]).contains("search_rules"));
    assert!(render(&["--format", "markdown"]).contains("search_rules"));
    assert!(render(&["--format", "junit"]).contains("<testsuite"));
    assert!(render(&[]).contains("PASSED"));
    assert_eq!(render(&["--format", "html"]), render(&["--format", "html"]));
    let template = scenario.path("mine.txt.j2");
    fs::write(&template, "{{ verdict.word }} {{ steps | length }} steps\n").unwrap();
    assert_eq!(render(&["--template", template.to_str().unwrap()]), "passed 2 steps\n");
}

#[test]
fn a_template_with_a_mistake_points_at_its_line() {
    let scenario = Scenario::new(SMALL);
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let template = scenario.path("mine.txt.j2");
    fs::write(&template, "one\n{{ verdcit.word }}\n").unwrap();
    let output = mcpl().arg("report").arg(scenario.path("run.json")).arg("--template").arg(&template).output().unwrap();
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("mine.txt.j2") && said.contains('2') && said.contains("verdcit"), "{said}");
}

#[test]
fn an_interrupted_run_keeps_and_reports_what_was_measured() {
    let scenario = Scenario::new(&SMALL.replace("for 3s", "for 60s").replace("warmup 1s", ""));
    let mut child = mcpl()
        .arg("run")
        .arg(&scenario.file)
        .arg("--out")
        .arg(scenario.path("run.json"))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // A line for a finished second says that the load is under way.
    lines.by_ref().map(Result::unwrap).find(|line| line.contains("3s of 1m")).expect("the run goes on");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest:?}");
    assert!(stdout(&output).contains("INTERRUPTED"), "{}", stdout(&output));
    let results = scenario.results();
    assert_eq!(results.run.ended, Ended::Interrupted);
    let requests = results.counts(&results.everything(), Window::Whole).requests;
    assert!((400..4_000).contains(&requests), "{requests} of what was measured until then");
}

#[test]
fn results_are_kept_when_their_place_is_full() {
    let scenario = Scenario::new(SMALL);
    let output = mcpl()
        .arg("run")
        .arg(&scenario.file)
        .args(["--quiet", "--report", "html=/dev/full"])
        .env("TMPDIR", scenario.dir.path())
        .output()
        .unwrap();
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("no space left on device"), "{said}");
    let kept = fs::read_dir(scenario.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "json"))
        .expect("the results are kept");
    assert!(said.contains(kept.to_str().unwrap()), "{said}");
    assert_exit(&mcpl().arg("judge").arg(kept).output().unwrap(), 0);
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_run() {
    let scenario = Scenario::new(SMALL);
    let output = mcpl().arg("run").arg(&scenario.file).args(["--out", "/no/such/dir/run.json"]).output().unwrap();
    assert_exit(&output, 2);
    assert!(!stderr(&output).contains("running"), "nothing was sent: {}", stderr(&output));
}

#[test]
fn the_built_in_server_speaks_every_revision_in_both_forms_and_over_stdio() {
    for protocol in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        for switches in ["answers json", "answers sse", "stdio on"] {
            let server = format!("protocol {protocol}\n  builtin rulebook {{ rules 20\n {switches} }}");
            let text = SMALL
                .replace("server rules { builtin rulebook { rules 20 } }", &format!("server rules {{\n  {server}\n}}"))
                .replace("warmup 1s", "")
                .replace("hold 100/s for 3s", "hold 4 users for 1s");
            let scenario = Scenario::new(&text);
            let output = scenario.run(&["--quiet"]);
            assert_exit(&output, 0);
            assert_eq!(scenario.results().servers[0].revision, protocol, "{switches}");
        }
    }
}

#[test]
fn several_requests_are_under_way_on_one_child() {
    // Each takes half a second, so one after the other they would take long.
    let scenario = Scenario::new(
        "mcpl 1\nserver child { builtin rulebook { stdio on\nlatency 500ms } }\n\
         server command { stdio [\"PROGRAM\", \"serve\", \"rulebook\", \"--stdio\", \"--latency=500ms\"] }\n\
         scenario blocks {\n  target child\n  stages { iterations 2 each by 2 users }\n  run five\n}\n\
         scenario sharing {\n  target command\n  stages { iterations 16 shared by 8 users }\n  sessions shared 2\n  run one\n}\n\
         flow five { parallel { repeat 5 { call list_rules } } }\n\
         flow one { call list_rules }\n\
         assert {\n  errors.rate == 0%\n  scenario(blocks).iteration.min > 500ms\n  scenario(blocks).iteration.max < 2s\n  \
         scenario(sharing).latency.max < 1500ms\n}\n"
            .replace("PROGRAM", env!("CARGO_BIN_EXE_mcpl"))
            .as_str(),
    );
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let seconds = &results.recording.seconds;
    let of = |index: usize| seconds.iter().flat_map(|slice| &slice.scenarios).filter(move |row| row.scenario == index);
    let sessions = |index| of(index).map(|row| row.sessions).sum::<u64>();
    assert_eq!((sessions(0), sessions(1)), (2, 2));
    let requests = seconds.iter().flat_map(|slice| &slice.series).map(|row| row.counts.requests);
    assert_eq!(requests.sum::<u64>(), 2 * 2 * 5 + 16);
}

#[test]
fn a_shared_child_that_ends_is_started_again_for_all() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s {\n  protocol 2025-11-25\n  stdio [\"sh\", \"child.sh\"]\n}\nscenario a {\n  target s\n  \
         stages { iterations 60 shared by 4 users }\n  sessions shared 1\n  run f\n}\nflow f { call list_rules }\n",
    );
    // Each child hears of ten calls behind the two lines of its handshake.
    let script = "i=0; while [ $i -lt 12 ] && read -r line; do printf '%s\\n' \"$line\"; i=$((i+1)); done | \
                  PROGRAM serve rulebook --stdio\n";
    fs::write(scenario.path("child.sh"), script.replace("PROGRAM", env!("CARGO_BIN_EXE_mcpl"))).unwrap();
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!(counts.requests, 60);
    assert_eq!(counts.errors.keys().collect::<Vec<_>>(), [&ErrorClass::Transport]);
    let sessions: u64 =
        results.recording.seconds.iter().flat_map(|slice| &slice.scenarios).map(|row| row.sessions).sum();
    // Those who wait fail with their child, and one of them starts the next.
    assert!(sessions > 1 && counts.failed() <= 4 * sessions, "{sessions} children, {counts:?}");
}
