//! The steps of a flow, one after the other.

use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

use super::iteration::{Running, no_session};
use super::request::{self, Next, Prepared};
use super::shard::nanos_between;
use crate::expr::{EvalError, Value};
use crate::plan::rows::AtEnd;
use crate::plan::{Branch, Choice, Method, Request, Save, Sessions, Step, Take, Think};
use crate::transport::Connector;

impl<C: Connector> Running<'_, C> {
    /// Performs some steps. Only the first request of an iteration is due at its
    /// arrival, which it takes out of `due`; those after it are due when the
    /// step before them has ended.
    pub(super) async fn steps(&mut self, steps: &[Step], due: &mut Option<Instant>) -> Next {
        for (index, step) in steps.iter().enumerate() {
            let next = match step {
                Step::Request(request) => self.request(request, due).await,
                Step::Think(think) => {
                    self.think(*think).await;
                    Next::Step
                }
                Step::Let(save) => match self.assign(save) {
                    Ok(()) => Next::Step,
                    Err(error) => self.failed(steps, index, due, &format!("cannot set `{}`: {error}", save.name)),
                },
                Step::Take(take) => self.take(take, steps, index, due),
                Step::Pace(nanos) => {
                    let pace = Duration::try_from_secs_f64(nanos / 1e9).unwrap_or(Duration::ZERO);
                    self.pace = Some(self.pace.map_or(pace, |other| other.max(pace)));
                    Next::Step
                }
                Step::Repeat { times, steps } => self.repeat(*times, steps, due).await,
                Step::If(branches) => match self.branch(branches) {
                    Ok(None) => Next::Step,
                    Ok(Some(branch)) => Box::pin(self.steps(&branch.steps, due)).await,
                    Err(message) => self.failed(steps, index, due, &message),
                },
                Step::Choose(choices) => match self.choice(choices) {
                    Some(choice) => Box::pin(self.steps(&choice.steps, due)).await,
                    None => Next::Step,
                },
                Step::Group { group, steps } => self.group(*group, steps, due).await,
                Step::Parallel(steps) => self.parallel(steps, due).await,
                Step::Run { flow } => self.run(*flow, due).await,
                Step::StopIteration => Next::EndIteration,
                Step::StopUser => Next::EndUser,
                Step::Log(value) => {
                    self.log(value);
                    Next::Step
                }
            };
            if next != Next::Step {
                return next;
            }
        }
        Next::Step
    }

    async fn request(&mut self, request: &Request, due: &mut Option<Instant>) -> Next {
        self.sent = true;
        if matches!(request.method, Method::Call { .. }) {
            let next = self.list_first(due).await;
            if next != Next::Step {
                return next;
            }
        }
        if !self.own_session().await {
            return Next::EndIteration;
        }
        let next = request::perform(self, request, due).await;
        self.end_own_session().await;
        next
    }

    /// Lists the tools, as some clients do before they call one.
    async fn list_first(&mut self, due: &mut Option<Instant>) -> Next {
        match self.lists.take() {
            Some(flow) => self.run(flow, due).await,
            None => Next::Step,
        }
    }

    /// Requests that are under way together on one MCP session. What they send
    /// is settled before the first of them goes out.
    async fn parallel(&mut self, steps: &[Step], due: &mut Option<Instant>) -> Next {
        self.sent = true;
        if self.lists.is_some() && steps.iter().any(calls) {
            let next = self.list_first(due).await;
            if next != Next::Step {
                return next;
            }
        }
        let mut batch = Vec::new();
        let gathered = self.gather(steps, due, &mut batch);
        if gathered != Next::Step || batch.is_empty() {
            return gathered;
        }
        if !self.own_session().await {
            return Next::EndIteration;
        }
        let next = request::together(self, batch, due).await;
        self.end_own_session().await;
        next
    }

    /// Collects the requests of a `parallel` block, in order.
    fn gather<'s>(&mut self, steps: &'s [Step], due: &mut Option<Instant>, batch: &mut Vec<Prepared<'s>>) -> Next {
        for (index, step) in steps.iter().enumerate() {
            let next = match step {
                Step::Request(request) => match request::prepare(self, request, *due) {
                    Ok(prepared) => {
                        batch.push(prepared);
                        Next::Step
                    }
                    Err(next) => next,
                },
                Step::Let(save) => match self.assign(save) {
                    Ok(()) => Next::Step,
                    Err(error) => self.failed(steps, index, due, &format!("cannot set `{}`: {error}", save.name)),
                },
                Step::Take(take) => self.take(take, steps, index, due),
                Step::Repeat { times, steps } => {
                    let mut rounds = (0..*times).map(|_| self.gather(steps, due, batch));
                    rounds.find(|next| *next != Next::Step).unwrap_or(Next::Step)
                }
                Step::If(branches) => match self.branch(branches) {
                    Ok(branch) => branch.map_or(Next::Step, |branch| self.gather(&branch.steps, due, batch)),
                    Err(message) => self.failed(steps, index, due, &message),
                },
                Step::Choose(choices) => match self.choice(choices) {
                    Some(choice) => self.gather(&choice.steps, due, batch),
                    None => Next::Step,
                },
                Step::Log(value) => {
                    self.log(value);
                    Next::Step
                }
                // A file with another step in a `parallel` block is refused.
                _ => Next::Step,
            };
            if next != Next::Step {
                return next;
            }
        }
        Next::Step
    }

    /// Opens the session of one call, where each call has its own, or the one in the
    /// place of a lost one. Returns whether there is one.
    async fn own_session(&mut self) -> bool {
        if !self.has_session_per_call() && !self.user.must_renew(self.shard, self.job.scenario) {
            return true;
        }
        let Err(error) = self.user.ensure_open(self.shard, self.job.scenario, self.job.phase).await else {
            return true;
        };
        self.broken = true;
        if let Some(flow) = self.plan().flows.get(self.current) {
            no_session(self.shard, flow, self.job, &error);
        }
        false
    }

    async fn end_own_session(&mut self) {
        if self.has_session_per_call() {
            self.user.close(self.shard, self.job.scenario).await;
        }
    }

    fn has_session_per_call(&self) -> bool {
        let scenario = self.plan().scenarios.get(self.job.scenario);
        scenario.is_some_and(|scenario| scenario.sessions == Sessions::PerCall)
    }

    /// The guard lets no more requests pass.
    pub(super) fn refused(&mut self) -> Next {
        self.cut = true;
        Next::EndIteration
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
        self.set(save.slot, value);
        Ok(())
    }

    /// Gives a variable of the current flow its value.
    pub(super) fn set(&mut self, slot: usize, value: Value) {
        if let Some(local) = self.user.locals.get_mut(self.base + slot) {
            *local = Some(value);
        }
    }

    /// `take row from data`
    fn take(&mut self, take: &Take, steps: &[Step], index: usize, due: &mut Option<Instant>) -> Next {
        let Some(taken) = self.user.taken.get_mut(take.data) else { return Next::Step };
        let nth = *taken;
        *taken += 1;
        match self.shard.take(self.job.scenario, take.data, self.taker, nth) {
            Some(row) => {
                self.set(take.slot, Value::Json(row));
                Next::Step
            }
            None => {
                let data = self.plan().data.get(take.data);
                if data.is_some_and(|data| data.at_end == AtEnd::Stop) {
                    return Next::EndUser;
                }
                let (name, rows) = data.map_or(("", 0), |data| (data.name.as_str(), data.rows));
                let message = format!("data `{name}` has no more rows: all {rows} were taken");
                self.failed(steps, index, due, &message)
            }
        }
    }

    async fn repeat(&mut self, times: u32, steps: &[Step], due: &mut Option<Instant>) -> Next {
        for _ in 0..times {
            let next = Box::pin(self.steps(steps, due)).await;
            if next != Next::Step {
                return next;
            }
            // Steps that wait for nothing would keep the thread to themselves.
            tokio::task::consume_budget().await;
        }
        Next::Step
    }

    /// The first branch whose condition holds.
    fn branch<'b>(&mut self, branches: &'b [Branch]) -> Result<Option<&'b Branch>, String> {
        for branch in branches {
            let Some(condition) = &branch.condition else { return Ok(Some(branch)) };
            match condition.eval(&mut self.scope(None)) {
                Ok(value) if value.truthy() => return Ok(Some(branch)),
                Ok(_) => {}
                Err(error) => return Err(format!("cannot decide `if {}`: {error}", branch.source)),
            }
        }
        Ok(None)
    }

    fn choice<'c>(&mut self, choices: &'c [Choice]) -> Option<&'c Choice> {
        let slots: u32 = choices.iter().map(|choice| choice.slots).sum();
        let mut drawn = self.random.random_range(0..slots.max(1));
        choices.iter().find(|choice| {
            let chosen = drawn < choice.slots;
            drawn = drawn.saturating_sub(choice.slots);
            chosen
        })
    }

    async fn group(&mut self, group: usize, steps: &[Step], due: &mut Option<Instant>) -> Next {
        let begun = due.unwrap_or_else(Instant::now);
        let thought = self.thought;
        let next = Box::pin(self.steps(steps, due)).await;
        // What was not performed to its end has no time.
        if next == Next::Step {
            let now = Instant::now();
            let idle = u64::try_from(self.thought.saturating_sub(thought).as_nanos()).unwrap_or(u64::MAX);
            let nanos = nanos_between(begun, now).saturating_sub(idle);
            self.shard.recorder.borrow_mut().group(self.shard.second(now), group, self.job.phase, nanos);
        }
        next
    }

    fn log(&mut self, value: &crate::expr::Expr) {
        let text = match value.eval(&mut self.scope(None)) {
            Ok(value) => value.to_text(),
            Err(error) => format!("({error})"),
        };
        let now = Instant::now();
        let (second, at_ms) = (self.shard.second(now), self.shard.nanos(now) / 1_000_000);
        self.shard.recorder.borrow_mut().log(second, at_ms, self.job.scenario, self.user.id, &text);
    }

    /// A step without which the rest makes no sense: it fails the request that it
    /// is for, which is the next one, and the iteration.
    fn failed(&mut self, steps: &[Step], index: usize, due: &mut Option<Instant>, why: &str) -> Next {
        self.sent = true;
        let mut behind = Vec::new();
        for step in steps.iter().skip(index) {
            requests(step, &mut behind);
        }
        let own = self.plan().flows.get(self.current).map(crate::plan::Flow::requests).unwrap_or_default();
        if let Some(request) = behind.first().or(own.last()) {
            request::unsent(self, request, due.take(), why);
        }
        Next::EndIteration
    }
}

/// Whether a step calls a tool, or one inside it may.
fn calls(step: &Step) -> bool {
    let mut found = Vec::new();
    requests(step, &mut found);
    found.iter().any(|request| matches!(request.method, Method::Call { .. }))
}

/// The requests of a step, in order.
fn requests<'a>(step: &'a Step, found: &mut Vec<&'a Request>) {
    match step {
        Step::Request(request) => found.push(request),
        step => step.inner().flatten().for_each(|step| requests(step, found)),
    }
}
