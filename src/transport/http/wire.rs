//! A stream that stamps the first byte in each direction and counts all.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::super::sockets::Counted;

/// The most that is read at once. hyper's buffer starts at 8 KiB and grows with
/// what it gets, so this bounds the largest answers only.
const READ_AT_ONCE: usize = 64 * 1024;

thread_local! {
    /// Where the bytes of all connections of a thread arrive, before they are
    /// copied into the buffer of theirs.
    ///
    /// hyper's buffers are uninitialised memory. Filling them in place without
    /// unsafe code means clearing them first, 8 KiB for each answer of 300
    /// bytes; the copy is cheaper, and it touches no page that is not needed.
    static ARRIVALS: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_AT_ONCE]);
}

/// What a connection has carried since the last reset.
#[derive(Debug, Default)]
pub(super) struct Meter {
    written: Cell<Option<Instant>>,
    first_byte: Cell<Option<Instant>>,
    bytes_out: Cell<u64>,
    bytes_in: Cell<u64>,
}

impl Meter {
    /// Forgets the stamps, so that the next bytes are the first again.
    pub(super) fn reset_stamps(&self) {
        self.written.set(None);
        self.first_byte.set(None);
    }

    /// The bytes written and read since the last call of this.
    pub(super) fn take_bytes(&self) -> (u64, u64) {
        (self.bytes_out.take(), self.bytes_in.take())
    }

    /// When the first write that succeeded began.
    pub(super) const fn written(&self) -> Option<Instant> {
        self.written.get()
    }

    /// When the first bytes had been read.
    pub(super) const fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get()
    }

    fn wrote(&self, began: Instant, bytes: usize) {
        if self.written.get().is_none() {
            self.written.set(Some(began));
        }
        self.bytes_out.set(self.bytes_out.get() + bytes as u64);
    }

    fn read(&self, bytes: usize) {
        // No bytes are the end of the stream, which is not an answer.
        if bytes > 0 && self.first_byte.get().is_none() {
            self.first_byte.set(Some(Instant::now()));
        }
        self.bytes_in.set(self.bytes_in.get() + bytes as u64);
    }
}

/// The stream, as hyper wants it.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    meter: Rc<Meter>,
    _counted: Counted,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, meter: Rc<Meter>) -> Self {
        Self { stream, meter, _counted: Counted::new() }
    }

    /// The instant to stamp a write with: the clock is read before the first
    /// one only.
    fn write_begins(&self) -> Instant {
        self.meter.written.get().unwrap_or_else(Instant::now)
    }
}

impl<S: AsyncRead + Unpin> Read for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        ARRIVALS.with_borrow_mut(|arrivals| {
            let room = buf.remaining().min(READ_AT_ONCE);
            let Some(space) = arrivals.get_mut(..room) else {
                return Poll::Ready(Ok(()));
            };
            let mut space = ReadBuf::new(space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
            self.meter.read(space.filled().len());
            buf.put_slice(space.filled());
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> Write for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let began = self.write_begins();
        let bytes = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.meter.wrote(began, bytes);
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let began = self.write_begins();
        let bytes = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs))?;
        self.meter.wrote(began, bytes);
        Poll::Ready(Ok(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of ours to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
