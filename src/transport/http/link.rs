//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! hyper splits a connection into a handle that sends requests and a future
//! that does the work, meant for a task of its own. Here that future is polled
//! together with the response, in the caller's task, so that no task switch
//! lies on the measured path.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::super::deadline::Deadline;
use super::super::failure::Failure;
use super::quiet::Quiet;
use super::wire::{Meter, Wire};

/// The most bytes of status line and headers: far above what servers and
/// proxies accept themselves, far below what could hurt. The number of headers
/// is limited by hyper, to 100.
const MAX_HEAD: usize = 64 * 1024;

/// What carries a connection: TCP, but for benches that replay a server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug + 'static {}

impl Stream for TcpStream {}

/// A connection.
#[derive(Debug)]
pub(super) struct Link<S: Stream = TcpStream> {
    send: SendRequest<Full<Bytes>>,
    driver: Driver<S>,
    quiet: Quiet,
    pub(super) meter: Rc<Meter>,
    /// It has carried a request before this one.
    pub(super) reused: bool,
}

/// The half of a connection that does the work.
#[derive(Debug)]
struct Driver<S: Stream> {
    connection: Connection<Wire<S>, Full<Bytes>>,
    /// The future has finished and must not be polled again.
    ended: bool,
}

impl<S: Stream> Driver<S> {
    /// Ready when the connection has ended. An error is not told here, but to
    /// the response or the body that it concerns.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.ended {
            self.ended = Pin::new(&mut self.connection).poll(cx).is_ready();
        }
        if self.ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<S: Stream> Link<S> {
    /// A connection on a fresh stream.
    pub(super) async fn new(stream: S) -> Result<Self, Failure> {
        let meter = Rc::new(Meter::default());
        let (send, connection) = Builder::new()
            .max_header_size(MAX_HEAD)
            // One buffer and one plain write: requests are small, and a vectored
            // write costs more than the copy.
            .writev(false)
            .handshake(Wire::new(stream, Rc::clone(&meter)))
            .await
            .map_err(|error| Failure::Connect(error.to_string()))?;
        Ok(Self {
            send,
            driver: Driver { connection, ended: false },
            quiet: Quiet::new(Waker::noop().clone()),
            meter,
            reused: false,
        })
    }

    /// Whether the connection can take a request. Notices that the server has
    /// closed it.
    pub(super) fn is_idle(&mut self) -> bool {
        // No waker: a request follows at once, and drives the connection.
        let mut cx = Context::from_waker(Waker::noop());
        self.driver.poll(&mut cx).is_pending() && self.send.is_ready()
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: &mut Deadline,
    ) -> Result<Response<Incoming>, Failure> {
        let mut response = pin!(self.send.send_request(request));
        let (driver, quiet) = (&mut self.driver, &mut self.quiet);
        let outcome = poll_fn(|cx| {
            quiet.poll(cx, |cx| {
                // Should the connection end here, the response learns of it.
                let _ = driver.poll(cx);
                match response.as_mut().poll(cx) {
                    Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                    Poll::Pending => deadline.poll(cx).map(|()| None),
                }
            })
        })
        .await;
        self.finish(outcome, deadline)
    }

    /// The next piece of a body; `None` at its end.
    pub(super) async fn chunk(
        &mut self,
        body: &mut Incoming,
        deadline: &mut Deadline,
    ) -> Result<Option<Bytes>, Failure> {
        let (driver, quiet) = (&mut self.driver, &mut self.quiet);
        let outcome = poll_fn(|cx| {
            quiet.poll(cx, |cx| {
                // What the connection has already taken apart comes first.
                if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
                    return Poll::Ready(Some(frame));
                }
                // Should the connection end here, the body learns of it.
                let _ = driver.poll(cx);
                match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Ready(frame) => Poll::Ready(Some(frame)),
                    Poll::Pending => deadline.poll(cx).map(|()| None),
                }
            })
        })
        .await;
        let frame = self.finish(outcome.map(Option::transpose), deadline)?;
        // Trailers have no meaning in MCP.
        Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }

    /// The outcome of a poll of hyper's; `None` if the deadline came first.
    fn finish<T>(&self, outcome: Option<hyper::Result<T>>, deadline: &Deadline) -> Result<T, Failure> {
        match outcome {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(self.failure(&error)),
            None => Err(Failure::Timeout { after: deadline.after() }),
        }
    }

    /// What an error of hyper means to the user.
    fn failure(&self, error: &hyper::Error) -> Failure {
        let answered = self.meter.first_byte().is_some();
        // hyper tells this apart from other parse errors by its words only, and
        // keeps the method for servers.
        if error.is_parse() && error.to_string() == "message head is too large" {
            return Failure::Transport(format!(
                "the response has more than 100 headers, or more than {} KiB of them",
                MAX_HEAD / 1024
            ));
        }
        if answered && error.is_parse() {
            return Failure::Transport(format!("the answer is not HTTP/1.1: {}", cause(error)));
        }
        if self.reused && !answered {
            return Failure::Stale;
        }
        let reset = cause_of_io(error).is_some_and(|kind| kind == std::io::ErrorKind::ConnectionReset);
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

/// The innermost cause, which says more than hyper's own words.
fn cause(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn cause_of_io(error: &hyper::Error) -> Option<std::io::ErrorKind> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}
