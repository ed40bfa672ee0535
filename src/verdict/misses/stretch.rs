//! In which stretch of a run a limit is broken for good, or for most of the time.

use std::ops::Range;

use super::grid::LEAST_CELLS;
use crate::record::sample_floor;
use crate::stats::larger_score;

/// A shorter stretch is a moment, and so is what is left over at either end of the run.
pub(super) const LEAST: usize = 3;

/// A limit is broken for good where it is in so large a part of the windows, and it held
/// where it was broken in no more than the rest of that.
const MOST: f64 = 0.8;

/// One cell counts as no more than so many times what is allowed, or as this share: a
/// single one must not make a stretch of its neighbours.
const CAP: (f64, f64) = (3.0, 0.1);

/// Inside, the odds of being beyond are so many times what they are outside: a level that
/// lies about its limit is on either side of it by chance.
const ODDS: f64 = 2.5;

/// Beyond chance: one in a hundred.
const SCORE: f64 = 2.326;

/// How much of what was counted is beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Beyond {
    pub(super) bad: f64,
    pub(super) whole: f64,
}

impl Beyond {
    pub(super) fn sum<'a>(parts: impl IntoIterator<Item = &'a Beyond>) -> Beyond {
        parts
            .into_iter()
            .fold(Beyond::default(), |sum, part| Beyond { bad: sum.bad + part.bad, whole: sum.whole + part.whole })
    }

    fn minus(self, other: Beyond) -> Beyond {
        Beyond { bad: self.bad - other.bad, whole: self.whole - other.whole }
    }

    /// The part that is beyond; none of nothing.
    pub(super) fn share(self) -> f64 {
        if self.whole > 0.0 { self.bad / self.whole } else { 0.0 }
    }

    fn odds(self) -> f64 {
        self.bad / (self.whole - self.bad).max(f64::MIN_POSITIVE)
    }

    fn capped(self, allowed: f64) -> Beyond {
        let most = (allowed * CAP.0).max(CAP.1) * self.whole;
        Beyond { bad: self.bad.min(most), whole: self.whole }
    }

    pub(super) fn breaks(self, allowed: f64) -> bool {
        self.whole > 0.0 && self.share() > allowed + 1e-12
    }

    /// How well its own share explains it, as a logarithm.
    fn likelihood(self) -> f64 {
        let part = |count: f64| if count > 0.0 { count * (count / self.whole).ln() } else { 0.0 };
        part(self.bad) + part(self.whole - self.bad)
    }
}

/// The cells in which more than the `allowed` share is beyond the limit, where they lie
/// together and the limit holds in the others. `None` when there is no such stretch, as
/// where it is broken from beginning to end.
///
/// The stretch is the one that divides the cells into two parts whose shares differ most
/// (by likelihood), so that a single cell neither begins nor ends it.
pub(super) fn lasting(cells: &[Beyond], allowed: f64) -> Option<Range<usize>> {
    stretch(cells, allowed, |_, _| floor(allowed))
}

/// The same where the limit is a number of requests. As a share of all requests it can be
/// so small that no part of the run has samples enough for it; then it is the share in
/// the stretch that there have to be enough for.
pub(super) fn of_count(cells: &[Beyond], allowed: f64) -> Option<Range<usize>> {
    stretch(cells, allowed, |inner, outer| {
        let floor_of_all = floor(allowed);
        let enough = inner.whole.min(outer.whole) >= floor_of_all;
        if enough { floor_of_all } else { floor(inner.share()) }
    })
}

/// See [`lasting`]; `floor` are the samples that either side needs.
fn stretch(cells: &[Beyond], allowed: f64, floor: impl Fn(Beyond, Beyond) -> f64) -> Option<Range<usize>> {
    let count = cells.len();
    if count < LEAST_CELLS {
        return None;
    }
    // Up to each cell: what is beyond, and how many cells are broken.
    let mut sums = vec![(Beyond::default(), 0)];
    let mut sum = (Beyond::default(), 0);
    for cell in cells {
        sum = (Beyond::sum([&sum.0, &cell.capped(allowed)]), sum.1 + usize::from(cell.breaks(allowed)));
        sums.push(sum);
    }
    let mut best: Option<(f64, Range<usize>)> = None;
    for (from, before) in sums.iter().enumerate() {
        for (to, until) in sums.iter().enumerate().skip(from + LEAST) {
            let inside = until.0.minus(before.0);
            let outside = sum.0.minus(inside);
            let (broken, all) = (sum.1 - (until.1 - before.1), count - (to - from));
            let held = !outside.breaks(allowed) || few(broken, all);
            if all == 0 || outside.whole <= 0.0 || !inside.breaks(allowed) || !held {
                continue;
            }
            let gain = inside.likelihood() + outside.likelihood();
            if best.as_ref().is_none_or(|(most, _)| gain > *most) {
                best = Some((gain, from..to));
            }
        }
    }
    let (_, found) = best?;
    let from = if found.start < LEAST { 0 } else { found.start };
    let to = if count - found.end < LEAST { count } else { found.end };
    let part = |range: Range<usize>| cells.get(range).unwrap_or_default();
    let (before, within, after) = (part(0..from), part(from..to), part(to..count));
    let (inner, outer) = (Beyond::sum(within), Beyond::sum(before.iter().chain(after)));
    let floor = floor(inner, outer);
    let (broken, all) = windows(within, allowed, floor);
    let (before_broken, before_all) = windows(before, allowed, floor);
    let (after_broken, after_all) = windows(after, allowed, floor);
    let shares = |cells: &mut dyn Iterator<Item = &Beyond>| -> Vec<f64> {
        cells.filter(|cell| cell.whole > 0.0).map(|cell| cell.share()).collect()
    };
    let score = larger_score(&shares(&mut within.iter()), &shares(&mut before.iter().chain(after)));
    let clear = from + (count - to) >= LEAST
        && inner.whole >= floor
        && outer.whole >= floor
        && inner.odds() >= outer.odds() * ODDS
        && few(all - broken, all)
        && few(before_broken + after_broken, before_all + after_all)
        && score >= SCORE;
    clear.then_some(from..to)
}

/// Whether so many of all are what is left of most.
#[expect(clippy::cast_precision_loss, reason = "numbers of cells")]
fn few(some: usize, all: usize) -> bool {
    some as f64 <= all as f64 * (1.0 - MOST)
}

/// How many requests it takes to tell whether more than a share of them is beyond.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn floor(allowed: f64) -> f64 {
    sample_floor(100.0 * (1.0 - allowed)) as f64
}

/// In how many windows with enough in them the limit is broken, and how many there are.
fn windows(cells: &[Beyond], allowed: f64, floor: f64) -> (usize, usize) {
    let (mut broken, mut all, mut window) = (0, 0, Beyond::default());
    for cell in cells {
        window = Beyond::sum([&window, cell]);
        if window.whole >= floor {
            all += 1;
            broken += usize::from(window.breaks(allowed));
            window = Beyond::default();
        }
    }
    (broken, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(count: usize, whole: f64, bad: impl Fn(usize) -> f64) -> Vec<Beyond> {
        (0..count).map(|cell| Beyond { bad: bad(cell), whole }).collect()
    }

    #[test]
    fn a_stretch_begins_where_it_lasts_and_not_at_a_single_second() {
        let late = |cell: usize| if cell == 4 || (cell >= 18 && cell != 23) { 30.0 } else { 1.0 };
        assert_eq!(lasting(&cells(30, 40.0, late), 0.05), Some(18..30));
        let between = |cell: usize| if (10..20).contains(&cell) { 30.0 } else { 0.0 };
        assert_eq!(lasting(&cells(30, 40.0, between), 0.05), Some(10..20));
        let first = |cell: usize| if cell < 8 { 30.0 } else { 0.0 };
        assert_eq!(lasting(&cells(30, 40.0, first), 0.05), Some(0..8));
    }

    #[test]
    fn what_is_broken_all_along_or_now_and_then_has_no_stretch() {
        assert_eq!(lasting(&cells(30, 40.0, |_| 20.0), 0.05), None);
        assert_eq!(lasting(&cells(30, 40.0, |cell| if cell % 5 == 0 { 30.0 } else { 0.0 }), 0.05), None);
        assert_eq!(lasting(&cells(30, 40.0, |cell| if cell == 12 { 40.0 } else { 0.0 }), 0.0), None);
        assert_eq!(lasting(&cells(30, 40.0, |cell| if cell % 2 == 0 { 3.0 } else { 1.0 }), 0.05), None);
        assert_eq!(lasting(&cells(6, 40.0, |cell| if cell > 3 { 40.0 } else { 0.0 }), 0.05), None);
        assert_eq!(lasting(&cells(30, 0.0, |_| 0.0), 0.05), None);
        assert_eq!(lasting(&[], 0.05), None);
    }

    #[test]
    fn too_few_requests_for_the_share_tell_nothing() {
        // One in a hundred of 8 requests a second, of which there are 160 before.
        let rare = |cell: usize| if cell >= 20 { 2.0 } else { 0.0 };
        assert_eq!(lasting(&cells(30, 8.0, rare), 0.01), None);
        assert_eq!(lasting(&cells(30, 80.0, |cell| rare(cell) * 10.0), 0.01), Some(20..30));
    }

    #[test]
    fn a_small_count_has_a_moment_where_the_failures_show_one() {
        // Less than 1 of 1200.
        let allowed = 1.0 / 1200.0;
        let from = |share: f64| cells(30, 40.0, move |cell| if cell >= 20 { 40.0 * share } else { 0.0 });
        assert_eq!(of_count(&from(1.0), allowed), Some(20..30));
        assert_eq!(of_count(&from(0.05), allowed), Some(20..30));
        assert_eq!(lasting(&from(1.0), allowed), None);
        // A few of them have none.
        assert_eq!(of_count(&cells(30, 40.0, |cell| f64::from(u8::from(cell == 12))), allowed), None);
        assert_eq!(of_count(&cells(30, 40.0, |cell| f64::from(u8::from(cell % 9 == 2))), allowed), None);
        // Of a count that is large, windows of samples enough are looked at as ever.
        let half = cells(30, 40.0, |cell| if cell >= 20 { 20.0 } else { f64::from(u8::from(cell % 2 == 0)) * 3.0 });
        assert_eq!((of_count(&half, 0.06), lasting(&half, 0.06)), (Some(20..30), Some(20..30)));
    }

    #[test]
    fn single_failures_by_chance_seldom_have_a_stretch() {
        use rand::{Rng as _, SeedableRng as _};
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(7);
        for often in [0.002, 0.005, 0.02, 0.1] {
            let mut found = 0;
            for _ in 0..300 {
                let bad: Vec<f64> =
                    (0..30).map(|_| (0..40).filter(|_| random.random::<f64>() < often).count() as f64).collect();
                found += usize::from(of_count(&cells(30, 40.0, |cell| bad[cell]), 1.0 / 1200.0).is_some());
            }
            assert!(found <= 12, "{found} of 300 with {often}");
        }
    }

    #[test]
    fn noise_about_the_limit_has_no_stretch() {
        use rand::{Rng as _, SeedableRng as _};
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(3);
        let mut found = 0;
        for _ in 0..500 {
            let bad: Vec<f64> =
                (0..30).map(|_| (0..40).filter(|_| random.random::<f64>() < 0.055).count() as f64).collect();
            found += usize::from(lasting(&cells(30, 40.0, |cell| bad[cell]), 0.05).is_some());
        }
        assert!(found <= 10, "{found} of 500");
    }
}
