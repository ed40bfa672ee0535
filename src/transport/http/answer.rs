//! From the head of an HTTP response to a JSON-RPC message.

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::envelope::{self, About, Message, Notice, Reply};
use super::super::exchange::Changes;
use super::super::failure::{Failure, excerpt};
use super::super::ids;
use super::super::progress::{self, Progress};
use super::super::sse;
use super::super::updates;
use super::link::{Link, Stream};
use super::response::Head;
use crate::violation::{Violation, Violations};

/// What a server says of a method that it does not have (JSON-RPC 2.0).
const METHOD_NOT_FOUND: i64 = -32601;

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
                violations.note(Violation::DuplicateResponse, || {
                    format!("another response to request {}", ids::shown(self.id))
                });
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
    /// The answer itself, on another stream perhaps: this one has ended before it.
    Elsewhere(Resumption),
    /// Anything: the connection cannot be used again.
    Broken,
}

/// Where and when the rest of a stream is to be had.
#[derive(Debug)]
pub(super) struct Resumption {
    /// The id of the last event that came, if one had an id.
    pub(super) after: Option<Bytes>,
    /// How long to wait, in milliseconds, if the server said so.
    pub(super) retry: Option<u64>,
}

/// A request whose answer is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) id: u64,
    /// Whether its revision is 2026-07-28.
    pub(super) modern: bool,
    /// Whether its revision has messages that are arrays of messages.
    pub(super) batches: bool,
    /// Whether it wants to be told of its progress.
    pub(super) progress: bool,
}

/// A request of the server.
#[derive(Debug)]
pub(super) struct ServerRequest {
    /// As JSON.
    pub(super) id: Box<str>,
    pub(super) method: Box<str>,
    /// As JSON; empty if there are none.
    pub(super) params: Bytes,
}

/// What else was seen on the way to the answer.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) notifications: u32,
    pub(super) questions: u32,
    pub(super) progress: Progress,
    pub(super) changes: Changes,
    pub(super) violations: Violations,
    /// On connections that were given up meanwhile: bytes written and read.
    pub(super) elsewhere: (u64, u64),
}

impl Seen {
    fn notice(&mut self, notice: &Notice, asked: Asked) {
        self.notifications += 1;
        updates::note(notice, &mut self.changes);
        if asked.progress && notice.about == About::Progress && progress::subject(&notice.params) == Some(asked.id) {
            self.progress.note(&notice.params, &mut self.violations);
        }
    }
}

impl Answer {
    /// A failure, known now, that leaves the connection in an unknown state.
    pub(super) fn broken(failure: Failure) -> Self {
        Self { outcome: Err(failure), done: Instant::now(), rest: Rest::Broken }
    }
}

/// Reads the response to a request. What the server asks meanwhile is handed to
/// `hear`.
pub(super) async fn read<S: Stream>(
    link: &mut Link<S>,
    head: Head,
    asked: Asked,
    deadline: &mut Deadline,
    seen: &mut Seen,
    hear: &mut impl FnMut(ServerRequest),
) -> Answer {
    let (id, kind) = (asked.id, head.media_type());
    if head.is_success() && kind.eq_ignore_ascii_case(b"text/event-stream") {
        return match stream(link, asked, deadline, seen, hear).await {
            Ok(Streamed::Reply(reply, done, parser)) => Answer {
                outcome: Ok(reply.with_headers(head.headers)),
                done,
                rest: Rest::Tail(Box::new(Tail { parser, id })),
            },
            Ok(Streamed::Ended(resumption)) => {
                let sentence = "the event stream ended without the response".to_owned();
                Answer {
                    outcome: Err(Failure::Protocol(sentence)),
                    done: Instant::now(),
                    rest: Rest::Elsewhere(resumption),
                }
            }
            Err(failure) => Answer::broken(failure),
        };
    }
    let text = match whole(link, deadline).await {
        Ok(text) => text,
        Err(failure) => return Answer::broken(failure),
    };
    // Not now: waking up and parsing are our time.
    let done = link.meter.last_byte();
    let outcome =
        if head.is_success() { accepted(&head, kind, text, asked, seen, hear) } else { refused(&head, text, id, seen) };
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
fn accepted(
    head: &Head,
    kind: &[u8],
    text: Bytes,
    asked: Asked,
    seen: &mut Seen,
    hear: &mut impl FnMut(ServerRequest),
) -> Result<Reply, Failure> {
    let id = asked.id;
    if text.is_empty() {
        return Err(Failure::Protocol(format!(
            "the server answered HTTP {} with an empty body instead of a JSON-RPC response",
            head.status
        )));
    }
    if !kind.eq_ignore_ascii_case(b"application/json") {
        let text = wrong_type(kind, &text);
        seen.violations.note(Violation::ContentType, || text.clone());
        return Err(Failure::Protocol(text));
    }
    if let Some(parts) = asked.batches.then(|| envelope::batch(&text)).flatten() {
        let none = || Failure::Protocol("the answer is a batch without the response".to_owned());
        return among(parts, asked, seen, hear).ok_or_else(none);
    }
    Err(Failure::Protocol(match envelope::read(text, id) {
        Message::Reply(reply) => return Ok(reply),
        Message::Stranger(stranger) => {
            let text = format!("the answer carries {stranger} instead of id {}", ids::shown(id));
            seen.violations.note(Violation::UnknownId, || text.clone());
            text
        }
        Message::Request { method, .. } => {
            let method = excerpt(method.as_bytes());
            format!("the answer is a request of the server ({method}) instead of a response")
        }
        Message::Notification(_) => "the answer is a notification instead of a response".to_owned(),
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
fn refused(head: &Head, text: Bytes, id: u64, seen: &mut Seen) -> Result<Reply, Failure> {
    let demanded = match head.status {
        401 => Some("www-authenticate"),
        405 => Some("allow"),
        _ => None,
    };
    if let Some(name) = demanded.filter(|name| head.headers.bytes(name).is_none()) {
        seen.violations.note(Violation::MissingHeader, || format!("HTTP {} without `{name}`", head.status));
    }
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

/// What an answer with HTTP 404 to a request with a session id comes to: the session
/// is lost, whatever the body says. But a method that a server does not know gets
/// the same status in 2026-07-28, and says so.
pub(super) fn of_a_session(outcome: Result<Reply, Failure>) -> Result<Reply, Failure> {
    let excerpt = match outcome {
        Ok(reply) => match reply.error() {
            Some(error) if error.code == METHOD_NOT_FOUND => return Ok(reply),
            error => error.map(ToString::to_string).unwrap_or_default(),
        },
        Err(Failure::Http { excerpt, .. }) => excerpt,
        Err(_) => String::new(),
    };
    Err(Failure::SessionLost { excerpt })
}

/// What an event stream came to.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Streamed {
    /// The response, when it was there, and what follows it.
    Reply(Reply, Instant, sse::Parser),
    /// Its end, and where it goes on.
    Ended(Resumption),
}

/// Reads an event stream up to the response.
async fn stream<S: Stream>(
    link: &mut Link<S>,
    asked: Asked,
    deadline: &mut Deadline,
    seen: &mut Seen,
    hear: &mut impl FnMut(ServerRequest),
) -> Result<Streamed, Failure> {
    let mut parser = sse::Parser::default();
    while let Some(chunk) = link.chunk(deadline).await? {
        parser.feed(chunk);
        while let Some(event) = parser.next().map_err(|sse::TooLarge| too_large())? {
            if !event.is_message() {
                continue;
            }
            let done = link.meter.last_byte();
            if let Some(parts) = asked.batches.then(|| envelope::batch(&event.data)).flatten() {
                if let Some(reply) = among(parts, asked, seen, hear) {
                    return Ok(Streamed::Reply(reply, done, parser));
                }
                continue;
            }
            match envelope::read(event.data, asked.id) {
                Message::Reply(reply) => return Ok(Streamed::Reply(reply, done, parser)),
                Message::Notification(notice) => seen.notice(&notice, asked),
                // The answer is a POST of its own, on another connection.
                Message::Request { id, method, params } if !asked.modern => {
                    seen.questions += 1;
                    hear(ServerRequest { id, method, params });
                }
                message => note(message, asked.id, &mut seen.violations),
            }
        }
    }
    // Since 2026-07-28 a stream that is broken is lost.
    let after = parser.last_id().filter(|_| !asked.modern).map(Bytes::copy_from_slice);
    Ok(Streamed::Ended(Resumption { after, retry: parser.retry() }))
}

/// The response among the messages of a batch; what else there is counts as if it
/// had come by itself.
fn among(parts: Vec<Bytes>, asked: Asked, seen: &mut Seen, hear: &mut impl FnMut(ServerRequest)) -> Option<Reply> {
    let mut found = None;
    for part in parts {
        match envelope::read(part, asked.id) {
            Message::Reply(reply) if found.is_none() => found = Some(reply),
            Message::Notification(notice) => seen.notice(&notice, asked),
            Message::Request { id, method, params } => {
                seen.questions += 1;
                hear(ServerRequest { id, method, params });
            }
            message => note(message, asked.id, &mut seen.violations),
        }
    }
    found
}

/// Notes a message that is not the response that was waited for.
pub(super) fn note(message: Message, answered: u64, violations: &mut Violations) {
    match message {
        Message::Reply(_) | Message::Notification(_) => {
            violations
                .note(Violation::AfterResponse, || format!("after the response to request {}", ids::shown(answered)));
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

pub(super) fn too_large() -> Failure {
    Failure::Protocol(format!("the answer is larger than {} MiB", MAX_BODY >> 20))
}
