//! Which draw a `take` is: the number with which [`rows`](super::rows) finds
//! the row.
//!
//! A draw follows from the iteration alone, so that the rows that a run hands
//! out do not depend on timing or on the number of threads, and no row is handed
//! out twice before all were. An iteration has as many draws as its flow can
//! take at most; those of a branch that is not taken are left out. Scenarios
//! that take from the same data take turns.

use super::mix::Dealer;
use super::{Load, Plan, Step, schedule};

/// Who takes rows: the iterations of a scenario, or its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// An iteration, by its index in the scenario.
    Iteration(u64),
    /// A user before its first iteration, by its number.
    Before(u64),
    /// A user after its last iteration, by its number.
    After(u64),
}

/// The draws of one scenario.
#[derive(Clone, Debug)]
pub struct Takes {
    dealer: Dealer,
    /// For each data of the plan.
    lanes: Vec<Lanes>,
}

#[derive(Clone, Debug)]
struct Lanes {
    /// How many take turns.
    stride: u64,
    /// The turn of the iterations, of `before user` and of `after user`.
    turns: [u64; 3],
    /// Draws of one iteration of each flow of the plan.
    of_flow: Vec<u64>,
    /// Draws of a user before its first iteration, and after its last.
    of_user: [u64; 2],
    /// The bag whose sums are known: the draws before each of its iterations,
    /// and of all of them.
    bag: Option<u64>,
    before: Vec<u64>,
    all: u64,
}

impl Takes {
    /// For one scenario of the plan.
    #[must_use]
    pub fn new(plan: &Plan, scenario: usize) -> Takes {
        let mix = plan.scenarios.get(scenario).map_or(&[][..], |scenario| &scenario.mix);
        let lanes = (0..plan.data.len()).map(|data| Lanes::new(plan, scenario, data)).collect();
        Takes { dealer: Dealer::new(plan.seed, scenario, mix), lanes }
    }

    /// The number of a draw: take number `nth` (from 0) from `data` by `taker`.
    /// `None` for data that the plan does not have.
    pub fn draw(&mut self, data: usize, taker: Taker, nth: u64) -> Option<u64> {
        let lanes = self.lanes.get_mut(data)?;
        let [of_before, of_after] = lanes.of_user;
        let [turn, before, after] = lanes.turns;
        let (own, turn) = match taker {
            Taker::Iteration(index) => (lanes.before_iteration(&mut self.dealer, index)?, turn),
            Taker::Before(user) => (user.wrapping_mul(of_before), before),
            Taker::After(user) => (user.wrapping_mul(of_after), after),
        };
        Some(own.wrapping_add(nth).wrapping_mul(lanes.stride).wrapping_add(turn))
    }
}

impl Lanes {
    fn new(plan: &Plan, scenario: usize, data: usize) -> Lanes {
        let of_flow: Vec<u64> = plan.flows.iter().map(|flow| takes(plan, &flow.steps, data)).collect();
        let of = |flow: Option<usize>| flow.and_then(|flow| of_flow.get(flow)).copied().unwrap_or(0);
        let mut stride = 0;
        let mut turns = [0; 3];
        for (index, other) in plan.scenarios.iter().enumerate() {
            let iterations = other.mix.iter().map(|share| of(Some(share.flow))).max().unwrap_or(0);
            for (turn, takes) in turns.iter_mut().zip([iterations, of(other.before), of(other.after)]) {
                if takes > 0 {
                    if index == scenario {
                        *turn = stride;
                    }
                    stride += 1;
                }
            }
        }
        let own = plan.scenarios.get(scenario);
        let of_user = [of(own.and_then(|own| own.before)), of(own.and_then(|own| own.after))];
        Lanes { stride: stride.max(1), turns, of_flow, of_user, bag: None, before: Vec::new(), all: 0 }
    }

    /// The draws of all iterations before `index`.
    fn before_iteration(&mut self, dealer: &mut Dealer, index: u64) -> Option<u64> {
        let bag = dealer.bag(index)?;
        let size = bag.len() as u64;
        let number = index.checked_div(size)?;
        if self.bag != Some(number) {
            self.before.clear();
            self.all = 0;
            for flow in bag {
                self.before.push(self.all);
                self.all += self.of_flow.get(*flow).copied().unwrap_or(0);
            }
            self.bag = Some(number);
        }
        let inside = self.before.get(usize::try_from(index % size).ok()?)?;
        Some(number.wrapping_mul(self.all).wrapping_add(*inside))
    }
}

/// How many rows of `data` an iteration of `scenario` draws on average over the
/// mix.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub fn per_iteration(plan: &Plan, scenario: usize, data: usize) -> f64 {
    let Some(scenario) = plan.scenarios.get(scenario) else { return 0.0 };
    let slots: u32 = scenario.mix.iter().map(|share| share.slots).sum();
    let drawn = scenario.mix.iter().map(|share| {
        let steps = plan.flows.get(share.flow).map_or(&[][..], |flow| &flow.steps);
        takes(plan, steps, data) as f64 * f64::from(share.slots)
    });
    drawn.sum::<f64>() / f64::from(slots.max(1))
}

/// How many rows of `data` the iterations of `scenario` draw in all; `None` where
/// the plan does not say how many iterations there are.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts stay below 2^53"
)]
pub fn in_all(plan: &Plan, scenario: usize, data: usize) -> Option<u64> {
    let each = per_iteration(plan, scenario, data);
    if each == 0.0 {
        return Some(0);
    }
    let iterations = match &plan.scenarios.get(scenario)?.load {
        Load::Open { segments, .. } => schedule::count(segments),
        Load::Closed { work: Some(work), .. } if work.shared => work.iterations,
        load @ Load::Closed { work: Some(work), .. } => work.iterations.saturating_mul(schedule::peak_users(load)),
        Load::Closed { work: None, .. } | Load::Seek(_) => return None,
    };
    Some((each * iterations as f64).ceil() as u64)
}

/// How many rows of `data` the steps take at most.
fn takes(plan: &Plan, steps: &[Step], data: usize) -> u64 {
    let of_step = |step: &Step| match step {
        Step::Take(take) => u64::from(take.data == data),
        Step::Repeat { times, steps } => u64::from(*times).saturating_mul(takes(plan, steps, data)),
        // Flows do not run each other in circles.
        Step::Run { flow } => plan.flows.get(*flow).map_or(0, |flow| takes(plan, &flow.steps, data)),
        Step::If(_) | Step::Choose(_) => step.inner().map(|steps| takes(plan, steps, data)).max().unwrap_or(0),
        step => step.inner().map(|steps| takes(plan, steps, data)).fold(0, u64::saturating_add),
    };
    steps.iter().map(of_step).fold(0, u64::saturating_add)
}
