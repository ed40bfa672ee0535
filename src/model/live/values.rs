//! Single values against the keywords that limit them. A value of which only
//! the kind is known is refused only when no value of its kind would do.

use serde_json::{Map, Value as Json};

use super::example;
use super::schema::{Fault, Wrong};
use crate::diag::suggest::nearest;
use crate::model::{Argument, Kind, Known};
use crate::schema::Judge;

/// More values than this are counted and not listed.
const MAX_LISTED: usize = 12;

/// JSON Schema's types, and how they are called here.
const TYPES: [(&str, &str); 7] = [
    ("null", "null"),
    ("boolean", "a truth value"),
    ("integer", "an integer"),
    ("number", "a number"),
    ("string", "a text"),
    ("array", "a list"),
    ("object", "an object"),
];

/// `type`
pub(super) fn type_fault(schema: &Map<String, Json>, value: &Argument, path: &str) -> Option<Fault> {
    let names: Vec<&str> = match schema.get("type")? {
        Json::String(name) => vec![name],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => return None,
    };
    let phrase = |name: &&str| TYPES.iter().find(|(known, _)| known == name).map(|(_, phrase)| *phrase);
    // A type that is none accepts who knows what.
    let wanted: Vec<&'static str> = names.iter().map(phrase).collect::<Option<_>>()?;
    let kind = value.kind()?;
    if wanted.is_empty() || names.iter().any(|name| fits(name, kind, value)) {
        return None;
    }
    let found = match (&value.known, kind) {
        (Known::Scalar(_), Kind::Number) if names.contains(&"integer") => "a number with a fraction",
        _ => kind.phrase(),
    };
    let schema = Json::Object(schema.clone());
    let example = example::of(&schema).to_string();
    let mended = mended(&names, value);
    Some(Fault::new(path, value, Wrong::Type { wanted, found, example, mended }))
}

fn fits(name: &str, kind: Kind, value: &Argument) -> bool {
    match name {
        "null" => kind == Kind::Null,
        "boolean" => kind == Kind::Bool,
        "number" => kind == Kind::Number,
        "integer" => kind == Kind::Number && !matches!(&value.known, Known::Scalar(number) if has_fraction(number)),
        "string" => kind == Kind::Text,
        "array" => kind == Kind::List,
        "object" => kind == Kind::Object,
        _ => true,
    }
}

fn has_fraction(number: &Json) -> bool {
    number.as_f64().is_some_and(|number| number.fract() != 0.0)
}

/// The same value as the type that is wanted: without quotes, or with them.
fn mended(names: &[&str], value: &Argument) -> Option<String> {
    let Known::Scalar(value) = &value.known else { return None };
    match value {
        Json::String(text) => {
            let bare: Json = serde_json::from_str(text.trim()).ok()?;
            let scalar =
                Argument { span: crate::text::Span::default(), written: true, known: Known::Scalar(bare.clone()) };
            let kind = Kind::of(&bare);
            let wanted =
                matches!(kind, Kind::Bool | Kind::Number) && names.iter().any(|name| fits(name, kind, &scalar));
            wanted.then(|| bare.to_string())
        }
        Json::Number(_) | Json::Bool(_) if names.contains(&"string") => Some(Json::from(value.to_string()).to_string()),
        _ => None,
    }
}

/// Several faults of type at one place as one: of alternatives, each wants a
/// type of its own.
pub(super) fn merged_types<'a>(faults: impl Iterator<Item = &'a Fault>) -> Option<Fault> {
    let mut merged: Option<Fault> = None;
    for fault in faults {
        match (&mut merged, &fault.wrong) {
            (None, _) => merged = Some(fault.clone()),
            (
                Some(Fault { wrong: Wrong::Type { wanted, mended, .. }, .. }),
                Wrong::Type { wanted: more, mended: other, .. },
            ) => {
                wanted.extend(more.iter().filter(|more| !wanted.contains(more)).copied().collect::<Vec<_>>());
                *mended = mended.take().or_else(|| other.clone());
            }
            _ => {}
        }
    }
    merged
}

/// `enum` and `const`
pub(super) fn listed_fault(schema: &Map<String, Json>, value: &Argument, path: &str, draft_4: bool) -> Option<Fault> {
    let only = schema.get("const").filter(|_| !draft_4).map(std::slice::from_ref);
    let listed = only.or_else(|| schema.get("enum").and_then(Json::as_array).map(Vec::as_slice))?;
    let found = match (value.constant(), value.kind()) {
        _ if listed.is_empty() => return None,
        (Some(value), _) if listed.iter().all(|listed| differs(listed, &value)) => value.to_string(),
        (None, Some(kind)) if listed.iter().all(|listed| Kind::of(listed) != kind) => kind.phrase().to_owned(),
        _ => return None,
    };
    let shown: Vec<String> = listed.iter().take(MAX_LISTED).map(|value| format!("`{value}`")).collect();
    let (must, help) = match shown.as_slice() {
        [only] => (format!("be {only}"), format!("write {only}")),
        shown if listed.len() <= MAX_LISTED => {
            (format!("be one of {}", shown.join(", ")), format!("write one of {}", shown.join(", ")))
        }
        shown => {
            let first = shown.first().map_or("", String::as_str);
            (format!("be one of {} values", listed.len()), format!("write one that is listed, for example {first}"))
        }
    };
    let near = match &value.known {
        Known::Scalar(Json::String(text)) => nearest(text, listed.iter().filter_map(Json::as_str)),
        _ => None,
    };
    let mended = near.map(|near| Json::from(near).to_string());
    let help = mended.as_ref().map_or(help, |mended| format!("write `{mended}`"));
    Some(Fault::new(path, value, Wrong::Value { must, found, help, mended }))
}

/// Alternatives that are nothing but lists of values, as one list.
pub(super) fn alternatives_fault(alternatives: &[Json], value: &Argument, path: &str, draft_4: bool) -> Option<Fault> {
    let mut listed = Vec::new();
    for alternative in alternatives {
        match (alternative.get("const"), alternative.get("enum")) {
            (Some(only), None) if !draft_4 => listed.push(only.clone()),
            (None, Some(Json::Array(values))) => listed.extend(values.iter().cloned()),
            _ => return None,
        }
    }
    let merged = Map::from_iter([("enum".to_owned(), Json::Array(listed))]);
    listed_fault(&merged, value, path, draft_4)
}

/// Whether two values are certainly not the same; 1 and 1.0 are.
fn differs(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() != b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() != b.len() || a.iter().zip(b).any(|(a, b)| differs(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() != b.len() || a.iter().any(|(key, a)| b.get(key).is_none_or(|b| differs(a, b)))
        }
        (a, b) => a != b,
    }
}

/// `minimum` and its like. Numbers are rounded before they are compared, so that
/// one which is only just outside may pass.
pub(super) fn range_fault(schema: &Map<String, Json>, value: &Argument, path: &str, draft_4: bool) -> Option<Fault> {
    let Known::Scalar(number @ Json::Number(_)) = &value.known else { return None };
    let given = number.as_f64()?;
    // Beyond 2^53 two whole numbers may be rounded to the same; in the oldest draft
    // what is exclusive is no number.
    let exact = !draft_4 && given.abs() < 9_007_199_254_740_992.0;
    let broken = |keyword: &str, breaks: fn(f64, f64) -> bool| {
        let limit = schema.get(keyword)?;
        limit.as_f64().is_some_and(|limit| breaks(given, limit)).then_some(limit)
    };
    let (must, help, mended) = if let Some(limit) = broken("minimum", |given, limit| given < limit) {
        (format!("be at least {limit}"), format!("write `{limit}` or more"), Some(limit.to_string()))
    } else if let Some(limit) = broken("maximum", |given, limit| given > limit) {
        (format!("be at most {limit}"), format!("write `{limit}` or less"), Some(limit.to_string()))
    } else if let Some(limit) = broken("exclusiveMinimum", |given, limit| given <= limit).filter(|_| exact) {
        (format!("be more than {limit}"), format!("write a number above {limit}"), None)
    } else if let Some(limit) = broken("exclusiveMaximum", |given, limit| given >= limit).filter(|_| exact) {
        (format!("be less than {limit}"), format!("write a number below {limit}"), None)
    } else {
        return None;
    };
    Some(Fault::new(path, value, Wrong::Value { must, found: number.to_string(), help, mended }))
}

/// `minLength`, `maxLength` and `pattern`
pub(super) fn text_fault(schema: &Map<String, Json>, value: &Argument, path: &str, judge: &Judge) -> Option<Fault> {
    let Known::Scalar(Json::String(text)) = &value.known else { return None };
    let length = text.chars().count() as u64;
    let limit = |keyword: &str| schema.get(keyword).and_then(Json::as_u64);
    let counted = |number: u64, what: &str| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
    let found = || if length == 0 { "an empty text".to_owned() } else { counted(length, "character") };
    let (must, found, help) = if let Some(least) = limit("minLength").filter(|least| length < *least) {
        let least = counted(least, "character");
        (format!("have at least {least}"), found(), format!("write a text of at least {least}"))
    } else if let Some(most) = limit("maxLength").filter(|most| length > *most) {
        let most = counted(most, "character");
        (format!("have at most {most}"), found(), format!("write a text of at most {most}"))
    } else {
        let pattern = schema.get("pattern").and_then(Json::as_str)?;
        if judge.matches(pattern, text) {
            return None;
        }
        let found = Json::from(text.as_str()).to_string();
        (format!("match `{pattern}`"), found, format!("write a text that matches `{pattern}`"))
    };
    Some(Fault::new(path, value, Wrong::Value { must, found, help, mended: None }))
}

/// `minItems` and `maxItems`
pub(super) fn length_fault(schema: &Map<String, Json>, list: &Argument, length: usize, path: &str) -> Option<Fault> {
    let length = length as u64;
    let limit = |keyword: &str| schema.get(keyword).and_then(Json::as_u64);
    let counted = |number: u64| if number == 1 { "1 element".to_owned() } else { format!("{number} elements") };
    let (must, help) = if let Some(least) = limit("minItems").filter(|least| length < *least) {
        (format!("have at least {}", counted(least)), format!("write a list of at least {}", counted(least)))
    } else if let Some(most) = limit("maxItems").filter(|most| length > *most) {
        (format!("have at most {}", counted(most)), format!("write a list of at most {}", counted(most)))
    } else {
        return None;
    };
    let found = if length == 0 { "an empty list".to_owned() } else { counted(length) };
    Some(Fault::new(path, list, Wrong::Value { must, found, help, mended: None }))
}
