//! The results of a run: the only form of it that is kept.
//!
//! Invariant: versioned, mergeable, and enough for any report and any
//! assertion without another run. May import `record`, `plan`.

mod baseline;
mod condense;
mod environment;
mod journal;
mod merge;
mod process;
mod query;
mod read;
#[cfg(test)]
mod tests;

pub use baseline::{BASELINE, Baseline};
pub use environment::Environment;
pub use journal::{JOURNAL, Journal, Second};
pub use process::{ProcessSums, SESSIONS_LEAST};
pub use query::Window;
pub use read::ReadError;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::record::Recording;

/// Version of the results format. A reader refuses what it does not know.
pub const SCHEMA: &str = "mcpl.results/1";

/// The transport of a server that was a model: the run was rehearsed.
pub const SIMULATED: &str = "simulated";

/// A whole run, as kept in `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// What was to be done. Holds no secret.
    #[schemars(schema_with = "plan_schema")]
    pub plan: Plan,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// When and how it went.
    pub run: Run,
    /// Where it ran.
    pub environment: Environment,
    /// The servers as they presented themselves, by index of the plan.
    pub servers: Vec<ServerInfo>,
    /// What was measured.
    pub recording: Recording,
}

/// The program that made a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `mcpl`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// When and how a run went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Identifies it; also sent to the server in nothing but `run.id`.
    pub id: String,
    /// Where it is the sum of several: the ids of all its parts, sorted. Empty where it
    /// was made in one place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// From the start of the load until no new work began, in milliseconds.
    pub load_ms: u64,
    /// From the start of the load to the end of the drain, in milliseconds.
    pub total_ms: u64,
    /// How it ended.
    pub ended: Ended,
    /// Why the guard stopped it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarded: Option<String>,
    /// Threads of the engine.
    pub threads: usize,
}

impl Run {
    /// The ids of what it is the sum of: its own where it was made in one place.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        if self.parts.is_empty() { std::slice::from_ref(&self.id) } else { &self.parts }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// As planned.
    Completed,
    /// By the user; what was measured until then counts.
    Interrupted,
    /// By the guard of the file; what was measured until then counts.
    Guarded,
    /// With the process, which wrote no results: what there is was read from the
    /// journal of the run.
    Killed,
}

/// A server as it presented itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerInfo {
    /// Its name in the scenario file.
    pub name: String,
    /// `http`, `stdio` or [`SIMULATED`].
    pub transport: String,
    /// The revision that was pinned.
    pub revision: String,
    /// The name it gave.
    pub server_name: String,
    /// The version it gave.
    pub server_version: String,
    /// Tools it lists.
    pub tools: usize,
    /// The tokens that were had for it, where it has `auth oauth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// What was asked of the token endpoint of a server. None of it is part of a
/// latency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Tokens that were had, the first before the run.
    pub obtained: u32,
    /// Attempts during the run that gave none.
    pub failed: u32,
    /// What it took to get those that were had, in microseconds.
    pub total_us: u64,
    /// The longest of it.
    pub longest_us: u64,
    /// Why the last attempt that failed did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// The schema of a plan has a file of its own.
fn plan_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "$ref": "plan.schema.json" })
}

/// The JSON Schema of results, as in `docs/schema/results.schema.json`. That of the
/// plan is referred to as `plan.schema.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Results).into()
}

impl Results {
    /// Whether no server was contacted.
    #[must_use]
    pub fn rehearsed(&self) -> bool {
        self.servers.iter().any(|server| server.transport == SIMULATED)
    }

    /// As the JSON text of a results file.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Every part is plain data with text keys, which serde_json can write.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
