//! Which flow an iteration runs.
//!
//! Choices come from seeded bags: every bag holds exactly the stated shares, in
//! an order that is unpredictable but reproducible.

use rand::seq::SliceRandom;

use super::random::{Purpose, stream};
use super::{ListBeforeCall, RevisionShare, Share, Target};

/// Deals the flows of one scenario to its iterations, or its targets and their
/// revisions to its users.
#[derive(Clone, Debug)]
pub struct Dealer {
    seed: u64,
    purpose: Purpose,
    scenario: usize,
    unshuffled: Vec<usize>,
    bag: Vec<usize>,
    number: Option<u64>,
}

impl Dealer {
    /// For the mix of `scenario`.
    #[must_use]
    pub fn new(seed: u64, scenario: usize, mix: &[Share]) -> Dealer {
        Dealer::of(seed, Purpose::Mix, scenario, mix.iter().map(|share| (share.flow, share.slots)))
    }

    /// For the targets of `scenario`.
    #[must_use]
    pub fn of_targets(seed: u64, scenario: usize, targets: &[Target]) -> Dealer {
        Dealer::of(seed, Purpose::Targets, scenario, targets.iter().map(|target| (target.server, target.slots)))
    }

    /// For the revisions that users of `scenario` speak with `server`.
    #[must_use]
    pub fn of_revisions(seed: u64, scenario: usize, server: usize, shares: &[RevisionShare]) -> Dealer {
        // A file has far fewer scenarios than this.
        const SCENARIOS: usize = 1 << 16;
        let both = server.wrapping_mul(SCENARIOS).wrapping_add(scenario);
        Dealer::of(seed, Purpose::Revisions, both, shares.iter().map(|share| share.slots).enumerate())
    }

    /// For the iterations of `scenario` in which tools are listed before a call,
    /// which get 1; the others get 0.
    #[must_use]
    pub fn of_lists(seed: u64, scenario: usize, lists: ListBeforeCall) -> Dealer {
        let shares = [(1, lists.slots), (0, lists.of.saturating_sub(lists.slots))];
        Dealer::of(seed, Purpose::Lists, scenario, shares.into_iter())
    }

    fn of(seed: u64, purpose: Purpose, scenario: usize, shares: impl Iterator<Item = (usize, u32)>) -> Dealer {
        let unshuffled: Vec<usize> =
            shares.flat_map(|(index, slots)| std::iter::repeat_n(index, slots as usize)).collect();
        Dealer { seed, purpose, scenario, bag: unshuffled.clone(), unshuffled, number: None }
    }

    /// What number `index` gets: the flow of an iteration, the server of a user;
    /// `None` where there are no shares.
    pub fn flow(&mut self, index: u64) -> Option<usize> {
        let bag = self.bag(index)?;
        bag.get(usize::try_from(index % bag.len() as u64).ok()?).copied()
    }

    /// How many before number `index` got the same as it.
    pub fn rank(&mut self, index: u64) -> Option<u64> {
        let bag = self.bag(index)?;
        let (size, at) = (bag.len() as u64, usize::try_from(index % bag.len() as u64).ok()?);
        let own = bag.get(at)?;
        let same = |part: &[usize]| part.iter().filter(|value| *value == own).count() as u64;
        Some(index / size * same(bag) + same(bag.get(..at)?))
    }

    /// The bag that number `index` lies in, shuffled; `None` where there are no
    /// shares.
    pub(super) fn bag(&mut self, index: u64) -> Option<&[usize]> {
        let size = self.unshuffled.len() as u64;
        let number = index.checked_div(size)?;
        if self.number != Some(number) {
            self.bag.clone_from(&self.unshuffled);
            self.bag.shuffle(&mut stream(self.seed, self.purpose, self.scenario, number));
            self.number = Some(number);
        }
        Some(&self.bag)
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

    #[test]
    fn the_rank_counts_those_that_got_the_same_before() {
        let targets = [Target { server: 0, slots: 3 }, Target { server: 4, slots: 1 }];
        let mut dealer = Dealer::of_targets(7, 0, &targets);
        let mut counts = [0; 5];
        for index in 0..40 {
            let server = dealer.flow(index).unwrap();
            assert_eq!(dealer.rank(index), Some(counts[server]));
            counts[server] += 1;
        }
        assert_eq!(counts, [30, 0, 0, 0, 10]);
        assert_eq!(Dealer::of_targets(7, 0, &[]).rank(0), None);
    }
}
