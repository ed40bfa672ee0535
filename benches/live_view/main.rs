//! What the live view changes: runs with it and without it in turns, on the same load,
//! compared as pairs; and the processor time of the whole program beside it.
//!
//! `just live-view-influence` runs it; `--pairs N`, `--program FILE` for another build
//! of mcpl.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![expect(clippy::expect_used, reason = "a bench may fail by panicking")]

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A run with or without the view.
struct Run {
    results: PathBuf,
    /// Processor time of the program, in seconds.
    cpu: f64,
    /// How long it took, in seconds.
    took: f64,
    /// What was written to its terminal.
    bytes: usize,
}

fn main() -> ExitCode {
    let mut pairs = 8_u32;
    let mut program = env!("CARGO_BIN_EXE_mcpl").to_owned();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--pairs" => pairs = args.next().and_then(|value| value.parse().ok()).unwrap_or(pairs),
            "--program" => program = args.next().unwrap_or(program),
            // What cargo passes to a bench.
            "--bench" => {}
            other => {
                eprintln!("unknown argument `{other}`: write --pairs N or --program FILE");
                return ExitCode::from(2);
            }
        }
    }
    let place = tempfile::tempdir().expect("a directory for the results");
    let (mut plain, mut live) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Who is first changes from pair to pair: what drifts meets both alike.
        for with in [pair % 2 == 0, pair % 2 != 0] {
            eprintln!("pair {} of {pairs}: {}", pair + 1, if with { "with the view" } else { "without" });
            let name = format!("{pair}-{}.json", if with { "live" } else { "plain" });
            let made = run(&program, with, &place.path().join(name));
            (if with { &mut live } else { &mut plain }).push(made);
        }
    }
    println!("| | without the view | with it |");
    println!("|---|---:|---:|");
    let (before, after) = (median(&plain, |run| run.cpu), median(&live, |run| run.cpu));
    println!("| processor time of a run, s (median) | {before:.2} | {after:.2} |");
    let share = (after - before) / median(&live, |run| run.took) * 100.0;
    println!("| that is, of a core | | {share:+.1} % |");
    let written = |runs: &[Run]| runs.iter().map(|run| run.bytes).sum::<usize>() / runs.len().max(1) / 1024;
    println!("| written to the terminal, KiB | {} | {} |\n", written(&plain), written(&live));
    compare(&program, &plain, &live);
    ExitCode::SUCCESS
}

/// One run on a terminal of its own.
fn run(program: &str, with_view: bool, results: &Path) -> Run {
    let (master, slave) = terminal();
    let begun = Instant::now();
    let stdio = || Stdio::from(slave.try_clone().expect("descriptors"));
    let child = Command::new(program)
        .arg("run")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/live_view/watched.mcpl"))
        .args(["--no-save", "--progress", if with_view { "live" } else { "none" }, "--out"])
        .arg(results)
        .env("TERM", "xterm-256color")
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .spawn()
        .expect("the program");
    drop(slave);
    let reader = std::thread::spawn(move || {
        let (mut master, mut bytes, mut count) = (master, [0; 65536], 0);
        // The end of a terminal is an error on some systems.
        while let Ok(more @ 1..) = master.read(&mut bytes) {
            count += more;
        }
        count
    });
    let cpu = processor_time(Pid::from_child(&child));
    let took = begun.elapsed().as_secs_f64();
    let mut child = child;
    let status = child.wait().expect("a child");
    assert!(status.success(), "the run ended with {status}");
    Run { results: results.to_owned(), cpu, took, bytes: reader.join().expect("the reader") }
}

/// A terminal of 120 columns and 40 rows.
fn terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("a terminal");
    unlockpt(&master).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).expect("the other end");
    tcsetwinsize(&master, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
    (File::from(master), slave)
}

/// Waits until a process has ended, and tells its processor time in seconds: that of its
/// threads, and not of the server that it started.
fn processor_time(pid: Pid) -> f64 {
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("a child");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).expect("a process");
    // Behind the name in parentheses: fields 14 and 15 of proc_pid_stat(5).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<f64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "100")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    ticks / per_second
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut times: Vec<f64> = runs.iter().map(of).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Prints the comparison of the pairs.
fn compare(program: &str, plain: &[Run], live: &[Run]) {
    let mut command = Command::new(program);
    command.args(["compare", "--paired", "--format", "markdown"]);
    for run in plain {
        command.arg("--old").arg(&run.results);
    }
    for run in live {
        command.arg("--new").arg(&run.results);
    }
    command.status().expect("the program");
}
