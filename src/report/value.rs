//! The view as the template engine holds it.

use minijinja::Value;

/// JSON as a value of the template engine, members in their order.
pub(super) fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(value),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Value::from(value),
            (None, Some(value)) => Value::from(value),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(values) => values.into_iter().map(from_json).collect(),
        serde_json::Value::Object(members) => {
            Value::from_pairs(members.into_iter().map(|(name, value)| (name, from_json(value))))
        }
    }
}
