//! Where a series of values changes its level.
//!
//! A segment is divided where the energy distance between its two parts is largest
//! (Matteson and James, A Nonparametric Approach for Multiple Change Point Analysis of
//! Multivariate Data, 2014, with an exponent of 1). Whether that is a change is told by
//! permutation: how often is the largest distance as large when the values come in
//! another order? The place is chosen by the data, so it is chosen anew in each order.
//! Where values lean on the one before them, whole blocks change places, so that the
//! orders that are compared lean as much.

use rand::Rng as _;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64Mcg;

/// Fewest values on each side of a change.
pub const LEAST: usize = 3;

/// When so many orders were as good as the order of time, it is clear that there is no
/// change, and no further ones are drawn (Besag and Clifford, Sequential Monte Carlo
/// p-values, 1991): the chance is then this number over how many were drawn.
const ENOUGH: u32 = 50;

/// Score beyond which values count as leaning on the one before: one in forty series
/// that do not lean passes it.
const LEANING: f64 = 1.96;

/// Length of a block for each value's worth of leaning: with shorter blocks, orders lean
/// less than the order of time; with longer ones, there are too few orders.
const REACH: f64 = 3.0;

/// A place where the level changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Index of the first value of the new level.
    pub at: usize,
    /// The chance to see a division as clear without a change; that of a division
    /// within a part is at least that of the division that made the part.
    pub chance: f64,
}

/// The changes of a series, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Those with a chance of at most the level.
    pub found: Vec<Change>,
    /// Chances of the divisions that are none: one for each part that was looked at
    /// and not divided.
    pub rejected: Vec<f64>,
}

/// Looks for changes of level, each with a chance of at most `level`, by at most `draws`
/// orders for each division. The same values and seed give the same changes.
#[must_use]
pub fn changes(values: &[f64], level: f64, draws: u32, seed: u64) -> Changes {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut out = Changes::default();
    // Parts that are still to be looked at: where they begin, and what made them.
    let mut parts = vec![(0, values.len(), 0.0)];
    while let Some((from, to, above)) = parts.pop() {
        let Some(part) = values.get(from..to) else { continue };
        let Some((at, chance)) = division(part, draws, &mut random) else { continue };
        let chance = f64::max(chance, above);
        if chance > level {
            out.rejected.push(chance);
            continue;
        }
        out.found.push(Change { at: from + at, chance });
        parts.push((from, from + at, chance));
        parts.push((from + at, to, chance));
    }
    out.found.sort_by_key(|change| change.at);
    out
}

/// The best division of a part and its chance; `None` where the part is too short.
fn division(values: &[f64], draws: u32, random: &mut Pcg64Mcg) -> Option<(usize, f64)> {
    let count = values.len();
    if count < 2 * LEAST {
        return None;
    }
    let distances = Distances::new(values);
    let mut order: Vec<usize> = (0..count).collect();
    let Best { at, end, scaled: observed } = distances.best(&order)?;
    // A hair of slack: the same division in another order is summed in another order.
    let observed = observed - observed.abs() * 1e-9;
    let block = block(values, at, end);
    let (mut as_good, mut drawn) = (0, 0);
    while drawn < draws && as_good < ENOUGH {
        shuffle(&mut order, block, random);
        drawn += 1;
        as_good += u32::from(distances.best(&order).is_some_and(|best| best.scaled >= observed));
    }
    let chance = if as_good == ENOUGH {
        f64::from(as_good) / f64::from(drawn)
    } else {
        f64::from(1 + as_good) / f64::from(1 + drawn)
    };
    Some((at, chance))
}

/// How many values change places together: 1, but where those of the parts lean on the
/// one before them. Parts end at `at` and at `end`.
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
fn block(values: &[f64], at: usize, end: usize) -> usize {
    let parts = [values.get(..at), values.get(at..end), values.get(end..)].map(Option::unwrap_or_default);
    let count = values.len() as f64;
    let leaning = leaning(&parts);
    if leaning * count.sqrt() <= LEANING {
        return 1;
    }
    let reach = REACH * (1.0 + leaning) / (1.0 - leaning).max(0.1);
    let most = (values.len() / 4).max(2);
    (2..most).find(|block| *block as f64 >= reach).unwrap_or(most)
}

/// How much each value leans on the one before it: the correlation of neighbours about
/// the mean of their part, from -1 to 1. It seems smaller than it is in a few values, by
/// so much as this puts back (Marriott and Pope, Biometrika 41, 1954).
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
pub fn leaning(parts: &[&[f64]]) -> f64 {
    let (mut products, mut squares, mut count) = (0.0, 0.0, 0.0);
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        let rest: Vec<f64> = part.iter().map(|value| value - mean).collect();
        products += rest.iter().zip(rest.iter().skip(1)).map(|(a, b)| a * b).sum::<f64>();
        squares += rest.iter().map(|value| value * value).sum::<f64>();
        count += part.len() as f64;
    }
    if squares <= 0.0 {
        return 0.0;
    }
    let seen: f64 = products / squares;
    let parts = parts.iter().filter(|part| !part.is_empty()).count() as f64;
    (seen + parts * (1.0 + 3.0 * seen) / count).clamp(-1.0, 1.0)
}

/// Brings blocks of neighbours into another order. The blocks begin at another place
/// each time; what is cut off at an end is a shorter block.
fn shuffle(order: &mut [usize], block: usize, random: &mut Pcg64Mcg) {
    if block == 1 {
        order.shuffle(random);
        return;
    }
    let in_time: Vec<usize> = (0..order.len()).collect();
    let (head, rest) = in_time.split_at(random.random_range(0..block));
    let mut blocks: Vec<&[usize]> = rest.chunks(block).collect();
    if !head.is_empty() {
        blocks.push(head);
    }
    blocks.shuffle(random);
    order.iter_mut().zip(blocks.into_iter().flatten()).for_each(|(place, index)| *place = *index);
}

/// The clearest division.
struct Best {
    /// Where the new level begins.
    at: usize,
    /// Where the stretch ends that it was seen by.
    end: usize,
    /// The energy distance, scaled by the number of values.
    scaled: f64,
}

/// How far apart the values of a part are, each from each.
struct Distances {
    count: usize,
    /// Row by row.
    between: Vec<f64>,
}

impl Distances {
    fn new(values: &[f64]) -> Distances {
        let between: Vec<f64> = values.iter().flat_map(|a| values.iter().map(move |b| (a - b).abs())).collect();
        Distances { count: values.len(), between }
    }

    /// Where the energy distance between what is before and a stretch after it is
    /// largest, and how large, for values in this order. The stretch may end before the
    /// values do: of a level that comes back, neither change divides all values well.
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    fn best(&self, order: &[usize]) -> Option<Best> {
        let mut best: Option<Best> = None;
        // Of each value from those before `at`, and of pairs before each value.
        let mut left = vec![0.0; self.count];
        let up_to = self.within(order)?;
        for (at, moved) in order.iter().enumerate() {
            if at >= LEAST && at + LEAST <= self.count {
                let before = *up_to.get(at)?;
                let mut across = 0.0;
                for (end, (distance, all)) in left.iter().zip(up_to.iter().skip(1)).enumerate().skip(at) {
                    across += distance;
                    let (n, m) = (at as f64, (end + 1 - at) as f64);
                    if end + 1 - at < LEAST {
                        continue;
                    }
                    let after = all - before - across;
                    let energy = 2.0 * (across / (n * m) - before / (n * (n - 1.0)) - after / (m * (m - 1.0)));
                    let scaled = energy * n * m / (n + m);
                    if best.as_ref().is_none_or(|best| scaled > best.scaled) {
                        best = Some(Best { at, end: end + 1, scaled });
                    }
                }
            }
            let row = self.between.get(moved * self.count..(moved + 1) * self.count)?;
            for (sum, other) in left.iter_mut().zip(order).skip(at + 1) {
                *sum += row.get(*other)?;
            }
        }
        best
    }

    /// Of all pairs among the first none, one, two and so on in this order.
    fn within(&self, order: &[usize]) -> Option<Vec<f64>> {
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for (at, added) in order.iter().enumerate() {
            let row = self.between.get(added * self.count..(added + 1) * self.count)?;
            sum += order.iter().take(at).filter_map(|other| row.get(*other)).sum::<f64>();
            sums.push(sum);
        }
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance of the division of these values, by 999 orders.
    fn chance(values: &[f64]) -> f64 {
        let changes = changes(values, 0.05, 999, 1);
        changes.found.iter().map(|change| change.chance).chain(changes.rejected).fold(1.0, f64::min)
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let step: Vec<f64> = (0..30).map(|n| f64::from(n % 3) + if n < 18 { 0.0 } else { 10.0 }).collect();
        let found = changes(&step, 0.05, 999, 1);
        assert_eq!(found.found, [Change { at: 18, chance: 0.001 }]);
        assert_eq!(found.rejected.len(), 2, "both parts are looked at");
        assert_eq!(found, changes(&step, 0.05, 999, 1), "the same seed gives the same chances");
    }

    #[test]
    fn each_of_two_steps_is_found() {
        let level = |n: i32| if (15..30).contains(&n) { 10.0 } else { 0.0 };
        let steps: Vec<f64> = (0..45).map(|n| f64::from(n * 7 % 5) + level(n)).collect();
        let at: Vec<usize> = changes(&steps, 0.05, 999, 1).found.iter().map(|change| change.at).collect();
        assert_eq!(at, [15, 30]);
    }

    #[test]
    fn what_is_too_short_or_never_differs_has_no_change() {
        assert_eq!(changes(&[], 0.05, 99, 1), Changes::default());
        assert_eq!(changes(&[1.0, 1.0, 1.0, 9.0, 9.0], 0.05, 99, 1), Changes::default());
        assert!(chance(&[1.0; 20]) > 0.9);
        // Three and three: one order in ten is as good as any.
        assert!(chance(&[1.0, 1.1, 1.2, 9.0, 9.1, 9.2]) > 0.05);
    }

    #[test]
    fn values_that_lean_change_places_in_blocks() {
        let waves: Vec<f64> = (0..60).map(|n| (f64::from(n) / 8.0).sin()).collect();
        assert!(leaning(&[&waves]) > 0.8 && block(&waves, 30, 60) > 4);
        let alternating: Vec<f64> = (0..60).map(|n| f64::from(n % 2)).collect();
        assert!(leaning(&[&alternating]) < -0.8 && block(&alternating, 30, 60) == 1);
        assert!((leaning(&[&[], &[1.0]])).abs() < 1e-12);
    }

    #[test]
    fn an_order_of_blocks_is_an_order() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        for block in [1, 2, 5, 7] {
            let mut order: Vec<usize> = (0..23).collect();
            shuffle(&mut order, block, &mut random);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..23).collect::<Vec<_>>());
            let together = order.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
            assert!(block == 1 || together >= 23 - 23 / block - 2, "{block}: {order:?}");
        }
    }
}
