//! `mcpl run DIRECTORY`: order, arguments, mistakes, reports and the exit code.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use mcpl::results::{Results, Window};

use crate::support::{assert_exit, codes, compile_in, example, mcpl, stderr, stdout};

/// A scenario that makes five calls at once, with what a test asserts of it.
fn calls(asserted: &str) -> String {
    server("builtin rulebook { rules 20 }", asserted)
}

fn server(server: &str, asserted: &str) -> String {
    format!(
        "mcpl 1\nparam calls = 5\nserver s {{\n  {server}\n  connect_timeout 2s\n}}\n\
         ## Does it answer?\nscenario a {{\n  target s\n  stages {{ iterations calls shared by 1 user within 10s }}\n  \
         run f\n}}\nflow f {{ call list_rules }}\nassert {{ {asserted} }}\n"
    )
}

/// A server that is not there: the port is one that nobody may listen on.
const ABSENT: &str = "at \"http://127.0.0.1:1/mcp\"";
const HOLDS: &str = "errors.rate == 0%";
const BREAKS: &str = "latency.max < 1ns";

/// A directory of scenario files.
struct Suite(tempfile::TempDir);

impl Suite {
    fn new(files: &[(&str, &str)]) -> Suite {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("suite")).unwrap();
        for (name, text) in files {
            let path = dir.path().join("suite").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Suite(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Output {
        mcpl().arg("run").arg(self.path("suite")).args(more).current_dir(self.0.path()).output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn results(&self, name: &str) -> Results {
        Results::from_json(&self.read(name)).unwrap()
    }
}

/// The names and verdicts in the table at the end.
fn table(output: &Output) -> Vec<(String, String)> {
    let text = stdout(output);
    let (_, table) = text.rsplit_once("\n  file ").unwrap_or_else(|| panic!("{text}"));
    let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| {
        let (name, rest) = row.trim().split_once(' ').unwrap();
        let verdict =
            if rest.trim().starts_with("not run") { "not run" } else { rest.split_whitespace().next().unwrap() };
        (name.to_owned(), verdict.to_owned())
    })
    .collect()
}

fn rows(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, verdict)| ((*name).to_owned(), (*verdict).to_owned())).collect()
}

fn requests(results: &Results) -> u64 {
    results.counts(&results.everything(), Window::Whole).requests
}

#[test]
fn files_run_in_the_order_of_their_names_and_the_worst_gives_the_exit_code() {
    let right = calls(HOLDS);
    let suite = Suite::new(&[
        ("20-b.mcpl", &calls(BREAKS)),
        ("10-a.mcpl", &right),
        ("30-c.mcpl", &right),
        ("notes.md", "not a scenario"),
        ("parts/nested.mcpl", "mcpl 1\nthis is not even a scenario"),
    ]);
    let output = suite.run(&["--quiet"]);
    assert_exit(&output, 1);
    let text = stdout(&output);
    let titles: Vec<_> = text.lines().filter(|line| line.contains(" of 3: ")).collect();
    assert_eq!(titles.len(), 3, "{text}");
    for (title, file) in titles.iter().zip(["10-a", "20-b", "30-c"]) {
        assert!(title.ends_with(&format!("{file}.mcpl")), "{titles:?}");
    }
    assert_eq!(table(&output), rows(&[("10-a", "passed"), ("20-b", "failed"), ("30-c", "passed")]));
    assert!(text.contains("✗ 20-b: latency.max < 1ns: "), "what broke is told once more at the end:\n{text}");
    assert!(text.contains("  2 of 3 files passed in "), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80 || line.contains(" of 3: ")), "{text}");
    assert_exit(&Suite::new(&[("a.mcpl", &right), ("b.mcpl", &right)]).run(&["--quiet"]), 0);
}

#[test]
fn a_server_that_is_not_there_keeps_no_other_file_from_running() {
    let suite =
        Suite::new(&[("1.mcpl", &server(ABSENT, HOLDS)), ("2.mcpl", &calls(HOLDS)), ("3.mcpl", &calls(BREAKS))]);
    let output = suite.run(&["--quiet", "--report", "markdown=s.md", "--report", "junit=s.xml"]);
    assert_exit(&output, 3);
    assert_eq!(table(&output), rows(&[("1", "not run"), ("2", "passed"), ("3", "failed")]));
    assert!(stdout(&output).contains("✗ 1: server `s`: connection refused"), "{}", stdout(&output));
    assert!(suite.read("s.md").contains("❌ | `1` | server `s`: connection refused"), "{}", suite.read("s.md"));
    let junit = suite.read("s.xml");
    assert!(junit.contains("<error type=\"not run\" message=\"server `s`: connection refused"), "{junit}");
}

#[test]
fn a_parameter_is_set_in_the_files_that_have_it() {
    let other = calls(HOLDS).replace("param calls = 5\n", "").replace("iterations calls", "iterations 7");
    let suite = Suite::new(&[("a.mcpl", &calls(HOLDS)), ("b.mcpl", &other)]);
    assert_exit(&suite.run(&["--quiet", "--set", "calls=3", "--out", "kept"]), 0);
    assert_eq!(requests(&suite.results("kept/a.json")), 3);
    assert_eq!(requests(&suite.results("kept/b.json")), 7);
    let output = suite.run(&["--quiet", "--set", "call=3"]);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("`--set call=…`: no file has a `param call`"), "{said}");
    assert!(said.contains("write `--set calls=…`"), "{said}");
    let output = suite.run(&["--quiet", "--set", "something_else=3"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("`mcpl plan FILE` lists them"), "{}", stderr(&output));
    assert!(stdout(&output).is_empty(), "{}", stdout(&output));
}

#[test]
fn mistakes_in_all_files_are_told_before_anything_is_sent() {
    let mistaken = calls("latency.p50 < 10");
    let suite = Suite::new(&[
        ("a.mcpl", &calls(HOLDS)),
        ("b.mcpl", &mistaken),
        ("c.mcpl", &calls(HOLDS).replace("run f", "run g")),
    ]);
    let output = suite.run(&["--out", "kept", "--report", "html=s.html"]);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("E302") && said.contains("b.mcpl"), "{said}");
    assert!(said.contains("c.mcpl"), "every file with a mistake is told of: {said}");
    assert!(stdout(&output).is_empty(), "no run began: {}", stdout(&output));
    for made in ["kept", "s.html", "s"] {
        assert!(!suite.path(made).exists(), "{made}");
    }
}

#[test]
fn each_run_keeps_its_results_under_its_own_name() {
    let suite = Suite::new(&[("1.first.mcpl", &calls(HOLDS)), ("1.second.mcpl", &calls(HOLDS))]);
    assert_exit(&suite.run(&["--quiet", "--out", "kept/of/today"]), 0);
    let mut names: Vec<_> =
        fs::read_dir(suite.path("kept/of/today")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1.first.json", "1.second.json"]);
    assert_eq!(requests(&suite.results("kept/of/today/1.first.json")), 5);
}

/// The addresses that a page refers to with links.
fn links(html: &str) -> Vec<String> {
    html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&#x2f;", "/")).collect()
}

#[test]
fn the_page_links_to_a_page_for_each_run() {
    let suite = Suite::new(&[
        ("1 50% of it? #1.mcpl", &calls(HOLDS)),
        ("2-broken.mcpl", &calls(BREAKS)),
        ("3-absent.mcpl", &server(ABSENT, HOLDS)),
    ]);
    assert_exit(&suite.run(&["--quiet", "--report", "html=my suite.html", "--report", "html=second.html"]), 3);
    for (index, pages) in [("my suite.html", "my%20suite"), ("second.html", "second")] {
        let html = suite.read(index);
        let (inside, outside): (Vec<_>, Vec<_>) = links(&html).into_iter().partition(|link| link.starts_with('#'));
        assert!(inside.iter().all(|link| html.contains(&format!("id=\"{}\"", &link[1..]))), "{inside:?}");
        assert_eq!(inside.len(), 4, "the verdict and each file");
        assert_eq!(
            outside,
            [format!("{pages}/1%2050%25%20of%20it%3F%20%231.html"), format!("{pages}/2-broken.html")],
            "the file that did not run has no page"
        );
        for link in outside {
            let plain = link.replace("%20", " ").replace("%3F", "?").replace("%23", "#").replace("%25", "%");
            assert!(suite.read(&plain).contains("id=\"mcpl-results\""), "{plain}");
        }
        assert!(html.contains("<p class=\"asks\">Does it answer?</p>"), "{html}");
        assert!(html.contains("latency.max &lt; 1ns") && html.contains("connection refused"), "{html}");
    }
    let output = suite.run(&["--report", "html=pages"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("give it an ending: `pages.html`"), "{}", stderr(&output));
}

#[test]
fn reports_in_one_file_have_all_runs() {
    let suite = Suite::new(&[("a.mcpl", &calls(HOLDS)), ("b.mcpl", &calls(BREAKS))]);
    let arguments = ["--quiet", "--report", "markdown=s.md", "--report", "junit=s.xml", "--report", "text=s.txt"];
    let output = suite.run(&arguments);
    assert_exit(&output, 1);

    let markdown = suite.read("s.md");
    assert!(markdown.starts_with("# suite: 1 of 2 passed\n"), "{markdown}");
    assert!(markdown.contains("| ✅ | `a` | Does it answer? | 1/1 | 5 |"), "{markdown}");
    assert!(markdown.contains("| ❌ | `b` | Does it answer? | 0/1 | 5 |"), "{markdown}");

    let junit = suite.read("s.xml");
    assert_eq!(junit.matches("<?xml").count(), 1);
    assert_eq!(junit.matches("<testsuites").count(), 1);
    let opened: Vec<_> =
        junit.split("<testsuite name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(opened, ["a", "b"], "{junit}");
    assert_eq!(junit.matches("</testsuite>").count(), 2);

    let text = suite.read("s.txt");
    assert!(text.contains("PASSED") && text.contains("FAILED"), "{text}");
    assert!(stdout(&output).ends_with(text.rsplit_once("\n\n  file").unwrap().1), "the same table as on the screen");
}

#[test]
fn a_directory_without_scenario_files_says_so() {
    let suite = Suite::new(&[("notes.md", "nothing"), ("parts/a.mcpl", &calls(HOLDS))]);
    let output = suite.run(&[]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("has no `.mcpl` files"), "{}", stderr(&output));
}

#[test]
fn an_interrupt_ends_the_suite_and_names_what_was_not_run() {
    let long = calls(HOLDS).replace("iterations calls shared by 1 user within 10s", "hold 5/s for 60s");
    let suite = Suite::new(&[("a.mcpl", &long), ("b.mcpl", &calls(HOLDS))]);
    let mut command = mcpl();
    command.arg("run").arg(suite.path("suite")).env("CI", "true").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The first second is told: the load is under way.
    let told =
        BufReader::new(child.stderr.take().unwrap()).lines().find(|line| line.as_ref().unwrap().contains("1s of"));
    assert!(told.is_some());
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 130);
    assert_eq!(table(&output), rows(&[("a", "interrupted"), ("b", "not run")]));
    assert!(stdout(&output).contains("✗ b: the suite was interrupted before it"), "{}", stdout(&output));
}

#[test]
fn the_suite_of_the_repository_has_no_mistakes_and_a_page() {
    let directory = example("suite");
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/suite.md")).unwrap();
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "mcpl")).collect();
    assert_eq!(files.len(), 11);
    for path in files {
        let (name, text) = (path.file_name().unwrap().to_string_lossy(), fs::read_to_string(path).unwrap());
        for set in [&[][..], &["fault=--latency=5ms".to_owned()]] {
            let compiled = compile_in(&directory, &name, &text, set);
            assert_eq!(codes(&compiled.lowered.diagnostics), <[&str; 0]>::default(), "{name}");
            assert!(compiled.lowered.plan.is_some(), "{name}");
        }
        let stem = path.file_stem().unwrap().to_string_lossy();
        assert!(page.contains(&format!("\n| `{stem}` | ")), "docs/suite.md says what {stem} asks");
    }
}

#[test]
fn a_report_can_be_made_later_of_what_was_kept() {
    let suite = Suite::new(&[("1.mcpl", &calls(HOLDS)), ("2.mcpl", &calls(BREAKS))]);
    assert_exit(&suite.run(&["--quiet", "--out", "kept", "--report", "csv=then.csv"]), 1);
    let report = |more: &[&str]| mcpl().arg("report").args(more).current_dir(suite.0.path()).output().unwrap();
    let later = report(&["kept", "--format", "csv"]);
    assert_exit(&later, 0);
    assert_eq!(stdout(&later), suite.read("then.csv"));
    fs::write(suite.path("mine.txt"), "{{ name }}:{% for file in files %} {{ file.name }} {{ file.word }}{% endfor %}")
        .unwrap();
    assert_eq!(stdout(&report(&["kept", "--template", "mine.txt"])), "kept: 1 passed 2 failed");
    let empty = report(&["suite"]);
    assert_exit(&empty, 2);
    assert!(stderr(&empty).contains("`suite` has no `.json` files"), "{}", stderr(&empty));
    fs::write(suite.path("kept/note.json"), "{}").unwrap();
    let other = report(&["kept"]);
    assert_exit(&other, 2);
    assert!(stderr(&other).contains("note.json` is not the results of a run"), "{}", stderr(&other));
}
