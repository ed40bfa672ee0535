//! Every server of others under a short mixed load: no failure, no violation
//! that is not explained, and the table of `docs/third-party.md` as it was seen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use mcpl::plan::Selection;
use mcpl::results::{Results, Window};

use super::install::{npm, packages, python, set_up, skip};
use super::servers::Server;
use crate::support::{assert_exit, compile, mcpl, stdout};

/// The scenario files beside this one.
const FILES: [&str; 8] = ["everything", "filesystem", "git", "memory", "python", "tasks", "time", "typescript"];

/// What is violated, and by whom. `docs/third-party.md` says why.
const EXPLAINED: [(&str, &str, &[&str]); 1] = [("memory", "gateway_2026_07_28", &["result_type", "cache_hints"])];

/// The page with the table.
fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/third-party.md")
}

pub fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/third_party").join(name)
}

/// The words of a scenario's comment, each package with its version.
fn with_versions(words: &str) -> String {
    let named = words.split(' ').map(|word| {
        let (name, comma) = word.strip_suffix(',').map_or((word, ""), |name| (name, ","));
        match packages().find(|(package, _)| *package == name) {
            Some((_, version)) => format!("{name} {version}{comma}"),
            None => word.to_owned(),
        }
    });
    named.collect::<Vec<_>>().join(" ")
}

/// The beginning of a scenario's line in the table.
fn key(file: &str, scenario: &str) -> String {
    format!("| `{file}.mcpl` | `{scenario}` |")
}

/// Holds the lines of a file against the page, or writes them with `UPDATE=1`.
#[track_caller]
fn expect_lines(file: &str, lines: &[String]) {
    // Files are tested together, and each writes its own lines.
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock();
    let text = fs::read_to_string(page()).unwrap();
    let ours = format!("| `{file}.mcpl` |");
    let said: Vec<_> = text.lines().filter(|line| line.starts_with(&ours)).collect();
    if said == lines {
        return;
    }
    let new = lines.join("\n");
    assert!(std::env::var_os("UPDATE").is_some(), "docs/third-party.md says otherwise; with UPDATE=1 it says\n{new}");
    let (mut rows, other): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("| `"));
    rows.retain(|row| !row.starts_with(&ours));
    rows.extend(lines.iter().map(String::as_str));
    rows.sort_by_key(|row| FILES.iter().position(|file| row.starts_with(&format!("| `{file}.mcpl`"))));
    let head = other.iter().position(|line| line.starts_with("|---")).unwrap();
    let out = [&other[..=head], &rows, &other[head + 1..]].concat().join("\n") + "\n";
    fs::write(page(), out).unwrap();
}

/// Runs a file with this environment, and looks at each of its scenarios.
#[track_caller]
fn run(file: &str, environment: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("run.json");
    let mut command = mcpl();
    command.arg("run").arg(beside(&format!("{file}.mcpl"))).arg("--quiet").arg("--no-save").arg("--out").arg(&kept);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert_exit(&output, 0);
    let results = Results::from_json(&fs::read_to_string(kept).unwrap()).unwrap();
    let mut lines = Vec::new();
    for (index, scenario) in results.plan.scenarios.iter().enumerate() {
        let series = 0..results.plan.series.len();
        let selection = Selection {
            series: series.filter(|at| results.plan.series[*at].scenario == index).collect(),
            scenarios: vec![index],
            tags: Vec::new(),
        };
        let counts = results.counts(&selection, Window::Whole);
        let server = &results.servers[scenario.targets[0].server];
        let name = &scenario.name;
        assert_eq!(counts.failed(), 0, "{file} {name}:\n{}", stdout(&output));
        let kinds: Vec<_> = counts.violation_kinds.keys().map(|kind| kind.name()).collect();
        let explained = EXPLAINED.iter().find(|(f, s, _)| (*f, *s) == (file, name)).map_or(&[][..], |found| found.2);
        assert_eq!(kinds, explained, "{file} {name}:\n{}", stdout(&output));
        let violations = if kinds.is_empty() { "none".to_owned() } else { format!("`{}`", kinds.join("`, `")) };
        lines.push(format!(
            "{} {} | {} | {} | {} | {violations} |",
            key(file, name),
            with_versions(scenario.doc.as_deref().unwrap()),
            server.transport,
            server.revision,
            counts.requests,
        ));
    }
    expect_lines(file, &lines);
}

/// The folder of the packages as text.
fn shown(place: &Path) -> String {
    place.display().to_string()
}

#[test]
fn the_reference_server() {
    let Some(place) = npm() else { return };
    let program = "node_modules/.bin/mcp-server-everything";
    let serve = |transport: &str| {
        Server::node(&place, program, |port, node| {
            node.arg(transport).env("PORT", port.to_string());
        })
    };
    let (http, sse) = (serve("streamableHttp"), serve("sse"));
    let environment = [("EVERYTHING_URL", &*http.url()), ("EVERYTHING_SSE_URL", &sse.at("sse"))];
    run("everything", &[&environment[..], &[("THIRD_PARTY", &shown(&place))]].concat());
}

#[test]
fn a_server_of_files() {
    let Some(place) = npm() else { return };
    let folder = tempfile::tempdir().unwrap();
    run("filesystem", &[("THIRD_PARTY", &shown(&place)), ("FOLDER", &shown(folder.path()))]);
}

#[test]
fn a_server_with_a_memory_and_a_gateway_before_it() {
    let Some(place) = npm() else { return };
    let dir = tempfile::tempdir().unwrap();
    let gateway = Server::node(&place, "node_modules/.bin/supergateway", |port, node| {
        let memory = place.join("node_modules/.bin/mcp-server-memory");
        node.arg("--stdio").arg(format!("node {}", memory.display()));
        node.args(["--outputTransport", "streamableHttp", "--stateful", "--port"]).arg(port.to_string());
        node.env("MEMORY_FILE_PATH", dir.path().join("gateway.jsonl"));
    });
    let file = dir.path().join("memory.jsonl");
    let environment = [("MEMORY_FILE", &*shown(&file)), ("GATEWAY_URL", &gateway.url())];
    run("memory", &[&environment[..], &[("THIRD_PARTY", &shown(&place))]].concat());
}

#[test]
fn a_server_that_reads_a_repository() {
    let Some(place) = python() else { return };
    let repository = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A Person", "-c", "user.email=person@example.com"]).args(arguments);
        set_up(git.current_dir(repository.path()))
    };
    if let Err(why) = git(&["init", "--quiet"]) {
        return skip(&why).unwrap_or_default();
    }
    fs::write(repository.path().join("words.txt"), "one\n").unwrap();
    git(&["add", "words.txt"]).unwrap();
    git(&["commit", "--quiet", "--message", "Add the first word"]).unwrap();
    fs::write(repository.path().join("words.txt"), "one\ntwo\n").unwrap();
    run("git", &[("THIRD_PARTY", &shown(&place)), ("REPOSITORY", &shown(repository.path()))]);
}

#[test]
fn a_server_that_knows_the_time_and_a_proxy_before_it() {
    let Some(place) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("servers.json");
    let server =
        serde_json::json!({ "command": place.join("python/bin/mcp-server-time"), "args": ["--local-timezone", "UTC"] });
    fs::write(&config, serde_json::json!({ "mcpServers": { "time": server } }).to_string()).unwrap();
    let proxy = || {
        Server::start(|port| {
            let mut fastmcp = Command::new(place.join("python/bin/fastmcp"));
            fastmcp.arg("run").arg(&config).args([
                "--transport",
                "http",
                "--host",
                "127.0.0.1",
                "--no-banner",
                "--port",
            ]);
            fastmcp.arg(port.to_string()).env("FASTMCP_CHECK_FOR_UPDATES", "off");
            fastmcp
        })
    };
    let (proxy, modern) = (proxy(), proxy());
    let environment = [("PROXY_URL", &*proxy.url()), ("MODERN_PROXY_URL", &modern.url())];
    run("time", &[&environment[..], &[("THIRD_PARTY", &shown(&place))]].concat());
}

#[test]
fn a_server_on_the_python_sdk() {
    let Some(place) = python() else { return };
    let program = beside("own.py");
    let serve = |answers: &[&str]| {
        Server::start(|port| {
            let mut python = Command::new(place.join("python/bin/python"));
            python.arg(&program).arg("http").arg(port.to_string()).args(answers);
            python
        })
    };
    let (events, json) = (serve(&[]), serve(&["json"]));
    let environment = [("EVENTS_URL", &*events.url()), ("JSON_URL", &json.url()), ("OWN_SERVER", &shown(&program))];
    run("python", &[&environment[..], &[("THIRD_PARTY", &shown(&place))]].concat());
}

#[test]
fn a_server_whose_calls_become_tasks() {
    let Some(place) = python() else { return };
    let program = beside("tasks.py");
    let server = Server::start(|port| {
        let mut python = Command::new(place.join("python/bin/python"));
        python.arg(&program).arg("http").arg(port.to_string()).env("FASTMCP_CHECK_FOR_UPDATES", "off");
        python
    });
    let environment = [("TASKS_URL", &*server.url()), ("TASKS", &shown(&program))];
    run("tasks", &[&environment[..], &[("THIRD_PARTY", &shown(&place))]].concat());
}

#[test]
fn a_server_on_the_typescript_sdk() {
    let Some(place) = npm() else { return };
    // A module finds its packages by where it lies.
    fs::copy(beside("own.mjs"), place.join("own.mjs")).unwrap();
    let server = Server::node(&place, "own.mjs", |port, node| {
        node.arg(port.to_string());
    });
    run("typescript", &[("TYPESCRIPT_URL", &server.url())]);
}

#[test]
fn the_table_has_every_scenario_and_no_other() {
    let scenarios = FILES.iter().flat_map(|file| {
        let name = format!("{file}.mcpl");
        let compiled = compile(&name, &fs::read_to_string(beside(&name)).unwrap(), &[]);
        let plan = compiled.lowered.plan.unwrap();
        plan.scenarios.into_iter().map(|scenario| key(file, &scenario.name)).collect::<Vec<_>>()
    });
    let wanted: BTreeSet<_> = scenarios.collect();
    let text = fs::read_to_string(page()).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let said: BTreeSet<_> = rows.map(|row| row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|") + "|").collect();
    assert_eq!(said, wanted);
    let mut files: Vec<_> = fs::read_dir(beside("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.retain(|name| name.to_string_lossy().ends_with(".mcpl"));
    assert_eq!(files.len(), FILES.len(), "each scenario file here has its test");
}
