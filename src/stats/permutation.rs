//! Permutation tests of a shift, and what follows from them.
//!
//! A shift is rejected when few of the ways to deal the values out anew, the shift
//! taken back, leave the second side as far ahead as it is. For each way there is one
//! shift from which on it does; so the sorted shifts of all ways are the test of every
//! shift, and its confidence interval.

use rand::{Rng, RngCore};

use super::nonparametric::median;

/// Up to so many ways are all tried; 8 values against 8 have 12,870.
const MOST_WAYS: u64 = 20_000;

/// Of more than that so many are drawn.
const DRAWS: u64 = 10_000;

/// Shifts that differ by less are the same.
const TIE: f64 = 1e-12;

/// How much larger the second side is, as a permutation test sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// Of each way but the one that was observed, from which shift on it is as
    /// extreme; in order.
    thresholds: Vec<f64>,
    estimate: f64,
}

impl Shift {
    /// Of independent values: by how much `new` is larger than `old`. `None` when
    /// either is empty.
    pub fn independent(old: &[f64], new: &[f64], rng: &mut impl RngCore) -> Option<Shift> {
        let differences = new.iter().flat_map(|new| old.iter().map(move |old| new - old)).collect();
        let estimate = median(differences)?;
        let mut ways = Ways::new(old, new);
        if splits(old.len(), new.len()) <= MOST_WAYS {
            let (all, chosen) = (old.len() + new.len(), new.len());
            let mut members: Vec<usize> = (0..chosen).collect();
            while next_subset(&mut members, all) {
                ways.add(members.iter().copied());
            }
        } else {
            let mut order: Vec<usize> = (0..old.len() + new.len()).collect();
            for _ in 0..DRAWS {
                for at in 0..new.len() {
                    order.swap(at, rng.random_range(at..old.len() + new.len()));
                }
                ways.add(order.iter().take(new.len()).copied());
            }
        }
        Some(Shift::of(ways.thresholds, estimate))
    }

    /// Of pairs: by how much the second of each is larger, given the differences.
    /// `None` for none.
    pub fn paired(differences: &[f64], rng: &mut impl RngCore) -> Option<Shift> {
        let averages = differences.iter().enumerate().flat_map(|(at, a)| {
            let others = differences.iter().skip(at);
            others.map(move |b| f64::midpoint(*a, *b))
        });
        let estimate = median(averages.collect())?;
        // With the signs of some turned, it is as extreme from their mean on.
        let mean_of = |turned: &mut dyn FnMut(usize) -> bool| {
            let (mut sum, mut count) = (0.0, 0_u32);
            for (at, difference) in differences.iter().enumerate() {
                if turned(at) {
                    (sum, count) = (sum + difference, count + 1);
                }
            }
            if count > 0 { sum / f64::from(count) } else { f64::NEG_INFINITY }
        };
        let all = signs(differences.len());
        let thresholds = if all <= MOST_WAYS {
            (1..all).map(|mask| mean_of(&mut |at| mask >> at & 1 == 1)).collect()
        } else {
            (0..DRAWS).map(|_| mean_of(&mut |_| rng.random_bool(0.5))).collect()
        };
        Some(Shift::of(thresholds, estimate))
    }

    fn of(mut thresholds: Vec<f64>, estimate: f64) -> Shift {
        thresholds.sort_by(f64::total_cmp);
        Shift { thresholds, estimate }
    }

    /// The estimate of Hodges and Lehmann: the median of the differences between all
    /// values of one side and all of the other; of pairs, that of the averages of
    /// their differences.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The chance of what was observed, or of more, if the shift were no larger than
    /// `shift`.
    #[must_use]
    pub fn chance_above(&self, shift: f64) -> f64 {
        self.chance(self.thresholds.partition_point(|threshold| *threshold <= shift + TIE))
    }

    /// The chance of what was observed, or of less, if the shift were no smaller than
    /// `shift`.
    #[must_use]
    pub fn chance_below(&self, shift: f64) -> f64 {
        // A way that is as extreme from the first shift on is so everywhere.
        let everywhere = self.thresholds.partition_point(|threshold| *threshold == f64::NEG_INFINITY);
        let beyond = self.thresholds.len() - self.thresholds.partition_point(|threshold| *threshold < shift - TIE);
        self.chance(beyond + everywhere)
    }

    /// What was observed is one of the ways, too, so that no chance is 0.
    fn chance(&self, hits: usize) -> f64 {
        ratio(hits as u64 + 1, self.thresholds.len() as u64 + 1)
    }

    /// Twice the smaller of the chances on both sides, at most 1.
    #[must_use]
    pub fn chance_of_either(&self, shift: f64) -> f64 {
        (2.0 * self.chance_above(shift).min(self.chance_below(shift))).min(1.0)
    }

    /// The shifts that neither side rejects at `level`: each end is wrong with at most
    /// that chance. An end is infinite where there are too few ways to reject any.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    #[expect(clippy::cast_precision_loss, reason = "numbers of ways")]
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let rejected = (level * (self.thresholds.len() + 1) as f64 + TIE).floor() as usize;
        let Some(at) = rejected.checked_sub(1) else { return (f64::NEG_INFINITY, f64::INFINITY) };
        let low = self.thresholds.get(at).copied().unwrap_or(f64::NEG_INFINITY);
        let everywhere = self.thresholds.partition_point(|threshold| *threshold == f64::NEG_INFINITY);
        let high = at.checked_sub(everywhere).and_then(|at| self.thresholds.iter().rev().nth(at));
        (low, high.copied().unwrap_or(f64::INFINITY))
    }
}

/// The smallest chance, on one side, that so many independent values can have.
#[must_use]
pub fn least_chance(old: usize, new: usize) -> f64 {
    least(splits(old, new))
}

/// The same of so many pairs.
#[must_use]
pub fn least_paired_chance(pairs: usize) -> f64 {
    least(signs(pairs))
}

fn least(ways: u64) -> f64 {
    ratio(1, if ways <= MOST_WAYS { ways } else { DRAWS + 1 })
}

#[expect(clippy::cast_precision_loss, reason = "numbers of ways")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// In how many ways so many values are dealt out to two sides; beyond
/// [`MOST_WAYS`], any larger number.
fn splits(old: usize, new: usize) -> u64 {
    let (all, few) = ((old + new) as u64, old.min(new) as u64);
    let mut ways = 1_u64;
    for taken in 0..few {
        // Exact: the product of so many neighbours is divisible.
        ways = ways.saturating_mul(all - taken) / (taken + 1);
        if ways > MOST_WAYS {
            return ways;
        }
    }
    ways
}

/// In how many ways the signs of so many differences are set.
fn signs(pairs: usize) -> u64 {
    u32::try_from(pairs).ok().and_then(|pairs| 1_u64.checked_shl(pairs)).unwrap_or(u64::MAX)
}

/// Ways to deal values out to two sides.
struct Ways {
    /// Those of the old side, and behind them those of the new one.
    values: Vec<f64>,
    old: usize,
    sum: f64,
    /// By how much the new side is ahead.
    observed: f64,
    thresholds: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
impl Ways {
    fn new(old: &[f64], new: &[f64]) -> Ways {
        let (before, after): (f64, f64) = (old.iter().sum(), new.iter().sum());
        let values: Vec<f64> = new.iter().chain(old).copied().collect();
        let observed = after / new.len() as f64 - before / old.len() as f64;
        Ways { values, old: old.len(), sum: before + after, observed, thresholds: Vec::new() }
    }

    /// One way: these values, of which the first were those of the new side, are the
    /// new side.
    fn add(&mut self, members: impl Iterator<Item = usize>) {
        let chosen = (self.values.len() - self.old) as f64;
        let (mut sum, mut stayed) = (0.0, 0_u32);
        for member in members {
            sum += self.values.get(member).copied().unwrap_or(0.0);
            stayed += u32::from(member < self.values.len() - self.old);
        }
        let old = self.old as f64;
        let ahead = sum / chosen - (self.sum - sum) / old;
        // By how much it is ahead falls with the shift, but less than what was observed.
        let slope = f64::from(stayed) / chosen - (chosen - f64::from(stayed)) / old;
        let threshold = if slope < 1.0 - TIE { (self.observed - ahead) / (1.0 - slope) } else { f64::NEG_INFINITY };
        self.thresholds.push(threshold);
    }
}

/// The next of the subsets of `0..all` of a size, in order; `false` when there is none.
fn next_subset(members: &mut [usize], all: usize) -> bool {
    let size = members.len();
    for at in (0..size).rev() {
        let Some(member) = members.get_mut(at) else { return false };
        if *member < all - (size - at) {
            for (next, member) in (*member + 1..).zip(members.iter_mut().skip(at)) {
                *member = next;
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    fn rng() -> Pcg64Mcg {
        Pcg64Mcg::seed_from_u64(1)
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// As far apart as can be.
    fn apart(count: u32) -> Shift {
        let old: Vec<f64> = (0..count).map(f64::from).collect();
        let new: Vec<f64> = old.iter().map(|value| value + 100.0).collect();
        Shift::independent(&old, &new, &mut rng()).unwrap()
    }

    #[test]
    fn the_smallest_chances_are_those_of_the_table() {
        // Runs per side, splits.
        for (count, ways) in [(3, 20.0), (4, 70.0), (5, 252.0), (6, 924.0), (8, 12_870.0)] {
            let shift = apart(count);
            assert!(near(shift.chance_above(0.0), 1.0 / ways), "{count}: {}", shift.chance_above(0.0));
            assert!(near(shift.chance_of_either(0.0), 2.0 / ways));
            assert!(near(least_chance(count as usize, count as usize), 1.0 / ways));
            assert!(shift.chance_below(0.0) >= 1.0);
        }
        for (pairs, ways) in [(4, 16.0), (5, 32.0), (6, 64.0), (8, 256.0)] {
            let shift = Shift::paired(&vec![1.0; pairs], &mut rng()).unwrap();
            assert!(near(shift.chance_of_either(0.0), 2.0 / ways));
            assert!(near(least_paired_chance(pairs), 1.0 / ways));
        }
    }

    #[test]
    fn so_many_metrics_can_be_held_at_a_time() {
        // Runs per side, metrics that Holm can gate at 5 %, two-sided and one-sided.
        for (count, two, one) in [(3, 0, 1), (4, 1, 3), (5, 6, 12), (6, 23, 46), (8, 321, 643)] {
            let least = least_chance(count, count);
            let gated =
                |least: f64| (1..1000).take_while(|metrics| least <= 0.05 / f64::from(*metrics) + 1e-12).count();
            assert_eq!((gated(2.0 * least), gated(least)), (two, one), "{count} runs per side");
        }
    }

    #[test]
    fn a_chance_is_counted_over_all_splits_and_ties_count() {
        // 1 3 | 2 4: the means differ by 1; as far apart are 13|24 12|34 and the tie 14|23? No: 0.
        let shift = Shift::independent(&[1.0, 3.0], &[2.0, 4.0], &mut rng()).unwrap();
        assert!(near(shift.chance_above(0.0), 2.0 / 6.0));
        assert!(near(shift.chance_below(0.0), 5.0 / 6.0));
        let same = Shift::independent(&[5.0; 4], &[5.0; 4], &mut rng()).unwrap();
        assert!(same.chance_above(0.0) >= 1.0 && same.chance_below(0.0) >= 1.0 && near(same.estimate(), 0.0));
    }

    #[test]
    fn the_test_of_a_shift_is_that_of_values_moved_back_by_it() {
        let (old, new) = ([1.0, 2.5, 0.3, 1.7, 2.0], [2.2, 3.9, 1.6, 4.1, 2.8]);
        let shift = Shift::independent(&old, &new, &mut rng()).unwrap();
        for by in [-0.5, 0.0, 0.4, 1.1, 1.5, 3.0] {
            let back: Vec<f64> = new.iter().map(|value| value - by).collect();
            let moved = Shift::independent(&old, &back, &mut rng()).unwrap();
            assert!(near(shift.chance_above(by), moved.chance_above(0.0)), "by {by}");
            assert!(near(shift.chance_below(by), moved.chance_below(0.0)), "by {by}");
        }
        let (low, high) = shift.interval(0.05);
        assert!(low < shift.estimate() && shift.estimate() < high);
        assert!(shift.chance_above(low - 1e-6) <= 0.05 && shift.chance_above(low) > 0.05);
        assert!(shift.chance_below(high + 1e-6) <= 0.05 && shift.chance_below(high) > 0.05);
        assert_eq!(apart(2).interval(0.05), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn pairs_are_tested_by_their_signs() {
        let shift = Shift::paired(&[1.0, 2.0, 3.0, -0.5], &mut rng()).unwrap();
        // Sums of turned differences that are not above 0: none, and that of -0.5 alone.
        assert!(near(shift.chance_above(0.0), 2.0 / 16.0));
        assert!(near(shift.estimate(), 1.375), "{}", shift.estimate());
        let six = Shift::paired(&[1.0, 1.2, 0.8, 1.1, 0.9, 1.0], &mut rng()).unwrap();
        let (low, high) = six.interval(0.05);
        assert!(0.8 < low && low < 1.0 && 1.0 < high && high < 1.2, "{low} to {high}");
    }

    #[test]
    fn what_is_drawn_agrees_with_what_is_counted_and_is_never_zero() {
        let old: Vec<f64> = (0..9).map(f64::from).collect();
        let new: Vec<f64> = (0..9).map(|value| f64::from(value) + 2.5).collect();
        let shift = Shift::independent(&old, &new, &mut rng()).unwrap();
        // All 48,620 counted: 0.0369.
        assert!((shift.chance_above(0.0) - 0.037).abs() < 0.006, "{}", shift.chance_above(0.0));
        assert!(near(apart(9).chance_above(0.0), 1.0 / 10_001.0) && near(least_chance(9, 9), 1.0 / 10_001.0));
        assert_eq!(shift, Shift::independent(&old, &new, &mut rng()).unwrap());
        let many: Vec<f64> = (0..20).map(f64::from).collect();
        assert!(Shift::paired(&many, &mut rng()).unwrap().chance_above(0.0) < 0.001);
    }

    #[test]
    fn nothing_has_no_shift() {
        assert_eq!(Shift::independent(&[], &[1.0], &mut rng()), None);
        assert_eq!(Shift::paired(&[], &mut rng()), None);
    }
}
