//! How often `mcpl compare --a --b` is right: trials of two builds of the built-in
//! server, one of them slower by a tenth, and of twice the same, over seeds.
//!
//! `just compare-rates` runs it; `--trials N` of each, `--jobs N` at a time, `--pairs N`
//! pairs of runs in each, `--only WORD` for some of the cases, `--program FILE` for
//! another build of mcpl.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![expect(clippy::expect_used, reason = "a bench may fail by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpl::verdict::compare::{Change, Comparison};

/// What is compared, and what is right to say of it.
struct Case {
    name: &'static str,
    a: &'static str,
    b: &'static str,
}

const CASES: [Case; 4] = [
    Case { name: "no change", a: "--latency=50ms", b: "--latency=50ms" },
    Case { name: "a tenth slower", a: "--latency=50ms", b: "--latency=55ms" },
    Case { name: "a tenth faster", a: "--latency=55ms", b: "--latency=50ms" },
    Case { name: "no change, jitter", a: "--latency=50ms --jitter=20ms", b: "--latency=50ms --jitter=20ms" },
];

fn main() -> ExitCode {
    let (mut trials, mut jobs, mut pairs, mut only) = (20_u64, 2_usize, 8_u32, String::new());
    let mut program = env!("CARGO_BIN_EXE_mcpl").to_owned();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--trials" => trials = args.next().and_then(|value| value.parse().ok()).unwrap_or(trials),
            "--jobs" => jobs = args.next().and_then(|value| value.parse().ok()).unwrap_or(jobs),
            "--pairs" => pairs = args.next().and_then(|value| value.parse().ok()).unwrap_or(pairs),
            "--only" => only = args.next().unwrap_or_default(),
            "--program" => program = args.next().unwrap_or(program),
            // What cargo passes to a bench.
            "--bench" => {}
            other => {
                eprintln!(
                    "unknown argument `{other}`: write --trials N, --jobs N, --pairs N, --only WORD or --program FILE"
                );
                return ExitCode::from(2);
            }
        }
    }
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.name.contains(&only)).collect();
    // Cases in turns, so that what else goes on meets all alike.
    let todo: Vec<(&Case, u64)> = (1..=trials).flat_map(|seed| cases.iter().map(move |case| (*case, seed))).collect();
    eprintln!("{} trials of about {} s, {jobs} at a time", todo.len(), pairs * 8);
    let next = AtomicUsize::new(0);
    let found: Mutex<BTreeMap<&str, Vec<Option<Comparison>>>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((case, seed)) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let comparison = trial(&program, case, *seed, pairs);
                    tell(case, *seed, comparison.as_ref());
                    found.lock().expect("nobody panicked").entry(case.name).or_default().push(comparison);
                }
            });
        }
    });
    print(&cases, &found.into_inner().expect("nobody panicked"));
    ExitCode::SUCCESS
}

/// One comparison; nothing when it could not be made.
fn trial(program: &str, case: &Case, seed: u64, pairs: u32) -> Option<Comparison> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/compare.mcpl");
    let output = Command::new(program)
        .args(["compare", "--quiet", "--no-save", "--format", "json"])
        .args(["--runs", &pairs.to_string(), "--seed", &seed.to_string()])
        .arg("--a")
        .arg(format!("builtin rulebook {}", case.a))
        .arg("--b")
        .arg(format!("builtin rulebook {}", case.b))
        .arg(file)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// One line for each trial.
fn tell(case: &Case, seed: u64, comparison: Option<&Comparison>) {
    let said = comparison.map_or("not made".to_owned(), |comparison| {
        let metrics = comparison.metrics.iter().map(|metric| {
            let change = metric.change.map_or("n/a".to_owned(), |change| format!("{change:+.3}"));
            format!("{} {change} {}", metric.source, metric.verdict.word())
        });
        format!("{}: {}", comparison.outcome.word(), metrics.collect::<Vec<_>>().join(", "))
    });
    eprintln!("{} #{seed}: {said}", case.name);
}

fn print(cases: &[&Case], found: &BTreeMap<&str, Vec<Option<Comparison>>>) {
    println!("| A | B | trials | regressed | improved | no meaningful change | inconclusive | not comparable |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for case in cases {
        let trials = found.get(case.name).map_or(&[][..], Vec::as_slice);
        let count = |wanted: Change| trials.iter().flatten().filter(|trial| trial.outcome == wanted).count();
        let counts = [
            Change::Regressed,
            Change::Improved,
            Change::NoMeaningfulChange,
            Change::Inconclusive,
            Change::NotComparable,
        ]
        .map(|change| count(change).to_string());
        let made = trials.iter().flatten().count();
        println!("| `{}` | `{}` | {made} of {} | {} |", case.a, case.b, trials.len(), counts.join(" | "));
    }
}
