//! Expressions of a scenario, bound and typed, and their values.
//!
//! Invariant: evaluation is total and pure: the same expression in the same
//! scope with the same stream of random numbers gives the same value, and
//! nothing a server sends can make it fail other than by an [`EvalError`].
//! May import `units`.

mod eval;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use eval::{EvalError, Scope};
pub use template::Template;
pub use value::Value;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A bound expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A value known when the file was compiled.
    Const(Value),
    /// A variable of the flow (`save`, `let`), by its slot.
    Local(usize),
    /// Something the running step provides.
    Given(Given),
    /// `base.name`
    Field(Box<Expr>, String),
    /// `base[index]`
    Index(Box<Expr>, Box<Expr>),
    /// A call of a built-in function.
    Call(Function, Vec<Expr>),
    /// An f-string: its parts joined as text.
    Format(Vec<Expr>),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `{ "a": b }`
    Object(Vec<(String, Expr)>),
    /// `not a`, `-a`, `exists a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b` and its like.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a matches "…"`, with the pattern as written.
    Matches(Box<Expr>, String),
}

impl Expr {
    /// A constant JSON text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Expr {
        Expr::Const(Value::Json(serde_json::Value::String(text.into())))
    }

    /// The value, if it was known at compile time.
    #[must_use]
    pub fn as_const(&self) -> Option<&Value> {
        match self {
            Expr::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` for this expression and every part of it.
    pub fn visit(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Const(_) | Expr::Local(_) | Expr::Given(_) => {}
            Expr::Field(base, _) | Expr::Unary(_, base) | Expr::Matches(base, _) => base.visit(visit),
            Expr::Index(a, b) | Expr::Binary(_, a, b) => {
                a.visit(visit);
                b.visit(visit);
            }
            Expr::Call(_, parts) | Expr::Format(parts) | Expr::Array(parts) => {
                parts.iter().for_each(|part| part.visit(visit));
            }
            Expr::Object(entries) => entries.iter().for_each(|(_, value)| value.visit(visit)),
        }
    }
}

/// What a step provides to its expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The JSON-RPC result.
    Result,
    /// `result.structuredContent`, or the first text content parsed as JSON.
    Structured,
    /// All text contents joined.
    Text,
    /// The JSON-RPC error, or a tool's own (`isError`, without a code); null when
    /// the request succeeded.
    Error,
    /// Whether the request succeeded: no failure, no error, `isError` not true.
    Ok,
    /// From the due instant to the response message.
    Latency,
    /// From the first byte written to the response message.
    ServiceTime,
    /// Bytes of the response message.
    Size,
    /// HTTP status; null over stdio.
    Status,
    /// Number of the virtual user, from 0.
    UserId,
    /// Number of this user's iteration, from 0.
    UserIteration,
    /// The revision of the protocol that the virtual user speaks.
    UserRevision,
    /// Identifies the run.
    RunId,
    /// Notifications of progress for the request.
    ProgressCount,
    /// Notifications of changes to what is subscribed.
    UpdatesCount,
}

impl Given {
    /// Whether it exists only once a response is there.
    #[must_use]
    pub fn needs_response(self) -> bool {
        !matches!(self, Given::UserId | Given::UserIteration | Given::UserRevision | Given::RunId)
    }
}

/// The closed table of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// `length(x)`: elements, members or characters.
    Length,
    /// `pick(list)`: one element at random.
    Pick,
    /// `random(a, b)`, written `random(a..b)`: a number from `a` to `b`, both
    /// included; whole when both ends are whole.
    Random,
    /// `uuid()`: a random (version 4) UUID from the run's seed.
    Uuid,
    /// `unique()`: a token that no other request of the run has, and by which
    /// answers are told apart.
    Unique,
    /// `header("name")`: a response header, or null.
    Header,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnaryOp {
    /// `not a`
    Not,
    /// `-a`
    Negate,
    /// `exists a`: the path leads somewhere, even to null.
    Exists,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `a contains b`: a text in a text, an element in a list, a key in an object.
    Contains,
    /// `a in b`: the same, read from the other side.
    In,
    /// `+`: numbers of one dimension.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl BinaryOp {
    /// As written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessOrEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterOrEqual => ">=",
            BinaryOp::Contains => "contains",
            BinaryOp::In => "in",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
        }
    }

    /// Whether it orders or equates two values.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        use BinaryOp::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        matches!(self, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
    }
}
