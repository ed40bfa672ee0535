//! How far what was measured is beyond a limit, in which step and in which seconds.

use std::ops::Range;

use super::super::breach;
use super::super::evaluate::{Gathered, evaluate, gathered, observed};
use super::stretch::Beyond;
use crate::plan::{Assertion, Comparison, Metric, MetricExpr, MetricRef, Selection, Statistic};
use crate::record::sample_floor;
use crate::results::{Results, Window};
use crate::stats::median;
use crate::units::Dimension;

/// A limit that was broken, and by what.
pub(super) struct Limit<'a> {
    results: &'a Results,
    assertion: &'a Assertion,
    /// The left side: of the step that carries it, where one does.
    left: MetricExpr,
    pub(super) value: f64,
    rule: Rule,
    /// The step that carries it, where the assertion is about several.
    pub(super) carrier: Option<usize>,
}

/// What is counted as beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Samples: a percentile is beyond its limit when more than this share of them is.
    Samples { allowed: f64 },
    /// Requests or expectations that did what the limit is for.
    Parts { allowed: f64 },
    /// Seconds.
    Seconds,
    /// Nothing: a total over the run says nothing about one second.
    Total,
}

impl<'a> Limit<'a> {
    /// `None` without a value on the right side.
    pub(super) fn of(results: &'a Results, assertion: &'a Assertion) -> Option<Limit<'a>> {
        let mut limit = Limit::of_all(results, assertion)?;
        if let Some(series) = limit.carries() {
            if let MetricExpr::Metric(reference) = &mut limit.left {
                reference.selection.series = vec![series];
            }
            limit.carrier = Some(series);
        }
        Some(limit)
    }

    /// The same of all steps that the assertion is about.
    pub(super) fn of_all(results: &'a Results, assertion: &'a Assertion) -> Option<Limit<'a>> {
        let value = evaluate(results, &assertion.right, Window::Whole).value?;
        let rule = rule(results, assertion, value);
        Some(Limit { results, assertion, left: assertion.left.clone(), value, rule, carrier: None })
    }

    /// What it is about: the step that carries it, or all that the assertion names.
    pub(super) fn selection(&self) -> Selection {
        match &self.left {
            MetricExpr::Metric(reference) => reference.selection.clone(),
            _ => super::super::judge::selection_of(self.results, self.assertion),
        }
    }

    /// The share that may be beyond; `None` for a total.
    pub(super) fn allowed(&self) -> Option<f64> {
        match self.rule {
            Rule::Samples { allowed } | Rule::Parts { allowed } => Some(allowed),
            Rule::Seconds => Some(0.5),
            Rule::Total => None,
        }
    }

    /// Whether a number is asked for, which no number of requests is too small for.
    pub(super) fn is_count(&self) -> bool {
        matches!(&self.left, MetricExpr::Metric(reference) if reference.statistic == Statistic::Count)
    }

    /// How much of some seconds is beyond.
    pub(super) fn beyond(&self, seconds: Range<u32>) -> Beyond {
        let each: Vec<Beyond> = seconds.map(|second| self.beyond_of(&self.left, Window::Second(second))).collect();
        Beyond::sum(&each)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn beyond_of(&self, left: &MetricExpr, window: Window) -> Beyond {
        let comparison = self.assertion.comparison;
        if let (Rule::Samples { .. } | Rule::Parts { .. }, MetricExpr::Metric(reference)) = (self.rule, left) {
            return match gathered(self.results, reference, window) {
                Gathered::Values(values) => {
                    let beyond = values.buckets().filter(|(value, _)| !comparison.holds(*value as f64, self.value));
                    Beyond { bad: beyond.map(|(_, count)| count).sum::<u64>() as f64, whole: values.count() as f64 }
                }
                Gathered::Share { part, whole } => {
                    let bad = if is_lower(comparison) { whole - part } else { part };
                    Beyond { bad: bad as f64, whole: whole as f64 }
                }
                Gathered::Seconds(_) | Gathered::Count { .. } => Beyond::default(),
            };
        }
        let side = |side: &MetricExpr| evaluate(self.results, side, window).value;
        side(left).zip(side(&self.assertion.right)).map_or(Beyond::default(), |(left, right)| Beyond {
            bad: f64::from(u8::from(!comparison.holds(left, right))),
            whole: 1.0,
        })
    }

    /// The step that has most of what is beyond, and the worst value of all.
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    fn carries(&self) -> Option<usize> {
        let MetricExpr::Metric(reference) = &self.left else { return None };
        if reference.selection.series.len() < 2 || !matches!(reference.metric, Metric::Time(_) | Metric::Errors { .. })
        {
            return None;
        }
        let (Rule::Samples { allowed } | Rule::Parts { allowed }) = self.rule else {
            let is_value = matches!(reference.metric, Metric::Time(_)) && self.assertion.share_of_seconds.is_none();
            return is_value
                .then(|| breach::worst(self.results, self.assertion, self.value).map(|(series, _)| series))?;
        };
        let floor = sample_floor(100.0 * (1.0 - allowed)) as f64;
        let of_step = |series: &usize| {
            let alone = MetricExpr::Metric(narrowed(reference, *series));
            let beyond = self.beyond_of(&alone, Window::Whole);
            let enough = self.is_count() || beyond.whole >= floor;
            let value = evaluate(self.results, &alone, Window::Whole).value?;
            beyond.breaks(allowed).then_some((*series, enough, beyond.bad - allowed * beyond.whole, value))
        };
        let steps: Vec<_> = reference.selection.series.iter().filter_map(of_step).collect();
        let excess: f64 = steps.iter().map(|(_, _, excess, _)| excess).sum();
        let lower = matches!(self.assertion.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        let sign = if lower { -1.0 } else { 1.0 };
        let worst = steps.iter().map(|(.., value)| value * sign).fold(f64::NEG_INFINITY, f64::max);
        let mut leads =
            steps.iter().filter(|(_, enough, own, value)| *enough && own * 2.0 > excess && value * sign >= worst);
        leads.next().map(|(series, ..)| *series)
    }

    /// What the left side is in all of the run.
    pub(super) fn whole(&self) -> Option<f64> {
        evaluate(self.results, &self.left, Window::Whole).value
    }

    /// What the left side is in some seconds; of what has no value but in single seconds
    /// the median of these.
    pub(super) fn level(&self, seconds: impl Iterator<Item = u32> + Clone) -> Option<f64> {
        if let MetricExpr::Metric(reference) = &self.left {
            let mut parts = seconds.clone().map(|second| gathered(self.results, reference, Window::Second(second)));
            if let Some(mut sum @ (Gathered::Values(_) | Gathered::Share { .. })) = parts.next() {
                parts.for_each(|part| sum.add(part));
                return observed(&sum, self.results, reference, Window::Whole).value;
            }
        }
        let values = seconds.filter_map(|second| evaluate(self.results, &self.left, Window::Second(second)).value);
        median(values.collect())
    }
}

fn narrowed(reference: &MetricRef, series: usize) -> MetricRef {
    let mut alone = reference.clone();
    alone.selection.series = vec![series];
    alone
}

pub(super) fn is_upper(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Less | Comparison::LessOrEqual)
}

fn is_lower(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
}

fn rule(results: &Results, assertion: &Assertion, limit: f64) -> Rule {
    if assertion.share_of_seconds.is_some() {
        return Rule::Seconds;
    }
    let upper = is_upper(assertion.comparison);
    let lower = is_lower(assertion.comparison);
    // `errors.count == 0` is a limit, too.
    let none = assertion.comparison == Comparison::Equal && limit == 0.0;
    let MetricExpr::Metric(reference) = &assertion.left else {
        return if averages_out(&assertion.left) { Rule::Total } else { Rule::Seconds };
    };
    let is_constant = matches!(assertion.right, MetricExpr::Const(_));
    let is_time = reference.metric.dimension(reference.statistic) == Some(Dimension::Duration)
        && !matches!(reference.metric, Metric::Measure { .. });
    match (&reference.metric, reference.statistic) {
        (_, Statistic::Percentile(p)) if is_constant && is_time && upper => Rule::Samples { allowed: 1.0 - p / 100.0 },
        (_, Statistic::Percentile(p)) if is_constant && is_time && lower => Rule::Samples { allowed: p / 100.0 },
        (Metric::Errors { .. } | Metric::Expect { .. }, Statistic::Rate) if is_constant && (upper || none) => {
            Rule::Parts { allowed: limit }
        }
        (Metric::Errors { .. } | Metric::Expect { .. }, Statistic::Rate) if is_constant && lower => {
            Rule::Parts { allowed: 1.0 - limit }
        }
        (Metric::Errors { .. }, Statistic::Count) if is_constant && (upper || none) => {
            match gathered(results, reference, Window::Whole) {
                #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
                Gathered::Share { whole, .. } if whole > 0 => Rule::Parts { allowed: limit / whole as f64 },
                _ => Rule::Total,
            }
        }
        (_, Statistic::Count) => Rule::Total,
        _ => Rule::Seconds,
    }
}

fn averages_out(expr: &MetricExpr) -> bool {
    super::super::judge::averages_out(expr)
}
