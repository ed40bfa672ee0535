//! `args { … }`: JSON with holes, and what is known of it before the run.

use super::expression::Names;
use super::lower::Lowering;
use super::types::{Type, Typed};
use super::{Argument, Entry, Kind, Known, ReadSite};
use crate::diag::errors;
use crate::expr::{self, Template, Value};
use crate::syntax::ast::{Arg, Expr, LiteralKind};
use crate::text::Span;

impl Lowering<'_> {
    /// The value behind `args`: an object, which is what the protocol asks for.
    pub(super) fn arguments(&mut self, expr: &Expr, names: &Names<'_>) -> Option<(Template, Argument)> {
        if matches!(expr, Expr::Object(_)) || expr.is_broken() {
            return self.template(expr, names);
        }
        let typed = self.json_part(expr, names)?;
        if !matches!(typed.ty, Type::Object | Type::Row(_) | Type::Any) {
            let (wanted, example) = ("an object", "{ \"id\": \"intro\" }");
            self.out.push(errors::types::wrong_kind(wanted, example, typed.ty.phrase(), expr.span()));
            return None;
        }
        Some(hole(typed, expr))
    }

    /// The value as a template. Literals keep their text, so that numbers beyond
    /// 2^53 and unusual escapes are sent as they were written. Every part is
    /// looked at, so that each mistake is found in one pass.
    pub(super) fn template(&mut self, expr: &Expr, names: &Names<'_>) -> Option<(Template, Argument)> {
        if expr.is_broken() {
            return None;
        }
        let argument = |known| Argument { span: expr.span(), written: true, known };
        match expr {
            Expr::Object(object) => {
                let mut template = Template::raw("{");
                let (mut entries, mut whole) = (Vec::new(), true);
                for (index, (key, value)) in object.entries().iter().enumerate() {
                    template.push_raw(if index == 0 { "" } else { "," });
                    template.push_raw(&serde_json::Value::from(key.text()).to_string());
                    template.push_raw(":");
                    match self.template(value, names) {
                        Some((value, known)) => {
                            template.push(value);
                            entries.push(Entry { key: key.text(), key_span: key.span(), value: known });
                        }
                        None => whole = false,
                    }
                }
                template.push_raw("}");
                whole.then_some((template, argument(Known::Object(entries))))
            }
            Expr::Array(array) => {
                let mut template = Template::raw("[");
                let (mut elements, mut whole) = (Vec::new(), true);
                for (index, element) in array.elements().iter().enumerate() {
                    template.push_raw(if index == 0 { "" } else { "," });
                    match self.template(element, names) {
                        Some((element, known)) => {
                            template.push(element);
                            elements.push(known);
                        }
                        None => whole = false,
                    }
                }
                template.push_raw("]");
                whole.then_some((template, argument(Known::List(elements))))
            }
            Expr::Literal(literal) if matches!(literal.kind(), LiteralKind::Number | LiteralKind::String) => {
                self.missing_f(literal, names);
                let text = literal.text();
                let value = match literal.string_value() {
                    Some(text) => Some(text.into()),
                    None => serde_json::from_str(&text).ok(),
                };
                Some((Template::raw(text), argument(value.map_or(Known::Any, Known::Scalar))))
            }
            expr => Some(hole(self.json_part(expr, names)?, expr)),
        }
    }
}

/// A part that is no object, list or plain literal.
fn hole(typed: Typed, expr: &Expr) -> (Template, Argument) {
    let known = known(&typed, expr);
    let mut template = Template::default();
    template.push_json(typed.expr);
    (template, known)
}

/// What is known of a value beside its template.
fn known(typed: &Typed, expr: &Expr) -> Argument {
    let span = expr.span();
    if let Some(Value::Json(value)) = typed.expr.as_const() {
        // A parameter is not mended where it is used.
        let written = !matches!(value, serde_json::Value::Array(_) | serde_json::Value::Object(_))
            && matches!(expr, Expr::Literal(_) | Expr::Unary(_) | Expr::FString(_));
        return Argument { written, ..Argument::of_json(value, span) };
    }
    let known = chosen(&typed.expr, expr).map_or_else(|| Known::of(typed.ty), Known::Choice);
    Argument { span, written: true, known }
}

/// What `pick` and `random` may come to, as far as that is known: each of the
/// elements, either end.
fn chosen(expr: &expr::Expr, written: &Expr) -> Option<Vec<Argument>> {
    let expr::Expr::Call(function, arguments) = expr else { return None };
    let json = |value: &Value| match value {
        Value::Json(value) => Some(value.clone()),
        Value::Quantity(_) => None,
    };
    let values: Vec<serde_json::Value> = match (function, arguments.as_slice()) {
        (expr::Function::Pick, [list]) => match json(list.as_const()?)? {
            serde_json::Value::Array(elements) => elements,
            _ => return None,
        },
        (expr::Function::Random, ends) => ends.iter().map(|end| json(end.as_const()?)).collect::<Option<_>>()?,
        _ => return None,
    };
    let parts = parts(written);
    // A parameter may stand for all of them.
    let place = |index: usize| parts.get(index).filter(|_| parts.len() == values.len());
    let argument = |(index, value)| {
        // An end of `random` is a number and nothing else: no mend of a type fits.
        let literal = matches!(place(index), Some(Expr::Literal(_) | Expr::Unary(_)));
        let literal = literal && *function == expr::Function::Pick;
        let span = place(index).map_or(written.span(), Expr::span);
        Argument { written: literal, ..Argument::of_json(value, span) }
    };
    (!values.is_empty()).then(|| values.iter().enumerate().map(argument).collect())
}

/// The elements in `pick([…])`, the ends in `random(…)`.
fn parts(written: &Expr) -> Vec<Expr> {
    let Expr::Call(call) = written else { return Vec::new() };
    match call.args().first().and_then(Arg::value) {
        Some(Expr::Array(array)) => array.elements(),
        Some(Expr::Range(range)) => range.from().into_iter().chain(range.to()).collect(),
        _ => Vec::new(),
    }
}

impl Known {
    fn of(ty: Type) -> Known {
        match ty {
            Type::Any => Known::Any,
            Type::Null => Known::Kind(Kind::Null),
            Type::Bool => Known::Kind(Kind::Bool),
            Type::Text => Known::Kind(Kind::Text),
            Type::List => Known::Kind(Kind::List),
            Type::Object | Type::Row(_) => Known::Kind(Kind::Object),
            Type::Quantity(_) => Known::Kind(Kind::Number),
        }
    }
}

/// What is known of the address that a `read` reads.
pub(super) fn read_site(uri: &expr::Expr, span: Span, flow: usize) -> ReadSite {
    let text = |expr: &expr::Expr| match expr.as_const() {
        Some(Value::Json(serde_json::Value::String(text))) => Some(text.clone()),
        _ => None,
    };
    let uri = match uri {
        expr::Expr::Format(parts) => parts.iter().map(text).collect(),
        whole => vec![text(whole)],
    };
    ReadSite { uri, span, flow }
}
