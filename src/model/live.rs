//! The guard against what the servers say of their tools: known only when
//! connected, and checked before any load.

use super::{CallSite, guard};
use crate::diag::{Diagnostic, errors, tidy};
use crate::plan::Plan;

/// What a server offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The server's name in the file.
    pub server: String,
    /// Its tools.
    pub tools: Vec<Tool>,
}

/// A tool that a server offers.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name to call it by.
    pub name: String,
    /// Whether it says that it changes nothing.
    pub read_only: bool,
}

/// What is wrong with the calls of the plan, now that the tools are known;
/// `offers` are in the order of the plan's servers.
#[must_use]
pub fn check(plan: &Plan, calls: &[CallSite], offers: &[Offer]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for scenario in &plan.scenarios {
        let flows = plan.flows_of(scenario);
        for offer in scenario.targets.iter().filter_map(|target| offers.get(target.server)) {
            let used = |call: &&CallSite| flows.contains(&call.flow);
            found.extend(calls.iter().filter(used).filter_map(|call| check_call(plan, call, offer)));
        }
    }
    tidy(&mut found);
    found
}

fn check_call(plan: &Plan, call: &CallSite, offer: &Offer) -> Option<Diagnostic> {
    let Some(tool) = offer.tools.iter().find(|tool| tool.name == call.tool) else {
        let known: Vec<String> = offer.tools.iter().map(|tool| tool.name.clone()).collect();
        return Some(errors::live::unknown_tool(&call.tool, &offer.server, call.span, &known));
    };
    let allowed = plan.guard.allow_tools.iter().any(|pattern| guard::matches(pattern, &call.tool));
    (!tool.read_only && !allowed).then(|| errors::live::tool_not_read_only(&call.tool, call.span))
}
