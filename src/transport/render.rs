//! Requests as JSON text: everything but the id, the method and the parameters
//! is rendered once.

use std::borrow::Cow;

use super::connector::ClientInfo;
use super::exchange::{Call, Tasks};
use super::ids;
use super::questions::Answers;
use super::revision::Revision;

/// What opens every request, up to the id.
const PREFIX: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const METHOD: &[u8] = br#","method":""#;
const PARAMS: &[u8] = br#"","params":{"#;

/// The notification that ends the handshake of a legacy session.
pub(super) const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The greatest number of digits of a `u64`.
pub(super) const DIGITS: usize = 20;

/// Renders requests of one revision.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    /// `"_meta":{…}` of a modern request; empty for a legacy one.
    meta: Box<str>,
    /// The same of one that knows tasks.
    meta_with_tasks: Box<str>,
    /// Whether a request asks for a task by its parameters.
    asks_for_tasks: bool,
}

impl Renderer {
    /// Prepares the parts that the revision asks for (2026-07-28: `params._meta`
    /// MUST hold version and capabilities and SHOULD hold the client's name).
    pub(super) fn new(revision: Revision, info: &ClientInfo, answers: &Answers) -> Self {
        let meta = |capabilities: &str| {
            if !revision.is_modern() {
                return Box::default();
            }
            let info = serde_json::json!(info);
            let meta = format!(
                "\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"{revision}\",\
                 \"io.modelcontextprotocol/clientInfo\":{info},\
                 \"io.modelcontextprotocol/clientCapabilities\":{capabilities}}}"
            );
            meta.into()
        };
        Self {
            meta: meta(answers.capabilities()),
            meta_with_tasks: meta(&answers.capabilities_with_tasks()),
            asks_for_tasks: revision.asks_for_tasks(),
        }
    }

    /// Request `id` as one JSON object. `members` is what [`members`] found.
    /// With `call.progress` there is a token by which progress is told, which is
    /// the id.
    pub(super) fn request<'a>(&'a self, id: u64, call: &Call<'a>, members: &'a [u8]) -> Message<'a> {
        let empty = members.trim_ascii_start().first() == Some(&b'}');
        let meta = match (call.progress, call.tasks) {
            (false, Tasks::Unsaid) => Cow::Borrowed(&*self.meta),
            (false, Tasks::Known) => Cow::Borrowed(&*self.meta_with_tasks),
            (progress, tasks) => Cow::Owned(self.rich_meta(id, progress, tasks)),
        };
        let comma: &[u8] = if meta.is_empty() || empty { b"" } else { b"," };
        Message { id, method: escaped(call.method), meta, comma, members }
    }

    fn rich_meta(&self, id: u64, progress: bool, tasks: Tasks) -> String {
        let shown = ids::shown(id);
        let meta = if tasks == Tasks::Unsaid { &self.meta } else { &self.meta_with_tasks };
        let mut rich = match (progress, meta.strip_suffix('}')) {
            (false, _) => meta.to_string(),
            (true, Some(open)) => format!("{open},\"progressToken\":{shown}}}"),
            (true, None) => format!("\"_meta\":{{\"progressToken\":{shown}}}"),
        };
        if let Tasks::Wanted { ttl } = tasks
            && self.asks_for_tasks
        {
            let comma = if rich.is_empty() { "" } else { "," };
            let ttl = ttl.map_or_else(String::new, |ttl| format!("\"ttl\":{}", ttl.as_millis()));
            rich.push_str(&format!("{comma}\"task\":{{{ttl}}}"));
        }
        rich
    }
}

/// The text behind the opening brace of a JSON object; `None` if the text is
/// none.
pub(super) fn members(params: &[u8]) -> Option<&[u8]> {
    params.trim_ascii_start().strip_prefix(b"{")
}

/// A request in pieces: its length is known before it is put together.
#[derive(Debug)]
pub(super) struct Message<'a> {
    id: u64,
    method: Cow<'a, str>,
    meta: Cow<'a, str>,
    comma: &'a [u8],
    members: &'a [u8],
}

impl Message<'_> {
    fn pieces<'b>(&'b self, id: &'b mut [u8; ids::LONGEST]) -> [&'b [u8]; 9] {
        let (id, method) = (ids::json(self.id, id), self.method.as_bytes());
        [PREFIX, id, METHOD, method, PARAMS, self.meta.as_bytes(), self.comma, self.members, b"}"]
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.pieces(&mut [0; ids::LONGEST]).iter().map(|piece| piece.len()).sum()
    }

    /// Appends it.
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        for piece in self.pieces(&mut [0; ids::LONGEST]) {
            out.extend_from_slice(piece);
        }
    }
}

/// The notification that nobody waits for the answer to request `id` any more.
pub(super) fn cancellation(id: u64, reason: &str) -> String {
    let id = ids::shown(id);
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\
         \"params\":{{\"requestId\":{id},\"reason\":\"{reason}\"}}}}"
    )
}

/// The text of `initialize`'s parameters.
pub(super) fn initialize_params(revision: Revision, info: &ClientInfo, answers: &Answers) -> String {
    let (info, capabilities) = (serde_json::json!(info), answers.capabilities());
    format!(r#"{{"protocolVersion":"{revision}","capabilities":{capabilities},"clientInfo":{info}}}"#)
}

/// A text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        return text.into();
    }
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned().into()
}

/// `number` in decimal, at the end of `buffer`, which has room for [`DIGITS`].
pub(super) fn decimal<const ROOM: usize>(mut number: u64, buffer: &mut [u8; ROOM]) -> &[u8] {
    let mut start = ROOM;
    for (at, slot) in buffer.iter_mut().enumerate().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}
