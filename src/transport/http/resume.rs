//! The rest of an event stream that its server ended before the response
//! (SEP-1699, since 2025-11-25): it is asked for with the id of the last event.
//!
//! The request is not sent again. The server has it, and has said where its
//! answer will be.

use std::time::Duration;

use bytes::Bytes;

use super::super::failure::Failure;
use super::HttpClient;
use super::answer::{Answer, Asked, Rest, Seen};
use super::connect::{Dial, connect};
use super::link::Link;

/// How long to wait where the server does not say: as long as the SDKs.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// The least that is waited, whatever the server says: one that ends each stream
/// at once must not be flooded.
const RETRY_LEAST: Duration = Duration::from_millis(10);

/// The longest id that is sent back; ids of events are counters or UUIDs.
const MAX_EVENT_ID: usize = 4 * 1024;

/// How long to wait before the rest is asked for, when the server said this many
/// milliseconds.
pub(super) fn wait(retry: Option<u64>) -> Duration {
    retry.map_or(RETRY, Duration::from_millis).max(RETRY_LEAST)
}

/// Whether an id of an event can be the value of a header.
pub(super) fn is_sendable(id: &Bytes) -> bool {
    id.len() <= MAX_EVENT_ID && id.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

#[expect(private_bounds, reason = "only this module makes streams")]
impl<S: Dial> HttpClient<S> {
    /// Reads the response to a request from the streams that go on where the one
    /// before has ended.
    pub(super) async fn resume(
        &mut self,
        link: &mut Link<S>,
        (mut last, mut retry): (Bytes, Option<u64>),
        asked: Asked,
        status: &mut Option<u16>,
        seen: &mut Seen,
    ) -> Answer {
        loop {
            if !is_sendable(&last) {
                let sentence = "the event stream ended without the response, at an event whose id cannot be sent back";
                return Answer::broken(Failure::Protocol(sentence.to_owned()));
            }
            tokio::time::sleep(wait(retry).min(self.deadline.left())).await;
            if self.deadline.left().is_zero() {
                return Answer::broken(Failure::Timeout { after: self.deadline.after() });
            }
            if !link.is_idle() {
                let (sent, received) = link.meter.take_bytes();
                seen.elsewhere.0 += sent;
                seen.elsewhere.1 += received;
                match connect(&self.plan.target, self.deadline.left()).await {
                    Ok(fresh) => *link = fresh,
                    Err(failure) => return Answer::broken(failure),
                }
            }
            // How long it was idle was the server's wish.
            link.idle_since = None;
            link.begin(&self.plan.heads.get(&self.session, Some(&last)));
            let answer = self.read(link, asked, status, seen).await;
            let Rest::Elsewhere(further) = answer.rest else { return answer };
            // Without another id the last one holds.
            last = further.after.unwrap_or(last);
            retry = further.retry.or(retry);
        }
    }
}
