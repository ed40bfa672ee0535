//! A comparison of runs as a report of its own.

use serde::Serialize;

use super::clean::clean;
use super::view::{ComparisonView, RUNGS, Reading, ToolView, curve};
use super::{Format, RenderError, Style, Template, chart, json, templates};
use crate::record::{Distribution, Time};
use crate::results::{Results, Window};
use crate::verdict::compare::{Change, Comparison};

/// Version of what templates see of a comparison: it changes when a field changes its
/// meaning or goes.
const VERSION: u32 = 1;

/// Names of its charts.
const CHARTS: [&str; 1] = ["percentiles"];

/// A comparison, to be rendered.
#[derive(Clone, Debug)]
pub struct ComparisonReport<'a> {
    comparison: &'a Comparison,
    view: ComparisonPage,
}

/// What templates see of a comparison that was made for itself.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ComparisonPage {
    /// [`VERSION`].
    view: u32,
    /// What made the comparison.
    tool: ToolView,
    /// The name of the scenario file, without its ending.
    name: String,
    /// The exit code of the program.
    exit_code: u8,
    /// What became of it.
    comparison: ComparisonView,
    /// Latency of both sides at some percentiles, from low to high. Empty where the sides
    /// cannot be compared.
    percentiles: Vec<Percentile>,
    /// Latency of both sides from the fastest request to the slowest.
    curves: Sides,
}

/// Latency of both sides at one percentile: that of all runs of a side together.
#[derive(Clone, Debug, Serialize)]
struct Percentile {
    /// The percentile, such as `p99.9`.
    name: &'static str,
    /// Of the old side.
    old: Reading,
    /// Of the new side.
    new: Reading,
}

/// Percentiles of latency of all runs of a side together, as far as there are samples for
/// them: successes of the measured time. Empty where the sides cannot be compared.
#[derive(Clone, Debug, Default, Serialize)]
struct Sides {
    /// Pairs of a percentile and latency in nanoseconds.
    old: Vec<(f64, f64)>,
    /// The same of the new side.
    new: Vec<(f64, f64)>,
}

impl templates::Subject for ComparisonPage {
    fn charts(&self) -> Vec<&str> {
        CHARTS.to_vec()
    }

    fn chart(&self, name: &str) -> Option<String> {
        CHARTS.contains(&name).then(|| chart::overlay(&self.curves.old, &self.curves.new))
    }
}

impl<'a> ComparisonReport<'a> {
    /// A comparison of `old` with `new`, for which the program exits with `code`.
    #[must_use]
    pub fn new(comparison: &'a Comparison, old: &[Results], new: &[Results], code: u8) -> ComparisonReport<'a> {
        let run = new.first().or(old.first());
        let (percentiles, curves) = match comparison.outcome {
            Change::NotComparable => (Vec::new(), Sides::default()),
            _ => both(&latency(old), &latency(new)),
        };
        let view = ComparisonPage {
            view: VERSION,
            tool: ToolView::this(),
            name: run.map(|run| clean(&run.plan.name)).unwrap_or_default(),
            exit_code: code,
            comparison: ComparisonView::new(comparison),
            percentiles,
            curves,
        };
        ComparisonReport { comparison, view }
    }

    /// Renders it in a built-in format. JUnit has a test case for each metric, CSV a row;
    /// JSON is the comparison itself.
    ///
    /// # Errors
    /// [`RenderError`] only if a built-in template is wrong.
    pub fn render(&self, format: Format, style: Style) -> Result<String, RenderError> {
        let name = match format {
            Format::Html => "compare.html.j2",
            Format::Markdown => "compare.md.j2",
            Format::Junit => "compare.xml.j2",
            Format::Text => "compare.txt.j2",
            Format::Csv => "compare.csv.j2",
            Format::Json => return Ok(json(self.comparison)),
        };
        templates::render(self.view.clone(), name, &[], style)
    }

    /// Renders it by a template of the user's own.
    ///
    /// # Errors
    /// [`RenderError`] when the template has a mistake or names what the view does not
    /// have.
    pub fn render_template(&self, template: &Template) -> Result<String, RenderError> {
        template.render(self.view.clone())
    }

    #[cfg(test)]
    pub(super) fn view(&self) -> &impl Serialize {
        &self.view
    }
}

/// Both sides at some percentiles and in whole.
fn both(old: &Distribution, new: &Distribution) -> (Vec<Percentile>, Sides) {
    let at = |(name, percentile)| Percentile {
        name,
        old: Reading::percentile(old, percentile),
        new: Reading::percentile(new, percentile),
    };
    (RUNGS.map(at).into(), Sides { old: curve(old), new: curve(new) })
}

/// Latency of all requests of several runs.
fn latency(runs: &[Results]) -> Distribution {
    let mut sum = Distribution::new();
    runs.iter().for_each(|run| sum.add(&run.times(&run.everything(), Time::Latency, Window::Whole)));
    sum
}
