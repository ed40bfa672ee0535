//! What a server lists beside its tools, as far as a plan asks for it.
//!
//! None of this keeps a run from beginning: what cannot be listed is not
//! checked, and that is said.

use std::time::Duration;

use serde_json::Value;

use super::terminal;
use crate::plan::{Method, Plan};
use crate::transport::{Client, List, Listed, PromptInfo, ResourceInfo, TemplateInfo, list_all};

/// Prompts are few, and all of them are needed to say that one is unknown.
const PROMPT_PAGES: usize = 20;

/// Resources may be without number. Past so many pages, nothing is said about
/// addresses.
const RESOURCE_PAGES: usize = 5;

/// The same for templates, which are fewer.
const TEMPLATE_PAGES: usize = 5;

/// What a plan needs to know of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wants {
    prompts: bool,
    resources: bool,
}

impl Wants {
    /// What the flows ask of the server at `index`.
    pub(super) fn of(plan: &Plan, index: usize) -> Wants {
        let flows = plan.flows_against(index).into_iter();
        let mut wants = Wants::default();
        for request in flows.filter_map(|flow| plan.flows.get(flow)).flat_map(crate::plan::Flow::requests) {
            wants.prompts |= matches!(request.method, Method::Prompt { .. });
            wants.resources |= matches!(request.method, Method::Read { .. });
        }
        wants
    }
}

/// What a server lists; `None` is not known, or not all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    pub(super) prompts: Option<Vec<PromptInfo>>,
    pub(super) resources: Option<Vec<ResourceInfo>>,
    pub(super) templates: Option<Vec<TemplateInfo>>,
}

/// Asks for what is wanted and what the server says that it has.
pub(super) async fn list(
    client: &mut impl Client,
    wants: Wants,
    capabilities: &[Option<&Value>],
    timeout: Duration,
    server: &str,
) -> Offered {
    let mut known = capabilities.iter().flatten().filter(|capabilities| capabilities.is_object()).peekable();
    let silent = known.peek().is_none();
    let said: Vec<&Value> = known.copied().collect();
    let has = |capability: &str| silent || said.iter().any(|said| said.get(capability).is_some());
    let mut offered = Offered::default();
    if wants.prompts {
        offered.prompts = one(client, has("prompts"), timeout, PROMPT_PAGES, server).await;
    }
    if wants.resources {
        offered.resources = one(client, has("resources"), timeout, RESOURCE_PAGES, server).await;
        offered.templates = one(client, has("resources"), timeout, TEMPLATE_PAGES, server).await;
    }
    offered
}

async fn one<T: Listed>(
    client: &mut impl Client,
    has: bool,
    timeout: Duration,
    pages: usize,
    server: &str,
) -> Option<Vec<T>> {
    if !has {
        return Some(Vec::new());
    }
    match list_all(client, timeout, pages).await {
        Ok(List { items, complete }) => complete.then_some(items),
        Err(error) if error.is_unsupported() => Some(Vec::new()),
        Err(error) => {
            let line = format!("note: server `{server}`: {error}; {} are not checked\n", T::MEMBER);
            terminal::note(&terminal::printable(&line));
            None
        }
    }
}
