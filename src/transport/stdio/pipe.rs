//! Lines in and lines out of a child, at the same time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::scan;
use super::super::sse::MAX_EVENT;
use super::process::Process;

/// The longest line that is accepted, as for an event.
const MAX_LINE: usize = MAX_EVENT;

/// What must be free in the buffer before a read: a small answer in one go.
const READ_AT_LEAST: usize = 4 * 1024;

/// A child with what is on its way to and from it. Nothing is lost when a future
/// that uses it is dropped.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) process: Process,
    /// Not yet written.
    out: BytesMut,
    /// Read, but not yet taken as lines.
    arrived: BytesMut,
    /// How much of `arrived` is known to hold no line end.
    scanned: usize,
    pub(super) meter: Meter,
}

/// What has happened since the last reset.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) written: Option<Instant>,
    pub(super) first_byte: Option<Instant>,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
}

/// Why there is no further line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The deadline.
    Timeout,
    /// The child closed one of its streams.
    Closed,
    /// A line beyond [`MAX_LINE`].
    TooLong,
}

impl Pipe {
    pub(super) fn new(process: Process) -> Self {
        Self { process, out: BytesMut::new(), arrived: BytesMut::new(), scanned: 0, meter: Meter::default() }
    }

    /// Adds to what will be written.
    pub(super) fn queue(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
    }

    /// Writes as much as the pipe takes without waiting.
    pub(super) fn flush_now(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        // A failure is noticed at the next read, with its reason.
        while !self.out.is_empty() && matches!(self.poll_write(&mut cx), Poll::Ready(Ok(()))) {}
    }

    /// Waits until all is written.
    pub(super) async fn flush(&mut self, deadline: &mut Deadline) -> Result<(), Stop> {
        poll_fn(|cx| {
            while !self.out.is_empty() {
                match self.poll_write(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                    Poll::Pending => return deadline.poll(cx).map(|()| Err(Stop::Timeout)),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// The next line without its end, while what is queued is written.
    pub(super) async fn line(&mut self, deadline: &mut Deadline) -> Result<Bytes, Stop> {
        poll_fn(|cx| {
            loop {
                // A child that is gone may have answered before: what it wrote
                // is read first, and its end is found there.
                let mut progress = false;
                if !self.out.is_empty() {
                    progress = matches!(self.poll_write(cx), Poll::Ready(Ok(())));
                }
                if let Some(line) = self.take_line() {
                    return Poll::Ready(Ok(line));
                }
                if self.arrived.len() > MAX_LINE {
                    return Poll::Ready(Err(Stop::TooLong));
                }
                match self.poll_read(cx) {
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                    Poll::Pending if progress && !self.out.is_empty() => continue,
                    Poll::Pending => {}
                }
                return deadline.poll(cx).map(|()| Err(Stop::Timeout));
            }
        })
        .await
    }

    fn take_line(&mut self) -> Option<Bytes> {
        let unseen = self.arrived.get(self.scanned..)?;
        let Some(end) = scan::find(unseen, |byte| byte == b'\n') else {
            self.scanned = self.arrived.len();
            return None;
        };
        let line = self.arrived.split_to(self.scanned + end).freeze();
        self.arrived.advance(1);
        self.scanned = 0;
        Some(match line.strip_suffix(b"\r") {
            Some(text) => line.slice_ref(text),
            None => line,
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        let Some(stdin) = &mut self.process.stdin else {
            return Poll::Ready(Err(Stop::Closed));
        };
        let began = self.meter.written.unwrap_or_else(Instant::now);
        match Pin::new(stdin).poll_write(cx, &self.out) {
            Poll::Ready(Ok(written @ 1..)) => {
                self.out.advance(written);
                self.meter.written = Some(began);
                self.meter.bytes_out += written as u64;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Stop::Closed)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.arrived.reserve(READ_AT_LEAST);
        let read = std::pin::pin!(self.process.stdout.read_buf(&mut self.arrived));
        match std::future::Future::poll(read, cx) {
            Poll::Ready(Ok(read @ 1..)) => {
                if self.meter.written.is_some() && self.meter.first_byte.is_none() {
                    self.meter.first_byte = Some(Instant::now());
                }
                self.meter.bytes_in += read as u64;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Stop::Closed)),
            Poll::Pending => Poll::Pending,
        }
    }
}
