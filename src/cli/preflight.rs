//! The requests of a plan against what its servers list, before any load.

use super::connect::Connected;
use crate::diag::Diagnostic;
use crate::model::Model;
use crate::model::live::{self, Offer, Prompt, Resources, Tool};
use crate::plan::Plan;

/// What is wrong with the requests of the plan, now that the lists are known.
pub(super) fn check(plan: &Plan, model: &Model, servers: &[Connected]) -> Vec<Diagnostic> {
    let offers: Vec<Offer> = servers.iter().map(offer).collect();
    live::check(plan, model, &offers)
}

fn offer(server: &Connected) -> Offer {
    let tools = server.tools.iter().map(|tool| Tool {
        name: tool.name.clone(),
        read_only: tool.read_only,
        schema: tool.input_schema.clone(),
    });
    let prompts = server.offered.prompts.as_ref().map(|prompts| {
        let prompt = |prompt: &crate::transport::PromptInfo| Prompt {
            name: prompt.name.clone(),
            arguments: prompt.arguments.iter().map(|argument| (argument.name.clone(), argument.required)).collect(),
        };
        prompts.iter().map(prompt).collect()
    });
    let resources =
        server.offered.resources.as_ref().zip(server.offered.templates.as_ref()).map(|(resources, templates)| {
            Resources {
                uris: resources.iter().map(|resource| resource.uri.clone()).collect(),
                templates: templates.iter().map(|template| template.uri_template.clone()).collect(),
            }
        });
    Offer { server: server.info.name.clone(), tools: tools.collect(), prompts, resources }
}
