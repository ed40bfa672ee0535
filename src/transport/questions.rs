//! What servers ask of their clients, and what this client answers.
//!
//! Up to 2025-11-25 a server asks by requests of its own, since 2026-07-28 by the
//! `inputRequests` of a result. The questions and their answers are the same.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::task;

/// JSON-RPC: the client does not know the method.
const METHOD_NOT_FOUND: &str = r#""error":{"code":-32601,"message":"Method not found"}"#;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `sampling/createMessage`: the words of a model.
    Sampling,
    /// `elicitation/create`: the words of a person, in a form.
    Elicitation,
    /// `roots/list`: the directories that the server may look at.
    Roots,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sampling, Self::Elicitation, Self::Roots];

    /// Its name among the capabilities of a client, and in a scenario file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Elicitation => "elicitation",
            Self::Roots => "roots",
        }
    }

    /// The method by which it is asked.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Sampling => "sampling/createMessage",
            Self::Elicitation => "elicitation/create",
            Self::Roots => "roots/list",
        }
    }

    /// The question that is asked by this method.
    #[must_use]
    pub fn of_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.method() == method)
    }

    /// What a client declares that answers it. Forms are the only elicitation
    /// that can be answered without a browser.
    fn capability(self) -> Value {
        match self {
            Self::Elicitation => serde_json::json!({ "form": {} }),
            Self::Sampling | Self::Roots => serde_json::json!({}),
        }
    }
}

/// What a client says that it can do, and what it answers when it is asked.
#[derive(Clone, Debug)]
pub struct Answers {
    /// A JSON object.
    capabilities: Box<str>,
    /// JSON objects, in the order of [`Question::ALL`].
    given: [Option<Box<str>>; 3],
    /// The answer to an elicitation accepts the form without filling it in.
    fills: bool,
}

impl Default for Answers {
    /// A client that can do nothing and answers nothing.
    fn default() -> Self {
        Self { capabilities: "{}".into(), given: [None, None, None], fills: false }
    }
}

impl Answers {
    /// A client that declares `capabilities`, the text of a JSON object, and what
    /// its answers imply. An answer is the text of a JSON object, too.
    #[must_use]
    pub fn new<'a>(capabilities: Option<&str>, answers: impl Iterator<Item = (Question, &'a str)>) -> Self {
        let mut declared: Map<String, Value> =
            capabilities.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut made = Self::default();
        for (question, answer) in answers {
            declared.entry(question.name()).or_insert_with(|| question.capability());
            if question == Question::Elicitation {
                made.fills = accepts_without_content(answer);
            }
            if let Some(slot) = made.given.get_mut(question as usize) {
                *slot = Some(answer.into());
            }
        }
        made.capabilities = Value::Object(declared).to_string().into();
        made
    }

    /// What the client says that it can do, a JSON object.
    pub(super) fn capabilities(&self) -> &str {
        &self.capabilities
    }

    /// The same with the extension of tasks (2026-07-28).
    pub(super) fn capabilities_with_tasks(&self) -> String {
        let mut declared: Map<String, Value> = serde_json::from_str(&self.capabilities).unwrap_or_default();
        let extensions = declared.entry("extensions").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(extensions) = extensions {
            extensions.entry(task::EXTENSION).or_insert_with(|| Value::Object(Map::new()));
        }
        Value::Object(declared).to_string()
    }

    /// The answer to a question with these parameters, a JSON object; `None` if
    /// there is none.
    ///
    /// A form that is accepted without contents is filled in with the defaults of
    /// its schema, as clients do that show it to nobody (SEP-1034).
    #[must_use]
    pub fn answer(&self, question: Question, params: Option<&str>) -> Option<Cow<'_, str>> {
        let given = self.given.get(question as usize)?.as_deref()?;
        if question == Question::Elicitation && self.fills {
            return Some(filled(given, params.unwrap_or("{}")).map_or(Cow::Borrowed(given), Cow::Owned));
        }
        Some(Cow::Borrowed(given))
    }

    /// The response to a request of the server: `ping` is always answered, and
    /// what there is no answer for is not known here.
    pub(super) fn respond(&self, id: &str, method: &str, params: &[u8]) -> String {
        let params = std::str::from_utf8(params).ok().filter(|params| !params.is_empty());
        let answer = match Question::of_method(method) {
            Some(question) => self.answer(question, params),
            None if method == "ping" => Some(Cow::Borrowed("{}")),
            None => None,
        };
        let body = match answer {
            Some(result) => format!("\"result\":{result}"),
            None => METHOD_NOT_FOUND.to_owned(),
        };
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{body}}}")
    }
}

fn accepts_without_content(answer: &str) -> bool {
    let answer: Map<String, Value> = serde_json::from_str(answer).unwrap_or_default();
    answer.get("action").is_some_and(|action| action == "accept") && !answer.contains_key("content")
}

/// An answer that accepts, with the defaults of the form as its contents; `None`
/// if it is no form.
fn filled(answer: &str, params: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Form {
        requested_schema: Schema,
    }
    #[derive(Deserialize)]
    struct Schema {
        #[serde(default)]
        properties: Map<String, Value>,
    }
    let form: Form = serde_json::from_str(params).ok()?;
    let mut answer: Map<String, Value> = serde_json::from_str(answer).ok()?;
    let defaults = form.requested_schema.properties.into_iter().filter_map(|(name, mut property)| {
        let default = property.get_mut("default")?.take();
        Some((name, default))
    });
    answer.insert("content".to_owned(), Value::Object(defaults.collect()));
    Some(Value::Object(answer).to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::{Answers, Question};

    fn answers(capabilities: Option<&str>, given: &[(Question, &str)]) -> Answers {
        Answers::new(capabilities, given.iter().copied())
    }

    fn declared(answers: &Answers) -> Value {
        serde_json::from_str(answers.capabilities()).unwrap()
    }

    #[test]
    fn an_answer_declares_its_capability_unless_the_file_does() {
        assert_eq!(declared(&Answers::default()), json!({}));
        let roots = r#"{"roots":[]}"#;
        let both = answers(None, &[(Question::Roots, roots), (Question::Elicitation, "{}")]);
        assert_eq!(declared(&both), json!({ "roots": {}, "elicitation": { "form": {} } }));
        let own = answers(Some(r#"{"roots":{"listChanged":true},"x":1}"#), &[(Question::Roots, roots)]);
        assert_eq!(declared(&own), json!({ "roots": { "listChanged": true }, "x": 1 }));
    }

    #[test]
    fn what_is_not_answered_is_not_known() {
        let own = answers(Some(r#"{"sampling":{}}"#), &[(Question::Roots, r#"{"roots":[]}"#)]);
        let unknown = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},{}}}"#, super::METHOD_NOT_FOUND);
        for (method, expected) in [
            ("roots/list", r#"{"jsonrpc":"2.0","id":"a\"","result":{"roots":[]}}"#.to_owned()),
            ("ping", r#"{"jsonrpc":"2.0","id":"a\"","result":{}}"#.to_owned()),
            ("sampling/createMessage", unknown(r#""a\"""#)),
            ("roots/list ", unknown(r#""a\"""#)),
        ] {
            assert_eq!(own.respond(r#""a\"""#, method, b""), expected, "{method}");
        }
    }

    #[test]
    fn an_accepted_form_is_filled_in_with_its_defaults() {
        let params = r#"{"message":"m","requestedSchema":{"type":"object","properties":{
            "name":{"type":"string","default":"Ann"},"age":{"type":"integer","default":0},
            "none":{"type":"string"},"odd":5}}}"#;
        let ask = |given: &str, params: Option<&str>| {
            let own = answers(None, &[(Question::Elicitation, given)]);
            serde_json::from_str::<Value>(&own.answer(Question::Elicitation, params).unwrap()).unwrap()
        };
        let accept = json!({ "action": "accept" });
        let all = json!({ "action": "accept", "content": { "name": "Ann", "age": 0 } });
        let own = json!({ "action": "accept", "content": { "name": "Bo" } });
        let decline = json!({ "action": "decline" });
        assert_eq!(ask(&accept.to_string(), Some(params)), all);
        assert_eq!(ask(&own.to_string(), Some(params)), own, "what the file says is not changed");
        assert_eq!(ask(&decline.to_string(), Some(params)), decline);
        for no_form in [None, Some(r#"{"mode":"url"}"#), Some(r#"{"requestedSchema":5}"#), Some("5"), Some("{")] {
            assert_eq!(ask(&accept.to_string(), no_form), accept);
        }
    }
}
