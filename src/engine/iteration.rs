//! One iteration: a virtual user performs the steps of a flow.

use std::time::Duration;

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

use super::request::{self, Next};
use super::scope::StepScope;
use super::shard::{Shard, nanos_between};
use super::user::User;
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
    pub(super) phase: Phase,
}

/// How an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    /// There was no connection or session.
    NoSession,
}

/// Performs `job` with `user`.
pub(super) async fn perform<C: Connector>(shard: &Shard<C>, user: &mut User<C::Client>, job: Job) -> End {
    let plan = &shard.plan;
    let (Some(flow), Some(scenario)) = (plan.flows.get(job.flow), plan.scenarios.get(job.scenario)) else {
        return End::Finished;
    };
    let Some(first_series) = plan.first_series(job.scenario, job.flow) else { return End::Finished };
    let second = shard.second(Instant::now());
    shard.recorder.borrow_mut().started(second, job.scenario, job.phase);
    if let Err(error) = user.ensure_open(shard, job.scenario, job.phase).await {
        no_session(shard, first_series, job, &error);
        return End::NoSession;
    }
    let mut random = stream(plan.seed, Purpose::Iteration, job.scenario, job.index);
    user.locals.clear();
    user.locals.resize(flow.locals, None);
    let mut run = Running { shard, user, job, scenario, first_series, random: &mut random, thought: Duration::ZERO };
    // A closed user's iteration begins once its session is open.
    let due = if job.arrival { job.due } else { Instant::now() };
    run.steps(flow, due).await;
    let (thought, now) = (run.thought, Instant::now());
    user.iteration += 1;
    let nanos = nanos_between(due, now).saturating_sub(u64::try_from(thought.as_nanos()).unwrap_or(u64::MAX));
    shard.recorder.borrow_mut().iteration(shard.second(now), job.scenario, job.phase, nanos);
    End::Finished
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
}

impl<C: Connector> Running<'_, C> {
    async fn steps(&mut self, flow: &Flow, arrival: Instant) {
        let mut due = Some(arrival).filter(|_| self.job.arrival);
        for step in &flow.steps {
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
                    if !self.assign(save) {
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

    /// `let`: false when the value is missing, which ends the iteration.
    fn assign(&mut self, save: &Save) -> bool {
        let value = save.value.eval(&mut self.scope(None));
        let found = value.is_ok();
        if let Some(slot) = self.user.locals.get_mut(save.slot) {
            *slot = value.ok();
        }
        found
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
fn no_session<C: Connector>(shard: &Shard<C>, series: usize, job: Job, error: &OpenError) {
    let now = Instant::now();
    let class = ErrorClass::from_name(error.class()).unwrap_or(ErrorClass::Connect);
    let sample = Sample { latency: nanos_between(job.due, now), error: Some(class), ..Sample::default() };
    let mut recorder = shard.recorder.borrow_mut();
    recorder.request(shard.second(now), series, job.phase, &sample);
    recorder.failure(series, class, shard.nanos(now) / 1_000_000, &error.to_string());
}
