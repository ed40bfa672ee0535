//! What a session says and hears beside its measured requests, on a connection of its own:
//! answers to what the server asks, and that a request is cancelled.
//!
//! Only legacy revisions have such messages. They go one after the other, in
//! their order, and no request waits for them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::super::deadline::Deadline;
use super::super::exchange::Exchange;
use super::super::failure::{Failure, excerpt, seconds};
use super::super::render::cancellation;
use super::answer::{self, ServerRequest};
use super::connect::{self, Dial};
use super::late::Cancelled;
use super::link::{Link, Stream};
use super::request::{Session, Told};
use super::stream::Listener;
use super::{HttpPlan, OUTGOING};
use crate::violation::Violations;

/// How long the server may take to accept a message. It has nothing to do but to
/// take it.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most messages that wait to be sent. A server that asks faster than it
/// takes answers gets none to the rest.
const WAITING: usize = 256;

/// Why requests are cancelled.
const CANCELLED: &str = "cancelled";

/// A message that wants no answer.
#[derive(Debug)]
struct Errand<S: Stream> {
    body: String,
    /// The request that the message cancels.
    cancels: Option<Cancelled<S>>,
}

/// What one client has going on beside its requests.
#[derive(Debug)]
pub(super) struct Beside<S: Stream> {
    pub(super) heard: Arc<Heard>,
    /// From the first message on.
    courier: Option<Courier<S>>,
    /// While the stream of the session is held by this client.
    pub(super) listener: Option<Listener>,
}

impl<S: Stream> Default for Beside<S> {
    fn default() -> Self {
        Self { heard: Arc::default(), courier: None, listener: None }
    }
}

impl<S: Dial> Beside<S> {
    /// The same for another client of the session: what the session hears counts
    /// in the requests of either.
    pub(super) fn of_sibling(&self) -> Self {
        Self { heard: Arc::clone(&self.heard), courier: None, listener: None }
    }

    /// Answers a request of the server.
    pub(super) fn answer(&mut self, plan: &Arc<HttpPlan>, session: &Session, question: &ServerRequest) {
        let response = plan.answers.respond(&question.id, &question.method, &question.params);
        self.courier(plan, session).errands.say(response);
    }

    /// Tells the server that nobody waits for the answer to a request any more.
    /// Its connection is closed only then: a server that sees that first would
    /// never know what it meant.
    pub(super) fn cancel(&mut self, plan: &Arc<HttpPlan>, session: &Session, cancelled: Cancelled<S>) {
        let body = cancellation(cancelled.id, CANCELLED);
        self.courier(plan, session).errands.send(Errand { body, cancels: Some(cancelled) });
    }

    /// For another task of the session that has something to say.
    pub(super) fn errands(&mut self, plan: &Arc<HttpPlan>, session: &Session) -> Errands<S> {
        Errands(self.courier(plan, session).errands.0.clone())
    }

    fn courier(&mut self, plan: &Arc<HttpPlan>, session: &Session) -> &Courier<S> {
        self.courier.get_or_insert_with(|| Courier::new(plan, session, &self.heard))
    }

    /// Adds what was said and heard since the last request to this one.
    pub(super) fn count_in(&self, exchange: &mut Exchange) {
        let state = self.heard.take();
        exchange.bytes_in += state.bytes_in;
        exchange.bytes_out += state.bytes_out;
        exchange.notifications += state.notifications;
        exchange.asides.questions += state.questions;
        exchange.asides.late += state.late;
        exchange.violations.merge(&state.violations);
        // A server that cannot be answered does not answer, either.
        if let (Some(undelivered), Err(Failure::Timeout { after })) = (state.undelivered, &exchange.outcome) {
            let after = seconds(*after);
            let sentence = format!("no answer within {after}; an answer to the server was not taken: {undelivered}");
            exchange.outcome = Err(Failure::Transport(sentence));
        }
    }

    /// Delivers what is still to be said, as far as the server takes it in time.
    pub(super) async fn finish(self) {
        drop(self.listener);
        if let Some(courier) = self.courier {
            courier.finish().await;
        }
    }
}

/// Where messages are handed in.
#[derive(Debug)]
pub(super) struct Errands<S: Stream>(mpsc::Sender<Errand<S>>);

impl<S: Stream> Errands<S> {
    /// Sends a message.
    pub(super) fn say(&self, body: String) {
        self.send(Errand { body, cancels: None });
    }

    fn send(&self, errand: Errand<S>) {
        // Beyond the limit the server is answered by silence.
        let _ = self.0.try_send(errand);
    }
}

/// Carries messages of one session.
#[derive(Debug)]
struct Courier<S: Stream> {
    errands: Errands<S>,
    task: Task,
}

impl<S: Dial> Courier<S> {
    fn new(plan: &Arc<HttpPlan>, session: &Session, heard: &Arc<Heard>) -> Self {
        let (errands, receiver) = mpsc::channel(WAITING);
        let carrying = carry(Arc::clone(plan), session.clone(), receiver, Arc::clone(heard));
        Self { errands: Errands(errands), task: Task::spawn(carrying) }
    }

    async fn finish(self) {
        drop(self.errands);
        let mut task = self.task;
        // One that does not come back is given up.
        let _ = tokio::time::timeout(ACCEPT_TIMEOUT, &mut task.0).await;
    }
}

/// Delivers messages for as long as there is somebody who says them.
async fn carry<S: Dial>(
    plan: Arc<HttpPlan>,
    session: Session,
    mut errands: mpsc::Receiver<Errand<S>>,
    heard: Arc<Heard>,
) {
    let mut link: Option<Box<Link<S>>> = None;
    let mut deadline = Deadline::default();
    let mut watches = JoinSet::new();
    while let Some(errand) = errands.recv().await {
        deadline.set(Instant::now(), ACCEPT_TIMEOUT);
        let delivered = deliver(&plan, &session, &mut link, &mut deadline, &errand.body).await;
        if let Some(link) = &mut link {
            let (sent, received) = link.meter.take_bytes();
            heard.with(|state| {
                state.bytes_out += sent;
                state.bytes_in += received;
            });
        }
        match (delivered, errand.cancels) {
            (Err(failure), None) => heard.with(|state| state.undelivered = Some(failure)),
            (Ok(()), Some(cancelled)) => {
                while watches.try_join_next().is_some() {}
                if let Ok(place) = Arc::clone(&plan.watched).try_acquire_owned() {
                    watches.spawn(cancelled.watch(Instant::now(), Arc::clone(&heard), place));
                }
            }
            _ => {}
        }
    }
}

async fn deliver<S: Dial>(
    plan: &HttpPlan,
    session: &Session,
    kept: &mut Option<Box<Link<S>>>,
    deadline: &mut Deadline,
    body: &str,
) -> Result<(), Failure> {
    let idle = kept.take().and_then(|mut link| link.is_idle().then_some(link));
    let mut link = match idle {
        Some(link) => link,
        None => Box::new(connect::connect(&plan.target, deadline.left()).await?),
    };
    OUTGOING.with_borrow_mut(|out| {
        out.clear();
        plan.heads.post(out, session, Told { method: "", name: None, params: b"{}" }, body.len());
        out.extend_from_slice(body.as_bytes());
        link.begin(out);
    });
    let head = link.head(deadline).await?;
    let text = answer::whole(&mut link, deadline).await?;
    *kept = Some(link);
    if head.is_success() {
        return Ok(());
    }
    Err(Failure::Http { status: head.status, excerpt: excerpt(&text) })
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a session has said and heard beside its requests. It counts in whichever
/// request ends next.
#[derive(Debug, Default)]
pub(super) struct Heard {
    state: Mutex<State>,
    /// Whether the stream of the session is held.
    pub(super) streams: AtomicBool,
}

/// A resource whose updates are counted.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) uri: String,
    pub(super) updates: u32,
    number: u64,
}

/// What was said and heard since the last request.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) notifications: u32,
    pub(super) questions: u32,
    /// Results of cancelled requests.
    pub(super) late: u32,
    pub(super) violations: Violations,
    /// Resources that are subscribed to; these are not taken.
    pub(super) watches: Vec<Watch>,
    watched: u64,
    /// Why the last answer could not be delivered.
    pub(super) undelivered: Option<Failure>,
}

impl Heard {
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> State {
        self.with(|state| {
            let (watches, watched) = (std::mem::take(&mut state.watches), state.watched);
            std::mem::replace(state, State { watches, watched, ..State::default() })
        })
    }

    /// Counts the updates of a resource from now on.
    pub(super) fn watch(self: &Arc<Self>, uri: String) -> Watching {
        let number = self.with(|state| {
            state.watched += 1;
            state.watches.push(Watch { uri, updates: 0, number: state.watched });
            state.watched
        });
        Watching { heard: Arc::clone(self), number }
    }
}

/// Counts the updates of a resource until it is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    heard: Arc<Heard>,
    number: u64,
}

impl Watching {
    /// Those until now.
    pub(super) fn updates(&self) -> u32 {
        let of_this = |watch: &&Watch| watch.number == self.number;
        self.heard.with(|state| state.watches.iter().find(of_this).map_or(0, |watch| watch.updates))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.heard.with(|state| state.watches.retain(|watch| watch.number != self.number));
    }
}
