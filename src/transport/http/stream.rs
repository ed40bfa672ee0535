//! What a server says by itself: the stream that a legacy session holds open, and
//! subscriptions to a resource.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::client::Client as _;
use super::super::deadline::Deadline;
use super::super::envelope::{self, About, Message};
use super::super::exchange::{Asides, Call, Exchange};
use super::super::failure::{Failure, seconds};
use super::super::render::members;
use super::super::sse;
use super::super::updates::{self, LISTEN, SUBSCRIBE, UNSUBSCRIBE};
use super::answer::{self, Seen};
use super::aside::{Errands, Heard, Task};
use super::connect::{Dial, connect};
use super::link::{Link, Stream};
use super::request::Session;
use super::resume::{is_sendable, wait};
use super::{HttpClient, HttpPlan, Ready};

/// How long to wait for the stream to begin before requests are sent. Some
/// servers, and proxies before them, send its head with its first event only.
const BEGINNING: Duration = Duration::from_secs(1);

/// How often in a row the stream is asked for in vain.
const TRIES: u32 = 5;

/// How a stream came to its end.
enum End {
    /// The server has no such stream, and says so for good (405).
    None,
    /// It did not begin.
    Refused,
    /// It began, and ended.
    Over,
}

/// Hears the stream of one session for as long as it is held.
#[derive(Debug)]
pub(super) struct Listener {
    heard: Arc<Heard>,
    _task: Task,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.heard.streams.store(false, Ordering::Relaxed);
    }
}

/// What listens.
struct Ears<S: Stream> {
    plan: Arc<HttpPlan>,
    session: Session,
    heard: Arc<Heard>,
    errands: Errands<S>,
    /// Told once the stream has begun.
    begun: Option<oneshot::Sender<()>>,
    /// The id of the last event.
    last: Option<Bytes>,
    /// How long to wait after the end, in milliseconds.
    retry: Option<u64>,
}

impl<S: Dial> Ears<S> {
    async fn listen(mut self) {
        let mut tries = 0;
        while tries < TRIES {
            match self.stream().await {
                Ok(End::None) => {
                    self.plan.streamless.store(true, Ordering::Relaxed);
                    return;
                }
                Ok(End::Refused) | Err(_) => tries += 1,
                Ok(End::Over) => tries = 0,
            }
            tokio::time::sleep(wait(self.retry)).await;
        }
    }

    /// One stream, from its head to its end.
    async fn stream(&mut self) -> Result<End, Failure> {
        // It lasts as long as it lasts.
        let deadline = &mut Deadline::default();
        let mut link: Link<S> = connect(&self.plan.target, self.plan.target.connect_timeout).await?;
        let last = self.last.as_ref().filter(|id| is_sendable(id));
        link.begin(&self.plan.heads.get(&self.session, last.map(AsRef::as_ref)));
        let head = link.head(deadline).await?;
        if !head.is_success() {
            return Ok(if head.status == 405 { End::None } else { End::Refused });
        }
        if let Some(begun) = self.begun.take() {
            // Whoever waited may have gone on.
            let _ = begun.send(());
        }
        let mut parser = sse::Parser::default();
        loop {
            let chunk = link.chunk(deadline).await;
            let (sent, received) = link.meter.take_bytes();
            self.heard.with(|state| {
                state.bytes_out += sent;
                state.bytes_in += received;
            });
            let Ok(Some(chunk)) = chunk else { return Ok(End::Over) };
            parser.feed(chunk);
            loop {
                match parser.next() {
                    Ok(Some(event)) if event.is_message() => self.hear(event.data),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(sse::TooLarge) => return Ok(End::Over),
                }
            }
            // Priming events say both, and are not given out.
            self.last = parser.last_id().map(Bytes::copy_from_slice).or(self.last.take());
            self.retry = parser.retry().or(self.retry);
        }
    }

    fn hear(&self, message: Bytes) {
        match envelope::read_among(message, |_| false) {
            Message::Notification(notice) => self.heard.with(|state| {
                state.notifications += 1;
                if notice.about == About::Updated {
                    let watches = state.watches.iter_mut();
                    let concerned = watches.filter(|watch| updates::concerns(&notice.params, &watch.uri));
                    concerned.for_each(|watch| watch.updates += 1);
                }
            }),
            Message::Request { id, method, params } => {
                self.heard.with(|state| state.questions += 1);
                self.errands.say(self.plan.answers.respond(&id, &method, &params));
            }
            message => self.heard.with(|state| answer::note(message, 0, &mut state.violations)),
        }
    }
}

#[expect(private_bounds, reason = "only this module makes streams")]
impl<S: Dial> HttpClient<S> {
    /// Holds the stream of the session open, unless that is done, or the server
    /// has none. Returns once it has begun, but does not wait long.
    pub(super) async fn stream(&mut self) {
        let plan = Arc::clone(&self.plan);
        if plan.revision.is_modern() || plan.streamless.load(Ordering::Relaxed) || self.opened.is_none() {
            return;
        }
        let beside = self.beside.get_or_insert_default();
        if beside.heard.streams.swap(true, Ordering::Relaxed) {
            return;
        }
        let (begun, beginning) = oneshot::channel();
        let ears = Ears {
            errands: beside.errands(&plan, &self.session),
            session: self.session.clone(),
            heard: Arc::clone(&beside.heard),
            begun: Some(begun),
            last: None,
            retry: None,
            plan,
        };
        let heard = Arc::clone(&beside.heard);
        beside.listener = Some(Listener { heard, _task: Task::spawn(ears.listen()) });
        let _ = tokio::time::timeout(BEGINNING, beginning).await;
    }

    /// A legacy subscription: its updates come on the stream of the session.
    pub(super) async fn subscribe_apart(&mut self, call: Call<'_>, uri: String, time: Duration) -> Exchange {
        self.stream().await;
        let beside = self.beside.get_or_insert_default();
        let heard = Arc::clone(&beside.heard);
        let watch = heard.watch(uri);
        let mut exchange = self.call(Call { method: SUBSCRIBE, ..call }).await;
        if !exchange.outcome.as_ref().is_ok_and(|reply| reply.error().is_none()) {
            return exchange;
        }
        tokio::time::sleep(time).await;
        let end = self.call(Call { method: UNSUBSCRIBE, progress: false, cancel: None, ..call }).await;
        exchange.add_beside(end);
        exchange.asides.updates = watch.updates();
        exchange
    }

    /// A modern subscription: a request whose stream lasts as long as it does.
    pub(super) async fn subscribe_within(&mut self, call: Call<'_>, uri: &str, time: Duration) -> Exchange {
        self.deadline.set(Instant::now(), call.timeout);
        let id = self.next_id();
        let mut seen = Seen::default();
        let drain = self.drain(&mut seen).await;
        let Ready { mut link, connect } = match self.ready().await {
            Ok(ready) => ready,
            Err(failure) => return Exchange { drain, ..Exchange::unsent(failure) },
        };
        let params = updates::listen_params(uri);
        let members = members(params.as_bytes()).unwrap_or_default();
        let listen = Call { method: LISTEN, params: params.as_bytes(), ..Call::default() };
        let message = self.plan.renderer.request(id, &listen, members);
        self.post(&mut link, listen.into(), message.len(), |out| message.push(out));
        let mut exchange = Exchange { drain, connect, ..Exchange::unsent(Failure::Stale) };
        let mut asides = Asides::default();
        exchange.outcome = self.follow(&mut link, id, time, &mut exchange, &mut seen, &mut asides).await;
        let (bytes_out, bytes_in) = link.meter.take_bytes();
        Exchange {
            written: link.meter.written,
            first_byte: link.meter.first_byte,
            bytes_out,
            bytes_in,
            notifications: seen.notifications,
            changes: seen.changes,
            violations: seen.violations,
            asides,
            ..exchange
        }
    }

    /// Follows the stream of a subscription. Its connection is not used again: to
    /// close it is how the subscription ends.
    async fn follow(
        &mut self,
        link: &mut Link<S>,
        id: u64,
        time: Duration,
        exchange: &mut Exchange,
        seen: &mut Seen,
        asides: &mut Asides,
    ) -> Result<super::super::envelope::Reply, Failure> {
        let head = link.head(&mut self.deadline).await?;
        exchange.status = Some(head.status);
        if !head.is_success() || !head.media_type().eq_ignore_ascii_case(b"text/event-stream") {
            let asked = answer::Asked { id, modern: true, batches: false, progress: false };
            let answer = answer::read(link, head, asked, &mut self.deadline, seen, &mut |_| {}).await;
            exchange.done = answer.done;
            return answer.outcome;
        }
        let mut acknowledged = None;
        let mut parser = sse::Parser::default();
        let begun = Instant::now();
        loop {
            let chunk = match (link.chunk(&mut self.deadline).await, acknowledged.take()) {
                (Ok(Some(chunk)), reply) => {
                    acknowledged = reply;
                    chunk
                }
                // Its time is over.
                (Err(Failure::Timeout { .. }), Some(reply)) => return Ok(reply),
                (Ok(None) | Err(Failure::Transport(_)), Some(_)) => {
                    let (after, of) = (seconds(begun.elapsed()), seconds(time));
                    return Err(Failure::Transport(format!("the subscription broke off after {after} of {of}")));
                }
                (Ok(None), None) => {
                    let sentence = "the event stream ended without an acknowledgement of the subscription";
                    return Err(Failure::Protocol(sentence.to_owned()));
                }
                (Err(failure), _) => return Err(failure),
            };
            parser.feed(chunk);
            while let Some(event) = parser.next().map_err(|sse::TooLarge| answer::too_large())? {
                if !event.is_message() {
                    continue;
                }
                match envelope::read(event.data, id) {
                    // The end of a subscription, or an error instead of one.
                    Message::Reply(reply) => return Ok(acknowledged.unwrap_or(reply)),
                    Message::Notification(notice) => {
                        seen.notifications += 1;
                        updates::note(&notice, &mut seen.changes);
                        match notice.about {
                            About::Acknowledged if acknowledged.is_none() => {
                                exchange.done = Instant::now();
                                acknowledged = updates::acknowledged(id, &notice.params);
                                self.deadline.set(exchange.done, time);
                            }
                            About::Updated => asides.updates += 1,
                            _ => {}
                        }
                    }
                    message => answer::note(message, id, &mut seen.violations),
                }
            }
        }
    }
}
