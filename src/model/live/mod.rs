//! A file against what its servers list: known only when connected, and checked
//! before any load.
//!
//! Nothing is reported that is not certain: what a list does not tell, because
//! it could not be had or was too long, is left alone.

mod calls;
mod example;
mod prompts;
mod reads;
mod schema;
#[cfg(test)]
mod tests;
mod values;

use super::Model;
use crate::diag::{Diagnostic, tidy};
use crate::plan::Plan;

/// What a server offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The server's name in the file.
    pub server: String,
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Its prompts; `None` when they are not known.
    pub prompts: Option<Vec<Prompt>>,
    /// Its resources and templates; `None` when they are not known, or not all.
    pub resources: Option<Resources>,
    /// What it says of tasks in each revision that is spoken.
    pub tasks: Vec<Tasks>,
}

/// What a server says of tasks in one revision.
#[derive(Clone, Copy, Debug)]
pub struct Tasks {
    /// Whether the client asks for a task, and which tools take that is up to each
    /// (up to 2025-11-25). Later the server alone decides.
    pub asked: bool,
    /// Whether it makes tasks of calls at all; `None` when it does not say.
    pub served: Option<bool>,
}

/// Whether the calls of a tool may become tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSupport {
    /// They must not.
    #[default]
    Forbidden,
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// A tool that a server offers.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name to call it by.
    pub name: String,
    /// Whether it says that it changes nothing.
    pub read_only: bool,
    /// The JSON Schema of its arguments; `null` without one.
    pub schema: serde_json::Value,
    /// Why the protocol forbids to call it, if it does: its schema asks for
    /// headers that cannot be.
    pub header_fault: Option<String>,
    /// Whether its calls may become tasks, where clients ask for them.
    pub tasks: TaskSupport,
}

/// A prompt that a server offers.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The name to ask for it by.
    pub name: String,
    /// Its arguments, and whether each is required.
    pub arguments: Vec<(String, bool)>,
}

/// What a server lets clients read.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Addresses.
    pub uris: Vec<String>,
    /// Templates of addresses (RFC 6570).
    pub templates: Vec<String>,
}

/// What is wrong with the requests of the plan, now that the lists are known;
/// `offers` are in the order of the plan's servers.
#[must_use]
pub fn check(plan: &Plan, model: &Model, offers: &[Offer]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, offer) in offers.iter().enumerate() {
        let flows = plan.flows_against(index);
        let used = |flow: usize| flows.contains(&flow);
        let mut calls = calls::Calls::new(plan, offer);
        model.calls.iter().filter(|site| used(site.flow)).for_each(|site| calls.check(site, &mut found));
        for site in model.prompts.iter().filter(|site| used(site.flow)) {
            prompts::check(site, offer, &mut found);
        }
        found.extend(model.reads.iter().filter(|site| used(site.flow)).filter_map(|site| reads::check(site, offer)));
    }
    tidy(&mut found);
    found
}
