//! One session on one channel, and all that is asked on it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::super::client::Opened;
use super::super::envelope::Reply;
use super::super::failure::Failure;
use super::super::questions::Answers;
use super::super::render::cancellation;
use super::super::revision::Revision;
use super::super::sse::MAX_EVENT;
use super::carrier::{Arrival, Carrier};
use super::desk::{Desk, Request};
use super::pipe::Stop;
use super::process::{Obituary, Process};

/// For lines that belong to no request; ids begin at 1.
const NOBODY: u64 = 0;

/// A child, from its start to its end, with the requests that are under way.
#[derive(Debug)]
pub(super) struct Conversation {
    /// Set once the session is open.
    opened: Option<Box<Opened>>,
    child: Child,
    desk: Desk,
}

#[derive(Debug)]
enum Child {
    Running(Carrier),
    /// It has closed its output, at this instant; why is being found out.
    Dying(Instant, Dying),
    /// Nothing can be asked of it any more, since this instant.
    Gone(Instant, End),
}

/// Comes to know how a child ended.
struct Dying(Pin<Box<dyn Future<Output = Obituary>>>);

impl fmt::Debug for Dying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dying")
    }
}

/// Why nothing can be asked of a child.
#[derive(Debug)]
enum End {
    Died(Obituary),
    TooLong,
    Lost(Failure),
    Closed,
}

impl Conversation {
    /// On a channel to a server that speaks `revision`, and that gets these answers if it may ask.
    /// `last_id` comes before the first id.
    pub(super) fn new(carrier: Carrier, revision: Revision, answers: &Arc<Answers>, last_id: u64) -> Self {
        let desk = Desk::new(revision, Arc::clone(answers), last_id);
        Self { opened: None, child: Child::Running(carrier), desk }
    }

    /// Whether the session is open and its child not known to have ended.
    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some() && self.is_running()
    }

    /// The session is open.
    pub(super) fn open(&mut self, opened: Opened) {
        self.opened = Some(Box::new(opened));
    }

    /// The session, if it is open.
    pub(super) fn opened(&self) -> Option<Opened> {
        self.opened.as_deref().filter(|_| self.is_running()).cloned()
    }

    fn is_running(&self) -> bool {
        matches!(self.child, Child::Running(_))
    }

    /// Why nothing can be asked any more, to one who would have sent `method`;
    /// `None` if it can.
    pub(super) fn ended(&self, method: &str) -> Option<Failure> {
        match &self.child {
            Child::Gone(_, end) => Some(end.failure(method)),
            _ => None,
        }
    }

    /// The end of what the child has written on stderr.
    pub(super) fn last_words(&self) -> Option<String> {
        match &self.child {
            Child::Running(carrier) => carrier.process()?.last_words(),
            _ => None,
        }
    }

    /// A new request; returns its id. `progress`: whether it asks for it.
    pub(super) fn enter(&mut self, progress: bool) -> u64 {
        self.desk.enter(progress)
    }

    /// Takes the line of request `id`, to be written.
    pub(super) fn send(&mut self, id: u64, line: &[u8]) {
        if let Child::Running(carrier) = &mut self.child {
            carrier.queue(id, line);
        }
    }

    /// Takes lines that belong to no request, to be written.
    pub(super) fn tell(&mut self, lines: &[u8]) {
        self.send(NOBODY, lines);
    }

    /// Ready once all is written, or cannot be: then the next request says why.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.child {
            Child::Running(carrier) => carrier.poll_flush(cx, |written| self.desk.wrote(&written)),
            _ => Poll::Ready(()),
        }
    }

    /// Ready once request `id` has its answer or cannot get one (`false`), or once
    /// it has `expired` (`true`). What is left to a dying child is bounded, and
    /// waited for in any case.
    pub(super) fn poll(
        &mut self,
        id: u64,
        cx: &mut Context<'_>,
        mut expired: impl FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<bool> {
        loop {
            if self.desk.is_answered(id) {
                return Poll::Ready(false);
            }
            match &mut self.child {
                Child::Running(carrier) => match carrier.poll_next(cx, |written| self.desk.wrote(&written)) {
                    Poll::Ready(Ok(Arrival::Line(line))) => {
                        if let Some(response) = self.desk.receive(id, line) {
                            carrier.queue(NOBODY, response.as_bytes());
                        }
                    }
                    Poll::Ready(Ok(Arrival::Refused(refused, failure))) => self.desk.refuse(id, refused, failure),
                    Poll::Ready(Err(stop)) => self.stop(id, stop),
                    Poll::Pending => {
                        self.desk.caught_up();
                        self.desk.drive(id, cx.waker());
                        return expired(cx).map(|()| true);
                    }
                },
                Child::Dying(since, dying) => match dying.0.as_mut().poll(cx) {
                    Poll::Ready(obituary) => {
                        let since = *since;
                        self.end(since, End::Died(obituary));
                    }
                    Poll::Pending => {
                        self.desk.drive(id, cx.waker());
                        return Poll::Pending;
                    }
                },
                Child::Gone(..) => return Poll::Ready(false),
            }
        }
    }

    /// Nothing more comes from the child, as request `id` has found.
    fn stop(&mut self, id: u64, stop: Stop) {
        let now = Instant::now();
        let gone = Child::Gone(now, End::TooLong);
        let Child::Running(carrier) = std::mem::replace(&mut self.child, gone) else { return };
        if let Some(request) = self.desk.get_mut(id) {
            request.bytes_in += carrier.unfinished();
        }
        match (stop, carrier.into_process()) {
            (Stop::Closed, Some(process)) => {
                self.child = Child::Dying(now, Dying(Box::pin(process.obituary())));
                return;
            }
            (Stop::Lost(failure), _) => self.child = Child::Gone(now, End::Lost(failure)),
            (Stop::TooLong | Stop::Closed, _) => {}
        }
        self.desk.wake_all();
    }

    /// Nothing can be asked any more, and all who wait fail. Returns the channel if
    /// it is still there.
    fn end(&mut self, since: Instant, end: End) -> Option<Carrier> {
        self.desk.wake_all();
        match std::mem::replace(&mut self.child, Child::Gone(since, end)) {
            Child::Running(carrier) => Some(carrier),
            _ => None,
        }
    }

    /// Cancels request `id`. From now on its result, should it come, is late.
    pub(super) fn cancel(&mut self, id: u64) {
        self.desk.cancel(id);
        self.tell_of(id, "cancelled");
    }

    /// Tells the server that nobody waits for the answer to request `id` any more.
    pub(super) fn tell_of(&mut self, id: u64, reason: &str) {
        let Child::Running(carrier) = &mut self.child else { return };
        carrier.queue(id, (cancellation(id, reason) + "\n").as_bytes());
        carrier.flush_now(|written| self.desk.wrote(&written));
    }

    /// Has request `id` count the updates of a resource.
    pub(super) fn watch(&mut self, id: u64, uri: &str) {
        if let Some(request) = self.desk.get_mut(id) {
            request.watched = Some(uri.into());
        }
    }

    /// Takes the answer to request `id`, which goes on without it.
    pub(super) fn take_answer(&mut self, id: u64) -> Option<(Reply, Instant)> {
        self.desk.get_mut(id)?.answer.take()
    }

    /// The request is over.
    pub(super) fn leave(&mut self, id: u64) -> Option<Request> {
        self.desk.leave(id)
    }

    /// The request is over without an answer, which may still come.
    pub(super) fn abandon(&mut self, id: u64) -> Option<Request> {
        let request = self.desk.leave(id)?;
        self.desk.abandon(id);
        Some(request)
    }

    /// Why a request for `method` got no answer, and since when that is known.
    pub(super) fn failure(&self, method: &str) -> (Failure, Instant) {
        match &self.child {
            Child::Gone(since, end) => (end.failure(method), *since),
            // Nobody asks before the end.
            _ => (Failure::Transport("the child is gone".to_owned()), Instant::now()),
        }
    }

    /// Ends the conversation for all; returns the child if it still runs.
    pub(super) fn hang_up(&mut self) -> Option<Process> {
        self.end(Instant::now(), End::Closed)?.into_process()
    }
}

impl End {
    /// What it means to one who has sent `method`, or would have.
    fn failure(&self, method: &str) -> Failure {
        match self {
            Self::Died(obituary) => Failure::Transport(obituary.sentence(method)),
            Self::TooLong => Failure::Protocol(format!("a line of the child is longer than {} MiB", MAX_EVENT >> 20)),
            Self::Lost(failure) => failure.clone(),
            Self::Closed => Failure::Transport("the session was closed".to_owned()),
        }
    }
}
