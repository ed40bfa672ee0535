//! The requests of a plan against what its servers list, before any load.

use super::connect::Connected;
use super::terminal;
use crate::diag::Diagnostic;
use crate::engine::Promises;
use crate::model::Model;
use crate::model::live::{self, Offer, Prompt, Resources, TaskSupport, Tasks, Tool};
use crate::plan::{Plan, Scenario};
use crate::transport::{self, Revision, serves_tasks};

/// What is wrong with the requests of the plan, now that the lists are known.
pub(super) fn check(plan: &Plan, model: &Model, servers: &[Connected]) -> Vec<Diagnostic> {
    let offers: Vec<Offer> = servers.iter().map(offer).collect();
    for offer in &offers {
        let faults = offer.tools.iter().filter_map(|tool| Some((&tool.name, tool.header_fault.as_ref()?)));
        for (tool, fault) in faults.filter(|(tool, _)| !model.calls.iter().any(|call| call.tool == **tool)) {
            let line = format!("note: server `{}`: the tool `{tool}` cannot be called: {fault}\n", offer.server);
            terminal::note(&terminal::printable(&line));
        }
    }
    without_hints(plan, servers);
    live::check(plan, model, &offers)
}

/// Says which servers have no hints for the caches that scenarios ask for.
fn without_hints(plan: &Plan, servers: &[Connected]) {
    for (index, server) in servers.iter().enumerate() {
        let info = &server.info;
        let caches =
            |scenario: &Scenario| scenario.cache_hints && scenario.targets.iter().any(|target| target.server == index);
        if plan.scenarios.iter().any(caches) && !info.revision.contains(Revision::NEWEST_MODERN.as_str()) {
            let (name, revision) = (&info.name, &info.revision);
            let line = format!("note: server `{name}` speaks {revision}, which has no cache hints: nothing is kept\n");
            terminal::note(&terminal::printable(&line));
        }
    }
}

/// What the tools promise of their results; says of which that cannot be used.
pub(super) fn promises(servers: &[Connected]) -> Promises {
    let mut promises = Promises::default();
    for server in servers {
        let schemas = server.tools.iter().filter_map(|tool| Some((tool.name.as_str(), tool.output_schema.as_ref()?)));
        for (tool, reason) in promises.add(schemas) {
            let server = &server.info.name;
            let line = format!("note: server `{server}`: the results of `{tool}` are not checked: {reason}\n");
            terminal::note(&terminal::printable(&line));
        }
    }
    promises
}

fn offer(server: &Connected) -> Offer {
    let tools = server.tools.iter().map(|tool| Tool {
        name: tool.name.clone(),
        read_only: tool.hints.read_only,
        schema: tool.input_schema.clone(),
        header_fault: tool.header_fault().filter(|_| server.mirrors),
        tasks: match tool.task_support {
            transport::TaskSupport::Forbidden => TaskSupport::Forbidden,
            transport::TaskSupport::Optional => TaskSupport::Optional,
            transport::TaskSupport::Required => TaskSupport::Required,
        },
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
    let tasks = server.capabilities.iter().map(|(revision, capabilities)| Tasks {
        asked: !revision.is_modern(),
        served: serves_tasks(capabilities, *revision),
    });
    Offer { server: server.info.name.clone(), tools: tools.collect(), prompts, resources, tasks: tasks.collect() }
}
