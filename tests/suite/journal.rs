//! A run that is killed loses a second at most.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use mcpl::results::{Ended, Journal, Window};

use crate::support::{Scenario, assert_exit, journals, kill_when_it_says, mcpl, stderr, stdout};

const LONG: &str = r#"mcpl 1
server rules { builtin rulebook { rules 20 } }
scenario look {
  target rules
  stages { hold 50/s for 60s }
  run search
}
flow search {
  call get_rule { args { "id": "rule-0001" } }
}
assert {
  look.errors.rate == 0%
}
"#;

fn killed_after_three_seconds() -> Scenario {
    let scenario = Scenario::new(LONG);
    kill_when_it_says(mcpl().arg("run").arg(&scenario.file), "3s of 1m");
    scenario
}

#[test]
fn what_a_killed_run_measured_is_rendered_and_judged() {
    let scenario = killed_after_three_seconds();
    let [path] = journals(&scenario).try_into().unwrap();
    let read = Journal::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let results = &read.results;
    assert_eq!(results.run.ended, Ended::Killed);
    let seconds = results.recording.seconds.len();
    assert!((3..60).contains(&seconds), "{seconds}");
    let requests = results.counts(&results.everything(), Window::Whole).requests;
    assert!((140..50 * 60).contains(&requests), "{requests} in {seconds} s");
    assert_eq!(results.slowest(&results.everything().series).len(), 10, "the slowest until then");

    let reported = mcpl().arg("report").arg(&path).output().unwrap();
    assert_exit(&reported, 0);
    assert!(stdout(&reported).contains("INTERRUPTED  cut off: the process died"), "{}", stdout(&reported));
    assert_eq!(stderr(&reported), "");
    let page = mcpl().arg("report").arg(&path).args(["--format", "html"]).output().unwrap();
    assert_exit(&page, 0);
    assert!(stdout(&page).split("id=\"figures\"").next().unwrap().contains("Cut off: the process died during the run"));
    assert_exit(&mcpl().arg("judge").arg(&path).output().unwrap(), 130);

    // Killed in the middle of a line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"slice\":{\"second\":").unwrap();
    let torn = mcpl().arg("report").arg(&path).output().unwrap();
    assert_exit(&torn, 0);
    assert!(stderr(&torn).contains("was not written to its end"), "{}", stderr(&torn));
    assert_eq!(stdout(&torn), stdout(&reported));
}

#[test]
fn the_next_run_mentions_a_journal_that_was_left_and_takes_its_own_away() {
    let scenario = killed_after_three_seconds();
    let left = journals(&scenario);
    fs::write(&scenario.file, LONG.replace("for 60s", "for 1s")).unwrap();
    let next = scenario.run(&[]);
    assert_exit(&next, 0);
    let command = format!("`mcpl report {}`", left[0].display());
    assert_eq!(stderr(&next).matches(&command).count(), 1, "{}", stderr(&next));
    assert_eq!(journals(&scenario), left, "its own is gone, the other is not touched");
    let quiet = scenario.run(&["--quiet"]);
    assert_eq!(stderr(&quiet), "");
    fs::remove_file(&left[0]).unwrap();
    assert_exit(&scenario.run(&["--quiet"]), 0);
    assert!(!scenario.path(".mcpl").exists(), "nothing is left of a run that ended");
}

#[test]
fn a_run_that_is_under_way_is_not_taken_for_a_dead_one() {
    let scenario = Scenario::new(LONG);
    let mut child = mcpl().arg("run").arg(&scenario.file).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.contains("3s of 1m")).expect("the run goes on");
    let [path] = journals(&scenario).try_into().unwrap();
    let so_far = mcpl().arg("report").arg(&path).output().unwrap();
    assert_exit(&so_far, 0);
    assert!(stderr(&so_far).contains("the run is still under way"), "{}", stderr(&so_far));
    // Another run of a file in the same directory.
    let other = scenario.path("other.mcpl");
    fs::write(&other, LONG.replace("for 60s", "for 1s")).unwrap();
    let beside = mcpl().arg("run").arg(&other).output().unwrap();
    assert_exit(&beside, 0);
    assert!(!stderr(&beside).contains("cut off"), "{}", stderr(&beside));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!scenario.path(".mcpl").exists(), "an interrupted run has told its results");
}

#[test]
fn without_saving_there_is_no_journal() {
    let scenario = Scenario::new(LONG);
    kill_when_it_says(mcpl().args(["run", "--no-save"]).arg(&scenario.file), "3s of 1m");
    assert!(!scenario.path(".mcpl").exists());
}

#[test]
fn a_run_goes_on_where_no_journal_can_be_written() {
    let scenario = Scenario::new(&LONG.replace("for 60s", "for 1s"));
    // Even root cannot make a directory of it.
    fs::write(scenario.path(".mcpl"), "").unwrap();
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    assert_eq!(stderr(&output).matches("no journal is kept of this run").count(), 1, "{}", stderr(&output));
}

#[test]
fn a_journal_that_somebody_changed_is_refused() {
    let scenario = Scenario::new(LONG);
    let path = scenario.path("changed.jsonl");
    fs::write(&path, "{\"schema\":\"mcpl.journal/1\",\"results\":{}}\n").unwrap();
    let output = mcpl().arg("report").arg(&path).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("is a journal that cannot be used"), "{}", stderr(&output));
    fs::write(&path, "{\"schema\":\"mcpl.journal/9\"}\n").unwrap();
    let output = mcpl().arg("report").arg(&path).output().unwrap();
    assert!(stderr(&output).contains("this version reads `mcpl.journal/1`"), "{}", stderr(&output));
}
