//! What benches need of the measured path: a client whose server is a list of
//! answers in memory. Everything else is as in a run: the request is put
//! together and written, the answer is read and taken apart. What the kernel does is missing, and so is all chance.
//!
//! Not a part of the library's interface.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::client::{Client, Connector, Opened};
use super::super::connector::ClientInfo;
use super::super::exchange::{Call, Exchange};
use super::super::failure::{Failure, OpenError};
use super::super::questions::Answers;
use super::super::revision::Revision;
use super::super::target::HttpTarget;
use super::connect::Dial;
use super::link::Stream;
use super::{HttpClient, HttpPlan};

/// The text of a result as small as that of an echo tool, whole as 2026-07-28 wants it.
const RESULT: &str =
    r#"{"content":[{"type":"text","text":"hello hello hello hello"}],"isError":false,"resultType":"complete"}"#;

/// Form of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/json`
    Json,
    /// `text/event-stream`
    Sse,
}

/// A stream that answers the n-th write with the n-th answer of a server.
#[derive(Debug)]
pub struct Replay {
    /// Answers by the order of requests, made before any is sent.
    answers: VecDeque<Vec<u8>>,
    /// The answer that is due, once a request has been written.
    due: Option<Vec<u8>>,
    /// Whoever waits for it.
    waiting: Option<Waker>,
}

impl Replay {
    fn new(form: Form, answers: u64) -> Replay {
        let answers = (1..=answers).map(|id| answer(form, id)).collect();
        Replay { answers, due: None, waiting: None }
    }
}

/// A whole HTTP response to request `id`.
fn answer(form: Form, id: u64) -> Vec<u8> {
    let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{RESULT}}}"#);
    match form {
        Form::Json => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
            format!("{head}: {}\r\n\r\n{message}", message.len()).into_bytes()
        }
        Form::Sse => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked";
            let event = format!("event: message\ndata: {message}\n\n");
            format!("{head}\r\n\r\n{:x}\r\n{event}\r\n0\r\n\r\n", event.len()).into_bytes()
        }
    }
}

impl AsyncRead for Replay {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.due.take() {
            Some(answer) => {
                buf.put_slice(&answer);
                Poll::Ready(Ok(()))
            }
            None => {
                self.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Replay {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.due = self.answers.pop_front();
        // As a socket does that has become readable.
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Stream for Replay {}

impl Dial for Replay {
    /// How it is to answer stands in the target: `/json/1000` or `/sse/1000`.
    async fn dial(target: &HttpTarget) -> Result<Self, Failure> {
        let path = target.uri().path().trim_start_matches('/');
        let (form, answers) = path.split_once('/').unwrap_or((path, "0"));
        let form = if form == "sse" { Form::Sse } else { Form::Json };
        Ok(Replay::new(form, answers.parse().unwrap_or(0)))
    }
}

/// Makes clients over [`Replay`].
#[derive(Clone, Debug)]
pub struct ReplayConnector {
    plan: Arc<HttpPlan>,
}

/// A client over [`Replay`].
#[derive(Debug)]
pub struct ReplayClient(HttpClient<Replay>);

impl ReplayConnector {
    /// Clients of the newest revision whose server answers so many requests in
    /// this form; `None` when that cannot be written as a target.
    #[must_use]
    pub fn new(form: Form, answers: u64) -> Option<ReplayConnector> {
        let path = match form {
            Form::Json => "json",
            Form::Sse => "sse",
        };
        let target = HttpTarget::parse(&format!("http://127.0.0.1:1/{path}/{answers}"), Vec::new()).ok()?;
        let plan = HttpPlan::new(target, Revision::V2026_07_28, &ClientInfo::default(), Answers::default());
        Some(ReplayConnector { plan: Arc::new(plan) })
    }
}

impl Connector for ReplayConnector {
    type Client = ReplayClient;

    fn client(&self) -> ReplayClient {
        ReplayClient(HttpClient::new(Arc::clone(&self.plan)))
    }
}

impl Client for ReplayClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        self.0.open().await
    }

    fn is_open(&self) -> bool {
        self.0.is_open()
    }

    fn sibling(&mut self) -> ReplayClient {
        ReplayClient(self.0.sibling())
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        self.0.call(call).await
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        self.0.close().await
    }
}
