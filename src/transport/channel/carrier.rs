//! What carries the messages of a conversation.

use std::task::{Context, Poll, Waker, ready};

use super::super::failure::Failure;
use super::super::http::Feed;
use super::pipe::{Line, Pipe, Stop, Written};
use super::process::Process;

/// The standard streams of a child, or the two ways of HTTP+SSE.
#[derive(Debug)]
pub(super) enum Carrier {
    Pipe(Box<Pipe>),
    Feed(Box<Feed>),
}

/// What comes out of a channel.
#[derive(Debug)]
pub(in super::super) enum Arrival {
    /// A message of the server.
    Line(Line),
    /// The message of this request did not get to the server, or was not taken.
    Refused(u64, Failure),
}

impl Carrier {
    /// Adds whole lines, which belong to request `id`, to what will be written.
    pub(super) fn queue(&mut self, id: u64, lines: &[u8]) {
        match self {
            Self::Pipe(pipe) => pipe.queue(id, lines),
            Self::Feed(feed) => feed.queue(id, lines),
        }
    }

    /// Writes as much as can be without waiting. Whoever waited until more can be
    /// is forgotten.
    pub(super) fn flush_now(&mut self, account: impl FnMut(Written)) {
        // A failure is noticed at the next read, with its reason.
        let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()), account);
    }

    /// Ready once all is written, or cannot be.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>, account: impl FnMut(Written)) -> Poll<()> {
        match self {
            Self::Pipe(pipe) => pipe.poll_flush(cx, account).map(|_| ()),
            Self::Feed(feed) => feed.poll_flush(cx, account),
        }
    }

    /// What comes next, while what is queued is written.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        account: impl FnMut(Written),
    ) -> Poll<Result<Arrival, Stop>> {
        Poll::Ready(match self {
            Self::Pipe(pipe) => ready!(pipe.poll_line(cx, account)).map(Arrival::Line),
            Self::Feed(feed) => ready!(feed.poll_next(cx, account)).map_err(Stop::Lost),
        })
    }

    /// How much has come of a message that has no end yet.
    pub(super) fn unfinished(&self) -> u64 {
        match self {
            Self::Pipe(pipe) => pipe.unfinished(),
            Self::Feed(feed) => feed.unfinished(),
        }
    }

    /// The child, if there is one.
    pub(super) fn process(&self) -> Option<&Process> {
        match self {
            Self::Pipe(pipe) => Some(&pipe.process),
            Self::Feed(_) => None,
        }
    }

    /// The same, when nothing is to be read any more.
    pub(super) fn into_process(self) -> Option<Process> {
        match self {
            Self::Pipe(pipe) => Some(pipe.process),
            Self::Feed(_) => None,
        }
    }
}
