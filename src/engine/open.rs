//! Open load: iterations are due at instants computed from the plan alone,
//! whatever the server does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::course::{Course, Stretch};
use super::iteration::{self, End, Job};
use super::pacer::Pacer;
use super::shard::{Shard, nanos_between};
use super::user::{Peers, User};
use crate::plan::mix::Dealer;
use crate::plan::schedule::{self, Due};
use crate::plan::{Arrivals, Load, Scenario};
use crate::record::Phase;
use crate::transport::Connector;

/// Sessions opened before the load begins: enough for the arrivals of this
/// stretch, so that the first ones do not wait for a handshake.
const OPENED_AHEAD: Duration = Duration::from_millis(50);

/// So many arrivals may begin in a row before other tasks of the thread have their
/// turn: a generator that is behind still has to read answers. Few enough to take
/// well under a millisecond.
const IN_A_ROW: u32 = 64;

/// An arrival that is due may begin so long after the end of the load: a machine
/// that is shared can hold a process up for a moment. What is later than that
/// cannot be made up for, and is dropped.
const LATE_AT_MOST: Duration = Duration::from_secs(1);

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
    peers: RefCell<Peers>,
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
            peers: RefCell::new(Peers::of(&shard.plan, index)),
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
        let shared = self.shard.shared_session(self.scenario, id);
        let peer = shared.map(|session| session.peer).or_else(|| self.peers.borrow_mut().peer(id))?;
        User::new(&self.shard, peer, id)
    }

    /// Ends all sessions.
    pub(super) fn drain(&self) -> Vec<User<C::Client>> {
        std::mem::take(&mut *self.idle.borrow_mut())
    }
}

/// Runs this thread's arrivals of one open scenario, then drains.
pub(super) async fn drive<C: Connector>(shard: Rc<Shard<C>>, pool: Rc<Pool<C>>, index: usize) {
    let Some(scenario) = shard.plan.scenarios.get(index).cloned() else { return };
    let mut driver = Driver {
        dealer: Dealer::new(shard.plan.seed, index, &scenario.mix),
        pacer: Pacer::new(shard.precise),
        running: JoinSet::new(),
        in_a_row: 0,
    };
    let mut course = Course::new(index, &scenario);
    let mut before = 0;
    while let Some(stretch) = course.next(&shard).await {
        driver.arrivals(&shard, &pool, index, &scenario, &stretch, before).await;
        before += schedule::count(&stretch.segments);
        if shard.control.now() == Stop::Run {
            // The load lasts to the end of its last stage, not to its last arrival.
            driver.until(&shard, Course::end_of(&shard, &stretch)).await;
        }
    }
    super::drain::drain(&shard, index, &scenario, driver.running).await;
}

struct Driver {
    dealer: Dealer,
    pacer: Pacer,
    running: JoinSet<()>,
    /// Arrivals that began since other tasks had their turn.
    in_a_row: u32,
}

impl Driver {
    /// The arrivals of a stretch, of which so many came `before`.
    async fn arrivals<C: Connector>(
        &mut self,
        shard: &Rc<Shard<C>>,
        pool: &Rc<Pool<C>>,
        index: usize,
        scenario: &Scenario,
        stretch: &Stretch,
        before: u64,
    ) {
        let arrivals = match &scenario.load {
            Load::Open { arrivals, .. } => *arrivals,
            _ => Arrivals::Uniform,
        };
        let grace = LATE_AT_MOST.min(Duration::from_nanos(scenario.drain_ns));
        let too_late = Course::end_of(shard, stretch) + grace;
        let count = schedule::count(&stretch.segments);
        let (part, of) = shard.part;
        // Arrival k of the scenario belongs to part k mod N, whichever stretch it is in.
        let first = (part + of - before % of) % of;
        for (number, due) in Due::new(&stretch.segments, arrivals, shard.plan.seed, index, first, of) {
            let due = shard.at(stretch.from_ns.saturating_add(due));
            self.turn(shard, due).await;
            if shard.control.now() != Stop::Run {
                break;
            }
            let phase = shard.phase(scenario, due);
            let now = Instant::now();
            if now >= too_late {
                // Once one counts as measured, so do all that follow.
                let rest = if phase == Phase::Measured { (count - number).div_ceil(of) } else { 1 };
                shard.recorder.borrow_mut().dropped(shard.second(now), index, phase, rest);
                if phase == Phase::Measured {
                    break;
                }
                continue;
            }
            super::drain::reap(&mut self.running);
            let number = before + number;
            let Some(flow) = self.dealer.flow(number) else { break };
            let job = Job { scenario: index, flow, index: number, due, arrival: true, phase };
            begin(shard, pool, job, &mut self.running);
        }
    }

    /// Waits until an arrival is due. One that is due already begins at once, but
    /// for the turn of other tasks.
    async fn turn<C: Connector>(&mut self, shard: &Shard<C>, due: Instant) {
        self.in_a_row += 1;
        if due > Instant::now() {
            self.until(shard, due).await;
        } else if self.in_a_row >= IN_A_ROW {
            tokio::task::yield_now().await;
        } else {
            return;
        }
        self.in_a_row = 0;
    }

    /// Waits for an instant, or until the run is being stopped.
    async fn until<C: Connector>(&mut self, shard: &Shard<C>, instant: Instant) {
        tokio::select! {
            biased;
            () = shard.control.reached(Stop::Drain) => {}
            () = self.pacer.until(instant) => {}
        }
    }
}

/// Begins one arrival, or counts it as dropped.
fn begin<C: Connector>(shard: &Rc<Shard<C>>, pool: &Rc<Pool<C>>, job: Job, running: &mut JoinSet<()>) {
    let now = Instant::now();
    let second = shard.second(now);
    let Some(mut user) = pool.take() else {
        shard.recorder.borrow_mut().dropped(second, job.scenario, job.phase, 1);
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
