//! The guard against what the server says of its tools, before any load.

use super::connect::Connected;
use crate::diag::{Diagnostic, errors, tidy};
use crate::model::{CallSite, guard};
use crate::plan::Plan;

/// What is wrong with the calls of the plan, now that the tools are known.
pub(super) fn check(plan: &Plan, calls: &[CallSite], servers: &[Connected]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for scenario in &plan.scenarios {
        let Some(server) = servers.get(scenario.server) else { continue };
        let used = |call: &&CallSite| scenario.mix.iter().any(|share| share.flow == call.flow);
        for call in calls.iter().filter(used) {
            found.extend(check_call(plan, call, server));
        }
    }
    tidy(&mut found);
    found
}

fn check_call(plan: &Plan, call: &CallSite, server: &Connected) -> Option<Diagnostic> {
    let Some(tool) = server.tools.iter().find(|tool| tool.name == call.tool) else {
        let known: Vec<String> = server.tools.iter().map(|tool| tool.name.clone()).collect();
        return Some(errors::live::unknown_tool(&call.tool, &server.info.name, call.span, &known));
    };
    let allowed = plan.guard.allow_tools.iter().any(|pattern| guard::matches(pattern, &call.tool));
    (!tool.read_only && !allowed).then(|| errors::live::tool_not_read_only(&call.tool, call.span))
}
