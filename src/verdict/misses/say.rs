//! A miss in words.

use super::super::findings::describe;
use super::super::judge::{dimension_of, metrics};
use super::super::{Judgement, State};
use super::limit::Limit;
use super::load::Then;
use super::{Miss, Stretch};
use crate::plan::{Assertion, Metric, Selection};
use crate::record::{Counts, ErrorClass, Failure};
use crate::results::{Results, Window};
use crate::units::{self, Dimension, Quantity};

/// By how much a target is missed, in the unit of what was measured and as a part of the
/// limit.
pub(super) fn distance(assertion: &Assertion, judgement: &Judgement) -> Option<(String, f64)> {
    if judgement.state != State::Failed {
        return None;
    }
    let (observed, limit) = (judgement.observed?.value, judgement.limit?.value);
    let relative = judgement.margin.map_or(f64::INFINITY, f64::abs);
    let distance = (observed - limit).abs();
    let text = match dimension_of(&assertion.left) {
        _ if assertion.share_of_seconds.is_some() => {
            return Some((format!("held in {} of seconds only", units::percent(observed)), relative));
        }
        Dimension::Share => format!("{} percentage points", units::number(distance * 100.0)),
        dimension => Quantity::new(distance, dimension).to_string(),
    };
    Some((format!("is missed by {text}"), relative))
}

/// Where the miss is, since when, and at which load.
pub(super) fn place(
    results: &Results,
    assertion: &Assertion,
    limit: &Limit,
    stretch: Option<&Stretch>,
    then: Option<&Then>,
) -> String {
    let dimension = dimension_of(&assertion.left);
    let show = |value: f64| Quantity::new(value, dimension).to_string();
    let step = limit.carrier.and_then(|series| results.plan.series.get(series)).map(|series| series.step.as_str());
    let most = step.map(|step| format!(", most in `{step}`")).unwrap_or_default();
    let Some(stretch) = stretch else {
        let with = limit.whole().filter(|_| step.is_some()).map(|value| format!(" with {}", show(value)));
        return with.map(|with| format!("{most}{with}")).unwrap_or_default();
    };
    let measured = results.measured_seconds(&limit.selection());
    let others = measured.filter(|second| !stretch.seconds.contains(second));
    let (Some(inside), Some(outside)) = (limit.level(stretch.seconds.clone()), limit.level(others)) else {
        return most;
    };
    let (inside, outside) = (show(inside), show(outside));
    let about = if stretch.width > 1 { "about " } else { "" };
    let (from, to) = (stretch.seconds.start, stretch.seconds.end);
    let course = match (stretch.at_first, stretch.for_good) {
        (true, _) => format!("{inside} before {about}second {to} and {outside} from then on"),
        (false, true) => format!("{outside} before {about}second {from} and {inside} from then on"),
        (false, false) => {
            format!("{inside} from {about}second {from} to {about}second {} and {outside} otherwise", to - 1)
        }
    };
    let load = then.map(|then| format!(", {}", then.clause)).unwrap_or_default();
    format!("{most}: {course}{load}")
}

/// The class of failures that a limit is about, or else of most in a stretch, and the first
/// of them in words.
pub(super) fn failures(
    results: &Results,
    assertion: &Assertion,
    selection: &Selection,
    stretch: Option<&Stretch>,
) -> (Option<ErrorClass>, String) {
    let nothing = (None, String::new());
    let mut asserted: Vec<Option<ErrorClass>> = Vec::new();
    for reference in metrics(&assertion.left) {
        let Metric::Errors { class } = &reference.metric else { return nothing };
        asserted.push(class.as_deref().and_then(ErrorClass::from_name));
    }
    asserted.dedup();
    let [asserted] = asserted.as_slice() else { return nothing };
    let windows: Vec<Window> = match stretch {
        None => vec![Window::Whole],
        Some(stretch) => stretch.seconds.clone().map(Window::Second).collect(),
    };
    let counts = |selection: &Selection| {
        windows.iter().fold(Counts::default(), |mut sum, window| {
            sum.add(&results.counts(selection, *window));
            sum
        })
    };
    let counted = counts(selection);
    let failures = counted.errors.iter().filter(|(class, _)| class.is_failure());
    let its = failures.filter(|(class, _)| asserted.is_none_or(|asserted| asserted == **class));
    let Some(class) = its.max_by_key(|(_, count)| **count).map(|(class, _)| *class) else { return nothing };
    let said = asserted.is_none().then(|| format!("most failed with {}", describe(class)));
    // Of those that are kept, which are the first of the run. Their tags are not.
    let began = stretch.map_or(0, |stretch| u64::from(stretch.seconds.start) * 1000);
    let kept = results.recording.failures.iter().filter(|_| selection.tags.is_empty());
    let kept = kept.filter(|failure| failure.class == class && selection.series.contains(&failure.series));
    let kept: Vec<&Failure> = kept.filter(|failure| failure.at_ms >= began).collect();
    let example = kept.iter().min_by_key(|failure| failure.at_ms).map(|failure| {
        let is_known = |series: &usize| {
            let step = Selection { series: vec![*series], ..Selection::default() };
            kept.iter().any(|failure| failure.series == *series) || !counts(&step).errors.contains_key(&class)
        };
        let what = if selection.series.iter().all(is_known) { "the first" } else { "one" };
        let step = results.plan.series.get(failure.series).map_or("", |series| series.step.as_str());
        let at = units::duration(failure.at_ms as f64 * 1e6);
        format!("{what} in `{step}` at {at}: {}", failure.message)
    });
    (Some(class), said.into_iter().chain(example).collect::<Vec<_>>().join(", "))
}

/// What the load generator has to do with it.
pub(super) fn own(percentile: f64, late: f64, then: bool) -> String {
    format!(
        "the load generator itself began {} of its work more than {} late{}, without which the target would have been met, so \
         that is no fault of the server: give the load generator more threads or a machine of its own",
        units::percent(1.0 - percentile / 100.0),
        units::duration(late),
        if then { " then" } else { "" }
    )
}

/// The miss and all that belongs to it.
pub(super) fn sentence(miss: &Miss, others: &[Miss]) -> String {
    let mut text = clause(miss, others);
    let more = [Some(&miss.example).filter(|example| !example.is_empty()), miss.own.as_ref()];
    more.into_iter().flatten().for_each(|more| text.push_str(&format!("; {more}")));
    if !miss.meanwhile.is_empty() {
        text.push_str(&format!("; {}", miss.meanwhile.join(", and ")));
    }
    text
}

/// The miss, where and since when.
pub(super) fn clause(miss: &Miss, others: &[Miss]) -> String {
    let with = match others {
        [] => String::new(),
        [one] => format!(" (and `{}` with it)", one.source),
        [one, rest @ ..] => format!(" (and `{}` and {} more with it)", one.source, rest.len()),
    };
    format!("`{}` {}{with}{}", miss.source, miss.distance, miss.place)
}
