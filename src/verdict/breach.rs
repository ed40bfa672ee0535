//! A condition that does not hold, and the step that is most to blame.

use super::evaluate::evaluate;
use super::judge::{dimension_of, texts};
use crate::plan::{Assertion, MetricExpr, MetricRef};
use crate::results::{Results, Window};
use crate::units::Quantity;

/// A condition that does not hold.
pub(super) struct Breach {
    source: String,
    /// What it was; none without data.
    found: Option<String>,
    /// The step in which it is worst, and what it is there.
    step: Option<(String, String)>,
}

impl Breach {
    /// In one clause.
    pub(super) fn clause(&self) -> String {
        let Some(found) = &self.found else { return format!("there was nothing to judge `{}` by", self.source) };
        let step =
            self.step.as_ref().map_or(String::new(), |(step, found)| format!(", worst in `{step}` with {found}"));
        format!("`{}` broke: {found}{step}", self.source)
    }
}

/// How `condition` does not hold of a whole recording; `None` if it does. Too few
/// samples for a percentile are no evidence against it: a higher level brings more.
pub(super) fn find(results: &Results, condition: &Assertion) -> Option<Breach> {
    let left = evaluate(results, &condition.left, Window::Whole);
    let right = evaluate(results, &condition.right, Window::Whole);
    let source = condition.source.clone();
    let Some((found, limit)) = left.value.zip(right.value) else {
        return Some(Breach { source, found: None, step: None });
    };
    if condition.comparison.holds(found, limit) {
        return None;
    }
    let dimension = dimension_of(&condition.left);
    let step = worst(results, condition, limit).and_then(|(series, value)| {
        let step = results.plan.series.get(series)?.step.clone();
        Some((step, Quantity::new(value, dimension).to_string()))
    });
    Some(Breach { source, found: Some(texts(found, limit, dimension).0), step })
}

/// The series in which the metric is farthest beyond the limit, where it is one
/// metric of several steps, and what it is there.
pub(super) fn worst(results: &Results, condition: &Assertion, limit: f64) -> Option<(usize, f64)> {
    let MetricExpr::Metric(reference) = &condition.left else { return None };
    if reference.selection.series.len() < 2 {
        return None;
    }
    let of_step = |series: &usize| {
        let mut alone: MetricRef = reference.clone();
        alone.selection.series = vec![*series];
        let value = evaluate(results, &MetricExpr::Metric(alone), Window::Whole).value?;
        (!condition.comparison.holds(value, limit)).then_some((*series, value))
    };
    let steps = reference.selection.series.iter().filter_map(of_step);
    steps.max_by(|(_, a), (_, b)| (a - limit).abs().total_cmp(&(b - limit).abs()))
}
