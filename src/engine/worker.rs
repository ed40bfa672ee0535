//! One thread of the engine, from opening the first session to closing the
//! last.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cpu::{CpuMeter, Lap};
use super::open::Pool;
use super::shard::{Shard, Shared};
use super::{Control, Stop, closed, iteration, open};
use crate::plan::Plan;
use crate::record::{Examples, Slice};
use crate::transport::{Connector, open_sockets};

/// After the drain, so long may the ending of sessions take in all.
const CLOSING: Duration = Duration::from_secs(5);

/// So many sessions are ended at a time on one thread.
const CLOSING_AT_ONCE: usize = 32;

/// What a thread hands over.
pub(super) enum Message {
    /// It has opened its first sessions.
    Ready,
    /// Finished seconds, and the requests kept meanwhile.
    Second { slices: Vec<Slice>, examples: Examples },
    /// It is done.
    Done { load: Duration, total: Duration },
}

/// Opens for all threads at one instant, from which the schedule counts.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    start: Arc<watch::Sender<Option<Instant>>>,
    /// For a single thread, which waits for no other.
    at_once: bool,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate { start: Arc::new(watch::Sender::new(None)), at_once: false }
    }

    /// Open for whoever comes.
    pub(super) fn at_once() -> Gate {
        Gate { at_once: true, ..Gate::new() }
    }

    pub(super) fn open(&self, start: Instant) {
        self.start.send_replace(Some(start));
    }

    async fn wait(&self) -> Instant {
        if self.at_once {
            return Instant::now();
        }
        let mut receiver = self.start.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let start = receiver.wait_for(Option::is_some).await.ok().and_then(|start| *start);
        start.unwrap_or_else(Instant::now)
    }
}

/// What a thread is given.
pub(super) struct Worker<C> {
    pub(super) plan: Arc<Plan>,
    pub(super) connectors: Vec<C>,
    pub(super) part: (u64, u64),
    pub(super) shared: Shared,
    pub(super) control: Control,
    pub(super) precise: bool,
}

impl<C: Connector> Worker<C> {
    /// Runs this thread's part of the plan.
    pub(super) async fn run(self, gate: &Gate, sender: &UnboundedSender<Message>) {
        let shard = Shard::new(self.plan, self.connectors, self.part, self.shared, self.control, self.precise);
        let pools = open_pools(&shard).await;
        // The receiver is gone only when the whole run is.
        let _ = sender.send(Message::Ready);
        let start = tokio::select! {
            biased;
            start = gate.wait() => start,
            // Another thread may be gone; nobody waits for it then.
            () = shard.control.reached(Stop::Drain) => Instant::now(),
        };
        tokio::time::sleep_until(start).await;
        shard.begin(start);
        let mut drivers = JoinSet::new();
        for (index, pool) in pools.iter().enumerate() {
            match pool {
                Some(pool) => drivers.spawn_local(open::drive(Rc::clone(&shard), Rc::clone(pool), index)),
                None => drivers.spawn_local(closed::drive(Rc::clone(&shard), index)),
            };
        }
        let load_end = tokio::task::spawn_local(load_end(Rc::clone(&shard)));
        let mut cpu = CpuMeter::new(shard.precise);
        hand_over_until_done(&shard, sender, &mut drivers, &mut cpu).await;
        // Before the sessions are ended, which is no part of the load.
        let last = lap(&shard, &mut cpu);
        let total = Instant::now().saturating_duration_since(start);
        let load = if load_end.is_finished() { load_end.await.unwrap_or(total) } else { total };
        close_sessions(&shard, &pools).await;
        shard.recorder.borrow_mut().finish();
        hand_over(&shard, sender, last);
        let _ = sender.send(Message::Done { load: load.min(total), total });
    }
}

/// When no new work begins any more, counted from the start.
async fn load_end<C: Connector>(shard: Rc<Shard<C>>) -> Duration {
    let planned = shard.at(shard.plan.load_ns());
    tokio::select! {
        () = shard.control.reached(Stop::Drain) => {}
        () = tokio::time::sleep_until(planned) => {}
    }
    Instant::now().min(planned).saturating_duration_since(shard.at(0))
}

async fn open_pools<C: Connector>(shard: &Rc<Shard<C>>) -> Vec<Option<Rc<Pool<C>>>> {
    let mut pools = Vec::new();
    for (index, scenario) in shard.plan.scenarios.iter().enumerate() {
        let pool = if scenario.load.is_open() {
            let pool = Pool::new(shard, index, scenario);
            let level = scenario.load.opening();
            tokio::select! {
                () = pool.open_ahead(level) => {}
                () = shard.control.reached(Stop::Drain) => {}
            }
            Some(pool)
        } else {
            None
        };
        pools.push(pool);
    }
    pools
}

/// Hands over each second as it ends, until all scenarios have drained.
async fn hand_over_until_done<C: Connector>(
    shard: &Shard<C>,
    sender: &UnboundedSender<Message>,
    drivers: &mut JoinSet<()>,
    cpu: &mut CpuMeter,
) {
    let mut second: u64 = 1;
    loop {
        tokio::select! {
            biased;
            joined = drivers.join_next() => match joined {
                None => return,
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(_) => {}
            },
            () = tokio::time::sleep_until(shard.at(second * 1_000_000_000)) => {
                shard.recorder.borrow_mut().advance(u32::try_from(second).unwrap_or(u32::MAX));
                hand_over(shard, sender, lap(shard, cpu));
                second += 1;
            }
        }
    }
}

/// What was used since the last lap, and the second in which the middle of it lies: a run
/// that ends with a second has begun the next one, too.
fn lap<C: Connector>(shard: &Shard<C>, cpu: &mut CpuMeter) -> Option<(u64, Lap)> {
    let lap = cpu.lap()?;
    Some((shard.nanos(Instant::now()).saturating_sub(lap.of_ns / 2) / 1_000_000_000, lap))
}

fn hand_over<C: Connector>(shard: &Shard<C>, sender: &UnboundedSender<Message>, cpu: Option<(u64, Lap)>) {
    let (mut slices, examples) = shard.recorder.borrow_mut().drain();
    // More than one when this thread was held up for longer than a second.
    for slice in &mut slices {
        slice.health.in_flight = shard.in_flight.get();
        slice.health.users = shard.users.get();
        slice.health.open_sockets = open_sockets();
    }
    if let Some(last) = slices.last_mut() {
        last.health.held = shard.held.take();
    }
    if let Some((second, lap)) = cpu {
        let at = slices.iter().rposition(|slice| u64::from(slice.second) == second);
        let at = at.unwrap_or(slices.len().saturating_sub(1));
        if let Some(slice) = slices.get_mut(at) {
            slice.health.cpu_ns = lap.used_ns;
            slice.health.cpu_of_ns = lap.of_ns;
            slice.health.busiest_ns = lap.per_second_ns();
        }
    }
    let _ = sender.send(Message::Second { slices, examples });
}

/// Ends all sessions, in bounded time.
async fn close_sessions<C: Connector>(shard: &Rc<Shard<C>>, pools: &[Option<Rc<Pool<C>>>]) {
    let closing = async {
        let mut tasks = JoinSet::new();
        for (index, pool) in pools.iter().enumerate() {
            for mut user in pool.iter().flat_map(|pool| pool.drain()) {
                if tasks.len() >= CLOSING_AT_ONCE {
                    tasks.join_next().await;
                }
                let shard = Rc::clone(shard);
                tasks.spawn_local(async move { iteration::finish(&shard, &mut user, index).await });
            }
        }
        while tasks.join_next().await.is_some() {}
        for (scenario, sessions) in shard.sessions.iter().enumerate() {
            for session in sessions {
                session.close(shard, scenario).await;
            }
        }
    };
    tokio::select! {
        () = closing => {}
        () = shard.control.reached(Stop::Kill) => {}
        () = tokio::time::sleep(CLOSING) => {}
    }
}
