//! Comparing stored runs, and baselines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use mcpl::results::Results;

use crate::support::{Scenario, assert_exit, example, mcpl, stderr, stdout};

/// A rehearsed run of the first example, in `dir`.
fn rehearsed(dir: &Path, name: &str, more: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let output =
        mcpl().arg("rehearse").arg(example("quickstart.mcpl")).args(more).arg("--out").arg(&path).output().unwrap();
    assert!(path.exists(), "{}", stderr(&output));
    path
}

/// The same run with something changed.
fn changed(path: &Path, name: &str, change: impl FnOnce(&mut Results)) -> PathBuf {
    let mut results = Results::from_json(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut results);
    let out = path.with_file_name(name);
    fs::write(&out, results.to_json()).unwrap();
    out
}

fn compare(runs: &[&Path]) -> Output {
    mcpl().arg("compare").args(runs).output().unwrap()
}

/// What was printed, on one line.
fn flat(output: &Output) -> String {
    stdout(output).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Several rehearsed runs that differ by their seeds.
fn several(dir: &Path, count: u32, latency: &str) -> Vec<PathBuf> {
    let each = 1..=count;
    each.map(|seed| {
        let name = format!("{latency}-{seed}.json");
        rehearsed(dir, &name, &["--latency", latency, "--seed", &seed.to_string()])
    })
    .collect()
}

#[test]
fn one_run_against_one_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let old = rehearsed(dir.path(), "old.json", &["--latency", "5ms"]);
    let new = rehearsed(dir.path(), "new.json", &["--latency", "50ms"]);
    let output = compare(&[&old, &new]);
    assert_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.contains("DESCRIPTIVE  1 run against 1 run: described, not judged; a verdict needs 5 runs"), "{said}");
    assert!(said.contains("latency.p50"), "{said}");
}

#[test]
fn what_cannot_be_compared_says_why_and_exits_with_5() {
    let dir = tempfile::tempdir().unwrap();
    let old = rehearsed(dir.path(), "old.json", &[]);
    let real = |results: &mut Results| {
        results.servers[0].transport = "http".to_owned();
        results.run.id = "another".to_owned();
    };
    let here = changed(&old, "here.json", |results| {
        real(results);
        results.run.id = "here".to_owned();
    });
    let rate = rehearsed(dir.path(), "rate.json", &["--set", "peak=70/s"]);
    let over = |transport: &'static str| {
        move |results: &mut Results| {
            real(results);
            results.servers[0].transport = transport.to_owned();
        }
    };
    let stdio = changed(&old, "stdio.json", over("stdio"));
    let machine = changed(&old, "machine.json", |results| {
        real(results);
        results.environment.cores = 64;
    });
    let plan = changed(&old, "plan.json", |results| {
        real(results);
        results.plan.servers[0].timeout_ns = 9_000_000_000;
    });
    let stopped = changed(&old, "stopped.json", |results| results.run.ended = mcpl::results::Ended::Interrupted);
    for (a, b, reason) in [
        (&old, &rate, "scenario `browse`, stage 1: level 10 to 60 in 3s, and now level 10 to 70 in 3s"),
        (&here, &stdio, "server `rules` was reached over http, and now over stdio"),
        (&here, &machine, "the load came from another machine: "),
        (&here, &plan, "server `rules`: timeout 2s, and now 9s"),
        (&old, &here, "the old run was rehearsed without a server, and the new one was not"),
        (&old, &stopped, "was interrupted"),
    ] {
        let output = compare(&[a, b]);
        assert_exit(&output, 5);
        let said = flat(&output);
        assert!(said.contains("NOT COMPARABLE ") && said.contains(reason), "{reason}\n{said}");
    }
    let forced = mcpl().arg("compare").args([&old, &rate]).arg("--force").output().unwrap();
    assert_exit(&forced, 0);
}

#[test]
fn several_runs_are_compared_and_the_exit_code_says_what_came_out() {
    let dir = tempfile::tempdir().unwrap();
    let (quick, slow) = (several(dir.path(), 5, "5ms..6ms"), several(dir.path(), 5, "9ms..10ms"));
    let sides = |old: &[PathBuf], new: &[PathBuf], more: &[&str]| {
        let mut command = mcpl();
        command.arg("compare").args(more);
        for (option, runs) in [("--old", old), ("--new", new)] {
            for run in runs {
                command.arg(option).arg(run);
            }
        }
        command.output().unwrap()
    };
    let worse = sides(&quick, &slow, &[]);
    assert_exit(&worse, 1);
    assert!(stdout(&worse).contains("REGRESSED  latency.p50 +"), "{}", stdout(&worse));
    assert_eq!(stdout(&sides(&quick, &slow, &[])), stdout(&worse), "the same runs give the same bytes");
    let better = sides(&slow, &quick, &["--format", "markdown"]);
    assert_exit(&better, 0);
    assert!(stdout(&better).starts_with("## ✅ Improved"), "{}", stdout(&better));
    let json = sides(&quick, &slow, &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(value["outcome"], "regressed");
    assert_eq!(value["metrics"][0]["source"], "latency.p50");
    let few = sides(&quick[..4], &slow[..4], &[]);
    assert_exit(&few, 5);
    assert!(flat(&few).contains("a verdict needs 5 runs of each side"), "{}", stdout(&few));
}

#[test]
fn baselines_are_saved_shown_compared_with_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let baseline =
        |arguments: &[&str]| mcpl().current_dir(dir.path()).arg("baseline").args(arguments).output().unwrap();
    let names: Vec<String> = several(dir.path(), 4, "5ms..6ms")
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let runs: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = baseline(&["save", "nightly", runs[0]]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("it was rehearsed without a server"), "{}", stderr(&refused));
    assert_exit(&baseline(&[&["save", "nightly", "--force"], &runs[..3]].concat()), 0);
    let again = baseline(&["save", "nightly", runs[3]]);
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("there is a baseline `nightly` already"), "{}", stderr(&again));
    assert_exit(&baseline(&["save", "nightly", runs[3], "--append", "--force"]), 0);
    let twice = baseline(&["save", "nightly", runs[3], "--append", "--force"]);
    assert!(stderr(&twice).contains("is in it already"), "{}", stderr(&twice));
    let list = baseline(&["list"]);
    assert_eq!(stdout(&list), "nightly  4 runs of quickstart, the newest of 1970-01-01T00:00:00Z\n");
    let shown = stdout(&baseline(&["show", "nightly"]));
    assert!(shown.contains("nightly: 4 runs") && shown.contains("  latency.p50  "), "{shown}");
    let file = fs::read_to_string(dir.path().join("baselines/nightly.json")).unwrap();
    assert!(
        file.starts_with("{\n  \"schema\": \"mcpl.baseline/1\",\n  \"name\": \"nightly\",\n  \"runs\": [\n"),
        "{file}"
    );

    let against = |run: &Path| {
        let mut command = mcpl();
        command.current_dir(dir.path()).args(["compare", "--baseline", "nightly"]).arg(run).output().unwrap()
    };
    let slow = rehearsed(dir.path(), "slow.json", &["--latency", "15ms"]);
    assert_exit(&against(&slow), 1);
    assert_exit(&against(&rehearsed(dir.path(), "same.json", &["--latency", "5ms..6ms", "--seed", "9"])), 0);
    let judged = mcpl().current_dir(dir.path()).args(["judge", "slow.json", "--baseline", "nightly"]).output().unwrap();
    assert_exit(&judged, 1);
    assert!(stdout(&judged).contains("compared with nightly: regressed"), "{}", stdout(&judged));
    let other = rehearsed(dir.path(), "other.json", &["--set", "peak=70/s"]);
    assert_exit(&against(&other), 5);
    let unlike = baseline(&["save", "nightly", "other.json", "--append", "--force"]);
    assert_exit(&unlike, 2);
    assert!(stderr(&unlike).contains("cannot be compared with the others: scenario"), "{}", stderr(&unlike));

    let near = baseline(&["show", "nightli"]);
    assert_exit(&near, 2);
    assert!(stderr(&near).contains("write `nightly`"), "{}", stderr(&near));
    assert_exit(&baseline(&["remove", "nightly"]), 0);
    assert!(stderr(&baseline(&["list"])).contains("has no baselines"));
    assert_exit(&baseline(&["save", "../up", runs[0]]), 2);
}

#[test]
fn a_damaged_baseline_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("baselines")).unwrap();
    for (text, complaint) in [
        ("", "line 1, column 0"),
        ("{\"schema\": \"mcpl.baseline/9\"}", "its format is `mcpl.baseline/9`"),
        ("{\"schema\": \"mcpl.results/1\"}", "it has no `schema` that begins with `mcpl.baseline/`"),
        ("[]", "it has no `schema`"),
        ("{\"schema\": \"mcpl.baseline/1\", \"name\": \"b\"}", "missing field"),
    ] {
        fs::write(dir.path().join("baselines/b.json"), text).unwrap();
        let output = mcpl().current_dir(dir.path()).args(["baseline", "show", "b"]).output().unwrap();
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(complaint), "{text}: {}", stderr(&output));
    }
}

const WITH_BASELINE: &str = "mcpl 1\nparam rate = 40/s\nserver s { builtin rulebook }\nscenario a {\n  target s\n  stages { hold rate for 1s }\n  run f\n}\nflow f { call list_rules }\nbaseline steady {\n  throughput within -50%\n  errors.rate within 20%\n}\n";

#[test]
fn a_file_with_a_baseline_is_held_against_it() {
    let scenario = Scenario::new(WITH_BASELINE);
    let missing = scenario.run(&[]);
    assert_exit(&missing, 2);
    let said = stderr(&missing);
    assert!(
        said.contains("there is no baseline `steady`") && said.contains("mcpl baseline save steady --baselines "),
        "{said}"
    );
    assert!(!scenario.path("run.json").exists(), "nothing was run");
    let mut save = mcpl();
    save.args(["baseline", "save", "steady", "--file"]).arg(&scenario.file);
    for number in 1..=3 {
        assert_exit(&scenario.run(&["--no-baseline"]), 0);
        let path = scenario.path(&format!("{number}.json"));
        fs::rename(scenario.path("run.json"), &path).unwrap();
        save.arg(path);
    }
    assert_exit(&save.output().unwrap(), 0);
    let same = scenario.run(&[]);
    assert_exit(&same, 0);
    let said = stdout(&same);
    assert!(said.contains("compared with steady: no meaningful change"), "{said}");
    let judged = |arguments: &[&str]| {
        let mut judge = mcpl();
        judge.current_dir(tempfile::tempdir().unwrap().path()).arg("judge").args(arguments).output().unwrap()
    };
    let baselines = scenario.path("baselines");
    let run = scenario.path("run.json").to_string_lossy().into_owned();
    let again = judged(&[&run, "--baselines", &baselines.to_string_lossy()]);
    assert_exit(&again, 0);
    assert_eq!(stdout(&again), said, "judged as it was when it ran");
    let without = judged(&[&run]);
    assert_exit(&without, 0);
    assert!(!stdout(&without).contains("compared with steady"), "{}", stdout(&without));
    let left_out = stderr(&without);
    assert!(left_out.contains("baseline steady was left out: no `baselines/steady.json`; name its"), "{left_out}");
    let own = judged(&[&scenario.path("1.json").to_string_lossy(), "--baselines", &baselines.to_string_lossy()]);
    assert_exit(&own, 0);
    assert!(stderr(&own).contains("baseline steady was left out: the run is one of its own"), "{}", stderr(&own));
    let twice = compare(&[&baselines.join("steady.json"), &scenario.path("1.json")]);
    assert_exit(&twice, 5);
    assert!(flat(&twice).contains("is named twice"), "{}", stdout(&twice));
    // A baseline that another program wrote anew.
    let packed: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(baselines.join("steady.json")).unwrap()).unwrap();
    fs::write(scenario.path("packed.json"), packed.to_string()).unwrap();
    let packed = compare(&[&scenario.path("packed.json"), Path::new(&run)]);
    assert!(flat(&packed).contains("1 new run against the prediction interval of 3 runs"), "{}", stdout(&packed));
    let other = scenario.run(&["--set", "rate=30/s"]);
    assert_exit(&other, 5);
    let said = flat(&other);
    assert!(said.contains("INCONCLUSIVE nothing was asserted; compared with steady: not comparable: scenario `a`, stage 1: level 40 for 1s, and now level 30 for 1s"), "{said}");
}

#[test]
fn arguments_that_make_no_comparison_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let compare = |arguments: &[&str]| mcpl().current_dir(dir.path()).arg("compare").args(arguments).output().unwrap();
    for (arguments, complaint) in [
        (&["one.json"][..], "two runs are compared, and 1 are named"),
        (&["a.json", "b.json"][..], "cannot read `a.json`"),
        (&["--baseline", "none", "a.json"][..], "there is no baseline `none`"),
        (&["--baseline", "none"][..], "there is no new run"),
    ] {
        let output = compare(arguments);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(complaint), "{}", stderr(&output));
    }
    let suite = mcpl().arg("run").arg(dir.path()).args(["--baseline", "b"]).output().unwrap();
    assert_exit(&suite, 2);
    assert!(stderr(&suite).contains("is for one scenario file"), "{}", stderr(&suite));
}

#[test]
fn a_comparison_is_written_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let old = rehearsed(dir.path(), "old.json", &["--latency", "5ms"]);
    let new = rehearsed(dir.path(), "new.json", &["--latency", "50ms"]);
    let compare = |arguments: &[&str]| {
        mcpl().current_dir(dir.path()).arg("compare").args([&old, &new]).args(arguments).output().unwrap()
    };
    let formats = ["text", "html", "markdown", "junit", "csv", "json"];
    for format in formats {
        let printed = compare(&["--format", format, "--report", &format!("{format}=written.{format}")]);
        assert_exit(&printed, 0);
        let written = fs::read_to_string(dir.path().join(format!("written.{format}"))).unwrap();
        assert_eq!(stdout(&printed), written, "{format}");
    }
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let page = read("written.html");
    assert!(page.contains(">Descriptive</h2>") && page.contains("id=\"chart-percentiles-title\""), "{page}");
    let mut table = csv::Reader::from_path(dir.path().join("written.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.unwrap()).collect();
    assert_eq!((&rows[0][1], &rows[0][3]), ("latency.p50", "ns"));
    let [before, after] = [4, 5].map(|column| rows[0][column].parse::<f64>().unwrap());
    assert!((4e6..8e6).contains(&before) && (45e6..80e6).contains(&after), "{before} {after}");

    // One's own templates, printed and written; a mistake in one is told with its place.
    fs::write(dir.path().join("mine.txt"), "{{ comparison.word }} {{ name }} {{ exit_code }}").unwrap();
    fs::write(dir.path().join("wrong.txt"), "\n{{ comparison.wrod }}").unwrap();
    let own = compare(&["--template", "mine.txt", "--report", "./mine.txt=own.txt"]);
    assert_exit(&own, 0);
    assert_eq!(
        (stdout(&own).as_str(), read("own.txt").as_str()),
        ("descriptive quickstart 0", "descriptive quickstart 0")
    );
    let wrong = compare(&["--report", "wrong.txt=none.txt"]);
    assert_exit(&wrong, 2);
    assert!(stderr(&wrong).contains("wrong.txt, line 2: "), "{}", stderr(&wrong));
    assert!(stdout(&wrong).contains("DESCRIPTIVE"), "what was found out is printed all the same");
    for (arguments, complaint) in [
        (&["--report", "html=new.json"][..], "`new.json` is named for two things"),
        (&["--report", "html=a.html", "--report", "csv=a.html"], "`a.html` is named for two things"),
        (&["--report", "html=none/a.html"], "cannot write `none/a.html`"),
        (&["--report", "pdf=a.pdf"], "there is no report format `pdf`"),
        (&["--report", "none.j2=a.txt"], "cannot read the template `none.j2`"),
        (&["--template", "none.j2"], "cannot read the template `none.j2`"),
    ] {
        let refused = compare(arguments);
        assert_exit(&refused, 2);
        assert!(stderr(&refused).contains(complaint), "{arguments:?}: {}", stderr(&refused));
        assert!(stdout(&refused).is_empty(), "{arguments:?}");
    }
}
