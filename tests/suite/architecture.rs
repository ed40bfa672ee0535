//! The table of rooms in ARCHITECTURE.md holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that are named in one place only, and where.
const PRIVATE: &[(&str, &str)] = &[
    ("pest", "src/syntax"),
    ("rowan", "src/syntax"),
    ("httparse", "src/transport/http"),
    ("nix", "src/transport/stamped.rs"),
    ("rustls", "src/transport/tls.rs"),
    ("tokio_rustls", "src/transport"),
    ("rustls_native_certs", "src/transport/tls.rs"),
    ("miette", "src/diag/render/text.rs"),
    ("rmcp", "src/rulebook"),
    ("axum", "src/rulebook"),
    ("minijinja", "src/report"),
    ("clap", "src/cli"),
    ("ratatui", "src/cli/dashboard"),
    ("hdrhistogram", "src/record"),
    ("jsonschema", "src/schema.rs"),
    ("regex_syntax", "src/starter"),
    ("toml", "src/cli/triage.rs"),
    ("rusqlite", "src/store"),
];

/// A file is named for the one thing in it; beyond this it holds more.
const MAX_LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut out = Vec::new();
    sources(&root().join("src"), &mut out);
    out
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// The text without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The room a file belongs to: the first part of its path below `src`.
fn room(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Words that follow `crate::` in a text, also in `use crate::{a, b::c}`.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let end = group.find("};").unwrap_or(group.len());
            let (mut depth, mut start) = (0, 0);
            for (i, c) in group[..end].char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(word(&group[start..i]));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
            found.insert(word(&group[start..end]));
        } else {
            found.insert(word(rest));
        }
    }
    found.remove("");
    found
}

/// The table: each room and what it may import; `None` is everything.
fn table() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut rows = text.lines().skip_while(|line| !line.starts_with("| module | invariant | may import |"));
    assert!(rows.next().is_some(), "ARCHITECTURE.md has the table");
    let ticked = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    rows.skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let name = ticked(cells[0]).into_iter().next().expect("a module in backticks");
            let imports = if cells[2] == "everything" { None } else { Some(ticked(cells[2])) };
            (name, imports)
        })
        .collect()
}

#[test]
fn rooms_import_only_what_the_table_lists() {
    let table = table();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in all_sources() {
        let room = room(&path);
        if is_test(&path) || matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let mut named = rooms_named(&code(&path));
        named.remove(&room);
        used.entry(room).or_default().extend(named.into_iter().filter(|name| table.contains_key(name)));
    }
    let rooms: BTreeSet<_> = used.keys().collect();
    assert_eq!(rooms, table.keys().collect(), "the table lists the modules of src/");
    for (room, listed) in &table {
        if let Some(listed) = listed {
            assert_eq!(&used[room], listed, "what `{room}` imports (left) and what the table lists (right)");
        }
    }
}

#[test]
fn crates_are_named_where_they_belong() {
    for path in all_sources().into_iter().filter(|path| !is_test(path)) {
        let code = code(&path);
        let shown = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        for (name, place) in PRIVATE {
            if !shown.starts_with(place) {
                let names = [format!("use {name}::"), format!(" {name}::"), format!("({name}::"), format!("<{name}::")];
                let found = names.iter().find(|pattern| code.contains(pattern.as_str()));
                assert!(found.is_none(), "{shown} names {name}, which belongs to {place}");
            }
        }
    }
}

#[test]
fn only_the_command_line_touches_the_outside_world() {
    let outside = [
        "std::fs",
        "std::env",
        "println!",
        "eprintln!",
        "print!(",
        "std::io::stdout",
        "std::io::stderr",
        "std::io::stdin",
    ];
    for path in all_sources().into_iter().filter(|path| !is_test(path)) {
        if matches!(room(&path).as_str(), "cli" | "main") {
            continue;
        }
        let code = code(&path);
        for name in outside {
            assert!(!code.contains(name), "{} uses {name}", path.display());
        }
    }
}

/// All else takes its time from clocks that nobody can set, so that a clock that is
/// set during a run changes no figure.
#[test]
fn the_wall_clock_is_read_for_the_date_and_age_of_a_run_an_assertion_and_the_age_of_a_stamp_only() {
    let names = [
        "SystemTime",
        "Timestamp::now",
        "Zoned::now",
        "ClockId::Realtime",
        "CLOCK_REALTIME",
        "UNIX_EPOCH",
        "gettimeofday",
    ];
    let mut read = Vec::new();
    for path in all_sources().into_iter().filter(|path| !is_test(path)) {
        let code = code(&path);
        let lines = code.lines().filter(|line| names.iter().any(|name| line.contains(name)));
        read.extend(lines.map(|line| format!("{}: {}", path.strip_prefix(root()).unwrap().display(), line.trim())));
    }
    let expected = [
        "src/cli/history/prune.rs: let before = prune.older_than.map(|age| jiff::Timestamp::now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN));",
        "src/cli/live_outputs/otlp.rs: let body = totals.otlp(began, Begun::nanos(jiff::Timestamp::now()));",
        "src/cli/measure.rs: let started = jiff::Timestamp::now();",
        "src/cli/measure.rs: let now = jiff::Timestamp::now();",
        "src/cli/token.rs: let now = jiff::Timestamp::now();",
        "src/cli/trend.rs: let now = jiff::Timestamp::now();",
        "src/transport/stamped.rs: let now = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME).ok()?);",
    ];
    assert_eq!(read, expected);
}

#[test]
fn files_stay_short() {
    for path in all_sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: it holds more than one thing", path.display());
    }
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_we_promise() {
    // Those of other systems may not be here.
    let version = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    let packages = metadata["packages"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"] == "mcpl").unwrap()["rust_version"].as_str().unwrap();
    for package in packages {
        if let Some(needs) = package["rust_version"].as_str() {
            assert!(version(needs) <= version(&format!("{ours}.0")), "{} needs Rust {needs}", package["name"]);
        }
    }
}
