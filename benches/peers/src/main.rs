//! Measures what mcpl promises about its own cost, and prints a table.
//!
//! `just bench-peers`, or from the root of the repository
//! `cargo build --release && cargo run --release --manifest-path benches/peers/Cargo.toml`.
//! `--mcpl PROGRAM` takes another program than `target/release/mcpl`, and
//! `--only PART` measures the promises whose name contains PART.
//!
//! Everything runs on this machine, over loopback: the server on one core, the
//! client on another, nothing else if that can be had. The figures are ratios
//! where possible, since a busy or slow machine slows both sides. Nothing fails
//! here: whoever reads the table judges.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

mod clients;
mod promises;
mod rmcp_client;
mod server;
mod system;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What the tool is called with and answers.
pub const ECHOED: &str = "hello hello hello hello";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["server"] => {
            server::serve();
            return ExitCode::SUCCESS;
        }
        ["rmcp", connections, url, users, seconds] => {
            let (users, seconds) = (users.parse().expect("a number"), seconds.parse().expect("a number"));
            rmcp_client::run(url, *connections == "kept", users, Duration::from_secs(seconds));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let value = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1).copied());
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let mcpl = value("--mcpl").map_or_else(|| PathBuf::from(target).join("release/mcpl"), PathBuf::from);
    if !mcpl.is_file() {
        eprintln!("there is no {}: run `cargo build --release` first", mcpl.display());
        return ExitCode::FAILURE;
    }
    system::raise_open_files();
    promises::measure(&mcpl, value("--only").unwrap_or_default());
    ExitCode::SUCCESS
}
