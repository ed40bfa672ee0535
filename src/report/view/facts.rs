//! Facts that are told and not computed: the run, the machine, the servers,
//! the failures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::by_class;
use super::{float, share};
use crate::plan::Endpoint;
use crate::record::{Counts, ErrorClass};
use crate::report::clean::clean;
use crate::results::{Ended, Results, Window};
use crate::verdict::{Finding, Level, Outcome, Verdict};

/// Failures that a report shows.
const FAILURES_SHOWN: usize = 40;

/// What made the results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What became of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictView {
    /// `passed`, `failed`, `inconclusive`, `invalid`, `interrupted` or `stopped`.
    pub word: &'static str,
    /// One sentence without a full stop.
    pub sentence: String,
    /// The exit code that says so.
    pub exit_code: u8,
    /// Whether the run passed.
    pub passed: bool,
    /// How many assertions did not hold.
    pub failed_assertions: usize,
}

/// Something a reader should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingView {
    /// `problem` or `notice`.
    pub level: Level,
    /// One sentence without a full stop.
    pub text: String,
}

/// When and how the run went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunView {
    /// The scenario file's name without its ending.
    pub name: String,
    /// Identifies the run.
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// From the start of the load until no new work began.
    pub load_ns: f64,
    /// From the start of the load to the end of the drain.
    pub total_ns: f64,
    /// Start of the measured time, from the start of the load.
    pub measured_from_ns: f64,
    /// End of the measured time, from the start of the load.
    pub measured_to_ns: f64,
    /// `completed`, `interrupted`, `guarded` or `killed`.
    pub ended: Ended,
    /// Seed of every random choice.
    pub seed: u64,
    /// SHA-256 of the plan, in hex.
    pub plan_hash: String,
    /// Threads of the load generator.
    pub threads: usize,
}

/// The machine that made the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnvironmentView {
    /// Operating system and kernel.
    pub os: String,
    /// Processor.
    pub cpu: String,
    /// Logical processors the process could use.
    pub cores: usize,
    /// Main memory in bytes; none when unknown.
    pub memory_bytes: Option<u64>,
    /// Limit of open file descriptors; none when unknown.
    pub open_files: Option<u64>,
}

/// A server as it presented itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerView {
    /// Its name in the scenario file.
    pub name: String,
    /// `http`, `stdio` or `simulated`.
    pub transport: String,
    /// Its URL without user, query and fragment, the program that was started
    /// (without its arguments), or the name of a built-in server.
    pub endpoint: String,
    /// The protocol revision that was spoken.
    pub revision: String,
    /// The name it gave.
    pub server_name: String,
    /// The version it gave.
    pub server_version: String,
    /// Tools it lists.
    pub tools: usize,
}

/// Failures of one class, over all steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorView {
    /// The class's name in metrics, such as `timeout`.
    pub class: &'static str,
    /// What it means, such as `no response in time`.
    pub meaning: &'static str,
    /// How many.
    pub count: u64,
    /// As a share of all requests.
    pub share: Option<f64>,
}

/// A labelled expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectationView {
    /// Its label.
    pub label: String,
    /// Responses for which it held.
    pub passed: u64,
    /// Responses for which it did not.
    pub failed: u64,
    /// Passes as a share of both; none without a response.
    pub share: Option<f64>,
}

/// Examples of failures that say the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailureView {
    /// When the examples failed, from the start of the load, in order. They are
    /// the first of their kind, not all of it.
    pub at_ns: Vec<f64>,
    /// The scenario's name.
    pub scenario: String,
    /// The step's label.
    pub step: String,
    /// The class's name in metrics.
    pub class: &'static str,
    /// What was wrong, redacted and cut when it was recorded.
    pub message: String,
}

impl ToolView {
    /// This program.
    pub(in crate::report) fn this() -> ToolView {
        ToolView { name: "mcpl".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    pub(super) fn new(results: &Results) -> ToolView {
        ToolView { name: clean(&results.tool.name), version: clean(&results.tool.version) }
    }
}

impl VerdictView {
    pub(super) fn new(verdict: &Verdict) -> VerdictView {
        VerdictView {
            word: verdict.outcome.word(),
            sentence: clean(&verdict.sentence),
            exit_code: verdict.outcome.exit_code(),
            passed: verdict.outcome == Outcome::Passed,
            failed_assertions: verdict.assertions.iter().filter(|judgement| !judgement.state.held()).count(),
        }
    }
}

impl FindingView {
    pub(super) fn new(finding: &Finding) -> FindingView {
        FindingView { level: finding.level, text: clean(&finding.text) }
    }
}

impl RunView {
    pub(super) fn new(results: &Results) -> RunView {
        let (from, to) = results.measured_span(&results.everything());
        RunView {
            name: clean(&results.plan.name),
            id: clean(&results.run.id),
            started: clean(&results.run.started),
            load_ns: float(results.run.load_ms) * 1e6,
            total_ns: float(results.run.total_ms) * 1e6,
            measured_from_ns: float(from),
            measured_to_ns: float(to),
            ended: results.run.ended,
            seed: results.plan.seed,
            plan_hash: clean(&results.plan_hash),
            threads: results.run.threads,
        }
    }
}

impl EnvironmentView {
    pub(super) fn new(results: &Results) -> EnvironmentView {
        let environment = &results.environment;
        let known = |value: u64| (value > 0).then_some(value);
        EnvironmentView {
            os: clean(&environment.os),
            cpu: clean(&environment.cpu),
            cores: environment.cores,
            memory_bytes: known(environment.memory_bytes),
            open_files: known(environment.open_files),
        }
    }
}

/// The servers, each with its place in the plan.
pub(super) fn servers(results: &Results) -> Vec<ServerView> {
    let view = |(index, server): (usize, &crate::results::ServerInfo)| ServerView {
        name: clean(&server.name),
        transport: clean(&server.transport),
        endpoint: results.plan.servers.get(index).map(|server| endpoint(&server.endpoint)).unwrap_or_default(),
        revision: clean(&server.revision),
        server_name: clean(&server.server_name),
        server_version: clean(&server.server_version),
        tools: server.tools,
    };
    results.servers.iter().enumerate().map(view).collect()
}

/// Where a server is, without anything that could be a secret.
fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Http { url } | Endpoint::Sse { url } => {
            let plain = url.split(['?', '#']).next().unwrap_or_default();
            let (scheme, rest) = plain.split_once("://").unwrap_or(("http", plain));
            let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
            let host = authority.rsplit('@').next().unwrap_or_default();
            clean(&format!("{scheme}://{host}{path}"))
        }
        Endpoint::Stdio { command, .. } => {
            let program = command.first().map(String::as_str).unwrap_or_default();
            clean(program.rsplit(['/', '\\']).next().unwrap_or_default())
        }
        Endpoint::Builtin { name, .. } => clean(&format!("builtin {name}")),
    }
}

/// Failures by class over all steps, most frequent first.
pub(super) fn errors(counts: &Counts) -> Vec<ErrorView> {
    by_class(counts)
        .into_iter()
        .map(|class| ErrorView {
            class: class.class,
            meaning: ErrorClass::from_name(class.class).map_or("", meaning),
            count: class.count,
            share: share(class.count, counts.requests),
        })
        .collect()
}

fn meaning(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Connect => "no connection, child process or session",
        ErrorClass::Timeout => "no response in time",
        ErrorClass::Transport => "the connection broke",
        ErrorClass::Http => "an HTTP status without a JSON-RPC answer",
        ErrorClass::Protocol => "an answer that breaks the protocol",
        ErrorClass::Rpc => "a JSON-RPC error",
        ErrorClass::Tool => "a tool result with isError",
        ErrorClass::Expectation => "an expectation that did not hold",
        ErrorClass::Save => "a path that led nowhere",
        ErrorClass::Local => "no descriptor, port or process was left on the machine that made the load",
        ErrorClass::Stale => "the server closed a connection that had been idle; no failure",
        ErrorClass::Cancelled => "cancelled as the file says, before an answer; no failure",
        ErrorClass::SessionLost => "HTTP 404: the server did not know the session any more",
    }
}

/// The labelled expectations of a plan.
pub(super) fn expectations(results: &Results) -> Vec<ExpectationView> {
    let view = |(label, name): (usize, &String)| {
        let (passed, failed) = results.tally(label, Window::Whole);
        ExpectationView { label: clean(name), passed, failed, share: share(passed, passed + failed) }
    };
    results.plan.expectations.iter().enumerate().map(view).collect()
}

/// Examples of failures: the first of every kind before the second of any;
/// those that say the same together.
pub(super) fn failures(results: &Results) -> Vec<FailureView> {
    let mut alike: BTreeMap<(usize, ErrorClass, &str), Vec<u64>> = BTreeMap::new();
    for failure in &results.recording.failures {
        alike.entry((failure.series, failure.class, &failure.message)).or_default().push(failure.at_ms);
    }
    let mut ranks: BTreeMap<(usize, ErrorClass), usize> = BTreeMap::new();
    let mut ranked: Vec<_> = alike
        .into_iter()
        .map(|(kind, mut at)| {
            at.sort_unstable();
            let rank = ranks.entry((kind.0, kind.1)).or_default();
            *rank += 1;
            (*rank, at, kind)
        })
        .collect();
    ranked.sort();
    ranked.truncate(FAILURES_SHOWN);
    ranked.sort_by(|(_, a, a_kind), (_, b, b_kind)| (a, a_kind).cmp(&(b, b_kind)));
    ranked.into_iter().map(|(_, at, kind)| failure(results, &at, kind)).collect()
}

fn failure(results: &Results, at_ms: &[u64], (series, class, message): (usize, ErrorClass, &str)) -> FailureView {
    let series = results.plan.series.get(series);
    let scenario = series.and_then(|series| results.plan.scenarios.get(series.scenario));
    FailureView {
        at_ns: at_ms.iter().map(|at| float(*at) * 1e6).collect(),
        scenario: scenario.map(|scenario| clean(&scenario.name)).unwrap_or_default(),
        step: series.map(|series| clean(&series.step)).unwrap_or_default(),
        class: class.name(),
        message: clean(message),
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;
    use crate::plan::Endpoint;

    #[test]
    fn an_endpoint_tells_no_secret() {
        let http = |url: &str| endpoint(&Endpoint::Http { url: url.to_owned() });
        assert_eq!(http("http://user:pass@host:1/mcp?token=x#y"), "http://host:1/mcp");
        assert_eq!(http("http://host"), "http://host");
        let command = vec!["/usr/bin/server".to_owned(), "--token=x".to_owned()];
        assert_eq!(endpoint(&Endpoint::Stdio { command, env: Vec::new(), cwd: None }), "server");
    }
}
