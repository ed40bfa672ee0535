//! Results of requests that were cancelled: a server that sends one has gone on
//! with work that nobody wants.
//!
//! Invariant: what may have been on its way when the server was told is not late,
//! and neither is an error, by which servers say that they have stopped.

use std::time::Duration;

use bytes::Bytes;

use super::envelope::{self, Message};

/// What comes so soon after the server was told may have been sent before it knew.
pub(super) const MARGIN: Duration = Duration::from_millis(100);

/// Whether a message is the result of request `id`. The Python SDK before 2.0
/// answers a cancelled request with an error, that of Go with what its handler
/// made of the cancellation, which for a tool is `isError`: in both the work is
/// over.
pub(super) fn is_result(message: Bytes, id: u64) -> bool {
    let reply = envelope::read_among(message, |given| given == Some(id));
    matches!(reply, Message::Reply(reply) if reply.error().is_none() && !reply.is_tool_error())
}
