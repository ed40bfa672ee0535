//! Values that must be known before the run: attributes, levels, limits.

use super::expression::Names;
use super::lower::Lowering;
use super::types::Type;
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::TextPart;
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
        self.said_text(&attr.value()?, wanted, example)
    }

    /// A text that says something.
    pub(super) fn said_text(&mut self, expr: &Expr, wanted: &str, example: &str) -> Option<String> {
        let text = self.text(expr, wanted, example)?;
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
        self.text_list(&attr.value()?, wanted, example)
    }

    fn text_list(&mut self, expr: &Expr, wanted: &str, example: &str) -> Option<Vec<String>> {
        let value = self.constant(expr)?;
        let Value::Json(serde_json::Value::Array(elements)) = &value else {
            self.wrong_kind(wanted, example, &value, expr);
            return None;
        };
        if let Some(other) = elements.iter().find(|element| !element.is_string()) {
            let found = format!("a list with {} in it", phrase(other));
            self.out.push(errors::types::wrong_kind(wanted, example, &found, expr.span()));
        }
        elements.iter().map(|element| element.as_str().map(str::to_owned)).collect()
    }

    /// A command: a list of texts that names a program.
    pub(super) fn command(&mut self, expr: &Expr) -> Option<Vec<String>> {
        let (wanted, example) = ("a command as a list of texts", "[\"node\", \"server.js\"]");
        let command = self.text_list(expr, wanted, example)?;
        if command.first().is_none_or(String::is_empty) {
            let found = if command.is_empty() { "an empty list" } else { "a list that begins with an empty text" };
            self.out.push(errors::types::wrong_kind(wanted, example, found, expr.span()));
            return None;
        }
        Some(command)
    }

    /// An object as JSON text.
    pub(super) fn json_object(&mut self, expr: &Expr) -> Option<String> {
        match self.constant(expr)? {
            Value::Json(object @ serde_json::Value::Object(_)) => Some(object.to_string()),
            value => {
                self.wrong_kind("an object", "{ \"action\": \"accept\" }", &value, expr);
                None
            }
        }
    }

    /// An object of texts that may hold secrets, as pairs.
    pub(super) fn text_pairs(&mut self, attr: &ast::Attr) -> Option<Vec<(String, Vec<TextPart>)>> {
        let expr = attr.value()?;
        if let Expr::Object(object) = &expr
            && !expr.is_broken()
        {
            let pairs = object.entries().into_iter().map(|(key, value)| Some((key.text(), self.pair_text(&value)?)));
            // Each is looked at, so that all mistakes are found in one pass.
            return pairs.collect::<Vec<_>>().into_iter().collect();
        }
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
        let pair = |(key, value): (&String, &serde_json::Value)| {
            Some((key.clone(), vec![TextPart::Text(value.as_str()?.to_owned())]))
        };
        members.iter().map(pair).collect()
    }

    fn pair_text(&mut self, expr: &Expr) -> Option<Vec<TextPart>> {
        if matches!(expr, Expr::FString(_)) {
            return self.secret_text(expr);
        }
        match self.as_secret(expr) {
            Some(secret) => secret.map(|name| vec![TextPart::Secret(name)]),
            None => self.text(expr, "a text", "value").map(|text| vec![TextPart::Text(text)]),
        }
    }

    /// `on` or `off`.
    pub(super) fn switch(&mut self, expr: &Expr) -> Option<bool> {
        match self.constant(expr)? {
            Value::Json(serde_json::Value::Bool(on)) => Some(on),
            value => {
                self.wrong_kind("`on` or `off`", "on", &value, expr);
                None
            }
        }
    }

    /// An expression that is a text, or may be one once the run knows it.
    pub(super) fn typed_text(
        &mut self,
        expr: &Expr,
        names: &Names<'_>,
        wanted: &str,
        example: &str,
    ) -> Option<crate::expr::Expr> {
        let typed = self.expression(expr, names)?;
        if !matches!(typed.ty, Type::Text | Type::Any) {
            self.out.push(errors::types::wrong_kind(wanted, example, typed.ty.phrase(), expr.span()));
            return None;
        }
        Some(typed.expr)
    }

    /// A whole number from `least`.
    pub(super) fn whole_number(&mut self, expr: &Expr, least: f64) -> Option<u64> {
        let value = self.quantity(expr, Dimension::Number)?;
        if value < least || value > MAX_COUNT || value.fract() != 0.0 {
            let what = format!("`{}`", self.written(expr.span()));
            let range = format!("a whole number from {least} to {MAX_COUNT}");
            self.out.push(errors::types::out_of_range(&what, &range, expr.span()));
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
        Some(value as u64)
    }

    /// The name of the secret that an expression is, if it is one: `secret("X")`
    /// or a parameter that is defined so. `Some(None)` after a diagnostic.
    pub(super) fn as_secret(&mut self, expr: &Expr) -> Option<Option<String>> {
        match expr {
            Expr::Call(call) if call.callee().is_some_and(|name| name.text() == "secret") => {
                Some(self.secret_name(call))
            }
            Expr::Name(name) => {
                let param = self.params.get_mut(&name.text())?;
                let secret = param.secret.clone()?;
                param.used = true;
                Some(Some(secret))
            }
            Expr::Paren(paren) => self.as_secret(&paren.inner()?),
            _ => None,
        }
    }

    /// The parts of a text that may hold secrets: of a header, of a token, of a
    /// child's environment.
    pub(super) fn secret_text(&mut self, expr: &Expr) -> Option<Vec<TextPart>> {
        if let Some(secret) = self.as_secret(expr) {
            return secret.map(|name| vec![TextPart::Secret(name)]);
        }
        match expr {
            Expr::FString(format) if !format.is_broken() => {
                let mut parts = Vec::new();
                for part in format.parts() {
                    match part {
                        FPart::Text(text) => parts.push(TextPart::Text(text)),
                        FPart::Hole(hole) => parts.extend(self.secret_text(&hole)?),
                    }
                }
                Some(parts)
            }
            Expr::Paren(paren) => paren.inner().and_then(|inner| self.secret_text(&inner)),
            expr => self.constant(expr).map(|value| vec![TextPart::Text(value.to_text())]),
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

/// Beyond this nothing is counted: far above what any run does.
const MAX_COUNT: f64 = 1e12;

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
