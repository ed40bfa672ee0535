//! When work is due: pure functions of the plan.
//!
//! Arrival k of an open scenario is due when the area under the rate line
//! reaches k. The number of arrivals is that area, rounded up, so a ramp from
//! 0/s to 500/s over 4 s followed by 4 s of hold makes exactly 3,000.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::random::{Purpose, stream};
use super::{Arrivals, Load, Segment};

/// Areas closer to a whole number than this are that number: they are sums of
/// products of decimal literals.
const AREA_SLACK: f64 = 1e-6;

/// How many iterations the stages make: the area under the rate line.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "areas are finite and not negative")]
pub fn count(segments: &[Segment]) -> u64 {
    let area: f64 = segments.iter().map(Segment::area).sum();
    (area - AREA_SLACK).ceil().max(0.0) as u64
}

/// The due instants of one scenario, in order, as nanoseconds from its start:
/// all of them, or every `stride`-th from `first`.
#[derive(Clone, Debug)]
pub struct Due {
    line: Line,
    spacing: Spacing,
    next: u64,
    stride: u64,
    count: u64,
}

#[derive(Clone, Debug)]
enum Spacing {
    Even,
    /// The total is fixed; positions are the order statistics of uniform draws,
    /// which is a Poisson process given its count.
    Poisson {
        random: Pcg64Mcg,
        at: u64,
        share: f64,
    },
}

impl Due {
    /// The arrivals `first`, `first + stride`, … of an open load.
    #[must_use]
    pub fn new(segments: &[Segment], arrivals: Arrivals, seed: u64, scenario: usize, first: u64, stride: u64) -> Due {
        let spacing = match arrivals {
            Arrivals::Uniform => Spacing::Even,
            Arrivals::Poisson => {
                Spacing::Poisson { random: stream(seed, Purpose::Arrivals, scenario, 0), at: 0, share: 0.0 }
            }
        };
        Due { line: Line::new(segments), spacing, next: first, stride: stride.max(1), count: count(segments) }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn area_of(&mut self, index: u64) -> f64 {
        match &mut self.spacing {
            Spacing::Even => index as f64,
            Spacing::Poisson { random, at, share } => {
                // Each further order statistic of the n that remain divides what is
                // left of the unit interval by a power of a uniform draw.
                while *at <= index {
                    let left = (self.count - *at) as f64;
                    *share = 1.0 - (1.0 - *share) * (1.0 - random.random::<f64>()).powf(1.0 / left);
                    *at += 1;
                }
                *share * self.line.area
            }
        }
    }
}

impl Iterator for Due {
    /// Index of the arrival in its scenario, and when it is due.
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let index = self.next;
        if index >= self.count {
            return None;
        }
        self.next = index.saturating_add(self.stride);
        let area = self.area_of(index);
        Some((index, self.line.time_of(area)))
    }
}

/// A rate line that is walked once, from left to right.
#[derive(Clone, Debug)]
struct Line {
    segments: Vec<Segment>,
    at: usize,
    area_before: f64,
    start_ns: u64,
    area: f64,
}

impl Line {
    fn new(segments: &[Segment]) -> Line {
        let area = segments.iter().map(Segment::area).sum();
        Line { segments: segments.to_vec(), at: 0, area_before: 0.0, start_ns: 0, area }
    }

    /// When the area from the start reaches `area`; areas must not decrease
    /// from call to call.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "nanoseconds of a run stay below 2^53"
    )]
    fn time_of(&mut self, area: f64) -> u64 {
        while let Some(segment) = self.segments.get(self.at) {
            let inside = area - self.area_before;
            // An arrival on the border belongs to the stage that begins there,
            // unless that stage is silent and would delay it to its end.
            if inside < segment.area() - AREA_SLACK || (self.at + 1 == self.segments.len()) {
                let seconds = segment.duration_ns as f64 / 1e9;
                let slope = (segment.to - segment.from) / seconds;
                let root = (segment.from * segment.from + 2.0 * slope * inside).max(0.0).sqrt();
                let denominator = segment.from + root;
                let offset = if denominator > 0.0 { 2.0 * inside / denominator } else { 0.0 };
                return self.start_ns + (offset.clamp(0.0, seconds) * 1e9).round() as u64;
            }
            self.area_before += segment.area();
            self.start_ns += segment.duration_ns;
            self.at += 1;
        }
        self.start_ns
    }
}

/// When virtual user number `user` (from 0) of a closed load is active, as
/// pairs of start and end in nanoseconds. At every instant the number of active
/// users is the level, rounded to the nearest whole number.
#[must_use]
pub fn active_spans(segments: &[Segment], user: u64) -> Vec<(u64, u64)> {
    #[expect(clippy::cast_precision_loss, reason = "users stay far below 2^53")]
    let threshold = user as f64 + 0.5;
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut start_ns = 0;
    for segment in segments {
        let end_ns = start_ns + segment.duration_ns;
        let (above_at_start, above_at_end) = (segment.from >= threshold, segment.to >= threshold);
        let crossing = || start_ns + crossing_ns(segment, threshold);
        let span = match (above_at_start, above_at_end) {
            (true, true) => Some((start_ns, end_ns)),
            (true, false) => Some((start_ns, crossing())),
            (false, true) => Some((crossing(), end_ns)),
            (false, false) => None,
        };
        if let Some((from, to)) = span.filter(|(from, to)| from < to) {
            match spans.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        start_ns = end_ns;
    }
    spans
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of the segment's length"
)]
fn crossing_ns(segment: &Segment, level: f64) -> u64 {
    let part = (level - segment.from) / (segment.to - segment.from);
    (part.clamp(0.0, 1.0) * segment.duration_ns as f64).round() as u64
}

/// How many virtual users a closed load has at its peak.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "levels are finite and not negative")]
pub fn peak_users(load: &Load) -> u64 {
    if load.is_open() { 0 } else { load.peak().round() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn segment(from: f64, to: f64, seconds: u64) -> Segment {
        Segment { from, to, duration_ns: seconds * SECOND }
    }

    fn due(segments: &[Segment], arrivals: Arrivals) -> Vec<u64> {
        Due::new(segments, arrivals, 1, 0, 0, 1).map(|(_, at)| at).collect()
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced_from_the_start() {
        let at = due(&[segment(5.0, 5.0, 1)], Arrivals::Uniform);
        assert_eq!(at, [0, 200_000_000, 400_000_000, 600_000_000, 800_000_000]);
    }

    #[test]
    fn a_ramp_and_a_hold_make_exactly_their_area() {
        let at = due(&[segment(0.0, 500.0, 4), segment(500.0, 500.0, 4)], Arrivals::Uniform);
        assert_eq!(at.len(), 3000);
        assert_eq!(at.iter().filter(|at| **at < 4 * SECOND).count(), 1000);
        // Half of the ramp's time holds a quarter of its area.
        assert_eq!(at.iter().filter(|at| **at < 2 * SECOND).count(), 250);
    }

    #[test]
    fn nothing_is_due_in_a_silent_stage() {
        let at = due(&[segment(2.0, 2.0, 1), segment(0.0, 0.0, 10), segment(2.0, 2.0, 1)], Arrivals::Uniform);
        assert_eq!(at, [0, SECOND / 2, 11 * SECOND, 11 * SECOND + SECOND / 2]);
    }

    #[test]
    fn poisson_arrivals_have_the_same_total_and_exponential_gaps() {
        let segments = [segment(1000.0, 1000.0, 10)];
        let at = due(&segments, Arrivals::Poisson);
        assert_eq!(at.len(), 10_000);
        let gaps: Vec<f64> = at.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let variation = variance.sqrt() / mean;
        assert!((0.95..1.05).contains(&variation), "an exponential has variation 1, got {variation}");
    }

    #[test]
    fn users_follow_the_level() {
        let segments = [segment(0.0, 10.0, 10), segment(10.0, 10.0, 5), segment(10.0, 0.0, 10)];
        assert_eq!(active_spans(&segments, 0), [(SECOND / 2, 24 * SECOND + SECOND / 2)]);
        assert_eq!(active_spans(&segments, 9), [(9 * SECOND + SECOND / 2, 15 * SECOND + SECOND / 2)]);
        assert_eq!(active_spans(&segments, 10), []);
        let dip = [segment(2.0, 2.0, 1), segment(1.0, 1.0, 1), segment(2.0, 2.0, 1)];
        assert_eq!(active_spans(&dip, 1), [(0, SECOND), (2 * SECOND, 3 * SECOND)]);
    }

    fn any_segments() -> impl Strategy<Value = Vec<Segment>> {
        let level = prop_oneof![Just(0.0), 0.0..300.0];
        let one = (level.clone(), level, 1..5_000_u64).prop_map(|(from, to, millis)| Segment {
            from,
            to,
            duration_ns: millis * 1_000_000,
        });
        prop::collection::vec(one, 1..5)
    }

    proptest! {
        #[test]
        fn arrivals_are_ordered_inside_the_stages_and_count_the_area(segments in any_segments(), poisson: bool) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Uniform };
            let at = due(&segments, arrivals);
            let end: u64 = segments.iter().map(|segment| segment.duration_ns).sum();
            let area: f64 = segments.iter().map(Segment::area).sum();
            prop_assert!((at.len() as f64 - area).abs() <= 1.0);
            prop_assert!(at.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(at.iter().all(|at| *at <= end));
        }

        #[test]
        fn the_parts_of_a_schedule_sum_to_the_whole(segments in any_segments(), poisson: bool, parts in 1..5_u64) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Uniform };
            let whole: Vec<_> = Due::new(&segments, arrivals, 3, 0, 0, 1).collect();
            let mut sum: Vec<_> = (0..parts).flat_map(|part| Due::new(&segments, arrivals, 3, 0, part, parts)).collect();
            sum.sort_unstable();
            prop_assert_eq!(whole, sum);
        }

        #[test]
        fn the_number_of_active_users_is_the_rounded_level(segments in any_segments(), at in 0.0..1.0_f64) {
            let load = Load::Closed { segments: segments.clone(), work: None };
            let at = (at * load.duration_ns() as f64) as u64;
            let level = load.level_at(at);
            prop_assume!((level.fract() - 0.5).abs() > 1e-3);
            let active = (0..=peak_users(&load))
                .filter(|user| active_spans(&segments, *user).iter().any(|(from, to)| *from <= at && at < *to))
                .count();
            prop_assert_eq!(active as f64, level.round());
        }
    }
}
