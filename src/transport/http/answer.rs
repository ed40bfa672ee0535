//! From the head of an HTTP response to a JSON-RPC message.

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::envelope::{self, Message, Reply};
use super::super::failure::{Failure, excerpt};
use super::super::sse;
use super::link::{Link, Stream};

/// The largest body that is accepted, as for an event.
const MAX_BODY: usize = sse::MAX_EVENT;

/// A stream whose response message has arrived but whose end has not.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) body: Incoming,
    pub(super) parser: sse::Parser,
}

/// What was read of a response.
pub(super) struct Answer {
    pub(super) outcome: Result<Reply, Failure>,
    /// When the message was complete or the failure was known.
    pub(super) done: Instant,
    pub(super) rest: Rest,
}

/// What may come after the answer on its connection.
pub(super) enum Rest {
    /// Nothing: the connection can be used again.
    Clean,
    /// The end of a stream.
    Tail(Box<Tail>),
    /// Anything: the connection cannot be used again.
    Broken,
}

/// What else was seen on the way to the answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) notifications: u32,
    pub(super) violations: u32,
}

impl Answer {
    /// A failure, known now, that leaves the connection in an unknown state.
    pub(super) fn broken(failure: Failure) -> Self {
        Self { outcome: Err(failure), done: Instant::now(), rest: Rest::Broken }
    }
}

/// The media type without its parameters.
fn media_type(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
    value.get(..end).unwrap_or_default().trim_ascii()
}

/// Reads the response to request `id`.
pub(super) async fn read<S: Stream>(
    link: &mut Link<S>,
    response: hyper::Response<Incoming>,
    id: u64,
    deadline: &mut Deadline,
    seen: &mut Seen,
) -> Answer {
    let (head, mut body) = response.into_parts();
    let success = head.status.is_success();
    if success && media_type(&head.headers).eq_ignore_ascii_case(b"text/event-stream") {
        return stream(link, body, id, deadline, seen).await.map_or_else(Answer::broken, |(reply, done, tail)| {
            Answer { outcome: Ok(reply.with_headers(head.headers)), done, rest: Rest::Tail(tail) }
        });
    }
    let text = match whole(link, &mut body, deadline).await {
        Ok(text) => text,
        Err(failure) => return Answer::broken(failure),
    };
    // The clock is read before the message is: parsing is our time.
    let done = Instant::now();
    let outcome = if success {
        accepted(head.status, &head.headers, text, id, seen)
    } else {
        refused(head.status, &head.headers, text, id)
    };
    Answer { outcome: outcome.map(|reply| reply.with_headers(head.headers)), done, rest: Rest::Clean }
}

/// Reads a body to its end.
pub(super) async fn whole<S: Stream>(
    link: &mut Link<S>,
    body: &mut Incoming,
    deadline: &mut Deadline,
) -> Result<Bytes, Failure> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let Some(first) = next(link, body, deadline).await? else {
        return Ok(Bytes::new());
    };
    // Nearly all answers come in one piece, which is passed on as it is.
    let Some(second) = next(link, body, deadline).await? else {
        return Ok(first);
    };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(chunk) = next(link, body, deadline).await? {
        all.extend_from_slice(&chunk);
        if all.len() > MAX_BODY {
            return Err(too_large());
        }
    }
    Ok(all.freeze())
}

/// The next chunk, without asking for one when the length says that all is here.
async fn next<S: Stream>(
    link: &mut Link<S>,
    body: &mut Incoming,
    deadline: &mut Deadline,
) -> Result<Option<Bytes>, Failure> {
    if body.is_end_stream() {
        return Ok(None);
    }
    link.chunk(body, deadline).await
}

/// The outcome of a 2xx response that is no event stream.
fn accepted(status: StatusCode, headers: &HeaderMap, text: Bytes, id: u64, seen: &mut Seen) -> Result<Reply, Failure> {
    if text.is_empty() {
        return Err(Failure::Protocol(format!(
            "the server answered HTTP {} with an empty body instead of a JSON-RPC response",
            status.as_u16()
        )));
    }
    let kind = media_type(headers);
    if !kind.eq_ignore_ascii_case(b"application/json") {
        return Err(Failure::Protocol(wrong_type(kind, &text)));
    }
    Err(Failure::Protocol(match envelope::read(text, id) {
        Message::Reply(reply) => return Ok(reply),
        Message::Stranger(stranger) => {
            seen.violations += 1;
            format!("the answer carries {stranger} instead of id {id}")
        }
        Message::Request { method, .. } => {
            let method = excerpt(method.as_bytes());
            format!("the answer is a request of the server ({method}) instead of a response")
        }
        Message::Notification => "the answer is a notification instead of a response".to_owned(),
        Message::Invalid(reason) => format!("the answer is {reason}"),
    }))
}

fn wrong_type(kind: &[u8], text: &[u8]) -> String {
    let start = excerpt(text);
    if kind.eq_ignore_ascii_case(b"text/html") {
        return format!(
            "the server answered HTML (text/html) instead of JSON or an event stream: \
             is the path of the URL right? It begins with: {start}"
        );
    }
    let kind = match excerpt(kind) {
        kind if kind.is_empty() => "a body without a content type".to_owned(),
        kind => kind,
    };
    format!("the server answered {kind} instead of JSON or an event stream. It begins with: {start}")
}

/// The outcome of a response that is no success. A JSON-RPC error in it is what
/// the server had to say, whatever its content type; the status is kept beside.
fn refused(status: StatusCode, headers: &HeaderMap, text: Bytes, id: u64) -> Result<Reply, Failure> {
    let excerpt = if status.is_redirection() {
        let to = headers.get(header::LOCATION).map_or(&b"nowhere"[..], |value| value.as_bytes());
        format!("a redirect to {}, which is not followed", excerpt(to))
    } else {
        excerpt(&text)
    };
    match envelope::read(text, id) {
        Message::Reply(reply) if reply.error().is_some() => Ok(reply),
        _ => Err(Failure::Http { status: status.as_u16(), excerpt }),
    }
}

/// Reads an event stream up to the response.
async fn stream<S: Stream>(
    link: &mut Link<S>,
    mut body: Incoming,
    id: u64,
    deadline: &mut Deadline,
    seen: &mut Seen,
) -> Result<(Reply, Instant, Box<Tail>), Failure> {
    let mut parser = sse::Parser::default();
    while let Some(chunk) = link.chunk(&mut body, deadline).await? {
        parser.feed(chunk);
        while let Some(event) = parser.next().map_err(|sse::TooLarge| too_large())? {
            if !event.is_message() {
                continue;
            }
            let done = Instant::now();
            match envelope::read(event.data, id) {
                Message::Reply(reply) => return Ok((reply, done, Box::new(Tail { body, parser }))),
                Message::Notification => seen.notifications += 1,
                // An answer would be a POST of its own, which is not done yet. A
                // server that depends on it runs into the timeout.
                Message::Request { .. } => {}
                Message::Stranger(_) | Message::Invalid(_) => seen.violations += 1,
            }
        }
    }
    Err(Failure::Protocol("the event stream ended without the response".to_owned()))
}

fn too_large() -> Failure {
    Failure::Protocol(format!("the answer is larger than {} MiB", MAX_BODY >> 20))
}
