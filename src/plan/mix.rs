//! Which flow an iteration runs.
//!
//! Choices come from seeded bags: every bag holds exactly the stated shares, in
//! an order that is unpredictable but reproducible.

use rand::seq::SliceRandom;

use super::Share;
use super::random::{Purpose, stream};

/// Deals the flows of one scenario.
#[derive(Clone, Debug)]
pub struct Dealer {
    seed: u64,
    scenario: usize,
    unshuffled: Vec<usize>,
    bag: Vec<usize>,
    number: Option<u64>,
}

impl Dealer {
    /// For the mix of `scenario`.
    #[must_use]
    pub fn new(seed: u64, scenario: usize, mix: &[Share]) -> Dealer {
        let unshuffled: Vec<usize> =
            mix.iter().flat_map(|share| std::iter::repeat_n(share.flow, share.slots as usize)).collect();
        Dealer { seed, scenario, bag: unshuffled.clone(), unshuffled, number: None }
    }

    /// The flow of the scenario's iteration `index`; `None` for an empty mix.
    pub fn flow(&mut self, index: u64) -> Option<usize> {
        let size = self.unshuffled.len() as u64;
        let number = index.checked_div(size)?;
        if self.number != Some(number) {
            self.bag.clone_from(&self.unshuffled);
            self.bag.shuffle(&mut stream(self.seed, Purpose::Mix, self.scenario, number));
            self.number = Some(number);
        }
        self.bag.get(usize::try_from(index % size).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix() -> Vec<Share> {
        vec![Share { flow: 0, slots: 60 }, Share { flow: 1, slots: 30 }, Share { flow: 2, slots: 10 }]
    }

    #[test]
    fn every_hundred_iterations_hold_the_exact_shares() {
        let mut dealer = Dealer::new(7, 0, &mix());
        for bag in 0..5 {
            let mut counts = [0; 3];
            for index in bag * 100..(bag + 1) * 100 {
                counts[dealer.flow(index).unwrap()] += 1;
            }
            assert_eq!(counts, [60, 30, 10]);
        }
    }

    #[test]
    fn the_order_repeats_with_the_seed_and_any_access_pattern() {
        let mut forward = Dealer::new(7, 0, &mix());
        let dealt: Vec<_> = (0..300).map(|index| forward.flow(index).unwrap()).collect();
        let mut striped = Dealer::new(7, 0, &mix());
        for start in 0..2 {
            for index in (start..300).step_by(2) {
                assert_eq!(striped.flow(index), dealt.get(usize::try_from(index).unwrap()).copied());
            }
        }
        let mut other = Dealer::new(8, 0, &mix());
        assert_ne!(dealt, (0..300).map(|index| other.flow(index).unwrap()).collect::<Vec<_>>());
        assert_ne!(dealt[..100], dealt[100..200], "bags differ from one another");
    }
}
