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
use tokio::net::TcpStream;

use super::super::deadline::Deadline;
use super::super::failure::Failure;
use super::wire::{Meter, Wire};

/// The most bytes of status line and headers: far above what servers and
/// proxies accept themselves, far below what could hurt. The number of headers
/// is limited by hyper, to 100.
const MAX_HEAD: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    send: SendRequest<Full<Bytes>>,
    connection: Connection<Wire, Full<Bytes>>,
    pub(super) meter: Rc<Meter>,
    /// The connection's future has finished and must not be polled again.
    ended: bool,
    /// It has carried a request before this one.
    pub(super) reused: bool,
}

impl Link {
    /// A connection on a fresh stream.
    pub(super) async fn new(stream: TcpStream) -> Result<Self, Failure> {
        let meter = Rc::new(Meter::default());
        let (send, connection) = Builder::new()
            .max_header_size(MAX_HEAD)
            .handshake(Wire::new(stream, Rc::clone(&meter)))
            .await
            .map_err(|error| Failure::Connect(error.to_string()))?;
        Ok(Self {
            send,
            connection,
            meter,
            ended: false,
            reused: false,
        })
    }

    /// Whether the connection can take a request. Notices that the server has
    /// closed it.
    pub(super) fn is_idle(&mut self) -> bool {
        // Whatever wakes the connection wakes this task for nothing, because a
        // request follows at once and drives it.
        let mut cx = Context::from_waker(Waker::noop());
        self.drive(&mut cx).is_pending() && self.send.is_ready()
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: &mut Deadline,
    ) -> Result<Response<Incoming>, Failure> {
        let mut response = pin!(self.send.send_request(request));
        let outcome = poll_fn(|cx| {
            let ended = drive(&mut self.connection, &mut self.ended, cx).is_ready();
            // Before the first byte there can be no response, and asking would
            // only leave a waker behind that wakes this task from within.
            if (ended || self.meter.first_byte().is_some())
                && let Poll::Ready(outcome) = response.as_mut().poll(cx)
            {
                return Poll::Ready(Some(outcome));
            }
            deadline.poll(cx).map(|()| None)
        })
        .await;
        match outcome {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(self.failure(&error)),
            None => Err(Failure::Timeout {
                after: deadline.after(),
            }),
        }
    }

    /// The next piece of a body; `None` at its end.
    pub(super) async fn chunk(
        &mut self,
        body: &mut Incoming,
        deadline: &mut Deadline,
    ) -> Result<Option<Bytes>, Failure> {
        let frame = poll_fn(|cx| {
            // What the connection has already taken apart comes first, without
            // a waker: the connection is polled next and would ring it.
            let mut quiet = Context::from_waker(Waker::noop());
            if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(&mut quiet) {
                return Poll::Ready(Some(frame));
            }
            // Should it end here, the body learns of it and is ready below.
            let _ = drive(&mut self.connection, &mut self.ended, cx);
            if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
                return Poll::Ready(Some(frame));
            }
            deadline.poll(cx).map(|()| None)
        })
        .await;
        match frame {
            // Trailers have no meaning in MCP.
            Some(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Some(Err(error))) => Err(self.failure(&error)),
            Some(None) => Ok(None),
            None => Err(Failure::Timeout {
                after: deadline.after(),
            }),
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        drive(&mut self.connection, &mut self.ended, cx)
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

fn drive(connection: &mut Connection<Wire, Full<Bytes>>, ended: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    if !*ended {
        // Its error, if any, is told to the request or body that it concerns.
        *ended = Pin::new(connection).poll(cx).is_ready();
    }
    if *ended { Poll::Ready(()) } else { Poll::Pending }
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
