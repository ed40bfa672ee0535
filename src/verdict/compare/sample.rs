//! The value of a metric in each run.

use super::super::evaluate::{Observed, evaluate};
use super::super::judge::dimension_of;
use super::{Gate, Question};
use crate::plan::{Metric, MetricExpr, MetricRef, Plan, Selection};
use crate::results::{Results, Window};
use crate::units::Dimension;

/// A metric of one side.
pub(super) struct Values {
    /// One for each run; absent without data or with too few samples.
    pub(super) each: Vec<Option<f64>>,
    /// Why one is absent.
    pub(super) missing: Option<String>,
    /// The fewest samples that a value rests on.
    pub(super) samples: u64,
    /// Their sum.
    pub(super) all_samples: u64,
}

impl Values {
    /// The values, if none is absent.
    pub(super) fn whole(&self) -> Option<Vec<f64>> {
        self.each.iter().copied().collect()
    }
}

/// Looks a metric up in each of the runs. It is one of `plan`.
pub(super) fn values(gate: &Gate, plan: &Plan, runs: &[Results]) -> Values {
    let mut found = Values { each: Vec::new(), missing: None, samples: u64::MAX, all_samples: 0 };
    for run in runs {
        let observed = match translated(&gate.metric, plan, &run.plan) {
            Some(metric) => evaluate(run, &MetricExpr::Metric(metric), Window::Whole),
            None => Observed { value: None, samples: 0, needs: 0 },
        };
        let enough = observed.samples >= observed.needs;
        let value = observed.value.filter(|value| enough && value.is_finite());
        if value.is_none() && found.missing.is_none() {
            found.missing = Some(match observed.value {
                Some(_) => {
                    format!(
                        "run {} has {} samples of the {} that it needs",
                        run.run.id, observed.samples, observed.needs
                    )
                }
                None => format!("run {} has no data of it", run.run.id),
            });
        }
        found.each.push(value);
        found.samples = found.samples.min(observed.samples);
        found.all_samples = found.all_samples.saturating_add(observed.samples);
    }
    found
}

/// A standard metric of several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The metric as written.
    pub source: String,
    /// What its values measure.
    pub dimension: Dimension,
    /// Its value in each run, in the base unit; absent without data or with too few
    /// samples.
    pub values: Vec<Option<f64>>,
}

/// The standard metrics of runs of one load.
#[must_use]
pub fn figures(runs: &[Results]) -> Vec<Figure> {
    let Some(plan) = runs.first().map(|run| &run.plan) else { return Vec::new() };
    let figure = |gate: Gate| Figure {
        values: values(&gate, plan, runs).each,
        dimension: dimension_of(&MetricExpr::Metric(gate.metric.clone())),
        source: gate.metric.source,
    };
    Question::standard(plan).gates.into_iter().map(figure).collect()
}

/// The metric of `of` as one of `to`, whose load may be another where a comparison was
/// forced: what has the same names. `None` where there is no such thing.
fn translated(metric: &MetricRef, of: &Plan, to: &Plan) -> Option<MetricRef> {
    if of.series == to.series && same_names(of, to) {
        return Some(metric.clone());
    }
    let selection = if metric.selection == of.everything() {
        to.everything()
    } else {
        Selection {
            series: metric.selection.series.iter().map(|index| series(*index, of, to)).collect::<Option<_>>()?,
            scenarios: metric
                .selection
                .scenarios
                .iter()
                .map(|index| place(of.scenarios.get(*index)?, &to.scenarios, |a, b| a.name == b.name))
                .collect::<Option<_>>()?,
            tags: metric.selection.tags.clone(),
        }
    };
    let name = |index: usize, of: &[String], to: &[String]| place(of.get(index)?, to, |a, b| a == b);
    let server = |index: Option<usize>| match index {
        Some(index) => place(of.servers.get(index)?, &to.servers, |a, b| a.name == b.name).map(Some),
        None => Some(None),
    };
    let kind = match metric.metric.clone() {
        Metric::Expect { label } => Metric::Expect { label: name(label, &of.expectations, &to.expectations)? },
        Metric::Group { group } => Metric::Group { group: name(group, &of.groups, &to.groups)? },
        Metric::Measure { measure, dimension } => {
            Metric::Measure { measure: place(of.measures.get(measure)?, &to.measures, |a, b| a == b)?, dimension }
        }
        Metric::ServerCpu { server: index } => Metric::ServerCpu { server: server(index)? },
        Metric::ServerRss { server: index } => Metric::ServerRss { server: server(index)? },
        Metric::ServerFds { server: index } => Metric::ServerFds { server: server(index)? },
        other => other,
    };
    Some(MetricRef { selection, metric: kind, ..metric.clone() })
}

fn place<T>(of: &T, among: &[T], same: impl Fn(&T, &T) -> bool) -> Option<usize> {
    among.iter().position(|other| same(of, other))
}

fn same_names(of: &Plan, to: &Plan) -> bool {
    let scenarios = |plan: &Plan| plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect::<Vec<_>>();
    let servers = |plan: &Plan| plan.servers.iter().map(|server| server.name.clone()).collect::<Vec<_>>();
    let own = (&of.expectations, &of.groups, &of.measures) == (&to.expectations, &to.groups, &to.measures);
    own && scenarios(of) == scenarios(to) && servers(of) == servers(to)
}

fn series(index: usize, of: &Plan, to: &Plan) -> Option<usize> {
    let names = |plan: &Plan, index: usize| {
        let series = plan.series.get(index)?;
        let scenario = plan.scenarios.get(series.scenario)?.name.clone();
        Some((scenario, plan.flows.get(series.flow)?.name.clone(), series.step.clone(), series.kind.clone()))
    };
    let wanted = names(of, index)?;
    (0..to.series.len()).find(|index| names(to, *index).as_ref() == Some(&wanted))
}
