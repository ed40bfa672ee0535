//! What differs between two loads, in words.

use serde_json::{Map, Value};

use crate::plan::Plan;
use crate::units;

/// Beyond so many differences the others are counted.
const TOLD: usize = 6;

/// A value is shown up to so many characters.
const SHOWN: usize = 60;

/// Parts of the plan's form that mean nothing to a reader.
const SILENT: [&str; 7] = ["load", "open", "closed", "seek", "request", "method", "habits"];

/// What of the load of `new` is another than that of `old`; empty for the same load.
pub(super) fn differences(old: &Plan, new: &Plan) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (old.load_identity(), new.load_identity());
    let mut found = Vec::new();
    if old != new {
        value(&old, &new, &[], "", &mut found);
    }
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    if more > 0 {
        found.push(format!("and {more} more differences of the plans"));
    }
    found
}

fn value(old: &Value, new: &Value, place: &[String], key: &str, found: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        // Read from a file, a number may be another in its last digit.
        (Value::Number(before), Value::Number(after)) if same(before.as_f64(), after.as_f64()) => {}
        (Value::Object(before), Value::Object(after)) => {
            if let (Some(before), Some(after)) = (stage(before), stage(after))
                && before != after
            {
                found.push(at(place, &format!("{before}, and now {after}")));
                return;
            }
            let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
            for key in keys {
                let of = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or(Value::Null);
                let mut deeper = place.to_vec();
                let nested =
                    before.get(key).is_some_and(Value::is_object) && after.get(key).is_some_and(Value::is_object);
                if nested && !SILENT.contains(&key.as_str()) {
                    deeper.push(words(key));
                }
                value(&of(before), &of(after), &deeper, key, found);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                let mut deeper = place.to_vec();
                deeper.push(element(key, index, old));
                value(old, new, &deeper, key, found);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.iter().chain(after).any(Value::is_object) => {
            let what = many(key);
            found.push(at(place, &format!("{} {what}, and now {}", before.len(), after.len())));
        }
        _ => {
            let (before, after) = (shown(key, old), shown(key, new));
            let text = if before == after { "another value".to_owned() } else { format!("{before}, and now {after}") };
            found.push(at(place, &format!("{} {text}", words(key))));
        }
    }
}

fn same(old: Option<f64>, new: Option<f64>) -> bool {
    old.zip(new).is_some_and(|(old, new)| (old - new).abs() <= 1e-12 * old.abs().max(new.abs()))
}

fn at(place: &[String], text: &str) -> String {
    let text = text.trim();
    if place.is_empty() { text.to_owned() } else { format!("{}: {text}", place.join(", ")) }
}

/// A stage of a load.
fn stage(object: &Map<String, Value>) -> Option<String> {
    let number = |key: &str| object.get(key).and_then(Value::as_f64);
    let (from, to, lasting) = (number("from")?, number("to")?, units::duration(number("duration_ns")?));
    Some(if (from - to).abs() < f64::EPSILON {
        format!("level {} for {lasting}", units::number(from))
    } else {
        format!("level {} to {} in {lasting}", units::number(from), units::number(to))
    })
}

/// An element of a list, as a reader knows it.
fn element(key: &str, index: usize, of: &Value) -> String {
    let named = |what: &str| match of.get("name").and_then(Value::as_str) {
        Some(name) => format!("{what} `{name}`"),
        None => format!("{what} {}", index + 1),
    };
    match key {
        "scenarios" => named("scenario"),
        "flows" => named("flow"),
        "servers" => named("server"),
        "data" => named("data"),
        "steps" => match of.pointer("/request/label").and_then(Value::as_str) {
            Some(label) => format!("step `{label}`"),
            None => format!("step {}", index + 1),
        },
        "segments" => format!("stage {}", index + 1),
        "mix" => format!("part {} of the mix", index + 1),
        other => format!("{} {}", words(other).trim_end_matches('s'), index + 1),
    }
}

/// Several elements of a list.
fn many(key: &str) -> String {
    match key {
        "segments" => "stages".to_owned(),
        "mix" => "flows in the mix".to_owned(),
        other => words(other),
    }
}

fn words(key: &str) -> String {
    key.trim_end_matches("_ns").replace('_', " ")
}

fn shown(key: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Number(number) if key.ends_with("_ns") => units::duration(number.as_f64().unwrap_or(0.0)),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
