//! One request step: render, send, judge, save, record.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Answer;
use super::iteration::Running;
use super::render::render;
use super::shard::{Shard, nanos_between};
use super::slow::slow;
use super::tasks;
use super::waiting::Waiting;
use crate::expr::{EvalError, Value};
use crate::plan::{Check, Measure, Method, Request, Tag, Task};
use crate::record::{ErrorClass, Phase, Sample};
use crate::transport::{Call, Client as _, Connector, Exchange, Failure, Reply, Tasks};

/// What follows a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Step,
    EndIteration,
    /// The user performs no other iteration, either.
    EndUser,
}

/// A request that failed, and why.
struct Trouble {
    class: ErrorClass,
    message: String,
    /// Whether the rest of the iteration makes no sense.
    fatal: bool,
}

/// Performs one request step; a list is one request for each page. `due`: when
/// the request was due, if that comes from an arrival rate; what is not sent, since
/// its result had been kept, leaves that to the next.
pub(super) async fn perform<C: Connector>(
    run: &mut Running<'_, C>,
    request: &Request,
    due: &mut Option<Instant>,
) -> Next {
    pages(run, request, due, 0, None).await
}

/// The requests of a step from one page on.
async fn pages<C: Connector>(
    run: &mut Running<'_, C>,
    request: &Request,
    due: &mut Option<Instant>,
    first: u32,
    mut cursor: Option<String>,
) -> Next {
    let last = match &request.method {
        Method::List { pages, .. } => (*pages).max(1) - 1,
        _ => 0,
    };
    for _page in first..=last {
        let name = match render(run, request, cursor.as_deref()) {
            Ok(name) => name,
            Err(error) => return unrenderable(run, request, due.take(), &error),
        };
        let sent = if let Some(kept) = run.recall(request, &run.user.params) {
            kept
        } else {
            let outgoing = Outgoing::new(run, request, due.take());
            let user = &mut *run.user;
            let sent = send(run.shard, &mut user.client, &outgoing, name.as_deref(), &user.params).await;
            let Some(mut sent) = sent else { return run.refused() };
            run.oversee(request, &mut sent.exchange, &run.user.params);
            sent
        };
        let (next, following) = conclude(run, request, &sent);
        cursor = following;
        if next != Next::Step || cursor.is_none() {
            return next;
        }
    }
    Next::Step
}

fn unrenderable<C: Connector>(
    run: &mut Running<'_, C>,
    request: &Request,
    due: Option<Instant>,
    error: &EvalError,
) -> Next {
    let message = format!("the arguments of `{}` cannot be put together: {error}", request.label);
    unsent(run, request, due, &message);
    Next::EndIteration
}

/// A request of a `parallel` block, ready to be sent.
pub(super) struct Prepared<'r> {
    request: &'r Request,
    name: Option<String>,
    params: Vec<u8>,
}

/// Puts a request together that is sent later.
pub(super) fn prepare<'r, C: Connector>(
    run: &mut Running<'_, C>,
    request: &'r Request,
    due: Option<Instant>,
) -> Result<Prepared<'r>, Next> {
    match render(run, request, None) {
        Ok(name) => {
            Ok(Prepared { request, name: name.map(Cow::into_owned), params: std::mem::take(&mut run.user.params) })
        }
        Err(error) => Err(unrenderable(run, request, due, &error)),
    }
}

/// Sends several requests at once on the session of the user, each with a
/// client of its own, and waits for all. All are due together.
pub(super) async fn together<C: Connector>(
    run: &mut Running<'_, C>,
    batch: Vec<Prepared<'_>>,
    due: &mut Option<Instant>,
) -> Next {
    let kept: Vec<Option<Sent>> = batch.iter().map(|prepared| run.recall(prepared.request, &prepared.params)).collect();
    run.user.have_siblings(kept.iter().filter(|kept| kept.is_none()).count());
    let outgoing: Vec<Outgoing<'_>> = batch.iter().map(|prepared| Outgoing::new(run, prepared.request, *due)).collect();
    let shard = run.shard;
    let mut clients = std::iter::once(&mut run.user.client).chain(&mut run.user.siblings);
    let sending = batch.iter().zip(&outgoing).zip(kept).map(|((prepared, outgoing), kept)| {
        let client = if kept.is_none() { clients.next() } else { None };
        async move {
            match client {
                Some(client) => send(shard, client, outgoing, prepared.name.as_deref(), &prepared.params).await,
                None => kept,
            }
        }
    });
    let sent = futures_util::future::join_all(sending).await;
    if sent.iter().flatten().any(|sent| !sent.cached) {
        *due = None;
    }
    let mut next = Next::Step;
    for (prepared, sent) in batch.into_iter().zip(sent) {
        let Some(mut sent) = sent else {
            next = run.refused();
            continue;
        };
        run.user.params = prepared.params;
        if !sent.cached {
            run.oversee(prepared.request, &mut sent.exchange, &run.user.params);
        }
        let (after, cursor) = conclude(run, prepared.request, &sent);
        // The pages after the first can only be asked for one after the other.
        let after = match cursor {
            Some(cursor) if after == Next::Step => pages(run, prepared.request, due, 1, Some(cursor)).await,
            _ => after,
        };
        if next == Next::Step {
            next = after;
        }
    }
    next
}

/// What is to be known of a request while it is under way.
struct Outgoing<'r> {
    method: &'r str,
    timeout: Duration,
    cancel: Option<Duration>,
    progress: bool,
    tasks: Tasks,
    /// For how long a subscription lasts, if it is one.
    watches: Option<Duration>,
    /// Index of its server in the plan.
    server: usize,
    series: usize,
    phase: Phase,
    /// When it was due, if that comes from an arrival rate.
    arrival: Option<Instant>,
    /// Whether its iteration is due by an arrival rate.
    by_rate: bool,
}

impl<'r> Outgoing<'r> {
    fn new<C: Connector>(run: &Running<'_, C>, request: &'r Request, arrival: Option<Instant>) -> Outgoing<'r> {
        let server = run.shard.plan.servers.get(run.user.peer.server);
        let timeout = request.timeout_ns.or(server.map(|server| server.timeout_ns)).unwrap_or(u64::MAX);
        Outgoing {
            method: request.method.wire(),
            timeout: Duration::from_nanos(timeout),
            cancel: request.cancel_ns.map(Duration::from_nanos),
            progress: request.progress,
            tasks: match request.task {
                Some(Task { ttl_ns }) => Tasks::Wanted { ttl: ttl_ns.map(Duration::from_nanos) },
                None => Tasks::Unsaid,
            },
            watches: match request.method {
                Method::Subscribe { for_ns, .. } => Some(Duration::from_nanos(for_ns)),
                _ => None,
            },
            server: run.user.peer.server,
            series: run.first_series + request.ordinal,
            phase: run.job.phase,
            arrival,
            by_rate: run.job.arrival,
        }
    }
}

/// A request that has ended.
pub(super) struct Sent {
    due: Instant,
    latency: Duration,
    exchange: Exchange,
    /// Nothing was sent: its result had been kept.
    cached: bool,
}

impl Sent {
    /// A request that is answered now, by what was kept.
    pub(super) fn cached(exchange: Exchange) -> Self {
        Self { due: exchange.done, latency: Duration::ZERO, exchange, cached: true }
    }
}

/// Sends one request with `client` and waits for its end. `None` when the guard
/// lets no more requests pass.
async fn send<C: Connector>(
    shard: &Shard<C>,
    client: &mut C::Client,
    outgoing: &Outgoing<'_>,
    name: Option<&str>,
    params: &[u8],
) -> Option<Sent> {
    if !outgoing.by_rate {
        shard.pass_guard().await;
    }
    let _slot = shard.pass_slot().await;
    if !shard.may_send() {
        return None;
    }
    let called = Instant::now();
    let arrival = outgoing.arrival;
    let Outgoing { method, timeout, cancel, progress, tasks, .. } = *outgoing;
    let call = Call { method, name, params, timeout, cancel, progress, tasks };
    let class = if outgoing.watches.is_some() { ErrorClass::Cancelled } else { ErrorClass::Timeout };
    let waiting = Waiting::begin(shard, outgoing.series, outgoing.phase, arrival.unwrap_or(called), class);
    let exchange = match outgoing.watches {
        Some(time) => client.subscribe(call, time).await,
        None => tasks::call(shard, client, call, outgoing.server).await,
    };
    waiting.end();
    // Outside an arrival rate the client is not kept waiting by a connection
    // that is made first: `connect` is a metric of its own.
    let due = arrival.unwrap_or(called + exchange.connect.unwrap_or(Duration::ZERO) + exchange.drain);
    let latency = exchange.done.saturating_duration_since(due);
    Some(Sent { due, latency, exchange, cached: false })
}

/// Judges a request that has ended, whose parameters are still the user's, and
/// records what became of it. Returns the cursor of the next page, if the answer has
/// one.
fn conclude<C: Connector>(run: &mut Running<'_, C>, request: &Request, sent: &Sent) -> (Next, Option<String>) {
    let Sent { latency, exchange, cached, .. } = sent;
    run.recalled |= cached;
    run.went_out |= !cached;
    let mut cursor = None;
    let trouble = match &exchange.outcome {
        Err(failure) => {
            // What was not to be answered is not expected to hold.
            if !matches!(failure, Failure::Cancelled { .. }) {
                fail_expectations(run, request, exchange.done);
            }
            if matches!(failure, Failure::SessionLost { .. }) {
                run.user.lose(run.shard, run.job.scenario, run.job.phase);
            }
            // A connection that was idle too long says nothing about the server.
            run.broken |= matches!(failure, Failure::Connect(_) | Failure::Local(_) | Failure::Transport(_));
            Some(Trouble {
                class: ErrorClass::from_name(failure.class()).unwrap_or(ErrorClass::Transport),
                message: failure.to_string(),
                fatal: !request.saves.is_empty() || request.checks.iter().any(|check| check.required),
            })
        }
        Ok(reply) => {
            let answer = Answer::new(reply, exchange, *latency);
            // First, so that a list that cannot be read is none without a next page.
            if matches!(request.method, Method::List { .. }) {
                cursor = answer.next_cursor();
            }
            judge(run, request, &answer, reply, exchange.done)
        }
    };
    let tags = match &exchange.outcome {
        _ if request.tags.is_empty() => Vec::new(),
        Ok(reply) => tags(run, request, Some(&Answer::new(reply, exchange, *latency))),
        Err(_) => tags(run, request, None),
    };
    record(run, request, sent, trouble.as_ref(), &tags);
    let fatal = trouble.is_some_and(|trouble| trouble.fatal);
    (if fatal { Next::EndIteration } else { Next::Step }, cursor)
}

/// The values of a request's tags; empty where one has none.
fn tags<C: Connector>(run: &mut Running<'_, C>, request: &Request, answer: Option<&Answer<'_>>) -> Vec<String> {
    let mut value = |tag: &Tag| tag.value.eval(&mut run.scope(answer)).map(|value| value.to_text());
    request.tags.iter().map(|tag| value(tag).unwrap_or_default()).collect()
}

/// Judges a response: the implied `expect ok`, the expectations, the saves.
fn judge<C: Connector>(
    run: &mut Running<'_, C>,
    request: &Request,
    answer: &Answer<'_>,
    reply: &Reply,
    done: Instant,
) -> Option<Trouble> {
    let fatal = !request.saves.is_empty() || request.checks.iter().any(|check| check.required);
    let mut trouble = None;
    if request.expects_ok {
        if let Some(error) = reply.error() {
            trouble = Some(Trouble { class: ErrorClass::Rpc, message: error.to_string(), fatal });
        } else if !answer.is_ok() {
            let text = answer.given(crate::expr::Given::Text).unwrap_or(Value::NULL).to_text();
            trouble = Some(Trouble { class: ErrorClass::Tool, message: text, fatal });
        }
    }
    let refused = trouble.is_some();
    let second = run.shard.second(done);
    for check in &request.checks {
        let mut failure = if refused { Some(String::new()) } else { check_failure(run, check, answer) };
        if failure.is_none() {
            failure = answer.unreadable().map(str::to_owned);
        }
        if let Some(label) = check.label {
            run.shard.recorder.borrow_mut().expectation(second, label, run.job.phase, failure.is_none());
        }
        if let Some(message) = failure
            && !refused
        {
            let first = trouble.get_or_insert(Trouble { class: ErrorClass::Expectation, message, fatal: false });
            first.fatal |= check.required;
        }
    }
    if trouble.is_none() {
        trouble = save(run, request, answer).or_else(|| measure(run, request, answer, second));
    }
    if refused {
        return trouble;
    }
    // What was held against nothing, since the result cannot be read, says nothing.
    match answer.unreadable() {
        Some(why) => Some(Trouble { class: ErrorClass::Protocol, message: why.to_owned(), fatal }),
        None => trouble,
    }
}

/// Records the metrics of the file's own that the response holds.
fn measure<C: Connector>(
    run: &mut Running<'_, C>,
    request: &Request,
    answer: &Answer<'_>,
    second: u32,
) -> Option<Trouble> {
    let shard = run.shard;
    for measure in &request.measures {
        let dimension = shard.plan.measures.get(measure.slot).map(|measure| measure.dimension)?;
        let value = measure.value.eval(&mut run.scope(Some(answer)));
        let quantity =
            value.as_ref().ok().and_then(Value::as_quantity).filter(|quantity| {
                quantity.dimension == dimension && quantity.value >= 0.0 && quantity.value.is_finite()
            });
        let Some(quantity) = quantity else {
            let found = match value {
                Ok(value) => {
                    format!("{} is no {} from 0", value.excerpt(), dimension.phrase().trim_start_matches("a "))
                }
                Err(error) => error.to_string(),
            };
            let message = format!("cannot measure `{}`: {found}", measure.name);
            return Some(Trouble { class: ErrorClass::Save, message, fatal: false });
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let scaled = (quantity.value * Measure::scale(dimension)).round() as u64;
        shard.recorder.borrow_mut().measure(second, measure.slot, run.job.phase, scaled);
    }
    None
}

/// Why an expectation did not hold; `None` if it did.
fn check_failure<C: Connector>(run: &mut Running<'_, C>, check: &Check, answer: &Answer<'_>) -> Option<String> {
    match check.condition.eval(&mut run.scope(Some(answer))) {
        Ok(value) if value.truthy() => None,
        Ok(_) => Some(format!("expected `{}`{}", check.source, observed(run, check, answer))),
        Err(error) => Some(format!("expected `{}`, but {error}", check.source)),
    }
}

/// What the left side of a comparison was.
fn observed<C: Connector>(run: &mut Running<'_, C>, check: &Check, answer: &Answer<'_>) -> String {
    let left = match &check.condition {
        crate::expr::Expr::Binary(op, left, _) if op.is_comparison() => left,
        crate::expr::Expr::Matches(left, _) => left,
        _ => return String::new(),
    };
    match left.eval(&mut run.scope(Some(answer))) {
        Ok(value) => format!(", found {}", value.excerpt()),
        Err(_) => String::new(),
    }
}

fn save<C: Connector>(run: &mut Running<'_, C>, request: &Request, answer: &Answer<'_>) -> Option<Trouble> {
    for save in &request.saves {
        match save.value.eval(&mut run.scope(Some(answer))) {
            Ok(value) => run.set(save.slot, value),
            Err(error) => {
                let message = format!("cannot save `{}`: {error}", save.name);
                return Some(Trouble { class: ErrorClass::Save, message, fatal: true });
            }
        }
    }
    None
}

/// An expectation on a response that never came did not hold.
fn fail_expectations<C: Connector>(run: &Running<'_, C>, request: &Request, done: Instant) {
    let second = run.shard.second(done);
    let mut recorder = run.shard.recorder.borrow_mut();
    for label in request.checks.iter().filter_map(|check| check.label) {
        recorder.expectation(second, label, run.job.phase, false);
    }
}

fn record<C: Connector>(
    run: &Running<'_, C>,
    request: &Request,
    sent: &Sent,
    trouble: Option<&Trouble>,
    tags: &[String],
) {
    let &Sent { due, latency, ref exchange, cached } = sent;
    let shard = run.shard;
    let (second, phase) = (shard.second(exchange.done), run.job.phase);
    let series = run.first_series + request.ordinal;
    if let Some(trouble) = trouble {
        let at = shard.nanos(exchange.done) / 1_000_000;
        shard.recorder.borrow_mut().failure(series, trouble.class, at, &trouble.message);
    }
    if cached {
        shard.recorder.borrow_mut().cached(second, series, phase, tags);
        return;
    }
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let sample = Sample {
        latency: nanos(latency),
        service: exchange.latency().map(nanos),
        wait: exchange.written.map(|written| nanos_between(due, written)),
        first_byte: exchange.written.zip(exchange.first_byte).map(|(written, first)| nanos_between(written, first)),
        bytes_in: exchange.bytes_in,
        bytes_out: exchange.bytes_out,
        notifications: exchange.notifications,
        progress: exchange.asides.progress,
        updates: exchange.asides.updates,
        questions: exchange.asides.questions,
        rounds: exchange.asides.rounds,
        polls: exchange.asides.polls,
        late: exchange.asides.late,
        violations: Some(&exchange.violations).filter(|violations| violations.count() > 0),
        error: trouble.map(|trouble| trouble.class),
    };
    let mut recorder = shard.recorder.borrow_mut();
    if request.tags.is_empty() {
        recorder.request(second, series, phase, &sample);
    } else {
        recorder.tagged_request(second, series, phase, tags, &sample);
    }
    if let Some(violations) = sample.violations {
        recorder.violations(series, shard.nanos(exchange.done) / 1_000_000, violations);
    }
    if let Some(connect) = exchange.connect {
        recorder.connect(second, run.job.scenario, phase, nanos(connect));
    }
    if trouble.is_none() && phase == Phase::Measured && recorder.wants_slow(series, sample.latency) {
        recorder.slow(slow(run, series, shard.nanos(due), exchange, &sample, tags));
    }
}

/// A request that could not be put together, and why.
pub(super) fn unsent<C: Connector>(run: &Running<'_, C>, request: &Request, due: Option<Instant>, why: &str) {
    let exchange = Exchange::unsent(Failure::Protocol(String::new()));
    let due = due.unwrap_or(exchange.done);
    let trouble = Trouble { class: ErrorClass::Save, message: why.to_owned(), fatal: true };
    fail_expectations(run, request, exchange.done);
    let latency = exchange.done.saturating_duration_since(due);
    let tags: Vec<String> = request.tags.iter().map(|_| String::new()).collect();
    record(run, request, &Sent { due, latency, exchange, cached: false }, Some(&trouble), &tags);
}
