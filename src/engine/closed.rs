//! Closed load: each virtual user starts its next iteration when the last one
//! ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::iteration::{self, End, Job};
use super::shard::Shard;
use super::user::User;
use crate::plan::mix::Dealer;
use crate::plan::{Segment, Work, schedule};
use crate::record::Phase;
use crate::transport::Connector;

/// How long a user waits after it found no server or its connection broke, so
/// that a dead server is not hammered with connections.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Runs this thread's users of one closed scenario, then drains.
pub(super) async fn drive<C: Connector>(shard: Rc<Shard<C>>, index: usize, segments: Vec<Segment>, work: Option<Work>) {
    let Some(scenario) = shard.plan.scenarios.get(index).cloned() else { return };
    let users = schedule::peak_users(&scenario.load);
    let dealer = Rc::new(RefCell::new(Dealer::new(shard.plan.seed, index, &scenario.mix)));
    let mut targets = Dealer::of_targets(shard.plan.seed, index, &scenario.targets);
    let (part, of) = shard.part;
    let mut running = JoinSet::new();
    for number in (part..users).step_by(usize::try_from(of).unwrap_or(1)) {
        let spans = schedule::active_spans(&segments, number);
        let (shard, dealer) = (Rc::clone(&shard), Rc::clone(&dealer));
        let session = shard.shared_session(index, number).map(|session| session.server);
        let Some(server) = session.or_else(|| targets.flow(number)) else { continue };
        running.spawn_local(live(shard, index, Life { number, users, server, work }, spans, dealer));
    }
    let end = shard.at(scenario.end_ns());
    tokio::select! {
        () = shard.control.reached(Stop::Drain) => {}
        () = tokio::time::sleep_until(end) => {}
        // A fixed amount of work may be done before; otherwise users may all have
        // stopped themselves, and the load lasts to the end of its stages.
        () = super::drain::finish(&mut running), if work.is_some() => {}
    }
    super::drain::drain(&shard, index, &scenario, running).await;
}

/// Who a user is.
#[derive(Clone, Copy)]
struct Life {
    /// Its number, from 0.
    number: u64,
    /// How many users there are.
    users: u64,
    /// Index of its server.
    server: usize,
    work: Option<Work>,
}

impl Life {
    /// The number of the user's next iteration in its scenario; `None` when its
    /// work is done. Users take turns, so that any run of consecutive numbers,
    /// and so each bag of the mix, is spread over all of them; where they share
    /// the work, who comes first takes the next number.
    fn next<C: Connector>(&self, shard: &Shard<C>, scenario: usize, iteration: u64) -> Option<u64> {
        match self.work {
            Some(Work { iterations, shared: true }) => {
                let next = shard.claimed.get(scenario)?.fetch_add(1, Ordering::Relaxed);
                (next < iterations).then_some(next)
            }
            Some(Work { iterations, .. }) if iteration >= iterations => None,
            _ => Some(iteration.wrapping_mul(self.users).wrapping_add(self.number)),
        }
    }
}

/// The life of one user: it iterates while the stages want it.
async fn live<C: Connector>(
    shard: Rc<Shard<C>>,
    scenario_index: usize,
    life: Life,
    spans: Vec<(u64, u64)>,
    dealer: Rc<RefCell<Dealer>>,
) {
    let Some(scenario) = shard.plan.scenarios.get(scenario_index) else { return };
    // A user that comes back goes on counting where it left.
    let mut iteration = 0;
    for (from, to) in spans {
        let start = scenario.start_ns;
        let (from, to) = (shard.at(start.saturating_add(from)), shard.at(start.saturating_add(to)));
        tokio::select! {
            biased;
            () = shard.control.reached(Stop::Drain) => {}
            () = tokio::time::sleep_until(from) => {}
        }
        if shard.control.now() != Stop::Run {
            return;
        }
        let Some(mut user) = User::new(&shard, life.server, life.number) else { return };
        user.iteration = iteration;
        let mut stopped = false;
        while Instant::now() < to && shard.control.now() == Stop::Run {
            if let Some(at) = user.not_before.take() {
                tokio::select! {
                    () = shard.control.reached(Stop::Drain) => {}
                    () = tokio::time::sleep_until(at.min(to)) => {}
                }
                continue;
            }
            let due = Instant::now();
            let phase: Phase = shard.phase(scenario, due);
            let next = life.next(&shard, scenario_index, user.iteration);
            let Some(index) = next else {
                stopped = true;
                break;
            };
            let Some(flow) = dealer.borrow_mut().flow(index) else { return };
            let job = Job { scenario: scenario_index, flow, index, due, arrival: false, phase };
            match iteration::perform(&shard, &mut user, job).await {
                End::Finished => {}
                End::Broken => tokio::select! {
                    () = shard.control.reached(Stop::Drain) => {}
                    () = tokio::time::sleep(BACK_OFF) => {}
                },
                End::Stopped => {
                    stopped = true;
                    break;
                }
            }
        }
        iteration = user.iteration;
        iteration::finish(&shard, &mut user, scenario_index).await;
        if stopped {
            return;
        }
    }
}
