//! What a response would have to hold for the steps of a plan to be content.
//!
//! Where a step saves `structured.hits[0].id`, there is such a path; where it
//! expects `structured.count > 3`, there is a 4. This is a guess from the text of
//! conditions, one by one: conditions that hang together, or that compare with
//! what was sent, may fail. A reply that is given has no such limits.

use serde_json::{Map, Value as Json, json};

use crate::expr::{BinaryOp, Expr, Function, Given, UnaryOp, Value};
use crate::plan::Request;

/// What stands wherever any text will do. It is the same everywhere, so that an
/// id that was saved equals the one that comes back later.
pub(super) const PLACEHOLDER: &str = "rehearsed";

/// A list that a path or a length asks for has at most so many elements.
const MAX_ELEMENTS: usize = 1_000;

/// What the response to one kind of request should hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// On the result itself.
    pub(super) result: Json,
    /// In `structuredContent`.
    pub(super) structured: Json,
    /// As the text of the contents.
    pub(super) text: Option<String>,
    /// The error, where one is expected.
    pub(super) error: Option<Json>,
    /// Whether the text is compared with what only the request can tell.
    pub(super) echo: bool,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Result,
    Structured,
    Text,
    Error,
}

/// One step of a path.
enum Part {
    Key(String),
    Element(usize),
}

impl Wish {
    /// Adds what a request of the plan looks for.
    pub(super) fn add(&mut self, request: &Request) {
        for save in &request.saves {
            self.touch(&save.value);
        }
        for tag in &request.tags {
            self.touch(&tag.value);
        }
        for measure in &request.measures {
            match path(&measure.value) {
                Some((root, parts)) => self.place(root, &parts, Some(json!(1))),
                None => self.touch(&measure.value),
            }
        }
        for check in &request.checks {
            self.hold(&check.condition);
        }
    }

    /// Makes every path in an expression lead somewhere.
    fn touch(&mut self, expr: &Expr) {
        let mut found = Vec::new();
        expr.visit(&mut |part| found.extend(path(part)));
        for (root, parts) in found {
            // A text is there in any case, and an error only when it is wished for.
            if matches!(root, Root::Result | Root::Structured) && !parts.is_empty() {
                self.place(root, &parts, None);
            }
        }
    }

    /// Makes a condition hold, if that can be seen from it.
    fn hold(&mut self, condition: &Expr) {
        match condition {
            Expr::Binary(BinaryOp::And, left, right) => {
                self.hold(left);
                self.hold(right);
            }
            Expr::Binary(BinaryOp::Or, left, _) => self.hold(left),
            Expr::Unary(UnaryOp::Not, inner) => {
                if matches!(**inner, Expr::Given(Given::Ok)) {
                    self.fail(json!(-32603));
                }
            }
            Expr::Given(Given::Error) | Expr::Unary(UnaryOp::Exists, _) if is_error(condition) => {
                self.fail(json!(-32603));
            }
            Expr::Binary(op, left, right) => match (constant(left), constant(right)) {
                (None, Some(value)) => self.compare(left, *op, &value),
                (Some(value), None) => self.compare(right, mirrored(*op), &value),
                _ => {
                    self.echo |= [left, right].iter().any(|side| matches!(path(side), Some((Root::Text, _))));
                    self.touch(left);
                    self.touch(right);
                }
            },
            other => self.touch(other),
        }
    }

    /// Makes `side op value` hold.
    fn compare(&mut self, side: &Expr, op: BinaryOp, value: &Json) {
        if let Expr::Call(Function::Length, arguments) = side
            && let Some((root, parts)) = arguments.first().and_then(path)
            && let Some(number) = value.as_u64()
        {
            let wanted = match op {
                BinaryOp::Greater => number.saturating_add(1),
                BinaryOp::Less => number.saturating_sub(1),
                _ => number,
            };
            return self.lengthen(root, &parts, usize::try_from(wanted).unwrap_or(usize::MAX).min(MAX_ELEMENTS));
        }
        let Some((root, parts)) = path(side) else { return self.touch(side) };
        let number = |by: f64| value.as_f64().and_then(|number| constant(&Expr::Const(Value::number(number + by))));
        let wanted = match op {
            BinaryOp::Equal | BinaryOp::LessOrEqual | BinaryOp::GreaterOrEqual => Some(value.clone()),
            BinaryOp::Greater => number(1.0),
            BinaryOp::Less => number(-1.0),
            BinaryOp::Contains => Some(value.clone()),
            BinaryOp::In => value.as_array().and_then(|list| list.first()).cloned(),
            _ => None,
        };
        match (root, wanted) {
            (Root::Text, Some(Json::String(text))) if op == BinaryOp::Contains => {
                let all = self.text.get_or_insert_default();
                if !all.is_empty() {
                    all.push('\n');
                }
                all.push_str(&text);
            }
            (Root::Error, wanted) if op != BinaryOp::Equal || wanted != Some(Json::Null) => {
                self.fail(wanted.filter(|_| parts.len() == 1).unwrap_or(json!(-32603)));
            }
            (root, wanted) => self.place(root, &parts, wanted),
        }
    }

    /// Wishes for an error. Only a code that is a number can be had.
    fn fail(&mut self, code: Json) {
        let code = if code.is_i64() { code } else { json!(-32603) };
        self.error.get_or_insert_with(|| json!({ "code": code, "message": PLACEHOLDER }));
    }

    /// Makes a path lead to `value`, or anywhere.
    fn place(&mut self, root: Root, parts: &[Part], value: Option<Json>) {
        let start = match root {
            Root::Result => &mut self.result,
            Root::Structured => &mut self.structured,
            Root::Text => {
                self.text = value.and_then(|value| value.as_str().map(str::to_owned)).or(self.text.take());
                return;
            }
            Root::Error => return,
        };
        let Some(end) = walk(start, parts) else { return };
        match value {
            Some(value) => *end = value,
            None if end.is_null() => *end = json!(PLACEHOLDER),
            None => {}
        }
    }

    /// Makes what a path leads to so long.
    fn lengthen(&mut self, root: Root, parts: &[Part], length: usize) {
        if root == Root::Text {
            let text = self.text.get_or_insert_with(|| PLACEHOLDER.to_owned());
            text.extend(std::iter::repeat_n('.', length.saturating_sub(text.chars().count())));
            return;
        }
        let start = if root == Root::Result { &mut self.result } else { &mut self.structured };
        let Some(end) = walk(start, parts) else { return };
        if !end.is_array() {
            *end = Json::Array(Vec::new());
        }
        if let Json::Array(elements) = end
            && elements.len() < length
        {
            elements.resize(length, json!(PLACEHOLDER));
        }
    }
}

/// Follows a path, and makes it where there is nothing yet.
fn walk<'a>(mut at: &'a mut Json, parts: &[Part]) -> Option<&'a mut Json> {
    for part in parts {
        let free = at.is_null() || at.as_str() == Some(PLACEHOLDER);
        at = match part {
            Part::Key(key) => {
                if free {
                    *at = Json::Object(Map::new());
                }
                at.as_object_mut()?.entry(key.clone()).or_insert(Json::Null)
            }
            Part::Element(index) => {
                if free {
                    *at = Json::Array(Vec::new());
                }
                let elements = at.as_array_mut()?;
                if *index >= elements.len() {
                    elements.resize((*index + 1).min(MAX_ELEMENTS), json!(PLACEHOLDER));
                }
                elements.get_mut(*index)?
            }
        };
    }
    Some(at)
}

/// The path that an expression is, if it is one into the response.
fn path(expr: &Expr) -> Option<(Root, Vec<Part>)> {
    match expr {
        Expr::Given(Given::Result) => Some((Root::Result, Vec::new())),
        Expr::Given(Given::Structured) => Some((Root::Structured, Vec::new())),
        Expr::Given(Given::Text) => Some((Root::Text, Vec::new())),
        Expr::Given(Given::Error) => Some((Root::Error, Vec::new())),
        Expr::Field(base, name) => {
            let (root, mut parts) = path(base)?;
            parts.push(Part::Key(name.clone()));
            Some((root, parts))
        }
        Expr::Index(base, index) => {
            let (root, mut parts) = path(base)?;
            parts.push(match constant(index)? {
                Json::String(key) => Part::Key(key),
                // The last element, which is the first of one.
                Json::Number(number) if number.as_i64().is_some_and(|number| number < 0) => Part::Element(0),
                Json::Number(number) => Part::Element(usize::try_from(number.as_u64()?).ok()?),
                _ => return None,
            });
            Some((root, parts))
        }
        _ => None,
    }
}

fn is_error(condition: &Expr) -> bool {
    let inner = if let Expr::Unary(_, inner) = condition { inner } else { condition };
    matches!(path(inner), Some((Root::Error, _)))
}

fn constant(expr: &Expr) -> Option<Json> {
    match expr {
        Expr::Const(Value::Json(json)) => Some(json.clone()),
        Expr::Array(elements) => elements.iter().map(constant).collect::<Option<Vec<_>>>().map(Json::Array),
        _ => None,
    }
}

/// The operator with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        BinaryOp::In => BinaryOp::Contains,
        BinaryOp::Contains => BinaryOp::In,
        other => other,
    }
}

/// Puts `more` over `base`, member by member and element by element.
pub(super) fn merge(base: &mut Json, more: Json) {
    match (base, more) {
        (_, Json::Null) => {}
        (Json::Object(base), Json::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Json::Null), value);
            }
        }
        (Json::Array(base), Json::Array(more)) => {
            for (index, value) in more.into_iter().enumerate() {
                match base.get_mut(index) {
                    Some(element) => merge(element, value),
                    None => base.push(value),
                }
            }
        }
        (base, more) if base.is_null() || more.as_str() != Some(PLACEHOLDER) => *base = more,
        _ => {}
    }
}
