//! The headers of a request, rendered once per run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::super::revision::Revision;
use super::super::target::HttpTarget;

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Says who causes the load, in the logs of the server.
const USER_AGENT: &str = concat!("mcpl/", env!("CARGO_PKG_VERSION"));

/// Both types, always: servers answer 406 to anything less, `*/*` included.
const ACCEPT: &str = "application/json, text/event-stream";

/// Makes the headers of requests to one target.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    common: HeaderMap,
    modern: bool,
}

impl Heads {
    /// Renders the headers that every request has.
    pub(super) fn new(target: &HttpTarget, revision: Revision) -> Self {
        // Room for the method, name, version and session of a request as well,
        // so that a copy of the map does not have to grow.
        let mut common = HeaderMap::with_capacity(target.headers().len() + 8);
        common.insert(header::HOST, target.host_header().clone());
        common.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        common.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        common.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        for name in target.headers().keys() {
            common.remove(name);
        }
        for (name, value) in target.headers() {
            common.append(name.clone(), value.clone());
        }
        let modern = revision.is_modern();
        if modern {
            common.insert(VERSION, HeaderValue::from_static(revision.as_str()));
        }
        Self { common, modern }
    }

    /// The headers of one request. `session` holds what the handshake agreed on.
    pub(super) fn request(&self, session: &Session, method: &str, name: Option<&str>) -> HeaderMap {
        let mut headers = self.common.clone();
        if self.modern {
            headers.insert(METHOD, encode(method));
            if let Some(name) = name {
                headers.insert(NAME, encode(name));
            }
        } else {
            session.add_to(&mut headers);
        }
        headers
    }
}

/// What the handshake of a legacy session agreed on. Nothing, for a modern one.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Absent if the server is stateless.
    pub(super) id: Option<HeaderValue>,
    /// Absent before the handshake and in revisions without the header.
    pub(super) version: Option<HeaderValue>,
}

impl Session {
    fn add_to(&self, headers: &mut HeaderMap) {
        if let Some(version) = &self.version {
            headers.insert(VERSION, version.clone());
        }
        if let Some(id) = &self.id {
            headers.insert(SESSION, id.clone());
        }
    }
}

/// A value as 2026-07-28 encodes it: as it is where that is safe, otherwise
/// `=?base64?…?=`. Values that look encoded are encoded again, so that they come
/// out as they went in.
pub(super) fn encode(value: &str) -> HeaderValue {
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let trimmed = value.trim_ascii() == value;
    let sentinel = value.starts_with("=?base64?") && value.ends_with("?=");
    let encoded = if visible && trimmed && !sentinel {
        Bytes::copy_from_slice(value.as_bytes())
    } else {
        Bytes::from(format!("=?base64?{}?=", STANDARD.encode(value)))
    };
    // Both forms are visible ASCII, so the fallback is never used.
    HeaderValue::from_maybe_shared(encoded).unwrap_or_else(|_| HeaderValue::from_static(""))
}
