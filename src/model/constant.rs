//! Values that must be known before the run: attributes, levels, limits.

use super::expression::Names;
use super::lower::Lowering;
use super::types::Type;
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::HeaderPart;
use crate::syntax::ast::{self, Expr, FPart};
use crate::units::{Dimension, Quantity};

impl Lowering<'_> {
    /// The value of an expression that must be known before the run. `None`
    /// after a diagnostic.
    pub(super) fn constant(&mut self, expr: &Expr) -> Option<Value> {
        let typed = self.expression(expr, &Names::constant())?;
        match typed.expr.as_const() {
            Some(value) => Some(value.clone()),
            None => {
                self.out.push(errors::types::not_constant("changes from request to request", expr.span()));
                None
            }
        }
    }

    /// A quantity of `dimension`, in its base unit. A bare `0` is of any
    /// dimension.
    pub(super) fn quantity(&mut self, expr: &Expr, dimension: Dimension) -> Option<f64> {
        let value = self.constant(expr)?;
        match value.as_quantity() {
            Some(quantity) if quantity.dimension == dimension => Some(quantity.value),
            Some(quantity) if quantity.dimension == Dimension::Number && quantity.value == 0.0 => Some(0.0),
            Some(quantity) if quantity.dimension == Dimension::Number => {
                let number = self.written(expr.span());
                self.out.push(errors::types::missing_unit(dimension, &number, false, expr.span()));
                None
            }
            _ => {
                self.wrong_kind(dimension.phrase(), dimension.example(), &value, expr);
                None
            }
        }
    }

    /// A rate or a number of users: the level of a stage. `usual` is what a
    /// number without a unit was probably meant to be.
    pub(super) fn level(&mut self, expr: &Expr, usual: Dimension) -> Option<Quantity> {
        let value = self.constant(expr)?;
        let quantity = value.as_quantity();
        match quantity.map(|quantity| quantity.dimension) {
            Some(Dimension::Rate | Dimension::Users) => quantity,
            Some(Dimension::Number) if quantity.is_some_and(|quantity| quantity.value == 0.0) => quantity,
            Some(Dimension::Number) => {
                let number = self.written(expr.span());
                self.out.push(errors::types::missing_unit(usual, &number, false, expr.span()));
                None
            }
            _ => {
                self.wrong_kind("a rate or a number of users", "40/s", &value, expr);
                None
            }
        }
    }

    /// The value of an attribute as a quantity of `dimension` from `least`.
    pub(super) fn quantity_attr(&mut self, attr: &ast::Attr, dimension: Dimension, least: f64) -> Option<f64> {
        self.quantity_from(&attr.value()?, dimension, least)
    }

    /// A quantity of `dimension` from `least`.
    pub(super) fn quantity_from(&mut self, expr: &Expr, dimension: Dimension, least: f64) -> Option<f64> {
        let value = self.quantity(expr, dimension)?;
        self.quantity_in_range(expr, Quantity::new(value, dimension), least)
    }

    /// The value, if it is from `least` to what any machine can do; users are
    /// whole.
    pub(super) fn quantity_in_range(&mut self, expr: &Expr, quantity: Quantity, least: f64) -> Option<f64> {
        let Quantity { value, dimension } = quantity;
        // Not the other way round: a value that is no number is in no range.
        let inside = value >= least && value <= max_of(dimension);
        if inside && (dimension != Dimension::Users || value.fract() == 0.0) {
            return Some(value);
        }
        let (kind, unit) = match dimension {
            Dimension::Users => ("a whole number of users", Dimension::Number),
            other => (other.phrase(), other),
        };
        let shown = |value| if value == 0.0 { "0".to_owned() } else { Quantity::new(value, unit).to_string() };
        let range = format!("{kind} from {} to {}", shown(least), shown(max_of(dimension)));
        let what = format!("`{}`", self.written(expr.span()));
        self.out.push(errors::types::out_of_range(&what, &range, expr.span()));
        None
    }

    /// The value of an attribute as text that says something.
    pub(super) fn text_attr(&mut self, attr: &ast::Attr, wanted: &str, example: &str) -> Option<String> {
        let expr = attr.value()?;
        let text = self.text(&expr, wanted, example)?;
        if text.trim().is_empty() {
            let example = format!("\"{example}\"");
            self.out.push(errors::types::wrong_kind(wanted, &example, "an empty text", expr.span()));
            return None;
        }
        Some(text)
    }

    /// A text.
    pub(super) fn text(&mut self, expr: &Expr, wanted: &str, example: &str) -> Option<String> {
        match self.constant(expr)? {
            Value::Json(serde_json::Value::String(text)) => Some(text),
            value => {
                self.wrong_kind(wanted, &format!("\"{example}\""), &value, expr);
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, attr: &ast::Attr, wanted: &str, example: &str) -> Option<Vec<String>> {
        let expr = attr.value()?;
        let value = self.constant(&expr)?;
        let Value::Json(serde_json::Value::Array(elements)) = &value else {
            self.wrong_kind(wanted, example, &value, &expr);
            return None;
        };
        if let Some(other) = elements.iter().find(|element| !element.is_string()) {
            let found = format!("a list with {} in it", phrase(other));
            self.out.push(errors::types::wrong_kind(wanted, example, &found, expr.span()));
        }
        elements.iter().map(|element| element.as_str().map(str::to_owned)).collect()
    }

    /// An object of texts, as pairs.
    pub(super) fn text_pairs(&mut self, attr: &ast::Attr) -> Option<Vec<(String, String)>> {
        let expr = attr.value()?;
        let value = self.constant(&expr)?;
        let (wanted, example) = ("an object of texts", "{ \"KEY\": \"value\" }");
        let Value::Json(serde_json::Value::Object(members)) = &value else {
            self.wrong_kind(wanted, example, &value, &expr);
            return None;
        };
        if let Some((key, other)) = members.iter().find(|(_, value)| !value.is_string()) {
            let found = format!("an object with {} as `{key}`", phrase(other));
            self.out.push(errors::types::wrong_kind(wanted, example, &found, expr.span()));
        }
        members.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }

    /// The parts of a header's value: the only place for secrets.
    pub(super) fn header_value(&mut self, expr: &Expr) -> Option<Vec<HeaderPart>> {
        match expr {
            Expr::Call(call) if call.callee().is_some_and(|name| name.text() == "secret") => {
                let name = self.secret_name(call)?;
                Some(vec![HeaderPart::Secret(name)])
            }
            Expr::FString(format) if !format.is_broken() => {
                let mut parts = Vec::new();
                for part in format.parts() {
                    match part {
                        FPart::Text(text) => parts.push(HeaderPart::Text(text)),
                        FPart::Hole(hole) => parts.extend(self.header_value(&hole)?),
                    }
                }
                Some(parts)
            }
            Expr::Paren(paren) => paren.inner().and_then(|inner| self.header_value(&inner)),
            expr => self.constant(expr).map(|value| vec![HeaderPart::Text(value.to_text())]),
        }
    }

    fn secret_name(&mut self, call: &ast::Call) -> Option<String> {
        match call.args().as_slice() {
            [only] if only.name().is_none() => {
                self.text(&only.value()?, "the name of an environment variable", "TOKEN")
            }
            _ => {
                self.out.push(errors::types::wrong_arguments(
                    "secret",
                    "secret(\"TOKEN\")",
                    "not one name",
                    call.span(),
                ));
                None
            }
        }
    }

    /// Says that `value` is of another kind than `wanted`.
    pub(super) fn wrong_kind(&mut self, wanted: &str, example: &str, value: &Value, expr: &Expr) {
        let found = Type::of(value).phrase();
        self.out.push(errors::types::wrong_kind(wanted, example, found, expr.span()));
    }
}

/// What a JSON value is, as diagnostics name it.
fn phrase(json: &serde_json::Value) -> &'static str {
    Type::of(&Value::Json(json.clone())).phrase()
}

/// Beyond these no single machine generates load, and a file that says so has
/// a slip in it. They also keep the plan's arithmetic exact.
fn max_of(dimension: Dimension) -> f64 {
    match dimension {
        // 30 days.
        Dimension::Duration => 30.0 * 86_400e9,
        Dimension::Rate => 10_000_000.0,
        Dimension::Users => 1_000_000.0,
        Dimension::Share => 1.0,
        Dimension::Number | Dimension::Size => 9e15,
    }
}
