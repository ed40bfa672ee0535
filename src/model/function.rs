//! Calls of built-in functions.

use super::expression::Names;
use super::lower::Lowering;
use super::types::{Type, Typed};
use crate::diag::errors;
use crate::expr::{Expr, Function, Value};
use crate::syntax::ast;
use crate::units::Dimension;

/// The closed table of functions, with how each is written.
const FUNCTIONS: [(&str, &str); 8] = [
    ("env", "env(\"NAME\", default: \"…\")"),
    ("secret", "secret(\"NAME\")"),
    ("length", "length(structured.hits)"),
    ("pick", "pick([\"a\", \"b\"])"),
    ("random", "random(1..10)"),
    ("uuid", "uuid()"),
    ("unique", "unique()"),
    ("header", "header(\"name\")"),
];

impl Lowering<'_> {
    /// Binds and types a call.
    pub(super) fn call(&mut self, call: &ast::Call, names: &Names<'_>) -> Option<Typed> {
        let callee = call.callee()?;
        let name = callee.text();
        let Some((_, usage)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<String> = FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.out.push(errors::names::unknown_function(&name, callee.span(), &known));
            return None;
        };
        let arguments = call.args();
        let plain = arguments.iter().all(|argument| argument.name().is_none());
        let values: Vec<ast::Expr> = arguments.iter().filter_map(ast::Arg::value).collect();
        match (name.as_str(), values.as_slice()) {
            ("env", _) => self.env(call, usage),
            ("secret", _) => {
                self.out.push(errors::types::secret_here(call.span()));
                None
            }
            ("random", [ast::Expr::Range(range)]) if plain => self.random(range, names),
            ("length", [of]) if plain => {
                let of_typed = self.expression(of, names)?;
                if !matches!(of_typed.ty, Type::Any | Type::Text | Type::List | Type::Object | Type::Row(_)) {
                    let found = of_typed.ty.phrase();
                    self.out.push(errors::types::wrong_kind("a list or a text", "structured.hits", found, of.span()));
                    return None;
                }
                Some(Typed { expr: Expr::Call(Function::Length, vec![of_typed.expr]), ty: Type::NUMBER })
            }
            ("pick", [list]) if plain => self.pick(list, names, usage),
            ("uuid", []) => Some(Typed { expr: Expr::Call(Function::Uuid, Vec::new()), ty: Type::Text }),
            ("unique", []) => Some(Typed { expr: Expr::Call(Function::Unique, Vec::new()), ty: Type::Text }),
            ("header", [header]) if plain => {
                if !names.response {
                    self.out.push(errors::types::no_response_yet("header(…)", call.span()));
                    return None;
                }
                let header_span = header.span();
                let header = self.expression(header, names)?;
                if !matches!(header.ty, Type::Text | Type::Any) {
                    let (wanted, found) = ("the name of a header", header.ty.phrase());
                    self.out.push(errors::types::wrong_kind(wanted, "\"Retry-After\"", found, header_span));
                    return None;
                }
                Some(Typed { expr: Expr::Call(Function::Header, vec![header.expr]), ty: Type::Any })
            }
            _ => {
                self.out.push(errors::types::wrong_arguments(&name, usage, "not what it takes", call.span()));
                None
            }
        }
    }

    /// `env("X")` or `env("X", default: "…")`: read when the file is compiled.
    fn env(&mut self, call: &ast::Call, usage: &str) -> Option<Typed> {
        let arguments = call.args();
        let (name, default) = match arguments.as_slice() {
            [name] if name.name().is_none() => (name, None),
            [name, default] if name.name().is_none() && default.name().is_some_and(|n| n.text() == "default") => {
                (name, Some(default))
            }
            _ => {
                self.out.push(errors::types::wrong_arguments("env", usage, "not what it takes", call.span()));
                return None;
            }
        };
        let name_expr = name.value()?;
        let name = self.text(&name_expr, "the name of an environment variable", "HOME")?;
        let default = match default.and_then(ast::Arg::value) {
            Some(default) => Some(self.text(&default, "a text", "…")?),
            None => None,
        };
        let set = (self.options.env)(&name);
        self.read_env |= set.is_some();
        match set.or(default) {
            Some(value) => Some(Typed::constant(Value::Json(value.into()))),
            None => {
                self.out.push(errors::names::unset_variable(&name, name_expr.span()));
                None
            }
        }
    }

    fn random(&mut self, range: &ast::Range, names: &Names<'_>) -> Option<Typed> {
        let (from_ast, to_ast) = (range.from()?, range.to()?);
        let (from, to) = (self.expression(&from_ast, names)?, self.expression(&to_ast, names)?);
        for (typed, expr) in [(&from, &from_ast), (&to, &to_ast)] {
            if typed.ty != Type::NUMBER && typed.ty != Type::Any {
                self.out.push(errors::types::wrong_kind("a number", "10", typed.ty.phrase(), expr.span()));
                return None;
            }
        }
        let value = |typed: &Typed| typed.expr.as_const().and_then(Value::as_quantity).map(|q| q.value);
        if let (Some(low), Some(high)) = (value(&from), value(&to))
            && low > high
        {
            let fixed = format!("{}..{}", self.written(to_ast.span()), self.written(from_ast.span()));
            self.out.push(errors::types::reversed_range(&self.written(range.span()), &fixed, range.span()));
            return None;
        }
        let expr = Expr::Call(Function::Random, vec![from.expr, to.expr]);
        Some(Typed { expr, ty: Type::Quantity(Dimension::Number) })
    }

    fn pick(&mut self, list_ast: &ast::Expr, names: &Names<'_>, usage: &str) -> Option<Typed> {
        let list = self.expression(list_ast, names)?;
        let elements = match list.expr.as_const() {
            Some(Value::Json(serde_json::Value::Array(elements))) => Some(elements.clone()),
            _ => None,
        };
        let empty = elements.as_ref().is_some_and(Vec::is_empty);
        if empty || !matches!(list.ty, Type::List | Type::Any) {
            let found = if empty { "an empty list".to_owned() } else { format!("this is {}", list.ty.phrase()) };
            self.out.push(errors::types::wrong_arguments("pick", usage, &found, list_ast.span()));
            return None;
        }
        // Elements of one type make the choice one of that type.
        let types: Vec<Type> =
            elements.unwrap_or_default().into_iter().map(|element| Type::of(&Value::Json(element))).collect();
        let ty = match types.as_slice() {
            [first, rest @ ..] if rest.iter().all(|ty| ty == first) => *first,
            _ => Type::Any,
        };
        Some(Typed { expr: Expr::Call(Function::Pick, vec![list.expr]), ty })
    }
}
