//! Requests as JSON text: everything but the id, the method and the parameters
//! is rendered once.

use bytes::Bytes;

use super::connector::ClientInfo;
use super::exchange::Call;
use super::revision::Revision;

/// What opens every request, up to the id.
const PREFIX: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const METHOD: &[u8] = br#","method":"#;
const PARAMS: &[u8] = br#","params":"#;

/// The notification that ends the handshake of a legacy session.
pub(super) const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The greatest number of digits of a `u64`.
const DIGITS: usize = 20;

/// Renders requests of one revision.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    /// `"_meta":{…}` of a modern request; empty for a legacy one.
    meta: Box<str>,
}

impl Renderer {
    /// Prepares the parts that the revision asks for (2026-07-28: `params._meta`
    /// MUST hold version and capabilities and SHOULD hold the client's name).
    pub(super) fn new(revision: Revision, info: &ClientInfo) -> Self {
        let meta = if revision.is_modern() {
            let meta = serde_json::json!({
                "io.modelcontextprotocol/protocolVersion": revision,
                "io.modelcontextprotocol/clientInfo": info,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            format!(r#""_meta":{meta}"#)
        } else {
            String::new()
        };
        Self { meta: meta.into() }
    }

    /// The request as one JSON object, followed by `end`; `None` if the
    /// parameters are not the text of an object.
    pub(super) fn request(&self, id: u64, call: &Call<'_>, end: &[u8]) -> Option<Bytes> {
        let mut digits = [0; DIGITS];
        let digits = decimal(id, &mut digits);
        let members = call.params.trim_ascii_start().strip_prefix(b"{")?;
        let size = PREFIX.len()
            + digits.len()
            + METHOD.len()
            + call.method.len()
            + PARAMS.len()
            + self.meta.len()
            + members.len()
            + end.len()
            // Quotes of the method, brace and comma of the parameters, last brace.
            + 5;
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(PREFIX);
        out.extend_from_slice(digits);
        out.extend_from_slice(METHOD);
        push_string(&mut out, call.method);
        out.extend_from_slice(PARAMS);
        out.push(b'{');
        if !self.meta.is_empty() {
            out.extend_from_slice(self.meta.as_bytes());
            if members.trim_ascii_start().first() != Some(&b'}') {
                out.push(b',');
            }
        }
        out.extend_from_slice(members);
        out.push(b'}');
        out.extend_from_slice(end);
        Some(out.into())
    }
}

/// The text of `initialize`'s parameters.
pub(super) fn initialize_params(revision: Revision, info: &ClientInfo) -> String {
    serde_json::json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": info,
    })
    .to_string()
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// `number` in decimal, at the end of `buffer`.
fn decimal(mut number: u64, buffer: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
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
