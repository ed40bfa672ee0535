//! One HTTP/1.1 connection: a request out, a response in, no task of its own.
//!
//! The bytes go from the socket to whoever waits for them without a queue, a
//! task switch or a buffer that outlives its answer: an idle connection holds
//! no memory but itself.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::failure::Failure;
use super::super::sockets::Counted;
use super::super::tls;
use super::super::wire::Wire;
use super::body::{Framing, Piece};
use super::response::{self, Head, Parsed, Unreadable};

/// The most bytes of status line and headers: far above what servers and
/// proxies accept themselves, far below what could hurt.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// A connection that was idle for less was not closed for that: no server that
/// we know has a shorter limit, and one that fails under load must not look as if it had.
const IDLE: Duration = Duration::from_secs(1);

/// The most that is read at once.
const READ_AT_ONCE: usize = 64 * 1024;

thread_local! {
    /// Where the bytes of all connections of a thread arrive, before they are
    /// copied into a buffer of just their size. A buffer per connection would
    /// have to be large enough for any answer, or cost more reads.
    static ARRIVALS: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_AT_ONCE]);
}

/// What carries a connection: the network, but for benches that replay a server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug + 'static {
    /// When the last byte that was read had arrived; `None` where that is not
    /// known.
    fn arrived(&self) -> Option<Instant> {
        None
    }
}

impl Stream for Wire {
    fn arrived(&self) -> Option<Instant> {
        self.arrived()
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link<S: Stream = Wire> {
    stream: S,
    /// What has arrived and was not taken.
    arrived: BytesMut,
    /// What of the request could not be written at once; empty in nearly all
    /// cases.
    unsent: Bytes,
    /// Whether the stream may hold back what was written: TLS does when the
    /// socket takes no more.
    held_back: bool,
    /// What is left of the response.
    framing: Framing,
    /// It can carry another request after this one.
    keep_alive: bool,
    pub(super) meter: Meter,
    /// When the answer to the request before this one was complete, if there was
    /// one.
    pub(super) idle_since: Option<Instant>,
    _counted: Counted,
}

/// What a connection has carried since the last reset.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When the first write began.
    pub(super) written: Option<Instant>,
    /// When the first bytes had arrived.
    pub(super) first_byte: Option<Instant>,
    /// When the last bytes that were read had arrived.
    last_byte: Option<Instant>,
    bytes_out: u64,
    bytes_in: u64,
}

impl Meter {
    /// When the last bytes that were read had arrived, now where nothing was
    /// read.
    pub(super) fn last_byte(&self) -> Instant {
        self.last_byte.unwrap_or_else(Instant::now)
    }

    /// An instant of arrival, or now if that one cannot be: nothing that follows
    /// a request arrived before it was written or has yet to arrive. A wall clock
    /// that was set since may say so.
    fn possible(&self, arrived: Option<Instant>) -> Instant {
        let now = Instant::now();
        arrived.filter(|&at| at <= now && self.written.is_none_or(|written| written <= at)).unwrap_or(now)
    }

    /// The bytes written and read since the last call of this.
    pub(super) fn take_bytes(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.bytes_out), std::mem::take(&mut self.bytes_in))
    }
}

/// Why a connection gives nothing more.
#[derive(Debug)]
enum Broken {
    /// The server closed it.
    Closed,
    /// The server reset it, or the machine did.
    Failed(io::ErrorKind),
    /// TLS ended it, with these words.
    Tls(String),
    Head(Unreadable),
    Chunks(&'static str),
    Late,
}

impl<S: Stream> Link<S> {
    /// A connection on a fresh stream.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            arrived: BytesMut::new(),
            unsent: Bytes::new(),
            held_back: false,
            framing: Framing::NONE,
            keep_alive: true,
            meter: Meter::default(),
            idle_since: None,
            _counted: Counted::new(),
        }
    }

    /// Whether the connection can take a request. Notices that the server has
    /// closed it, or has sent what nobody asked for.
    pub(super) fn is_idle(&mut self) -> bool {
        let usable = self.keep_alive
            && self.unsent.is_empty()
            && !self.held_back
            && self.framing.is_over()
            && self.arrived.is_empty();
        // No waker: a request follows at once, and drives the connection.
        usable && self.poll_fill(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Waits for the head of the response to the request that was begun.
    pub(super) async fn head(&mut self, deadline: &mut Deadline) -> Result<Head, Failure> {
        let outcome = poll_fn(|cx| match self.poll_head(cx) {
            Poll::Pending => deadline.poll(cx).map(|()| Err(Broken::Late)),
            ready => ready,
        });
        match outcome.await {
            Ok(head) => Ok(head),
            Err(broken) => Err(self.failure(broken, deadline)),
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn chunk(&mut self, deadline: &mut Deadline) -> Result<Option<Bytes>, Failure> {
        let outcome = poll_fn(|cx| match self.poll_chunk(cx) {
            Poll::Pending => deadline.poll(cx).map(|()| Err(Broken::Late)),
            ready => ready,
        });
        match outcome.await {
            Ok(chunk) => Ok(chunk),
            Err(broken) => Err(self.failure(broken, deadline)),
        }
    }

    /// The head of the response, for one who polls and keeps the time himself.
    pub(super) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Failure>> {
        self.poll_head(cx).map_err(|broken| self.failure(broken, &Deadline::default()))
    }

    /// The same of the next piece of the body.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        self.poll_chunk(cx).map_err(|broken| self.failure(broken, &Deadline::default()))
    }

    /// What the body is known to have yet; 0 where that is not known.
    pub(super) const fn length(&self) -> u64 {
        match self.framing {
            Framing::Length(left) => left,
            _ => 0,
        }
    }

    /// Whether the body has ended.
    pub(super) fn is_over(&self) -> bool {
        self.framing.is_over()
    }

    /// Begins a request: writes what can be written at once, and keeps the rest.
    pub(super) fn begin(&mut self, request: &[u8]) {
        (self.meter.written, self.meter.first_byte, self.meter.last_byte) = (None, None, None);
        let mut rest = request;
        // No waker: whoever waits for the response goes on with the rest.
        let mut cx = Context::from_waker(Waker::noop());
        while !rest.is_empty()
            && let Poll::Ready(Some(written)) = self.poll_write(&mut cx, rest)
        {
            rest = rest.get(written..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.unsent = Bytes::copy_from_slice(rest);
        }
        self.poll_flush(&mut cx);
    }

    /// Lets go of what the stream holds back.
    fn poll_flush(&mut self, cx: &mut Context<'_>) {
        self.held_back = match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
            // The next read says why.
            Poll::Ready(Err(_)) => {
                self.keep_alive = false;
                false
            }
        };
    }

    /// Writes some bytes; `None` if the connection takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Option<usize>> {
        let began = self.meter.written.unwrap_or_else(Instant::now);
        match ready!(Pin::new(&mut self.stream).poll_write(cx, bytes)) {
            Ok(written) if written > 0 => {
                self.meter.written = Some(began);
                self.meter.bytes_out += written as u64;
                Poll::Ready(Some(written))
            }
            _ => {
                // A server that refuses a request may do so before it has read
                // it, so what it said is read all the same.
                self.keep_alive = false;
                Poll::Ready(None)
            }
        }
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) {
        while !self.unsent.is_empty() {
            let bytes = self.unsent.clone();
            match self.poll_write(cx, &bytes) {
                Poll::Ready(Some(written)) => self.unsent.advance(written),
                Poll::Ready(None) => self.unsent.clear(),
                Poll::Pending => return,
            }
        }
        if self.held_back {
            self.poll_flush(cx);
        }
    }

    /// Reads what has arrived.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        ARRIVALS.with_borrow_mut(|arrivals| {
            let mut space = ReadBuf::new(arrivals);
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space)) {
                return Poll::Ready(Err(match tls::told(&error) {
                    Some(words) => Broken::Tls(words),
                    None => Broken::Failed(error.kind()),
                }));
            }
            let bytes = space.filled();
            if bytes.is_empty() {
                return Poll::Ready(Err(Broken::Closed));
            }
            let arrived = self.meter.possible(self.stream.arrived());
            self.meter.first_byte.get_or_insert(arrived);
            self.meter.last_byte = Some(arrived);
            self.meter.bytes_in += bytes.len() as u64;
            self.arrived.extend_from_slice(bytes);
            Poll::Ready(Ok(()))
        })
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Broken>> {
        self.poll_unsent(cx);
        loop {
            ready!(self.poll_fill(cx))?;
            if let Some(Parsed { head, framing, keep_alive }) =
                response::take(&mut self.arrived).map_err(Broken::Head)?
            {
                self.framing = framing;
                // With an answer before all of the request was sent, nobody
                // knows what the server makes of the rest.
                self.keep_alive &= keep_alive && framing != Framing::UntilClose && self.unsent.is_empty();
                self.let_go();
                return Poll::Ready(Ok(head));
            }
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        loop {
            match self.framing.next(&mut self.arrived).map_err(Broken::Chunks)? {
                Piece::Data(bytes) => {
                    self.let_go();
                    return Poll::Ready(Ok(Some(bytes)));
                }
                Piece::End => return Poll::Ready(Ok(None)),
                Piece::More => match ready!(self.poll_fill(cx)) {
                    Err(Broken::Closed) if self.framing == Framing::UntilClose => {
                        self.framing = Framing::NONE;
                        return Poll::Ready(Ok(None));
                    }
                    filled => filled?,
                },
            }
        }
    }

    /// Lets go of a buffer of which everything was taken: it would live for as
    /// long as the connection, and with it all that it ever held.
    fn let_go(&mut self) {
        if self.arrived.is_empty() {
            self.arrived = BytesMut::new();
        }
    }

    /// Whether the request found the connection idle for so long that the server
    /// may have closed it for that reason.
    fn was_idle(&self) -> bool {
        let until = self.meter.written.unwrap_or_else(Instant::now);
        self.idle_since.is_some_and(|since| until.saturating_duration_since(since) >= IDLE)
    }

    /// What the end of a connection means to the user.
    fn failure(&self, broken: Broken, deadline: &Deadline) -> Failure {
        let answered = self.meter.first_byte.is_some();
        let reset = match broken {
            Broken::Late => return Failure::Timeout { after: deadline.after() },
            Broken::Head(unreadable) => return Failure::Transport(unreadable.to_string()),
            Broken::Chunks(what) => return Failure::Transport(Unreadable::Garbled(what).to_string()),
            Broken::Closed | Broken::Failed(_) if !answered && self.was_idle() => return Failure::Stale,
            Broken::Tls(words) => return Failure::Transport(format!("TLS ended the connection: {words}")),
            Broken::Closed => false,
            Broken::Failed(kind) => kind == io::ErrorKind::ConnectionReset,
        };
        Failure::Transport(
            match (reset, answered) {
                (true, false) => "the server reset the connection before answering",
                (true, true) => "the server reset the connection in the middle of its answer",
                (false, false) => "the server closed the connection before answering",
                (false, true) => "the server closed the connection in the middle of its answer",
            }
            .to_owned(),
        )
    }
}
