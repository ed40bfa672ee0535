//! Whether tools answer as they have promised.
//!
//! A tool may list an `outputSchema`: then its structured result is there and
//! fits it (MCP 2025-06-18 and later). Holding each answer against a schema would
//! cost more than the answers themselves, so that is done with a sample, once the
//! answer has been measured.

use std::collections::BTreeMap;

use rand::Rng as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::iteration::Running;
use crate::plan::random::{Purpose, stream};
use crate::plan::{Method, Request};
use crate::schema::{Judge, Judged};
use crate::transport::{Connector, Exchange, Revision};
use crate::violation::Violation;

/// Of so many iterations one is looked into.
const ONE_IN: u32 = 100;

/// Larger results are not held against a schema: that would keep a thread busy
/// for longer than the others on it can wait.
const MAX_RESULT: usize = 64 * 1024;

/// What the tools of a run have promised of their structured results.
#[derive(Debug, Default)]
pub struct Promises {
    /// By index of the server in the plan, then by tool.
    servers: Vec<BTreeMap<String, Judge>>,
}

impl Promises {
    /// Adds those of the next server of the plan: its tools with the schemas that
    /// they list. Returns the tools whose schema is of no use, and why.
    pub fn add<'a>(&mut self, tools: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<(&'a str, String)> {
        let (mut judges, mut unusable) = (BTreeMap::new(), Vec::new());
        for (tool, schema) in tools {
            match Judge::new(schema) {
                Ok(judge) => drop(judges.insert(tool.to_owned(), judge)),
                Err(reason) => unusable.push((tool, reason)),
            }
        }
        self.servers.push(judges);
        unusable
    }

    /// Whether no tool has promised anything.
    pub(super) fn is_empty(&self) -> bool {
        self.servers.iter().all(BTreeMap::is_empty)
    }
}

impl<C: Connector> Running<'_, C> {
    /// Holds the answer to a call against what its tool has promised, if it is one
    /// of the sample: the first of each step on each thread, and all of one
    /// iteration in a hundred.
    pub(super) fn inspect(&self, promises: &Promises, request: &Request, exchange: &mut Exchange) {
        let (shard, job, peer) = (self.shard, self.job, self.user.peer);
        let (Method::Call { tool }, Ok(reply)) = (&request.method, &exchange.outcome) else { return };
        let Some(judge) = promises.servers.get(peer.server).and_then(|tools| tools.get(tool)) else { return };
        let first = shard.inspected.borrow_mut().insert(self.first_series + request.ordinal);
        let sampled = || stream(shard.plan.seed, Purpose::Inspect, job.scenario, job.index).random_ratio(1, ONE_IN);
        if self.user.revision < Revision::V2025_06_18 || reply.is_tool_error() || !first && !sampled() {
            return;
        }
        let broken = reply.result().and_then(|result| broken(judge, result));
        if let Some((violation, what)) = broken {
            exchange.violations.note(violation, || format!("{tool}: {what}"));
        }
    }
}

/// How a result breaks the promise of its tool, if it does.
fn broken(judge: &Judge, result: &str) -> Option<(Violation, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head<'a> {
        #[serde(default)]
        result_type: Option<String>,
        #[serde(borrow, default, deserialize_with = "present")]
        structured_content: Option<&'a RawValue>,
    }
    /// `null` is a value like any other.
    fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Some)
    }
    if !result.trim_start().starts_with('{') {
        return None;
    }
    let head: Head<'_> = serde_json::from_str(result).ok()?;
    // A request for input, or a task, is no result of the tool yet.
    if head.result_type.is_some_and(|kind| kind != "complete") {
        return None;
    }
    let Some(structured) = head.structured_content else {
        return Some((Violation::StructuredContent, "the result has no `structuredContent`".to_owned()));
    };
    if structured.get().len() > MAX_RESULT {
        return None;
    }
    match judge.judge(&serde_json::from_str(structured.get()).ok()?) {
        Judged::Accepted => None,
        Judged::Refused { path, message } => {
            let place = path.iter().fold("structuredContent".to_owned(), |place, part| format!("{place}.{part}"));
            Some((Violation::OutputSchema, format!("`{place}`: {message}")))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::{Judge, MAX_RESULT, Promises, Violation, broken};

    fn judge() -> Judge {
        Judge::new(&json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] }))
            .unwrap()
    }

    #[test]
    fn a_promise_is_broken_by_what_does_not_fit_and_by_nothing() {
        let long = "x".repeat(MAX_RESULT);
        let table = [
            (json!({ "structuredContent": { "n": 1 } }), None),
            (json!({ "structuredContent": { "n": 1, "more": [] }, "resultType": "complete" }), None),
            (json!({ "structuredContent": { "n": "1" } }), Some((Violation::OutputSchema, "`structuredContent.n`: "))),
            (json!({ "structuredContent": {} }), Some((Violation::OutputSchema, "`structuredContent`: "))),
            (json!({ "structuredContent": null }), Some((Violation::OutputSchema, "`structuredContent`: "))),
            (json!({ "content": [] }), Some((Violation::StructuredContent, "the result has no"))),
            (json!({ "resultType": "input_required" }), None),
            (json!({ "resultType": "task", "taskId": "t" }), None),
            (json!({ "structuredContent": { "n": long } }), None),
            (json!([]), None),
        ];
        for (result, expected) in table {
            let found = broken(&judge(), &result.to_string());
            assert_eq!(found.as_ref().map(|(kind, _)| *kind), expected.map(|(kind, _)| kind), "{result}");
            if let (Some((_, said)), Some((_, start))) = (found, expected) {
                assert!(said.starts_with(start), "{said}");
            }
        }
    }

    #[test]
    fn schemas_that_lead_elsewhere_are_not_used() {
        let (near, far) = (json!({ "type": "object" }), json!({ "$ref": "http://127.0.0.1:1/schema.json" }));
        let mut promises = Promises::default();
        assert!(promises.is_empty());
        let unusable = promises.add([("near", &near), ("far", &far)].into_iter());
        let unusable: Vec<_> =
            unusable.iter().map(|(tool, reason)| (*tool, reason.contains("leads nowhere"))).collect();
        assert_eq!(unusable, [("far", true)]);
        assert!(!promises.is_empty());
    }
}
