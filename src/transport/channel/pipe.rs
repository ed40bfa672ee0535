//! Lines in and lines out of a child, at the same time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::time::Instant;

use super::super::failure::Failure;
use super::lines::Lines;
use super::process::Process;

/// What must be free in the buffer before a read: a small answer in one go.
const READ_AT_LEAST: usize = 4 * 1024;

/// A child with what is on its way to and from it. Nothing is lost when a future
/// that uses it is dropped, and a line is written to its end before the next.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) process: Process,
    /// Not yet written.
    out: BytesMut,
    /// For which request each part of `out` is written, and how long it is.
    parts: VecDeque<(u64, usize)>,
    /// Read, but not yet taken.
    lines: Lines,
    /// When the first byte of what was read and not taken came, and the last.
    first: Instant,
    last: Instant,
}

/// A line of the child.
#[derive(Debug)]
pub(in super::super) struct Line {
    /// Without its end.
    pub(in super::super) text: Bytes,
    /// Its bytes, with its end.
    pub(in super::super) size: u64,
    /// When its first byte came.
    pub(in super::super) first_byte: Instant,
    /// When it was complete.
    pub(in super::super) complete: Instant,
}

/// Bytes that were written.
#[derive(Debug)]
pub(in super::super) struct Written {
    /// The request for which they were written.
    pub(in super::super) id: u64,
    /// When the write began.
    pub(in super::super) began: Instant,
    pub(in super::super) bytes: u64,
}

/// Why there is no further line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The child closed one of its streams.
    Closed,
    /// A line that is too long.
    TooLong,
    /// The stream of the server ended, for this reason.
    Lost(Failure),
}

impl Pipe {
    pub(super) fn new(process: Process) -> Self {
        let now = Instant::now();
        Self { process, out: BytesMut::new(), parts: VecDeque::new(), lines: Lines::default(), first: now, last: now }
    }

    /// Adds whole lines, which belong to request `id`, to what will be written.
    pub(super) fn queue(&mut self, id: u64, lines: &[u8]) {
        self.out.extend_from_slice(lines);
        self.parts.push_back((id, lines.len()));
    }

    /// Ready once all is written.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        mut account: impl FnMut(Written),
    ) -> Poll<Result<(), Stop>> {
        while !self.out.is_empty() {
            std::task::ready!(self.poll_write(cx, &mut account))?;
        }
        Poll::Ready(Ok(()))
    }

    /// The next line, while what is queued is written.
    pub(super) fn poll_line(
        &mut self,
        cx: &mut Context<'_>,
        mut account: impl FnMut(Written),
    ) -> Poll<Result<Line, Stop>> {
        loop {
            // A child that is gone may have answered before: what it wrote is
            // read first, and its end is found there.
            let mut progress = false;
            if !self.out.is_empty() {
                progress = matches!(self.poll_write(cx, &mut account), Poll::Ready(Ok(())));
            }
            if let Some(line) = self.take_line() {
                return Poll::Ready(Ok(line));
            }
            if self.lines.are_too_long() {
                return Poll::Ready(Err(Stop::TooLong));
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                Poll::Pending if progress && !self.out.is_empty() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// How much has come of a line that has no end yet.
    pub(super) fn unfinished(&self) -> u64 {
        self.lines.arrived.len() as u64
    }

    fn take_line(&mut self) -> Option<Line> {
        let (text, size) = self.lines.take()?;
        // The line ended in the last read, so what is behind it came then, too.
        let first_byte = std::mem::replace(&mut self.first, self.last);
        Some(Line { text, size, first_byte, complete: self.last })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, account: &mut impl FnMut(Written)) -> Poll<Result<(), Stop>> {
        let Some(stdin) = &mut self.process.stdin else {
            return Poll::Ready(Err(Stop::Closed));
        };
        let began = Instant::now();
        match Pin::new(stdin).poll_write(cx, &self.out) {
            Poll::Ready(Ok(written @ 1..)) => {
                self.out.advance(written);
                self.settle(began, written, account);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Stop::Closed)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Says for which requests `written` bytes were.
    fn settle(&mut self, began: Instant, mut written: usize, account: &mut impl FnMut(Written)) {
        while let Some((id, left)) = self.parts.front_mut()
            && written > 0
        {
            let now = written.min(*left);
            account(Written { id: *id, began, bytes: now as u64 });
            *left -= now;
            written -= now;
            if *left == 0 {
                self.parts.pop_front();
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        let arrived = &mut self.lines.arrived;
        arrived.reserve(READ_AT_LEAST);
        let fresh = arrived.is_empty();
        let read = std::pin::pin!(self.process.stdout.read_buf(arrived));
        match std::future::Future::poll(read, cx) {
            Poll::Ready(Ok(1..)) => {
                self.last = Instant::now();
                if fresh {
                    self.first = self.last;
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Stop::Closed)),
            Poll::Pending => Poll::Pending,
        }
    }
}
