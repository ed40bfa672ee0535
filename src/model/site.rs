//! Where a flow asks a server for something, and what the file tells of the
//! arguments: kept beside the plan for checks that need the server.

use serde_json::Value as Json;

use crate::text::Span;

/// A `call` in a flow.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// The tool.
    pub tool: String,
    /// Where its name stands.
    pub span: Span,
    /// Index of the flow in the plan.
    pub flow: usize,
    /// Whether a block follows the name.
    pub block: bool,
    /// What stands behind `args`; `None` without it.
    pub args: Option<Argument>,
    /// Where `task` stands, if the call may become one.
    pub task: Option<Span>,
}

/// A `prompt` in a flow.
#[derive(Clone, Debug)]
pub struct PromptSite {
    /// The prompt.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// Index of the flow in the plan.
    pub flow: usize,
    /// Whether a block follows the name.
    pub block: bool,
    /// What stands behind `args`; `None` without it.
    pub args: Option<Argument>,
}

/// A `read` in a flow.
#[derive(Clone, Debug)]
pub struct ReadSite {
    /// The address, in order; `None` is a part that only the run can tell.
    pub uri: Vec<Option<String>>,
    /// Where it stands.
    pub span: Span,
    /// Index of the flow in the plan.
    pub flow: usize,
}

/// A value as far as the file tells it, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Where it stands; for a part of a parameter's value, where the parameter is
    /// named.
    pub span: Span,
    /// Whether it is written at this place, so that it can be mended there.
    pub written: bool,
    /// What is known of it.
    pub known: Known,
}

/// What the file tells of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// `null`, a truth value, a number or a text, known before the run.
    Scalar(Json),
    /// An object with these entries and no others.
    Object(Vec<Entry>),
    /// A list of these elements.
    List(Vec<Argument>),
    /// Each of these at one time or another.
    Choice(Vec<Argument>),
    /// Nothing but its kind.
    Kind(Kind),
    /// Nothing.
    Any,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// Where the name stands.
    pub key_span: Span,
    /// Its value.
    pub value: Argument,
}

/// A kind of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, whole or not.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Kind {
    /// The kind of a value.
    #[must_use]
    pub fn of(value: &Json) -> Kind {
        match value {
            Json::Null => Kind::Null,
            Json::Bool(_) => Kind::Bool,
            Json::Number(_) => Kind::Number,
            Json::String(_) => Kind::Text,
            Json::Array(_) => Kind::List,
            Json::Object(_) => Kind::Object,
        }
    }

    /// With its article, as diagnostics name it.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a truth value",
            Kind::Number => "a number",
            Kind::Text => "a text",
            Kind::List => "a list",
            Kind::Object => "an object",
        }
    }
}

impl Argument {
    /// A known value that comes from elsewhere: all of it stands at `span`.
    #[must_use]
    pub fn of_json(value: &Json, span: Span) -> Argument {
        let known = match value {
            Json::Array(elements) => {
                Known::List(elements.iter().map(|element| Argument::of_json(element, span)).collect())
            }
            Json::Object(members) => Known::Object(
                members
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: span,
                        value: Argument::of_json(value, span),
                    })
                    .collect(),
            ),
            scalar => Known::Scalar(scalar.clone()),
        };
        Argument { span, written: false, known }
    }

    /// An object without entries: what a request without `args` sends.
    #[must_use]
    pub fn nothing(span: Span) -> Argument {
        Argument { span, written: false, known: Known::Object(Vec::new()) }
    }

    /// The value, if all of it is known.
    #[must_use]
    pub fn constant(&self) -> Option<Json> {
        match &self.known {
            Known::Scalar(value) => Some(value.clone()),
            Known::List(elements) => {
                elements.iter().map(Argument::constant).collect::<Option<Vec<_>>>().map(Json::Array)
            }
            Known::Object(entries) => entries
                .iter()
                .map(|entry| Some((entry.key.clone(), entry.value.constant()?)))
                .collect::<Option<_>>()
                .map(Json::Object),
            Known::Choice(_) | Known::Kind(_) | Known::Any => None,
        }
    }

    /// Its kind, if that is known.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match &self.known {
            Known::Scalar(value) => Some(Kind::of(value)),
            Known::List(_) => Some(Kind::List),
            Known::Object(_) => Some(Kind::Object),
            Known::Kind(kind) => Some(*kind),
            Known::Choice(_) | Known::Any => None,
        }
    }

    /// Whether a part of it is one of several values.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        match &self.known {
            Known::Choice(_) => true,
            Known::List(elements) => elements.iter().any(Argument::has_choice),
            Known::Object(entries) => entries.iter().any(|entry| entry.value.has_choice()),
            Known::Scalar(_) | Known::Kind(_) | Known::Any => false,
        }
    }

    /// The part at a path of member names and element numbers; the last part
    /// that there is, if it leads further.
    #[must_use]
    pub fn part<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> &Argument {
        let mut at = self;
        for step in path {
            let next = match &at.known {
                Known::Object(entries) => entries.iter().find(|entry| entry.key == step).map(|entry| &entry.value),
                Known::List(elements) => step.parse::<usize>().ok().and_then(|index| elements.get(index)),
                _ => None,
            };
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::{Argument, Known};
    use crate::text::Span;

    #[test]
    fn a_known_value_comes_back_as_it_was() {
        let json = serde_json::json!({ "a": [1, "x", null, { "b": true }], "c": {} });
        let argument = Argument::of_json(&json, Span::at(3));
        assert_eq!(argument.constant(), Some(json));
        assert_eq!(argument.part(["a", "3", "b", "beyond"]).known, Known::Scalar(true.into()));
    }
}
