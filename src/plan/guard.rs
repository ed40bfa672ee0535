//! What a run may do to the outside world.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Assertion;

/// What a run may do to the outside world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Requests under way at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// Longest time from the start to the end of the last stage, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ns: Option<u64>,
    /// Requests in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u64>,
    /// When the run is stopped before its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<Abort>,
    /// How it is stopped.
    #[serde(default)]
    pub on_abort: OnAbort,
}

/// A condition that stops the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Abort {
    /// What must not hold of a second.
    pub condition: Assertion,
    /// For how long it must have held, in nanoseconds.
    pub for_ns: u64,
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnAbort {
    /// Work under way may finish.
    #[default]
    Drain,
    /// At once.
    Kill,
}
