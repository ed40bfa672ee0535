//! One iteration: a virtual user performs a flow.

use std::cell::Cell;
use std::time::Duration;

use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

use super::isolation::{self, Sender};
use super::request::Next;
use super::scope::StepScope;
use super::shard::{Shard, nanos_between};
use super::user::User;
use crate::plan::random::{Purpose, stream};
use crate::plan::takes::Taker;
use crate::plan::{Flow, Plan, Request, Sessions};
use crate::record::{ErrorClass, Phase, Sample};
use crate::transport::{Connector, Exchange, OpenError};
use crate::violation::Violation;

/// One iteration that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) scenario: usize,
    pub(super) flow: usize,
    /// Number of the iteration in its scenario; the key of its random numbers
    /// and of its rows.
    pub(super) index: u64,
    pub(super) due: Instant,
    /// Whether `due` comes from an arrival rate: then everything after it,
    /// such as opening a connection, is waiting that the client notices.
    pub(super) arrival: bool,
    /// Whether it was due in the warm-up; then so is all that it does, and the
    /// numbers of requests, expectations and iterations agree.
    pub(super) phase: Phase,
}

/// How an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    /// The same, but all that it asked for had been kept, so that it took no time.
    Cached,
    /// There was no session, or the connection broke.
    Broken,
    /// The user performs no other.
    Stopped,
}

/// Performs `job` with `user`.
pub(super) async fn perform<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, job: Job) -> End {
    let plan = &shard.plan;
    let (Some(flow), Some(scenario)) = (plan.flows.get(job.flow), plan.scenarios.get(job.scenario)) else {
        return End::Finished;
    };
    let _under_way = UnderWay::begin(shard, job.scenario);
    let second = shard.second(Instant::now());
    shard.recorder.borrow_mut().started(second, job.scenario, job.phase);
    if scenario.sessions != Sessions::PerCall
        && let Err(error) = user.ensure_open(shard, job.scenario, job.phase).await
    {
        user.iteration += 1;
        no_session(shard, flow, job, &error);
        return End::Broken;
    }
    if !prepare(shard, user, job).await {
        user.iteration += 1;
        return End::Stopped;
    }
    let begun = Instant::now();
    // A closed user's iteration begins once its session is open.
    let due = if job.arrival { job.due } else { begun };
    let mut random = stream(plan.seed, Purpose::Iteration, job.scenario, job.index);
    let mut run = Running::new(shard, user, job, Taker::Iteration(job.index), &mut random);
    run.lists = shard.lists_first(job.scenario, job.index);
    let next = run.flow(flow, &mut Some(due).filter(|_| job.arrival)).await;
    let (thought, broken, sent, pace, now) = (run.thought, run.broken, run.sent, run.pace, Instant::now());
    let (whole, cached) = (!run.cut, run.recalled && !run.went_out);
    user.iteration += 1;
    user.not_before = pace.map(|pace| begun + pace);
    // A user that finds no row any more has not begun an iteration.
    if whole && (next != Next::EndUser || sent) {
        let nanos = nanos_between(due, now).saturating_sub(whole_nanos(thought));
        shard.recorder.borrow_mut().iteration(shard.second(now), job.scenario, job.phase, nanos);
    }
    if scenario.sessions == Sessions::PerIteration {
        user.close(shard, job.scenario).await;
    }
    match (next, broken) {
        // Another arrival may have its row yet; a session that did nothing serves
        // it as well as a new one.
        (Next::EndUser, _) if job.arrival && !sent => End::Finished,
        (Next::EndUser, _) => End::Stopped,
        (_, true) => End::Broken,
        _ if cached => End::Cached,
        _ => End::Finished,
    }
}

/// Performs what the scenario asks of a user before its first iteration.
/// Returns whether the user goes on.
async fn prepare<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, job: Job) -> bool {
    if user.prepared {
        return true;
    }
    user.prepared = true;
    let before = shard.plan.scenarios.get(job.scenario).and_then(|scenario| scenario.before);
    let Some((index, flow)) = before.and_then(|index| Some((index, shard.plan.flows.get(index)?))) else { return true };
    let taker = Taker::Before(user.id);
    once(shard, user, Job { flow: index, arrival: false, ..job }, flow, taker).await == Next::Step
}

/// Performs what the scenario asks of a user after its last iteration, and ends
/// its session.
pub(super) async fn finish<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, scenario: usize) {
    let after = shard.plan.scenarios.get(scenario).and_then(|scenario| scenario.after);
    if let Some((index, flow)) = after.and_then(|index| Some((index, shard.plan.flows.get(index)?)))
        && user.prepared
        && user.ensure_open(shard, scenario, Phase::Measured).await.is_ok()
    {
        let (due, taker) = (Instant::now(), Taker::After(user.id));
        let job = Job { scenario, flow: index, index: user.id, due, arrival: false, phase: Phase::Measured };
        once(shard, user, job, flow, taker).await;
    }
    user.close(shard, scenario).await;
    shard.users.set(shard.users.get().saturating_sub(1));
}

/// Performs a flow that belongs to no iteration.
async fn once<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, job: Job, flow: &Flow, taker: Taker) -> Next {
    let key = user.id.wrapping_mul(2).wrapping_add(u64::from(matches!(taker, Taker::After(_))));
    let mut random = stream(shard.plan.seed, Purpose::User, job.scenario, key);
    Running::new(shard, user, job, taker, &mut random).flow(flow, &mut None).await
}

fn whole_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Counts an iteration for as long as it lasts, however it ends.
struct UnderWay<'a> {
    count: Option<&'a Cell<u64>>,
}

impl<'a> UnderWay<'a> {
    fn begin<C: Connector>(shard: &'a Shard<C>, scenario: usize) -> UnderWay<'a> {
        let count = shard.iterating.get(scenario);
        if let Some(count) = count {
            count.set(count.get() + 1);
        }
        UnderWay { count }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.count {
            count.set(count.get().saturating_sub(1));
        }
    }
}

/// An iteration in progress.
pub(super) struct Running<'a, C: Connector> {
    pub(super) shard: &'a Shard<C>,
    pub(super) user: &'a mut User<C::Client>,
    pub(super) job: Job,
    pub(super) taker: Taker,
    /// The flow whose steps are performed: the job's, or one that it runs.
    pub(super) current: usize,
    /// Its first series.
    pub(super) first_series: usize,
    /// Where its variables begin among those of the user.
    pub(super) base: usize,
    pub(super) random: &'a mut Pcg64Mcg,
    /// Time spent thinking.
    pub(super) thought: Duration,
    /// The longest `pace` of the iteration.
    pub(super) pace: Option<Duration>,
    /// Whether anything was sent, or should have been.
    pub(super) sent: bool,
    /// Whether anything went out.
    pub(super) went_out: bool,
    /// Whether anything was answered by what had been kept.
    pub(super) recalled: bool,
    /// Whether the connection could not be made, or broke.
    pub(super) broken: bool,
    /// Whether the guard cut it off.
    pub(super) cut: bool,
    /// The flow that goes before its first call, until that is done.
    pub(super) lists: Option<usize>,
    /// Tokens that it has made.
    made: u16,
}

impl<'a, C: Connector> Running<'a, C> {
    fn new(
        shard: &'a Shard<C>,
        user: &'a mut User<C::Client>,
        job: Job,
        taker: Taker,
        random: &'a mut Pcg64Mcg,
    ) -> Running<'a, C> {
        user.locals.clear();
        user.taken.clear();
        user.taken.resize(shard.plan.data.len(), 0);
        if shard.tokens.is_some() {
            user.past.begin(Sender::of(job.scenario, taker));
        }
        Running {
            shard,
            user,
            job,
            taker,
            current: job.flow,
            first_series: 0,
            base: 0,
            random,
            thought: Duration::ZERO,
            pace: None,
            sent: false,
            went_out: false,
            recalled: false,
            broken: false,
            cut: false,
            lists: None,
            made: 0,
        }
    }

    /// Notes whether the answer to a request with these parameters is for another,
    /// or, in a sample, not what its tool has promised; keeps it, where the scenario
    /// and the server let it be cached.
    pub(super) fn oversee(&self, request: &Request, exchange: &mut Exchange, params: &[u8]) {
        if let (Some(tokens), Ok(reply)) = (&self.shard.tokens, &exchange.outcome)
            && let Some(why) = isolation::mixed_up(tokens, &self.user.past, params, reply.message())
        {
            exchange.violations.note(Violation::CrossWired, || why);
        }
        if let Some(promises) = &self.shard.promises {
            self.inspect(promises, request, exchange);
        }
        self.keep(request, exchange, params);
    }

    pub(super) fn plan(&self) -> &'a Plan {
        &self.shard.plan
    }

    /// Performs the steps of a flow with variables of its own.
    async fn flow(&mut self, flow: &Flow, due: &mut Option<Instant>) -> Next {
        self.base = self.user.locals.len();
        self.user.locals.resize(self.base + flow.locals, None);
        // A flow that only runs others has no series.
        self.first_series = self.shard.first_series(self.job.scenario, self.current).unwrap_or(usize::MAX);
        self.steps(&flow.steps, due).await
    }

    /// Performs the steps of another flow, then goes on with the current one.
    pub(super) async fn run(&mut self, index: usize, due: &mut Option<Instant>) -> Next {
        let Some(flow) = self.plan().flows.get(index) else { return Next::Step };
        let (current, first_series, base) = (self.current, self.first_series, self.base);
        self.current = index;
        let next = Box::pin(self.flow(flow, due)).await;
        self.user.locals.truncate(self.base);
        (self.current, self.first_series, self.base) = (current, first_series, base);
        next
    }

    /// What expressions see, with or without a response.
    pub(super) fn scope<'s>(&'s mut self, answer: Option<&'s super::answer::Answer<'s>>) -> StepScope<'s> {
        StepScope {
            locals: self.user.locals.get(self.base..).unwrap_or_default(),
            answer,
            user: self.user.id,
            iteration: self.user.iteration,
            revision: self.user.revision,
            run_id: &self.shard.run_id,
            patterns: &self.shard.patterns,
            random: self.random,
            tokens: self.shard.tokens.as_ref(),
            sender: Sender::of(self.job.scenario, self.taker),
            made: &mut self.made,
        }
    }
}

/// Without a session the first request of the flow counts as failed.
pub(super) fn no_session<C: Connector>(shard: &Shard<C>, flow: &Flow, job: Job, error: &OpenError) {
    // A flow that only runs others fails the first of theirs.
    let flows = std::iter::once(job.flow).chain((0..shard.plan.flows.len()).filter(|_| flow.requests().is_empty()));
    let Some(series) = flows.filter_map(|flow| shard.first_series(job.scenario, flow)).next() else { return };
    let now = Instant::now();
    let class = ErrorClass::from_name(error.class()).unwrap_or(ErrorClass::Connect);
    let sample = Sample { latency: nanos_between(job.due, now), error: Some(class), ..Sample::default() };
    let mut recorder = shard.recorder.borrow_mut();
    recorder.request(shard.second(now), series, job.phase, &sample);
    let checks = flow.requests().into_iter().take(1).flat_map(|request| &request.checks);
    for label in checks.filter_map(|check| check.label) {
        recorder.expectation(shard.second(now), label, job.phase, false);
    }
    recorder.failure(series, class, shard.nanos(now) / 1_000_000, &error.to_string());
}
