//! Closed load: each virtual user starts its next iteration when the last one
//! ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::course::Course;
use super::iteration::{self, End, Job};
use super::shard::Shard;
use super::user::{Peer, Peers, User};
use crate::plan::mix::Dealer;
use crate::plan::{Load, Work, schedule};
use crate::record::Phase;
use crate::transport::Connector;

/// How long a user waits after it found no server or its connection broke, so
/// that a dead server is not hammered with connections.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How long a user waits after an iteration for which nothing was sent: the shortest
/// that the clock tells.
const CACHED: Duration = Duration::from_millis(1);

/// Runs this thread's users of one closed scenario, then drains.
pub(super) async fn drive<C: Connector>(shard: Rc<Shard<C>>, index: usize) {
    let Some(scenario) = shard.plan.scenarios.get(index).cloned() else { return };
    let work = match &scenario.load {
        Load::Closed { work, .. } => *work,
        _ => None,
    };
    let users = schedule::peak_users(&scenario.load);
    let dealer = Rc::new(RefCell::new(Dealer::new(shard.plan.seed, index, &scenario.mix)));
    let mut peers = Peers::of(&shard.plan, index);
    let (part, of) = shard.part;
    let mut running = JoinSet::new();
    for number in (part..users).step_by(usize::try_from(of).unwrap_or(1)) {
        let (shard, dealer) = (Rc::clone(&shard), Rc::clone(&dealer));
        let session = shard.shared_session(index, number).map(|session| session.peer);
        let Some(peer) = session.or_else(|| peers.peer(number)) else { continue };
        running.spawn_local(live(shard, index, Life { number, users, peer, work }, dealer));
    }
    tokio::select! {
        () = shard.control.reached(Stop::Drain) => {}
        () = Course::new(index, &scenario).end(&shard) => {}
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
    /// Its server.
    peer: Peer,
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
async fn live<C: Connector>(shard: Rc<Shard<C>>, index: usize, life: Life, dealer: Rc<RefCell<Dealer>>) {
    let Some(scenario) = shard.plan.scenarios.get(index) else { return };
    let mut course = Course::new(index, scenario);
    // A user that comes back goes on counting where it left.
    let mut iteration = 0;
    let mut here: Option<User<C::Client>> = None;
    while let Some(stretch) = course.next(&shard).await {
        let spans = schedule::active_spans(&stretch.segments, life.number);
        let stays = spans.first().is_some_and(|(from, _)| *from == 0);
        if let Some(mut user) = here.take_if(|_| !stays) {
            iteration::finish(&shard, &mut user, index).await;
        }
        for (from, to) in spans {
            let (from, to) = (shard.at(stretch.from_ns + from), shard.at(stretch.from_ns + to));
            tokio::select! {
                biased;
                () = shard.control.reached(Stop::Drain) => {}
                () = tokio::time::sleep_until(from) => {}
            }
            let stopped = shard.control.now() != Stop::Run;
            let user = here.take().or_else(|| (!stopped).then(|| User::new(&shard, life.peer, life.number)).flatten());
            let Some(mut user) = user else { return };
            user.iteration = iteration;
            let going = iterate(&shard, index, &life, &mut user, to, &dealer).await;
            iteration = user.iteration;
            if going && course.goes_on() && to == Course::end_of(&shard, &stretch) {
                here = Some(user);
                continue;
            }
            iteration::finish(&shard, &mut user, index).await;
            if !going {
                return;
            }
        }
    }
    if let Some(mut user) = here {
        iteration::finish(&shard, &mut user, index).await;
    }
}

/// A user's iterations until an instant. Returns whether it performs others
/// after that.
async fn iterate<C: Connector>(
    shard: &Shard<C>,
    index: usize,
    life: &Life,
    user: &mut User<C::Client>,
    to: Instant,
    dealer: &RefCell<Dealer>,
) -> bool {
    let Some(scenario) = shard.plan.scenarios.get(index) else { return false };
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
        let Some(number) = life.next(shard, index, user.iteration) else { return false };
        let Some(flow) = dealer.borrow_mut().flow(number) else { return false };
        let job = Job { scenario: index, flow, index: number, due, arrival: false, phase };
        match iteration::perform(shard, user, job).await {
            End::Finished => {}
            // Nor may a user that waits for nothing keep the thread to itself.
            End::Cached => tokio::time::sleep(CACHED).await,
            End::Broken => tokio::select! {
                () = shard.control.reached(Stop::Drain) => {}
                () = tokio::time::sleep(BACK_OFF) => {}
            },
            End::Stopped => return false,
        }
    }
    true
}
