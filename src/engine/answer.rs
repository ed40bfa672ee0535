//! A response as expressions see it: parsed only as far as one of them asks.

use std::cell::OnceCell;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::expr::{Given, Value};
use crate::transport::{Asides, Exchange, Reply};

/// One response and its times.
pub(super) struct Answer<'a> {
    reply: &'a Reply,
    status: Option<u16>,
    latency: Duration,
    service_time: Duration,
    asides: Asides,
    ok: bool,
    result: OnceCell<Result<Json, String>>,
    text: OnceCell<String>,
    structured: OnceCell<Option<Json>>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(reply: &'a Reply, exchange: &Exchange, latency: Duration) -> Answer<'a> {
        Answer {
            reply,
            status: exchange.status,
            latency,
            service_time: exchange.latency().unwrap_or(latency),
            asides: exchange.asides,
            ok: reply.error().is_none() && !reply.is_tool_error(),
            result: OnceCell::new(),
            text: OnceCell::new(),
            structured: OnceCell::new(),
        }
    }

    /// What an expression asks for; `None` where the response does not have it.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a request stay below 2^53")]
    pub(super) fn given(&self, what: Given) -> Option<Value> {
        let duration = |duration: Duration| Some(Value::duration(duration.as_nanos() as f64));
        match what {
            Given::Result => self.reply.result().map(|_| Value::Json(self.result().clone())),
            Given::Structured => self.structured().cloned().map(Value::Json),
            Given::Text => Some(Value::Json(Json::String(self.text().to_owned()))),
            Given::Error => Some(Value::Json(self.error())),
            Given::Ok => Some(Value::bool(self.ok)),
            Given::Latency => duration(self.latency),
            Given::ServiceTime => duration(self.service_time),
            Given::Size => Some(Value::Quantity(crate::units::Quantity::new(
                self.reply.message().len() as f64,
                crate::units::Dimension::Size,
            ))),
            Given::Status => Some(Value::Json(self.status.map_or(Json::Null, Json::from))),
            Given::ProgressCount => Some(Value::Json(self.asides.progress.into())),
            Given::UpdatesCount => Some(Value::Json(self.asides.updates.into())),
            Given::UserId | Given::UserIteration | Given::UserRevision | Given::RunId => None,
        }
    }

    /// No JSON-RPC error, and `isError` is not true.
    pub(super) fn is_ok(&self) -> bool {
        self.ok
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.reply.header(name).map(str::to_owned)
    }

    /// The cursor of the next page of a list.
    pub(super) fn next_cursor(&self) -> Option<String> {
        self.result().get("nextCursor").and_then(Json::as_str).map(str::to_owned)
    }

    fn result(&self) -> &Json {
        const NOTHING: &Json = &Json::Null;
        let parsed = self.result.get_or_init(|| {
            let text = self.reply.result().unwrap_or("null");
            serde_json::from_str(text).map_err(|error| format!("the result cannot be read: {error}"))
        });
        parsed.as_ref().unwrap_or(NOTHING)
    }

    /// Why the result could not be read, if it was asked for. It is JSON, but may be
    /// nested too deeply, or have numbers and texts that nothing can hold.
    pub(super) fn unreadable(&self) -> Option<&str> {
        self.result.get()?.as_ref().err().map(String::as_str)
    }

    /// All text contents joined: of a tool's result, a prompt's messages, or a
    /// resource.
    fn text(&self) -> &str {
        self.text.get_or_init(|| match self.reply.result().and_then(|text| serde_json::from_str::<Texts>(text).ok()) {
            Some(texts) => texts.joined(),
            // Some content is not what MCP says, which is no reason to lose the
            // others.
            None => texts_of(self.result()),
        })
    }

    /// `structuredContent`, or the first text content parsed as JSON, as older
    /// servers send it (the specification asks servers to send both).
    fn structured(&self) -> Option<&Json> {
        self.structured
            .get_or_init(|| {
                let result = self.result();
                if let Some(structured) = result.get("structuredContent") {
                    return Some(structured.clone());
                }
                let first = result.get("content")?.as_array()?.iter().find_map(|content| content.get("text"))?;
                serde_json::from_str(first.as_str()?).ok()
            })
            .as_ref()
    }

    /// What went wrong, through either of MCP's two channels: a JSON-RPC error, or
    /// a tool's result with `isError`, which has a text but no code.
    fn error(&self) -> Json {
        match self.reply.error() {
            Some(error) => serde_json::json!({ "code": error.code, "message": error.message, "data": error.data }),
            None if self.ok => Json::Null,
            None => serde_json::json!({ "code": null, "message": self.text(), "data": null }),
        }
    }
}

/// The texts of a result, for which the rest of it need not be kept.
#[derive(Deserialize)]
struct Texts {
    content: Option<Vec<Content>>,
    contents: Option<Vec<Content>>,
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
}

impl Texts {
    fn joined(self) -> String {
        let own = self.content.or(self.contents).unwrap_or_default();
        let messages = self.messages.unwrap_or_default().into_iter().filter_map(|message| message.content);
        let mut texts = own.into_iter().chain(messages).filter_map(|content| content.text);
        let mut joined = texts.next().unwrap_or_default();
        for text in texts {
            joined.push('\n');
            joined.push_str(&text);
        }
        joined
    }
}

/// The same of a result with contents of any shape.
fn texts_of(result: &Json) -> String {
    let contents = ["content", "contents"].iter().find_map(|key| result.get(key)).and_then(Json::as_array);
    let own = contents.into_iter().flatten();
    let messages = result.get("messages").and_then(Json::as_array).into_iter().flatten();
    own.chain(messages.filter_map(|message| message.get("content")))
        .filter_map(|content| content.get("text").and_then(Json::as_str))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::{Texts, texts_of};

    #[test]
    fn texts_are_the_same_by_both_ways() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        let image = json!({ "type": "image", "data": "AA==" });
        let table = [
            (json!({ "content": [text("a"), image, text("b\nc")], "isError": false }), "a\nb\nc"),
            (json!({ "content": [], "contents": [text("a")] }), ""),
            (json!({ "contents": [{ "uri": "x", "text": "a" }, { "uri": "y", "blob": "" }] }), "a"),
            (json!({ "messages": [{ "role": "user", "content": text("a") }, {}, { "content": text("") }] }), "a\n"),
            (json!({ "content": [text("a")], "messages": [{ "content": text("b") }] }), "a\nb"),
            (json!({}), ""),
        ];
        for (result, expected) in table {
            assert_eq!(texts_of(&result), expected, "{result}");
            assert_eq!(serde_json::from_value::<Texts>(result.clone()).unwrap().joined(), expected, "{result}");
        }
        for odd in [json!({ "content": [5, text("a"), { "text": 1 }] }), json!([]), json!(null)] {
            assert!(serde_json::from_value::<Texts>(odd.clone()).is_err(), "{odd}");
        }
        assert_eq!(texts_of(&json!({ "content": [5, text("a"), { "text": 1 }] })), "a");
    }
}
