//! From the head of an HTTP response to a JSON-RPC message.

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::envelope::{self, Message, Reply};
use super::super::failure::{Failure, excerpt};
use super::super::sse;
use super::link::{Link, Stream};
use super::response::Head;
use crate::violation::{Violation, Violations};

/// The largest body that is accepted, as for an event.
const MAX_BODY: usize = sse::MAX_EVENT;

/// A stream whose response message has arrived but whose end has not.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) parser: sse::Parser,
    /// Of the request that was answered.
    pub(super) id: u64,
}

impl Tail {
    /// Notes a message on the rest of the stream.
    pub(super) fn note(&self, message: Bytes, violations: &mut Violations) {
        match envelope::read(message, self.id) {
            Message::Reply(_) => {
                violations.note(Violation::DuplicateResponse, || format!("another response to request {}", self.id));
            }
            message => note(message, self.id, violations),
        }
    }
}

/// What was read of a response.
pub(super) struct Answer {
    pub(super) outcome: Result<Reply, Failure>,
    /// When the message had arrived or the failure was known.
    pub(super) done: Instant,
    pub(super) rest: Rest,
}

/// What may come after the answer on its connection.
pub(super) enum Rest {
    /// Nothing: the connection can be used again.
    Clean,
    /// The end of a stream, and what was read of it already.
    Tail(Box<Tail>),
    /// Anything: the connection cannot be used again.
    Broken,
}

/// What else was seen on the way to the answer.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) notifications: u32,
    pub(super) violations: Violations,
}

impl Answer {
    /// A failure, known now, that leaves the connection in an unknown state.
    pub(super) fn broken(failure: Failure) -> Self {
        Self { outcome: Err(failure), done: Instant::now(), rest: Rest::Broken }
    }
}

/// Reads the response to request `id`.
pub(super) async fn read<S: Stream>(
    link: &mut Link<S>,
    head: Head,
    (id, modern): (u64, bool),
    deadline: &mut Deadline,
    seen: &mut Seen,
) -> Answer {
    let kind = head.media_type();
    if head.is_success() && kind.eq_ignore_ascii_case(b"text/event-stream") {
        let answer = stream(link, (id, modern), deadline, seen).await;
        return answer.map_or_else(Answer::broken, |(reply, done, parser)| Answer {
            outcome: Ok(reply.with_headers(head.headers)),
            done,
            rest: Rest::Tail(Box::new(Tail { parser, id })),
        });
    }
    let text = match whole(link, deadline).await {
        Ok(text) => text,
        Err(failure) => return Answer::broken(failure),
    };
    // Not now: waking up and parsing are our time.
    let done = link.meter.last_byte();
    let outcome = if head.is_success() { accepted(&head, kind, text, id, seen) } else { refused(&head, text, id) };
    Answer { outcome: outcome.map(|reply| reply.with_headers(head.headers)), done, rest: Rest::Clean }
}

/// Reads a body to its end.
pub(super) async fn whole<S: Stream>(link: &mut Link<S>, deadline: &mut Deadline) -> Result<Bytes, Failure> {
    if link.length() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let Some(first) = link.chunk(deadline).await? else {
        return Ok(Bytes::new());
    };
    // Nearly all answers come in one piece, which is passed on as it is.
    if link.is_over() {
        return Ok(first);
    }
    let Some(second) = link.chunk(deadline).await? else {
        return Ok(first);
    };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(chunk) = link.chunk(deadline).await? {
        all.extend_from_slice(&chunk);
        if all.len() > MAX_BODY {
            return Err(too_large());
        }
    }
    Ok(all.freeze())
}

/// The outcome of a 2xx response that is no event stream.
fn accepted(head: &Head, kind: &[u8], text: Bytes, id: u64, seen: &mut Seen) -> Result<Reply, Failure> {
    if text.is_empty() {
        return Err(Failure::Protocol(format!(
            "the server answered HTTP {} with an empty body instead of a JSON-RPC response",
            head.status
        )));
    }
    if !kind.eq_ignore_ascii_case(b"application/json") {
        return Err(Failure::Protocol(wrong_type(kind, &text)));
    }
    Err(Failure::Protocol(match envelope::read(text, id) {
        Message::Reply(reply) => return Ok(reply),
        Message::Stranger(stranger) => {
            let text = format!("the answer carries {stranger} instead of id {id}");
            seen.violations.note(Violation::UnknownId, || text.clone());
            text
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
fn refused(head: &Head, text: Bytes, id: u64) -> Result<Reply, Failure> {
    let excerpt = if matches!(head.status, 300..=399) {
        let to = head.headers.bytes("location").unwrap_or(b"nowhere");
        format!("a redirect to {}, which is not followed", excerpt(to))
    } else {
        excerpt(&text)
    };
    match envelope::read(text, id) {
        Message::Reply(reply) if reply.error().is_some() => Ok(reply),
        _ => Err(Failure::Http { status: head.status, excerpt }),
    }
}

/// Reads an event stream up to the response.
async fn stream<S: Stream>(
    link: &mut Link<S>,
    (id, modern): (u64, bool),
    deadline: &mut Deadline,
    seen: &mut Seen,
) -> Result<(Reply, Instant, sse::Parser), Failure> {
    let mut parser = sse::Parser::default();
    while let Some(chunk) = link.chunk(deadline).await? {
        parser.feed(chunk);
        while let Some(event) = parser.next().map_err(|sse::TooLarge| too_large())? {
            if !event.is_message() {
                continue;
            }
            let done = link.meter.last_byte();
            match envelope::read(event.data, id) {
                Message::Reply(reply) => return Ok((reply, done, parser)),
                Message::Notification => seen.notifications += 1,
                // An answer would be a POST of its own, which is not done yet. A
                // server that depends on it runs into the timeout.
                Message::Request { .. } if !modern => {}
                message => note(message, id, &mut seen.violations),
            }
        }
    }
    Err(Failure::Protocol("the event stream ended without the response".to_owned()))
}

/// Notes a message that is not the response that was waited for.
pub(super) fn note(message: Message, answered: u64, violations: &mut Violations) {
    match message {
        Message::Reply(_) | Message::Notification => {
            violations.note(Violation::AfterResponse, || format!("after the response to request {answered}"));
        }
        Message::Request { method, .. } => {
            violations.note(Violation::ServerRequest, || excerpt(method.as_bytes()));
        }
        Message::Stranger(stranger) => {
            violations.note(Violation::UnknownId, || format!("a response with {stranger}"));
        }
        Message::Invalid(reason) => violations.note(Violation::NotAMessage, || reason),
    }
}

fn too_large() -> Failure {
    Failure::Protocol(format!("the answer is larger than {} MiB", MAX_BODY >> 20))
}
