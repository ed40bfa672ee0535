//! Searches for a limit, and the load that they made.

use serde::Serialize;

use crate::plan::{Arrivals, Load, Segment};
use crate::report::clean::clean;
use crate::results::Results;
use crate::units::{Dimension, Quantity};
use crate::verdict::{SearchEnd, Searched, Tried, Verdict};

/// A search for a limit, and what it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchView {
    /// Name of the scenario.
    pub scenario: String,
    /// The highest level that held, for people; none when not even the lowest
    /// did.
    pub level: Option<String>,
    /// Whether it held for as long as it had to be confirmed.
    pub confirmed: bool,
    /// How sure it is that the conditions hold at that level; none where they are
    /// about something else than percentiles and shares of errors.
    pub confidence: Option<f64>,
    /// `broke`, `top`, `generator` or `unfinished`.
    pub ended: SearchEnd,
    /// The outcome in one sentence, without a full stop.
    pub sentence: String,
    /// The levels that were judged, in order.
    pub legs: Vec<LegView>,
}

/// A level that was judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegView {
    /// The level, for people.
    pub level: String,
    /// Its start, from the start of the load.
    pub from_ns: f64,
    /// How long it lasted.
    pub duration_ns: f64,
    /// Whether it was to confirm the level.
    pub confirming: bool,
    /// Whether all conditions held.
    pub held: bool,
    /// The first condition that did not, in one clause; none when all held.
    pub broke: Option<String>,
}

/// One for each search.
pub(super) fn searches(results: &Results, verdict: &Verdict) -> Vec<SearchView> {
    verdict.searches.iter().map(|search| view(results, search)).collect()
}

fn view(results: &Results, search: &Searched) -> SearchView {
    let scenario = results.plan.scenarios.get(search.scenario);
    let open = scenario.is_some_and(|scenario| scenario.load.is_open());
    let dimension = if open { Dimension::Rate } else { Dimension::Users };
    let leg = |leg: &Tried| {
        Some(LegView {
            level: Quantity::new(leg.level, dimension).to_string(),
            from_ns: super::float(leg.from_ns),
            duration_ns: super::float(leg.duration_ns),
            confirming: leg.confirming,
            held: leg.held?,
            broke: leg.broke.as_deref().map(clean),
        })
    };
    SearchView {
        scenario: scenario.map(|scenario| clean(&scenario.name)).unwrap_or_default(),
        level: search.level.map(|level| level.to_string()),
        confirmed: search.confirmed,
        confidence: search.confidence,
        ended: search.ended,
        sentence: clean(&search.sentence),
        legs: search.legs.iter().filter_map(leg).collect(),
    }
}

/// The results with each search replaced by the load that it came to; `None`
/// where there is no search.
pub(super) fn walked(results: &Results, verdict: &Verdict) -> Option<Results> {
    if verdict.searches.is_empty() {
        return None;
    }
    let mut walked = results.clone();
    for search in &verdict.searches {
        let Some(scenario) = walked.plan.scenarios.get_mut(search.scenario) else { continue };
        let segment = |leg: &Tried| Segment { from: leg.level, to: leg.level, duration_ns: leg.duration_ns };
        let segments: Vec<Segment> = search.legs.iter().map(segment).collect();
        scenario.load = match scenario.load.is_open() {
            true => Load::Open { segments, arrivals: Arrivals::Uniform },
            false => Load::Closed { segments, work: None },
        };
    }
    Some(walked)
}
