//! The head of a request, rendered once per run but for what changes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::super::render::{DIGITS, decimal};
use super::super::revision::Revision;
use super::super::target::HttpTarget;

pub(super) const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Says who causes the load, in the logs of the server.
const USER_AGENT: &str = concat!("mcpl/", env!("CARGO_PKG_VERSION"));

/// Both types, always: servers answer 406 to anything less, `*/*` included.
const ACCEPT: &str = "application/json, text/event-stream";

/// Writes the heads of requests to one target.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    /// The request line and all headers that every POST has.
    post: Box<[u8]>,
    /// The same of a DELETE.
    delete: Box<[u8]>,
    /// The same of a GET.
    get: Box<[u8]>,
    modern: bool,
}

impl Heads {
    /// Renders what every request has.
    pub(super) fn new(target: &HttpTarget, revision: Revision) -> Self {
        Self::to(target, revision, target.uri().path_and_query().map_or("/", |path| path.as_str()))
    }

    /// The same for requests to another path of the target, with its query.
    pub(super) fn to(target: &HttpTarget, revision: Revision, path: &str) -> Self {
        let mut headers = HeaderMap::with_capacity(target.headers().len() + 8);
        headers.insert(header::HOST, target.host_header().clone());
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        for name in target.headers().keys() {
            headers.remove(name);
        }
        for (name, value) in target.headers() {
            headers.append(name.clone(), value.clone());
        }
        if revision.is_modern() {
            headers.insert(HeaderName::from_static(VERSION), HeaderValue::from_static(revision.as_str()));
        }
        let post = render("POST", path, &headers);
        headers.remove(header::CONTENT_TYPE);
        let (delete, get) = (render("DELETE", path, &headers), render("GET", path, &headers));
        Self { post, delete, get, modern: revision.is_modern() }
    }

    /// Appends the head of a request with a body of `length` bytes. `session`
    /// holds what the handshake agreed on.
    pub(super) fn post(&self, out: &mut Vec<u8>, session: &Session, method: &str, name: Option<&str>, length: usize) {
        out.extend_from_slice(&self.post);
        if self.modern {
            push(out, METHOD, encode(method).as_bytes());
            if let Some(name) = name {
                push(out, NAME, encode(name).as_bytes());
            }
        } else {
            session.push(out);
        }
        push(out, "content-length", decimal(length as u64, &mut [0; DIGITS]));
        out.extend_from_slice(b"\r\n");
    }

    /// The request for a stream of what the server says by itself, or for the rest
    /// of one that ended at the event with this id.
    pub(super) fn get(&self, session: &Session, last_event: Option<&[u8]>) -> Vec<u8> {
        let mut out = self.get.to_vec();
        session.push(&mut out);
        if let Some(id) = last_event {
            push(&mut out, "last-event-id", id);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The request that ends a session.
    pub(super) fn delete(&self, session: &Session) -> Vec<u8> {
        let mut out = self.delete.to_vec();
        session.push(&mut out);
        out.extend_from_slice(b"\r\n");
        out
    }
}

fn render(method: &str, path: &str, headers: &HeaderMap) -> Box<[u8]> {
    let mut out = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        push(&mut out, name.as_str(), value.as_bytes());
    }
    out.into()
}

fn push(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// What the handshake of a legacy session agreed on. Nothing, for a modern one.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Visible ASCII; absent if the server is stateless.
    pub(super) id: Option<Box<str>>,
    /// Absent before the handshake and in revisions without the header.
    pub(super) version: Option<&'static str>,
}

impl Session {
    fn push(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.version {
            push(out, VERSION, version.as_bytes());
        }
        if let Some(id) = &self.id {
            push(out, SESSION, id.as_bytes());
        }
    }
}

/// A value as 2026-07-28 encodes it: as it is where that is safe, otherwise
/// `=?base64?…?=`. Values that look encoded are encoded again, so that they come
/// out as they went in.
pub(super) fn encode(value: &str) -> Cow<'_, str> {
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let trimmed = value.trim_ascii() == value;
    let sentinel = value.starts_with("=?base64?") && value.ends_with("?=");
    if visible && trimmed && !sentinel { value.into() } else { format!("=?base64?{}?=", STANDARD.encode(value)).into() }
}
