//! Values that a schema would take, to show how a mistake is mended.

use serde_json::{Value as Json, json};

use super::schema::{Fault, Wrong};
use crate::diag::Diagnostic;
use crate::model::{Argument, Known};
use crate::text::Span;

/// An example longer than this shows nothing any more.
const MAX_EXAMPLE: usize = 80;

/// A value for a member with this schema: what the schema itself names, or the
/// simplest of its type.
pub(super) fn of(schema: &Json) -> Json {
    of_depth(schema, 0)
}

/// What is inside of what is inside is left to the reader.
const MAX_DEPTH: usize = 2;

fn of_depth(schema: &Json, depth: usize) -> Json {
    let named = ["default", "const"].iter().find_map(|keyword| schema.get(keyword)).or_else(|| {
        let first = |keyword: &str| schema.get(keyword)?.as_array()?.first();
        first("enum").or_else(|| first("examples"))
    });
    if let Some(named) = named.filter(|named| !named.is_null() && named.to_string().len() <= MAX_EXAMPLE) {
        return named.clone();
    }
    let ty = match schema.get("type") {
        Some(Json::String(ty)) => Some(ty.as_str()),
        Some(Json::Array(types)) => types.iter().filter_map(Json::as_str).find(|ty| *ty != "null"),
        _ => None,
    };
    match ty {
        Some("integer" | "number") => schema.get("minimum").filter(|low| low.is_number()).cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => match schema.get("items").filter(|items| items.is_object() && depth < MAX_DEPTH) {
            Some(items) => json!([of_depth(items, depth + 1)]),
            None => json!([]),
        },
        Some("object") => {
            let required = schema.get("required").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            let member = |name: &str| Some(of_depth(schema.get("properties")?.get(name)?, depth + 1));
            let members = required.iter().filter_map(Json::as_str).filter(|_| depth < MAX_DEPTH);
            members.filter_map(|name| Some((name.to_owned(), member(name)?))).collect()
        }
        Some("null") => Json::Null,
        _ => json!("text"),
    }
}

/// Where a member that is missing belongs in an object that is written in the
/// file, and its text.
pub(super) fn insertion(object: &Argument, entry: &str) -> Option<(Span, String)> {
    let Known::Object(entries) = &object.known else { return None };
    if !object.written {
        return None;
    }
    Some(match entries.last() {
        Some(last) => (behind(last.value.span), format!(", {entry}")),
        None => (object.span, format!("{{ {entry} }}")),
    })
}

/// The entries that would make up for all that is missing from the arguments.
pub(super) fn missing(faults: &[Fault]) -> String {
    let entries = faults.iter().filter_map(|fault| match &fault.wrong {
        Wrong::Missing { example, .. } => Some(example.as_str()),
        _ => None,
    });
    entries.collect::<Vec<_>>().join(", ")
}

/// Says how to add `args` to a request that has none; the edit is offered once.
pub(super) fn without_args(
    diagnostic: Diagnostic,
    entries: &str,
    name: Span,
    block: bool,
    offered: bool,
) -> Diagnostic {
    let args = format!("args {{ {entries} }}");
    let diagnostic = diagnostic.help(format!("add `{args}`"));
    // In a block it depends on the lines that are there already.
    if block || offered {
        return diagnostic;
    }
    diagnostic.maybe_fix(behind(name), format!(" {{ {args} }}"))
}

fn behind(span: Span) -> Span {
    Span { start: span.end, end: span.end }
}
