//! The head of a request, rendered once per run but for what changes.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::super::connector::ClientInfo;
use super::super::exchange::Call;
use super::super::mirror::{self, Mirrors, encode};
use super::super::oauth::Bearer;
use super::super::probe::DISCOVER;
use super::super::proxy::Proxy;
use super::super::questions::Answers;
use super::super::render::{DIGITS, Renderer, decimal, members};
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
    /// Which arguments of tools are repeated in headers.
    pub(super) mirrors: Mirrors,
    /// The token of the moment, where there is one.
    bearer: Option<Bearer>,
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
        introduce(target, &mut headers);
        if revision.is_modern() {
            headers.insert(HeaderName::from_static(VERSION), HeaderValue::from_static(revision.as_str()));
        }
        let bearer = target.bearer.clone();
        if bearer.is_some() {
            headers.remove(header::AUTHORIZATION);
        }
        let path = &*target.requested(path);
        let post = render("POST", path, &headers);
        headers.remove(header::CONTENT_TYPE);
        let (delete, get) = (render("DELETE", path, &headers), render("GET", path, &headers));
        Self { post, delete, get, modern: revision.is_modern(), mirrors: Mirrors::default(), bearer }
    }

    /// Appends the head of a request with a body of `length` bytes. `session`
    /// holds what the handshake agreed on.
    pub(super) fn post(&self, out: &mut Vec<u8>, session: &Session, told: Told<'_>, length: usize) {
        let Told { method, name, params } = told;
        out.extend_from_slice(&self.post);
        self.authorize(out);
        if self.modern {
            push(out, METHOD, encode(method).as_bytes());
            let named = if name.is_none() { mirror::name_in(method, params) } else { None };
            let name = name.or(named.as_deref());
            if let Some(name) = name {
                push(out, NAME, encode(name).as_bytes());
            }
            self.mirrors.push(out, method, name, params);
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
        self.authorize(&mut out);
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
        self.authorize(&mut out);
        session.push(&mut out);
        out.extend_from_slice(b"\r\n");
        out
    }

    fn authorize(&self, out: &mut Vec<u8>) {
        if let Some(bearer) = &self.bearer {
            push(out, "authorization", bearer.header().as_bytes());
        }
    }
}

/// A POST of a body, with the headers of its target, after which the connection is closed.
pub(super) fn single_post(target: &HttpTarget, media_type: &'static str, body: &[u8]) -> Vec<u8> {
    let mut headers = single(target);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let mut out = render("POST", &target.requested(path(target)), &headers).into_vec();
    push(&mut out, "content-length", decimal(body.len() as u64, &mut [0; DIGITS]));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// A GET of a JSON document, in the same way.
pub(super) fn document(target: &HttpTarget) -> Vec<u8> {
    let mut out = render("GET", &target.requested(path(target)), &single(target)).into_vec();
    out.extend_from_slice(b"\r\n");
    out
}

/// The headers of a request that has a connection to itself.
fn single(target: &HttpTarget) -> HeaderMap {
    let mut headers = target.headers().clone();
    headers.insert(header::HOST, target.host_header().clone());
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    introduce(target, &mut headers);
    headers
}

/// The first request to an MCP server, to see what it says to who has no token: the
/// question that a probe begins with, or that for a stream.
pub(super) fn knock(target: &HttpTarget, stream: bool) -> Vec<u8> {
    const PARAMS: &[u8] = b"{}";
    let (heads, session) = (Heads::new(target, Revision::NEWEST_MODERN), Session::default());
    if stream {
        return heads.get(&session, None);
    }
    let renderer = Renderer::new(Revision::NEWEST_MODERN, &ClientInfo::default(), &Answers::default());
    let call = Call { method: DISCOVER, params: PARAMS, ..Call::default() };
    let message = renderer.request(1, &call, members(PARAMS).unwrap_or_default());
    let mut out = Vec::new();
    heads.post(&mut out, &session, call.into(), message.len());
    message.push(&mut out);
    out
}

/// Tells a proxy that reads the request who asks.
fn introduce(target: &HttpTarget, headers: &mut HeaderMap) {
    let authorization = target.proxy().and_then(Proxy::authorization).filter(|_| target.tls().is_none());
    if let Some(authorization) = authorization {
        headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
    }
}

fn path(target: &HttpTarget) -> &str {
    target.uri().path_and_query().map_or("/", |path| path.as_str())
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

/// What the head of a request says of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) method: &'a str,
    /// Looked for in the parameters if it is absent.
    pub(super) name: Option<&'a str>,
    /// The text of the parameters.
    pub(super) params: &'a [u8],
}

impl<'a> From<Call<'a>> for Told<'a> {
    fn from(Call { method, name, params, .. }: Call<'a>) -> Self {
        Self { method, name, params }
    }
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
