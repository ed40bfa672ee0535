//! What a request of 2026-07-28 says in its headers as well as in its body.
//!
//! Source: the specification of 2026-07-28, Streamable HTTP, on standard headers
//! and on custom headers from tool parameters (SEP-2243): `Mcp-Name`, and
//! `Mcp-Param-X` for each argument whose property in the tool's schema says
//! `"x-mcp-header": "X"`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::lists::ToolInfo;

/// The keyword of a schema that asks for a header.
const KEYWORD: &str = "x-mcp-header";

/// What the names of such headers begin with.
pub(super) const PREFIX: &str = "mcp-param-";

/// The greatest integer of which a JSON number is sure to be exact.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// Keywords of JSON Schema whose value is a schema or a list of schemas. What
/// stands in others is data.
const SCHEMAS: [&str; 16] = [
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];

/// Keywords whose value is a table of schemas, beside `properties`.
const TABLES: [&str; 5] = ["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

/// An argument that is repeated in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mirror {
    /// The name of the header.
    header: String,
    /// The names of the properties that lead to the argument.
    path: Vec<String>,
}

/// The arguments that are repeated in headers, by the name of the tool. Tools
/// without any are not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirrors {
    tools: BTreeMap<String, Vec<Mirror>>,
}

impl Mirrors {
    /// What the schemas of the tools ask for. A tool whose schema asks for what
    /// may not be is left out: it is not to be called.
    pub(super) fn of(tools: &[ToolInfo]) -> Self {
        let asking = tools.iter().filter_map(|tool| {
            let mirrors = mirrors(&tool.input_schema).ok().filter(|mirrors| !mirrors.is_empty())?;
            Some((tool.name.clone(), mirrors))
        });
        Self { tools: asking.collect() }
    }

    /// Appends the headers of a request, each with its line end; nothing for most
    /// requests. `params` is the text of its parameters.
    pub(super) fn push(&self, out: &mut Vec<u8>, method: &str, name: Option<&str>, params: &[u8]) {
        if self.tools.is_empty() || method != "tools/call" {
            return;
        }
        let Some(mirrors) = name.and_then(|name| self.tools.get(name)) else { return };
        #[derive(Deserialize)]
        struct Params {
            #[serde(default)]
            arguments: Value,
        }
        let Ok(Params { arguments }) = serde_json::from_slice(params) else { return };
        for Mirror { header, path } in mirrors {
            let argument = path.iter().try_fold(&arguments, |value, name| value.get(name));
            let Some(text) = argument.and_then(header_text) else { continue };
            for piece in [header.as_bytes(), b": ", encode(&text).as_bytes(), b"\r\n"] {
                out.extend_from_slice(piece);
            }
        }
    }
}

/// The text of an argument in a header; `None` for what has no header.
fn header_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(true) => Some("true".into()),
        Value::Bool(false) => Some("false".into()),
        Value::Number(number) => Some(decimal(number).into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An integer in decimal, however it was written: `1e2` and `100.0` are integers
/// of JSON Schema, too. What is none, or not surely exact, is left as it is.
fn decimal(number: &Number) -> String {
    let text = number.to_string();
    if text.strip_prefix('-').unwrap_or(&text).bytes().all(|byte| byte.is_ascii_digit()) && text != "-0" {
        return text;
    }
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        Some(value) if value.fract() == 0.0 && value.abs() <= MAX_SAFE => (value as i64).to_string(),
        _ => text,
    }
}

/// A value as 2026-07-28 encodes it: as it is where that is safe, otherwise
/// `=?base64?…?=`. Values that look encoded are encoded again, so that they come
/// out as they went in.
pub(super) fn encode(value: &str) -> Cow<'_, str> {
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let trimmed = value.trim_ascii() == value;
    let sentinel = value.starts_with("=?base64?") && value.ends_with("?=");
    if visible && trimmed && !sentinel { value.into() } else { format!("=?base64?{}?=", STANDARD.encode(value)).into() }
}

/// What `Mcp-Name` says of a request that was put together by hand: the member of
/// its parameters that its method is about.
pub(super) fn name_in<'a>(method: &str, params: &'a [u8]) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        #[serde(borrow, default)]
        name: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        uri: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        task_id: Option<Cow<'a, str>>,
    }
    let member = match method {
        "tools/call" | "prompts/get" => |params: Params<'a>| params.name,
        "resources/read" => |params: Params<'a>| params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => |params: Params<'a>| params.task_id,
        _ => return None,
    };
    serde_json::from_slice(params).ok().and_then(member)
}

impl ToolInfo {
    /// Why a client of 2026-07-28 must not call this tool over HTTP, if it must
    /// not: its schema asks for `Mcp-Param-…` headers in a way that the
    /// specification forbids. Fit for the end of a sentence.
    #[must_use]
    pub fn header_fault(&self) -> Option<String> {
        mirrors(&self.input_schema).err()
    }
}

/// The headers that a schema asks for, or what is wrong with one of them.
fn mirrors(schema: &Value) -> Result<Vec<Mirror>, String> {
    let mut search = Search::default();
    search.node(schema, Some(&[]))?;
    Ok(search.found)
}

#[derive(Default)]
struct Search {
    found: Vec<Mirror>,
    /// In small letters: the names of headers have no case.
    names: BTreeSet<String>,
}

impl Search {
    /// Looks through a schema. `path` leads to it through `properties` alone;
    /// `None` where it is reached in another way. The depth is bounded by that of
    /// the JSON that the schema was read from.
    fn node(&mut self, schema: &Value, path: Option<&[&str]>) -> Result<(), String> {
        let Value::Object(schema) = schema else { return Ok(()) };
        if let Some(annotation) = schema.get(KEYWORD) {
            self.annotation(schema, annotation, path)?;
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, property) in properties {
                let longer = path.map(|path| [path, &[name.as_str()]].concat());
                self.node(property, longer.as_deref())?;
            }
        }
        for keyword in SCHEMAS {
            match schema.get(keyword) {
                Some(Value::Array(parts)) => parts.iter().try_for_each(|part| self.node(part, None))?,
                Some(part) => self.node(part, None)?,
                None => {}
            }
        }
        for part in TABLES.iter().filter_map(|keyword| schema.get(*keyword)?.as_object()).flat_map(Map::values) {
            self.node(part, None)?;
        }
        Ok(())
    }

    fn annotation(
        &mut self,
        schema: &Map<String, Value>,
        annotation: &Value,
        path: Option<&[&str]>,
    ) -> Result<(), String> {
        let Value::String(name) = annotation else { return Err(format!("`{KEYWORD}` is no text")) };
        let wrong = |what: &str| Err(format!("`{KEYWORD}` \"{name}\" {what}"));
        if name.is_empty() || !name.bytes().all(is_token) {
            return wrong("cannot be part of the name of a header");
        }
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return wrong("does not stand on a property that is reached through `properties` alone");
        };
        if !matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
            return wrong("stands on a property whose type is not string, integer or boolean");
        }
        if !self.names.insert(name.to_ascii_lowercase()) {
            return wrong("stands on two properties");
        }
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        self.found.push(Mirror { header: format!("{PREFIX}{name}"), path });
        Ok(())
    }
}

/// A character of the name of a header (RFC 9110, section 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
