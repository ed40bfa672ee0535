//! What one virtual user does in one iteration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::expr::{Expr, Template};

/// The steps of one iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flow {
    /// Its name in the file.
    pub name: String,
    /// Its `##` comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// In order.
    pub steps: Vec<Step>,
    /// How many variables it uses.
    pub locals: usize,
}

impl Flow {
    /// Its request steps, in order, those inside of other steps among them.
    /// Steps of other flows that it runs are theirs.
    #[must_use]
    pub fn requests(&self) -> Vec<&Request> {
        let mut requests = Vec::new();
        collect(&self.steps, &mut requests);
        requests
    }

    /// Calls `f` with each step, at any depth.
    pub fn visit(&self, f: &mut impl FnMut(&Step)) {
        visit(&self.steps, f);
    }
}

fn collect<'a>(steps: &'a [Step], requests: &mut Vec<&'a Request>) {
    for step in steps {
        match step {
            Step::Request(request) => requests.push(request),
            other => other.inner().for_each(|steps| collect(steps, requests)),
        }
    }
}

fn visit(steps: &[Step], f: &mut impl FnMut(&Step)) {
    for step in steps {
        f(step);
        step.inner().for_each(|steps| visit(steps, f));
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One MCP request.
    Request(Box<Request>),
    /// A pause.
    Think(Think),
    /// Iterations start no closer together than this, in nanoseconds.
    Pace(f64),
    /// A variable.
    Let(Save),
    /// A variable that holds a row.
    Take(Take),
    /// Steps that are performed several times.
    Repeat {
        /// How often.
        times: u32,
        /// The steps.
        steps: Vec<Step>,
    },
    /// The steps of the first branch whose condition holds.
    If(Vec<Branch>),
    /// The steps of one branch, by chance.
    Choose(Vec<Choice>),
    /// Requests that are under way together.
    Parallel(Vec<Step>),
    /// Steps that are timed as a whole.
    Group {
        /// Index of its name in the plan.
        group: usize,
        /// The steps.
        steps: Vec<Step>,
    },
    /// The steps of another flow.
    Run {
        /// Index of the flow.
        flow: usize,
    },
    /// Ends the iteration.
    StopIteration,
    /// Ends the iteration, and the user performs no other.
    StopUser,
    /// A value for people to see.
    Log(Expr),
}

impl Step {
    /// The blocks of steps directly in it.
    pub fn inner(&self) -> impl Iterator<Item = &[Step]> {
        let (steps, branches, choices): (Option<&[Step]>, &[Branch], &[Choice]) = match self {
            Step::Repeat { steps, .. } | Step::Parallel(steps) | Step::Group { steps, .. } => (Some(steps), &[], &[]),
            Step::If(branches) => (None, branches, &[]),
            Step::Choose(choices) => (None, &[], choices),
            _ => (None, &[], &[]),
        };
        let branches = branches.iter().map(|branch| branch.steps.as_slice());
        steps.into_iter().chain(branches).chain(choices.iter().map(|choice| choice.steps.as_slice()))
    }

    /// The expressions directly in it; not those of steps inside it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Step::Request(request) => request.exprs(),
            Step::Let(save) => vec![&save.value],
            Step::If(branches) => branches.iter().filter_map(|branch| branch.condition.as_ref()).collect(),
            Step::Log(value) => vec![value],
            _ => Vec::new(),
        }
    }
}

/// Steps behind a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Branch {
    /// What must hold; `None` for `else`.
    pub condition: Option<Expr>,
    /// The condition as written.
    pub source: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// Steps that are performed by chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Its chance among all, in slots.
    pub slots: u32,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A variable that holds a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Take {
    /// Its slot.
    pub slot: usize,
    /// Its name.
    pub name: String,
    /// Index of the data.
    pub data: usize,
}

/// A pause, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    /// Evenly distributed between two durations; both equal for a fixed pause.
    Between(f64, f64),
    /// Exponentially distributed with this mean, as independent people pause.
    Exponential(f64),
}

/// One MCP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Which request step of its flow this is, from 0; with scenario and flow
    /// it names the series.
    pub ordinal: usize,
    /// Its name in metrics.
    pub label: String,
    /// What is asked.
    pub method: Method,
    /// `params` as JSON text with holes, without `_meta`.
    pub params: Template,
    /// Longest wait for the response in nanoseconds; `None`: the server's.
    pub timeout_ns: Option<u64>,
    /// When it is cancelled, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_ns: Option<u64>,
    /// Whether progress is asked for.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub progress: bool,
    /// Whether the call may become a task, which is then followed to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// What its requests can be told apart by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Whether `expect ok` is implied.
    pub expects_ok: bool,
    /// In order.
    pub checks: Vec<Check>,
    /// In order.
    pub saves: Vec<Save>,
    /// Values that become metrics; the slot is the index of the measure in the
    /// plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Save>,
}

impl Request {
    /// A request that expects success and nothing else.
    #[must_use]
    pub fn new(ordinal: usize, label: impl Into<String>, method: Method) -> Request {
        Request {
            ordinal,
            label: label.into(),
            method,
            params: Template::default(),
            timeout_ns: None,
            cancel_ns: None,
            progress: false,
            task: None,
            tags: Vec::new(),
            expects_ok: true,
            checks: Vec::new(),
            saves: Vec::new(),
            measures: Vec::new(),
        }
    }

    /// All its expressions.
    #[must_use]
    pub fn exprs(&self) -> Vec<&Expr> {
        let uri = match &self.method {
            Method::Read { uri } | Method::Subscribe { uri, .. } => Some(uri),
            _ => None,
        };
        uri.into_iter()
            .chain(self.params.holes())
            .chain(self.checks.iter().map(|check| &check.condition))
            .chain(self.saves.iter().chain(&self.measures).map(|save| &save.value))
            .chain(self.tags.iter().map(|tag| &tag.value))
            .collect()
    }
}

/// What is asked of the task that a call becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// How long the server is asked to keep it, from its creation, in
    /// nanoseconds; `None`: as long as the server likes. 2025-11-25 only: since
    /// then the server alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ns: Option<u64>,
}

/// What requests can be told apart by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value, once there is a response.
    pub value: Expr,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `tools/call`
    Call {
        /// The tool.
        tool: String,
    },
    /// `resources/read`
    Read {
        /// The resource's URI.
        uri: Expr,
    },
    /// `prompts/get`
    Prompt {
        /// The prompt.
        name: String,
    },
    /// `tools/list` and its like.
    List {
        /// The method.
        method: String,
        /// At most so many pages.
        pages: u32,
    },
    /// `completion/complete`
    Complete,
    /// Updates of a resource.
    Subscribe {
        /// The resource's URI.
        uri: Expr,
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// Any method.
    Request {
        /// Its name on the wire.
        method: String,
    },
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub fn wire(&self) -> &str {
        match self {
            Method::Call { .. } => "tools/call",
            Method::Read { .. } => "resources/read",
            Method::Prompt { .. } => "prompts/get",
            Method::List { method, .. } | Method::Request { method } => method,
            Method::Complete => "completion/complete",
            Method::Subscribe { .. } => "resources/subscribe",
        }
    }

    /// The keyword in a scenario file.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Method::Call { .. } => "call",
            Method::Read { .. } => "read",
            Method::Prompt { .. } => "prompt",
            Method::List { .. } => "list",
            Method::Complete => "complete",
            Method::Subscribe { .. } => "subscribe",
            Method::Request { .. } => "request",
        }
    }
}

/// A condition on one response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What must be true.
    pub condition: Expr,
    /// The condition as written.
    pub source: String,
    /// Index of its label in the plan's `expectations`.
    pub label: Option<usize>,
    /// Whether a failure ends the iteration.
    pub required: bool,
}

/// A variable and what it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Save {
    /// Its slot.
    pub slot: usize,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub value: Expr,
}
