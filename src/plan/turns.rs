//! In which order two sides are run.

use rand::Rng as _;

use super::random::{Purpose, stream};

/// For each of so many pairs of runs, whether side A goes first. Of the two pairs of a
/// block one begins with A and the other with B, and a coin says which: what drifts
/// along meets both sides alike, and what comes at regular times meets neither more
/// often. The same seed gives the same order.
#[must_use]
pub fn turns(seed: u64, pairs: u32) -> Vec<bool> {
    let turn = |pair: u32| {
        let coin = stream(seed, Purpose::Turns, 0, u64::from(pair / 2)).random::<bool>();
        coin == pair.is_multiple_of(2)
    };
    (0..pairs).map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_goes_first_in_every_second_pair() {
        for seed in 0..50 {
            let order = turns(seed, 8);
            assert!(order.chunks(2).all(|block| block[0] != block[1]), "{order:?}");
            assert_eq!(order, turns(seed, 8));
            assert_eq!(turns(seed, 3), order[..3], "more pairs leave the first as they were");
        }
    }

    #[test]
    fn coins_fall_both_ways_within_a_run_and_between_seeds() {
        let heads = |orders: &[bool]| orders.iter().step_by(2).filter(|first| **first).count();
        assert!((20..=80).contains(&heads(&turns(1, 200))));
        let firsts: Vec<bool> = (0..200).flat_map(|seed| [turns(seed, 1)[0], false]).collect();
        assert!((60..=140).contains(&heads(&firsts)));
    }
}
