//! The execution plan: everything a run does, as data.
//!
//! Invariant: pure and serialisable: the same file and seed give the same
//! bytes; the parts of a plan sum to the plan. May import `expr`,
//! `units`.

mod assertion;
mod data;
mod direction;
mod guard;
mod habits;
mod identity;
mod load;
pub mod mix;
pub mod random;
pub mod rows;
pub mod schedule;
mod server;
pub mod size;
mod standard;
mod step;
pub mod takes;
mod turns;

pub use assertion::{
    Assertion, Baseline, Comparison, Margin, Measure, Metric, MetricExpr, MetricRef, Selection, Statistic, TimeMetric,
};
pub use data::{Data, DataSource};
pub use guard::{Abort, Guard, OnAbort};
pub use habits::{Habits, Ids, ListBeforeCall, LostSession, Persona};
pub use load::{Arrivals, CONFIRMATIONS, DECIDED_NS, Leg, Load, RECOVERY_NS, Seek, Segment, Work};
pub use server::{
    Answer, Auth, ClientKey, Credential, Endpoint, Header, Launch, Oauth, Pem, Proxy, RevisionShare, Server, TextPart,
    Tls,
};
pub use step::{Branch, Check, Choice, Flow, Method, Request, Save, Step, Tag, Take, Task, Think};
pub use turns::turns;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest load, in nanoseconds: 30 days. A longer one is a slip, and what
/// is kept per second stays bounded.
pub const MAX_LOAD_NS: u64 = 30 * 86_400 * 1_000_000_000;

/// Version of the plan's own format.
pub const SCHEMA: &str = "mcpl.plan/1";

/// A compiled scenario file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Rows for `take`, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    /// Flows, by index.
    pub flows: Vec<Flow>,
    /// Who runs which flows under which load.
    pub scenarios: Vec<Scenario>,
    /// What is measured apart: one series for each request step of each flow
    /// of each scenario, in that order.
    pub series: Vec<Series>,
    /// Labels of `expect … as "label"`, by index.
    pub expectations: Vec<String>,
    /// Names of groups, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Metrics of the file's own, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// What must hold.
    pub assertions: Vec<Assertion>,
    /// What must hold compared with stored runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
    /// Files to write after the run.
    pub reports: Vec<ReportFile>,
}

/// The JSON Schema of a plan, as in `docs/schema/plan.schema.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Plan).into()
}

impl Plan {
    /// SHA-256 of the plan's JSON, in hex: equal for the same file, parameters
    /// and seed.
    #[must_use]
    pub fn hash(&self) -> String {
        identity::hex(&serde_json::to_vec(self).unwrap_or_default())
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
            load if load.is_open() => load.peak() * self.requests_per_iteration(scenario),
            _ => 0.0,
        }
    }

    /// How many requests an iteration makes on average over the mix: of an `if`
    /// the branch with the most, of a `choose` the average over its branches. The
    /// lists before calls are among them.
    #[must_use]
    pub fn requests_per_iteration(&self, scenario: &Scenario) -> f64 {
        let slots: u32 = scenario.mix.iter().map(|share| share.slots).sum();
        let lists = scenario.habits.list_before_call.map_or(0.0, |lists| lists.share());
        let requests = scenario.mix.iter().map(|share| {
            let steps = self.flows.get(share.flow).map_or(&[][..], |flow| &flow.steps);
            let lists = if self.calls(share.flow) { lists } else { 0.0 };
            (self.requests_of(steps) + lists) * f64::from(share.slots)
        });
        requests.sum::<f64>() / f64::from(slots.max(1))
    }

    /// Whether a flow, or one that it runs, calls a tool.
    fn calls(&self, flow: usize) -> bool {
        let mut met = Vec::new();
        self.meet(flow, &mut met);
        let mut requests = met.into_iter().filter_map(|flow| self.flows.get(flow)).flat_map(Flow::requests);
        requests.any(|request| matches!(request.method, Method::Call { .. }))
    }

    fn requests_of(&self, steps: &[Step]) -> f64 {
        let of_step = |step: &Step| match step {
            Step::Request(_) => 1.0,
            Step::Repeat { times, steps } => f64::from(*times) * self.requests_of(steps),
            Step::If(branches) => branches.iter().map(|branch| self.requests_of(&branch.steps)).fold(0.0, f64::max),
            Step::Choose(choices) => {
                let slots: u32 = choices.iter().map(|choice| choice.slots).sum();
                let sum: f64 =
                    choices.iter().map(|choice| f64::from(choice.slots) * self.requests_of(&choice.steps)).sum();
                sum / f64::from(slots.max(1))
            }
            Step::Parallel(steps) | Step::Group { steps, .. } => self.requests_of(steps),
            // Flows do not run each other in circles.
            Step::Run { flow } => self.flows.get(*flow).map_or(0.0, |flow| self.requests_of(&flow.steps)),
            _ => 0.0,
        };
        steps.iter().map(of_step).sum()
    }

    /// The flows that `scenario` runs, directly or from another flow, each once,
    /// in the order in which they are first met.
    #[must_use]
    pub fn flows_of(&self, scenario: &Scenario) -> Vec<usize> {
        let mut met = Vec::new();
        let direct = scenario.mix.iter().map(|share| share.flow);
        let lists = scenario.habits.list_before_call.map(|lists| lists.flow);
        for flow in direct.chain(scenario.before).chain(scenario.after).chain(lists) {
            self.meet(flow, &mut met);
        }
        met
    }

    /// The flows that run against the server at this index.
    #[must_use]
    pub fn flows_against(&self, server: usize) -> Vec<usize> {
        let here = |scenario: &&Scenario| scenario.targets.iter().any(|target| target.server == server);
        self.scenarios.iter().filter(here).flat_map(|scenario| self.flows_of(scenario)).collect()
    }

    fn meet(&self, index: usize, met: &mut Vec<usize>) {
        if met.contains(&index) {
            return;
        }
        met.push(index);
        let Some(flow) = self.flows.get(index) else { return };
        let mut runs = Vec::new();
        flow.visit(&mut |step| {
            if let Step::Run { flow } = step {
                runs.push(*flow);
            }
        });
        runs.into_iter().for_each(|flow| self.meet(flow, met));
    }

    /// The most threads that may run it: what is spread over them has to reach
    /// each of them.
    #[must_use]
    pub fn most_threads(&self) -> usize {
        let shared = self.scenarios.iter().filter_map(|scenario| match scenario.sessions {
            Sessions::Shared(count) => Some(count),
            _ => None,
        });
        let least = shared.chain(self.guard.max_in_flight).min().unwrap_or(u64::MAX);
        usize::try_from(least).unwrap_or(usize::MAX).max(1)
    }

    /// When the last stage of any scenario ends, in nanoseconds from the start.
    #[must_use]
    pub fn load_ns(&self) -> u64 {
        self.scenarios.iter().map(Scenario::end_ns).max().unwrap_or(0)
    }
}

/// Who runs which flows, against which server, under which load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// Its name in the file.
    pub name: String,
    /// Its `##` comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// The servers that its users are spread over.
    pub targets: Vec<Target>,
    /// When it begins, in nanoseconds from the start of the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_ns: u64,
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
    /// Index of the flow that each user performs before its first iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Index of the flow that each user performs after its last iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<usize>,
    /// What has an MCP session of its own.
    #[serde(default)]
    pub sessions: Sessions,
    /// Share of MCP sessions that are ended properly, 0 to 1; the others are
    /// left behind.
    pub close: f64,
    /// Whether the server's notification stream is kept open.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hold_stream: bool,
    /// Whether users keep what the server says may be cached, and do not ask for it
    /// again in the meantime.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cache_hints: bool,
    /// How its clients behave.
    #[serde(default, skip_serializing_if = "Habits::are_plain")]
    pub habits: Habits,
    /// Tags of all its requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Scenario {
    /// A scenario that runs one load and mix against the first server, with a
    /// drain of 30 s and nothing else.
    #[must_use]
    pub fn new(name: impl Into<String>, load: Load, mix: Vec<Share>) -> Scenario {
        Scenario {
            name: name.into(),
            doc: None,
            targets: vec![Target { server: 0, slots: 1 }],
            start_ns: 0,
            warmup_ns: 0,
            load,
            drain_ns: 30_000_000_000,
            max_users: None,
            mix,
            before: None,
            after: None,
            sessions: Sessions::PerUser,
            close: 1.0,
            hold_stream: false,
            cache_hints: false,
            habits: Habits::default(),
            tags: Vec::new(),
        }
    }

    /// When its last stage ends, in nanoseconds from the start of the run.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.load.duration_ns())
    }

    /// The level `at_ns` nanoseconds from the start of the run; 0 outside its
    /// stages.
    #[must_use]
    pub fn level_at(&self, at_ns: u64) -> f64 {
        at_ns.checked_sub(self.start_ns).map_or(0.0, |at| self.load.level_at(at))
    }

    /// Its load as seen from the start of the run: nothing before it begins.
    #[must_use]
    pub fn placed_load(&self) -> Load {
        let mut load = self.load.clone();
        if self.start_ns > 0 {
            load.segments_mut().insert(0, Segment { from: 0.0, to: 0.0, duration_ns: self.start_ns });
        }
        load
    }

    /// When its warm-up ends, in nanoseconds from the start of the run.
    #[must_use]
    pub fn measured_from_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.warmup_ns)
    }
}

/// A server's part of a scenario's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Index of the server.
    pub server: usize,
    /// Its part of every bag of users, in slots.
    pub slots: u32,
}

/// What has an MCP session of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sessions {
    /// Each virtual user, for as long as it lives.
    #[default]
    PerUser,
    /// Each iteration.
    PerIteration,
    /// Each request.
    PerCall,
    /// So many, which all users share.
    Shared(u64),
}

/// A flow's part of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Index of the flow.
    pub flow: usize,
    /// Its part of every bag, in slots.
    pub slots: u32,
}

/// What is measured apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Index of the scenario.
    pub scenario: usize,
    /// Index of the flow.
    pub flow: usize,
    /// The step's label.
    pub step: String,
    /// The keyword of the step, such as `call`.
    pub kind: String,
    /// Whether it belongs to `before user` or `after user`, which no selection
    /// of a whole scenario counts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub apart: bool,
    /// Tags of its scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that each request brings, in the order of their values
    /// in the recording.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_keys: Vec<String>,
}

/// A file to write after the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportFile {
    /// `html`, `markdown`, `junit` or `template`.
    pub format: String,
    /// The template, where it is one of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Where.
    pub path: String,
}
