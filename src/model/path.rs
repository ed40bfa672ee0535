//! Metric paths as they are written: a head, tags, and names behind dots.

use super::lower::Lowering;
use crate::diag::errors;
use crate::expr::Value;
use crate::syntax::ast;
use crate::text::Span;

/// One part of a path.
pub(super) struct Part {
    pub(super) text: String,
    pub(super) span: Span,
}

/// A path, taken apart.
pub(super) struct Path {
    pub(super) head: Head,
    /// `[tag="x"]` behind the head.
    pub(super) tags: Vec<(Part, String)>,
    pub(super) parts: Vec<Part>,
    pub(super) span: Span,
}

/// What a path begins with.
pub(super) enum Head {
    Name(Part),
    /// `flow(x)`, `expect("x")`
    Call {
        function: Part,
        argument: Part,
    },
}

/// Functions that a path may begin with.
const FUNCTIONS: [&str; 6] = ["scenario", "flow", "step", "server", "expect", "group"];

impl Lowering<'_> {
    /// Takes a path apart. `None` after a diagnostic.
    pub(super) fn path(&mut self, expr: &ast::Expr) -> Option<Path> {
        let mut parts = Vec::new();
        let mut tags = Vec::new();
        let mut at = expr.clone();
        let head = loop {
            match at {
                ast::Expr::Access(access) => {
                    let field = access.field()?;
                    parts.push(Part { text: field.text(), span: field.span() });
                    at = access.base()?;
                }
                ast::Expr::Name(name) => break Head::Name(Part { text: name.text(), span: name.span() }),
                ast::Expr::Call(call) => break self.path_call(&call)?,
                ast::Expr::Select(select) => {
                    let (tag, value) = (select.tag()?, select.value()?);
                    let value = match self.constant(&value)? {
                        Value::Quantity(quantity) => quantity.to_string(),
                        value => value.to_text(),
                    };
                    tags.push((Part { text: tag.text(), span: tag.span() }, value));
                    at = select.base()?;
                }
                other => {
                    let reason = "not a metric such as `latency.p95`";
                    self.out.push(errors::types::not_an_assertion(reason, other.span()));
                    return None;
                }
            }
        };
        parts.reverse();
        Some(Path { head, tags, parts, span: expr.span() })
    }

    fn path_call(&mut self, call: &ast::Call) -> Option<Head> {
        let callee = call.callee()?;
        let function = Part { text: callee.text(), span: callee.span() };
        if !FUNCTIONS.contains(&function.text.as_str()) {
            let known = FUNCTIONS.map(str::to_owned);
            self.out.push(errors::names::unknown_function(&function.text, function.span, &known));
            return None;
        }
        let argument = match call.args().as_slice() {
            [only] if only.name().is_none() => only.value(),
            _ => None,
        };
        let argument = match argument {
            Some(ast::Expr::Name(name)) if function.text != "expect" && function.text != "group" => {
                Some((name.text(), name.span()))
            }
            Some(ast::Expr::Literal(literal)) => literal.string_value().map(|text| (text, literal.span())),
            _ => None,
        };
        match argument {
            Some((text, span)) => Some(Head::Call { function, argument: Part { text, span } }),
            None => {
                let given = match call.args().first().and_then(ast::Arg::value) {
                    Some(ast::Expr::Name(name)) => name.text(),
                    _ => "name".to_owned(),
                };
                let usage = format!("{}(\"{given}\")", function.text);
                self.out.push(errors::types::wrong_arguments(&function.text, &usage, "not one name", call.span()));
                None
            }
        }
    }
}
