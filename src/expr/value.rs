//! Values at run time.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Dimension, Quantity};

/// A value: JSON, or a number with a dimension that JSON does not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Anything JSON can say; a plain number is one of these.
    Json(serde_json::Value),
    /// A duration, rate, percentage, size or number of users.
    Quantity(Quantity),
}

impl Value {
    /// JSON null.
    pub const NULL: Value = Value::Json(serde_json::Value::Null);

    /// A JSON boolean.
    #[must_use]
    pub fn bool(value: bool) -> Value {
        Value::Json(serde_json::Value::Bool(value))
    }

    /// A JSON number; null when it is not finite.
    #[must_use]
    pub fn number(value: f64) -> Value {
        let whole = value == value.trunc() && value.abs() < 9.0e15;
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        Value::Json(if whole { serde_json::Value::from(value as i64) } else { serde_json::Value::from(value) })
    }

    /// Nanoseconds.
    #[must_use]
    pub fn duration(nanos: f64) -> Value {
        Value::Quantity(Quantity::new(nanos, Dimension::Duration))
    }

    /// As a quantity: a plain JSON number counts as one without dimension.
    #[must_use]
    pub fn as_quantity(&self) -> Option<Quantity> {
        match self {
            Value::Json(json) => json.as_f64().map(|value| Quantity::new(value, Dimension::Number)),
            Value::Quantity(quantity) => Some(*quantity),
        }
    }

    /// Whether it counts as true. Only `false` and `null` do not: a condition
    /// such as `expect structured.id` asks whether something is there.
    #[must_use]
    pub fn truthy(&self) -> bool {
        !matches!(self, Value::Json(serde_json::Value::Null | serde_json::Value::Bool(false)))
    }

    /// As it appears inside an f-string: a text without quotes, all else as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Value::Json(serde_json::Value::String(text)) => text.clone(),
            Value::Json(json) => json.to_string(),
            Value::Quantity(quantity) => quantity.to_string(),
        }
    }

    /// For messages: JSON capped at 80 characters.
    #[must_use]
    pub fn excerpt(&self) -> String {
        const CHARS: usize = 80;
        let text = match self {
            Value::Json(json) => json.to_string(),
            Value::Quantity(quantity) => quantity.to_string(),
        };
        if text.chars().count() <= CHARS { text } else { text.chars().take(CHARS).chain(['…']).collect() }
    }

    /// Order of two numbers of one dimension or two texts; `None` otherwise.
    #[must_use]
    pub fn order(&self, other: &Value) -> Option<Ordering> {
        if let (Value::Json(serde_json::Value::String(a)), Value::Json(serde_json::Value::String(b))) = (self, other) {
            return Some(a.cmp(b));
        }
        // Whole numbers beyond 2^53 compare exactly where both are whole.
        if let (Value::Json(a), Value::Json(b)) = (self, other) {
            if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
                return Some(a.cmp(&b));
            }
            if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
                return Some(a.cmp(&b));
            }
        }
        let (a, b) = (self.as_quantity()?, other.as_quantity()?);
        (a.dimension == b.dimension).then(|| a.value.partial_cmp(&b.value)).flatten()
    }

    /// Equality: numbers by value (`1 == 1.0`), everything else as JSON.
    #[must_use]
    pub fn equals(&self, other: &Value) -> bool {
        match self.order(other) {
            Some(order) => order == Ordering::Equal,
            None => self == other,
        }
    }

    /// Whether `part` lies in `self`: text in text, element in list, key in object.
    #[must_use]
    pub fn contains(&self, part: &Value) -> Option<bool> {
        let Value::Json(whole) = self else { return None };
        match whole {
            serde_json::Value::String(text) => match part {
                Value::Json(serde_json::Value::String(part)) => Some(text.contains(part.as_str())),
                _ => None,
            },
            serde_json::Value::Array(elements) => {
                Some(elements.iter().any(|element| Value::Json(element.clone()).equals(part)))
            }
            serde_json::Value::Object(members) => match part {
                Value::Json(serde_json::Value::String(key)) => Some(members.contains_key(key)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Value {
        Value::Json(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_compare_by_value_and_exactly_when_whole() {
        assert!(Value::Json(json!(1)).equals(&Value::Json(json!(1.0))));
        let (big, bigger) = (Value::Json(json!(9007199254740993_i64)), Value::Json(json!(9007199254740994_i64)));
        assert!(!big.equals(&bigger));
        assert_eq!(big.order(&bigger), Some(Ordering::Less));
    }

    #[test]
    fn different_dimensions_do_not_order() {
        assert_eq!(Value::duration(1.0).order(&Value::number(1.0)), None);
    }

    #[test]
    fn contains_looks_into_texts_lists_and_objects() {
        assert_eq!(Value::Json(json!("abc")).contains(&Value::Json(json!("b"))), Some(true));
        assert_eq!(Value::Json(json!([1, 2])).contains(&Value::Json(json!(2.0))), Some(true));
        assert_eq!(Value::Json(json!({"a": 1})).contains(&Value::Json(json!("b"))), Some(false));
        assert_eq!(Value::Json(json!(1)).contains(&Value::Json(json!(1))), None);
    }
}
