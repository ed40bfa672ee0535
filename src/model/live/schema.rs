//! A walk over arguments and their schema that names the places of mistakes.
//!
//! Invariant: what the schema accepts is never reported. Keywords that are not
//! known here are taken to accept everything; for arguments that are wholly
//! known [`crate::schema`] has the last word.

use std::cell::Cell;

use serde_json::{Map, Value as Json};

use super::{example, values};
use crate::diag::suggest::nearest;
use crate::model::{Argument, Entry, Known};
use crate::schema::{Judge, resolve};
use crate::text::Span;

/// References and nesting are followed no deeper than this: arguments that
/// somebody wrote by hand are not as deep.
const MAX_DEPTH: u32 = 32;

/// The most schemas that are looked at for one call. The schema comes from the
/// server, and alternatives that refer to each other multiply.
const MAX_STEPS: u32 = 20_000;

/// Something that the schema does not accept, or hardly means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// The member, such as `filter.tags[0]`.
    pub(super) path: String,
    /// Where it stands.
    pub(super) span: Span,
    /// Whether it can be mended there.
    pub(super) written: bool,
    pub(super) wrong: Wrong,
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wrong {
    /// It is required; an entry for it, and where that belongs; what stands there
    /// in its place, if something has nearly its name.
    Missing { example: String, instead_of: Option<String>, insert: Option<(Span, String)> },
    /// No such member is allowed; those that are.
    Unknown { name: String, known: Vec<String> },
    /// It is allowed and not listed, and close to one that is.
    Doubt { near: String },
    /// It is of another type.
    Type { wanted: Vec<&'static str>, found: &'static str, example: String, mended: Option<String> },
    /// Its type is right and its value is not.
    Value { must: String, found: String, help: String, mended: Option<String> },
}

impl Fault {
    pub(super) fn new(path: &str, at: &Argument, wrong: Wrong) -> Fault {
        Fault { path: path.to_owned(), span: at.span, written: at.written, wrong }
    }

    /// Whether it may be meant after all.
    pub(super) fn is_doubt(&self) -> bool {
        matches!(self.wrong, Wrong::Doubt { .. })
    }
}

/// One walk.
pub(super) struct Walk<'a> {
    root: &'a Json,
    judge: &'a Judge,
    /// In the oldest draft `const` means nothing yet, and what is exclusive is not
    /// a number.
    draft_4: bool,
    steps: Cell<u32>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(root: &'a Json, judge: &'a Judge) -> Walk<'a> {
        let draft = root.get("$schema").and_then(Json::as_str).unwrap_or_default();
        Walk { root, judge, draft_4: draft.contains("draft-04"), steps: Cell::new(MAX_STEPS) }
    }

    /// What is wrong with the arguments as far as they are known.
    pub(super) fn faults(&self, args: &Argument) -> Vec<Fault> {
        let mut found = Vec::new();
        for fault in self.value(self.root, args, "", MAX_DEPTH) {
            // Several choices, or several parts of a schema, may say the same.
            if !found.contains(&fault) {
                found.push(fault);
            }
        }
        found
    }

    fn value(&self, schema: &Json, value: &Argument, path: &str, depth: u32) -> Vec<Fault> {
        let Json::Object(schema) = schema else { return Vec::new() };
        let left = self.steps.get();
        if depth == 0 || left == 0 || value.known == Known::Any {
            return Vec::new();
        }
        self.steps.set(left - 1);
        if let Known::Choice(choices) = &value.known {
            return choices.iter().flat_map(|choice| self.within(schema, choice, path, depth)).collect();
        }
        self.within(schema, value, path, depth)
    }

    fn within(&self, schema: &Map<String, Json>, value: &Argument, path: &str, depth: u32) -> Vec<Fault> {
        if let Some(reference) = schema.get("$ref") {
            // What stands beside a reference counts in newer drafts only.
            let target = reference.as_str().and_then(|reference| resolve(self.root, reference));
            return target.map_or_else(Vec::new, |target| self.value(target, value, path, depth - 1));
        }
        let one = values::type_fault(schema, value, path)
            .or_else(|| values::listed_fault(schema, value, path, self.draft_4))
            .or_else(|| values::range_fault(schema, value, path, self.draft_4))
            .or_else(|| values::text_fault(schema, value, path, self.judge));
        if let Some(fault) = one {
            return vec![fault];
        }
        let mut found = match &value.known {
            Known::Object(entries) => self.object(schema, value, entries, path, depth),
            Known::List(elements) => self.list(schema, value, elements, path, depth),
            _ => Vec::new(),
        };
        for part in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            let faults = self.value(part, value, path, depth - 1);
            // Another part may list what this one does not.
            found.extend(faults.into_iter().filter(|fault| !fault.is_doubt()));
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives = schema.get(keyword).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            found.extend(self.alternatives(alternatives, value, path, depth));
        }
        found
    }

    /// Wrong is only what none of the alternatives accepts.
    fn alternatives(&self, alternatives: &[Json], value: &Argument, path: &str, depth: u32) -> Vec<Fault> {
        // Each of several values may fit another alternative.
        if alternatives.is_empty() || value.has_choice() {
            return Vec::new();
        }
        let mut refused = Vec::new();
        for alternative in alternatives {
            let mut faults = self.value(alternative, value, path, depth - 1);
            faults.retain(|fault| !fault.is_doubt());
            if faults.is_empty() {
                return Vec::new();
            }
            refused.push(faults);
        }
        let here = |faults: &&Vec<Fault>| matches!(faults.as_slice(), [Fault { path: at, wrong: Wrong::Type { .. }, .. }] if at == path);
        let (types, others): (Vec<_>, Vec<_>) = refused.iter().partition(here);
        match others.as_slice() {
            [] => values::merged_types(types.into_iter().flatten()).into_iter().collect(),
            [only] => (*only).clone(),
            _ => {
                // A list of values with a description each is still a list of values.
                if let Some(fault) = values::alternatives_fault(alternatives, value, path, self.draft_4) {
                    return vec![fault];
                }
                let must = format!("fit one of the {} forms that the schema lists", alternatives.len());
                let found = value.kind().map_or("it fits none", |_| "fits none of them").to_owned();
                let help = "write it in one of the forms of the schema".to_owned();
                vec![Fault::new(path, value, Wrong::Value { must, found, help, mended: None })]
            }
        }
    }

    fn object(
        &self,
        schema: &Map<String, Json>,
        object: &Argument,
        entries: &[Entry],
        path: &str,
        depth: u32,
    ) -> Vec<Fault> {
        let nothing = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&nothing);
        let mut found = Vec::new();
        let mut mistyped = Vec::new();
        for name in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if entries.iter().any(|entry| entry.key == name) {
                continue;
            }
            let value = example::of(properties.get(name).unwrap_or(&Json::Null));
            let example = format!("{}: {value}", Json::from(name));
            let near = |entry: &&Entry| !properties.contains_key(&entry.key) && nearest(&entry.key, [name]).is_some();
            let path = join(path, name);
            let Some(entry) = entries.iter().find(near) else {
                let insert = example::insertion(object, &example);
                found.push(Fault::new(&path, object, Wrong::Missing { example, instead_of: None, insert }));
                continue;
            };
            // One mistake, one finding: what is missing is there by another name.
            if schema.get("additionalProperties") != Some(&Json::Bool(false)) {
                mistyped.push(entry.key.as_str());
                let insert = object.written.then(|| (entry.key_span, Json::from(name).to_string()));
                let wrong = Wrong::Missing { example, instead_of: Some(entry.key.clone()), insert };
                found.push(Fault { path, span: entry.key_span, written: object.written, wrong });
            }
        }
        for entry in entries {
            let at = join(path, &entry.key);
            match properties.get(&entry.key) {
                Some(property) => found.extend(self.value(property, &entry.value, &at, depth - 1)),
                None if mistyped.contains(&entry.key.as_str()) => {}
                None => found.extend(self.extra(schema, properties, object, entry, &at, depth)),
            }
        }
        found
    }

    /// A member that is not among the properties.
    fn extra(
        &self,
        schema: &Map<String, Json>,
        properties: &Map<String, Json>,
        object: &Argument,
        entry: &Entry,
        path: &str,
        depth: u32,
    ) -> Vec<Fault> {
        if schema.contains_key("patternProperties") {
            return Vec::new();
        }
        let fault = |wrong| Fault { path: path.to_owned(), span: entry.key_span, written: object.written, wrong };
        let taken = |name: &str| match &object.known {
            Known::Object(entries) => entries.iter().any(|entry| entry.key == name),
            _ => false,
        };
        let free = || properties.keys().filter(|name| !taken(name));
        match schema.get("additionalProperties") {
            Some(Json::Bool(false)) => {
                let known = free().cloned().collect();
                vec![fault(Wrong::Unknown { name: entry.key.clone(), known })]
            }
            Some(additional @ Json::Object(_)) => self.value(additional, &entry.value, path, depth - 1),
            _ => {
                // Other keywords may list more members.
                const MORE: [&str; 7] =
                    ["allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies", "propertyNames"];
                let near = nearest(&entry.key, free().map(String::as_str));
                let near = near.filter(|_| !MORE.iter().any(|keyword| schema.contains_key(*keyword)));
                near.map(|near| fault(Wrong::Doubt { near: near.to_owned() })).into_iter().collect()
            }
        }
    }

    fn list(
        &self,
        schema: &Map<String, Json>,
        list: &Argument,
        elements: &[Argument],
        path: &str,
        depth: u32,
    ) -> Vec<Fault> {
        if let Some(fault) = values::length_fault(schema, list, elements.len(), path) {
            return vec![fault];
        }
        // With `prefixItems` or a list of schemas, places have schemas of their own.
        let items = schema.get("items").filter(|items| items.is_object() && !schema.contains_key("prefixItems"));
        let Some(items) = items else { return Vec::new() };
        let element = |(index, element)| self.value(items, element, &format!("{path}[{index}]"), depth - 1);
        elements.iter().enumerate().flat_map(element).collect()
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
