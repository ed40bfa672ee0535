//! stdio: one virtual user with one child process.

mod pipe;
mod process;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::pipe::{Meter, Pipe, Stop};
use self::process::GRACE;
pub(super) use self::process::Process;
use super::client::{Client, Opened};
use super::connector::ClientInfo;
use super::deadline::Deadline;
use super::envelope::{self, Message, Reply, Stranger};
use super::exchange::{Call, Exchange};
use super::failure::{Failure, OpenError};
use super::handshake::{self, Greeting, INITIALIZE};
use super::probe::{DISCOVER, Discovered, discovered};
use super::render::{INITIALIZED, Renderer, initialize_params, members};
use super::revision::Revision;
use super::sse::MAX_EVENT;
use super::target::StdioTarget;

/// How many timed-out requests are remembered, so that their late answers are
/// not taken for violations. More than this are outstanding only if the server
/// has stopped answering.
const ABANDONED: usize = 256;

/// What all clients of a run share.
#[derive(Debug)]
pub(super) struct StdioPlan {
    target: StdioTarget,
    revision: Revision,
    info: ClientInfo,
    renderer: Renderer,
}

impl StdioPlan {
    pub(super) fn new(target: StdioTarget, revision: Revision, info: &ClientInfo) -> Self {
        Self { renderer: Renderer::new(revision, info), info: info.clone(), revision, target }
    }
}

/// A client over the standard streams of a child process.
///
/// When the child has ended, calls fail and say how; [`Client::open`] starts
/// another one. The child's output is read while a call waits: a server that
/// says more than fits into a pipe while nothing is asked of it has to wait.
#[derive(Debug)]
pub struct StdioClient {
    plan: Arc<StdioPlan>,
    opened: Option<Box<Opened>>,
    pipe: Option<Box<Pipe>>,
    /// How the last child ended.
    ended: Option<String>,
    deadline: Deadline,
    last_id: u64,
    /// A request whose answer has not come; set while a call runs, and left
    /// behind by one that was dropped.
    in_flight: Option<u64>,
    abandoned: VecDeque<u64>,
}

impl StdioClient {
    pub(super) fn new(plan: Arc<StdioPlan>) -> Self {
        Self {
            plan,
            opened: None,
            pipe: None,
            ended: None,
            deadline: Deadline::default(),
            last_id: 0,
            in_flight: None,
            abandoned: VecDeque::new(),
        }
    }

    /// Sends one request, without a thought for the session.
    async fn request(&mut self, call: Call<'_>) -> Exchange {
        self.deadline.set(Instant::now(), call.timeout);
        if let Some(id) = self.in_flight.take() {
            self.abandon(id);
        }
        let Some(mut pipe) = self.pipe.take() else {
            let ended = self.ended.as_deref().unwrap_or("the session is not open");
            return Exchange::unsent(Failure::Transport(ended.to_owned()));
        };
        self.last_id += 1;
        let id = self.last_id;
        let Some(line) = self.render(id, call) else {
            self.pipe = Some(pipe);
            return Exchange::unsent(Failure::Protocol("the parameters are not a JSON object".to_owned()));
        };
        pipe.meter = Meter::default();
        pipe.queue(&line);
        self.in_flight = Some(id);
        // Kept in its place, so that the child outlives a dropped call.
        let pipe = self.pipe.insert(pipe);
        let mut seen = Seen { notifications: 0, violations: 0, done: None };
        let waiting = Waiting { id, modern: self.plan.revision.is_modern(), abandoned: &mut self.abandoned };
        let outcome = waiting.answer(pipe, &mut self.deadline, &mut seen).await;
        let done = seen.done.unwrap_or_else(Instant::now);
        let meter = std::mem::take(&mut pipe.meter);
        let outcome = match outcome {
            Ok(reply) => {
                self.in_flight = None;
                Ok(reply)
            }
            Err(stop) => Err(self.stopped(id, stop, call.method).await),
        };
        Exchange {
            written: meter.written,
            first_byte: meter.first_byte,
            done,
            status: None,
            bytes_out: meter.bytes_out,
            bytes_in: meter.bytes_in,
            connect: None,
            drain: Duration::ZERO,
            notifications: seen.notifications,
            violations: seen.violations,
            outcome,
        }
    }

    /// The request on one line.
    fn render(&self, id: u64, call: Call<'_>) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.plan.renderer.request(id, call.method, members(call.params)?).push(&mut line);
        for byte in &mut line {
            // Inside strings JSON has no raw line breaks, so these are white space.
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        Some(line)
    }

    /// What it means that no answer came, and what has to be done about it.
    async fn stopped(&mut self, id: u64, stop: Stop, method: &str) -> Failure {
        self.in_flight = None;
        if stop == Stop::Timeout {
            self.abandon(id);
            if let Some(pipe) = &mut self.pipe
                && method != INITIALIZE
            {
                let cancel = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"timeout"}}}}"#
                );
                pipe.queue(cancel.as_bytes());
                pipe.queue(b"\n");
                pipe.flush_now();
            }
            return Failure::Timeout { after: self.deadline.after() };
        }
        self.opened = None;
        let Some(mut pipe) = self.pipe.take() else {
            return Failure::Transport("the child is gone".to_owned());
        };
        if stop == Stop::TooLong {
            let failure = format!("a line of the child is longer than {} MiB", MAX_EVENT >> 20);
            self.ended = Some(failure.clone());
            return Failure::Protocol(failure);
        }
        let end = pipe.process.obituary(&format!("before answering {method}")).await;
        self.ended = Some(end.clone());
        Failure::Transport(end)
    }

    fn abandon(&mut self, id: u64) {
        if self.abandoned.len() == ABANDONED {
            self.abandoned.pop_front();
        }
        self.abandoned.push_back(id);
    }

    /// Starts the child, and nothing more.
    pub(super) fn start(&mut self) -> Result<(), OpenError> {
        self.abandoned.clear();
        self.in_flight = None;
        self.pipe = Some(Box::new(Pipe::new(Process::spawn(&self.plan.target)?)));
        Ok(())
    }

    /// Opens the session; returns the server's instructions as well, which are
    /// too long to keep for each client.
    pub(super) async fn open_fully(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        self.start()?;
        let outcome = self.greet(start.elapsed()).await;
        match &outcome {
            Ok((opened, _)) => self.opened = Some(Box::new(opened.clone())),
            Err(_) => self.pipe = None,
        }
        outcome
    }

    /// Opens the session on a child that has just been started.
    async fn greet(&mut self, connect: Duration) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        let plan = Arc::clone(&self.plan);
        let timeout = plan.target.open_timeout;
        let greeting =
            if plan.revision.is_modern() { self.discover(timeout).await? } else { self.initialize(timeout).await? };
        let opened = Opened {
            connect,
            session: start.elapsed(),
            server: greeting.server,
            revision: greeting.revision,
            capabilities: greeting.capabilities,
        };
        Ok((opened, greeting.instructions))
    }

    /// The modern opening. A handshake is not needed, but to know that the child
    /// has started is: its first request would otherwise measure the start.
    async fn discover(&mut self, timeout: Duration) -> Result<Greeting, OpenError> {
        let call = Call { method: DISCOVER, name: None, params: b"{}", timeout };
        let exchange = self.request(call).await;
        let found = match handshake::reply(DISCOVER, exchange) {
            Ok(reply) => discovered(&reply).unwrap_or_default(),
            // Any answer will do.
            Err(OpenError::Refused { .. }) => Discovered::default(),
            Err(error) => return Err(self.explain(error)),
        };
        Ok(Greeting {
            revision: self.plan.revision,
            server: found.server,
            capabilities: found.capabilities,
            instructions: found.instructions,
        })
    }

    /// The legacy handshake: `initialize`, then `notifications/initialized`.
    async fn initialize(&mut self, timeout: Duration) -> Result<Greeting, OpenError> {
        let params = initialize_params(self.plan.revision, &self.plan.info);
        let call = Call { method: INITIALIZE, name: None, params: params.as_bytes(), timeout };
        let exchange = self.request(call).await;
        let reply = handshake::reply(INITIALIZE, exchange).map_err(|error| self.explain(error))?;
        let greeting = handshake::greeting(&reply, self.plan.revision)?;
        if let Some(pipe) = &mut self.pipe {
            pipe.queue(INITIALIZED);
            pipe.queue(b"\n");
            // Should it fail, the first call says why.
            let _ = pipe.flush(&mut self.deadline).await;
        }
        Ok(greeting)
    }

    /// Adds to a timeout what the child said meanwhile: a server that waits for
    /// something else usually says so.
    fn explain(&self, error: OpenError) -> OpenError {
        match (error, &self.pipe) {
            (OpenError::Failed { method, failure: failure @ Failure::Timeout { .. } }, Some(pipe)) => {
                let plain = failure.to_string();
                let words = pipe.process.with_last_words(plain.clone());
                if words == plain { OpenError::Failed { method, failure } } else { OpenError::Silent { method, words } }
            }
            (error, _) => error,
        }
    }
}

/// What was seen while waiting.
struct Seen {
    notifications: u32,
    violations: u32,
    /// When the line with the answer was complete.
    done: Option<Instant>,
}

/// Waits for one answer.
struct Waiting<'a> {
    id: u64,
    modern: bool,
    abandoned: &'a mut VecDeque<u64>,
}

impl Waiting<'_> {
    async fn answer(self, pipe: &mut Pipe, deadline: &mut Deadline, seen: &mut Seen) -> Result<Reply, Stop> {
        loop {
            let line = pipe.line(deadline).await?;
            // The clock is read before the message is: parsing is our time.
            let now = Instant::now();
            if line.trim_ascii().is_empty() {
                continue;
            }
            match envelope::read(line, self.id) {
                Message::Reply(reply) => {
                    seen.done = Some(now);
                    return Ok(reply);
                }
                Message::Notification => seen.notifications += 1,
                // Since 2026-07-28 servers ask by other means, and clients must
                // not write responses.
                Message::Request { .. } if self.modern => seen.violations += 1,
                Message::Request { id, method } => pipe.queue(response(&id, &method).as_bytes()),
                Message::Stranger(Stranger::Number(id)) if self.abandoned.contains(&id) => {
                    self.abandoned.retain(|&known| known != id);
                }
                Message::Stranger(_) | Message::Invalid(_) => seen.violations += 1,
            }
        }
    }
}

/// Our answer to a request of the server: `ping` is always allowed, everything
/// else belongs to a capability that was not declared.
fn response(id: &str, method: &str) -> String {
    let body =
        if method == "ping" { r#""result":{}"# } else { r#""error":{"code":-32601,"message":"Method not found"}"# };
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{body}}}\n")
}

impl Client for StdioClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        if let Some(opened) = &self.opened {
            return Ok((**opened).clone());
        }
        self.open_fully().await.map(|(opened, _)| opened)
    }

    fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// One child answers one request at a time.
    fn sibling(&mut self) -> Option<Self> {
        None
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        self.request(call).await
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        self.opened = None;
        self.ended = None;
        match self.pipe.take() {
            Some(pipe) => pipe.process.stop(GRACE).await.map(|()| start.elapsed()),
            None => Ok(Duration::ZERO),
        }
    }
}
