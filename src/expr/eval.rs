//! Evaluation.

use std::cmp::Ordering;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::{BinaryOp, Expr, Function, Given, UnaryOp, Value};
use crate::units::{Dimension, Quantity};

/// Where an expression finds what it names. The engine implements it for a
/// running step.
pub trait Scope {
    /// The variable in `slot`; `None` when it was never set.
    fn local(&self, slot: usize) -> Option<Value>;
    /// What the step provides; `None` before there is a response.
    fn given(&self, what: Given) -> Option<Value>;
    /// A response header.
    fn header(&self, name: &str) -> Option<String>;
    /// The stream of random numbers of this iteration.
    fn random(&mut self) -> &mut Pcg64Mcg;

    /// A token that no other request has; `None` outside a run.
    fn unique(&mut self) -> Option<String> {
        None
    }
    /// A compiled pattern; they are compiled once per run.
    fn pattern(&self, pattern: &str) -> Option<regex::Regex>;
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A path leads nowhere.
    #[error("`{path}` is missing")]
    Missing {
        /// The step that failed, such as `.hits`.
        path: String,
    },
    /// An operator or function met a value it has no meaning for.
    #[error("{0}")]
    Mismatch(String),
}

impl Expr {
    /// The value in `scope`.
    ///
    /// # Errors
    /// [`EvalError::Missing`] for a path that leads nowhere,
    /// [`EvalError::Mismatch`] for an operator on values it has no meaning for.
    pub fn eval(&self, scope: &mut dyn Scope) -> Result<Value, EvalError> {
        match self {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Local(slot) => scope.local(*slot).ok_or_else(|| missing("a variable that an earlier step saves")),
            Expr::Given(what) => scope.given(*what).ok_or_else(|| missing(given_name(*what))),
            Expr::Field(base, name) => field(&base.eval(scope)?, name),
            Expr::Index(base, index) => {
                let index = index.eval(scope)?;
                element(&base.eval(scope)?, &index)
            }
            Expr::Call(function, arguments) => call(*function, arguments, scope),
            Expr::Format(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(&part.eval(scope)?.to_text());
                }
                Ok(Value::Json(text.into()))
            }
            Expr::Array(parts) => {
                let elements: Result<Vec<_>, _> = parts.iter().map(|part| json(part, scope)).collect();
                Ok(Value::Json(serde_json::Value::Array(elements?)))
            }
            Expr::Object(entries) => {
                let mut members = serde_json::Map::new();
                for (key, value) in entries {
                    members.insert(key.clone(), json(value, scope)?);
                }
                Ok(Value::Json(serde_json::Value::Object(members)))
            }
            Expr::Unary(op, operand) => unary(*op, operand, scope),
            Expr::Binary(op, left, right) => binary(*op, left, right, scope),
            Expr::Matches(text, pattern) => {
                let text = text.eval(scope)?.to_text();
                let pattern = scope.pattern(pattern).ok_or_else(|| missing("a compiled pattern"))?;
                Ok(Value::bool(pattern.is_match(&text)))
            }
        }
    }
}

fn missing(path: impl Into<String>) -> EvalError {
    EvalError::Missing { path: path.into() }
}

fn given_name(what: Given) -> &'static str {
    match what {
        Given::Result => "result",
        Given::Structured => "structured",
        Given::Text => "text",
        Given::Error => "error",
        Given::Ok => "ok",
        Given::Latency => "latency",
        Given::ServiceTime => "service_time",
        Given::Size => "size",
        Given::Status => "status",
        Given::UserId => "user.id",
        Given::UserIteration => "user.iteration",
        Given::UserRevision => "user.revision",
        Given::RunId => "run.id",
        Given::ProgressCount => "progress.count",
        Given::UpdatesCount => "updates.count",
    }
}

fn json(expr: &Expr, scope: &mut dyn Scope) -> Result<serde_json::Value, EvalError> {
    match expr.eval(scope)? {
        Value::Json(json) => Ok(json),
        Value::Quantity(quantity) => {
            Err(EvalError::Mismatch(format!("{} has no form in JSON", quantity.dimension.phrase())))
        }
    }
}

fn field(base: &Value, name: &str) -> Result<Value, EvalError> {
    match base {
        Value::Json(json) => json.get(name).cloned().map(Value::Json).ok_or_else(|| missing(format!(".{name}"))),
        Value::Quantity(_) => Err(missing(format!(".{name}"))),
    }
}

fn element(base: &Value, index: &Value) -> Result<Value, EvalError> {
    let at = || missing(format!("[{}]", index.excerpt()));
    let (Value::Json(base), Value::Json(index)) = (base, index) else { return Err(at()) };
    let found = match index {
        serde_json::Value::String(key) => base.get(key),
        index => index.as_u64().and_then(|index| base.get(usize::try_from(index).ok()?)),
    };
    found.cloned().map(Value::Json).ok_or_else(at)
}

fn call(function: Function, arguments: &[Expr], scope: &mut dyn Scope) -> Result<Value, EvalError> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(argument.eval(scope)?);
    }
    match (function, values.as_slice()) {
        (Function::Length, [value]) => length(value),
        (Function::Pick, [Value::Json(serde_json::Value::Array(elements))]) if !elements.is_empty() => {
            let index = scope.random().random_range(0..elements.len());
            elements.get(index).cloned().map(Value::Json).ok_or_else(|| missing("an element to pick"))
        }
        (Function::Pick, [value]) => {
            Err(EvalError::Mismatch(format!("pick needs a list with elements, found {}", value.excerpt())))
        }
        (Function::Random, [low, high]) => random(low, high, scope),
        (Function::Unique, []) => {
            scope.unique().map(|token| Value::Json(token.into())).ok_or_else(|| missing("a request to send it"))
        }
        (Function::Uuid, []) => Ok(Value::Json(uuid(scope.random()).into())),
        (Function::Header, [name]) => {
            Ok(scope.header(&name.to_text()).map_or(Value::NULL, |value| Value::Json(value.into())))
        }
        (function, values) => {
            Err(EvalError::Mismatch(format!("{function:?} does not take {} arguments", values.len())))
        }
    }
}

fn length(value: &Value) -> Result<Value, EvalError> {
    let count = match value {
        Value::Json(serde_json::Value::Array(elements)) => elements.len(),
        Value::Json(serde_json::Value::Object(members)) => members.len(),
        Value::Json(serde_json::Value::String(text)) => text.chars().count(),
        other => return Err(EvalError::Mismatch(format!("{} has no length", other.excerpt()))),
    };
    Ok(Value::Json(count.into()))
}

fn random(low: &Value, high: &Value, scope: &mut dyn Scope) -> Result<Value, EvalError> {
    let mismatch = || EvalError::Mismatch(format!("no random number from {} to {}", low.excerpt(), high.excerpt()));
    if let (Value::Json(a), Value::Json(b)) = (low, high)
        && let (Some(a), Some(b)) = (a.as_i64(), b.as_i64())
    {
        return if a <= b { Ok(Value::Json(scope.random().random_range(a..=b).into())) } else { Err(mismatch()) };
    }
    let (a, b) = (low.as_quantity().ok_or_else(mismatch)?, high.as_quantity().ok_or_else(mismatch)?);
    if a.dimension != b.dimension || a.value > b.value {
        return Err(mismatch());
    }
    let value = a.value + (b.value - a.value) * scope.random().random::<f64>();
    Ok(if a.dimension == Dimension::Number {
        Value::number(value)
    } else {
        Value::Quantity(Quantity::new(value, a.dimension))
    })
}

/// RFC 9562, version 4, from the run's stream of random numbers.
fn uuid(random: &mut Pcg64Mcg) -> String {
    let bits: u128 = random.random();
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

fn unary(op: UnaryOp, operand: &Expr, scope: &mut dyn Scope) -> Result<Value, EvalError> {
    match op {
        UnaryOp::Not => Ok(Value::bool(!operand.eval(scope)?.truthy())),
        UnaryOp::Exists => match operand.eval(scope) {
            Ok(_) => Ok(Value::bool(true)),
            Err(EvalError::Missing { .. }) => Ok(Value::bool(false)),
            Err(error) => Err(error),
        },
        UnaryOp::Negate => {
            let value = operand.eval(scope)?;
            let quantity = value
                .as_quantity()
                .ok_or_else(|| EvalError::Mismatch(format!("{} cannot be negated", value.excerpt())))?;
            Ok(number_like(-quantity.value, quantity.dimension))
        }
    }
}

fn number_like(value: f64, dimension: Dimension) -> Value {
    match dimension {
        Dimension::Number => Value::number(value),
        dimension => Value::Quantity(Quantity::new(value, dimension)),
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, scope: &mut dyn Scope) -> Result<Value, EvalError> {
    let a = left.eval(scope)?;
    match op {
        BinaryOp::Or if a.truthy() => return Ok(Value::bool(true)),
        BinaryOp::And if !a.truthy() => return Ok(Value::bool(false)),
        _ => {}
    }
    let b = right.eval(scope)?;
    let mismatch =
        || EvalError::Mismatch(format!("`{}` has no meaning for {} and {}", op.symbol(), a.excerpt(), b.excerpt()));
    let ordered =
        |wanted: &[Ordering]| a.order(&b).map(|order| Value::bool(wanted.contains(&order))).ok_or_else(mismatch);
    match op {
        BinaryOp::Or | BinaryOp::And => Ok(Value::bool(b.truthy())),
        BinaryOp::Equal => Ok(Value::bool(a.equals(&b))),
        BinaryOp::NotEqual => Ok(Value::bool(!a.equals(&b))),
        BinaryOp::Less => ordered(&[Ordering::Less]),
        BinaryOp::LessOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
        BinaryOp::Greater => ordered(&[Ordering::Greater]),
        BinaryOp::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
        BinaryOp::Contains => a.contains(&b).map(Value::bool).ok_or_else(mismatch),
        BinaryOp::In => b.contains(&a).map(Value::bool).ok_or_else(mismatch),
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => {
            arithmetic(op, &a, &b).ok_or_else(mismatch)
        }
    }
}

fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (a.as_quantity()?, b.as_quantity()?);
    let same = a.dimension == b.dimension;
    match op {
        BinaryOp::Add if same => Some(number_like(a.value + b.value, a.dimension)),
        BinaryOp::Subtract if same => Some(number_like(a.value - b.value, a.dimension)),
        BinaryOp::Multiply if a.dimension == Dimension::Number => Some(number_like(a.value * b.value, b.dimension)),
        BinaryOp::Multiply if b.dimension == Dimension::Number => Some(number_like(a.value * b.value, a.dimension)),
        BinaryOp::Divide if b.value == 0.0 => None,
        BinaryOp::Divide if same => Some(Value::number(a.value / b.value)),
        BinaryOp::Divide if b.dimension == Dimension::Number => Some(number_like(a.value / b.value, a.dimension)),
        _ => None,
    }
}
