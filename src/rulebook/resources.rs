//! Resources: every rule as `rule://{id}`, and `rule://stats`.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};

use super::calls::Book;
use super::counters::Counters;
use super::library::{Library, Rule};
use super::limits::RESOURCES_PER_PAGE;

/// What all URIs begin with.
const SCHEME: &str = "rule://";

/// The template of all rules.
pub const TEMPLATE: &str = "rule://{id}";

/// The figures of the server itself.
pub const STATS_URI: &str = "rule://stats";

/// One page of resources. The cursor is the last id of the page before; the
/// first page begins with `rule://stats`.
///
/// # Errors
///
/// -32602 when the cursor did not come from this server.
pub fn list(library: &Library, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
    if let Some(cursor) = cursor.filter(|cursor| library.get(cursor).is_none()) {
        return Err(ErrorData::invalid_params(format!("unknown cursor `{cursor}`"), None));
    }
    let mut resources = Vec::with_capacity(RESOURCES_PER_PAGE);
    if cursor.is_none() {
        resources.push(stats_resource());
    }
    let room = RESOURCES_PER_PAGE - resources.len();
    let rules: Vec<_> = library.after(cursor).take(room).collect();
    let last = rules.last().map(|rule| rule.id.as_ref());
    let next_cursor = last.filter(|last| library.after(Some(last)).next().is_some()).map(str::to_owned);
    resources.extend(rules.into_iter().map(|rule| rule_resource(rule)));
    Ok(ListResourcesResult { next_cursor, ..ListResourcesResult::with_all_items(resources) })
}

/// The one template.
pub fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(TEMPLATE, "rule")
        .with_title("Coding rule")
        .with_description("One coding rule by its id.")
        .with_mime_type("text/markdown");
    ListResourceTemplatesResult::with_all_items(vec![template])
}

/// Reads a rule or the figures.
///
/// # Errors
///
/// Resource not found (-32002; since 2026-07-28 it is -32602).
pub fn read(book: &Book, counters: &Counters, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    if uri == STATS_URI {
        let text = stats(book, counters).to_string();
        return Ok(contents(uri, "application/json", text));
    }
    let library = book.shelf.snapshot();
    match uri.strip_prefix(SCHEME).and_then(|id| library.get(id)) {
        Some(rule) => Ok(contents(uri, "text/markdown", format!("# {}\n\n{}\n", rule.title, rule.text))),
        None => Err(ErrorData::resource_not_found(
            format!("there is no resource `{uri}`: see resources/list"),
            Some(json!({ "uri": uri })),
        )),
    }
}

/// The figures, read without stopping anything; taken one after the other,
/// they may differ by the requests that run meanwhile.
fn stats(book: &Book, counters: &Counters) -> Value {
    let library = book.shelf.snapshot();
    let cache = book.cache.figures();
    let (opened, open) = counters.sessions();
    // Nothing asked for yet is no ratio, and not a ratio of 0.
    let asked = cache.hits + cache.misses;
    let hit_ratio = (asked > 0).then(|| cache.hits as f64 / asked as f64);
    json!({
        "rules": library.len(),
        "revision": library.revision(),
        "cache": {
            "enabled": book.cache.capacity() > 0,
            "capacity": book.cache.capacity(),
            "entries": cache.entries,
            "bytes": cache.bytes,
            "hits": cache.hits,
            "misses": cache.misses,
            "hit_ratio": hit_ratio,
            "expired": cache.expired,
            "evicted": cache.evicted,
        },
        "calls": counters.calls(),
        "resource_reads": counters.reads.get(),
        "prompts": counters.prompts.get(),
        "injected_errors": counters.injected_errors.get(),
        "sessions": { "opened": opened, "open": open },
    })
}

/// The URI of a rule.
pub fn uri(id: &str) -> String {
    format!("{SCHEME}{id}")
}

fn contents(uri: &str, mime_type: &str, text: String) -> ReadResourceResult {
    ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(mime_type)])
}

fn stats_resource() -> Resource {
    Resource::new(STATS_URI, "stats")
        .with_title("Server statistics")
        .with_description("Cache, calls and sessions since the start.")
        .with_mime_type("application/json")
}

fn rule_resource(rule: &Rule) -> Resource {
    Resource::new(uri(&rule.id), rule.id.as_ref()).with_title(rule.title.clone()).with_mime_type("text/markdown")
}
