//! Whether a course jumps at a moment that something else has named.
//!
//! Around each point a line with a jump is fitted by least squares: what changes slowly
//! all the time has a slope and no jump (segmented regression of an interrupted time
//! series; Wagner and others, Journal of Clinical Pharmacy and Therapeutics 27, 2002).
//! How sure the jump is follows from Student's t, made smaller since values lean on the
//! ones before them. A course jumps at a moment only if that is the clearest jump that it
//! makes anywhere, and much larger than those that are left without it: noise has to be
//! extreme, and be so at the right place, and only there.

use super::changes::leaning;
use super::nonparametric::median;
use super::student::t_cdf;

/// Fewest values on each side of a jump.
const LEAST: usize = 4;

/// So many values on each side are looked at, at most: what is farther away says little
/// about the moment.
const REACH: usize = 12;

/// Seconds of a run lean on each other at least so much, whatever a few of them say, and
/// no more than this, so that a few of them do not rule out everything.
const LEANING: (f64, f64) = (0.3, 0.8);

/// So many times as large as any other is the jump of a course, once it is taken back.
const BEYOND_OTHERS: f64 = 2.0;

/// A jump of a course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Index of the first value behind it.
    pub at: usize,
    /// The median of the values before it, as far as they are looked at.
    pub before: f64,
    /// The median of those behind it.
    pub after: f64,
    /// The chance that a course without a jump shows one as clear, in either direction,
    /// at one of the places that were asked about.
    pub chance: f64,
}

/// The jump of a course within `slack` values of `near`, if it makes none elsewhere that
/// is clearer. Of a course with gaps the values that are known count.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few places")]
pub fn jump(course: &[Option<f64>], near: usize, slack: usize) -> Option<Jump> {
    let fits = (0..course.len()).filter_map(|at| Some((at, Fit::at(course, at)?)));
    let (at, fit) = fits.min_by(|(_, a), (_, b)| {
        // Of two that are certain the one that is farther from chance.
        a.chance.total_cmp(&b.chance).then(b.score.total_cmp(&a.score))
    })?;
    if at.abs_diff(near) > slack {
        return None;
    }
    let back =
        |(place, value): (usize, &Option<f64>)| value.map(|value| if place < at { value } else { value - fit.size });
    let without: Vec<Option<f64>> = course.iter().enumerate().map(back).collect();
    let others = (0..course.len()).filter_map(|at| Some(Sides::at(&without, at)?.size.abs()));
    let alone = fit.size.abs() >= others.fold(0.0, f64::max) * BEYOND_OTHERS;
    let places = (2 * slack + 1) as f64;
    let Fit { before, after, chance, .. } = fit;
    alone.then_some(Jump { at, before, after, chance: (chance * places).min(1.0) })
}

/// What is known on both sides of a place, and the line through it.
struct Sides {
    left: Vec<(f64, f64)>,
    right: Vec<(f64, f64)>,
    slope: f64,
    /// How far the middles of the sides are apart.
    apart: f64,
    /// How far the places of each side are apart, squared and summed up.
    spread: f64,
    /// By how much the line jumps.
    size: f64,
}

impl Sides {
    /// `None` where too little is known on a side.
    #[expect(clippy::cast_precision_loss, reason = "places")]
    fn at(course: &[Option<f64>], at: usize) -> Option<Sides> {
        let known = |from: usize, to: usize| -> Vec<(f64, f64)> {
            let part = course.get(from..to.min(course.len())).unwrap_or_default();
            part.iter().enumerate().filter_map(|(place, value)| Some(((from + place) as f64, (*value)?))).collect()
        };
        let (left, right) = (known(at.saturating_sub(REACH), at), known(at, at + REACH));
        if left.len() < LEAST || right.len() < LEAST {
            return None;
        }
        // With the slope within both sides, the jump is what is left between their means.
        let (a, b) = (Side::of(&left), Side::of(&right));
        let spread = a.spread + b.spread;
        let slope = if spread > 0.0 { (a.products + b.products) / spread } else { 0.0 };
        let apart = b.middle - a.middle;
        let size = b.mean - a.mean - slope * apart;
        Some(Sides { left, right, slope, apart, spread, size })
    }

    /// What the line does not explain, on each side.
    fn rest(&self) -> [Vec<f64>; 2] {
        [&self.left, &self.right].map(|points| {
            let side = Side::of(points);
            points.iter().map(|(place, value)| value - side.mean - self.slope * (place - side.middle)).collect()
        })
    }
}

/// A line with a jump, and how sure that is.
struct Fit {
    before: f64,
    after: f64,
    size: f64,
    /// How many of its standard errors the jump is.
    score: f64,
    chance: f64,
}

impl Fit {
    /// `None` where too little is known, or the course does not jump.
    #[expect(clippy::cast_precision_loss, reason = "numbers of values")]
    fn at(course: &[Option<f64>], at: usize) -> Option<Fit> {
        let sides = Sides::at(course, at)?;
        let values = |points: &[(f64, f64)]| points.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
        let (before, after) = (median(values(&sides.left))?, median(values(&sides.right))?);
        // A slope that turns is no jump.
        let (size, whole) = (sides.size, after - before);
        if size == 0.0 || size.signum() != whole.signum() || size.abs() < whole.abs() / 2.0 {
            return None;
        }
        let [left, right] = sides.rest();
        let squares: f64 = left.iter().chain(&right).map(|value| value * value).sum();
        let (n, m) = (left.len() as f64, right.len() as f64);
        let freedom = n + m - 3.0;
        let lean = leaning(&[&left, &right]).clamp(LEANING.0, LEANING.1);
        let variance = squares / freedom * (1.0 + lean) / (1.0 - lean);
        let error = (variance * (1.0 / n + 1.0 / m + sides.apart.powi(2) / sides.spread.max(f64::MIN_POSITIVE))).sqrt();
        // No more exact than numbers are.
        let score = size.abs() / error.max((before.abs() + after.abs()) * 1e-9);
        Some(Fit { before, after, size, score, chance: 2.0 * t_cdf(-score, freedom) })
    }
}

/// The values of one side.
struct Side {
    middle: f64,
    mean: f64,
    /// Squares of the distances of the places from their middle, summed up.
    spread: f64,
    /// The same of places times values.
    products: f64,
}

impl Side {
    #[expect(clippy::cast_precision_loss, reason = "numbers of values")]
    fn of(points: &[(f64, f64)]) -> Side {
        let count = points.len() as f64;
        let middle = points.iter().map(|(place, _)| place).sum::<f64>() / count;
        let mean = points.iter().map(|(_, value)| value).sum::<f64>() / count;
        let spread = points.iter().map(|(place, _)| (place - middle).powi(2)).sum();
        let products = points.iter().map(|(place, value)| (place - middle) * (value - mean)).sum();
        Side { middle, mean, spread, products }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    fn known(values: impl Iterator<Item = f64>) -> Vec<Option<f64>> {
        values.map(Some).collect()
    }

    #[test]
    fn a_jump_is_found_where_it_is_and_nowhere_else() {
        let course = known((0..30).map(|n| f64::from(n % 3) + if n < 18 { 90.0 } else { 10.0 }));
        let found = jump(&course, 17, 2).unwrap();
        assert_eq!((found.at, found.before, found.after), (18, 91.0, 11.0));
        assert!(found.chance < 1e-9, "{}", found.chance);
        assert_eq!(jump(&course, 10, 2), None, "it jumps elsewhere");
        let gaps: Vec<_> = course.iter().enumerate().map(|(n, value)| value.filter(|_| n % 5 != 1)).collect();
        assert_eq!(jump(&gaps, 18, 2).unwrap().at, 18);
        let exact = known((0..16).map(|n| if n < 8 { 1.0 } else { 0.0 }));
        let found = jump(&exact, 8, 0).unwrap();
        assert_eq!((found.at, found.before, found.after), (8, 1.0, 0.0));
        assert!(found.chance < 1e-50, "{}", found.chance);
    }

    #[test]
    fn a_slope_a_turn_and_a_constant_are_no_jumps() {
        let noise = |n: i32| f64::from(n * 7 % 5) / 5.0;
        let sure = |course: Vec<Option<f64>>| jump(&course, 15, 15).is_some_and(|jump| jump.chance < 0.01);
        assert!(!sure(known((0..30).map(|n| f64::from(n) * 3.0 + noise(n)))));
        assert!(!sure(known((0..30).map(|n| f64::from((n - 15).max(0)) * 3.0 + noise(n)))));
        assert!(!sure(known((0..30).map(|_| 5.0))));
        assert!(!sure(known((0..6).map(|n| f64::from(n / 3)))), "too short");
        assert!(!sure(vec![None; 30]));
        assert_eq!(jump(&[], 0, 2), None);
    }

    /// Courses of one kind of noise each, of this length.
    fn noises(length: usize, random: &mut Pcg64Mcg) -> Vec<(&'static str, Vec<Option<f64>>)> {
        let even = |random: &mut Pcg64Mcg| random.random::<f64>();
        let bell = |random: &mut Pcg64Mcg| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let walk = |keep: f64, random: &mut Pcg64Mcg| {
            let mut value = bell(random);
            known((0..length).map(|_| {
                value = value * keep + bell(random) * (1.0 - keep * keep).sqrt();
                100.0 + value
            }))
        };
        vec![
            ("even", known((0..length).map(|_| even(random)))),
            ("bell", known((0..length).map(|_| 20.0 + bell(random)))),
            ("long tail", known((0..length).map(|_| (1.5 * bell(random)).exp()))),
            ("rare", known((0..length).map(|_| f64::from(u8::from(even(random) < 0.1))))),
            ("counts", known((0..length).map(|_| (0..40).filter(|_| even(random) < 0.05).count() as f64 / 40.0))),
            ("slope", known((0..length).map(|n| n as f64 + bell(random)))),
            ("leaning", walk(0.5, random)),
            ("leaning more", walk(0.8, random)),
        ]
    }

    #[test]
    fn noise_rarely_jumps_at_a_given_moment_whatever_its_kind() {
        const RUNS: usize = 1000;
        let mut random = Pcg64Mcg::seed_from_u64(7);
        for length in [12, 16, 30, 60] {
            let mut alarms = std::collections::BTreeMap::<&str, usize>::new();
            for _ in 0..RUNS {
                for (kind, course) in noises(length, &mut random) {
                    let seen = jump(&course, length * 2 / 3, 2).is_some_and(|jump| jump.chance < 0.01);
                    *alarms.entry(kind).or_default() += usize::from(seen);
                }
            }
            // By the chance alone one in a hundred may be. Where values lean on each other more
            // than is allowed for, a few more are.
            let most = |kind: &str| if kind == "leaning more" { RUNS / 33 } else { RUNS / 66 };
            assert!(alarms.iter().all(|(kind, count)| *count <= most(kind)), "{length}: {alarms:?}");
        }
    }
}
