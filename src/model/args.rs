//! `args { … }`: JSON with holes.

use super::expression::Names;
use super::lower::Lowering;
use super::types::Type;
use crate::diag::errors;
use crate::expr::Template;
use crate::syntax::ast::{Expr, LiteralKind};

impl Lowering<'_> {
    /// The value behind `args`: an object, which is what the protocol asks for.
    pub(super) fn arguments(&mut self, expr: &Expr, names: &Names<'_>) -> Option<Template> {
        if matches!(expr, Expr::Object(_)) || expr.is_broken() {
            return self.template(expr, names);
        }
        let typed = self.json_part(expr, names)?;
        if !matches!(typed.ty, Type::Object | Type::Row(_) | Type::Any) {
            let (wanted, example) = ("an object", "{ \"id\": \"intro\" }");
            self.out.push(errors::types::wrong_kind(wanted, example, typed.ty.phrase(), expr.span()));
            return None;
        }
        let mut template = Template::default();
        template.push_json(typed.expr);
        Some(template)
    }

    /// The value as a template. Literals keep their text, so that numbers beyond
    /// 2^53 and unusual escapes are sent as they were written. Every part is
    /// looked at, so that each mistake is found in one pass.
    pub(super) fn template(&mut self, expr: &Expr, names: &Names<'_>) -> Option<Template> {
        if expr.is_broken() {
            return None;
        }
        match expr {
            Expr::Object(object) => {
                let mut template = Template::raw("{");
                let mut whole = true;
                for (index, (key, value)) in object.entries().iter().enumerate() {
                    template.push_raw(if index == 0 { "" } else { "," });
                    template.push_raw(&serde_json::Value::from(key.text()).to_string());
                    template.push_raw(":");
                    match self.template(value, names) {
                        Some(value) => template.push(value),
                        None => whole = false,
                    }
                }
                template.push_raw("}");
                whole.then_some(template)
            }
            Expr::Array(array) => {
                let mut template = Template::raw("[");
                let mut whole = true;
                for (index, element) in array.elements().iter().enumerate() {
                    template.push_raw(if index == 0 { "" } else { "," });
                    match self.template(element, names) {
                        Some(element) => template.push(element),
                        None => whole = false,
                    }
                }
                template.push_raw("]");
                whole.then_some(template)
            }
            Expr::Literal(literal) if matches!(literal.kind(), LiteralKind::Number | LiteralKind::String) => {
                Some(Template::raw(literal.text()))
            }
            expr => {
                let mut template = Template::default();
                template.push_json(self.json_part(expr, names)?.expr);
                Some(template)
            }
        }
    }
}
