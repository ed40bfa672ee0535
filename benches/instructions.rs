//! How many instructions one request costs: `cargo bench --bench instructions`.
//!
//! The engine runs one user who calls a tool again and again. Everything is as
//! in a run - arguments, JSON-RPC, HTTP, the answer, an expectation, the
//! recording - but the server, which is a list of answers in memory. So the
//! count does not depend on the machine, and hardly on chance. Valgrind counts;
//! this program starts itself under it, for two numbers of requests, and takes
//! the difference, so that the start costs nothing.
//!
//! `benches/instructions.txt` has the figures that must not be exceeded. They
//! may only fall: `UPDATE=1` writes those of now. Another compiler makes other
//! code, so with another compiler the figures are printed and not held.

#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program of its own")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use mcpl::engine::{Control, run_here};
use mcpl::model::{self, NoFiles, Options};
use mcpl::transport::bench::{Form, ReplayConnector};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests of the two runs. Under Valgrind the longer one takes less than a
/// second: what is handed over once a second is no part of a request.
const FEWER: u64 = 500;
const MORE: u64 = 2_500;

/// What addresses and times make of the same code, as a share: three counts of
/// one binary differed by 1.3 %.
const NOISE: f64 = 0.03;

const FILE: &str = r#"mcpl 1
server s { http "http://127.0.0.1:1/mcp" }
scenario one {
  target s
  stages { iterations COUNT shared by 1 user }
  run echo
}
flow echo {
  call echo {
    args { "text": f"hello {user.iteration}" }
    expect text contains "hello"
  }
}
"#;

fn main() -> ExitCode {
    // `cargo bench` has arguments of its own.
    let mut arguments = std::env::args().skip_while(|argument| argument != "--requests").skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(form_name), Some(requests)) => {
            run(form(&form_name), requests.parse().unwrap());
            ExitCode::SUCCESS
        }
        _ => compare(),
    }
}

fn form(name: &str) -> Form {
    if name == "sse" { Form::Sse } else { Form::Json }
}

/// The work that is counted.
fn run(form: Form, requests: u64) {
    let text = FILE.replace("COUNT", &requests.to_string());
    let options = Options { name: "count", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let lowered = model::compile("count.mcpl", &text, &options).lowered;
    let plan = Arc::new(lowered.plan.unwrap());
    let connector = ReplayConnector::new(form, requests).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let measured = tokio::task::LocalSet::new()
        .block_on(&runtime, async { run_here(&plan, &[connector], "count", &[], &Control::new(), |_, _| {}).await });
    let rows = || measured.recording.seconds.iter().flat_map(|slice| &slice.series);
    let answered: u64 = rows().map(|row| row.counts.requests - row.counts.failed()).sum();
    assert_eq!(answered, requests, "all requests are answered: {:?}", measured.recording.failures);
}

/// Instructions of a whole process with so many requests.
fn count(form: &str, requests: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--requests", form, &requests.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let line = text.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
    line.trim().replace(',', "").parse().unwrap()
}

fn pinned() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

/// The compiler's own words about its version.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc)
        .arg("--version")
        .output()
        .map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Counts, prints, and holds the figures against the file.
fn compare() -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions per request: skipped, because Valgrind is not installed (Debian: `valgrind`)");
        return ExitCode::SUCCESS;
    }
    let before = fs::read_to_string(pinned()).unwrap_or_default();
    let value =
        |name: &str| before.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('=')).map(str::trim);
    let compiler = compiler();
    let held = value("compiler") == Some(&compiler);
    let mut after = format!("compiler = {compiler}\n");
    let mut risen = false;
    for form in ["json", "sse"] {
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
        let each = (count(form, MORE) - count(form, FEWER)) as f64 / (MORE - FEWER) as f64;
        let most: Option<f64> = value(form).and_then(|figure| figure.parse().ok());
        let beside = most.map_or(String::new(), |most| format!("; pinned at {most:.0}"));
        println!("{form:>4}: {each:.0} instructions per request{beside}");
        risen |= held && most.is_some_and(|most| each > most * (1.0 + NOISE));
        after.push_str(&format!("{form} = {each:.0}\n"));
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(pinned(), after).unwrap();
        println!("written to benches/instructions.txt");
    } else if !held {
        println!("not compared: this is {compiler}, the file was written with {}", value("compiler").unwrap_or("none"));
    } else if risen {
        eprintln!("a request costs more than it did; find out why, or write the new figures with UPDATE=1");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
