//! The planned load: in words, and as lines over time.

use crate::plan::{Arrivals, Load, Plan, Scenario, Segment, Work};
use crate::units::{self, Dimension, Quantity};

use super::float;

/// A planned level over time: pairs of seconds from the start and level
/// (iterations per second, or users), to be joined by straight lines.
pub type PlannedLine = Vec<(f64, f64)>;

/// The load in words: `ramp 0/s → 40/s over 5s, hold 40/s for 10s`.
pub(super) fn words(load: &Load, max_users: Option<u64>) -> String {
    let dimension = if load.is_open() { Dimension::Rate } else { Dimension::Users };
    if let Load::Closed { work: Some(Work { iterations, shared }), .. } = load {
        let users = Quantity::new(load.peak(), Dimension::Users);
        let how = if *shared { "shared" } else { "each" };
        let within = units::duration(float(load.duration_ns()));
        return format!("{iterations} iterations {how} by {users} within {within}");
    }
    let mut parts: Vec<String> = load.segments().iter().map(|segment| stage(segment, dimension)).collect();
    if let Load::Open { arrivals: Arrivals::Poisson, .. } = load {
        parts.push("arrivals at random (Poisson)".to_owned());
    }
    if let Some(users) = max_users {
        parts.push(format!("at most {}", Quantity::new(float(users), Dimension::Users)));
    }
    parts.join(", ")
}

#[expect(clippy::float_cmp, reason = "a hold is a stage whose two levels are the same literal")]
fn stage(segment: &Segment, dimension: Dimension) -> String {
    let duration = units::duration(float(segment.duration_ns));
    let (from, to) = (Quantity::new(segment.from, dimension), Quantity::new(segment.to, dimension));
    if segment.from == segment.to {
        format!("hold {to} for {duration}")
    } else {
        format!("ramp {from} → {to} over {duration}")
    }
}

/// Level × seconds between two instants in nanoseconds.
pub(super) fn area_between(load: &Load, from: u64, to: u64) -> f64 {
    let mut start = 0;
    let mut area = 0.0;
    for segment in load.segments() {
        let end = start + segment.duration_ns;
        let (a, b) = (from.max(start), to.min(end));
        if a < b {
            area += f64::midpoint(segment.level_at(a - start), segment.level_at(b - start)) * float(b - a) / 1e9;
        }
        start = end;
    }
    area
}

/// The planned rate of all open scenarios.
pub(super) fn planned_rate(plan: &Plan) -> PlannedLine {
    line(plan, Load::is_open)
}

/// The planned users of all closed scenarios.
pub(super) fn planned_users(plan: &Plan) -> PlannedLine {
    line(plan, |load| !load.is_open())
}

/// The sum of the levels of the chosen loads, exact at every border of a stage.
fn line(plan: &Plan, chosen: impl Fn(&Load) -> bool) -> PlannedLine {
    let loads: Vec<Load> = plan.scenarios.iter().map(Scenario::placed_load).filter(|load| chosen(load)).collect();
    let borders = borders(loads.iter());
    let mut points: PlannedLine = Vec::new();
    for (from, to) in borders.iter().zip(borders.iter().skip(1)) {
        for (at, level) in
            [(*from, sum(&loads, |load| load.level_at(*from))), (*to, sum(&loads, |load| level_before(load, *to)))]
        {
            let point = (float(at) / 1e9, level);
            if points.last() != Some(&point) {
                points.push(point);
            }
        }
    }
    points
}

fn sum(loads: &[Load], level: impl Fn(&Load) -> f64) -> f64 {
    loads.iter().map(level).sum()
}

/// The level just before an instant: a jump belongs to the stage it begins.
fn level_before(load: &Load, at_ns: u64) -> f64 {
    let mut start = 0;
    for segment in load.segments() {
        let end = start + segment.duration_ns;
        if start < at_ns && at_ns <= end {
            return segment.level_at(at_ns - start);
        }
        start = end;
    }
    0.0
}

/// Where stages begin and end, in nanoseconds, in order.
pub(super) fn borders<'a>(loads: impl Iterator<Item = &'a Load>) -> Vec<u64> {
    let mut borders = vec![0];
    for load in loads {
        let mut at = 0;
        for segment in load.segments() {
            at += segment.duration_ns;
            borders.push(at);
        }
    }
    borders.sort_unstable();
    borders.dedup();
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(levels: &[(f64, f64, u64)]) -> Vec<Segment> {
        levels
            .iter()
            .map(|(from, to, seconds)| Segment { from: *from, to: *to, duration_ns: seconds * 1_000_000_000 })
            .collect()
    }

    #[test]
    fn a_load_reads_as_it_is_written() {
        let segments = stages(&[(0.0, 40.0, 5), (40.0, 40.0, 10)]);
        let open = Load::Open { segments: segments.clone(), arrivals: Arrivals::Uniform };
        assert_eq!(words(&open, Some(200)), "ramp 0/s → 40/s over 5s, hold 40/s for 10s, at most 200 users");
        let closed = Load::Closed { segments, work: None };
        assert_eq!(words(&closed, None), "ramp 0 users → 40 users over 5s, hold 40 users for 10s");
    }

    #[test]
    fn the_area_between_two_instants_is_exact() {
        let load = Load::Open { segments: stages(&[(0.0, 40.0, 4), (40.0, 40.0, 10)]), arrivals: Arrivals::Uniform };
        let second = |n: u64| n * 1_000_000_000;
        assert!((area_between(&load, 0, second(1)) - 5.0).abs() < 1e-9);
        assert!((area_between(&load, second(3), second(5)) - (35.0 + 40.0)).abs() < 1e-9);
        assert!(area_between(&load, second(20), second(30)).abs() < 1e-9);
    }
}
