//! Types of expressions, as far as they are known before the run.

use crate::expr::{Expr, Value};
use crate::units::Dimension;

/// What an expression will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// JSON that only the run can tell.
    Any,
    Null,
    Bool,
    Text,
    List,
    Object,
    /// A row of data, by its index.
    Row(usize),
    /// A number, plain or with a dimension.
    Quantity(Dimension),
}

impl Type {
    pub(super) const NUMBER: Type = Type::Quantity(Dimension::Number);

    /// The type of a known value.
    pub(super) fn of(value: &Value) -> Type {
        use serde_json::Value as Json;
        match value {
            Value::Quantity(quantity) => Type::Quantity(quantity.dimension),
            Value::Json(Json::Null) => Type::Null,
            Value::Json(Json::Bool(_)) => Type::Bool,
            Value::Json(Json::Number(_)) => Type::NUMBER,
            Value::Json(Json::String(_)) => Type::Text,
            Value::Json(Json::Array(_)) => Type::List,
            Value::Json(Json::Object(_)) => Type::Object,
        }
    }

    /// With its article, as diagnostics name it.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Type::Any => "a value of the response",
            Type::Null => "null",
            Type::Bool => "a truth value",
            Type::Text => "a text",
            Type::List => "a list",
            Type::Object => "an object",
            Type::Row(_) => "a row of data",
            Type::Quantity(dimension) => dimension.phrase(),
        }
    }

    /// Whether two values of these types can be equal or ordered.
    pub(super) fn compares_with(self, other: Type) -> bool {
        self == other
            || [self, other].iter().any(|of| matches!(of, Type::Any | Type::Null))
                // A dimension never comes out of JSON, so `Any` never has one.
                && ![self, other].iter().any(|of| matches!(of, Type::Quantity(d) if *d != Dimension::Number))
    }
}

/// A bound expression and its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Type,
}

impl Typed {
    pub(super) fn constant(value: Value) -> Typed {
        Typed { ty: Type::of(&value), expr: Expr::Const(value) }
    }
}
