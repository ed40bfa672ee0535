//! HTTP+SSE, the transport of 2024-11-05: the server says all that it has to say
//! on one event stream, and is told by POST requests what it is asked.
//!
//! Invariant: seen from outside it is a channel of messages in both directions,
//! as the standard streams of a child are. Which answer belongs to which request
//! is told by their ids only.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::failure::{Failure, OpenError, excerpt};
use super::super::handshake;
use super::super::revision::Revision;
use super::super::sse;
use super::super::stdio::{Arrival, Line, Written};
use super::super::target::HttpTarget;
use super::super::wire::Wire;
use super::connect;
use super::link::Link;
use super::request::{Heads, Session, Told};
use super::response::Head;

/// The request that opens the stream, as messages name it.
const STREAM: &str = "GET";

/// Connections that are kept for requests to come. More than this are open only
/// while so many requests are being sent.
const IDLE: usize = 8;

/// The most of a refusal that is read; the rest costs the connection.
const MAX_REFUSAL: usize = 64 * 1024;

/// The event stream of one session, and the requests that are being sent.
pub(in super::super) struct Feed {
    target: Arc<HttpTarget>,
    stream: Box<Link<Wire>>,
    parser: sse::Parser,
    /// Of requests to the address that the stream has named.
    heads: Heads,
    /// What is to be sent, and for which request.
    outgoing: VecDeque<(u64, Bytes)>,
    posts: Vec<Post>,
    #[expect(clippy::vec_box, reason = "a box goes from here to a message on its way, and back")]
    idle: Vec<Box<Link<Wire>>>,
    /// Bytes that were read and not yet accounted for.
    bytes_in: u64,
}

/// A message on its way.
struct Post {
    id: u64,
    state: State,
}

enum State {
    Connecting(Pin<Box<dyn Future<Output = Result<Link<Wire>, Failure>>>>, Bytes),
    /// Nothing of the response has come.
    Sent(Box<Link<Wire>>),
    /// The body of the response follows, of which so much has come.
    Answered(Box<Link<Wire>>, u16, Vec<u8>),
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Feed {
    /// Opens the stream and waits for its first event, which names the address
    /// of the requests.
    ///
    /// # Errors
    /// Without a connection, an event stream and an address on the same server.
    pub(in super::super) async fn open(target: Arc<HttpTarget>) -> Result<Self, OpenError> {
        let failed = |failure| handshake::failed(STREAM, failure);
        let mut deadline = Deadline::default();
        deadline.set(Instant::now(), target.open_timeout);
        let link = connect::connect::<Wire>(&target, deadline.left()).await.map_err(OpenError::Connect)?;
        let mut stream = Box::new(link);
        stream.begin(&Heads::new(&target, Revision::V2024_11_05).get(&Session::default(), None));
        let head = stream.head(&mut deadline).await.map_err(failed)?;
        if let 401 | 403 = head.status {
            return Err(OpenError::Unauthorized { method: STREAM, status: head.status });
        }
        if !head.is_success() || !head.media_type().eq_ignore_ascii_case(b"text/event-stream") {
            return Err(failed(no_stream(&mut stream, &head, &mut deadline).await));
        }
        let mut parser = sse::Parser::default();
        let address = loop {
            match parser.next().map_err(|sse::TooLarge| failed(too_large()))? {
                Some(event) if event.kind.as_deref() == Some(b"endpoint") => break event.data,
                Some(_) => continue,
                None => {}
            }
            match stream.chunk(&mut deadline).await.map_err(failed)? {
                Some(chunk) => parser.feed(chunk),
                None => {
                    let why = "the event stream ended before it named the address of the requests (`endpoint`)";
                    return Err(failed(Failure::Protocol(why.to_owned())));
                }
            }
        };
        let path = resolve(&target, &address).map_err(|why| failed(Failure::Protocol(why)))?;
        let heads = Heads::to(&target, Revision::V2024_11_05, &path);
        let (outgoing, posts, idle) = (VecDeque::new(), Vec::new(), Vec::new());
        Ok(Self { target, stream, parser, heads, outgoing, posts, idle, bytes_in: 0 })
    }

    /// Adds a message, which belongs to request `id`, to what will be sent.
    pub(in super::super) fn queue(&mut self, id: u64, message: &[u8]) {
        self.outgoing.push_back((id, Bytes::copy_from_slice(message.trim_ascii_end())));
    }

    /// Ready once everything was sent and taken; what was refused is forgotten.
    pub(in super::super) fn poll_flush(&mut self, cx: &mut Context<'_>, mut account: impl FnMut(Written)) -> Poll<()> {
        loop {
            match self.poll_posts(cx, &mut account) {
                Some(_refused) => {}
                None if self.posts.is_empty() && self.outgoing.is_empty() => return Poll::Ready(()),
                None => return Poll::Pending,
            }
        }
    }

    /// The next message of the server, or what it has refused to take, while what
    /// is queued is sent. Fails once the stream has ended.
    pub(in super::super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut account: impl FnMut(Written),
    ) -> Poll<Result<Arrival, Failure>> {
        loop {
            if let Some((id, failure)) = self.poll_posts(cx, &mut account) {
                return Poll::Ready(Ok(Arrival::Refused(id, failure)));
            }
            while let Some(event) = self.parser.next().map_err(|sse::TooLarge| too_large())? {
                if event.is_message() {
                    let came = self.stream.meter.last_byte();
                    let size = std::mem::take(&mut self.bytes_in);
                    return Poll::Ready(Ok(Arrival::Line(Line {
                        text: event.data,
                        size,
                        first_byte: came,
                        complete: came,
                    })));
                }
            }
            let chunk = ready!(self.stream.poll_body(cx))?;
            self.bytes_in += self.stream.meter.take_bytes().1;
            match chunk {
                Some(chunk) => self.parser.feed(chunk),
                None => return Poll::Ready(Err(Failure::Transport("the server ended the event stream".to_owned()))),
            }
        }
    }

    /// Bytes that were read since the last message.
    pub(in super::super) const fn unfinished(&self) -> u64 {
        self.bytes_in
    }

    /// Goes on with what is being sent, and begins with what is to be. Returns the
    /// first request that cannot be sent.
    fn poll_posts(&mut self, cx: &mut Context<'_>, account: &mut impl FnMut(Written)) -> Option<(u64, Failure)> {
        // What has been taken in the meantime makes room on its connection.
        if let Some(refused) = self.go_on(cx, account) {
            return Some(refused);
        }
        if self.outgoing.is_empty() {
            return None;
        }
        while let Some((id, message)) = self.outgoing.pop_front() {
            self.idle.retain_mut(|link| link.is_idle());
            let state = match self.idle.pop() {
                Some(link) => send(link, &self.heads, id, &message, account),
                None => {
                    let target = Arc::clone(&self.target);
                    let connecting = async move { connect::connect::<Wire>(&target, Duration::MAX).await };
                    State::Connecting(Box::pin(connecting), message)
                }
            };
            self.posts.push(Post { id, state });
        }
        self.go_on(cx, account)
    }

    fn go_on(&mut self, cx: &mut Context<'_>, account: &mut impl FnMut(Written)) -> Option<(u64, Failure)> {
        let mut at = 0;
        while let Some(post) = self.posts.get_mut(at) {
            let Poll::Ready(outcome) = post.poll(cx, &self.heads, account) else {
                at += 1;
                continue;
            };
            let Post { id, state } = self.posts.swap_remove(at);
            if let State::Answered(mut link, ..) = state {
                self.bytes_in += link.meter.take_bytes().1;
                if self.idle.len() < IDLE {
                    link.idle_since = Some(Instant::now());
                    self.idle.push(link);
                }
            }
            if let Err(failure) = outcome {
                return Some((id, failure));
            }
        }
        None
    }
}

impl Post {
    /// Ready once the server has taken the message, or has not.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        heads: &Heads,
        account: &mut impl FnMut(Written),
    ) -> Poll<Result<(), Failure>> {
        loop {
            self.state = match &mut self.state {
                State::Connecting(connecting, message) => {
                    let link = ready!(connecting.as_mut().poll(cx))?;
                    send(Box::new(link), heads, self.id, message, account)
                }
                State::Sent(link) => {
                    let head = ready!(link.poll_response(cx))?;
                    let state = std::mem::replace(&mut self.state, State::Connecting(Box::pin(never()), Bytes::new()));
                    match state {
                        State::Sent(link) => State::Answered(link, head.status, Vec::new()),
                        state => state,
                    }
                }
                State::Answered(link, status, text) => match ready!(link.poll_body(cx))? {
                    Some(chunk) if text.len() + chunk.len() <= MAX_REFUSAL => {
                        text.extend_from_slice(&chunk);
                        continue;
                    }
                    Some(_) => return Poll::Ready(Err(too_large())),
                    // 202 by the specification; some servers say 200.
                    None if matches!(status, 200..300) => return Poll::Ready(Ok(())),
                    None => return Poll::Ready(Err(Failure::Http { status: *status, excerpt: excerpt(text) })),
                },
            };
        }
    }
}

/// Stands where a connection is taken out of a state.
async fn never() -> Result<Link<Wire>, Failure> {
    std::future::pending().await
}

fn send(mut link: Box<Link<Wire>>, heads: &Heads, id: u64, message: &[u8], account: &mut impl FnMut(Written)) -> State {
    let mut out = Vec::with_capacity(512 + message.len());
    heads.post(&mut out, &Session::default(), Told { method: "", name: None, params: b"{}" }, message.len());
    out.extend_from_slice(message);
    link.begin(&out);
    let began = link.meter.written.unwrap_or_else(Instant::now);
    account(Written { id, began, bytes: out.len() as u64 });
    let _ = link.meter.take_bytes();
    State::Sent(link)
}

/// Why the answer to the GET is no stream of this transport.
async fn no_stream(stream: &mut Link<Wire>, head: &Head, deadline: &mut Deadline) -> Failure {
    if head.is_success() {
        let kind = excerpt(head.media_type());
        return Failure::Protocol(format!("the server answered `{kind}` instead of an event stream"));
    }
    let text = match stream.chunk(deadline).await {
        Ok(text) => text.unwrap_or_default(),
        Err(failure) => return failure,
    };
    Failure::Http { status: head.status, excerpt: excerpt(&text) }
}

fn too_large() -> Failure {
    Failure::Protocol(format!("an answer is larger than {} MiB", sse::MAX_EVENT >> 20))
}

/// The path, with its query, to which an `endpoint` event points. It may be
/// relative to the address of the stream (RFC 3986, section 5.2), but never to
/// another server: that would get the user's headers.
fn resolve(target: &HttpTarget, address: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(address).unwrap_or_default().trim();
    let bad = || format!("the address of the requests cannot be used: `{}`", excerpt(address));
    let elsewhere =
        || format!("the server sends requests to another server, `{}`: nothing is sent there", excerpt(address));
    let uri: Uri = text.parse().or_else(|_| format!("/{text}").parse()).map_err(|_| bad())?;
    let path = if let Some(authority) = uri.authority() {
        let (secure, usual) = if target.tls().is_some() { ("https", 443) } else { ("http", 80) };
        let same = uri.scheme_str() == Some(secure)
            && authority.host().trim_start_matches('[').trim_end_matches(']').eq_ignore_ascii_case(target.host())
            && authority.port_u16().unwrap_or(usual) == target.port()
            && !authority.as_str().contains('@');
        if !same {
            return Err(elsewhere());
        }
        uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()
    } else if text.starts_with("//") {
        return Err(elsewhere());
    } else if text.starts_with('/') {
        text.to_owned()
    } else if text.starts_with('?') {
        format!("{}{text}", target.uri().path())
    } else {
        let base = target.uri().path();
        format!("{}/{text}", base.rsplit_once('/').map_or("", |(directory, _)| directory))
    };
    // A path with white space or control characters would break the request.
    let fits = !text.is_empty() && path.parse::<Uri>().is_ok_and(|uri| uri.path_and_query().is_some());
    if fits { Ok(path) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::super::target::HttpTarget;

    #[test]
    fn addresses_stay_on_the_server_of_the_stream() {
        let target = HttpTarget::parse("http://127.0.0.1:3000/v1/sse?key=1", Vec::new()).unwrap();
        let resolve = |address: &str| super::resolve(&target, address.as_bytes()).map_err(|why| why.to_string());
        for (address, path) in [
            ("/message?sessionId=1", "/message?sessionId=1"),
            ("message?sessionId=1", "/v1/message?sessionId=1"),
            ("?sessionId=1", "/v1/sse?sessionId=1"),
            (" /message ", "/message"),
            ("http://127.0.0.1:3000/message?a=b", "/message?a=b"),
        ] {
            assert_eq!(resolve(address).as_deref(), Ok(path), "{address}");
        }
        for address in [
            "http://127.0.0.1/message",
            "https://127.0.0.1:3000/message",
            "http://example.com:3000/message",
            "http://a@127.0.0.1:3000/message",
            "//example.com/message",
        ] {
            assert!(resolve(address).unwrap_err().contains("another server"), "{address}");
        }
        for address in ["", "/a b", "/a\r\nb: c", "\u{0}"] {
            assert!(resolve(address).unwrap_err().contains("cannot be used"), "{address}");
        }
    }
}
