//! Tasks, as servers tell of them: what goes on behind a request that has been
//! answered already.
//!
//! Sources: MCP 2025-11-25, "Tasks"; since 2026-07-28 the extension
//! `io.modelcontextprotocol/tasks` (SEP-2663).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::compliance;
use super::envelope::{Reply, RpcError};
use super::failure::excerpt;
use super::revision::Revision;
use crate::violation::Violations;

/// The extension by which calls become tasks since 2026-07-28.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// A task as its server tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What the server calls it.
    pub id: String,
    /// How far it has come.
    pub status: TaskStatus,
    /// What the server says about that, fit for one line of a terminal; empty if
    /// it says nothing.
    pub message: String,
    /// How long to wait before the server is asked again, if it says so.
    pub poll_interval: Option<Duration>,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It goes on.
    Working,
    /// The server wants to know something before it goes on.
    InputRequired,
    /// It has a result.
    Completed,
    /// It has an error; in 2025-11-25 perhaps a result that is one.
    Failed,
    /// It was given up.
    Cancelled,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    task_id: String,
    status: TaskStatus,
    #[serde(default)]
    status_message: Option<String>,
    /// Milliseconds, in 2025-11-25.
    #[serde(default)]
    poll_interval: Option<f64>,
    /// The same since 2026-07-28.
    #[serde(default)]
    poll_interval_ms: Option<f64>,
}

/// The answer to a call that has become a task, in 2025-11-25.
#[derive(Deserialize)]
struct Handle {
    task: Told,
}

#[derive(Deserialize)]
struct End<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl Reply {
    /// The task that the result tells of: that of a call which has become one, or
    /// of `tasks/get`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn task(&self) -> Result<Task, String> {
        let malformed = |error: String| format!("the server tells of a task, but that is malformed: {error}");
        let told =
            if self.holds_task() { self.parse::<Handle>().map(|handle| handle.task) } else { self.parse::<Told>() };
        let told = told.map_err(malformed)?;
        let interval = told.poll_interval_ms.or(told.poll_interval);
        Ok(Task {
            id: told.task_id,
            status: told.status,
            message: excerpt(told.status_message.unwrap_or_default().as_bytes()),
            poll_interval: interval.and_then(|millis| Duration::try_from_secs_f64(millis / 1e3).ok()),
        })
    }

    /// What the task has come to of which `tasks/get` tells (2026-07-28): the
    /// result of the call, or its error.
    ///
    /// # Errors
    ///
    /// If it has neither.
    pub fn end_of_task(&self, violations: &mut Violations) -> Result<Reply, String> {
        let end: End<'_> = self.parse().map_err(|error| format!("the end of the task is malformed: {error}"))?;
        match (end.result, end.error) {
            (_, Some(error)) => Ok(self.refusing(error)),
            (Some(result), None) => {
                let reply = self.narrowed(result.get());
                compliance::check_shape(&reply, "tools/call", violations);
                Ok(reply)
            }
            (None, None) => Err("the task has ended, but has neither `result` nor `error`".to_owned()),
        }
    }
}

/// Whether a server with these capabilities makes tasks of calls in this
/// revision; `None` if it says nothing of its capabilities.
#[must_use]
pub fn serves_tasks(capabilities: &Value, revision: Revision) -> Option<bool> {
    let capabilities = capabilities.as_object()?;
    if revision.is_modern() {
        let extensions = capabilities.get("extensions").and_then(Value::as_object);
        return Some(extensions.is_some_and(|extensions| extensions.contains_key(EXTENSION)));
    }
    let call = capabilities.get("tasks").and_then(|tasks| tasks.pointer("/requests/tools/call"));
    Some(revision.asks_for_tasks() && call.is_some_and(Value::is_object))
}
