//! The guard against what the servers say of their tools, before any load.

use super::connect::Connected;
use crate::diag::Diagnostic;
use crate::model::CallSite;
use crate::model::live::{self, Offer, Tool};
use crate::plan::Plan;

/// What is wrong with the calls of the plan, now that the tools are known.
pub(super) fn check(plan: &Plan, calls: &[CallSite], servers: &[Connected]) -> Vec<Diagnostic> {
    let offers: Vec<Offer> = servers.iter().map(offer).collect();
    live::check(plan, calls, &offers)
}

fn offer(server: &Connected) -> Offer {
    let tools = server.tools.iter().map(|tool| Tool { name: tool.name.clone(), read_only: tool.read_only });
    Offer { server: server.info.name.clone(), tools: tools.collect() }
}
