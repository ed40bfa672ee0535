//! Commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::against::AgainstArgs;
use super::form::FormArgs;
use super::rehearse::simulated;
use crate::rehearse::{Capacity, Latency};

/// A language and a load tester for MCP (Model Context Protocol) servers.
///
/// Write a scenario in a .mcpl file; `mcpl check` finds every mistake before
/// anything is sent, `mcpl run` drives the server, judges the run and reports.
#[derive(Debug, Parser)]
#[command(name = "mcpl", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0    all held
  1    an assertion failed, or a metric regressed from its baseline
  2    the file or the command line is wrong
  3    the server could not be reached, or the run not be set up on this machine
  4    the guard stopped the run; what was measured is kept and reported
  5    nothing can be said: nothing was measured, the load generator was the bottleneck, or runs
       cannot be compared
  130  interrupted; what was measured is kept and reported";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check, connect, run, judge, report
    Run(RunArgs),
    /// Write a first scenario for a server: its read-only tools, with arguments that fit
    Init(InitArgs),
    /// Find every mistake in scenario files; sends nothing unless `--live` is given
    Check(CheckArgs),
    /// Lay out scenario files in the one style of the language
    Fmt(FmtArgs),
    /// Show what a run would do: load over time, arrivals, users, mix
    Plan(PlanArgs),
    /// Run a scenario file in virtual time against a simulated server; contacts nothing
    Rehearse(RehearseArgs),
    /// Render a stored run, without another run
    Report(ReportArgs),
    /// Judge a stored run by its assertions again
    Judge(JudgeArgs),
    /// Sum up the results of the parts of one run
    Merge(super::merge::MergeArgs),
    /// Look at the runs that were, tag them, remove them, hand them on
    History(super::history::HistoryArgs),
    /// Keep runs as a baseline, a file to commit, and look after baselines
    Baseline(super::baseline::BaselineArgs),
    /// Compare runs, stored or of two builds in turns: regressed, no meaningful change, improved or inconclusive
    Compare(super::compare::CompareArgs),
    /// Show since when metrics are what they are, over the runs of the history
    Trend(super::trend::TrendArgs),
    /// Start a built-in MCP server to test against
    Serve(ServeArgs),
    /// Say what a server is, what it offers, what it costs to reach, what it breaks
    Probe(ProbeArgs),
    /// Explain the code of a diagnostic
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print what a stage of the compiler makes of a file
    #[command(hide = true)]
    Debug(DebugArgs),
}

/// How a scenario file is compiled.
#[derive(Debug, Clone, Args)]
pub(super) struct CompileArgs {
    /// Override a `param` of the file; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(super) set: Vec<String>,

    /// Seed of every random choice: the same file and seed send the same requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// The scenario file, a directory whose `.mcpl` files are run one after the other, or
    /// the URL of a server to make a file for: ten seconds of its read-only tools
    #[arg(value_name = "FILE|URL", required_unless_present = "command", conflicts_with = "command")]
    pub(super) file: Option<PathBuf>,

    /// Command of a server that speaks over its standard streams, behind `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,

    /// Environment variable that holds a token for the server, sent as `Authorization: Bearer …`
    #[arg(long, value_name = "VARIABLE", conflicts_with = "command")]
    pub(super) bearer: Option<String>,

    #[command(flatten)]
    pub(super) compile: CompileArgs,

    /// Keep the results as JSON; for a directory, the results of each file in this directory
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Write a report: html, markdown, junit, text, csv, json, or the path of a template of
    /// your own; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) report: Vec<String>,

    /// Tell others how the run goes on, second by second; may be repeated: jsonl=FILE,
    /// prometheus=HOST:PORT or otlp=URL
    #[arg(long, value_name = "KIND=WHERE")]
    pub(super) live: Vec<String>,

    /// Threads that generate load [default: one per processor, as far as the load needs them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,

    #[command(flatten)]
    pub(super) against: AgainstArgs,

    /// Leave the baselines of the file out
    #[arg(long)]
    pub(super) no_baseline: bool,

    /// Keep neither a journal while the run is under way nor the run in the history
    #[arg(long)]
    pub(super) no_save: bool,

    /// How to show the run while it is under way: on the whole terminal, in plain lines, or not
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(super) progress: super::progress::Show,

    /// Tag the run in the history; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::history::tag)]
    pub(super) tag: Vec<super::history::Tag>,

    /// Print nothing but the summary and errors
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// Its number and how many there are, where it is one of several runs
    #[arg(skip)]
    pub(super) place: Option<(usize, usize)>,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// URL of a server that speaks over HTTP
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    pub(super) url: Option<String>,

    /// Command of a server that speaks over its standard streams, behind `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,

    /// Environment variable that holds a token for the server, sent as `Authorization: Bearer …`
    #[arg(long, value_name = "VARIABLE", conflicts_with = "command")]
    pub(super) bearer: Option<String>,

    /// Write to a file that does not exist yet, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Write over the file if it exists
    #[arg(long, requires = "out")]
    pub(super) force: bool,

    /// Seed of what is chosen where the server gives several examples
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Scenario files; `-` reads standard input
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) compile: CompileArgs,

    /// How findings are printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: CheckFormat,

    /// Connect to the servers and check the requests against what they list; no load
    #[arg(long)]
    pub(super) live: bool,

    /// Mend in the files what is certainly meant, then tell what remains
    #[arg(long)]
    pub(super) fix: bool,

    /// Apply mends that are guesses, too; look at the difference afterwards
    #[arg(long, requires = "fix")]
    pub(super) unsafe_fixes: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// With the source and carets
    #[default]
    Text,
    /// One line each
    Short,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

#[derive(Debug, Args)]
pub(super) struct FmtArgs {
    /// Scenario files, or directories with some; `-` formats standard input to standard output
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,

    /// Write nothing; print what would change, and exit with 1 if anything would
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The scenario file
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) compile: CompileArgs,

    /// Print the plan as JSON: the same file and seed give the same bytes
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RehearseArgs {
    /// The scenario file
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) compile: CompileArgs,

    /// How long the server works on a request: `5ms`, `5ms..20ms` or `exponential 10ms`
    #[arg(long, value_name = "LATENCY", default_value = "5ms", value_parser = simulated::latency)]
    pub(super) latency: Latency,

    /// Share of requests that the server answers with an error, such as 1%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    pub(super) errors: f64,

    /// What the server does at a time: `100/s` begun, or `8` at once [default: everything]
    #[arg(long, value_name = "CAPACITY", value_parser = simulated::capacity)]
    pub(super) capacity: Option<Capacity>,

    /// Results that the server answers with: a JSON object, step by step
    #[arg(long, value_name = "FILE")]
    pub(super) reply: Option<PathBuf>,

    /// Keep the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Write a report: html, markdown, junit, text, csv, json, or the path of a template of
    /// your own; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) report: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Results of a run: a file that `mcpl run --out` wrote, a journal, an HTML report, or a run
    /// of the history (an id, the beginning of one, `latest`, `latest~2`); or a directory that
    /// `mcpl run DIRECTORY --out` wrote
    #[arg(required_unless_present_any = ["from", "init_templates"], conflicts_with = "from")]
    pub(super) run: Option<PathBuf>,

    /// The same, as an option
    #[arg(long, value_name = "RUN")]
    pub(super) from: Option<PathBuf>,

    #[command(flatten)]
    pub(super) form: FormArgs,

    /// Write the built-in templates into a directory, to be changed and used with `--template`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["run", "from", "template"])]
    pub(super) init_templates: Option<PathBuf>,

    #[command(flatten)]
    pub(super) against: AgainstArgs,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// Address of a server that speaks Streamable HTTP
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    pub(super) url: Option<String>,

    /// Command of a server that speaks over its standard streams, behind `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,

    /// Header of every request, such as "Authorization: Bearer …"; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// Patience with each answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(super) timeout: std::time::Duration,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Results of a run: a file that `mcpl run --out` wrote, a journal, or a run of the
    /// history (an id, the beginning of one, `latest`, `latest~2`)
    pub(super) run: PathBuf,

    #[command(flatten)]
    pub(super) against: AgainstArgs,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(subcommand)]
    pub(super) server: ServedServer,
}

#[derive(Debug, Subcommand)]
pub(super) enum ServedServer {
    /// A library of coding rules that composes them
    Rulebook(super::rulebook::RulebookArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A code such as E203; all codes when absent
    pub(super) code: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct DebugArgs {
    /// Which stage
    #[arg(value_enum)]
    pub(super) stage: DebugStage,
    /// The scenario file
    pub(super) file: PathBuf,
}

/// A stage of the compiler that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DebugStage {
    /// The lossless syntax tree
    Tree,
}

pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    use crate::units::Dimension;
    match crate::units::parse(text) {
        Some(quantity) if quantity.dimension == Dimension::Duration => {
            std::time::Duration::try_from_secs_f64(quantity.value / 1e9).map_err(|error| error.to_string())
        }
        _ => Err("write a duration with its unit, such as 20ms or 5s".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    use crate::units::Dimension;
    match crate::units::parse(text) {
        Some(quantity) if quantity.dimension == Dimension::Share && quantity.value <= 1.0 => Ok(quantity.value),
        _ => Err("write a percentage up to 100%, such as 1%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
