//! A server as a model: how long it takes, how often it fails, how much it does
//! at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use tokio::time::{Instant, sleep, sleep_until};

use super::reply::Replies;
use crate::transport::{
    Asides, Call, Changes, Client, Connector, Exchange, Failure, OpenError, Opened, Revision, ServerInfo as Presented,
};
use crate::violation::Violations;

/// How a simulated server behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// How long it works on a request.
    pub latency: Latency,
    /// Share of requests that it answers with an error, from 0 to 1.
    pub errors: f64,
    /// What it does at a time; `None`: everything.
    pub capacity: Option<Capacity>,
}

/// How long a server works on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Evenly distributed between two durations; both equal for a fixed one.
    Between(Duration, Duration),
    /// Exponentially distributed with this mean.
    Exponential(Duration),
}

/// What a server does at a time. What is beyond waits, first come, first served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// It begins so many requests per second.
    Rate(f64),
    /// It works on so many requests at once.
    AtOnce(usize),
}

impl Default for Behaviour {
    fn default() -> Self {
        let latency = Duration::from_millis(5);
        Self { latency: Latency::Between(latency, latency), errors: 0.0, capacity: None }
    }
}

impl Latency {
    fn draw(self, random: &mut Pcg64Mcg) -> Duration {
        let share = random.random::<f64>();
        match self {
            Latency::Between(least, most) => least + most.saturating_sub(least).mul_f64(share),
            // A draw is below 1, and the logarithm finite.
            Latency::Exponential(mean) => mean.mul_f64(-(1.0 - share).ln()),
        }
    }
}

/// A server that is a model; its clients are its connections.
#[derive(Clone, Debug)]
pub struct Simulated {
    behaviour: Behaviour,
    replies: Replies,
    state: Arc<Mutex<State>>,
}

/// What changes with each request.
#[derive(Debug)]
struct State {
    random: Pcg64Mcg,
    /// When the next request may begin, where the rate is bounded.
    next: Option<Instant>,
    /// When those that are worked on end, where their number is bounded.
    ends: BinaryHeap<Reverse<Instant>>,
}

/// What becomes of a request.
struct Fate {
    done: Instant,
    fails: bool,
}

impl Simulated {
    /// A server whose chance follows from `seed`.
    #[must_use]
    pub fn new(behaviour: Behaviour, replies: Replies, seed: u64) -> Simulated {
        let state = State { random: Pcg64Mcg::seed_from_u64(seed), next: None, ends: BinaryHeap::new() };
        Simulated { behaviour, replies, state: Arc::new(Mutex::new(state)) }
    }

    /// What becomes of a request that arrives now. One that its client gives up
    /// is worked on all the same, as real servers do.
    fn arrives(&self, now: Instant) -> Fate {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let latency = self.behaviour.latency.draw(&mut state.random);
        let fails = state.random.random::<f64>() < self.behaviour.errors;
        let begins = match self.behaviour.capacity {
            None => now,
            Some(Capacity::Rate(rate)) => {
                let begins = state.next.map_or(now, |next| next.max(now));
                let gap = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
                state.next = begins.checked_add(gap).or(Some(begins));
                begins
            }
            Some(Capacity::AtOnce(most)) if state.ends.len() >= most => {
                state.ends.pop().map_or(now, |Reverse(end)| end.max(now))
            }
            Some(Capacity::AtOnce(_)) => now,
        };
        let done = begins.checked_add(latency).unwrap_or(begins);
        if let Some(Capacity::AtOnce(_)) = self.behaviour.capacity {
            state.ends.push(Reverse(done));
        }
        Fate { done, fails }
    }

    fn opening(&self) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.behaviour.latency.draw(&mut state.random)
    }
}

impl Connector for Simulated {
    type Client = SimulatedClient;

    fn client(&self) -> SimulatedClient {
        SimulatedClient { server: self.clone(), open: false }
    }
}

/// A connection to a simulated server.
#[derive(Debug)]
pub struct SimulatedClient {
    server: Simulated,
    open: bool,
}

impl Client for SimulatedClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        let session = self.server.opening();
        sleep(session).await;
        self.open = true;
        Ok(Opened {
            connect: Duration::ZERO,
            session,
            server: Presented::default(),
            revision: Revision::V2026_07_28,
            capabilities: serde_json::Value::Null,
        })
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn sibling(&mut self) -> SimulatedClient {
        SimulatedClient { server: self.server.clone(), open: self.open }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        let written = Instant::now();
        let fate = self.server.arrives(written);
        let cancelled = call.cancel.filter(|after| *after < call.timeout);
        let patience = cancelled.unwrap_or(call.timeout);
        let gives_up = written.checked_add(patience).filter(|end| *end < fate.done);
        // Tokio's timers tick in milliseconds: `done` is exact, waking is not.
        let done = gives_up.unwrap_or(fate.done);
        sleep_until(done).await;
        let outcome = match gives_up {
            Some(_) => {
                Err(cancelled.map_or(Failure::Timeout { after: call.timeout }, |after| Failure::Cancelled { after }))
            }
            None => Ok(self.server.replies.find(&call, fate.fails)),
        };
        Exchange {
            written: Some(written),
            first_byte: gives_up.is_none().then_some(done),
            done,
            status: gives_up.is_none().then_some(200),
            bytes_in: outcome.as_ref().map_or(0, |reply| reply.message().len() as u64),
            bytes_out: call.params.len() as u64,
            connect: None,
            drain: Duration::ZERO,
            notifications: 0,
            asides: Asides::default(),
            changes: Changes::default(),
            violations: Violations::default(),
            outcome,
        }
    }

    /// A resource changes once while it is watched.
    async fn subscribe(&mut self, call: Call<'_>, time: Duration) -> Exchange {
        let mut exchange = self.call(call).await;
        if exchange.outcome.as_ref().is_ok_and(|reply| reply.error().is_none()) {
            sleep(time).await;
            exchange.asides.updates = 1;
            let params: serde_json::Value = serde_json::from_slice(call.params).unwrap_or_default();
            exchange.changes.update(params.get("uri").and_then(|uri| uri.as_str()).unwrap_or_default().to_owned());
        }
        exchange
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        self.open = false;
        Ok(Duration::ZERO)
    }
}
