//! `mcpl rehearse`: the same bytes each time, and no server.

use std::fs;

use crate::support::{assert_exit, example, mcpl, stderr, stdout};

#[test]
fn two_processes_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let out = |name: &str| {
        let path = dir.path().join(name);
        let output = mcpl()
            .arg("rehearse")
            .arg(example("quickstart.mcpl"))
            .args(["--latency", "exponential 10ms", "--errors", "1%", "--capacity", "100/s", "--seed", "7"])
            .arg("--out")
            .arg(&path)
            .output()
            .unwrap();
        (fs::read(path).unwrap(), stdout(&output))
    };
    let (first, summary) = out("a.json");
    assert_eq!(out("b.json"), (first, summary.clone()));
    assert!(summary.contains("rehearsed in virtual time; no server was contacted"), "{summary}");
}

#[test]
fn the_examples_are_content_with_what_is_made_up() {
    let dir = tempfile::tempdir().unwrap();
    let [html, markdown] = ["r.html", "r.md"].map(|name| dir.path().join(name));
    let output = mcpl()
        .arg("rehearse")
        .arg(example("quickstart.mcpl"))
        .arg(format!("--report=html={}", html.display()))
        .arg(format!("--report=markdown={}", markdown.display()))
        .output()
        .unwrap();
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("PASSED"), "{}", stdout(&output));
    for report in [html, markdown] {
        let text = fs::read_to_string(&report).unwrap().to_lowercase();
        assert!(text.contains("rehearsed in virtual time; no server was contacted"), "{}", report.display());
    }
}

#[test]
fn a_slow_server_fails_the_assertions() {
    let output = mcpl().arg("rehearse").arg(example("quickstart.mcpl")).args(["--latency", "400ms"]).output().unwrap();
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("browse.latency.p95 < 250ms"), "{}", stdout(&output));
}

#[test]
fn replies_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let replies = dir.path().join("replies.json");
    let rehearse = |text: &str| {
        fs::write(&replies, text).unwrap();
        mcpl().arg("rehearse").arg(example("quickstart.mcpl")).arg("--reply").arg(&replies).output().unwrap()
    };
    let output = rehearse(r#"{ "search_rules": { "structuredContent": { "hits": [] } } }"#);
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("failed with"), "{}", stdout(&output));
    for (text, complaint) in [
        (r#"{ "search_rule": {} }"#, "write `search_rules`"),
        (r#"{ "search_rules": 1 }"#, "is not a JSON object"),
        ("[]", "holds no replies"),
    ] {
        let output = rehearse(text);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(complaint), "{}", stderr(&output));
    }
}

#[test]
fn a_model_of_a_server_that_makes_no_sense_is_refused() {
    for arguments in [["--latency", "9ms..3ms"], ["--capacity", "0/s"], ["--errors", "200%"]] {
        let output = mcpl().arg("rehearse").arg(example("quickstart.mcpl")).args(arguments).output().unwrap();
        assert_exit(&output, 2);
    }
}

#[test]
fn a_report_of_a_report_is_the_same_report() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second, other] = ["first.html", "second.html", "other.html"].map(|name| dir.path().join(name));
    let mut rehearse = mcpl();
    rehearse.arg("rehearse").arg(example("quickstart.mcpl")).arg(format!("--report=html={}", first.display()));
    assert_exit(&rehearse.output().unwrap(), 0);
    let render = |named: &[&std::ffi::OsStr]| {
        mcpl().arg("report").args(named).args(["--format", "html", "-o"]).arg(&second).output().unwrap()
    };
    for named in [vec![first.as_os_str()], vec!["--from".as_ref(), first.as_os_str()]] {
        assert_exit(&render(&named), 0);
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    }
    fs::write(&other, "<!doctype html><title>Another page</title>").unwrap();
    let refused = render(&[other.as_os_str()]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("a page without the results of a run"), "{}", stderr(&refused));
}
