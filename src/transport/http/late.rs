//! The connection of a request that was cancelled, for a while after.
//!
//! Invariant: no request waits for it, and it is closed once it has told whether
//! the server went on, or cannot any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::envelope;
use super::super::late::{MARGIN, is_result};
use super::super::sse;
use super::answer;
use super::aside::Heard;
use super::link::{Link, Stream};

/// How long the result of a cancelled request is listened for. A server that works
/// longer in vain is not seen to.
const LISTENED: Duration = Duration::from_secs(2);

/// The most connections of a run that are listened to at once: each takes a
/// descriptor, of which the users need theirs. The results of other cancelled
/// requests go unseen.
pub(super) const WATCHED: usize = 128;

/// A request that was cancelled.
#[derive(Debug)]
pub(super) struct Cancelled<S: Stream> {
    pub(super) id: u64,
    pub(super) link: Box<Link<S>>,
    /// Whether the head of the response was read.
    pub(super) begun: bool,
    /// Whether its revision has messages that are arrays of messages.
    pub(super) batches: bool,
}

impl<S: Stream> Cancelled<S> {
    /// Listens for its result after the server took the cancellation, at `told`.
    pub(super) async fn watch(mut self, told: Instant, heard: Arc<Heard>, _place: OwnedSemaphorePermit) {
        let mut deadline = Deadline::default();
        deadline.set(told, LISTENED);
        let came = self.result(&mut deadline).await;
        let is_late = came.is_some_and(|came| came.saturating_duration_since(told) >= MARGIN);
        let (sent, received) = self.link.meter.take_bytes();
        heard.with(|state| {
            state.bytes_out += sent;
            state.bytes_in += received;
            state.late += u32::from(is_late);
        });
    }

    /// When the result came, if it did.
    async fn result(&mut self, deadline: &mut Deadline) -> Option<Instant> {
        if !self.begun {
            let head = self.link.head(deadline).await.ok()?;
            if !head.media_type().eq_ignore_ascii_case(b"text/event-stream") {
                let text = answer::whole(&mut self.link, deadline).await.ok()?;
                return self.is_among(text).then(|| self.link.meter.last_byte());
            }
        }
        // Of a response that had begun only a stream has anything more to tell. A
        // line that was cut is none that can be read, and is passed over.
        let mut parser = sse::Parser::default();
        while let Some(chunk) = self.link.chunk(deadline).await.ok()? {
            parser.feed(chunk);
            while let Some(event) = parser.next().ok()? {
                if event.is_message() && self.is_among(event.data) {
                    return Some(self.link.meter.last_byte());
                }
            }
        }
        None
    }

    /// Whether a message is the result, or a batch that has it.
    fn is_among(&self, message: Bytes) -> bool {
        match self.batches.then(|| envelope::batch(&message)).flatten() {
            Some(parts) => parts.into_iter().any(|part| is_result(part, self.id)),
            None => is_result(message, self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::sync::Semaphore;
    use tokio::time::sleep;

    use super::*;

    impl Stream for DuplexStream {}

    const RESULT: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;

    fn json(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn stream(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{body}")
    }

    /// How many results are late when a server says this so long after it was told
    /// that request 7 is cancelled, and how long that was listened for.
    async fn late(after: u64, answer: String, begun: bool, batches: bool) -> (u32, u128) {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let mut link = Box::new(Link::new(ours));
        if begun {
            theirs.write_all(stream("id: 1\ndata:\n\n").as_bytes()).await.unwrap();
            let mut deadline = Deadline::default();
            link.head(&mut deadline).await.unwrap();
            link.chunk(&mut deadline).await.unwrap();
        }
        let heard = Arc::new(Heard::default());
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let told = Instant::now();
        let watch = Cancelled { id: 7, link, begun, batches }.watch(told, Arc::clone(&heard), place);
        tokio::join!(watch, async {
            sleep(Duration::from_millis(after)).await;
            let _ = theirs.write_all(answer.as_bytes()).await;
            let _ = theirs.read(&mut [0; 8]).await;
        });
        (heard.with(|state| state.late), told.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_that_could_not_have_crossed_the_cancellation_is_late() {
        let event = format!("data: {RESULT}\n\n");
        assert_eq!(late(500, json(RESULT), false, false).await, (1, 500));
        assert_eq!(late(500, stream(&event), false, false).await, (1, 500));
        assert_eq!(late(500, event.clone(), true, false).await, (1, 500));
        let notice = r#"data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
        assert_eq!(late(500, stream(&format!("{notice}\n\n{event}")), false, false).await, (1, 500));
        assert_eq!(late(500, stream(&format!("data: [{RESULT}]\n\n")), false, true).await, (1, 500));
        assert_eq!(late(99, json(RESULT), false, false).await, (0, 99), "it may have been on its way");
    }

    #[tokio::test(start_paused = true)]
    async fn no_result_is_not_late_and_is_not_listened_for_without_end() {
        let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":0,"message":"Request cancelled"}}"#;
        assert_eq!(late(500, json(error), false, false).await, (0, 500));
        let other = RESULT.replace('7', "8");
        assert_eq!(late(500, json(&other), false, false).await, (0, 500));
        assert_eq!(late(500, stream(&format!("data: {other}\n\n")), false, false).await, (0, 2000));
        assert_eq!(late(3000, json(RESULT), false, false).await.0, 0);
    }
}
