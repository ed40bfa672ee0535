//! The history by itself: what it keeps, and what becomes of damaged files.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Details, Filter, History, Kept, Mode, StoreError, Tags};
use crate::plan::{Endpoint, Load, Plan, Scenario, Segment, Server};
use crate::record::{Recording, Slice};
use crate::results::{Ended, Results, Run, SCHEMA, Tool};

fn run(id: &str, started: &str) -> Results {
    let load = Load::Closed { segments: vec![Segment { from: 1.0, to: 1.0, duration_ns: 1_000_000_000 }], work: None };
    let plan = Plan {
        schema: "mcpl.plan/1".to_owned(),
        name: "shop".to_owned(),
        servers: vec![Server::new("s", Endpoint::Http { url: "http://127.0.0.1:1/".to_owned() })],
        scenarios: vec![Scenario::new("m", load, Vec::new())],
        ..Plan::default()
    };
    let mut recording = Recording::default();
    (0..3).for_each(|second| recording.add(Slice { second, ..Slice::default() }));
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: "0".to_owned() },
        plan_hash: plan.hash(),
        plan,
        run: Run {
            id: id.to_owned(),
            parts: Vec::new(),
            started: started.to_owned(),
            load_ms: 1000,
            total_ms: 1000,
            ended: Ended::Completed,
            guarded: None,
            threads: 1,
        },
        environment: crate::results::Environment::default(),
        servers: Vec::new(),
        recording,
    }
}

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    Place { _dir: dir, path }
}

fn with_three(path: &Path) -> History {
    let mut history = History::open(path, Mode::Write).unwrap();
    for (id, started) in
        [("aa1", "2026-01-02T00:00:00Z"), ("aa2", "2026-01-01T00:00:00Z"), ("b", "2026-01-02T00:00:00Z")]
    {
        let tags = Tags::from([("commit".to_owned(), id.to_owned())]);
        assert_eq!(history.keep(&run(id, started), "passed", &tags, Details::Whole).unwrap(), Kept::New);
    }
    history
}

fn ids(history: &History, filter: &Filter) -> Vec<String> {
    history.list(filter).unwrap().into_iter().map(|entry| entry.id).collect()
}

#[test]
fn a_run_comes_back_as_it_was() {
    let place = place();
    drop(with_three(&place.path));
    let mut history = History::open(&place.path, Mode::Read).unwrap();
    let whole = run("aa1", "2026-01-02T00:00:00Z");
    assert_eq!(history.results("aa1").unwrap(), whole);
    assert_eq!(history.condensed("aa1").unwrap(), whole.condensed());
    let entry = history.find("aa1").unwrap();
    assert_eq!((entry.name.as_str(), entry.load_hash), ("shop", whole.plan.load_hash()));
    assert_eq!((entry.tags["commit"].as_str(), entry.detailed, entry.p95_ns), ("aa1", true, None));
    assert_eq!(history.condense(["aa1", "nobody"]).unwrap(), 1);
    assert!(!history.find("aa1").unwrap().detailed);
    assert_eq!(history.results("aa1").unwrap(), whole.condensed());
    // It can be completed, and only then.
    assert_eq!(history.keep(&whole, "failed", &Tags::new(), Details::Condensed).unwrap(), Kept::Known);
    assert_eq!(history.keep(&whole, "failed", &Tags::new(), Details::Whole).unwrap(), Kept::Completed);
    assert_eq!(history.keep(&whole, "failed", &Tags::new(), Details::Whole).unwrap(), Kept::Known);
    assert_eq!(history.results("aa1").unwrap(), whole);
    assert_eq!(history.find("aa1").unwrap().outcome, "passed", "what was said first stays");
}

#[test]
fn runs_are_listed_from_the_last_to_the_first() {
    let place = place();
    let mut history = with_three(&place.path);
    assert_eq!(ids(&history, &Filter::default()), ["b", "aa1", "aa2"]);
    assert_eq!(ids(&history, &Filter { limit: Some(1), ..Filter::default() }), ["b"]);
    assert!(ids(&history, &Filter { name: Some("other".to_owned()), ..Filter::default() }).is_empty());
    let hash = run("x", "").plan.load_hash();
    assert_eq!(ids(&history, &Filter { load_hash: Some(hash), ..Filter::default() }).len(), 3);
    assert_eq!(history.remove(["b", "nobody"]).unwrap(), 1);
    assert_eq!(ids(&history, &Filter::default()), ["aa1", "aa2"]);
}

#[test]
fn a_run_is_found_by_what_can_mean_no_other() {
    let place = place();
    let mut history = with_three(&place.path);
    let found = |history: &History, name: &str| history.find(name).map(|entry| entry.id);
    for (name, id) in [("b", "b"), ("aa1", "aa1"), ("latest", "b"), ("latest~1", "aa1"), ("latest~2", "aa2")] {
        assert_eq!(found(&history, name).unwrap(), id);
    }
    assert!(matches!(found(&history, "aa"), Err(StoreError::Ambiguous { of, .. }) if of == ["aa1", "aa2"]));
    for name in ["", "latest~3", "latest~99999999999999999999", "c", "%", "_", "latest~18446744073709551615"] {
        assert!(matches!(found(&history, name), Err(StoreError::NoRun(_))), "{name}");
    }
    // An id may be the beginning of others.
    history.keep(&run("aa", ""), "passed", &Tags::new(), Details::Whole).unwrap();
    assert_eq!(found(&history, "aa").unwrap(), "aa");
}

#[test]
fn tags_are_changed_where_the_run_is() {
    let place = place();
    let mut history = with_three(&place.path);
    let tags = history
        .tag("b", |tags| {
            tags.insert("branch".to_owned(), "main".to_owned());
            tags.remove("commit");
        })
        .unwrap();
    assert_eq!(tags, Tags::from([("branch".to_owned(), "main".to_owned())]));
    assert_eq!(history.find("b").unwrap().tags, tags);
    assert!(matches!(history.tag("c", |_| ()), Err(StoreError::NoRun(_))));
}

#[test]
fn what_is_no_history_is_told_apart() {
    let place = place();
    let open = |mode| History::open(&place.path, mode).map(|_| ());
    assert!(matches!(open(Mode::Read), Err(StoreError::System(_))), "it is not begun by looking");
    assert!(!place.path.exists());
    fs::write(&place.path, "").unwrap();
    assert!(matches!(open(Mode::Read), Err(StoreError::Missing)));
    drop(with_three(&place.path));

    let raw = rusqlite::Connection::open(&place.path).unwrap();
    raw.pragma_update(None, "user_version", super::VERSION + 1).unwrap();
    assert!(matches!(open(Mode::Write), Err(StoreError::Newer { found: 2 })));
    raw.pragma_update(None, "application_id", 1).unwrap();
    assert!(matches!(open(Mode::Write), Err(StoreError::Foreign)));
    drop(raw);

    fs::remove_file(&place.path).unwrap();
    let raw = rusqlite::Connection::open(&place.path).unwrap();
    raw.execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(open(Mode::Write), Err(StoreError::Foreign)));
    drop(raw);

    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    assert!(matches!(open(Mode::Write), Err(StoreError::System(_))));
}

#[test]
fn reading_writes_nothing_and_waits_for_nobody_who_writes() {
    let place = place();
    drop(with_three(&place.path));
    let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(&place.path, read_only).unwrap();
    assert_eq!(ids(&History::on(connection, Mode::Read).unwrap(), &Filter::default()).len(), 3);

    let writer = rusqlite::Connection::open(&place.path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(read_all(&place.path, Mode::Read).unwrap(), 3);
    drop(writer);

    let theirs = place.path.with_extension("theirs");
    let raw = rusqlite::Connection::open(&theirs).unwrap();
    raw.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE theirs (x)").unwrap();
    drop(raw);
    let before = fs::read(&theirs).unwrap();
    for mode in [Mode::Read, Mode::Write] {
        assert!(matches!(History::open(&theirs, mode), Err(StoreError::Foreign)));
        assert!(fs::read(&theirs).unwrap() == before, "{mode:?} changed it");
    }
}

/// Opens a file and asks it for everything.
fn read_all(path: &Path, mode: Mode) -> Result<usize, StoreError> {
    let history = History::open(path, mode)?;
    let runs = history.list(&Filter::default())?;
    for entry in &runs {
        history.results(&entry.id)?;
        history.condensed(&entry.id)?;
    }
    Ok(runs.len())
}

#[test]
fn a_file_that_was_cut_anywhere_is_known_to_be_damaged() {
    let place = place();
    drop(with_three(&place.path));
    let bytes = fs::read(&place.path).unwrap();
    // SQLite takes what is shorter than a page for nothing at all; `cli` looks first.
    for cut in (512..bytes.len()).step_by(509) {
        fs::write(&place.path, &bytes[..cut]).unwrap();
        let read = read_all(&place.path, Mode::Write);
        // What of the last page is missing reads as zeros, which the checksum of a run does
        // not bear.
        let known = matches!(read, Err(StoreError::Damaged(_) | StoreError::Unreadable { .. }));
        assert!(known, "{cut} of {}: {read:?}", bytes.len());
    }
}

#[test]
fn bytes_that_were_changed_never_make_a_reader_panic() {
    let place = place();
    drop(with_three(&place.path));
    let bytes = fs::read(&place.path).unwrap();
    let mut told = 0;
    for at in (0..bytes.len()).step_by(397) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x5a;
        fs::write(&place.path, &damaged).unwrap();
        for mode in [Mode::Read, Mode::Write] {
            told += usize::from(read_all(&place.path, mode).is_err());
        }
        let _ = fs::remove_file(place.path.with_extension("db-journal"));
    }
    assert!(told > 0, "some of it is found out");
    fs::write(&place.path, "no database, and long enough to have a header of its own".repeat(20)).unwrap();
    assert!(matches!(read_all(&place.path, Mode::Write), Err(StoreError::Damaged(_))));
}

#[test]
fn what_is_removed_goes_back_to_the_system() {
    let place = place();
    let mut history = History::open(&place.path, Mode::Write).unwrap();
    let size = || fs::metadata(&place.path).unwrap().len();
    let empty = size();
    for n in 0..50 {
        history.keep(&run(&n.to_string(), ""), "passed", &Tags::new(), Details::Whole).unwrap();
    }
    let ids: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    assert!(size() > 2 * empty);
    assert_eq!(history.remove(ids.iter().map(String::as_str)).unwrap(), 50);
    assert!(size() <= empty + 4096, "{} then, {} now", empty, size());
}

#[test]
fn many_who_write_at_once_all_succeed() {
    let place = place();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = &place.path;
            scope.spawn(move || {
                for n in 0..13 {
                    let mut history = History::open(path, Mode::Write).unwrap();
                    let results = run(&format!("{writer}-{n}"), "2026-01-01T00:00:00Z");
                    history.keep(&results, "passed", &Tags::new(), Details::Whole).unwrap();
                }
            });
        }
    });
    assert_eq!(read_all(&place.path, Mode::Write).unwrap(), 8 * 13);
}
