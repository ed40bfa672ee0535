//! Results files: their schema, those of before, and the sums of parts.

use std::fs;
use std::path::{Path, PathBuf};

use mcpl::results::{Journal, Results, Window};
use serde_json::Value as Json;

use crate::support::{Scenario, assert_exit, mcpl, scenario_against, stderr, stdout};

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The schema that is published, which is that of the results' own types, together
/// with that of plans.
fn schema() -> Json {
    let path = in_repository("docs/schema/results.schema.json");
    let made = format!("{:#}\n", mcpl::results::json_schema());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap();
    assert!(published == made, "`UPDATE=1` rewrites {}", path.display());
    let mut schema: Json = serde_json::from_str(&published).unwrap();
    let mut plan = mcpl::plan::json_schema();
    plan["$id"] = "plan.schema.json".into();
    schema["$defs"]["plan"] = plan;
    schema
}

#[track_caller]
fn assert_fits(validator: &jsonschema::Validator, results: &Json, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(results).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

#[test]
fn results_fit_their_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let read = |path: &Path| serde_json::from_str::<Json>(&fs::read_to_string(path).unwrap()).unwrap();
    // A run with failures, sessions, a process that is watched, and what came of it.
    let scenario = scenario_against("builtin rulebook {\n    rules 20\n    errors 10%\n  }");
    let ran = scenario.run(&["--quiet"]);
    assert!([Some(0), Some(1)].contains(&ran.status.code()), "{}", stderr(&ran));
    let results = read(&scenario.path("run.json"));
    assert_fits(&validator, &results, "a run");
    for name in ["tests/corpus/run/steps.mcpl", "examples/quickstart.mcpl", "tests/corpus/plan/shapes.mcpl"] {
        let out = scenario.path("rehearsed.json");
        let rehearsed = mcpl().arg("rehearse").arg(in_repository(name)).arg("--out").arg(&out).output().unwrap();
        assert!(rehearsed.status.code() < Some(2), "{name}: {}", stderr(&rehearsed));
        assert_fits(&validator, &read(&out), name);
    }
    let condensed = Results::from_json(&results.to_string()).unwrap().condensed().to_json();
    assert_fits(&validator, &serde_json::from_str(&condensed).unwrap(), "a run without its seconds");
    // It refuses what is none.
    for (pointer, wrong) in [
        ("/run/ended", Json::from("somehow")),
        ("/recording/seconds/0/series/0/times", Json::Array(Vec::new())),
        ("/recording/seconds/0/second", Json::from(-1)),
        ("/plan/servers", Json::from("none")),
    ] {
        let mut changed = results.clone();
        *changed.pointer_mut(pointer).expect(pointer) = wrong;
        assert!(!validator.is_valid(&changed), "{pointer}");
    }
}

/// What version 0.1.0 wrote. These files are never rewritten: a later version has to
/// read them as they are.
#[test]
fn results_of_before_are_read() {
    let path = in_repository("tests/corpus/results/run-1.json");
    let results = Results::from_json(&fs::read_to_string(&path).unwrap()).unwrap();
    let everything = results.everything();
    let counts = results.counts(&everything, Window::Whole);
    let times = results.times(&everything, mcpl::record::Time::Latency, Window::Whole);
    assert_eq!((counts.requests, counts.failed(), times.count()), (REQUESTS, FAILED, REQUESTS - FAILED));
    for format in ["text", "html", "markdown", "junit"] {
        let report = mcpl().arg("report").arg(&path).args(["--format", format]).output().unwrap();
        assert_exit(&report, 0);
        assert!(!report.stdout.is_empty(), "{format}");
    }
    let journal = fs::read(in_repository("tests/corpus/results/journal-1.jsonl")).unwrap();
    let journal = Journal::from_bytes(&journal).unwrap();
    assert_eq!((&journal.results.recording, journal.torn), (&results.recording, false));
}

/// The requests of the file above, counted when it was made.
const REQUESTS: u64 = 105;
const FAILED: u64 = 6;

fn part(scenario: &Scenario, results: &Results, name: &str, second: u32) -> PathBuf {
    let mut part = results.clone();
    part.recording.seconds.retain(|slice| slice.second % 2 == second);
    part.recording.failures.clear();
    name.clone_into(&mut part.run.id);
    let path = scenario.path(name);
    fs::write(&path, part.to_json()).unwrap();
    path
}

#[test]
fn the_parts_of_a_run_are_summed_up() {
    let scenario = Scenario::new("mcpl 1\n");
    let mut whole =
        Results::from_json(&fs::read_to_string(in_repository("tests/corpus/results/run-1.json")).unwrap()).unwrap();
    let parts = [part(&scenario, &whole, "a.json", 0), part(&scenario, &whole, "b.json", 1)];
    let out = scenario.path("sum.json");
    let merge = |parts: [&PathBuf; 2]| mcpl().arg("merge").args(parts).arg("--out").arg(&out).output().unwrap();
    let merged = merge([&parts[1], &parts[0]]);
    assert_exit(&merged, 0);
    assert!(stdout(&merged).starts_with(&format!("2 parts with {REQUESTS} requests are summed up in ")));
    whole.recording.failures.clear();
    whole.run.threads = 2;
    "a.json".clone_into(&mut whole.run.id);
    whole.run.parts = ["a.json", "b.json"].map(str::to_owned).to_vec();
    assert_eq!(fs::read_to_string(&out).unwrap(), whole.to_json());
    // One part twice, and parts of two plans.
    fs::remove_file(&out).unwrap();
    let twice = merge([&parts[0], &parts[0]]);
    assert_exit(&twice, 2);
    assert!(stderr(&twice).contains("have the same part: the run "), "{}", stderr(&twice));
    let sum = scenario.path("whole.json");
    fs::write(&sum, whole.condensed().to_json()).unwrap();
    let contained = merge([&sum, &parts[1]]);
    assert_exit(&contained, 2);
    assert!(stderr(&contained).contains("have the same part: the run b.json"), "{}", stderr(&contained));
    let other = scenario.path("other.json");
    let seed = ["--seed", "2", "--out", other.to_str().unwrap()];
    mcpl().arg("rehearse").arg(in_repository("tests/corpus/run/steps.mcpl")).args(seed).output().unwrap();
    let refused = merge([&parts[0], &other]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("made from different plans: `seed` differs"), "{}", stderr(&refused));
    assert!(!out.exists());
}
