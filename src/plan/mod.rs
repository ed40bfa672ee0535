//! The execution plan: everything a run does, as data.
//!
//! Invariant: pure and serialisable: the same file and seed give the same
//! bytes; the parts of a plan sum to the plan. May import `expr`,
//! `units`.

mod assertion;

pub mod mix;
pub mod random;
pub mod schedule;
mod step;

pub use assertion::{Assertion, Comparison, Metric, MetricExpr, MetricRef, Selection, Statistic, TimeMetric};

pub use step::{Check, Flow, Method, Request, Save, Step, Think};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest load, in nanoseconds: 30 days. A longer one is a slip, and what
/// is kept per second stays bounded.
pub const MAX_LOAD_NS: u64 = 30 * 86_400 * 1_000_000_000;

/// Version of the plan's own format.
pub const SCHEMA: &str = "mcpl.plan/1";

/// A compiled scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// The file's name without its ending.
    pub name: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Targets, by index.
    pub servers: Vec<Server>,
    /// What the run may do.
    pub guard: Guard,
    /// Flows, by index.
    pub flows: Vec<Flow>,
    /// Who runs which flows under which load.
    pub scenarios: Vec<Scenario>,
    /// What is measured apart: one series for each request step of each flow
    /// of each scenario, in that order.
    pub series: Vec<Series>,
    /// Labels of `expect … as "label"`, by index.
    pub expectations: Vec<String>,
    /// What must hold.
    pub assertions: Vec<Assertion>,
    /// Files to write after the run.
    pub reports: Vec<ReportFile>,
}

impl Plan {
    /// SHA-256 of the plan's JSON, in hex: equal for the same file, parameters
    /// and seed.
    #[must_use]
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Index of the series of the first request step of `flow` in `scenario`; the
    /// others follow it in order.
    #[must_use]
    pub fn first_series(&self, scenario: usize, flow: usize) -> Option<usize> {
        self.series.iter().position(|series| series.scenario == scenario && series.flow == flow)
    }

    /// Requests per second that the guard leaves to closed loads, whose rate no
    /// plan can tell: what its `max rate` allows less what the open loads make
    /// at their peaks. `None` without a `max rate`.
    #[must_use]
    pub fn closed_rate(&self) -> Option<f64> {
        let open: f64 = self.scenarios.iter().map(|scenario| self.peak_request_rate(scenario)).sum();
        // A file in which nothing is left was refused when it was checked.
        self.guard.max_rate.map(|rate| (rate - open).max(f64::MIN_POSITIVE))
    }

    /// The most requests per second that an open scenario makes, from its peak
    /// and the requests of its flows; 0 for a closed one. A `list` counts as
    /// one request: how many pages there are is the server's affair.
    #[must_use]
    pub fn peak_request_rate(&self, scenario: &Scenario) -> f64 {
        match &scenario.load {
            Load::Open { .. } => scenario.load.peak() * self.requests_per_iteration(scenario),
            Load::Closed { .. } => 0.0,
        }
    }

    /// How many requests an iteration makes on average over the mix.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub fn requests_per_iteration(&self, scenario: &Scenario) -> f64 {
        let slots: u32 = scenario.mix.iter().map(|share| share.slots).sum();
        let requests = scenario.mix.iter().map(|share| {
            let count = self.flows.get(share.flow).map_or(0, |flow| flow.requests().count());
            count as f64 * f64::from(share.slots)
        });
        requests.sum::<f64>() / f64::from(slots.max(1))
    }

    /// When the last stage of any scenario ends, in nanoseconds from the start.
    #[must_use]
    pub fn load_ns(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.load.duration_ns()).max().unwrap_or(0)
    }
}

/// How to reach one MCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Its name in the file.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Extra HTTP headers; a value may name secrets, never hold one.
    pub headers: Vec<Header>,
    /// The pinned revision, or `None` for `auto`.
    pub protocol: Option<String>,
    /// Per request, in nanoseconds.
    pub timeout_ns: u64,
    /// For opening a connection or starting a child, in nanoseconds.
    pub connect_timeout_ns: u64,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Streamable HTTP at this URL.
    Http {
        /// The whole URL.
        url: String,
    },
    /// A child process that speaks MCP on its standard input and output; one
    /// for each virtual user.
    Stdio {
        /// Program and arguments.
        command: Vec<String>,
        /// Added to the environment.
        env: Vec<(String, String)>,
        /// Working directory.
        cwd: Option<String>,
    },
    /// The built-in demo server, started for the run.
    Builtin {
        /// Which one: `rulebook`.
        name: String,
        /// Its switches as command-line options, such as `--latency=5ms`.
        options: Vec<String>,
        /// Whether over standard input and output instead of HTTP.
        stdio: bool,
    },
}

/// An HTTP header whose value may be put together at the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Parts of its value, joined.
    pub value: Vec<HeaderPart>,
}

/// Part of a header's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderPart {
    /// Literal text.
    Text(String),
    /// The environment variable of this name; its value appears nowhere.
    Secret(String),
}

/// What a run may do to the outside world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Hosts that may be targets although they are not loopback; `*` matches
    /// any run of characters.
    pub allow_hosts: Vec<String>,
    /// Tools that may be called although they are not read-only.
    pub allow_tools: Vec<String>,
    /// Tools that may not be called, whatever else says so.
    pub deny_tools: Vec<String>,
    /// Requests per second over all scenarios.
    pub max_rate: Option<f64>,
    /// Virtual users over all scenarios.
    pub max_users: Option<u64>,
}

/// Who runs which flows, against which server, under which load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name in the file.
    pub name: String,
    /// Its `##` comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// Index of the server.
    pub server: usize,
    /// Left out of every assertion and statistic, in nanoseconds.
    pub warmup_ns: u64,
    /// The stages.
    pub load: Load,
    /// After the last stage, how long work under way may take to finish, in
    /// nanoseconds.
    pub drain_ns: u64,
    /// No more virtual users than this.
    pub max_users: Option<u64>,
    /// Which flows, in which shares.
    pub mix: Vec<Share>,
}

/// The load over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Iterations are due at instants computed from the plan alone.
    Open {
        /// Levels in iterations per second.
        segments: Vec<Segment>,
        /// Spacing.
        arrivals: Arrivals,
    },
    /// Each virtual user starts its next iteration when the last one ends.
    Closed {
        /// Levels in virtual users.
        segments: Vec<Segment>,
    },
}

impl Load {
    /// The stages.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        match self {
            Load::Open { segments, .. } | Load::Closed { segments } => segments,
        }
    }

    /// Length of all stages, in nanoseconds.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.segments().iter().fold(0, |sum, segment| segment.duration_ns.saturating_add(sum))
    }

    /// The highest level of any stage.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.segments().iter().map(|segment| segment.from.max(segment.to)).fold(0.0, f64::max)
    }

    /// The level at `at_ns` from the start; 0 outside the stages.
    #[must_use]
    pub fn level_at(&self, at_ns: u64) -> f64 {
        let mut start = 0;
        for segment in self.segments() {
            if at_ns < segment.duration_ns.saturating_add(start) {
                return segment.level_at(at_ns - start);
            }
            start = segment.duration_ns.saturating_add(start);
        }
        0.0
    }
}

/// A stretch of time in which the level changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Level at its start.
    pub from: f64,
    /// Level at its end.
    pub to: f64,
    /// Its length in nanoseconds; above 0.
    pub duration_ns: u64,
}

impl Segment {
    /// The level `at_ns` after the segment's start.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
    pub fn level_at(&self, at_ns: u64) -> f64 {
        self.from + (self.to - self.from) * (at_ns as f64 / self.duration_ns as f64)
    }

    /// Area under the line in level × seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
    pub fn area(&self) -> f64 {
        f64::midpoint(self.from, self.to) * (self.duration_ns as f64 / 1e9)
    }
}

/// Spacing of arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Evenly along the area under the rate line.
    #[default]
    Uniform,
    /// As independent clients would arrive, with the same total.
    Poisson,
}

/// A flow's part of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Index of the flow.
    pub flow: usize,
    /// Its part of every bag, in slots.
    pub slots: u32,
}

/// What is measured apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Index of the scenario.
    pub scenario: usize,
    /// Index of the flow.
    pub flow: usize,
    /// The step's label.
    pub step: String,
    /// `call`, `read`, `prompt` or `list`.
    pub kind: String,
}

/// A file to write after the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportFile {
    /// `html`, `markdown` or `junit`.
    pub format: String,
    /// Where.
    pub path: String,
}
