//! What one virtual user does in one iteration.

use serde::{Deserialize, Serialize};

use crate::expr::{Expr, Template};

/// The steps of one iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Its request steps, in order.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.steps.iter().filter_map(Step::as_request)
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One MCP request.
    Request(Box<Request>),
    /// A pause.
    Think(Think),
    /// A variable.
    Let(Save),
}

impl Step {
    /// The request, if it is one.
    #[must_use]
    pub fn as_request(&self) -> Option<&Request> {
        match self {
            Step::Request(request) => Some(request),
            Step::Think(_) | Step::Let(_) => None,
        }
    }
}

/// A pause, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    /// Evenly distributed between two durations; both equal for a fixed pause.
    Between(f64, f64),
    /// Exponentially distributed with this mean, as independent people pause.
    Exponential(f64),
}

/// One MCP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Whether `expect ok` is implied.
    pub expects_ok: bool,
    /// In order.
    pub checks: Vec<Check>,
    /// In order.
    pub saves: Vec<Save>,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub fn wire(&self) -> &str {
        match self {
            Method::Call { .. } => "tools/call",
            Method::Read { .. } => "resources/read",
            Method::Prompt { .. } => "prompts/get",
            Method::List { method, .. } => method,
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
        }
    }
}

/// A condition on one response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Save {
    /// Its slot.
    pub slot: usize,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub value: Expr,
}
