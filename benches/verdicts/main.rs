//! How often verdicts are right: runs scenarios against the built-in server with one
//! fault switched on, and without any, over seeds, and prints how often the fault was
//! found, and how often something was found that was not there.
//!
//! `just verdict-rates` runs it; `--runs N` seeds, `--jobs N` runs at a time,
//! `--only WORD` for some of the faults.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![expect(clippy::expect_used, reason = "a bench may fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpl::results::Results;
use mcpl::verdict::{self, Kind};

/// A fault, and what must be found when it is switched on.
struct Fault {
    name: &'static str,
    file: &'static str,
    /// The server without it.
    healthy: &'static str,
    switch: &'static str,
    kind: Kind,
}

const JSON: &str = "builtin rulebook";
const SLOW: &str = "builtin rulebook --latency=600ms --answers=sse";
const EVENTS: &str = "builtin rulebook --answers=sse";

const FAULTS: [Fault; 16] = [
    fault("latency drift", "steady", JSON, "--drift=120ms", Kind::Drift),
    fault("periodic freeze", "steady", JSON, "--freeze=500ms", Kind::Freeze),
    fault("error bursts", "steady", JSON, "--error-bursts=50%", Kind::ErrorBursts),
    fault("slow start", "steady", JSON, "--slow-start=300ms", Kind::SlowStart),
    fault("memory leak", "steady", JSON, "--leak=100KiB", Kind::Leak),
    fault("lost replies", "steady", JSON, "--lost=1%", Kind::LostReplies),
    fault("stalled streams", "steady", JSON, "--stalled=1%", Kind::StalledReplies),
    fault("malformed replies", "steady", JSON, "--malformed=1%", Kind::Errors),
    fault("wrong ids", "steady", JSON, "--wrong-ids=1%", Kind::Violation),
    fault("duplicate replies", "steady", EVENTS, "--duplicates=1%", Kind::Violation),
    fault("cross-wired replies", "tokens", JSON, "--cross-wired=0.5%", Kind::CrossWired),
    fault("head-of-line blocking", "blocking", JSON, "--lock=200ms", Kind::Blocking),
    fault("lost sessions", "sessions", EVENTS, "--lost-sessions=1%", Kind::LostSessions),
    fault("ignored cancellation", "cancel", SLOW, "--ignore-cancellation", Kind::IgnoredCancellation),
    fault("session leak", "sessions", EVENTS, "--session-leak=200KiB", Kind::Leak),
    fault("capacity exceeded", "ramp", JSON, "--lock=20ms", Kind::Missed),
];

const fn fault(
    name: &'static str,
    file: &'static str,
    healthy: &'static str,
    switch: &'static str,
    kind: Kind,
) -> Fault {
    Fault { name, file, healthy, switch, kind }
}

/// What says something about the machine or the load and not about the server.
const OWN: [Kind; 4] = [Kind::GeneratorBottleneck, Kind::GeneratorLate, Kind::HeldBack, Kind::Abandoned];

/// One run to make.
struct Job {
    file: &'static str,
    server: String,
    seed: u64,
}

fn main() -> ExitCode {
    let (mut runs, mut jobs, mut only) = (10_u64, 6_usize, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--runs" => runs = args.next().and_then(|value| value.parse().ok()).unwrap_or(runs),
            "--jobs" => jobs = args.next().and_then(|value| value.parse().ok()).unwrap_or(jobs),
            "--only" => only = args.next().unwrap_or_default(),
            // What cargo passes to a bench.
            "--bench" => {}
            other => {
                eprintln!("unknown argument `{other}`: write --runs N, --jobs N or --only WORD");
                return ExitCode::from(2);
            }
        }
    }
    let faults: Vec<&Fault> = FAULTS.iter().filter(|fault| fault.name.contains(&only)).collect();
    let mut todo: Vec<Job> = Vec::new();
    for seed in 1..=runs {
        let mut without: Vec<(&str, &str)> = Vec::new();
        for fault in &faults {
            if !without.contains(&(fault.file, fault.healthy)) {
                without.push((fault.file, fault.healthy));
                todo.push(Job { file: fault.file, server: format!("{} --seed={seed}", fault.healthy), seed });
            }
            let server = format!("{} --seed={seed} {}", fault.healthy, fault.switch);
            todo.push(Job { file: fault.file, server, seed });
        }
    }
    eprintln!("{} runs of up to 32 s, {jobs} at a time", todo.len());
    let found = run_all(&todo, jobs.max(1));
    print(&faults, runs, &found);
    ExitCode::SUCCESS
}

/// The kinds of findings of each run, by its file, server and seed; nothing for a run
/// that failed.
type Found = BTreeMap<(String, String, u64), Option<Vec<Kind>>>;

fn run_all(todo: &[Job], jobs: usize) -> Found {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::new()));
    let directory = std::env::temp_dir().join(format!("mcpl-verdict-rates-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for results");
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(job) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let kinds = run(job, &directory);
                    eprint!("{}", if kinds.is_some() { "." } else { "x" });
                    let key = (job.file.to_owned(), job.server.clone(), job.seed);
                    found.lock().expect("nobody panicked").insert(key, kinds);
                }
            });
        }
    });
    eprintln!();
    let _ = std::fs::remove_dir_all(&directory);
    found.into_inner().expect("nobody panicked")
}

fn run(job: &Job, directory: &Path) -> Option<Vec<Kind>> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let out = directory.join(format!("{}.json", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/verdicts").join(job.file).with_extension("mcpl");
    let status = Command::new(env!("CARGO_BIN_EXE_mcpl"))
        .args(["run", "--quiet", "--no-save", "--seed", &job.seed.to_string()])
        .arg("--set")
        .arg(format!("server={}", job.server))
        .arg("--out")
        .arg(&out)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status();
    status.ok()?;
    let results = Results::from_json(&std::fs::read_to_string(&out).ok()?).ok()?;
    let _ = std::fs::remove_file(&out);
    Some(verdict::judge(&results).findings.iter().map(|finding| finding.kind).collect())
}

fn print(faults: &[&Fault], runs: u64, found: &Found) {
    println!("| fault | switch | finding | found | something else found | false alarms without it |");
    println!("|---|---|---|---:|---:|---:|");
    let of = |file: &str, server: String, seed: u64| found.get(&(file.to_owned(), server, seed))?.as_ref();
    let about_server = |kinds: &&Vec<Kind>| kinds.iter().any(|kind| !OWN.contains(kind));
    for fault in faults {
        let seeds = || 1..=runs;
        let with: Vec<&Vec<Kind>> = seeds()
            .filter_map(|seed| of(fault.file, format!("{} --seed={seed} {}", fault.healthy, fault.switch), seed))
            .collect();
        let without: Vec<&Vec<Kind>> =
            seeds().filter_map(|seed| of(fault.file, format!("{} --seed={seed}", fault.healthy), seed)).collect();
        let hits = with.iter().filter(|kinds| kinds.contains(&fault.kind)).count();
        let others =
            with.iter().filter(|kinds| kinds.iter().any(|kind| *kind != fault.kind && !OWN.contains(kind))).count();
        let alarms = without.iter().filter(|kinds| about_server(kinds)).count();
        println!(
            "| {} | `{}` | `{}` | {hits}/{} | {others}/{} | {alarms}/{} |",
            fault.name,
            fault.switch,
            word(fault.kind),
            with.len(),
            with.len(),
            without.len()
        );
        let mut odd: Vec<String> = Vec::new();
        for kinds in with.iter().chain(&without) {
            let strange = kinds.iter().filter(|kind| **kind != fault.kind && !OWN.contains(*kind));
            odd.extend(strange.map(|kind| word(*kind)));
        }
        odd.sort();
        odd.dedup();
        if !odd.is_empty() {
            eprintln!("{}: also {}", fault.name, odd.join(", "));
        }
    }
}

fn word(kind: Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
