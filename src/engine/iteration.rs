//! One iteration: a virtual user performs the steps of a flow.

use std::cell::Cell;
use std::time::Duration;

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

use super::request::{self, Next};
use super::scope::StepScope;
use super::shard::{Shard, nanos_between};
use super::user::User;
use crate::expr::EvalError;
use crate::plan::random::{Purpose, stream};
use crate::plan::{Flow, Save, Step, Think};
use crate::record::{ErrorClass, Phase, Sample};
use crate::transport::{Connector, OpenError};

/// One iteration that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) scenario: usize,
    pub(super) flow: usize,
    /// Number of the iteration in its scenario; the key of its random numbers.
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
    /// There was no session, or the connection broke.
    Broken,
}

/// Performs `job` with `user`.
pub(super) async fn perform<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, job: Job) -> End {
    let plan = &shard.plan;
    let (Some(flow), Some(scenario)) = (plan.flows.get(job.flow), plan.scenarios.get(job.scenario)) else {
        return End::Finished;
    };
    let Some(first_series) = plan.first_series(job.scenario, job.flow) else { return End::Finished };
    let _under_way = UnderWay::begin(shard, job.scenario);
    let second = shard.second(Instant::now());
    shard.recorder.borrow_mut().started(second, job.scenario, job.phase);
    if let Err(error) = user.ensure_open(shard, job.scenario, job.phase).await {
        user.iteration += 1;
        no_session(shard, flow, first_series, job, &error);
        return End::Broken;
    }
    let mut random = stream(plan.seed, Purpose::Iteration, job.scenario, job.index);
    user.locals.clear();
    user.locals.resize(flow.locals, None);
    let mut run = Running {
        shard,
        user,
        job,
        scenario,
        first_series,
        random: &mut random,
        thought: Duration::ZERO,
        broken: false,
    };
    // A closed user's iteration begins once its session is open.
    let due = if job.arrival { job.due } else { Instant::now() };
    run.steps(flow, due).await;
    let (thought, broken, now) = (run.thought, run.broken, Instant::now());
    user.iteration += 1;
    let nanos = nanos_between(due, now).saturating_sub(u64::try_from(thought.as_nanos()).unwrap_or(u64::MAX));
    shard.recorder.borrow_mut().iteration(shard.second(now), job.scenario, job.phase, nanos);
    if broken { End::Broken } else { End::Finished }
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
    pub(super) scenario: &'a crate::plan::Scenario,
    pub(super) first_series: usize,
    pub(super) random: &'a mut Pcg64Mcg,
    thought: Duration,
    /// Whether the connection could not be made, or broke.
    pub(super) broken: bool,
}

impl<C: Connector> Running<'_, C> {
    async fn steps(&mut self, flow: &Flow, arrival: Instant) {
        let mut due = Some(arrival).filter(|_| self.job.arrival);
        for (index, step) in flow.steps.iter().enumerate() {
            match step {
                Step::Request(request) => {
                    // Only the first request is due at the arrival; those after it
                    // are due when the step before them has ended.
                    if request::perform(self, request, due.take()).await == Next::EndIteration {
                        return;
                    }
                }
                Step::Think(think) => self.think(*think).await,
                Step::Let(save) => {
                    if let Err(error) = self.assign(save) {
                        // It fails the request that it is for: the next one.
                        let rest = flow.steps.iter().skip(index);
                        if let Some(request) = rest.filter_map(Step::as_request).next().or(flow.requests().last()) {
                            request::unsent(self, request, due, &format!("cannot set `{}`: {error}", save.name));
                        }
                        return;
                    }
                }
            }
        }
    }

    async fn think(&mut self, think: Think) {
        let nanos = match think {
            Think::Between(least, most) => least + (most - least) * self.random.random::<f64>(),
            Think::Exponential(mean) => -mean * (1.0 - self.random.random::<f64>()).ln(),
        };
        let pause = Duration::try_from_secs_f64(nanos / 1e9).unwrap_or(Duration::ZERO);
        self.thought += pause;
        tokio::time::sleep(pause).await;
    }

    /// `let`
    fn assign(&mut self, save: &Save) -> Result<(), EvalError> {
        let value = save.value.eval(&mut self.scope(None))?;
        if let Some(slot) = self.user.locals.get_mut(save.slot) {
            *slot = Some(value);
        }
        Ok(())
    }

    /// What expressions see, with or without a response.
    pub(super) fn scope<'s>(&'s mut self, answer: Option<&'s super::answer::Answer<'s>>) -> StepScope<'s> {
        StepScope {
            locals: &self.user.locals,
            answer,
            user: self.user.id,
            iteration: self.user.iteration,
            run_id: &self.shard.run_id,
            patterns: &self.shard.patterns,
            random: self.random,
        }
    }
}

/// Without a session the first request of the flow counts as failed.
fn no_session<C: Connector>(shard: &Shard<C>, flow: &Flow, series: usize, job: Job, error: &OpenError) {
    let now = Instant::now();
    let class = ErrorClass::from_name(error.class()).unwrap_or(ErrorClass::Connect);
    let sample = Sample { latency: nanos_between(job.due, now), error: Some(class), ..Sample::default() };
    let mut recorder = shard.recorder.borrow_mut();
    recorder.request(shard.second(now), series, job.phase, &sample);
    for label in flow.requests().take(1).flat_map(|request| &request.checks).filter_map(|check| check.label) {
        recorder.expectation(shard.second(now), label, job.phase, false);
    }
    recorder.failure(series, class, shard.nanos(now) / 1_000_000, &error.to_string());
}
