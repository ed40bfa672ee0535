//! Closed load: each virtual user starts its next iteration when the last one
//! ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::iteration::{self, End, Job};
use super::shard::Shard;
use super::user::User;
use crate::plan::mix::Dealer;
use crate::plan::{Segment, schedule};
use crate::record::Phase;
use crate::transport::Connector;

/// How long a user waits after it found no server or its connection broke, so
/// that a dead server is not hammered with connections.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Runs this thread's users of one closed scenario, then drains.
pub(super) async fn drive<C: Connector>(shard: Rc<Shard<C>>, index: usize, segments: Vec<Segment>) {
    let Some(scenario) = shard.plan.scenarios.get(index).cloned() else { return };
    let users = schedule::peak_users(&scenario.load);
    let dealer = Rc::new(RefCell::new(Dealer::new(shard.plan.seed, index, &scenario.mix)));
    let (part, of) = shard.part;
    let mut running = JoinSet::new();
    for number in (part..users).step_by(usize::try_from(of).unwrap_or(1)) {
        let spans = schedule::active_spans(&segments, number);
        let (shard, dealer) = (Rc::clone(&shard), Rc::clone(&dealer));
        running.spawn_local(live(shard, index, number, users, spans, dealer));
    }
    let end = shard.at(scenario.load.duration_ns());
    tokio::select! {
        () = shard.control.reached(Stop::Drain) => {}
        () = tokio::time::sleep_until(end) => {}
    }
    super::drain::drain(&shard, index, &scenario, running).await;
}

/// The life of one user: it iterates while the stages want it.
async fn live<C: Connector>(
    shard: Rc<Shard<C>>,
    scenario_index: usize,
    number: u64,
    users: u64,
    spans: Vec<(u64, u64)>,
    dealer: Rc<RefCell<Dealer>>,
) {
    let Some(scenario) = shard.plan.scenarios.get(scenario_index) else { return };
    // A user that comes back goes on counting where it left.
    let mut iteration = 0;
    for (from, to) in spans {
        let (from, to) = (shard.at(from), shard.at(to));
        tokio::select! {
            biased;
            () = shard.control.reached(Stop::Drain) => {}
            () = tokio::time::sleep_until(from) => {}
        }
        if shard.control.now() != Stop::Run {
            return;
        }
        let Some(mut user) = User::new(&shard, scenario.server, number) else { return };
        user.iteration = iteration;
        while Instant::now() < to && shard.control.now() == Stop::Run {
            let due = Instant::now();
            let phase: Phase = shard.phase(scenario, due);
            // Users take turns, so that any run of consecutive numbers, and so
            // each bag of the mix, is spread over all of them.
            let index = user.iteration.wrapping_mul(users).wrapping_add(number);
            let Some(flow) = dealer.borrow_mut().flow(index) else { return };
            let job = Job { scenario: scenario_index, flow, index, due, arrival: false, phase };
            if iteration::perform(&shard, &mut user, job).await == End::Broken {
                tokio::select! {
                    () = shard.control.reached(Stop::Drain) => {}
                    () = tokio::time::sleep(BACK_OFF) => {}
                }
            }
        }
        iteration = user.iteration;
        user.close(&shard, scenario_index).await;
        shard.users.set(shard.users.get().saturating_sub(1));
    }
}
