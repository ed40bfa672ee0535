//! What the history tells of a run without unpacking its results.

use std::collections::BTreeMap;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::record::Time;
use crate::results::{Ended, Results, ServerInfo, Window};

/// What people said of a run: names and values.
pub type Tags = BTreeMap<String, String>;

/// A run of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Identifies it ([`crate::results::Run::id`]).
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The name of its plan.
    pub name: String,
    /// What was to be sent ([`crate::plan::Plan::load_hash`]).
    pub load_hash: String,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// What machine made the load ([`crate::results::Environment::class`]).
    pub machine: String,
    /// The version of the program.
    pub tool: String,
    /// The servers as they presented themselves.
    pub servers: Vec<ServerInfo>,
    /// The verdict in one word, as it was told after the run.
    pub outcome: String,
    /// How it ended.
    pub ended: Ended,
    /// From the start of the load until no new work began, in seconds.
    pub seconds: f64,
    /// Requests that were answered or failed, warm-up excluded.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The 95th percentile of the latency of all requests, in nanoseconds; absent
    /// without any.
    pub p95_ns: Option<f64>,
    /// What people said of it.
    pub tags: Tags,
    /// Whether its single seconds are kept, and not only their sum.
    pub detailed: bool,
}

/// The columns of [`Entry::read`], in its order.
pub(super) const COLUMNS: &str = "id, started, name, load_hash, plan_hash, machine, tool, servers, outcome, ended, \
     seconds, requests, failed, p95_ns, tags, results IS NOT NULL";

impl Entry {
    /// What there is to tell of results.
    pub(super) fn new(results: &Results, outcome: &str, tags: &Tags, detailed: bool) -> Entry {
        let everything = results.everything();
        let counts = results.counts(&everything, Window::Whole);
        let latency = results.times(&everything, Time::Latency, Window::Whole);
        Entry {
            id: results.run.id.clone(),
            started: results.run.started.clone(),
            name: results.plan.name.clone(),
            load_hash: results.plan.load_hash(),
            plan_hash: results.plan_hash.clone(),
            machine: results.environment.class(),
            tool: results.tool.version.clone(),
            servers: results.servers.clone(),
            outcome: outcome.to_owned(),
            ended: results.run.ended,
            seconds: std::time::Duration::from_millis(results.run.load_ms).as_secs_f64(),
            requests: counts.requests,
            failed: counts.failed(),
            p95_ns: latency.percentile(95.0),
            tags: tags.clone(),
            detailed,
        }
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
        let count = |at: usize| row.get(at).map(|count: i64| u64::try_from(count).unwrap_or(0));
        Ok(Entry {
            id: row.get(0)?,
            started: row.get(1)?,
            name: row.get(2)?,
            load_hash: row.get(3)?,
            plan_hash: row.get(4)?,
            machine: row.get(5)?,
            tool: row.get(6)?,
            servers: json(row, 7)?,
            outcome: row.get(8)?,
            ended: json(row, 9)?,
            seconds: row.get(10)?,
            requests: count(11)?,
            failed: count(12)?,
            p95_ns: row.get(13)?,
            tags: json(row, 14)?,
            detailed: row.get(15)?,
        })
    }
}

/// A column that holds JSON.
pub(super) fn json<T: for<'a> Deserialize<'a>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error)))
}
