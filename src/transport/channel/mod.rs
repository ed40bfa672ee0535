//! Transports on which several requests can be under way and every message, in
//! both directions, goes over one channel: the standard streams of a child, or
//! the two ways of HTTP+SSE. Ids tell the answers apart.
//!
//! ```text
//! ChannelClient ─┐                  ┌─ Desk: whose answer is this message?
//! ChannelClient ─┼─► Conversation ──┤
//! ChannelClient ─┘                  └─ Carrier ─┬─ Pipe: lines to and from a Process
//!                                               └─ Feed: an event stream, and POSTs
//! ```

mod carrier;
mod conversation;
mod desk;
mod lines;
mod pipe;
mod process;
mod subscription;

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::carrier::Arrival;
use self::carrier::Carrier;
use self::conversation::Conversation;
pub(super) use self::lines::Lines;
use self::pipe::Pipe;
pub(super) use self::pipe::{Line, Written};
pub(super) use self::process::Process;
use self::process::{GRACE, with_last_words};
use super::client::{Client, Opened};
use super::compliance;
use super::connector::ClientInfo;
use super::deadline::Deadline;
use super::exchange::{Asides, Call, Exchange};
use super::failure::{Failure, OpenError};
use super::handshake::{self, Greeting, INITIALIZE};
use super::http::Feed;
use super::ids::Ids;
use super::probe::{DISCOVER, Discovered, discovered};
use super::questions::Answers;
use super::render::{INITIALIZED, Renderer, initialize_params, members};
use super::revision::Revision;
use super::target::{HttpTarget, StdioTarget};
use super::updates;
use super::updates::LISTEN;

/// What all clients of a run share.
#[derive(Debug)]
pub(super) struct ChannelPlan {
    server: Server,
    revision: Revision,
    info: ClientInfo,
    renderer: Renderer,
    answers: Arc<Answers>,
}

/// What is at the other end.
#[derive(Clone, Debug)]
pub(super) enum Server {
    /// A child that is to be started.
    Child(StdioTarget),
    /// A server that speaks HTTP+SSE.
    Feed(Arc<HttpTarget>),
}

impl Server {
    fn open_timeout(&self) -> Duration {
        match self {
            Self::Child(target) => target.open_timeout,
            Self::Feed(target) => target.open_timeout,
        }
    }
}

impl ChannelPlan {
    pub(super) fn new(server: Server, revision: Revision, info: &ClientInfo, answers: Answers) -> Self {
        let (renderer, answers) = (Renderer::new(revision, info, &answers), Arc::new(answers));
        Self { renderer, answers, info: info.clone(), revision, server }
    }

    /// The revision of its clients.
    pub(super) const fn revision(&self) -> Revision {
        self.revision
    }
}

/// A client over the standard streams of a child process, or over HTTP+SSE.
///
/// When the child or the stream has ended, calls fail and say how;
/// [`Client::open`] starts another one. The server's output is read while a call waits: a server that
/// says more than fits into a pipe while nothing is asked of it has to wait.
#[derive(Debug)]
pub struct ChannelClient {
    plan: Arc<ChannelPlan>,
    /// Shared with the siblings. The child is killed, or the stream closed, when
    /// the last is dropped.
    conversation: Option<Rc<RefCell<Conversation>>>,
    ids: Ids,
    deadline: Deadline,
}

impl ChannelClient {
    pub(super) fn new(plan: Arc<ChannelPlan>) -> Self {
        Self { plan, conversation: None, ids: Ids::default(), deadline: Deadline::default() }
    }

    /// Sends one request, without a thought for the session.
    async fn request(&mut self, call: Call<'_>) -> Exchange {
        let begun = Instant::now();
        let patience = call.cancel.map_or(call.timeout, |after| after.min(call.timeout));
        self.deadline.set(begun, patience);
        let Some(conversation) = &self.conversation else {
            return Exchange::unsent(Failure::Transport("the session is not open".to_owned()));
        };
        if let Some(failure) = conversation.borrow().ended(call.method) {
            return Exchange::unsent(failure);
        }
        let waiting = Waiting::begin(conversation, call.progress);
        let Some(line) = self.render(waiting.id, call) else {
            conversation.borrow_mut().leave(waiting.id);
            return Exchange::unsent(Failure::Protocol("the parameters are not a JSON object".to_owned()));
        };
        conversation.borrow_mut().send(waiting.id, &line);
        let deadline = &mut self.deadline;
        let expired = poll_fn(|cx| conversation.borrow_mut().poll(waiting.id, cx, |cx| deadline.poll(cx))).await;
        let mut exchange = waiting.end(expired, &call, begun);
        if let Ok(reply) = &exchange.outcome {
            compliance::check(reply, &call, self.plan.revision.is_modern(), &mut exchange.violations);
        }
        exchange
    }

    /// The request on one line.
    fn render(&self, id: u64, call: Call<'_>) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.plan.renderer.request(id, &call, members(call.params)?).push(&mut line);
        for byte in &mut line {
            // Inside strings JSON has no raw line breaks, so these are white space.
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        Some(line)
    }

    /// Starts the child or opens the stream, and nothing more.
    pub(super) async fn start(&mut self) -> Result<(), OpenError> {
        let carrier = match &self.plan.server {
            Server::Child(target) => Carrier::Pipe(Box::new(Pipe::new(Process::spawn(target)?))),
            Server::Feed(target) => Carrier::Feed(Box::new(Feed::open(Arc::clone(target)).await?)),
        };
        let conversation = Conversation::new(carrier, self.plan.revision, &self.plan.answers, self.ids.before_first());
        self.conversation = Some(Rc::new(RefCell::new(conversation)));
        Ok(())
    }

    /// Opens the session; returns the server's instructions as well, which are
    /// too long to keep for each client.
    pub(super) async fn open_fully(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        self.start().await?;
        let outcome = self.greet(start.elapsed()).await;
        match (&outcome, &self.conversation) {
            (Ok((opened, _)), Some(conversation)) => conversation.borrow_mut().open(opened.clone()),
            _ => self.conversation = None,
        }
        outcome
    }

    /// Opens the session on a child that has just been started.
    async fn greet(&mut self, connect: Duration) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        let plan = Arc::clone(&self.plan);
        let timeout = plan.server.open_timeout();
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
        let call = Call { method: DISCOVER, params: b"{}", timeout, ..Call::default() };
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
        let params = initialize_params(self.plan.revision, &self.plan.info, &self.plan.answers);
        let call = Call { method: INITIALIZE, params: params.as_bytes(), timeout, ..Call::default() };
        let exchange = self.request(call).await;
        let reply = handshake::reply(INITIALIZE, exchange).map_err(|error| self.explain(error))?;
        let greeting = handshake::greeting(&reply, self.plan.revision)?;
        if let Some(conversation) = &self.conversation {
            conversation.borrow_mut().tell(&[INITIALIZED, b"\n"].concat());
            // Should it fail, the first call says why.
            poll_fn(|cx| match conversation.borrow_mut().poll_flush(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => self.deadline.poll(cx),
            })
            .await;
        }
        Ok(greeting)
    }

    /// Adds to a timeout what the child said meanwhile: a server that waits for
    /// something else usually says so.
    fn explain(&self, error: OpenError) -> OpenError {
        let words = self.conversation.as_ref().and_then(|conversation| conversation.borrow().last_words());
        match (error, words) {
            (OpenError::Failed { method, failure: failure @ Failure::Timeout { .. } }, Some(words)) => {
                OpenError::Silent { method, words: with_last_words(failure.to_string(), Some(&words)) }
            }
            (error, _) => error,
        }
    }
}

/// A request that is under way. Dropping it abandons the request.
struct Waiting<'a> {
    conversation: &'a RefCell<Conversation>,
    id: u64,
}

impl<'a> Waiting<'a> {
    fn begin(conversation: &'a RefCell<Conversation>, progress: bool) -> Waiting<'a> {
        let id = conversation.borrow_mut().enter(progress);
        Self { conversation, id }
    }

    /// What became of it. `expired`: whether it was given up, because it took too
    /// long.
    fn end(self, expired: bool, call: &Call<'_>, begun: Instant) -> Exchange {
        let mut conversation = self.conversation.borrow_mut();
        let cancelled = call.cancel.filter(|after| *after < call.timeout);
        let (request, given_up) = if expired {
            let given_up = Instant::now();
            // An `initialize` must not be cancelled.
            if call.method != INITIALIZE {
                match cancelled {
                    // The end of a subscription is no work in vain.
                    Some(_) if call.method == LISTEN => conversation.tell_of(self.id, "cancelled"),
                    Some(_) => conversation.cancel(self.id),
                    None => conversation.tell_of(self.id, "timeout"),
                }
            }
            (conversation.abandon(self.id), Some(given_up))
        } else {
            (conversation.leave(self.id), None)
        };
        let request = request.unwrap_or_default();
        let refused = request.failure.map(|(failure, since)| (Err(failure), since));
        let (outcome, done) =
            match (request.answer.map(|(reply, complete)| (Ok(reply), complete)).or(refused), given_up) {
                (Some(outcome), _) => outcome,
                (None, Some(given_up)) => {
                    let late = Failure::Timeout { after: call.timeout };
                    (Err(cancelled.map_or(late, |after| Failure::Cancelled { after })), given_up)
                }
                (None, None) => {
                    let (failure, since) = conversation.failure(call.method);
                    (Err(failure), since.max(begun))
                }
            };
        Exchange {
            written: request.written,
            first_byte: request.first_byte,
            done,
            status: match &outcome {
                Err(Failure::Http { status, .. }) => Some(*status),
                _ => None,
            },
            bytes_out: request.bytes_out,
            bytes_in: request.bytes_in,
            connect: None,
            drain: Duration::ZERO,
            notifications: request.notifications,
            changes: request.changes,
            asides: Asides {
                progress: request.progress.count,
                updates: request.updates,
                questions: request.questions,
                late: request.late,
                ..Asides::default()
            },
            violations: request.violations,
            outcome,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Nothing is done for a request that has ended.
        self.conversation.borrow_mut().abandon(self.id);
    }
}

impl Client for ChannelClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        let running = self.conversation.as_ref().and_then(|conversation| conversation.borrow().opened());
        match running {
            Some(opened) => Ok(opened),
            None => self.open_fully().await.map(|(opened, _)| opened),
        }
    }

    fn is_open(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.borrow().is_open())
    }

    fn number(&mut self, ids: Ids) {
        self.ids = ids;
    }

    fn sibling(&mut self) -> Self {
        Self { conversation: self.conversation.clone(), ..Self::new(Arc::clone(&self.plan)) }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        self.request(call).await
    }

    async fn subscribe(&mut self, call: Call<'_>, time: Duration) -> Exchange {
        match updates::uri(call.params) {
            None => Exchange::unsent(Failure::Protocol("the parameters have no `uri`".to_owned())),
            Some(uri) if self.plan.revision.is_modern() => self.subscribe_within(call, &uri, time).await,
            Some(uri) => self.subscribe_apart(call, &uri, time).await,
        }
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let process = self.conversation.take().and_then(|conversation| conversation.borrow_mut().hang_up());
        match process {
            Some(process) => process.stop(GRACE).await.map(|()| start.elapsed()),
            None => Ok(Duration::ZERO),
        }
    }
}
