//! JSON-RPC messages, read no further than they are needed.
//!
//! The envelope is split into raw pieces in one pass; the result itself stays
//! text until somebody asks for it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::compliance::Skim;
use super::failure::excerpt;
use super::headers::Headers;
use super::ids;

/// A JSON-RPC response to our request: a result or an error.
#[derive(Clone, Debug)]
pub struct Reply {
    message: Bytes,
    /// Where in `message` the result is.
    result: Range<usize>,
    error: Option<Box<RpcError>>,
    headers: Headers,
    skim: Skim,
    /// Whether `jsonrpc` is "2.0".
    jsonrpc_2: bool,
}

impl Reply {
    /// Reads a response by itself, whatever its id: for servers that are
    /// simulated.
    ///
    /// # Errors
    ///
    /// What is wrong with it, if it is no response with a numeric id.
    pub fn from_message(message: Bytes) -> Result<Self, String> {
        let envelope: Envelope<'_> = serde_json::from_slice(&message).map_err(|error| error.to_string())?;
        let id = envelope.id.and_then(|id| id.get().parse().ok()).ok_or("no numeric id")?;
        match read(message, id) {
            Message::Reply(reply) => Ok(reply),
            Message::Invalid(reason) => Err(reason),
            _ => Err("not a response".to_owned()),
        }
    }

    /// The message as it came, without the framing of its transport.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The JSON text of `result`; `None` if the response is an error.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        if self.error.is_some() {
            return None;
        }
        // The envelope's parser has already found this to be UTF-8; finding it
        // again is cheaper than carrying a second copy.
        std::str::from_utf8(self.message.get(self.result.clone())?).ok()
    }

    /// The error, if the response is one.
    #[must_use]
    pub fn error(&self) -> Option<&RpcError> {
        self.error.as_deref()
    }

    /// Whether the result says `isError: true`: the second error channel of
    /// MCP, by which a tool reports its own failure.
    #[must_use]
    pub const fn is_tool_error(&self) -> bool {
        self.skim.is_error
    }

    /// Whether the result says `resultType: "input_required"`: the server wants to
    /// know something first, and the request to be sent again with it.
    #[must_use]
    pub const fn wants_input(&self) -> bool {
        self.skim.wants_input
    }

    /// Whether the result is no result yet, but tells of a task that will have
    /// one; [`Reply::task`] reads it.
    #[must_use]
    pub const fn is_task(&self) -> bool {
        self.skim.is_task || self.skim.holds_task()
    }

    /// Whether the task stands apart in the result, as in 2025-11-25.
    #[must_use]
    pub const fn holds_task(&self) -> bool {
        !self.skim.is_task && self.skim.holds_task()
    }

    /// What the top level of the result says; nothing if it is no object.
    pub(super) const fn skim(&self) -> Skim {
        self.skim
    }

    /// Whether the message says that it is one of JSON-RPC 2.0.
    pub(super) const fn is_jsonrpc_2(&self) -> bool {
        self.jsonrpc_2
    }

    /// A header of the HTTP response; `None` over stdio, if there is none of
    /// that name, or if its value is not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The same in memory of its own. A reply shares that of what was read with it,
    /// which may be much larger.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { message: Bytes::copy_from_slice(&self.message), headers: self.headers.detached(), ..self.clone() }
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.message.len() + self.headers.size()
    }

    /// The result as a type of the caller's, or why that is not possible.
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        serde_json::from_str(self.result().unwrap_or("null")).map_err(|error| error.to_string())
    }

    /// The same response with a part of its text as the result.
    pub(super) fn narrowed(&self, part: &str) -> Self {
        let skim = serde_json::from_str(part).unwrap_or_default();
        Self { result: range_in(&self.message, part), error: None, skim, ..self.clone() }
    }

    /// The same response as an error.
    pub(super) fn refusing(&self, error: RpcError) -> Self {
        Self { error: Some(Box::new(error)), skim: Skim::default(), ..self.clone() }
    }

    pub(super) fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }
}

/// The error of a JSON-RPC response.
#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
pub struct RpcError {
    /// The code, such as -32602.
    pub code: i64,
    /// The server's words; empty if it had none.
    #[serde(default)]
    pub message: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match excerpt(self.message.as_bytes()) {
            message if message.is_empty() => write!(f, "error {}", self.code),
            message => write!(f, "{message} ({})", self.code),
        }
    }
}

/// What a message is to a client that waits for the response to one request.
#[derive(Debug)]
pub(super) enum Message {
    /// The response that was waited for.
    Reply(Reply),
    /// A response to a request that is not in flight.
    Stranger(Stranger),
    /// A request of the server; its id and its parameters as JSON, these empty
    /// if there are none, and its method.
    Request { id: Box<str>, method: Box<str>, params: Bytes },
    /// A message that wants no answer.
    Notification(Notice),
    /// Not a JSON-RPC message; what is wrong with it.
    Invalid(String),
}

/// A notification, read no further than to know what it is about.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) about: About,
    /// Its parameters as JSON; empty if there are none, or if they are of no use.
    pub(super) params: Bytes,
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// `notifications/progress`
    Progress,
    /// `notifications/resources/updated`
    Updated,
    /// `notifications/subscriptions/acknowledged`
    Acknowledged,
    /// `notifications/cancelled`
    Cancelled,
    /// `notifications/tools/list_changed`
    Tools,
    /// `notifications/prompts/list_changed`
    Prompts,
    /// `notifications/resources/list_changed`
    Resources,
    /// Anything else.
    Other,
}

impl About {
    fn of_method(method: &str) -> Self {
        match method {
            "notifications/progress" => Self::Progress,
            "notifications/resources/updated" => Self::Updated,
            "notifications/subscriptions/acknowledged" => Self::Acknowledged,
            "notifications/cancelled" => Self::Cancelled,
            "notifications/tools/list_changed" => Self::Tools,
            "notifications/prompts/list_changed" => Self::Prompts,
            "notifications/resources/list_changed" => Self::Resources,
            _ => Self::Other,
        }
    }
}

/// The id of a response that nobody waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// An id that this client could have used.
    Number(u64),
    /// Any other id, for a message.
    Other(String),
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => write!(f, "id {}", ids::shown(*id)),
            Self::Other(id) => write!(f, "id {id}"),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads one message. `id` is that of the request in flight.
///
/// An error without an id (or with `null`) is taken as the answer: servers that
/// cannot read a request cannot repeat its id, and nothing else is in flight.
pub(super) fn read(message: Bytes, id: u64) -> Message {
    read_among(message, |given| given.is_none_or(|given| given == id))
}

/// Reads one message. `awaited` says whether a response with this id is waited
/// for; without an id, whether an error is, of which it is not known whose it is.
pub(super) fn read_among(message: Bytes, awaited: impl Fn(Option<u64>) -> bool) -> Message {
    if !is_object(&message) {
        return Message::Invalid(not_a_message(&message));
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(&message) {
        Ok(envelope) => envelope,
        Err(error) if error.is_data() => {
            let start = excerpt(&message);
            return Message::Invalid(format!("an object that is not a JSON-RPC message ({error}): {start}"));
        }
        Err(_) => return Message::Invalid(not_a_message(&message)),
    };
    if let Some(method) = envelope.method {
        let params = || envelope.params.map_or_else(Bytes::new, |params| message.slice_ref(params.get().as_bytes()));
        return match envelope.id {
            Some(id) => Message::Request { id: id.get().into(), params: params(), method: method.into() },
            None => Message::Notification(match About::of_method(&method) {
                About::Other => Notice { about: About::Other, params: Bytes::new() },
                about => Notice { about, params: params() },
            }),
        };
    }
    match (envelope.id.map(|raw| identify(raw.get())), envelope.error) {
        (Some(Stranger::Number(given)), _) if awaited(Some(given)) => {}
        (None, Some(_)) if awaited(None) => {}
        (None, Some(_)) => return Message::Invalid("an error that does not say to which request".to_owned()),
        (Some(stranger), _) => return Message::Stranger(stranger),
        (None, None) => return Message::Invalid("a message with neither id nor method".to_owned()),
    }
    let (result, error) = match (envelope.result, envelope.error) {
        (Some(result), None) => (range_in(&message, result.get()), None),
        (None, Some(error)) => match serde_json::from_str(error.get()) {
            Ok(parsed) if is_object(error.get().as_bytes()) => (0..0, Some(Box::new(parsed))),
            // It is JSON, but nested too deeply, or with a number that nothing can hold.
            Err(why) if !why.is_data() => {
                let error = excerpt(error.get().as_bytes());
                return Message::Invalid(format!("an error that cannot be read ({why}): {error}"));
            }
            _ => {
                let error = excerpt(error.get().as_bytes());
                return Message::Invalid(format!("an error that is not a JSON-RPC error object: {error}"));
            }
        },
        (Some(_), Some(_)) => return Message::Invalid("a response with both result and error".to_owned()),
        (None, None) => return Message::Invalid("a response with neither result nor error".to_owned()),
    };
    let jsonrpc_2 = envelope.jsonrpc.is_some_and(|version| version.get() == r#""2.0""#);
    let mut reply = Reply { message, result, error, headers: Headers::default(), skim: Skim::default(), jsonrpc_2 };
    reply.skim = reply.result().and_then(|result| serde_json::from_str(result).ok()).unwrap_or_default();
    Message::Reply(reply)
}

/// The messages of a batch; `None` if the text is none. Each shares the memory of
/// the whole.
pub(super) fn batch(text: &Bytes) -> Option<Vec<Bytes>> {
    if text.trim_ascii_start().first() != Some(&b'[') {
        return None;
    }
    let parts: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    Some(parts.into_iter().map(|part| text.slice(range_in(text, part.get()))).collect())
}

/// Whether the JSON text is that of an object, if it is JSON at all: serde would
/// also fill a struct from an array.
fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

fn not_a_message(text: &[u8]) -> String {
    let start = excerpt(text);
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    match text.trim_ascii_start().first() {
        None => "an empty message".to_owned(),
        // serde does not look into texts that are passed over.
        Some(_) if std::str::from_utf8(text).is_err() => format!("text that is not UTF-8: {start}"),
        Some(b'[') if json => format!("a JSON-RPC batch, which only 2025-03-26 has: {start}"),
        Some(_) if json => format!("JSON but not a JSON-RPC message: {start}"),
        Some(_) => format!("text that is not JSON: {start}"),
    }
}

/// The id as a number if it is one of the kind that we send.
fn identify(raw: &str) -> Stranger {
    ids::read(raw).map_or_else(|| Stranger::Other(excerpt(raw.as_bytes())), Stranger::Number)
}

/// Where `part`, which is borrowed from `whole`, lies in it.
fn range_in(whole: &[u8], part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}
