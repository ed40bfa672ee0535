//! Calls that become tasks: what the server works at behind its first answer is
//! followed to its end.
//!
//! To whoever measures it is one request, from the call to the final result. The
//! server is asked how far it is as often as it says, what it wants to know is
//! answered as far as the file does, and a task that nobody waits for any more
//! is cancelled. The transport follows nothing; it is the `task` of the file that
//! asks for it, so it is done here.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::rounds::{self, ROUNDS, Wanted};
use super::shard::Shard;
use crate::transport::{Call, Client as _, Connector, Exchange, Failure, Reply, Task, TaskStatus, Tasks};

/// How long is waited between two polls where the server does not say it: what
/// the SDKs of MCP do.
const POLL_DEFAULT: Duration = Duration::from_secs(1);

/// The least, whatever the server says: a server that says 0 would be flooded.
const POLL_MIN: Duration = Duration::from_millis(10);

/// The most, whatever the server says: further apart, a poll would say more
/// about the interval than about the server.
const POLL_MAX: Duration = Duration::from_secs(60);

/// How long the server may take to answer that it will give up a task: whoever
/// waits for it has waited long enough.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

const GET: &str = "tasks/get";

/// Sends a request, and follows the task that it becomes, if it may become one.
pub(super) async fn call<C: Connector>(
    shard: &Shard<C>,
    client: &mut C::Client,
    call: Call<'_>,
    server: usize,
) -> Exchange {
    let begun = Instant::now();
    let mut whole = rounds::call(shard, client, call, server).await;
    let task = match &whole.outcome {
        Ok(reply) if call.tasks != Tasks::Unsaid && reply.is_task() => (reply.task(), reply.holds_task()),
        _ => return whole,
    };
    match task {
        (Err(sentence), _) => whole.outcome = Err(Failure::Protocol(sentence)),
        (Ok(task), apart) => {
            let (id, name) = (serde_json::Value::from(task.id.as_str()).to_string(), task.id.clone());
            let over = false;
            let mut followed = Followed { shard, client, call, server, begun, whole, id, name, apart, over };
            let outcome = followed.end(task).await;
            if outcome.is_err() {
                followed.whole.done = followed.whole.done.max(Instant::now());
            }
            let given_up = match &outcome {
                Err(failure) => !matches!(failure, Failure::SessionLost { .. } | Failure::Ended { .. }),
                Ok(reply) => reply.error().is_some(),
            };
            if given_up && !followed.over {
                followed.cancel().await;
            }
            whole = followed.whole;
            whole.outcome = outcome;
        }
    }
    whole
}

/// A task on its way.
struct Followed<'a, C: Connector> {
    shard: &'a Shard<C>,
    client: &'a mut C::Client,
    /// The call that has become a task.
    call: Call<'a>,
    /// Index of its server in the plan.
    server: usize,
    begun: Instant,
    whole: Exchange,
    /// Its id as JSON.
    id: String,
    name: String,
    /// The result is had by a request of its own, on whose way the server asks
    /// what it wants to know (2025-11-25). Otherwise polls tell it all.
    apart: bool,
    /// Whether the server has said that it is over, so that nothing is left to cancel.
    over: bool,
}

impl<C: Connector> Followed<'_, C> {
    /// What the task comes to.
    async fn end(&mut self, mut task: Task) -> Result<Reply, Failure> {
        // Keys are never used again, and what was answered may be asked once more
        // until the server has seen it.
        let mut answered = BTreeSet::new();
        let mut told: Option<Reply> = None;
        loop {
            self.over = matches!(task.status, TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled);
            match (task.status, &told) {
                (TaskStatus::Working, _) => self.pause(&task).await?,
                (TaskStatus::Cancelled, _) => return Err(Failure::Ended { reason: task.message }),
                _ if self.apart => return self.ask("tasks/result", &self.params("")).await,
                (TaskStatus::InputRequired, Some(reply)) => {
                    if let Some(responses) = self.responses(reply, &mut answered)? {
                        let taken = self.ask("tasks/update", &self.params(&responses)).await?;
                        if taken.error().is_some() {
                            return Ok(taken);
                        }
                    }
                    self.pause(&task).await?;
                }
                (TaskStatus::Completed | TaskStatus::Failed, Some(reply)) => {
                    return reply.end_of_task(&mut self.whole.violations).map_err(Failure::Protocol);
                }
                // The first answer says how far it is, and no more.
                (_, None) => {}
            }
            let reply = self.ask(GET, &self.params("")).await?;
            if reply.error().is_some() {
                return Ok(reply);
            }
            task = reply.task().map_err(Failure::Protocol)?;
            told = Some(reply);
        }
    }

    /// Parameters that name the task.
    fn params(&self, more: &str) -> String {
        format!("{{\"taskId\":{}{more}}}", self.id)
    }

    /// The answers to what the server wants to know and has no answer to yet.
    fn responses(&mut self, reply: &Reply, answered: &mut BTreeSet<String>) -> Result<Option<String>, Failure> {
        let mut wanted = Wanted::of(reply).map_err(Failure::Protocol)?;
        wanted.forget(|key| answered.contains(key));
        if wanted.is_empty() {
            return Ok(None);
        }
        if self.whole.asides.rounds >= ROUNDS {
            return Err(Failure::Protocol(format!("the task still wants input after {ROUNDS} rounds of answers")));
        }
        self.whole.asides.rounds += 1;
        let answers = self.shard.answers.get(self.server);
        let responses = wanted.responses(answers, &mut self.whole.asides.questions).map_err(Failure::Protocol)?;
        answered.extend(wanted.keys());
        Ok(Some(format!(",\"inputResponses\":{responses}")))
    }

    /// Waits for as long as the server wants between two polls.
    async fn pause(&self, task: &Task) -> Result<(), Failure> {
        let interval = task.poll_interval.unwrap_or(POLL_DEFAULT).clamp(POLL_MIN, POLL_MAX);
        let limit = self.call.cancel.unwrap_or(self.call.timeout).min(self.call.timeout);
        let left = limit.saturating_sub(self.begun.elapsed());
        tokio::time::sleep(interval.min(left)).await;
        if interval < left {
            return Ok(());
        }
        let cancelled = self.call.cancel.filter(|after| *after < self.call.timeout);
        Err(match cancelled {
            Some(after) => Failure::Cancelled { after },
            None => Failure::Timeout { after: self.call.timeout },
        })
    }

    /// Asks something about the task. The connection may have been idle for as long
    /// as the server wanted, and none of these requests does harm twice, so one
    /// that met a stale connection is sent again.
    async fn ask(&mut self, method: &str, params: &str) -> Result<Reply, Failure> {
        for last in [false, true] {
            if !self.shard.may_send() {
                return Err(Failure::Protocol("the guard's `max requests` lets no further poll pass".to_owned()));
            }
            let left = |limit: Duration| limit.saturating_sub(self.begun.elapsed());
            let (timeout, cancel) = (left(self.call.timeout), self.call.cancel.map(left));
            let (name, params, tasks) = (Some(self.name.as_str()), params.as_bytes(), Tasks::Known);
            let about = Call { method, name, params, timeout, cancel, progress: false, tasks };
            let part = self.client.call(about).await;
            self.whole.asides.polls += u32::from(method == GET);
            let outcome = rounds::add(&mut self.whole, part, &self.call);
            if last || !matches!(outcome, Err(Failure::Stale)) {
                return outcome;
            }
        }
        Err(Failure::Stale)
    }

    /// Tells the server that nobody waits for the task any more.
    async fn cancel(&mut self) {
        if !self.shard.may_send() {
            return;
        }
        let params = self.params("");
        let (name, params) = (Some(self.name.as_str()), params.as_bytes());
        let method = "tasks/cancel";
        let cancel = Call { method, name, params, timeout: CANCEL_TIMEOUT, tasks: Tasks::Known, ..Call::default() };
        let part = self.client.call(cancel).await;
        self.whole.add_beside(part);
    }
}
