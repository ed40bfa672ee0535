//! Which row of a data file a draw gets.
//!
//! A pure function of the draw's number: threads that draw every n-th number
//! hand out together what one thread would hand out alone, each row once in
//! each pass, and share nothing.

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::random::{Purpose, key, mixed, stream};

/// In which order rows are handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they stand in the file.
    #[default]
    Sequential,
    /// Each once, in an order that follows from the seed; another order in each
    /// pass.
    Shuffle,
    /// Any row at any draw, whatever came before; there is no end.
    Random,
}

/// What happens when each row was handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtEnd {
    /// Another pass begins.
    Wrap,
    /// Whoever draws stops.
    Stop,
    /// A draw beyond the end is an error.
    #[default]
    Error,
}

/// The row, from 0 to `rows` - 1, of draw number `draw` from data number
/// `data`. Draws count from 0 over the whole run. `None` for a draw past the end
/// under [`AtEnd::Stop`] and [`AtEnd::Error`], and when there are no rows.
///
/// Takes the same memory for any number of rows, and time that does not grow
/// with `draw`.
#[must_use]
pub fn row(order: Order, at_end: AtEnd, seed: u64, data: usize, draw: u64, rows: u64) -> Option<u64> {
    if order == Order::Random {
        // A bias that is left in a draw from 64 bits is below 2^-64.
        return (rows > 0).then(|| stream(seed, Purpose::Rows, data, draw).random_range(0..rows));
    }
    let (pass, at) = (draw.checked_div(rows)?, draw.checked_rem(rows)?);
    if pass > 0 && at_end != AtEnd::Wrap {
        return None;
    }
    Some(match order {
        Order::Sequential | Order::Random => at,
        Order::Shuffle => permuted(at, rows, key(seed, Purpose::Rows, data, pass)),
    })
}

/// Rounds of the network. Four make it hard to tell from chance for large
/// tables (Luby and Rackoff, 1988); tables of a few rows have halves of one or
/// two bits and need more until all orders are about equally likely.
const ROUNDS: u64 = 12;

/// Where `at` goes in the permutation of 0..`rows` that `key` names.
///
/// A balanced Feistel network permutes the numbers below the next even power of
/// two, whatever its round function does. From there it is walked along its
/// cycle until it comes back into the range: the cycle is closed and began
/// there, so it does, and two numbers never meet. That is the cycle-walking
/// cipher of Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA
/// 2002. The power of two is below four times `rows`, so that it takes fewer
/// than four steps on average.
fn permuted(at: u64, rows: u64, key: u64) -> u64 {
    let bits = u64::BITS - rows.saturating_sub(1).leading_zeros();
    let half = bits.div_ceil(2);
    let mut place = at;
    loop {
        place = feistel(place, half, key);
        if place < rows {
            return place;
        }
    }
}

/// Permutes the numbers of 2 × `half` bits; `half` is 0 to 32.
fn feistel(number: u64, half: u32, key: u64) -> u64 {
    let mask = (1_u64 << half) - 1;
    let random = |round: u64, right: u64| mixed(key ^ ((round << 32) | right));
    let (mut left, mut right) = (number >> half, number & mask);
    for round in 0..ROUNDS {
        let mixed_in = left ^ (random(round, right) & mask);
        (left, right) = (right, mixed_in);
    }
    let number = (left << half) | right;
    // From two bits a half on, a network makes even permutations only, which
    // shows in the orders of a few rows. One exchange under every second key
    // makes the odd ones.
    let exchange = half > 0 && number < 2 && random(ROUNDS, 0) & 1 == 1;
    if exchange { number ^ 1 } else { number }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn pass(order: Order, seed: u64, data: usize, number: u64, rows: u64) -> Vec<u64> {
        let draws = number * rows..(number + 1) * rows;
        draws.map(|draw| row(order, AtEnd::Wrap, seed, data, draw, rows).unwrap()).collect()
    }

    /// Pearson's statistic of counts against equal shares, over its degrees of
    /// freedom: about 1 for chance.
    fn chi_square(counts: &[u64]) -> f64 {
        let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        let sum: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
        sum / (counts.len() - 1) as f64
    }

    #[test]
    fn no_rows_give_none_and_one_row_gives_itself() {
        for order in [Order::Sequential, Order::Shuffle, Order::Random] {
            for at_end in [AtEnd::Wrap, AtEnd::Stop, AtEnd::Error] {
                assert_eq!(row(order, at_end, 1, 0, 0, 0), None);
                assert_eq!(row(order, at_end, 1, 0, 0, 1), Some(0));
            }
            assert_eq!(row(order, AtEnd::Wrap, 1, 0, u64::MAX, 1), Some(0));
        }
    }

    #[test]
    fn rows_end_where_they_are_told_to_and_random_ones_never() {
        for at_end in [AtEnd::Stop, AtEnd::Error] {
            for order in [Order::Sequential, Order::Shuffle] {
                assert!(row(order, at_end, 1, 0, 9, 10).is_some());
                assert_eq!(row(order, at_end, 1, 0, 10, 10), None);
                assert_eq!(row(order, at_end, 1, 0, u64::MAX, 10), None);
            }
            assert!(row(Order::Random, at_end, 1, 0, u64::MAX, 10).is_some());
        }
        assert_eq!(pass(Order::Sequential, 1, 0, 3, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn orders_are_written_in_lower_case_and_have_defaults() {
        assert_eq!(serde_json::to_string(&Order::default()).unwrap(), "\"sequential\"");
        assert_eq!(serde_json::to_string(&AtEnd::default()).unwrap(), "\"error\"");
    }

    #[test]
    fn the_largest_tables_are_permuted_too() {
        for rows in [u64::MAX, u64::MAX / 2 + 2, 1 << 32, (1 << 32) + 1] {
            let places: std::collections::BTreeSet<u64> = (0..1000).map(|at| permuted(at, rows, 5)).collect();
            assert_eq!(places.len(), 1000);
            assert!(places.iter().all(|place| *place < rows));
        }
    }

    #[test]
    fn every_row_comes_first_equally_often_over_many_seeds() {
        for rows in [2, 3, 4, 5, 7, 10, 16, 17, 100] {
            let mut counts = vec![0; usize::try_from(rows).unwrap()];
            for seed in 0..200 * rows {
                let first = row(Order::Shuffle, AtEnd::Error, seed, 0, 0, rows).unwrap();
                counts[usize::try_from(first).unwrap()] += 1;
            }
            // With one degree of freedom chance alone reaches 6.6 once in 100.
            let bound = if rows == 2 { 6.6 } else { 3.0 };
            assert!(chi_square(&counts) < bound, "{rows} rows: {} of {counts:?}", chi_square(&counts));
        }
    }

    #[test]
    fn every_order_of_a_few_rows_is_equally_likely() {
        for (rows, orders) in [(3, 6), (4, 24), (5, 120)] {
            let mut counts: BTreeMap<Vec<u64>, u64> = BTreeMap::new();
            for seed in 0..orders * 200 {
                *counts.entry(pass(Order::Shuffle, seed, 0, 0, rows)).or_default() += 1;
            }
            assert_eq!(counts.len() as u64, orders, "{rows} rows");
            let counts: Vec<u64> = counts.into_values().collect();
            assert!(chi_square(&counts) < 2.0, "{rows} rows: {} of {counts:?}", chi_square(&counts));
        }
    }

    #[test]
    fn random_rows_are_spread_evenly() {
        let mut counts = [0; 10];
        for draw in 0..10_000 {
            counts[usize::try_from(row(Order::Random, AtEnd::Error, 1, 0, draw, 10).unwrap()).unwrap()] += 1;
        }
        assert!(chi_square(&counts) < 3.0, "{counts:?}");
    }

    #[test]
    fn an_order_is_the_same_in_every_version() {
        assert_eq!(pass(Order::Shuffle, 1, 0, 0, 8), [5, 7, 0, 1, 2, 6, 4, 3]);
        assert_eq!(pass(Order::Random, 1, 0, 0, 8), [6, 4, 4, 5, 7, 1, 6, 5]);
    }

    proptest! {
        #[test]
        fn each_pass_hands_out_every_row_once(shuffle: bool, seed: u64, data in 0..9_usize, number in 0..9_u64, rows in 1..300_u64) {
            let order = if shuffle { Order::Shuffle } else { Order::Sequential };
            let mut all = pass(order, seed, data, number, rows);
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
        }

        #[test]
        fn a_shuffle_differs_by_seed_data_and_pass(seed: u64, data in 0..9_usize, number in 0..9_u64, rows in 30..300_u64) {
            let base = pass(Order::Shuffle, seed, data, number, rows);
            prop_assert_eq!(&base, &pass(Order::Shuffle, seed, data, number, rows));
            prop_assert_ne!(&base, &pass(Order::Shuffle, seed ^ 1, data, number, rows));
            prop_assert_ne!(&base, &pass(Order::Shuffle, seed, data + 1, number, rows));
            prop_assert_ne!(&base, &pass(Order::Shuffle, seed, data, number + 1, rows));
            prop_assert_ne!(&base, &pass(Order::Sequential, seed, data, number, rows));
        }

        #[test]
        fn the_parts_of_striped_draws_sum_to_the_whole(kind in 0..3_usize, end in 0..3_usize, seed: u64, rows in 0..60_u64, parts in 1..6_u64) {
            let order = [Order::Sequential, Order::Shuffle, Order::Random][kind];
            let at_end = [AtEnd::Wrap, AtEnd::Stop, AtEnd::Error][end];
            let draw = |draw: u64| row(order, at_end, seed, 1, draw, rows);
            let mut whole: Vec<_> = (0..150).filter_map(draw).collect();
            let mut sum: Vec<_> = (0..parts)
                .flat_map(|part| (part..150).step_by(usize::try_from(parts).unwrap()))
                .filter_map(draw)
                .collect();
            prop_assert!(whole.iter().all(|row| *row < rows));
            whole.sort_unstable();
            sum.sort_unstable();
            prop_assert_eq!(whole, sum);
        }
    }
}
