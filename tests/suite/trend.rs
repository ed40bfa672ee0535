//! `mcpl trend` over whole histories: runs that are rehearsed, stored and read again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcpl::engine::Control;
use mcpl::plan::Plan;
use mcpl::rehearse::{Behaviour, Latency, Replies, rehearse};
use mcpl::results::Results;
use mcpl::store::{Details, History, Mode, Tags};
use mcpl::verdict::trend::{self, Kind, Run, Trend, Triage};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64Mcg;

use crate::support::{assert_exit, compile, mcpl, stderr, stdout};

/// Enough requests for a p99.
const FILE: &str = "mcpl 1\nserver s { http \"http://127.0.0.1:1/mcp\" }\nscenario docs {\n  target s\n  stages { hold \
                    100/s for 4s }\n  run f\n}\nflow f { call search }\n";

const RUNS: usize = 60;

/// The first run that is slower.
const STEP: usize = 45;

/// Sixty runs whose times differ as those of a normal distribution do, with a standard
/// deviation of 3 %, and the same with 8 % more.
fn pool() -> &'static [Vec<Results>; 2] {
    static POOL: OnceLock<[Vec<Results>; 2]> = OnceLock::new();
    POOL.get_or_init(|| {
        let plan = compile("docs.mcpl", FILE, &[]).lowered.plan.unwrap();
        let plan = Arc::new(Plan { name: "docs".to_owned(), ..plan });
        [1.0, 1.08]
            .map(|slower| (0..RUNS).map(|n| rehearsed(&plan, 20.0 * slower * (0.03 * quantile(n)).exp())).collect())
    })
}

/// Quantiles of the normal distribution, evenly spread (Tukey's lambda of 0.1349).
fn quantile(n: usize) -> f64 {
    let p = (f64::from(u32::try_from(n).unwrap()) + 0.5) / 60.0;
    (p.powf(0.1349) - (1.0 - p).powf(0.1349)) / 0.1975
}

fn rehearsed(plan: &Arc<Plan>, milliseconds: f64) -> Results {
    let typical = Duration::from_secs_f64(milliseconds / 1e3);
    let latency = Latency::Between(typical.mul_f64(0.8), typical.mul_f64(1.2));
    let behaviour = Behaviour { latency, ..Behaviour::default() };
    let replies = Replies::new(plan, &BTreeMap::new()).unwrap();
    rehearse(plan, &[], &behaviour, &replies, &Control::new(), |_| ()).unwrap()
}

/// The runs of a history in their order, slower from `step` on.
fn runs(seed: u64, step: usize) -> Vec<Results> {
    let mut order: Vec<usize> = (0..RUNS).collect();
    order.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
    let [usual, slower] = pool();
    let run = |(n, index): (usize, usize)| {
        let mut results = if n < step { &usual[index] } else { &slower[index] }.clone();
        results.run.id = format!("run-{n:02}");
        results.run.started = format!("2026-{:02}-{:02}T06:00:00Z", 9 + n / 28, 1 + n % 28);
        results
    };
    order.into_iter().enumerate().map(run).collect()
}

fn trend_of(runs: &[Results]) -> Trend {
    let metrics = runs[0].plan.standard_metrics();
    let runs = runs.iter().map(|results| Run::of(&results.condensed(), &metrics, None)).collect();
    let history = trend::History { scenario: "docs".to_owned(), metrics, runs, left_out: Vec::new() };
    trend::trend(&[history], &Triage::default(), "2026-11-28")
}

/// A history with the runs, as `mcpl run` writes it.
fn stored(dir: &Path, runs: &[Results]) -> PathBuf {
    let path = dir.join("history.db");
    let mut history = History::open(&path, Mode::Write).unwrap();
    for (n, results) in runs.iter().enumerate() {
        let tags: Tags = [("commit".to_owned(), format!("{n:02}abcdef0123"))].into();
        history.keep(results, "passed", &tags, Details::Condensed).unwrap();
    }
    path
}

fn shown(history: &Path, more: &[&str]) -> Output {
    mcpl()
        .arg("trend")
        .arg("--history")
        .arg(history)
        .args(more)
        .current_dir(history.parent().unwrap())
        .output()
        .unwrap()
}

#[test]
fn a_step_of_eight_percent_names_the_run() {
    let mut right = 0;
    for seed in 0..20 {
        let trend = trend_of(&runs(seed, STEP));
        let p95 = trend.series.iter().find(|series| series.metric == "latency.p95").unwrap();
        let changes: Vec<_> = p95.findings.iter().filter(|finding| finding.kind == Kind::Change).collect();
        right += u32::from(matches!(changes.as_slice(), [only] if only.at.abs_diff(STEP) <= 1));
    }
    // In noise of 3 % the best division of such values is one or none off in nine of ten.
    assert!(right >= 17, "{right} of 20");
}

#[test]
fn noise_is_silent_in_nineteen_of_twenty_histories() {
    let silent = |seed: &u64| trend_of(&runs(*seed, RUNS)).series.iter().all(|series| series.findings.is_empty());
    let silent = (0..20).filter(silent).count();
    assert!(silent >= 19, "{silent} of 20");
}

#[test]
fn the_command_names_the_run_and_its_commit() {
    let dir = tempfile::tempdir().unwrap();
    let history = stored(dir.path(), &runs(2, STEP));
    let output = shown(&history, &[]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    // Lines are wrapped.
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("`latency.p95` rose by 8."), "{text}");
    let named = |n: usize| told.contains(&format!("at run run-{n:02} (commit {n:02}abcde, 2026-10-"));
    assert!((STEP - 1..=STEP + 1).any(named) && told.contains("confirmed by 1"), "{text}");
    assert!(text.contains('▲') && text.contains('•'), "{text}");
    assert_exit(&shown(&history, &["--fail"]), 1);
    assert_exit(&shown(&history, &["--fail", "throughput"]), 0);
    let noise = tempfile::tempdir().unwrap();
    let silent = shown(&stored(noise.path(), &runs(1, RUNS)), &["--fail"]);
    assert_exit(&silent, 0);
    assert!(stdout(&silent).contains("nothing changed in 5 series"), "{}", stdout(&silent));
}

#[test]
fn what_is_accepted_fails_nothing_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let history = stored(dir.path(), &runs(2, STEP));
    let json: Trend = serde_json::from_slice(&shown(&history, &["--format", "json"]).stdout).unwrap();
    let findings: Vec<_> = json.series.iter().flat_map(|series| &series.findings).collect();
    let run = findings.iter().find(|finding| finding.fails).unwrap().run.clone();
    assert!(json.fails);
    let nothing = shown(&history, &["--accept", "run-07", "--reason", "x"]);
    assert_exit(&nothing, 2);
    assert!(stderr(&nothing).contains("nothing happened at a run `run-07`"), "{}", stderr(&nothing));
    let unset = shown(&history, &["--accept", "", "--reason", "x"]);
    assert_exit(&unset, 2);
    assert!(stderr(&unset).contains(&run), "{}", stderr(&unset));
    let file = dir.path().join("mcpl-triage.toml");
    assert!(!file.exists());
    // Nobody has looked at the others yet.
    let one = ["latency.p95", "--fail", "--accept", &run, "--reason", "signed"];
    assert_exit(&shown(&history, &one), 0);
    assert_exit(&shown(&history, &["--fail"]), 1);
    let again = shown(&history, &one);
    assert_exit(&again, 0);
    assert!(stderr(&again).contains("is accepted already: signed"), "{}", stderr(&again));
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!((written.matches("[[change]]").count(), written.matches("latency.p95").count()), (1, 1), "{written}");
    let accepted = shown(&history, &["--fail", "--accept", &run, "--reason", "TLS is on now"]);
    assert_exit(&accepted, 0);
    assert!(stderr(&accepted).contains("accepted in `") && stderr(&accepted).contains("latency.p99"));
    assert!(stdout(&accepted).contains("accepted: TLS is on now"), "{}", stdout(&accepted));
    assert!(fs::read_to_string(&file).unwrap().contains(&format!("run = \"{run}\"")));
    assert_exit(&shown(&history, &["--fail"]), 0);
    fs::write(&file, "[[change]]\nrun = 5\n").unwrap();
    let broken = shown(&history, &[]);
    assert_exit(&broken, 2);
    assert!(stderr(&broken).contains("mcpl-triage.toml:2:7"), "{}", stderr(&broken));
}

#[test]
fn files_are_taken_too_and_pages_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = runs(2, STEP)[38..52]
        .iter()
        .map(|results| {
            let path = dir.path().join(format!("{}.json", results.run.id));
            fs::write(&path, results.to_json()).unwrap();
            path
        })
        .collect();
    let trend = |more: &[&str]| mcpl().arg("trend").args(more).arg("--runs").args(&files).output().unwrap();
    let page = dir.path().join("trend.html");
    assert_exit(&trend(&["latency.p95", "--format", "html", "--output", page.to_str().unwrap()]), 0);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("latency.p95") && !page.contains("http://"), "{page}");
    let markdown = stdout(&trend(&["--format", "markdown"]));
    assert!(markdown.starts_with("# Trend: docs\n") && markdown.contains("`latency.p50`"), "{markdown}");
    let junit = stdout(&trend(&["--format", "junit"]));
    assert!(
        junit.contains("<testsuite name=\"trend\" tests=\"5\"") && junit.contains("<failure type=\"worse\""),
        "{junit}"
    );
    let table = stdout(&trend(&["--format", "csv"]));
    assert_eq!(table.lines().count(), 1 + 5 * files.len(), "a row for each run of each series: {table}");
    let template = dir.path().join("mine.txt");
    fs::write(&template, "{{ outcome }}{% for s in series %} {{ s.metric }}: {{ s.points | length }}{% endfor %}")
        .unwrap();
    let own = stdout(&trend(&["latency.p95", "--template", template.to_str().unwrap()]));
    assert_eq!(own, "failed latency.p95: 14");
    fs::write(&template, "{{ series[0].nothing }}").unwrap();
    let wrong = trend(&["--template", template.to_str().unwrap()]);
    assert_exit(&wrong, 2);
    assert!(stderr(&wrong).contains("mine.txt, line 1: "), "{}", stderr(&wrong));
    let wrong = trend(&["serch.latency.p95"]);
    assert_exit(&wrong, 2);
    assert!(stderr(&wrong).contains("search") && stderr(&wrong).contains("METRIC"), "{}", stderr(&wrong));
}

/// A report of a run of a history, made in an empty directory.
fn report(history: &Path, run: &str, format: &str) -> String {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = mcpl();
    let output = command.env("MCPL_HISTORY", history).current_dir(elsewhere.path());
    let output = output.args(["report", run, "--format", format]).output().unwrap();
    assert_exit(&output, 0);
    stdout(&output)
}

#[test]
fn a_report_shows_the_runs_up_to_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let runs = runs(2, STEP);
    let history = stored(dir.path(), &runs);
    let (html, text) = (report(&history, "run-59", "html"), report(&history, "run-59", "text"));
    assert!(html.contains("id=\"trend\"") && html.contains("60 runs of this load, up to this one."));
    assert!(html.contains("<code>latency.p95</code> rose by 8."), "the change is told");
    assert!(text.contains("! trend: `latency.p"), "{text}");
    let view = |run: &str| -> serde_json::Value { serde_json::from_str(&report(&history, run, "json")).unwrap() };
    let newest = view("run-59");
    assert_eq!(newest["trend"]["runs"].as_array().unwrap().len(), 60);
    assert_eq!(newest["trend"]["series"].as_array().unwrap().len(), 5);
    // As the report was when the run was the newest, whatever has happened since.
    let early = view("run-20");
    let known = early["trend"]["runs"].as_array().unwrap();
    let of = |run: &serde_json::Value| (run["id"].as_str().unwrap().to_owned(), run["this"].as_bool().unwrap());
    assert_eq!(
        known.iter().map(of).collect::<Vec<_>>(),
        (0..21).map(|n| (format!("run-{n:02}"), n == 20)).collect::<Vec<_>>()
    );
    let fewer = tempfile::tempdir().unwrap();
    let then = stored(fewer.path(), &runs[..21]);
    assert_eq!(report(&then, "run-20", "html"), report(&history, "run-20", "html"));
    assert_eq!(view("run-00")["trend"], serde_json::Value::Null, "it was the first");
    fs::write(dir.path().join("mcpl-triage.toml"), "[[change]]\ncommit = \"0\"\nstate = \"ignore\"\n").unwrap();
    assert!(report(&history, "run-59", "text").contains("! trend:"), "a wrong file of decisions changes nothing");
}

#[test]
fn a_history_without_runs_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let history = stored(dir.path(), &[]);
    let output = shown(&history, &["--name", "docs"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("has no runs of `docs`"), "{}", stderr(&output));
    let missing = mcpl().args(["trend", "--history", "none.db"]).current_dir(dir.path()).output().unwrap();
    assert!(stderr(&missing).contains("name another file with `--history`"), "{}", stderr(&missing));
    let few = shown(&stored(dir.path(), &runs(1, RUNS)[..3]), &[]);
    assert_exit(&few, 0);
    assert!(stdout(&few).contains("has 3 runs of one load"), "{}", stdout(&few));
}
