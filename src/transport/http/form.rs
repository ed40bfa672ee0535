//! One POST of a form on a connection of its own: how tokens are had.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::failure::Failure;
use super::super::target::HttpTarget;
use super::link::Link;
use super::{answer, connect, request};

/// Sends the fields and returns the status and the body of the answer, all within
/// `timeout`.
pub(in super::super) async fn post(
    target: &HttpTarget,
    fields: &[(&str, &str)],
    timeout: Duration,
) -> Result<(u16, Bytes), Failure> {
    let mut deadline = Deadline::default();
    deadline.set(Instant::now(), timeout);
    let mut link: Link = connect::connect(target, deadline.left()).await?;
    link.begin(&request::form(target, &encoded(fields)));
    let head = link.head(&mut deadline).await?;
    let text = answer::whole(&mut link, &mut deadline).await?;
    Ok((head.status, text))
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
