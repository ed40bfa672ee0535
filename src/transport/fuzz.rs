//! What fuzzers need of this room and nobody else should use: the bodies of the
//! targets in `fuzz/`. Each feeds bytes of a stranger to a parser of the measured
//! path, and panics where that breaks what it promises.

use bytes::Bytes;

use super::channel::Lines;
use super::envelope::{self, Message};
use super::failure::excerpt;
use super::sse;

pub use super::http::fuzz::response;

/// More than this of an input is not looked at: to take it byte by byte costs a
/// time that grows with its square.
const MAX_INPUT: usize = 4 * 1024;

/// The most characters of a sentence about a message: an [`excerpt`] of it, and what is wrong.
const MAX_SENTENCE: usize = 600;

/// A target: its name in `fuzz/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 4] = [("sse", sse), ("response", response), ("message", message), ("lines", lines)];

/// The input in one piece, in two, and byte by byte.
pub(super) fn splits(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    let bytes = bytes.get(..MAX_INPUT).unwrap_or(bytes);
    let (start, end) = bytes.split_at(bytes.len() / 2);
    [vec![bytes], vec![start, end], bytes.chunks(1).collect()]
}

/// Requires that a parser gives the same for each of the [`splits`].
pub(super) fn the_same<T: PartialEq + std::fmt::Debug>(bytes: &[u8], parse: impl Fn(&[&[u8]]) -> T) -> T {
    let [whole, halves, single] = splits(bytes);
    let parsed = parse(&whole);
    assert_eq!(parsed, parse(&halves), "in two pieces");
    assert_eq!(parsed, parse(&single), "byte by byte");
    parsed
}

/// An event stream: it does not matter how it arrives, and no event holds more
/// than has arrived.
pub fn sse(bytes: &[u8]) {
    let (events, ..) = the_same(bytes, |pieces| {
        let mut parser = sse::Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(Bytes::copy_from_slice(piece));
            while let Ok(Some(event)) = parser.next() {
                events.push(event);
            }
        }
        (events, parser.last_id().map(<[u8]>::to_vec), parser.retry())
    });
    assert!(events.iter().all(|event| !event.data.is_empty()));
    assert!(events.iter().map(|event| event.data.len()).sum::<usize>() <= bytes.len());
}

/// The output of a child: it does not matter how it arrives, and no byte is lost.
pub fn lines(bytes: &[u8]) {
    let (lines, left) = the_same(bytes, |pieces| {
        let mut lines = Lines::default();
        let mut taken = Vec::new();
        for piece in pieces {
            lines.arrived.extend_from_slice(piece);
            taken.extend(std::iter::from_fn(|| lines.take()));
            assert!(!lines.are_too_long());
        }
        (taken, lines.arrived.len() as u64)
    });
    assert!(lines.iter().all(|(text, size)| !text.contains(&b'\n') && size - 1 - text.len() as u64 <= 1));
    let taken: u64 = lines.iter().map(|(_, size)| size).sum();
    assert_eq!(taken + left, bytes.len().min(MAX_INPUT) as u64);
}

/// A message, and a batch of them: what is handed on as JSON is JSON, and what is
/// said of anything else is short.
pub fn message(bytes: &[u8]) {
    let whole = Bytes::copy_from_slice(bytes);
    one_message(whole.clone());
    for part in envelope::batch(&whole).unwrap_or_default() {
        assert!(is_json(&part), "a part of a batch");
        one_message(part);
    }
}

fn one_message(bytes: Bytes) {
    match envelope::read_among(bytes.clone(), |_| true) {
        Message::Reply(reply) => {
            assert_eq!(reply.message(), &bytes);
            assert!(reply.result().is_some() != reply.error().is_some(), "either a result or an error");
            assert!(reply.result().is_none_or(|result| is_json(result.as_bytes())));
            let _ = (reply.is_tool_error(), reply.wants_input(), reply.error().map(ToString::to_string));
        }
        Message::Stranger(stranger) => assert!(stranger.to_string().chars().count() < MAX_SENTENCE),
        Message::Request { id, method, params } => {
            assert!(is_json(id.as_bytes()) && (params.is_empty() || is_json(&params)));
            let _ = excerpt(method.as_bytes());
        }
        Message::Notification(notice) => assert!(notice.params.is_empty() || is_json(&notice.params)),
        Message::Invalid(reason) => assert!(reason.chars().count() < MAX_SENTENCE, "{reason}"),
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}
