//! The command line.
//!
//! Invariant: the only module that reads files, environment and arguments, and
//! prints. Progress and diagnostics go to standard error, results to standard
//! output. May import everything.

mod against;
mod args;
mod baseline;
mod census;
mod check;
mod commit;
mod compare;
mod complaint;
mod connect;
mod dashboard;
mod duel;
mod earlier;
mod environment;
mod explain;
mod files;
mod fix;
mod fmt;
mod form;
mod history;
mod journal;
mod kept;
mod launch;
mod limits;
mod live;
mod live_outputs;
mod load;
mod lookout;
mod measure;
mod merge;
mod offer;
mod output;
mod plan;
mod preflight;
mod probe;
mod process;
mod procfs;
mod progress;
mod proxy;
mod rehearse;
mod report;
mod rulebook;
mod run;
mod runs;
mod serve;
mod sides;
mod starter;
mod suite;
mod terminal;
mod token;
mod trend;
mod triage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Cli, Command};
use complaint::Complaint;

/// Exit codes, as the documentation promises them.
pub mod exit {
    /// All held.
    pub const OK: u8 = 0;
    /// An assertion failed.
    pub const FAILED: u8 = 1;
    /// The file or the command line is wrong.
    pub const USAGE: u8 = 2;
    /// The server could not be reached, or the run not be set up on this machine.
    pub const SERVER: u8 = 3;
    /// Interrupted.
    pub const INTERRUPTED: u8 = 130;
}

/// Runs the program with these arguments, the first of which is its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Printing fails only when nobody reads.
            let _ = error.print();
            let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if help { exit::OK } else { exit::USAGE });
        }
    };
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Init(args) => starter::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Report(args) => report::report(&args),
        Command::Judge(args) => report::judge(&args),
        Command::Merge(args) => merge::run(&args),
        Command::History(args) => history::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Trend(args) => trend::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => explain::completions(&args),
        Command::Debug(args) => check::debug(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(complaint) => {
            terminal::complain(&complaint);
            ExitCode::from(complaint.code)
        }
    }
}

/// What a command comes to: an exit code, or a complaint that has one.
type Done = Result<u8, Complaint>;
