//! Single requests on connections of their own: how tokens are had, what is read on the way
//! to them, and how metrics leave.
//!
//! Invariant: an answer is bounded in size and time, and no redirection is followed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::failure::Failure;
use super::super::target::HttpTarget;
use super::link::Link;
use super::{connect, request};

/// The most bytes of a body: tokens and metadata have a few thousand.
const MAX_BODY: usize = 256 * 1024;

/// Sends the fields and returns the status and the body of the answer, all within
/// `timeout`.
pub(in super::super) async fn post(
    target: &HttpTarget,
    fields: &[(&str, &str)],
    timeout: Duration,
) -> Result<(u16, Bytes), Failure> {
    const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";
    ask(target, &request::single_post(target, MEDIA_TYPE, encoded(fields).as_bytes()), timeout).await
}

/// Sends a body that is no request of MCP, on a connection of its own, such as metrics to
/// who takes them. Returns the status of the answer and its body.
///
/// # Errors
/// If there is no answer within `timeout`.
pub async fn send_once(
    target: &HttpTarget,
    media_type: &'static str,
    body: &[u8],
    timeout: Duration,
) -> Result<(u16, Bytes), Failure> {
    ask(target, &request::single_post(target, media_type, body), timeout).await
}

/// Gets a document as JSON, in the same way.
pub(in super::super) async fn get(target: &HttpTarget, timeout: Duration) -> Result<(u16, Bytes), Failure> {
    ask(target, &request::document(target), timeout).await
}

/// What an MCP server says to a request without a token: the status, and the headers
/// that tell what it wants instead. With `stream` the request is for the stream of
/// HTTP+SSE.
pub(in super::super) async fn challenge(
    target: &HttpTarget,
    stream: bool,
    timeout: Duration,
) -> Result<(u16, Vec<String>), Failure> {
    let mut deadline = Deadline::default();
    deadline.set(Instant::now(), timeout);
    let mut link: Link = connect::connect(target, deadline.left()).await?;
    link.begin(&request::knock(target, stream));
    let head = link.head(&mut deadline).await?;
    let wanted = head.headers.all("www-authenticate").map(|value| String::from_utf8_lossy(value).into_owned());
    Ok((head.status, wanted.collect()))
}

async fn ask(target: &HttpTarget, request: &[u8], timeout: Duration) -> Result<(u16, Bytes), Failure> {
    let mut deadline = Deadline::default();
    deadline.set(Instant::now(), timeout);
    let mut link: Link = connect::connect(target, deadline.left()).await?;
    link.begin(request);
    let head = link.head(&mut deadline).await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = link.chunk(&mut deadline).await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::Transport(format!("the answer has more than {} KiB", MAX_BODY / 1024)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((head.status, body.freeze()))
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A text as `application/x-www-form-urlencoded` writes it (WHATWG URL, section
/// 5.2).
pub(in super::super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default().to_ascii_uppercase();
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out
}
