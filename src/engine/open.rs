//! Open load: iterations are due at instants computed from the plan alone,
//! whatever the server does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::iteration::{self, End, Job};
use super::pacer::Pacer;
use super::shard::{Shard, nanos_between};
use super::user::User;
use crate::plan::mix::Dealer;
use crate::plan::schedule::Due;
use crate::plan::{Arrivals, Scenario, Segment};
use crate::record::Phase;
use crate::transport::Connector;

/// Sessions opened before the load begins: enough for the arrivals of this
/// stretch, so that the first ones do not wait for a handshake.
const OPENED_AHEAD: Duration = Duration::from_millis(50);

/// No more sessions than this are opened ahead on one thread.
const OPENED_AHEAD_MAX: u64 = 64;

/// How many sessions each of `threads` threads opens ahead for a scenario whose
/// arrivals reach the rate `peak`, if there may be so many users.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a small positive number"
)]
pub fn sessions_ahead(peak: f64, threads: u64) -> u64 {
    let arrivals = peak * OPENED_AHEAD.as_secs_f64() / threads.max(1) as f64;
    (arrivals.ceil() as u64).clamp(1, OPENED_AHEAD_MAX)
}

/// The virtual users of one open scenario on one thread.
pub(super) struct Pool<C: Connector> {
    shard: Rc<Shard<C>>,
    scenario: usize,
    /// Deals servers to users.
    targets: RefCell<Dealer>,
    idle: RefCell<Vec<User<C::Client>>>,
    created: std::cell::Cell<u64>,
    /// This thread's part of the most users that may exist.
    limit: u64,
}

impl<C: Connector> Pool<C> {
    pub(super) fn new(shard: &Rc<Shard<C>>, index: usize, scenario: &Scenario) -> Rc<Pool<C>> {
        let limit = shard.own_part(scenario.max_users.unwrap_or(u64::MAX));
        Rc::new(Pool {
            shard: Rc::clone(shard),
            scenario: index,
            targets: RefCell::new(Dealer::of_targets(shard.plan.seed, index, &scenario.targets)),
            idle: RefCell::new(Vec::new()),
            created: std::cell::Cell::new(0),
            limit,
        })
    }

    /// Opens sessions before the load begins. One that fails is tried again by
    /// the iteration that needs it, which then reports the failure.
    pub(super) async fn open_ahead(self: &Rc<Self>, peak: f64) {
        let count = sessions_ahead(peak, self.shard.part.1).min(self.limit);
        let mut opening = JoinSet::new();
        for _ in 0..count {
            let pool = Rc::clone(self);
            opening.spawn_local(async move {
                if let Some(mut user) = pool.create() {
                    let _ = user.ensure_open(&pool.shard, pool.scenario, Phase::Warmup).await;
                    pool.idle.borrow_mut().push(user);
                }
            });
        }
        while opening.join_next().await.is_some() {}
    }

    /// A free user, or a new one while there may be more. The one that was
    /// used last is taken first: its connection is warm, and the rest can idle.
    fn take(&self) -> Option<User<C::Client>> {
        let idle = self.idle.borrow_mut().pop();
        idle.or_else(|| self.create())
    }

    fn create(&self) -> Option<User<C::Client>> {
        let number = self.created.get();
        if number >= self.limit || !self.shard.may_open_user() {
            return None;
        }
        self.created.set(number + 1);
        let (part, of) = self.shard.part;
        let id = number * of + part;
        let server = self.targets.borrow_mut().flow(id)?;
        User::new(&self.shard, server, id)
    }

    /// Ends all sessions.
    pub(super) fn drain(&self) -> Vec<User<C::Client>> {
        std::mem::take(&mut *self.idle.borrow_mut())
    }
}

/// Runs this thread's arrivals of one open scenario, then drains.
pub(super) async fn drive<C: Connector>(
    shard: Rc<Shard<C>>,
    pool: Rc<Pool<C>>,
    index: usize,
    segments: Vec<Segment>,
    arrivals: Arrivals,
) {
    let Some(scenario) = shard.plan.scenarios.get(index).cloned() else { return };
    let mut dealer = Dealer::new(shard.plan.seed, index, &scenario.mix);
    let mut pacer = Pacer::new(shard.precise);
    let mut running = JoinSet::new();
    let (part, of) = shard.part;
    for (number, due) in Due::new(&segments, arrivals, shard.plan.seed, index, part, of) {
        let due = shard.at(scenario.start_ns.saturating_add(due));
        if due > Instant::now() {
            tokio::select! {
                biased;
                () = shard.control.reached(Stop::Drain) => {}
                () = pacer.until(due) => {}
            }
        }
        if shard.control.now() != Stop::Run {
            break;
        }
        super::drain::reap(&mut running);
        let Some(flow) = dealer.flow(number) else { break };
        let job = Job { scenario: index, flow, index: number, due, arrival: true, phase: shard.phase(&scenario, due) };
        begin(&shard, &pool, job, &mut running);
    }
    if shard.control.now() == Stop::Run {
        // The load lasts to the end of its last stage, not to its last arrival.
        let end = shard.at(scenario.end_ns());
        tokio::select! {
            () = shard.control.reached(Stop::Drain) => {}
            () = pacer.until(end) => {}
        }
    }
    super::drain::drain(&shard, index, &scenario, running).await;
}

/// Begins one arrival, or counts it as dropped.
fn begin<C: Connector>(shard: &Rc<Shard<C>>, pool: &Rc<Pool<C>>, job: Job, running: &mut JoinSet<()>) {
    let now = Instant::now();
    let second = shard.second(now);
    let Some(mut user) = pool.take() else {
        shard.recorder.borrow_mut().dropped(second, job.scenario, job.phase);
        return;
    };
    shard.recorder.borrow_mut().lag(second, nanos_between(job.due, now));
    let (shard, pool) = (Rc::clone(shard), Rc::clone(pool));
    running.spawn_local(async move {
        // A user without a session goes back too: the next arrival tries again.
        if iteration::perform(&shard, &mut user, job).await == End::Stopped {
            iteration::finish(&shard, &mut user, job.scenario).await;
        } else {
            pool.idle.borrow_mut().push(user);
        }
    });
}
