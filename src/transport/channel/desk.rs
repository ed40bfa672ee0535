//! The requests that are under way on one child, and whose answer a line is.
//!
//! Invariant: while requests wait, the task of one of them, the driver, is woken
//! when the pipe can be read or written, or is about to be. Whoever looks into
//! the pipe becomes the driver; a driver that leaves wakes another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use tokio::task::coop::has_budget_remaining;
use tokio::time::Instant;

use super::super::envelope::{self, About, Message, Reply, Stranger};
use super::super::exchange::Changes;
use super::super::failure::{Failure, excerpt};
use super::super::ids;
use super::super::late::{self, MARGIN};
use super::super::progress::{self, Progress};
use super::super::questions::Answers;
use super::super::revision::Revision;
use super::super::updates;
use super::pipe::{Line, Written};
use crate::violation::{Violation, Violations};

/// How many abandoned requests are remembered, so that their late answers are
/// not taken for violations. More than this are outstanding only if the server
/// has stopped answering.
const ABANDONED: usize = 16 * 1024;

/// A request that is under way.
#[derive(Debug, Default)]
pub(super) struct Request {
    id: u64,
    /// Of the task that waits for the answer.
    waker: Option<Waker>,
    /// When the write of its first byte began.
    pub(super) written: Option<Instant>,
    /// When the first byte of its answer came.
    pub(super) first_byte: Option<Instant>,
    pub(super) bytes_out: u64,
    /// Those of its answer, and of other lines that it has read.
    pub(super) bytes_in: u64,
    /// That it has read.
    pub(super) notifications: u32,
    /// Of the server, that it has read.
    pub(super) questions: u32,
    pub(super) changes: Changes,
    /// Whether it wants to be told of its progress.
    wants_progress: bool,
    pub(super) progress: Progress,
    /// The resource whose updates it counts.
    pub(super) watched: Option<Box<str>>,
    pub(super) updates: u32,
    /// Results of cancelled requests, that it has read.
    pub(super) late: u32,
    /// That it has read.
    pub(super) violations: Violations,
    /// The answer, and when its line was complete.
    pub(super) answer: Option<(Reply, Instant)>,
    /// Why there will be none, and since when that is known.
    pub(super) failure: Option<(Failure, Instant)>,
}

/// Hands each answer to the request that waits for it.
#[derive(Debug)]
pub(super) struct Desk {
    /// What the child speaks.
    revision: Revision,
    answers: Arc<Answers>,
    before_first: u64,
    last_id: u64,
    /// By ascending id.
    requests: VecDeque<Request>,
    /// The request whose task is woken by the pipe.
    driver: u64,
    /// Requests that nobody waits for any more, though they were sent.
    abandoned: BTreeMap<u64, Abandoned>,
    /// The last instant at which everything that had come was read.
    caught_up: Option<Instant>,
}

/// Why nobody waits for the answer to a request.
#[derive(Clone, Copy, Debug)]
enum Abandoned {
    /// It took too long, or whoever waited is gone.
    Forgotten,
    /// It was cancelled, and the last bytes that were written for it were written
    /// then.
    Cancelled(Option<Instant>),
}

impl Abandoned {
    /// Whether an answer that came after this instant came in spite of the
    /// cancellation, and did not meet it on the way.
    fn is_ignored_by(self, before: Option<Instant>) -> bool {
        let Self::Cancelled(Some(told)) = self else { return false };
        before.is_some_and(|before| before.saturating_duration_since(told) >= MARGIN)
    }
}

impl Desk {
    pub(super) fn new(revision: Revision, answers: Arc<Answers>, last_id: u64) -> Self {
        Self {
            revision,
            answers,
            before_first: last_id,
            last_id,
            requests: VecDeque::new(),
            driver: 0,
            abandoned: BTreeMap::new(),
            caught_up: None,
        }
    }

    /// A new request; returns its id. `progress`: whether it asks for it.
    pub(super) fn enter(&mut self, progress: bool) -> u64 {
        self.last_id += 1;
        self.requests.push_back(Request { id: self.last_id, wants_progress: progress, ..Request::default() });
        self.last_id
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.requests.binary_search_by_key(&id, |request| request.id).ok()
    }

    /// A request that is under way.
    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Request> {
        let position = self.position(id)?;
        self.requests.get_mut(position)
    }

    /// Whether request `id` has its answer.
    pub(super) fn is_answered(&self, id: u64) -> bool {
        self.position(id).and_then(|at| self.requests.get(at)).is_some_and(|request| request.is_over())
    }

    /// Makes request `id`, whose task has just looked into the pipe, the driver.
    pub(super) fn drive(&mut self, id: u64, waker: &Waker) {
        self.driver = id;
        if let Some(request) = self.get_mut(id) {
            match &mut request.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
    }

    /// The request is over, for whatever reason. If it was the driver, another is
    /// woken that still waits.
    pub(super) fn leave(&mut self, id: u64) -> Option<Request> {
        let request = self.requests.remove(self.position(id)?);
        if self.driver == id
            && let Some(next) = self.requests.iter_mut().find(|request| !request.is_over())
        {
            self.driver = next.id;
            next.wake();
        }
        request
    }

    /// An answer to request `id` may come, and nobody will wait for it.
    pub(super) fn abandon(&mut self, id: u64) {
        self.abandoned.entry(id).or_insert(Abandoned::Forgotten);
        if self.abandoned.len() > ABANDONED {
            self.abandoned.pop_first();
        }
    }

    /// The server is about to be told that request `id` is cancelled.
    pub(super) fn cancel(&mut self, id: u64) {
        self.abandoned.insert(id, Abandoned::Cancelled(None));
    }

    /// Everything that has come was read.
    pub(super) fn caught_up(&mut self) {
        // Only who waits for late answers wants to know, and the clock costs time.
        if !self.abandoned.is_empty() && has_budget_remaining() {
            self.caught_up = Some(Instant::now());
        }
    }

    /// Progress of the request that it is about, which may be another than the
    /// one that reads.
    fn progress(&mut self, params: &[u8]) {
        let subject = progress::subject(params).and_then(|id| self.get_mut(id));
        if let Some(request) = subject.filter(|request| request.wants_progress) {
            request.progress.note(params, &mut request.violations);
        }
    }

    /// An update of a resource, for all that watch it. Since 2026-07-28 it says for
    /// which of them it is.
    fn updated(&mut self, params: &[u8]) {
        let subject = updates::subscription(params).filter(|_| self.revision.is_modern());
        for request in &mut self.requests {
            let is_meant = subject.is_none_or(|id| id == request.id);
            if is_meant && request.watched.as_deref().is_some_and(|watched| updates::concerns(params, watched)) {
                request.updates += 1;
            }
        }
    }

    /// A subscription has begun: for the time being that is its answer.
    fn acknowledged(&mut self, params: &Bytes, first_byte: Instant, complete: Instant) {
        let subject = updates::subscription(params);
        if let Some(id) = subject.filter(|id| self.get_mut(*id).is_some_and(|request| request.watched.is_some()))
            && let Some(reply) = updates::acknowledged(id, params)
        {
            self.answer(id, reply, first_byte, complete);
        }
    }

    /// The message of request `id` was not taken, as request `reader` has found.
    pub(super) fn refuse(&mut self, reader: u64, id: u64, failure: Failure) {
        if let Some(request) = self.get_mut(id) {
            request.failure = Some((failure, Instant::now()));
            if id != reader {
                request.wake();
            }
        }
    }

    /// Wakes all that wait.
    pub(super) fn wake_all(&mut self) {
        self.requests.iter_mut().for_each(Request::wake);
    }

    /// Adds what was written to the request that it belongs to.
    pub(super) fn wrote(&mut self, written: &Written) {
        if let Some(request) = self.get_mut(written.id) {
            request.written.get_or_insert(written.began);
            request.bytes_out += written.bytes;
        }
        if let Some(Abandoned::Cancelled(told)) = self.abandoned.get_mut(&written.id) {
            *told = Some(written.began);
        }
    }

    /// Hands a line over that request `reader` has read. Returns what is to be
    /// written if it was a question of the server, or held some.
    pub(super) fn receive(&mut self, reader: u64, line: Line) -> Option<String> {
        if let Some(parts) = self.revision.has_batches().then(|| envelope::batch(&line.text)).flatten() {
            // The framing belongs to no message; what is left of it, to the reader.
            let framing = line.size.saturating_sub(parts.iter().map(|part| part.len() as u64).sum());
            if let Some(request) = self.get_mut(reader) {
                request.bytes_in += framing;
            }
            let each = parts.into_iter().filter_map(|text| {
                let size = text.len() as u64;
                self.message(reader, Line { text, size, ..line })
            });
            return each.reduce(|all, more| all + &more);
        }
        self.message(reader, line)
    }

    /// The same with one message.
    fn message(&mut self, reader: u64, line: Line) -> Option<String> {
        let Line { text, size, first_byte, complete } = line;
        let mut violation: Option<(Violation, String)> = None;
        let mut response = None;
        let mut owner = reader;
        let again = (!self.abandoned.is_empty()).then(|| text.clone());
        if !text.trim_ascii().is_empty() {
            let found = std::cell::Cell::new(reader);
            let awaited = |given: Option<u64>| {
                let id = given.map_or_else(|| self.only_one(), |id| self.waits(id));
                id.inspect(|id| found.set(*id)).is_some()
            };
            match envelope::read_among(text, awaited) {
                Message::Reply(reply) => {
                    owner = found.get();
                    self.answer(owner, reply, first_byte, complete);
                }
                Message::Notification(notice) => {
                    if let Some(request) = self.get_mut(reader) {
                        request.notifications += 1;
                        updates::note(&notice, &mut request.changes);
                    }
                    match notice.about {
                        About::Progress => self.progress(&notice.params),
                        About::Updated => self.updated(&notice.params),
                        About::Acknowledged => self.acknowledged(&notice.params, first_byte, complete),
                        _ => {}
                    }
                }
                // Since 2026-07-28 servers ask by other means, and clients must
                // not write responses.
                Message::Request { method, .. } if self.revision.is_modern() => {
                    violation = Some((Violation::ServerRequest, excerpt(method.as_bytes())));
                }
                Message::Request { id, method, params } => {
                    if let Some(request) = self.get_mut(reader) {
                        request.questions += 1;
                    }
                    response = Some(self.answers.respond(&id, &method, &params) + "\n");
                }
                Message::Stranger(Stranger::Number(id)) if self.abandoned.contains_key(&id) => {
                    let ignored = self.abandoned.remove(&id).is_some_and(|why| why.is_ignored_by(self.caught_up));
                    if ignored
                        && again.is_some_and(|text| late::is_result(text, id))
                        && let Some(request) = self.get_mut(reader)
                    {
                        request.late += 1;
                    }
                }
                Message::Stranger(Stranger::Number(id)) if id > self.before_first && id <= self.last_id => {
                    violation =
                        Some((Violation::DuplicateResponse, format!("another response to request {}", ids::shown(id))));
                }
                Message::Stranger(stranger) => {
                    violation = Some((Violation::UnknownId, format!("a response with {stranger}")));
                }
                Message::Invalid(reason) => violation = Some((Violation::NotAMessage, reason)),
            }
        }
        if let Some(request) = self.get_mut(owner) {
            request.bytes_in += size;
            if let Some((violation, example)) = violation {
                request.violations.note(violation, || example);
            }
            if owner != reader {
                request.wake();
            }
        }
        response
    }

    /// The id, if its answer is waited for.
    fn waits(&self, id: u64) -> Option<u64> {
        let request = self.requests.get(self.position(id)?)?;
        (!request.is_over()).then_some(id)
    }

    /// The request that waits, if there is but one.
    fn only_one(&self) -> Option<u64> {
        let mut waiting = self.requests.iter().filter(|request| !request.is_over());
        waiting.next().filter(|_| waiting.next().is_none()).map(|request| request.id)
    }

    fn answer(&mut self, id: u64, reply: Reply, first_byte: Instant, complete: Instant) {
        let Some(request) = self.get_mut(id) else { return };
        // A server that guesses the next id may have answered before it was asked.
        let asked = request.written.unwrap_or(complete);
        request.first_byte = Some(first_byte.max(asked));
        request.answer = Some((reply, complete.max(asked)));
    }
}

impl Request {
    /// Whether there is nothing to wait for any more.
    fn is_over(&self) -> bool {
        self.answer.is_some() || self.failure.is_some()
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    /// Violations that a request sees when this many were abandoned before it and
    /// the first of them is answered late.
    fn violations_after(abandoned: usize) -> u32 {
        let mut desk = Desk::new(Revision::V2025_11_25, Arc::default(), 0);
        for _ in 0..abandoned {
            let id = desk.enter(false);
            desk.leave(id);
            desk.abandon(id);
        }
        let reader = desk.enter(false);
        let now = Instant::now();
        let text = bytes::Bytes::from_static(br#"{"id":1,"result":{}}"#);
        assert_eq!(desk.receive(reader, Line { text, size: 21, first_byte: now, complete: now }), None);
        desk.leave(reader).unwrap().violations.count()
    }

    /// Late answers that a request counts when this comes so long after request 1
    /// was cancelled, and everything was read so long after it.
    async fn late(text: &str, came: u64, read: u64) -> u32 {
        let mut desk = Desk::new(Revision::V2025_11_25, Arc::default(), 0);
        let id = desk.enter(false);
        desk.cancel(id);
        desk.wrote(&Written { id, began: Instant::now(), bytes: 1 });
        desk.leave(id);
        desk.abandon(id);
        let reader = desk.enter(false);
        advance(Duration::from_millis(read)).await;
        desk.caught_up();
        advance(Duration::from_millis(came - read)).await;
        let (now, text) = (Instant::now(), bytes::Bytes::copy_from_slice(text.as_bytes()));
        desk.receive(reader, Line { text, size: 21, first_byte: now, complete: now });
        let request = desk.leave(reader).unwrap();
        assert_eq!(request.violations.count(), 0);
        request.late
    }

    #[tokio::test(start_paused = true)]
    async fn results_of_cancelled_requests_are_late_unless_they_may_have_crossed_the_cancellation() {
        const RESULT: &str = r#"{"id":1,"result":{"content":[]}}"#;
        assert_eq!(late(RESULT, 100, 100).await, 1);
        assert_eq!(late(RESULT, 99, 99).await, 0);
        assert_eq!(late(RESULT, 9000, 99).await, 0, "it may have waited in the pipe");
        assert_eq!(late(r#"{"id":1,"error":{"code":0,"message":"Request cancelled"}}"#, 300, 200).await, 0);
        assert_eq!(late(r#"{"id":1,"result":{"content":[],"isError":true}}"#, 300, 200).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_are_none_where_the_server_was_not_told() {
        let mut desk = Desk::new(Revision::V2025_11_25, Arc::default(), 0);
        let forgotten = desk.enter(false);
        let unwritten = desk.enter(false);
        desk.cancel(unwritten);
        for id in [forgotten, unwritten] {
            desk.leave(id);
            desk.abandon(id);
        }
        let reader = desk.enter(false);
        advance(Duration::from_secs(1)).await;
        desk.caught_up();
        let (now, text) = (Instant::now(), bytes::Bytes::from_static(br#"{"id":1,"result":{}}"#));
        desk.receive(reader, Line { text, size: 21, first_byte: now, complete: now });
        let text = bytes::Bytes::from_static(br#"{"id":2,"result":{}}"#);
        desk.receive(reader, Line { text, size: 21, first_byte: now, complete: now });
        let request = desk.leave(reader).unwrap();
        assert_eq!((request.late, request.violations.count()), (0, 0));
    }

    #[test]
    fn so_many_abandoned_requests_are_remembered() {
        assert_eq!(violations_after(ABANDONED), 0);
        assert_eq!(violations_after(ABANDONED + 1), 1);
    }
}
