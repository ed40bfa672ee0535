//! What benches need of this room and nobody else should use.

use bytes::Bytes;

use super::envelope::{self, Message};
use super::sse;

pub use super::http::bench::{Form, ReplayClient, ReplayConnector};

/// Feeds the bytes of a stream to the parser in the pieces given; returns how
/// many events came out.
#[must_use]
pub fn events(pieces: &[Bytes]) -> usize {
    let mut parser = sse::Parser::default();
    let mut events = 0;
    for piece in pieces {
        parser.feed(piece.clone());
        while let Ok(Some(_)) = parser.next() {
            events += 1;
        }
    }
    events
}

/// Whether the message is read as the response to request `id`.
#[must_use]
pub fn is_reply(message: &Bytes, id: u64) -> bool {
    matches!(envelope::read(message.clone(), id), Message::Reply(_))
}
