//! JSON text with holes: what does not change is rendered once, before the
//! run; what does is spliced in at each request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvalError, Expr, Scope, Value};

/// Text with holes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Sent as it stands.
    Raw(String),
    /// The value as JSON.
    Json(Expr),
}

impl Template {
    /// A template that always renders `text`.
    #[must_use]
    pub fn raw(text: impl Into<String>) -> Template {
        let mut template = Template::default();
        template.push_raw(&text.into());
        template
    }

    /// Appends text that is sent as it stands.
    pub fn push_raw(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Raw(last)) => last.push_str(text),
            _ => self.parts.push(Part::Raw(text.to_owned())),
        }
    }

    /// Appends a hole; a constant is rendered now.
    pub fn push_json(&mut self, expr: Expr) {
        match expr {
            Expr::Const(Value::Json(json)) => self.push_raw(&json.to_string()),
            expr => self.parts.push(Part::Json(expr)),
        }
    }

    /// Appends another template.
    pub fn push(&mut self, other: Template) {
        for part in other.parts {
            match part {
                Part::Raw(text) => self.push_raw(&text),
                part => self.parts.push(part),
            }
        }
    }

    /// The text, when there is no hole.
    #[must_use]
    pub fn as_constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Raw(text)] => Some(text),
            _ => None,
        }
    }

    /// The expressions in the holes.
    pub fn holes(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Raw(_) => None,
            Part::Json(expr) => Some(expr),
        })
    }

    /// Renders into `out`, which is not cleared first.
    ///
    /// # Errors
    /// When a hole has no value or one that JSON cannot say.
    pub fn render(&self, scope: &mut dyn Scope, out: &mut Vec<u8>) -> Result<(), EvalError> {
        for part in &self.parts {
            match part {
                Part::Raw(text) => out.extend_from_slice(text.as_bytes()),
                Part::Json(expr) => match expr.eval(scope)? {
                    // Writing to a Vec cannot fail, and a `Value` is always JSON.
                    Value::Json(json) => serde_json::to_writer(&mut *out, &json)
                        .map_err(|error| EvalError::Mismatch(error.to_string()))?,
                    Value::Quantity(quantity) => {
                        return Err(EvalError::Mismatch(format!(
                            "{} has no form in JSON",
                            quantity.dimension.phrase()
                        )));
                    }
                },
            }
        }
        Ok(())
    }
}
