//! Whether a value fits a JSON Schema: the only place that names the crate
//! `jsonschema`.
//!
//! Invariant: a schema is the text of a stranger. Nothing is fetched for it or
//! read from a file, and one whose parts refer to each other without end, or that
//! asks for too much work, is not used at all.

use std::collections::BTreeMap;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value as Json;

/// The most schemas that one value may have to be held against, counting again
/// what is referred to again: a document of some kilobytes can ask for more
/// than there is time for.
const MAX_WORK: u64 = 2_000;

/// References are followed no deeper than this before a schema is held to be
/// without end.
const MAX_CHAIN: u32 = 200;

/// Keywords whose schemas are held against the same value.
const SAME_VALUE: [&str; 11] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
    "extends",
    "contentSchema",
];

/// A schema that is ready for use.
#[derive(Debug)]
pub struct Judge {
    validator: Validator,
}

/// What is said of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// It fits.
    Accepted,
    /// It does not.
    Refused {
        /// The path to the part that does not fit.
        path: Vec<String>,
        /// Why, in the words of the validator.
        message: String,
    },
}

impl Judge {
    /// Makes a schema ready.
    ///
    /// # Errors
    /// Why the schema is of no use.
    pub fn new(schema: &Json) -> Result<Judge, String> {
        followable(schema)?;
        // Formats are advice unless a schema's own dialect says otherwise, and
        // servers differ in which they know.
        let options = jsonschema::options().should_validate_formats(false);
        options.build(schema).map(|validator| Judge { validator }).map_err(|error| error.to_string())
    }

    /// Holds a value against it.
    #[must_use]
    pub fn judge(&self, value: &Json) -> Judged {
        let gave_up = |kind: &ValidationErrorKind| {
            matches!(
                kind,
                ValidationErrorKind::BacktrackLimitExceeded { .. } | ValidationErrorKind::RegexEngineFailure { .. }
            )
        };
        match self.validator.iter_errors(value).find(|error| !gave_up(error.kind())) {
            None => Judged::Accepted,
            Some(error) => Judged::Refused {
                path: error.instance_path().iter().map(|segment| segment.to_string()).collect(),
                message: error.to_string(),
            },
        }
    }

    /// Whether a text matches a pattern of a schema; also when that cannot be
    /// told.
    #[must_use]
    pub fn matches(&self, pattern: &str, text: &str) -> bool {
        let Ok(validator) = jsonschema::validator_for(&serde_json::json!({ "pattern": pattern })) else { return true };
        match validator.validate(&Json::from(text)) {
            Ok(()) => true,
            Err(error) => !matches!(error.kind(), ValidationErrorKind::Pattern { .. }),
        }
    }
}

/// Whether every reference leads somewhere within the document, and none back to
/// itself on the same value.
fn followable(root: &Json) -> Result<(), String> {
    let draft_4 = root.get("$schema").and_then(Json::as_str).is_some_and(|draft| draft.contains("draft-04"));
    let mut work = Work { root, draft_4, known: BTreeMap::new() };
    let mut todo = vec![root];
    while let Some(node) = todo.pop() {
        work.of(node, MAX_CHAIN)?;
        match node {
            Json::Object(members) => todo.extend(members.values()),
            Json::Array(elements) => todo.extend(elements),
            _ => {}
        }
    }
    Ok(())
}

/// The schema that a reference within the document leads to.
#[must_use]
pub fn resolve<'a>(root: &'a Json, reference: &str) -> Option<&'a Json> {
    reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
}

struct Work<'a> {
    root: &'a Json,
    draft_4: bool,
    /// By address; `None` while it is being found out.
    known: BTreeMap<*const Json, Option<u64>>,
}

impl<'a> Work<'a> {
    /// How many schemas a value is held against at `node`.
    fn of(&mut self, node: &'a Json, depth: u32) -> Result<u64, String> {
        let Json::Object(schema) = node else { return Ok(1) };
        match self.known.get(&std::ptr::from_ref(node)) {
            Some(Some(work)) => return Ok(*work),
            Some(None) => return Err("it refers to itself without end".to_owned()),
            None if depth == 0 => return Err("its references are too deep".to_owned()),
            None => {}
        }
        self.known.insert(std::ptr::from_ref(node), None);
        let mut work = 1_u64;
        if schema.contains_key("$dynamicRef") || schema.contains_key("$recursiveRef") {
            return Err("it has references that depend on where they are followed".to_owned());
        }
        let renamed = |keyword: &str| schema.get(keyword).is_some_and(Json::is_string);
        if !std::ptr::eq(node, self.root) && (renamed("$id") || self.draft_4 && renamed("id")) {
            return Err("a part of it has an address of its own".to_owned());
        }
        if let Some(Json::String(reference)) = schema.get("$ref") {
            let target = resolve(self.root, reference).filter(|_| !reference.contains('%'));
            let target = target.ok_or_else(|| format!("`{reference}` leads nowhere in it"))?;
            work += self.of(target, depth - 1)?;
        }
        for keyword in SAME_VALUE {
            let parts: Vec<&Json> = match schema.get(keyword) {
                Some(Json::Array(parts)) => parts.iter().collect(),
                Some(Json::Object(parts)) if matches!(keyword, "dependentSchemas" | "dependencies") => {
                    parts.values().collect()
                }
                Some(part) => vec![part],
                None => Vec::new(),
            };
            for part in parts {
                work += self.of(part, depth - 1)?;
            }
        }
        if work > MAX_WORK {
            return Err("it holds a value against too many schemas".to_owned());
        }
        self.known.insert(std::ptr::from_ref(node), Some(work));
        Ok(work)
    }
}
