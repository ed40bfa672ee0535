//! The official conformance suite against mcpl's client and against the built-in
//! server. `docs/conformance.md` has what passes; what does not has its reason there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use regex::Regex;

use super::install::conformance;
use super::servers::Rulebook;

/// The revisions that the suite has scenarios for, beside those of one alone.
const REVISIONS: [&str; 3] = ["2025-06-18", "2025-11-25", "2026-07-28"];

/// Scenarios about authorization: the page says why they are left out.
const OAUTH: &str = "auth/";

/// But for those of an extension, which belongs to no revision.
const CREDENTIALS: [&str; 2] = ["auth/client-credentials-basic", "auth/client-credentials-jwt"];

/// Passed checks of all, for each revision.
type Cells = [String; 3];

/// Runs all scenarios of a revision: the scenarios with `passed of all` checks.
#[track_caller]
fn run(mut suite: Command, revision: &str) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    suite.args(["--suite", "all", "--spec-version", revision, "--output-dir"]).arg(dir.path());
    let output = suite.current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = Regex::new("(?m)^[✓✗] (\\S+): (\\d+) passed, (\\d+) failed").unwrap();
    let number = |text: &str| text.parse::<u32>().unwrap();
    let found = line.captures_iter(&said).map(|found| (found[1].to_owned(), number(&found[2]), number(&found[3])));
    // Where nothing applied there is nothing to say.
    let applied = found.filter(|(name, passed, failed)| passed + failed > 0 && !name.starts_with(OAUTH));
    let checks = applied.map(|(name, passed, failed)| (name, format!("{passed} of {}", passed + failed)));
    let checks: BTreeMap<_, _> = checks.collect();
    assert!(!checks.is_empty(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    checks
}

/// Runs all scenarios of each revision.
fn run_all(suite: impl Fn() -> Command) -> BTreeMap<String, Cells> {
    let mut all: BTreeMap<String, Cells> = BTreeMap::new();
    for (at, revision) in REVISIONS.iter().enumerate() {
        for (scenario, cell) in run(suite(), revision) {
            all.entry(scenario).or_insert_with(|| std::array::from_fn(|_| "–".to_owned()))[at] = cell;
        }
    }
    all
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md")
}

/// Whether all checks of a cell passed.
fn passes(cell: &str) -> bool {
    cell.split_once(" of ").is_none_or(|(passed, all)| passed == all)
}

/// Holds what was seen against the table of this side, or writes it with `UPDATE=1`,
/// which keeps the reasons. Whatever fails has a reason, and nothing else has.
#[track_caller]
fn expect_table(side: &str, seen: &BTreeMap<String, Cells>) {
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock();
    let text = fs::read_to_string(page()).unwrap();
    let (mut ours, mut place) = (Vec::new(), None);
    let heading = format!("| {side} |");
    let mut rest = Vec::new();
    for line in text.lines() {
        match place {
            Some(at) if line.starts_with("| `") && rest.len() == at => ours.push(line),
            _ => rest.push(line),
        }
        if line.starts_with("|---") && rest.iter().rev().nth(1).is_some_and(|head| head.starts_with(&heading)) {
            place = Some(rest.len());
        }
    }
    let place = place.expect("the page has the table");
    let reasons: BTreeMap<_, _> = ours
        .iter()
        .map(|line| line.split(" | ").collect::<Vec<_>>())
        .map(|cells| (cells[0].trim_matches(['|', ' ', '`']), cells.last().unwrap().trim_end_matches('|').trim()))
        .collect();
    let rows: Vec<_> = seen
        .iter()
        .map(|(scenario, cells)| {
            let reason = reasons.get(scenario.as_str()).copied().filter(|_| !cells.iter().all(|cell| passes(cell)));
            format!("| `{scenario}` | {} | {} |", cells.join(" | "), reason.unwrap_or_default())
        })
        .collect();
    if ours != rows {
        let new = rows.join("\n");
        assert!(std::env::var_os("UPDATE").is_some(), "docs/conformance.md says otherwise of the {side}:\n{new}");
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        fs::write(page(), [&rest[..place], &rows, &rest[place..]].concat().join("\n") + "\n").unwrap();
    }
    for (scenario, cells) in seen {
        let reason = reasons.get(scenario.as_str()).copied().unwrap_or_default();
        let passes = cells.iter().all(|cell| passes(cell));
        assert!(
            passes || !reason.is_empty(),
            "{side}: {scenario} fails without a reason in docs/conformance.md: {cells:?}"
        );
    }
}

/// The example that is the suite's client.
fn client() -> PathBuf {
    // Where the program under test is: coverage has a directory of its own.
    let profile = Path::new(env!("CARGO_BIN_EXE_mcpl")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "conformance_client", "--target-dir"]).arg(profile.parent().unwrap());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    profile.join("examples/conformance_client")
}

#[test]
fn the_client_passes_what_the_page_says() {
    if conformance().is_none() {
        return;
    }
    let client = client();
    let seen = run_all(|| {
        let mut suite = conformance().unwrap();
        suite.arg("client").arg("--command").arg(&client);
        suite
    });
    expect_table("client", &seen);
}

#[test]
fn the_client_finds_out_where_tokens_are_had() {
    if conformance().is_none() {
        return;
    }
    let client = client();
    let line = Regex::new("Passed: (\\d+)/(\\d+), (\\d+) failed").unwrap();
    let text = fs::read_to_string(page()).unwrap().replace('\n', " ");
    for scenario in CREDENTIALS {
        let dir = tempfile::tempdir().unwrap();
        let mut suite = conformance().unwrap();
        suite.args(["client", "--scenario", scenario, "--command"]).arg(&client);
        let output = suite.arg("--output-dir").arg(dir.path()).current_dir(dir.path()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let counts = line.captures(&said).unwrap_or_else(|| panic!("{said}"));
        let counts: Vec<u32> = (1..4).map(|at| counts[at].parse().unwrap()).collect();
        assert!(counts[0] == counts[1] && counts[2] == 0, "{said}");
        let cell = format!("`{scenario}` with {} of {} checks", counts[0], counts[1]);
        assert!(text.contains(&cell), "docs/conformance.md does not say: {cell}");
    }
}

#[test]
fn the_built_in_server_passes_what_the_page_says() {
    if conformance().is_none() {
        return;
    }
    let against = |server: &Rulebook| {
        run_all(|| {
            let mut suite = conformance().unwrap();
            suite.args(["server", "--url", &server.url]);
            suite
        })
    };
    let events = against(&Rulebook::start(&["--answers", "sse"]));
    expect_table("server", &events);
    // Without sessions and event streams there is less to check, and nothing else fails.
    for (scenario, cells) in against(&Rulebook::start(&["--answers", "json"])) {
        for (cell, with_events) in cells.iter().zip(&events[&scenario]) {
            assert_eq!(passes(cell), passes(with_events), "{scenario} answered as JSON: {cell}");
        }
    }
}
