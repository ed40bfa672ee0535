//! How much memory a JSON value takes, roughly.

use serde_json::Value;

/// In bytes, itself included.
pub(super) fn of(value: &Value) -> usize {
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(elements) => elements.iter().map(of).sum(),
        // A member has a hash and a place in the index beside its key and value.
        Value::Object(members) => {
            let member =
                |(key, value): (&String, &Value)| 3 * size_of::<usize>() + size_of::<String>() + key.len() + of(value);
            members.iter().map(member).sum()
        }
    };
    size_of::<Value>() + inside
}
