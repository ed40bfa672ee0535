//! Templates of the user's own: those of the examples, and the built-in ones written out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{assert_exit, mcpl, stderr, stdout};

/// Results of a run in virtual time.
fn results(directory: &Path) -> PathBuf {
    let out = directory.join("run.json");
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart.mcpl");
    let rehearsed = mcpl().arg("rehearse").arg(quickstart).arg("--out").arg(&out).output().unwrap();
    assert!(out.exists(), "{}", stderr(&rehearsed));
    out
}

fn report(run: &Path, options: &[&str]) -> String {
    let output = mcpl().arg("report").arg(run).args(options).output().unwrap();
    assert_exit(&output, 0);
    stdout(&output)
}

#[test]
fn the_examples_make_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let run = results(dir.path());
    let made = |name: &str| {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/templates").join(name);
        report(&run, &["--template", template.to_str().unwrap()])
    };
    let message: serde_json::Value = serde_json::from_str(&made("slack.json.j2")).unwrap();
    let text = message["text"].as_str().unwrap();
    assert!(text.starts_with("*quickstart: ") && text.contains("p95"), "{text}");
    let rows = |table: &str| -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        reader.records().map(|row| row.unwrap()).collect()
    };
    let own = rows(&made("steps.csv.j2"));
    let built_in = rows(&report(&run, &["--format", "csv"]));
    assert_eq!(own.len() + 1, built_in.len(), "the built-in table has the sum, too");
    assert!(own.iter().zip(&built_in).all(|(own, built_in)| own[0] == built_in[3] && own[1] == built_in[5]));
    let table = made("table.tex.j2");
    assert_eq!(table.matches(" \\\\\n").count(), own.len(), "{table}");
}

#[test]
fn the_view_is_json() {
    let dir = tempfile::tempdir().unwrap();
    let view: serde_json::Value = serde_json::from_str(&report(&results(dir.path()), &["--format", "json"])).unwrap();
    assert_eq!(view["run"]["name"], "quickstart");
    assert!(view["steps"].as_array().is_some_and(|steps| !steps.is_empty()));
}

#[test]
fn built_in_templates_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let run = results(dir.path());
    let templates = dir.path().join("mine");
    let init = || mcpl().args(["report", "--init-templates"]).arg(&templates).output().unwrap();
    assert_exit(&init(), 0);
    let again = init();
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
    for (format, name) in [("html", "report.html.j2"), ("markdown", "report.md.j2"), ("junit", "junit.xml.j2")] {
        let own = report(&run, &["--template", templates.join(name).to_str().unwrap()]);
        assert!(own == report(&run, &["--format", format]), "{name} is that of {format}");
    }
    // A part that is changed goes before the built-in one, and a script by its own hash.
    fs::write(templates.join("report.css"), "/* mine */").unwrap();
    fs::write(templates.join("report.js"), "// mine").unwrap();
    fs::write(templates.join("other.j2"), "{% broken").unwrap();
    let page = report(&run, &["--template", templates.join("report.html.j2").to_str().unwrap()]);
    assert!(page.contains("/* mine */") && page.contains("// mine"));
    assert!(!page.contains("--c1:"), "nothing of the built-in style is left");
    let policy = |page: &str| page.split("script-src '").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert_ne!(policy(&page), policy(&report(&run, &["--format", "html"])));
    // A mistake is told with its place.
    fs::write(templates.join("report.css"), "a\n{{ nothing.at.all }}").unwrap();
    let broken =
        mcpl().arg("report").arg(&run).arg("--template").arg(templates.join("report.html.j2")).output().unwrap();
    assert_exit(&broken, 2);
    assert!(stderr(&broken).contains("report.css, line 2"), "{}", stderr(&broken));
}

#[test]
fn built_in_pages_of_comparisons_and_directories_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let run = results(dir.path());
    let here = || {
        let mut command = mcpl();
        command.current_dir(dir.path());
        command
    };
    assert_exit(&here().args(["report", "--init-templates", "mine"]).output().unwrap(), 0);
    fs::write(dir.path().join("mine/report.css"), "/* mine */").unwrap();
    let compared =
        here().arg("compare").args([&run, &run]).args(["--template", "mine/compare.html.j2"]).output().unwrap();
    assert_exit(&compared, 0);
    assert!(stdout(&compared).contains("/* mine */") && stdout(&compared).contains(">Descriptive</h2>"));
    fs::create_dir(dir.path().join("suite")).unwrap();
    let scenario = "mcpl 1\nserver s { builtin rulebook { rules 20 } }\nscenario a {\n  target s\n  stages { iterations 5 \
                    shared by 1 user within 10s }\n  run f\n}\nflow f { call list_rules }\n";
    fs::write(dir.path().join("suite/one.mcpl"), scenario).unwrap();
    let ran = here().args(["run", "suite", "--quiet", "--report", "mine/suite.html.j2=all.html"]).output().unwrap();
    assert_exit(&ran, 0);
    let page = fs::read_to_string(dir.path().join("all.html")).unwrap();
    assert!(page.contains("/* mine */") && page.contains("href=\"all&#x2f;one.html\""), "{page}");
    assert!(dir.path().join("all/one.html").exists(), "the pages of the runs lie beside");
    // The same for a single run, by any template.
    fs::write(dir.path().join("line.txt"), "{{ run.name }}: {{ verdict.word }}").unwrap();
    let ran = here().args(["run", "suite/one.mcpl", "--quiet", "--report", "line.txt=said.txt"]).output().unwrap();
    assert_exit(&ran, 0);
    assert_eq!(fs::read_to_string(dir.path().join("said.txt")).unwrap(), "one: passed");
}

#[test]
fn a_template_that_cannot_be_read_is_found_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("bad.txt.j2");
    fs::write(&template, "{{ run.name }}\n{% for step in %}\n").unwrap();
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart.mcpl");
    let asked = format!("{}={}", template.display(), dir.path().join("out.txt").display());
    let sides = ["--a", "builtin rulebook", "--b", "builtin rulebook"];
    let ways: [&[&str]; 3] = [&["run"], &["rehearse"], &["compare"]];
    for way in ways {
        let mut command = mcpl();
        command.args(way).arg(&quickstart).args(["--report", &asked]);
        if way == ["compare"] {
            command.args(sides);
        }
        let output = command.output().unwrap();
        assert_exit(&output, 2);
        let said = stderr(&output);
        assert!(
            said.contains("bad.txt.j2, line 2: the template cannot be read") && stdout(&output).is_empty(),
            "{said}"
        );
        assert!(!said.contains("running "), "{said}");
    }
}
