//! What the load did at a moment.

use crate::plan::{Plan, Scenario};
use crate::units::{self, Dimension, Quantity};

const SECOND_NS: u64 = 1_000_000_000;

/// A change of level shows this much before or after the second in which it is made, in
/// seconds: answers take their time.
const SLACK: u64 = 2;

/// What a load did.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Then {
    /// In a clause: `when the rate passes 180/s`.
    pub(super) clause: String,
    /// Whether it changed at once, so that whatever goes with it did too.
    pub(super) jumped: bool,
}

/// What changed about the load in the cell that begins with a second and is so many
/// seconds long; `None` when nothing did. First of the scenario that is asked about.
pub(super) fn then(plan: &Plan, own: Option<usize>, second: u32, width: u32) -> Option<Then> {
    let own = own.or((plan.scenarios.len() == 1).then_some(0));
    let all = || plan.scenarios.iter().enumerate();
    let (mine, others): (Vec<_>, Vec<_>) = all().partition(|(index, _)| Some(*index) == own);
    let jumps = |mine: bool| move |(_, scenario): &(usize, &Scenario)| jump(scenario, mine, second, width);
    let slopes = |mine: bool| move |(_, scenario): &(usize, &Scenario)| slope(scenario, mine, second);
    mine.iter()
        .find_map(jumps(true))
        .or_else(|| mine.iter().find_map(slopes(true)))
        .or_else(|| others.iter().find_map(jumps(false)))
        .or_else(|| others.iter().find_map(slopes(false)))
}

/// Levels that follow each other without a line between them.
fn jump(scenario: &Scenario, mine: bool, second: u32, width: u32) -> Option<Then> {
    let (at, width) = (u64::from(second), u64::from(width));
    // Of the cell in which the level changes more may be as it was before, so that the
    // next one is the first that is not.
    let near = at.saturating_sub(SLACK.max(width / 2)) * SECOND_NS..(at + width) * SECOND_NS;
    let then = |clause| Some(Then { clause, jumped: true });
    let mut begins = scenario.start_ns;
    let mut before: Option<f64> = None;
    for segment in scenario.load.segments() {
        let from = before.unwrap_or(0.0);
        let differs = (segment.from - from).abs() > 1e-9;
        if differs && begins > 0 && near.contains(&begins) {
            return match before {
                None => then(format!("when `{}` begins with {}", scenario.name, with_unit(scenario, segment.from))),
                Some(_) => {
                    let (from, to) = (level(scenario, from), level(scenario, segment.from));
                    then(format!("when {} goes from {from} to {to}", what(scenario, mine)))
                }
            };
        }
        begins = begins.saturating_add(segment.duration_ns);
        before = Some(segment.to);
    }
    let last = with_unit(scenario, before?);
    let ends = !mine && begins > 0 && near.contains(&begins);
    ends.then(|| Then { clause: format!("when `{}` ends, which had {last}", scenario.name), jumped: true })
}

/// A level that rises or falls.
fn slope(scenario: &Scenario, mine: bool, second: u32) -> Option<Then> {
    let at = (u64::from(second) * SECOND_NS).checked_sub(scenario.start_ns)?;
    let mut begins = 0_u64;
    for segment in scenario.load.segments() {
        let ends = begins.saturating_add(segment.duration_ns);
        if at < ends {
            if (segment.to - segment.from).abs() <= 1e-9 {
                return None;
            }
            let now = level(scenario, segment.level_at(at - begins));
            let verb = if segment.to > segment.from { "passes" } else { "falls below" };
            let clause = format!("when {} {verb} {now}", what(scenario, mine));
            return Some(Then { clause, jumped: false });
        }
        begins = ends;
    }
    None
}

fn what(scenario: &Scenario, mine: bool) -> String {
    let noun = if scenario.load.is_open() { "the rate" } else { "the number of users" };
    if mine { noun.to_owned() } else { format!("{noun} of `{}`", scenario.name) }
}

fn level(scenario: &Scenario, level: f64) -> String {
    if scenario.load.is_open() {
        // A rate on a slope is no round number.
        let rounded = if level >= 10.0 { level.round() } else { level };
        return format!("{}/s", units::number(rounded));
    }
    units::number(level.round())
}

fn with_unit(scenario: &Scenario, at: f64) -> String {
    if scenario.load.is_open() {
        return level(scenario, at);
    }
    Quantity::new(at.round(), Dimension::Users).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Arrivals, Load, Segment};

    fn segment(from: f64, to: f64, seconds: u64) -> Segment {
        Segment { from, to, duration_ns: seconds * SECOND_NS }
    }

    fn said(plan: &Plan, own: Option<usize>, second: u32) -> Option<(String, bool)> {
        then(plan, own, second, 1).map(|then| (then.clause, then.jumped))
    }

    #[test]
    fn what_the_load_does_is_told_and_an_even_load_is_not() {
        let open = |segments| Load::Open { segments, arrivals: Arrivals::Uniform };
        let main = vec![segment(10.0, 10.0, 10), segment(10.0, 110.0, 10), segment(200.0, 200.0, 20)];
        let mut batch =
            Scenario::new("batch", Load::Closed { segments: vec![segment(4.0, 4.0, 5)], work: None }, vec![]);
        batch.start_ns = 30 * SECOND_NS;
        let scenarios = vec![Scenario::new("main", open(main), vec![]), batch];
        let plan = Plan { scenarios, ..Plan::default() };
        let of = |clause: &str, jumped| Some((clause.to_owned(), jumped));
        assert_eq!(said(&plan, Some(0), 5), None);
        assert_eq!(said(&plan, Some(0), 15), of("when the rate passes 60/s", false));
        assert_eq!(said(&plan, Some(0), 21), of("when the rate goes from 110/s to 200/s", true));
        assert_eq!(said(&plan, Some(0), 25), None);
        assert_eq!(said(&plan, Some(0), 31), of("when `batch` begins with 4 users", true));
        assert_eq!(said(&plan, None, 36), of("when `batch` ends, which had 4 users", true));
        assert_eq!(said(&plan, Some(1), 15), of("when the rate of `main` passes 60/s", false));
        assert_eq!(said(&Plan::default(), None, 3), None);
    }

    #[test]
    fn a_level_that_changes_within_a_longer_cell_is_told() {
        let segments = vec![segment(2.0, 2.0, 103), segment(3.0, 3.0, 97)];
        let load = Load::Open { segments, arrivals: Arrivals::Uniform };
        let plan = Plan { scenarios: vec![Scenario::new("main", load, vec![])], ..Plan::default() };
        let told = |second, width| then(&plan, None, second, width).map(|then| then.clause);
        let clause = Some("when the rate goes from 2/s to 3/s".to_owned());
        assert_eq!(
            (told(100, 5), told(105, 5), told(100, 10), told(105, 20)),
            (clause.clone(), clause.clone(), clause.clone(), clause)
        );
        assert_eq!((told(100, 1), told(95, 5), told(110, 5), told(120, 20)), (None, None, None, None));
    }

    #[test]
    fn users_that_leave_are_a_level_that_falls() {
        let load = Load::Closed { segments: vec![segment(0.0, 40.0, 10), segment(40.0, 0.0, 10)], work: None };
        let plan = Plan { scenarios: vec![Scenario::new("main", load, vec![])], ..Plan::default() };
        assert_eq!(said(&plan, None, 5).unwrap().0, "when the number of users passes 20");
        assert_eq!(said(&plan, None, 15).unwrap().0, "when the number of users falls below 20");
    }
}
