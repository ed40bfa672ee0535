//! Streamable HTTP: one virtual user on one keep-alive connection.

mod answer;
mod aside;
#[doc(hidden)]
pub mod bench;
mod body;
mod connect;
mod feed;
pub(super) mod form;
pub(super) mod fuzz;
mod late;
mod link;
mod request;
mod response;
mod resume;
mod stream;
mod tunnel;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::answer::{Answer, Asked, Rest, Resumption, Seen, ServerRequest, Tail};
use self::aside::Beside;
use self::connect::Dial;
pub(super) use self::feed::Feed;
use self::late::{Cancelled, WATCHED};
use self::link::{Link, Stream};
use self::request::{Heads, SESSION, Session, Told};
use super::client::{Client, Opened, ServerInfo};
use super::compliance;
use super::connector::ClientInfo;
use super::deadline::Deadline;
use super::exchange::{Asides, Call, Exchange};
use super::failure::{Failure, OpenError, excerpt};
use super::handshake::{self, INITIALIZE};
use super::ids::Ids;
use super::lists::ToolInfo;
use super::mirror::Mirrors;
use super::questions::Answers;
use super::render::{INITIALIZED, Renderer, initialize_params, members};
use super::revision::Revision;
use super::target::HttpTarget;
use super::updates;
use super::wire::Wire;

/// How long a call waits for the end of the previous stream before it uses
/// another connection. Servers without TCP_NODELAY send the end up to 40 ms
/// after the message (a delayed acknowledgement), and a new connection per call
/// would be the greater distortion.
const DRAIN_TIME: Duration = Duration::from_millis(50);

/// The most that is read for the same purpose. An end has a few bytes; more
/// means that the stream goes on.
const DRAIN_BYTES: usize = 64 * 1024;

/// Ids of requests that one client of a shared session may use. Two million
/// clients of one session stay below 2^53, which is as far as JSON numbers are
/// safe.
const IDS_OF_A_SIBLING: u64 = 1 << 32;

/// How long the server may take to answer the DELETE of a session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    /// Where the requests of all clients of a thread are put together: they are
    /// written at once, so that no client needs a buffer of its own.
    static OUTGOING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What all clients of a run share: everything that does not change from request
/// to request.
#[derive(Clone, Debug)]
pub(super) struct HttpPlan {
    target: HttpTarget,
    revision: Revision,
    info: ClientInfo,
    heads: Heads,
    renderer: Renderer,
    answers: Answers,
    /// The server has said that it has no stream of its own (405): nobody else has
    /// to ask.
    streamless: Arc<AtomicBool>,
    /// Places for cancelled requests whose results are listened for.
    watched: Arc<Semaphore>,
}

impl HttpPlan {
    pub(super) fn new(target: HttpTarget, revision: Revision, info: &ClientInfo, answers: Answers) -> Self {
        Self {
            heads: Heads::new(&target, revision),
            renderer: Renderer::new(revision, info, &answers),
            info: info.clone(),
            revision,
            target,
            answers,
            streamless: Arc::default(),
            watched: Arc::new(Semaphore::new(WATCHED)),
        }
    }

    /// The revision of its clients.
    pub(super) const fn revision(&self) -> Revision {
        self.revision
    }

    /// The same, whose calls repeat arguments in headers as the tools ask.
    pub(super) fn mirroring(&self, tools: &[ToolInfo]) -> Self {
        let mut plan = self.clone();
        if plan.revision.is_modern() {
            plan.heads.mirrors = Mirrors::of(tools);
        }
        plan
    }
}

/// A client over Streamable HTTP.
///
/// After a failure of the connection the next call makes a new one and keeps
/// the session. A response with an error status leaves the connection as usable
/// as HTTP says it is.
#[derive(Debug)]
#[expect(private_bounds, reason = "only this module makes streams")]
pub struct HttpClient<S: Stream = Wire> {
    plan: Arc<HttpPlan>,
    session: Session,
    opened: Option<Box<Opened>>,
    link: Option<Box<Link<S>>>,
    /// The stream of the previous answer, while its end has not arrived.
    tail: Option<Box<Tail>>,
    deadline: Deadline,
    ids: Ids,
    last_id: u64,
    /// How many clients the session has had beside the first; absent while it
    /// has had none.
    siblings: Option<Rc<Cell<u32>>>,
    /// What goes over other connections than this; absent while nothing does.
    beside: Option<Box<Beside<S>>>,
}

/// A connection that can take a request, and what it took to have it.
struct Ready<S: Stream> {
    link: Box<Link<S>>,
    connect: Option<Duration>,
}

#[expect(private_bounds, reason = "only this module makes streams")]
impl<S: Dial> HttpClient<S> {
    pub(super) fn new(plan: Arc<HttpPlan>) -> Self {
        Self {
            plan,
            session: Session::default(),
            opened: None,
            link: None,
            tail: None,
            deadline: Deadline::default(),
            ids: Ids::default(),
            last_id: 0,
            siblings: None,
            beside: None,
        }
    }

    fn next_id(&mut self) -> u64 {
        if self.ids == Ids::Constant {
            return 1;
        }
        self.last_id += 1;
        self.last_id
    }

    /// The connection for the next request: the present one if it is idle,
    /// otherwise a new one.
    async fn ready(&mut self) -> Result<Ready<S>, Failure> {
        if let Some(mut link) = self.link.take()
            && link.is_idle()
        {
            return Ok(Ready { link, connect: None });
        }
        let start = Instant::now();
        let link = connect::connect(&self.plan.target, self.deadline.left()).await?;
        Ok(Ready { link: Box::new(link), connect: Some(start.elapsed()) })
    }

    /// Reads the rest of the previous stream, so that its connection can be used
    /// again. Gives the connection up if the end does not come soon.
    async fn drain(&mut self, seen: &mut Seen) -> Duration {
        let Some(mut tail) = self.tail.take() else {
            return Duration::ZERO;
        };
        let Some(mut link) = self.link.take() else {
            return Duration::ZERO;
        };
        let start = Instant::now();
        let deadline = &mut self.deadline;
        let patience = DRAIN_TIME.min(deadline.left());
        let ended = tokio::time::timeout(patience, async {
            let mut bytes = 0;
            loop {
                while let Ok(Some(event)) = tail.parser.next() {
                    if event.is_message() {
                        tail.note(event.data, &mut seen.violations);
                    }
                }
                match link.chunk(deadline).await {
                    Ok(Some(chunk)) if bytes + chunk.len() <= DRAIN_BYTES => {
                        bytes += chunk.len();
                        tail.parser.feed(chunk);
                    }
                    Ok(None) => return true,
                    Ok(Some(_)) | Err(_) => return false,
                }
            }
        })
        .await;
        if ended == Ok(true) {
            self.link = Some(link);
        }
        start.elapsed()
    }

    /// Sends the request `id` and reads its response. The deadline is set.
    async fn exchange(&mut self, id: u64, call: Call<'_>, members: &[u8]) -> Exchange {
        let mut seen = Seen::default();
        let drain = self.drain(&mut seen).await;
        let Ready { mut link, connect } = match self.ready().await {
            Ok(ready) => ready,
            Err(failure) => {
                let failure = self.cancelled(&call).unwrap_or(failure);
                return Exchange { drain, violations: seen.violations, ..Exchange::unsent(failure) };
            }
        };
        let message = self.plan.renderer.request(id, &call, members);
        self.post(&mut link, call.into(), message.len(), |out| message.push(out));
        let revision = self.plan.revision;
        let (modern, batches) = (revision.is_modern(), revision.has_batches());
        let asked = Asked { id, modern, batches, progress: call.progress };
        let mut status = None;
        let mut answer = self.read(&mut link, asked, &mut status, &mut seen).await;
        let (written, first_byte) = (link.meter.written, link.meter.first_byte);
        if let Rest::Elsewhere(Resumption { after: Some(id), retry }) = answer.rest {
            answer = self.resume(&mut link, (id, retry), asked, &mut status, &mut seen).await;
        }
        if status == Some(404) && self.session.id.is_some() {
            answer.outcome = answer::of_a_session(answer.outcome);
        }
        match &answer.outcome {
            Ok(reply) => compliance::check(reply, &call, asked.modern, &mut seen.violations),
            Err(_) => answer.outcome = answer.outcome.map_err(|failure| self.cancelled(&call).unwrap_or(failure)),
        }
        let (bytes_out, bytes_in) = link.meter.take_bytes();
        let mut exchange = Exchange {
            written,
            first_byte,
            done: answer.done,
            status,
            bytes_out: bytes_out + seen.elsewhere.0,
            bytes_in: bytes_in + seen.elsewhere.1,
            connect,
            drain,
            notifications: seen.notifications,
            asides: Asides { progress: seen.progress.count, questions: seen.questions, ..Asides::default() },
            changes: seen.changes,
            violations: seen.violations,
            outcome: answer.outcome,
        };
        if let Some(beside) = &self.beside {
            beside.count_in(&mut exchange);
        }
        if let Err(Failure::Cancelled { .. }) = exchange.outcome
            && !asked.modern
            // By an id that the next request has too, the server would give up that one.
            && self.ids != Ids::Constant
        {
            let beside = self.beside.get_or_insert_default();
            let cancelled = Cancelled { id, link, begun: status.is_some(), batches };
            beside.cancel(&self.plan, &self.session, cancelled);
        } else {
            self.keep(link, answer.rest, answer.done);
        }
        exchange
    }

    /// Reads the response to the request that was begun on this connection.
    async fn read(&mut self, link: &mut Link<S>, asked: Asked, status: &mut Option<u16>, seen: &mut Seen) -> Answer {
        let head = match link.head(&mut self.deadline).await {
            Ok(head) => head,
            Err(failure) => return Answer::broken(failure),
        };
        *status = Some(head.status);
        let (plan, session, beside) = (&self.plan, &self.session, &mut self.beside);
        let mut hear = |question: ServerRequest| beside.get_or_insert_default().answer(plan, session, &question);
        answer::read(link, head, asked, &mut self.deadline, seen, &mut hear).await
    }

    /// What became of a call whose time is over, if that is the time after which
    /// it was to be cancelled.
    fn cancelled(&self, call: &Call<'_>) -> Option<Failure> {
        let after = call.cancel.filter(|after| *after < call.timeout)?;
        self.deadline.left().is_zero().then_some(Failure::Cancelled { after })
    }

    /// Keeps the connection for the next request if there can be one.
    fn keep(&mut self, mut link: Box<Link<S>>, rest: Rest, done: Instant) {
        link.idle_since = Some(done);
        match rest {
            Rest::Clean => self.link = Some(link),
            Rest::Tail(tail) => {
                self.link = Some(link);
                self.tail = Some(tail);
            }
            Rest::Elsewhere(_) | Rest::Broken => {}
        }
    }

    /// Puts a POST together, whose body has so many bytes, and begins to send it.
    fn post(&self, link: &mut Link<S>, told: Told<'_>, length: usize, body: impl FnOnce(&mut Vec<u8>)) {
        OUTGOING.with_borrow_mut(|out| {
            out.clear();
            self.plan.heads.post(out, &self.session, told, length);
            body(out);
            link.begin(out);
        });
    }

    /// Sends a message that has no JSON-RPC response; returns the status and the
    /// start of the body.
    async fn tell(&mut self, begin: impl FnOnce(&Self, &mut Link<S>)) -> Result<(u16, String), Failure> {
        self.drain(&mut Seen::default()).await;
        let Ready { mut link, .. } = self.ready().await?;
        begin(self, &mut link);
        let head = link.head(&mut self.deadline).await?;
        let text = answer::whole(&mut link, &mut self.deadline).await?;
        self.keep(link, Rest::Clean, Instant::now());
        Ok((head.status, excerpt(&text)))
    }

    /// The legacy handshake: `initialize`, then `notifications/initialized`.
    async fn initialize(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        let plan = Arc::clone(&self.plan);
        self.session = Session::default();
        (self.siblings, self.beside) = (None, None);
        let params = initialize_params(plan.revision, &plan.info, &plan.answers);
        let exchange = self
            .call(Call {
                method: INITIALIZE,
                params: params.as_bytes(),
                timeout: plan.target.open_timeout,
                ..Call::default()
            })
            .await;
        let connect = exchange.connect.unwrap_or_default();
        // Errors may carry a session id too (the Python SDK's do), which must
        // not be adopted.
        let reply = handshake::reply(INITIALIZE, exchange)?;
        let greeting = handshake::greeting(&reply, plan.revision)?;
        let revision = greeting.revision;
        self.session = Session {
            id: reply.header(SESSION).map(Box::from),
            version: revision.has_version_header().then(|| revision.as_str()),
        };
        drop(reply);
        self.initialized().await?;
        let opened = Opened {
            connect,
            session: start.elapsed().saturating_sub(connect),
            server: greeting.server,
            revision,
            capabilities: greeting.capabilities,
        };
        Ok((opened, greeting.instructions))
    }

    /// Opens the session; returns the server's instructions as well, which are
    /// too long to keep for each client.
    pub(super) async fn open_fully(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let (opened, instructions) =
            if self.plan.revision.is_modern() { (self.connect().await?, None) } else { self.initialize().await? };
        self.opened = Some(Box::new(opened.clone()));
        Ok((opened, instructions))
    }

    async fn initialized(&mut self) -> Result<(), OpenError> {
        const METHOD: &str = "notifications/initialized";
        self.deadline.set(Instant::now(), self.plan.target.open_timeout);
        let told = Told { method: METHOD, name: None, params: b"{}" };
        let body = |out: &mut Vec<u8>| out.extend_from_slice(INITIALIZED);
        match self.tell(|client, link| client.post(link, told, INITIALIZED.len(), body)).await {
            // 202 by the specification; some servers say 200.
            Ok((200..300, _)) => Ok(()),
            Ok((404, excerpt)) if self.session.id.is_some() => {
                Err(handshake::failed(METHOD, Failure::SessionLost { excerpt }))
            }
            Ok((status, excerpt)) => Err(handshake::failed(METHOD, Failure::Http { status, excerpt })),
            Err(failure) => Err(handshake::failed(METHOD, failure)),
        }
    }

    /// Connects, which is all that a modern session needs.
    async fn connect(&mut self) -> Result<Opened, OpenError> {
        self.deadline.set(Instant::now(), self.plan.target.open_timeout);
        let Ready { link, connect } = self.ready().await.map_err(OpenError::Connect)?;
        self.link = Some(link);
        Ok(Opened {
            connect: connect.unwrap_or_default(),
            session: Duration::ZERO,
            server: ServerInfo::default(),
            revision: self.plan.revision,
            capabilities: serde_json::Value::Null,
        })
    }

    async fn delete(&mut self) -> Result<(), Failure> {
        if self.session.id.is_none() {
            return Ok(());
        }
        self.deadline.set(Instant::now(), CLOSE_TIMEOUT);
        match self.tell(|client, link| link.begin(&client.plan.heads.delete(&client.session))).await? {
            // 405: the server does not let clients end sessions, and may say so.
            (200..300 | 405, _) => Ok(()),
            (status, excerpt) => Err(Failure::Http { status, excerpt }),
        }
    }
}

impl<S: Dial> Client for HttpClient<S> {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        if let Some(opened) = &self.opened {
            return Ok((**opened).clone());
        }
        self.open_fully().await.map(|(opened, _)| opened)
    }

    fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    fn number(&mut self, ids: Ids) {
        self.ids = ids;
        self.last_id = ids.before_first();
    }

    fn sibling(&mut self) -> Self {
        let count = Rc::clone(self.siblings.get_or_insert_default());
        count.set(count.get() + 1);
        Self {
            session: self.session.clone(),
            opened: self.opened.clone(),
            // The ids of a session are unique: each client has a range of its own.
            ids: self.ids,
            last_id: self.ids.before_first() + u64::from(count.get()) * IDS_OF_A_SIBLING,
            siblings: Some(count),
            beside: Some(Box::new(self.beside.get_or_insert_default().of_sibling())),
            ..Self::new(Arc::clone(&self.plan))
        }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        let patience = call.cancel.map_or(call.timeout, |after| after.min(call.timeout));
        self.deadline.set(Instant::now(), patience);
        let id = self.next_id();
        match members(call.params) {
            Some(members) => self.exchange(id, call, members).await,
            None => Exchange::unsent(Failure::Protocol("the parameters are not a JSON object".to_owned())),
        }
    }

    async fn hold_stream(&mut self) {
        self.stream().await;
    }

    async fn subscribe(&mut self, call: Call<'_>, time: Duration) -> Exchange {
        match updates::uri(call.params) {
            None => Exchange::unsent(Failure::Protocol("the parameters have no `uri`".to_owned())),
            Some(uri) if self.plan.revision.is_modern() => self.subscribe_within(call, &uri, time).await,
            Some(uri) => self.subscribe_apart(call, uri, time).await,
        }
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        if let Some(beside) = self.beside.take() {
            beside.finish().await;
        }
        let start = Instant::now();
        let outcome = self.delete().await;
        self.session = Session::default();
        self.opened = None;
        self.link = None;
        self.tail = None;
        outcome.map(|()| start.elapsed())
    }
}
